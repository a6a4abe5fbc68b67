//! `/help` and `/plugins`: what is plugged in now. It must never know a command or a plugin by itself: it lists what the
//! host tells.

use cordboard_plugin::{
    Call, Command, Instant, Reply,
    catalog::{self, Plugin},
    command::Spec,
    context,
    text::{ago, code, escape},
};

/// Characters of a digest that tell one version from another.
const DIGEST: usize = 8;

struct Help;

impl Command for Help {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![
            Spec::new("help", "List the commands", "/help"),
            Spec::new("plugins", "List the plugins", "/plugins").least_role("admin"),
        ])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        Ok(match call.command.as_str() {
            "plugins" => plugins(catalog::plugins(), context::now()),
            _ => help(catalog::commands()),
        })
    }
}

fn help(mut commands: Vec<catalog::Command>) -> Reply {
    commands.sort_by(|one, other| one.name.cmp(&other.name));
    let lines: Vec<_> =
        commands.iter().map(|command| format!("{} - {}", escape(&usage(command)), escape(&command.summary))).collect();
    Reply::text(format!("{}\n\nAnything else goes to the active session.", lines.join("\n")))
}

fn usage(command: &catalog::Command) -> String {
    if command.usage.is_empty() { format!("/{}", command.name) } else { command.usage.clone() }
}

fn plugins(mut plugins: Vec<Plugin>, now: Instant) -> Reply {
    if plugins.is_empty() {
        return Reply::plain("No plugins.");
    }
    plugins.sort_by(|one, other| one.name.cmp(&other.name));
    let lines: Vec<_> = plugins.iter().map(|plugin| line(plugin, now)).collect();
    Reply::text(lines.join("\n"))
}

fn line(plugin: &Plugin, now: Instant) -> String {
    let digest: String = plugin.digest.trim_start_matches("sha256:").chars().take(DIGEST).collect();
    let (name, health, since) = (code(&plugin.name), escape(&plugin.health), ago(now, plugin.since));
    // What was never let in has no version to name.
    let version =
        if digest.is_empty() { String::new() } else { format!("{digest}, generation {}, ", plugin.generation) };
    let line = format!("{name} {health} - {version}{since}");
    if plugin.note.is_empty() { line } else { format!("{line}\n{}", escape(&plugin.note)) }
}

cordboard_plugin::export!(Help: command);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_listed_by_name() {
        let command = |name: &str, usage: &str| catalog::Command {
            name: name.into(),
            summary: format!("Does {name}"),
            usage: usage.into(),
            least_role: "member".into(),
            plugin: "p".into(),
        };
        let reply = help(vec![command("stop", ""), command("new", "/new <name> [persona]")]);
        assert_eq!(
            reply.text.replace('\\', ""),
            "/new <name> [persona] - Does new\n/stop - Does stop\n\nAnything else goes to the active session."
        );
    }

    #[test]
    fn a_plugin_shows_its_version_and_what_ails_it() {
        let plugin = Plugin {
            name: "echo".into(),
            digest: "sha256:0123456789abcdef".into(),
            generation: 3,
            since: 0,
            health: "serving".into(),
            note: "echo.wasm: no component".into(),
        };
        let never = Plugin {
            name: "clash".into(),
            digest: String::new(),
            generation: 0,
            health: "refused".into(),
            ..plugin.clone()
        };
        let reply = plugins(vec![plugin, never], 300_000);
        assert_eq!(
            reply.text,
            "`clash` refused - 5m ago\necho.wasm: no component\n\
             `echo` serving - 01234567, generation 3, 5m ago\necho.wasm: no component"
        );
    }
}
