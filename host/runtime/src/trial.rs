//! The trial of a version: asks it for its offers, in an instance that can only read its configuration and context and
//! write to the log.

use std::collections::{BTreeMap, BTreeSet};

use cordboard_core::{
    capability::Capability,
    cron::Cron,
    language::{Language, with_language},
    render::{is_blank, is_one_line, one_line},
    types::{FilterInput, Role},
};

use super::{
    bindings::{
        catalog::Choice,
        command::{
            CommandPlugin,
            exports::cordboard::plugin::command::{Order, Spec},
        },
        filter::FilterPlugin,
        persona::PersonaPlugin,
        schedule::{SchedulePlugin, exports::cordboard::plugin::schedule::Job},
        view::ViewPlugin,
    },
    call::{self, CallEnvironment, CallState},
    call_error::CallError,
    call_output::CallOutput,
    engine::SharedEngine,
    error::PluginError,
    registry::{
        snapshot::{CallOrder, CommandSpec, Offers},
        version::PluginVersion,
    },
    untrusted_text::shorten,
};

/// The commands, personas, modes, jobs and filtered message kinds that the plugin reports, before they are checked.
#[derive(Default)]
struct TrialAnswers {
    specs: Vec<Spec>,
    personas: Vec<Choice>,
    modes: Vec<Choice>,
    filter_kinds: Vec<String>,
    jobs: Vec<Job>,
    /// The error for an export with the wrong type. If it is set, the trial didn't call any functions.
    mismatch: Option<PluginError>,
}

/// Results are not scrubbed: the host couldn't look up an offer by a scrubbed name, and a trial has no access to
/// secrets that could leak.
impl CallOutput for TrialAnswers {
    fn bytes(&self) -> usize {
        let specs = self.specs.iter().map(|spec| spec.name.len() + spec.summary.len() + spec.usage.len());
        let choices = self.personas.iter().chain(&self.modes).map(|one| one.name.len() + one.description.len());
        let jobs = self.jobs.iter().map(|job| job.name.len() + job.cron.len());
        let kinds = self.filter_kinds.iter().map(String::len);
        specs.chain(choices).chain(jobs).chain(kinds).sum()
    }

    fn scrubbed(self) -> Self {
        self
    }
}

pub async fn offers(engine: &SharedEngine, version: &PluginVersion) -> Result<Offers, PluginError> {
    let mut offers = offers_in(engine, version, None).await?;
    // The texts of a plugin that can't read its locale are the same in each language.
    if version.uses(Capability::Context) {
        for language in Language::ALL.into_iter().filter(|language| *language != Language::English) {
            match offers_in(engine, version, Some(language)).await {
                Ok(translated) => offers.translate(language, translated),
                Err(error) => {
                    tracing::warn!(plugin = version.name, language = language.tag(), %error, "failed to translate a plugin's offers: showing them in English");
                }
            }
        }
    }
    Ok(offers)
}

/// Asks the version for its offers, with the texts in this language.
async fn offers_in(
    engine: &SharedEngine,
    version: &PluginVersion,
    language: Option<Language>,
) -> Result<Offers, PluginError> {
    let environment = with_language(language, CallEnvironment::without_host);
    let answers = call::run(engine, &version.call_settings, environment, |mut store| async move {
        let answers = ask(version, &mut store).await;
        (store, answers)
    });
    let mut answers = answers.await.and_then(|answers| answers).map_err(|error| trial_error(version, error))?;
    if let Some(mismatch) = answers.mismatch.take() {
        return Err(mismatch);
    }
    let offers = Offers {
        commands: answers.specs.into_iter().map(spec).collect::<Result<_, _>>()?,
        personas: answers.personas,
        modes: answers.modes,
        filter_kinds: answers.filter_kinds,
        jobs: answers.jobs.into_iter().map(job).collect::<Result<_, _>>()?,
        translations: BTreeMap::new(),
    };
    check(&offers)?;
    Ok(offers)
}

fn trial_error(version: &PluginVersion, error: CallError) -> PluginError {
    let CallError::Plugin(why) = error else { return PluginError::Trial(error) };
    let why = shorten(&why);
    if version.call_settings.config.as_ref() == NO_CONFIG {
        PluginError::Trial(CallError::Plugin(why))
    } else {
        PluginError::Misconfigured { plugin: version.name.clone(), why }
    }
}

/// The JSON of an empty or missing `[plugins.NAME.config]`.
const NO_CONFIG: &str = "{}";

async fn ask(
    version: &PluginVersion,
    store: &mut wasmtime::Store<CallState>,
) -> wasmtime::Result<Result<TrialAnswers, CallError>> {
    let mut answers = TrialAnswers::default();
    let exports = &version.exports;
    let Some(pre) = exports.any() else { return Ok(Ok(answers)) };
    let instance = pre.instantiate_async(&mut *store).await?;
    answers.mismatch = exports.check(&mut *store, &instance).err();
    if answers.mismatch.is_some() {
        return Ok(Ok(answers));
    }
    // Calls one function of an export, or returns an empty list if the component lacks the export.
    macro_rules! ask {
        ($export:ident, $plugin:ident, $interface:ident, $function:ident) => {
            if exports.$export.is_some() {
                let guest = $plugin::new(&mut *store, &instance)?;
                match guest.$interface().$function(&mut *store).await? {
                    Ok(answer) => answer,
                    Err(why) => return Ok(Err(CallError::Plugin(why))),
                }
            } else {
                Vec::new()
            }
        };
    }
    answers.specs = ask!(command, CommandPlugin, cordboard_plugin_command, call_specs);
    let personas = ask!(persona, PersonaPlugin, cordboard_plugin_persona, call_summaries);
    answers.personas = personas.into_iter().map(|one| choice(one.name, &one.description)).collect();
    let modes = ask!(view, ViewPlugin, cordboard_plugin_view, call_modes);
    answers.modes = modes.into_iter().map(|one| choice(one.name, &one.description)).collect();
    answers.filter_kinds = ask!(filter, FilterPlugin, cordboard_plugin_filter, call_kinds);
    answers.jobs = ask!(schedule, SchedulePlugin, cordboard_plugin_schedule, call_jobs);
    Ok(Ok(answers))
}

