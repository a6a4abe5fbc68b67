//! Implements the read-only commands: `check`, `sessions`, `plugins`, `requests`, `access`, `audit`, `outbox` and
//! `usage`. `sessions`, `plugins` and `requests` query a running host; `access`, `audit`, `outbox` and `usage` always
//! read the store. If no host is running, `sessions` and `plugins` read the configuration, the store and the plugin
//! files instead, and `requests` lists nothing.

use std::{collections::HashMap, path::Path, sync::Arc};

use cordboard_agents::{
    StartError, check_program,
    process::{self, Environment},
};
use cordboard_core::{
    access_entries::{AccessEntries, ListedPerson},
    config::{SecretSource, Telegram},
    messages, scrub,
    session::Machine,
    types::SessionRecord,
};
use cordboard_runtime::{Health, Registry};
use cordboard_store::{Decisions, OpenError, StoreSnapshot};

use super::{
    AppError, load, named_plugin_folder, own_files, plugin_folder, status_page,
    telegram::{BotId, check_different_bots},
};
use crate::{
    cli::{Audit, Listing, Paths, ResolvedPaths, Usage},
    clock::Clock,
    control::{self, ControlAnswer, ControlQuery, PersonRow, PluginRow, SessionRow},
    hub::{self, LiveConfig, RestoredInbox},
    listing, logging,
    rollout::{RejectedFile, Resources, Rollout},
    schedule::HostZone,
    session::SessionConfig,
    standard_plugins::{NO_STANDARD, STANDARD},
    stdout,
};

pub(super) fn block_on<T>(work: impl Future<Output = Result<T, AppError>>) -> Result<T, AppError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Checks the configuration, the bot's token, the secrets, the agents and the plugins: `cordboard check`.
///
/// # Errors
/// The check found problems, which are listed in the error, or the check could not be completed.
pub fn check(paths: &Paths) -> Result<(), AppError> {
    logging::start("error");
    let paths = paths.resolve()?;
    // An invalid configuration is one of the problems that this command reports, so the exit code is 1. Commands that
    // need a valid configuration exit with 2.
    let config = load(&paths).map_err(|error| AppError::Problems(error.to_string()))?;
    let config = LiveConfig::new(config);
    let source =
        paths.config.as_ref().map_or_else(|| "built-in defaults".to_owned(), |path| path.display().to_string());
    print_text(&format!("configuration  ok  {source}\n"))?;
    let mut problems = Vec::new();
    problems.extend(check_tokens(&paths, &config)?);
    problems.extend(check_secrets(&config)?);
    problems.extend(status_page::check_token(&paths, &config.now().status)?);
    problems.extend(check_agents(&config)?);
    problems.extend(check_voice(&config)?);
    block_on(async {
        let (registry, rejected) = activate_all(&paths, &config).await?;
        for status in registry.snapshot().statuses() {
            let rejection = rejected.iter().find(|(name, _)| *name == status.name);
            let verdict = match rejection {
                Some(_) if status.health == Health::Ok => Health::Rejected.as_str(),
                Some(_) => status.health.as_str(),
                None if [Health::Absent, Health::NoWebhookAuth].contains(&status.health) => status.health.as_str(),
                None => "ok",
            };
            print_text(&format!("plugin         {verdict}  {}\n", status.name))?;
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
        if problems.is_empty() { Ok(()) } else { Err(AppError::Problems(problems.join("\n"))) }
    })
}

/// Reports for each bot whether its token can be read.
fn check_tokens(paths: &ResolvedPaths, config: &LiveConfig) -> Result<Vec<String>, AppError> {
    let now = config.now();
    let (mut problems, mut ids) = (Vec::new(), Vec::new());
    for (table, telegram) in now.telegram_bots() {
        let Some(file) = own_files::token_file(paths, &table, telegram) else { continue };
        let checked = cordboard_telegram::check_token(&file);
        let verdict = if checked.is_ok() { "ok" } else { "invalid" };
        print_text(&format!("token          {verdict}  {}\n", file.display()))?;
        match checked {
            Ok(id) => ids.push(BotId { table, id }),
            Err(error) => problems.push(format!("failed to {error}")),
        }
    }
    problems.extend(check_different_bots(&ids).err().map(|error| error.to_string()));
    if now.telegram_bots().next().is_some() {
        check_access(paths, config)?;
    }
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
        print_text(&format!("secret         {verdict}  {name}\n"))?;
    }
    Ok(problems)
}

