//! `/help` lists commands, and `/plugins` lists and manages plugins. The host checks the caller's rights.

mod german;

use cordboard_plugin::{
    Call, Command, Reply, Timestamp,
    catalog::{self, Plugin},
    command::Spec,
    context, plugin_control as control,
    text::{self, ago, code, escape},
    tr,
};

/// The number of digest characters to show: enough to identify a version.
const SHOWN_DIGEST: usize = 12;

/// The arguments of `/plugins`.
const USAGE: &str = "/plugins [rollback|reload|disable|enable|revoke <name>] [grant|refuse <name> <digest>]";

/// The short usage for the command list. The host shows the approval commands when they apply.
const SHORT_USAGE: &str = "/plugins [rollback|reload|disable|enable <name>]";

struct Help;

impl Command for Help {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![
            Spec::new("help", &tr!("List the commands"), "/help"),
            Spec::new("plugins", &tr!("List and manage the plugins"), SHORT_USAGE).min_role("admin"),
        ])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        match (call.command.as_str(), call.args.as_slice()) {
            ("plugins", []) => Ok(plugins(catalog::plugins(), context::now())),
            ("plugins", [verb, names @ ..]) => manage(verb, names),
            _ => Ok(help(catalog::commands())),
        }
    }
}

/// Runs a subcommand of `/plugins` and returns the host's answer.
fn manage(verb: &str, names: &[String]) -> Result<Reply, String> {
    let verb = verb.to_lowercase();
    let outcome = match (verb.as_str(), names) {
        ("rollback", [name]) => control::rollback(name),
        ("reload", [name]) => control::reload(name),
        ("disable", [name]) => control::disable(name),
        ("enable", [name]) => control::enable(name),
        ("revoke", [name]) => control::revoke(name),
        ("grant", [name, digest]) => control::grant(name, digest),
        ("refuse", [name, digest]) => control::refuse(name, digest),
        (verb, _) => return Ok(Reply::plain(&usage_of(verb))),
    };
    Ok(Reply::plain(&outcome?))
}

fn usage_of(verb: &str) -> String {
    match verb {
        "rollback" | "reload" | "disable" | "enable" | "revoke" => text::usage(&format!("/plugins {verb} <name>")),
        "grant" | "refuse" => text::usage(&format!("/plugins {verb} <name> <digest>")),
        other => {
            let near = VERBS.iter().find(|verb| is_near(other, verb));
            let near =
                near.map_or_else(String::new, |near| tr!("Did you mean /plugins {command}?", command = near) + "\n");
            near + &text::usage(USAGE)
        }
    }
}

const VERBS: [&str; 7] = ["rollback", "reload", "disable", "enable", "grant", "refuse", "revoke"];

/// Returns whether the user may have meant `word`: the typed text is a prefix of `word` (at least three letters), has
/// one letter more or less, or differs from `word` in up to two letters.
fn is_near(typed: &str, word: &str) -> bool {
    let one_off = |long: &str, short: &str| {
        let same = long.bytes().zip(short.bytes()).take_while(|(one, other)| one == other).count();
        long.len() == short.len() + 1 && long.as_bytes()[same + 1..] == short.as_bytes()[same..]
    };
    let other_letters = typed.bytes().zip(word.bytes()).filter(|(one, other)| one != other).count();
    typed.len() >= 3 && word.starts_with(typed)
        || typed.len() == word.len() && other_letters <= 2
        || one_off(typed, word)
        || one_off(word, typed)
}

fn help(mut commands: Vec<catalog::Command>) -> Reply {
    commands.sort_by(|one, other| one.name.cmp(&other.name));
    let lines: Vec<_> =
        commands.iter().map(|command| format!("{} - {}", escape(&usage(command)), escape(&command.summary))).collect();
    Reply::text(format!("{}\n\n{}", lines.join("\n"), tr!("Anything else goes to the active session.")))
}

fn usage(command: &catalog::Command) -> String {
    if command.usage.is_empty() { format!("/{}", command.name) } else { command.usage.clone() }
}

fn plugins(mut plugins: Vec<Plugin>, now: Timestamp) -> Reply {
    if plugins.is_empty() {
        return Reply::plain(&tr!("No plugins."));
    }
    plugins.sort_by(|one, other| one.name.cmp(&other.name));
    let lines: Vec<_> = plugins.iter().map(|plugin| line(plugin, now)).collect();
    Reply::text(lines.join("\n"))
}

fn line(plugin: &Plugin, now: Timestamp) -> String {
    let digest: String = plugin.digest.chars().take(SHOWN_DIGEST).collect();
    let (name, health) = (code(&plugin.name), escape(&plugin.health));
    // A plugin without an active version has no digest, and a missing plugin has no time.
    let since = (plugin.since > 0).then(|| ago(now, plugin.since));
    let line = match (digest.is_empty(), since) {
        (true, None) => format!("{name} {health}"),
        (true, Some(since)) => format!("{name} {health} ({since})"),
        (false, since) => {
            let since = since.map_or_else(String::new, |since| format!(", {since}"));
            format!("{name} {health} - {digest}, {}{since}", tr!("generation {}", plugin.generation))
        }
    };
    if plugin.note.is_empty() { line } else { format!("{line}\n{}", escape(&plugin.note)) }
}

cordboard_plugin::export!(Help: command; german::GERMAN);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_listed_by_name() {
        let command = |name: &str, usage: &str| catalog::Command {
            name: name.into(),
            summary: format!("Does {name}"),
            usage: usage.into(),
            min_role: "member".into(),
            plugin: "p".into(),
        };
        let reply = help(vec![command("stop", ""), command("new", "/new <name> [persona]")]);
        assert_eq!(
            reply.text.replace('\\', ""),
            "/new <name> [persona] - Does new\n/stop - Does stop\n\nAnything else goes to the active session."
        );
    }

    #[test]
    fn a_plugin_shows_its_version_and_problem() {
        let plugin = Plugin {
            name: "echo".into(),
            digest: "0123456789abcdef".into(),
            generation: 3,
            since: 1,
            health: "ok".into(),
            note: "echo.wasm: no component".into(),
        };
        let never = Plugin {
            name: "clash".into(),
            digest: String::new(),
            generation: 0,
            health: "rejected".into(),
            ..plugin.clone()
        };
        let missing = Plugin { name: "policy".into(), since: 0, health: "missing".into(), ..never.clone() };
        let reply = plugins(vec![plugin, never, missing], 300_001);
        assert_eq!(
            reply.text,
            "`clash` rejected (5m ago)\necho.wasm: no component\n\
             `echo` ok - 0123456789ab, generation 3, 5m ago\necho.wasm: no component\n\
             `policy` missing\necho.wasm: no component"
        );
    }

    #[test]
    fn an_unknown_verb_suggests_the_nearest() {
        for (typed, meant) in [
            ("rol", "rollback"),
            ("relaod", "reload"),
            ("disabel", "disable"),
            ("gran", "grant"),
            ("revokee", "revoke"),
        ] {
            assert_eq!(usage_of(typed), format!("Did you mean /plugins {meant}?\nUsage: {USAGE}"), "{typed}");
        }
        for typed in ["", "x", "é", "dance"] {
            assert_eq!(usage_of(typed), format!("Usage: {USAGE}"), "{typed}");
        }
        assert_eq!(usage_of("grant"), "Usage: /plugins grant <name> <digest>");
        assert_eq!(usage_of("enable"), "Usage: /plugins enable <name>");
    }
}