/// Shortens the description to one line, and replaces a blank one with the name. A long description isn't rejected,
/// because its text may come from the operator's configuration.
fn choice(name: String, description: &str) -> Choice {
    let line = one_line(description, MAX_TEXT - 1);
    Choice { description: if is_blank(&line) { name.clone() } else { line }, name }
}

fn spec(spec: Spec) -> Result<CommandSpec, PluginError> {
    let min_role = match spec.min_role.as_str() {
        "" => Role::Member,
        role => role
            .parse()
            .map_err(|_| PluginError::Role { command: shorten(&spec.name), role: shorten(&spec.min_role) })?,
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
        Err(why) => Err(PluginError::Cron { job: shorten(&job.name), cron: shorten(&job.cron), why }),
    }
}

/// Checks that there aren't too many commands or jobs, that names can be typed, that the texts of commands fit into
/// menus, that a usage starts with its command, that no name occurs twice, and that the kinds of a filter are known.
fn check(offers: &Offers) -> Result<(), PluginError> {
    if offers.jobs.len() > MAX_JOBS {
        return Err(PluginError::Jobs { most: MAX_JOBS });
    }
    if offers.commands.len() > MAX_COMMANDS {
        return Err(PluginError::Commands { most: MAX_COMMANDS });
    }
    let jobs = offers.jobs.iter().map(|(name, _)| ("job", name.as_str()));
    let mut seen = BTreeSet::new();
    for (kind, name) in offers.unique_names().chain(jobs) {
        let (is_valid, rule) = match kind {
            "command" => (is_command_name(name), COMMAND_RULE),
            _ => (is_choice_name(name), CHOICE_RULE),
        };
        if !is_valid {
            return Err(PluginError::OfferName { kind, what: format!("{:?}", shorten(name)), rule });
        }
        if !seen.insert((kind, name)) {
            return Err(PluginError::Twice { kind, what: name.to_owned() });
        }
    }
    if let Some(kind) = offers.filter_kinds.iter().find(|kind| !FilterInput::KINDS.contains(&kind.as_str())) {
        return Err(PluginError::FilterKind { kind: shorten(kind) });
    }
    for CommandSpec { name, summary, usage, .. } in &offers.commands {
        check_text(name, "summary", summary, Presence::Required)?;
        check_text(name, "usage", usage, Presence::Optional)?;
        if !is_usage_of(name, usage) {
            return Err(PluginError::Usage { command: name.clone(), usage: shorten(usage) });
        }
    }
    Ok(())
}

/// Returns whether `usage` is empty or starts with this command. Users copy the usage, so it must not run another
/// command.
fn is_usage_of(command: &str, usage: &str) -> bool {
    let arguments = usage.strip_prefix('/').and_then(|line| line.strip_prefix(command));
    usage.is_empty() || arguments.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

/// Checks a text that lists and menus show on one line. A text with line breaks or control characters could imitate the
/// host's own lines.
fn check_text(command: &str, what: &'static str, text: &str, presence: Presence) -> Result<(), PluginError> {
    let least = match presence {
        Presence::Required => "1 to",
        Presence::Optional => "at most",
    };
    let refused =
        |why| Err(PluginError::InvalidText { of: format!("command /{command}"), what, why, least, most: MAX_TEXT });
    if !is_one_line(text) {
        refused("with line breaks, control characters or invisible characters")
    } else if text.chars().count() > MAX_TEXT {
        refused("that is too long")
    } else if presence == Presence::Required && is_blank(text) {
        refused("that is empty")
    } else {
        Ok(())
    }
}

/// The maximum length of a summary, usage or description, in characters. Telegram's command menu rejects longer
/// descriptions.
const MAX_TEXT: usize = 256;

/// The maximum number of commands of a plugin. Telegram's command menu, which all plugins share, can't have more
/// entries.
const MAX_COMMANDS: usize = 100;

const COMMAND_RULE: &str = "1 to 32 of a-z, 0-9 and '_'";
const CHOICE_RULE: &str = "1 to 64 letters, digits, '-' and '_'";

/// Returns whether Telegram's command menu accepts the name.
fn is_command_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=32).contains(&name.len()) && name.bytes().all(fits)
}

/// The maximum number of jobs of a plugin. All jobs are checked whenever one is due. A plugin that needs more can do
/// several tasks in one job.
const MAX_JOBS: usize = 64;

/// Returns whether the name can be typed as a command argument.
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
        let long = "d".repeat(MAX_TEXT + 1);
        let cut = format!("{}…", "d".repeat(MAX_TEXT - 1));
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