/// Reports whether each agent's program can be found and its sandbox can be created. A missing program is a problem
/// only for the default agent, because the other agents may not be needed. A sandbox that can't be created is always a
/// problem.
fn check_agents(config: &LiveConfig) -> Result<Option<String>, AppError> {
    let environment = Environment::read();
    let agents = &config.now().agents;
    let mut problem = None;
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
        print_text(&format!("agent          {verdict}  {name}\n"))?;
        problem = match found {
            Err(error) if *name == agents.default => Some(format!("[agents] default = \"{name}\": failed to {error}")),
            Err(error @ StartError::Sandbox(_)) => problem.or(Some(format!("[agents.{name}]: failed to {error}"))),
            Ok(()) | Err(StartError::NoProgram(_) | StartError::NoCommand | StartError::Spawn(_)) => problem,
        };
    }
    Ok(problem)
}

/// Reports whether the program that transcribes voice messages can be found.
fn check_voice(config: &LiveConfig) -> Result<Option<String>, AppError> {
    let Some(command) = &config.now().voice.command else { return Ok(None) };
    let found = process::locate(Path::new(&command.program), &Environment::read().not_secret(), Path::new("/"));
    let verdict = if found.is_ok() { "ok" } else { "missing" };
    print_text(&format!("voice          {verdict}  {}\n", command.program))?;
    Ok(found.err().map(|error| format!("[voice] command: failed to {error}")))
}

/// Activates all plugins, as the host does at startup.
async fn activate_all(
    paths: &ResolvedPaths,
    config: &LiveConfig,
) -> Result<(Arc<Registry>, Vec<RejectedFile>), AppError> {
    let folder = plugin_folder(paths, &config.now());
    if let Some(folder) = folder.as_deref().filter(|folder| folder.exists()) {
        cordboard_watch::check_private(folder)?;
    }
    if let Some(named) = named_plugin_folder(paths, &config.now()).filter(|named| !named.is_dir()) {
        let what = if named.exists() {
            "is a file: set it to the folder that contains the file"
        } else {
            "does not exist: create it, or use another one"
        };
        return Err(AppError::PluginFolder { path: named, what });
    }
    let registry = Arc::new(super::create_registry(paths, &config.now().plugins)?);
    let resources =
        Resources { registry: Arc::clone(&registry), folder, store: None, decisions: decisions(&paths.state)? };
    let settings = config.clone();
    let mut rollout = Rollout::new(resources, Arc::new(move |name: &str| settings.plugin(name)), Clock::system());
    let source = paths.config.as_ref();
    rollout.config_file = source.map(|path| path.display().to_string());
    let rejected = rollout.start().await;
    registry.set_lifecycle(&config.now().plugins.lifecycle).await;
    Ok((registry, rejected))
}

/// Returns the stored decisions about plugins. Returns no decisions if an older version of the host wrote the database.
fn decisions(state: &Path) -> Result<Decisions, AppError> {
    match cordboard_store::read_only(state) {
        Ok(contents) => Ok(contents.decisions),
        Err(OpenError::Older { .. }) => Ok(Decisions::default()),
        Err(error) => Err(error.into()),
    }
}

