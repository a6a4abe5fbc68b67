//! Implements the listing commands: `sessions`, `plugins`, `requests`, `access`, `audit`, `outbox` and `usage`.
//! `sessions`, `plugins` and `requests` query a running host; `access`, `audit`, `outbox` and `usage` always read the
//! store. If no host is running, `sessions` and `plugins` read the configuration, the store and the plugin files
//! instead, and `requests` lists nothing.

use std::{collections::HashMap, path::Path, sync::Arc};

use cordboard_agents::process;
use cordboard_core::{
    access_entries::{AccessEntries, ListedPerson},
    config::Telegram,
    scrub,
    session::Machine,
    types::SessionRecord,
};
use cordboard_runtime::Registry;
use cordboard_store::{Decisions, OpenError, StoreSnapshot};

use super::{AppError, load, named_plugin_folder, own_files, plugin_folder};
use crate::{
    cli::{Audit, Listing, ResolvedPaths, Usage},
    clock::Clock,
    control::{self, ControlAnswer, ControlQuery, PersonRow, PluginRow, SessionRow},
    hub::{self, LiveConfig, RestoredInbox},
    listing, logging,
    rollout::{RejectedFile, Resources, Rollout},
    schedule::HostZone,
    session::SessionConfig,
    stdout,
};

pub(super) fn block_on<T>(work: impl Future<Output = Result<T, AppError>>) -> Result<T, AppError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Activates all plugins, as the host does at startup.
pub(super) async fn activate_all(
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
/// The running host does not respond, or no host is running and the configuration or the store can't be read.
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
/// The running host does not respond, or no host is running and the configuration, the store or the plugins can't be
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
/// The configuration or the store can't be read.
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

/// Lists the decisions made on agents' requests: `cordboard audit`.
///
/// # Errors
/// The store can't be read, or no host has used the state directory.
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
/// The date is invalid, or the store can't be read.
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
/// The store can't be read, or no host has used the state directory.
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
        ControlAnswer::Attached(_) | ControlAnswer::Adopted(_) | ControlAnswer::Session(_) => {
            AppError::UnexpectedAnswer
        }
        ControlAnswer::Accepted(_) | ControlAnswer::Blocked(_) | ControlAnswer::Ended(_) => AppError::UnexpectedAnswer,
        ControlAnswer::Sessions(_)
        | ControlAnswer::Plugins(_)
        | ControlAnswer::Requests(_)
        | ControlAnswer::Status(_)
        | ControlAnswer::Log(_)
        | ControlAnswer::Journal(_) => AppError::UnexpectedAnswer,
    }
}

pub(super) fn print<T: serde::Serialize>(
    rows: &[T],
    json: bool,
    table: impl Fn(&[T]) -> String,
) -> Result<(), AppError> {
    if json { print_json(&rows) } else { print_text(&table(rows)) }
}

pub(super) fn print_json(value: &impl serde::Serialize) -> Result<(), AppError> {
    let text = serde_json::to_string_pretty(value).map_err(std::io::Error::other)?;
    print_text(&format!("{text}\n"))
}

/// Removes secrets from a text and prints it to standard output.
pub(super) fn print_text(text: &str) -> Result<(), AppError> {
    Ok(stdout::print(&scrub::text(text.to_owned()))?)
}
