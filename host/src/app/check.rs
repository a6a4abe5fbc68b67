//! Implements `cordboard check`. `cordboard doctor` runs the same checks.

use std::path::Path;

use cordboard_agents::{
    StartError, check_program,
    process::{self, Environment},
};
use cordboard_core::{access_entries::AccessEntries, config::SecretSource, messages};
use cordboard_runtime::Health;
use cordboard_store::OpenError;

use super::{
    AppError,
    inspect::{activate_all, block_on, print_text},
    load, own_files, status_page,
    telegram::{ConfiguredBot, check_different_bots},
};
use crate::{
    cli::{Paths, ResolvedPaths},
    hub::LiveConfig,
    logging,
    standard_plugins::{NO_STANDARD, STANDARD},
};

/// Checks the configuration, the bot's token, the secrets, the agents and the plugins: `cordboard check`.
///
/// # Errors
/// The check found problems, which are listed in the error, or the check could not be completed.
pub fn check(paths: &Paths) -> Result<(), AppError> {
    logging::start("error");
    let problems = run_checks(&paths.resolve()?)?;
    if problems.is_empty() { Ok(()) } else { Err(AppError::Problems(problems.join("\n"))) }
}

/// Runs the checks, prints a line for each result, and returns the problems.
///
/// # Errors
/// The configuration is invalid, or a check could not be completed.
pub(super) fn run_checks(paths: &ResolvedPaths) -> Result<Vec<String>, AppError> {
    // An invalid configuration is one of the problems that this command reports, so the exit code is 1. Commands that
    // need a valid configuration exit with 2.
    let config = load(paths).map_err(|error| AppError::Problems(error.to_string()))?;
    let config = LiveConfig::new(config);
    let source =
        paths.config.as_ref().map_or_else(|| "built-in defaults".to_owned(), |path| path.display().to_string());
    print_row("configuration", "ok", &source)?;
    let mut problems = Vec::new();
    problems.extend(check_tokens(paths, &config)?);
    check_access(paths, &config)?;
    problems.extend(check_secrets(&config)?);
    problems.extend(status_page::check_token(paths, &config.now().status)?);
    problems.extend(check_agents(&config)?);
    problems.extend(check_voice(&config)?);
    block_on(async {
        let (registry, rejected) = activate_all(paths, &config).await?;
        for status in registry.snapshot().statuses() {
            let rejection = rejected.iter().find(|(name, _)| *name == status.name);
            let verdict = match rejection {
                Some(_) if status.health == Health::Ok => Health::Rejected.as_str(),
                Some(_) => status.health.as_str(),
                None if [Health::Absent, Health::NoWebhookAuth].contains(&status.health) => status.health.as_str(),
                None => "ok",
            };
            print_row("plugin", verdict, &status.name)?;
            if status.health == Health::NoWebhookAuth {
                problems.push(format!("plugin '{}': {}", status.name, status.note));
            }
        }
        problems.extend(rejected.iter().map(|(name, why)| format!("plugin '{name}': {}", why)));
        let policy = &config.now().plugins.lifecycle;
        if !STANDARD.is_empty() && !registry.snapshot().has_lifecycle(policy) {
            problems.push(format!("[plugins] lifecycle = \"{policy}\": no plugin of that name exports lifecycle"));
        }
        for filter in config.now().plugins.filters.iter().filter(|name| !registry.snapshot().has_filter(name)) {
            problems.push(format!("[plugins] filters: no plugin named \"{filter}\" exports filter"));
        }
        let policy = &config.now().requests.approval;
        if !STANDARD.is_empty() && !registry.snapshot().has_approval(policy) {
            problems.push(format!("[requests] approval = \"{policy}\": no plugin of that name exports approval"));
        }
        if STANDARD.is_empty() {
            problems.push(NO_STANDARD.to_owned());
        }
        Ok(problems)
    })
}

/// Prints the result of a check.
pub(super) fn print_row(what: &str, verdict: &str, detail: &str) -> Result<(), AppError> {
    print_text(&format!("{what:<14} {verdict}  {detail}\n"))
}

