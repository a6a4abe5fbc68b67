//! The trial of a version: asks it for its offers, in an instance that can only read its configuration and context and
//! write to the log.

use std::sync::Arc;

use cordboard_core::{
    cron::Cron,
    render::{is_blank, is_one_line, one_line},
};

use super::{
    bindings::{
        command::{
            CommandPlugin,
            exports::cordboard::plugin::command::{Order, Spec},
        },
        persona::PersonaPlugin,
        schedule::{SchedulePlugin, exports::cordboard::plugin::schedule::Job},
        view::ViewPlugin,
    },
    call::{self, CallState},
    call_error::CallError,
    call_output::CallOutput,
    context::CallContext,
    engine::SharedEngine,
    error::PluginError,
    host_api::Choice,
    registry::{
        snapshot::{CallOrder, CommandSpec, Offers},
        version::PluginVersion,
    },
    untrusted::foreign,
};

/// The answers of the plugin, before names are checked.
#[derive(Default)]
struct Answers {
    specs: Vec<Spec>,
    personas: Vec<Choice>,
    modes: Vec<Choice>,
    jobs: Vec<Job>,
    /// An export with the wrong type. If set, the trial made no calls.
    misfit: Option<PluginError>,
}

/// Answers aren't scrubbed, because they are compared and shown in menus unchanged. A trial has no network through
/// which a secret could come back.
impl CallOutput for Answers {
    fn bytes(&self) -> usize {
        let specs = self.specs.iter().map(|spec| spec.name.len() + spec.summary.len() + spec.usage.len());
        let choices = self.personas.iter().chain(&self.modes).map(|one| one.name.len() + one.description.len());
        let jobs = self.jobs.iter().map(|job| job.name.len() + job.cron.len());
        specs.chain(choices).chain(jobs).sum()
    }

    fn scrubbed(self) -> Self {
        self
    }
}

pub async fn offers(engine: &SharedEngine, generation: &Arc<PluginVersion>) -> Result<Offers, PluginError> {
    let context = (CallContext::default(), None);
    let answers = call::run(engine, &generation.profile, context, |mut store| async move {
        let answers = ask(generation, &mut store).await;
        (store, answers)
    });
    let mut answers = answers.await.and_then(|answers| answers).map_err(|error| failed(generation, error))?;
    if let Some(misfit) = answers.misfit.take() {
        return Err(misfit);
    }
    let offers = Offers {
        commands: answers.specs.into_iter().map(spec).collect::<Result<_, _>>()?,
        personas: answers.personas,
        modes: answers.modes,
        jobs: answers.jobs.into_iter().map(job).collect::<Result<_, _>>()?,
    };
    check(&offers)?;
    Ok(offers)
}

fn failed(generation: &PluginVersion, error: CallError) -> PluginError {
    match error {
        CallError::Plugin(why) if generation.profile.config.as_ref() != NO_CONFIG => {
            PluginError::Misconfigured { plugin: generation.name.clone(), why: foreign(&why) }
        }
        CallError::Plugin(why) => PluginError::Trial(CallError::Plugin(foreign(&why))),
        error => PluginError::Trial(error),
    }
}

/// The configuration of a plugin that has none.
const NO_CONFIG: &str = "{}";

async fn ask(
    generation: &PluginVersion,
    store: &mut wasmtime::Store<CallState>,
) -> wasmtime::Result<Result<Answers, CallError>> {
    let mut answers = Answers::default();
    let exports = &generation.exports;
    let Some(pre) = exports.any() else { return Ok(Ok(answers)) };
    let instance = pre.instantiate_async(&mut *store).await?;
    answers.misfit = exports.check(&mut *store, &instance).err();
    if answers.misfit.is_some() {
        return Ok(Ok(answers));
    }
    if exports.command.is_some() {
        let guest = CommandPlugin::new(&mut *store, &instance)?;
        match guest.cordboard_plugin_command().call_specs(&mut *store).await? {
            Ok(specs) => answers.specs = specs,
            Err(why) => return Ok(Err(CallError::Plugin(why))),
        }
    }
    if exports.persona.is_some() {
        let guest = PersonaPlugin::new(&mut *store, &instance)?;
        match guest.cordboard_plugin_persona().call_summaries(&mut *store).await? {
            Ok(all) => {
                answers.personas = all.into_iter().map(|one| choice(one.name, &one.description)).collect();
            }
            Err(why) => return Ok(Err(CallError::Plugin(why))),
        }
    }
    if exports.view.is_some() {
        let guest = ViewPlugin::new(&mut *store, &instance)?;
        match guest.cordboard_plugin_view().call_modes(&mut *store).await? {
            Ok(all) => {
                answers.modes = all.into_iter().map(|one| choice(one.name, &one.description)).collect();
            }
            Err(why) => return Ok(Err(CallError::Plugin(why))),
        }
    }
    if exports.schedule.is_some() {
        let guest = SchedulePlugin::new(&mut *store, &instance)?;
        match guest.cordboard_plugin_schedule().call_jobs(&mut *store).await? {
            Ok(jobs) => answers.jobs = jobs,
            Err(why) => return Ok(Err(CallError::Plugin(why))),
        }
    }
    Ok(Ok(answers))
}

/// Shortens a description to one line. It isn't rejected, because its text may come from the operator's configuration.
fn choice(name: String, description: &str) -> Choice {
    let line = one_line(description, LONGEST_WORDS - 1);
    Choice { description: if is_blank(&line) { name.clone() } else { line }, name }
}