/// Lists the sessions: `cordboard sessions`.
///
/// # Errors
/// The running host does not respond, or no host is running and the configuration or the store cannot be read.
pub fn list_sessions(options: &Listing) -> Result<(), AppError> {
    logging::start("error");
    let paths = options.paths.resolve()?;
    let rows = block_on(async {
        match control::query(&paths.state, ControlQuery::Sessions).await? {
            Some(ControlAnswer::Sessions(rows)) => Ok(rows),
            Some(other) => Err(unexpected_answer(other)),
            None => stored_sessions(&paths),
        }
    })?;
    print(&rows, options.json, |rows| listing::sessions(rows, Clock::system().now()))
}

fn stored_sessions(paths: &ResolvedPaths) -> Result<Vec<SessionRow>, AppError> {
    let config = LiveConfig::new(load(paths)?);
    let contents = cordboard_store::read_only(&paths.state)?;
    let accepted = RestoredInbox::new(contents.inbox, &HashMap::new()).prompts;
    let row = |mut record: SessionRecord| {
        // No host is running, so the agent isn't doing background work, and the stored process id may belong to another
        // process.
        record.process = None;
        record.background.clear();
        record.terminal = record.terminal.filter(|terminal| process::is_running(&terminal.process));
        let settings = config.settings(&record);
        let waiting = accepted.get(&record.name).map_or(0, |past| past.queued.len());
        let row = SessionRow::from(&Machine::new(record, settings).view());
        SessionRow { queued: u32::try_from(waiting).unwrap_or(u32::MAX), ..row }
    };
    let mut rows: Vec<SessionRow> = contents.sessions.into_iter().map(row).collect();
    rows.sort_by(|a, b| b.last_active.cmp(&a.last_active).then_with(|| a.name.cmp(&b.name)));
    Ok(rows)
}

/// Lists the plugins: `cordboard plugins`.
///
/// # Errors
/// The running host does not respond, or no host is running and the configuration, the store or the plugins cannot be
/// read.
pub fn list_plugins(options: &Listing) -> Result<(), AppError> {
    logging::start("error");
    let paths = options.paths.resolve()?;
    let rows: Vec<PluginRow> = block_on(async {
        match control::query(&paths.state, ControlQuery::Plugins).await? {
            Some(ControlAnswer::Plugins(rows)) => Ok(rows),
            Some(other) => Err(unexpected_answer(other)),
            None => {
                let config = LiveConfig::new(load(&paths)?);
                let (registry, _) = activate_all(&paths, &config).await?;
                Ok(registry.snapshot().statuses().map(PluginRow::from).collect())
            }
        }
    })?;
    print(&rows, options.json, |rows| listing::plugins(rows, Clock::system().now()))
}

/// Lists agents' open questions: `cordboard requests`.
///
/// # Errors
/// The running host does not respond.
pub fn list_requests(options: &Listing) -> Result<(), AppError> {
    logging::start("error");
    let paths = options.paths.resolve()?;
    let rows = block_on(async {
        match control::query(&paths.state, ControlQuery::Requests).await? {
            Some(ControlAnswer::Requests(rows)) => Ok(rows),
            Some(other) => Err(unexpected_answer(other)),
            // Without a running host, no agent is waiting for an answer.
            None => Ok(Vec::new()),
        }
    })?;
    print(&rows, options.json, |rows| listing::requests(rows, Clock::system().now()))
}

/// Lists the people with access: `cordboard access`.
///
/// # Errors
/// The configuration or the store cannot be read.
pub fn list_access(options: &Listing) -> Result<(), AppError> {
    logging::start("error");
    let paths = options.paths.resolve()?;
    let config = load(&paths)?;
    let StoreSnapshot { people, names, .. } = cordboard_store::read_only(&paths.state)?;
    let listed = AccessEntries { configured: &config.access, stored: &people }.list();
    let row = |person: ListedPerson| PersonRow::new(&person, names.get(&person.user_id()));
    let rows: Vec<PersonRow> = listed.into_iter().map(row).collect();
    print(&rows, options.json, listing::access)
}