/// Checks that each bot's token can be read and that no two tokens belong to the same bot.
fn check_tokens(paths: &ResolvedPaths, config: &LiveConfig) -> Result<Vec<String>, AppError> {
    let now = config.now();
    let (mut problems, mut ids) = (Vec::new(), Vec::new());
    for (table, telegram) in now.telegram_bots() {
        let Some(file) = own_files::token_file(paths, &table, telegram) else { continue };
        let checked = cordboard_telegram::check_token(&file);
        let verdict = if checked.is_ok() { "ok" } else { "invalid" };
        print_row("token", verdict, &file.display().to_string())?;
        match checked {
            Ok(id) => ids.push(ConfiguredBot { table, id }),
            Err(error) => problems.push(format!("failed to {error}")),
        }
    }
    problems.extend(check_different_bots(&ids).err().map(|error| error.to_string()));
    Ok(problems)
}

/// Reports whether each secret can be read, without printing its value. systemd credentials exist only in processes
/// that systemd starts, so elsewhere their state is unknown.
fn check_secrets(config: &LiveConfig) -> Result<Vec<String>, AppError> {
    let has_credentials = std::env::var_os("CREDENTIALS_DIRECTORY").is_some();
    let mut problems = Vec::new();
    for (name, source) in &config.now().secrets {
        let verdict = if matches!(source, SecretSource::Credential(_)) && !has_credentials {
            "unknown"
        } else if let Err(why) = cordboard_runtime::read_secret(name, source) {
            problems.push(format!("[secrets] {name}: {why}"));
            "invalid"
        } else {
            "ok"
        };
        print_row("secret", verdict, name)?;
    }
    Ok(problems)
}

/// Reports whether each agent's program can be found and its sandbox can be created. A missing program is a problem
/// only for the default agent, because the other agents may not be needed. A sandbox that can't be created is always a
/// problem.
fn check_agents(config: &LiveConfig) -> Result<Vec<String>, AppError> {
    let environment = Environment::read();
    let agents = &config.now().agents;
    let mut problems = Vec::new();
    for (name, agent) in &agents.by_name {
        // A relative path is resolved against the session folder. This command has no session, so it can't check the
        // path.
        let relative = agent
            .command
            .as_ref()
            .map(Path::new)
            .is_some_and(|path| path.is_relative() && path.components().count() > 1);
        let found = if relative { Ok(()) } else { check_program(agent, &environment, Path::new("/")) };
        let verdict = match &found {
            Ok(()) => "ok",
            Err(StartError::Sandbox(_)) => "no sandbox",
            Err(StartError::NoProgram(_) | StartError::NoCommand | StartError::Spawn(_)) => "missing",
        };
        print_row("agent", verdict, name)?;
        match found {
            Err(error) if *name == agents.default => {
                problems.push(format!("[agents] default = \"{name}\": failed to {error}"));
            }
            Err(error @ StartError::Sandbox(_)) => problems.push(format!("[agents.{name}]: failed to {error}")),
            Ok(()) | Err(StartError::NoProgram(_) | StartError::NoCommand | StartError::Spawn(_)) => {}
        }
    }
    Ok(problems)
}

/// Reports whether the program that transcribes voice messages can be found.
fn check_voice(config: &LiveConfig) -> Result<Option<String>, AppError> {
    let Some(command) = &config.now().voice.command else { return Ok(None) };
    let found = process::locate(Path::new(&command.program), &Environment::read().not_secret(), Path::new("/"));
    let verdict = if found.is_ok() { "ok" } else { "missing" };
    print_row("voice", verdict, &command.program)?;
    Ok(found.err().map(|error| format!("[voice] command: failed to {error}")))
}

/// Warns if there is a bot, but no user has access.
fn check_access(paths: &ResolvedPaths, config: &LiveConfig) -> Result<(), AppError> {
    if config.now().telegram_bots().next().is_none() {
        return Ok(());
    }
    let people = match cordboard_store::read_only(&paths.state) {
        Ok(contents) => contents.people,
        // The next start migrates the database. Until then, its entries can't be read.
        Err(OpenError::Older { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let access = AccessEntries { configured: &config.now().access, stored: &people }.effective();
    if access.has_users() {
        return Ok(());
    }
    print_row("access", "none", messages::access::NO_USER)
}