fn spec(spec: Spec) -> Result<CommandSpec, PluginError> {
    let min_role = match spec.min_role.as_str() {
        "" => cordboard_core::types::Role::Member,
        role => role
            .parse()
            .map_err(|_| PluginError::Role { command: foreign(&spec.name), role: foreign(&spec.min_role) })?,
    };
    let order = match spec.order {
        Order::InOrder => CallOrder::InOrder,
        Order::AtOnce => CallOrder::AtOnce,
    };
    Ok(CommandSpec { name: spec.name, summary: spec.summary, usage: spec.usage, min_role, order })
}

fn job(job: Job) -> Result<(String, Cron), PluginError> {
    match Cron::parse(&job.cron) {
        Ok(cron) => Ok((job.name, cron)),
        Err(why) => Err(PluginError::Cron { job: foreign(&job.name), cron: foreign(&job.cron), why }),
    }
}

/// Checks that names can be typed, that texts fit into menus, and that no name occurs twice.
fn check(offers: &Offers) -> Result<(), PluginError> {
    let commands = offers.commands.iter().map(|spec| ("command", &spec.name));
    let personas = offers.personas.iter().map(|choice| ("persona", &choice.name));
    let modes = offers.modes.iter().map(|choice| ("mode", &choice.name));
    let jobs = offers.jobs.iter().map(|(name, _)| ("job", name));
    if offers.jobs.len() > MOST_JOBS {
        return Err(PluginError::Jobs { most: MOST_JOBS });
    }
    if offers.commands.len() > MOST_COMMANDS {
        return Err(PluginError::Commands { most: MOST_COMMANDS });
    }
    let mut seen = std::collections::BTreeSet::new();
    for (kind, name) in commands.chain(personas).chain(modes).chain(jobs) {
        let fits = if kind == "command" { is_command_name(name) } else { is_choice_name(name) };
        if !fits {
            let rule = if kind == "command" { COMMAND_RULE } else { CHOICE_RULE };
            return Err(PluginError::OfferName { kind, what: format!("{:?}", foreign(name)), rule });
        }
        if !seen.insert((kind, name)) {
            return Err(PluginError::Twice { kind, what: name.clone() });
        }
    }
    for spec in &offers.commands {
        let of = || format!("command /{}", spec.name);
        check_words(of, ("summary", &spec.summary), Need::Some)?;
        check_words(of, ("usage", &spec.usage), Need::None)?;
        if !is_usage_of(&spec.name, &spec.usage) {
            return Err(PluginError::Usage { command: spec.name.clone(), usage: foreign(&spec.usage) });
        }
    }
    Ok(())
}

/// Whether `usage` is empty or starts with this command. Users copy the line, so it must not contain another command.
fn is_usage_of(command: &str, usage: &str) -> bool {
    let arguments = usage.strip_prefix('/').and_then(|line| line.strip_prefix(command));
    usage.is_empty() || arguments.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// Whether a text must not be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Some,
    None,
}

/// Checks a text that lists and menus show on one line. A text with line breaks or control characters could imitate the
/// host's own lines.
fn check_words(of: impl Fn() -> String, (what, words): (&'static str, &str), need: Need) -> Result<(), PluginError> {
    let least = match need {
        Need::Some => "1 to",
        Need::None => "at most",
    };
    let refused = |why| Err(PluginError::InvalidText { of: of(), what, why, least, most: LONGEST_WORDS });
    if !is_one_line(words) {
        refused("with line breaks, control characters or invisible characters")
    } else if words.chars().count() > LONGEST_WORDS {
        refused("that is too long")
    } else if need == Need::Some && is_blank(words) {
        refused("that is empty")
    } else {
        Ok(())
    }
}

/// The longest summary, usage or description, in characters. Telegram's menu accepts no longer ones.
const LONGEST_WORDS: usize = 256;

/// The size of Telegram's command menu, which all plugins share.
const MOST_COMMANDS: usize = 100;

const COMMAND_RULE: &str = "1 to 32 of a-z, 0-9 and '_'";
const CHOICE_RULE: &str = "1 to 64 letters, digits, '-' and '_'";

/// Whether chat menus accept the name.
fn is_command_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=32).contains(&name.len()) && name.bytes().all(fits)
}

/// The most jobs of a plugin. All jobs are checked whenever one is due. A plugin with more work at fixed times keeps
/// its own list.
const MOST_JOBS: usize = 64;

/// Whether the name can be typed as an argument of a command.
fn is_choice_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_must_begin_with_its_command() {
        for usage in ["", "/new", "/new <name> [persona]", "/new  x"] {
            assert!(is_usage_of("new", usage), "{usage:?}");
        }
        for usage in
            ["/plugins grant new 0", "/news", "/new@bot", "new <name>", "<name>", " /new", "//new", "/New", "/"]
        {
            assert!(!is_usage_of("new", usage), "{usage:?}");
        }
    }

    #[test]
    fn descriptions_of_choices_are_one_line() {
        let long = "d".repeat(LONGEST_WORDS + 1);
        let cut = format!("{}…", "d".repeat(LONGEST_WORDS - 1));
        for (description, shown) in [
            ("Thinks twice", "Thinks twice"),
            ("", "quiet"),
            (" \u{feff}", "quiet"),
            ("\u{2800}\u{200d}", "quiet"),
            ("a\nPlugin 'x' is granted all.", "a Plugin 'x' is granted all."),
            ("gran\u{200b}ted \u{202e}b", "granted b"),
            (long.as_str(), cut.as_str()),
        ] {
            let choice = choice("quiet".to_owned(), description);
            assert_eq!((choice.name.as_str(), choice.description.as_str()), ("quiet", shown), "{description:?}");
        }
    }
}