/// Warns if no user has access.
fn check_access(paths: &ResolvedPaths, config: &LiveConfig) -> Result<(), AppError> {
    let people = match cordboard_store::read_only(&paths.state) {
        Ok(contents) => contents.people,
        // The next start updates the database.
        Err(OpenError::Older { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let access = AccessEntries { configured: &config.now().access, stored: &people }.effective();
    if access.has_users() {
        return Ok(());
    }
    print_text(&format!("access         none  {}\n", messages::access::NO_USER))
}

/// Lists the decisions made on agents' requests: `cordboard audit`.
///
/// # Errors
/// The store cannot be read, or no host has used the state directory.
pub fn list_audit(options: &Audit) -> Result<(), AppError> {
    logging::start("error");
    let paths = options.listing.paths.resolve()?;
    read_secrets(&paths);
    let entries = cordboard_store::audit_log(&paths.state, options.session.as_ref())?;
    print(&entries, options.listing.json, listing::audit)
}

/// Reads the configured secrets and the bots' tokens, so that [`print_text`] removes them: an audit entry or a post may
/// contain a secret that was configured only later. If the configuration or a secret can't be read, the text is printed
/// anyway: the host already removed the secrets that it knew when it stored the text.
fn read_secrets(paths: &ResolvedPaths) {
    let Ok(config) = load(paths) else { return };
    hub::read_secrets(&config);
    let file = |(front_end, telegram): (String, &Telegram)| own_files::token_file(paths, &front_end, telegram);
    for file in config.telegram_bots().filter_map(file) {
        drop(cordboard_telegram::check_token(&file));
    }
}

/// Lists agent usage: `cordboard usage`.
///
/// # Errors
/// The date is invalid, or the store cannot be read.
pub fn list_usage(options: &Usage) -> Result<(), AppError> {
    logging::start("error");
    let paths = options.listing.paths.resolve()?;
    let zone = HostZone::new().current();
    let day = |text: &String| zone.parse_date(text).ok_or_else(|| AppError::Date(text.clone()));
    let since = options.since.as_ref().map(day).transpose()?.unwrap_or_default();
    let usage = cordboard_store::usage_log(&paths.state, since, options.session.as_ref())?;
    print(&usage, options.listing.json, listing::usage)
}

/// Lists unsent messages, and failed or degraded deliveries: `cordboard outbox`.
///
/// # Errors
/// The store cannot be read, or no host has used the state directory.
pub fn list_outbox(options: &Listing) -> Result<(), AppError> {
    logging::start("error");
    let paths = options.paths.resolve()?;
    read_secrets(&paths);
    let rows = control::post_rows(cordboard_store::outbox_report(&paths.state)?);
    print(&rows, options.json, |rows| listing::outbox(rows, Clock::system().now()))
}

pub(super) fn unexpected_answer(answer: ControlAnswer) -> AppError {
    match answer {
        ControlAnswer::Error(why) => AppError::HostError(why),
        ControlAnswer::Refused(why) => AppError::Refused(why),
        ControlAnswer::Attached(_) | ControlAnswer::Adopted(_) => AppError::UnexpectedAnswer,
        ControlAnswer::Sessions(_) | ControlAnswer::Plugins(_) | ControlAnswer::Requests(_) => {
            AppError::UnexpectedAnswer
        }
    }
}

pub(super) fn print<T: serde::Serialize>(
    rows: &[T],
    json: bool,
    table: impl Fn(&[T]) -> String,
) -> Result<(), AppError> {
    let text = if json {
        let text = serde_json::to_string_pretty(rows).map_err(std::io::Error::other)?;
        format!("{text}\n")
    } else {
        table(rows)
    };
    print_text(&text)
}

/// Removes secrets from a text and prints it to standard output.
pub(super) fn print_text(text: &str) -> Result<(), AppError> {
    Ok(stdout::print(&scrub::text(text.to_owned()))?)
}
