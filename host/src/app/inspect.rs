//! The read-only commands `check`, `sessions` and `plugins`. `sessions` and `plugins` query a running host; without one
//! they read the configuration, the store and the plugins themselves.

use std::{path::Path, sync::Arc};

use cordboard_agents::{check_program, process::Environment};
use cordboard_core::{config::SecretSource, scrub, session::Machine, types::SessionRecord};
use cordboard_runtime::{Health, Registry};
use cordboard_store::{Decisions, OpenError};

use super::{AppError, front_end, load, named_plugin_folder, plugin_folder};
use crate::{
    cli::{Listing, Paths, Places},
    clock::Clock,
    control::{self, ControlAnswer, ControlQuery, PluginRow, SessionRow},
    hub::{LiveConfig, RestoredInbox},
    listing,
    rollout::{RejectedFile, Resources, Rollout},
    session::SessionConfig,
    standard_plugins::{NO_STANDARD, STANDARD},
    telemetry,
};

fn block_on<T>(work: impl Future<Output = Result<T, AppError>>) -> Result<T, AppError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// `cordboard check`.
///
/// # Errors
/// The problems that were found.
pub fn check(paths: &Paths) -> Result<(), AppError> {
    telemetry::start("error");
    let places = paths.places()?;
    // Every problem exits with 1, even an invalid configuration. Exit code 2 is for a host that does not start.
    let config = load(&places).map_err(|error| AppError::Plugin(error.to_string()))?;
    let config = LiveConfig::new(config);
    let source =
        places.config.as_ref().map_or_else(|| "built-in defaults".to_owned(), |path| path.display().to_string());
    say(&format!("configuration  ok  {source}\n"));
    let mut troubles = Vec::new();
    if let Some(file) = front_end::token_file(&places, &config.now()) {
        let checked = cordboard_telegram::check_token(&file);
        let verdict = if checked.is_ok() { "ok" } else { "invalid" };
        say(&format!("token          {verdict}  {}\n", file.display()));
        troubles.extend(checked.err().map(|error| format!("failed to {error}")));
    }
    troubles.extend(check_secrets(&config));
    troubles.extend(check_agents(&config));
    block_on(async {
        let (plugs, turned) = try_all(&places, &config).await?;
        for status in plugs.snapshot().statuses() {
            let refused = turned.iter().find(|(name, _)| *name == status.name);
            let verdict = match refused {
                Some(_) => Health::Rejected.as_str(),
                None if [Health::Absent, Health::NoWebhookAuth].contains(&status.health) => status.health.as_str(),
                None => "ok",
            };
            say(&format!("plugin         {verdict}  {}\n", status.name));
            if status.health == Health::NoWebhookAuth {
                troubles.push(format!("plugin '{}': {}", status.name, status.note));
            }
        }
        troubles.extend(turned.iter().map(|(name, why)| format!("plugin '{name}': {}", why)));
        let policy = &config.now().plugins.lifecycle;
        if !STANDARD.is_empty() && !plugs.snapshot().has_lifecycle(policy) {
            troubles.push(format!("[plugins] lifecycle = \"{policy}\": no plugin of that name exports lifecycle"));
        }
        if STANDARD.is_empty() {
            troubles.push(NO_STANDARD.to_owned());
        }
        if troubles.is_empty() { Ok(()) } else { Err(AppError::Plugin(troubles.join("\n"))) }
    })
}

/// Reports for each secret whether it can be read, without printing its value. systemd credentials exist only in
/// processes that systemd starts, so elsewhere their state is unknown.
fn check_secrets(config: &LiveConfig) -> Vec<String> {
    let has_credentials = std::env::var_os("CREDENTIALS_DIRECTORY").is_some();
    let mut troubles = Vec::new();
    for (name, source) in &config.now().secrets {
        let verdict = if matches!(source, SecretSource::Credential(_)) && !has_credentials {
            "unknown"
        } else if let Err(why) = cordboard_runtime::read_secret(name, source) {
            troubles.push(format!("[secrets] {name}: {why}"));
            "invalid"
        } else {
            "ok"
        };
        say(&format!("secret         {verdict}  {name}\n"));
    }
    troubles
}

/// Reports for each agent whether its program can be found. Only a missing default agent is a problem, because the
/// others may not be needed.
fn check_agents(config: &LiveConfig) -> Option<String> {
    let environment = Environment::read();
    let agents = &config.now().agents;
    let mut trouble = None;
    for (name, agent) in &agents.by_name {
        // A relative path is relative to the folder of a session, which is not known here, so it is not checked.
        let relative = agent
            .command
            .as_ref()
            .map(Path::new)
            .is_some_and(|path| path.is_relative() && path.components().count() > 1);
        let found = if relative { Ok(()) } else { check_program(agent, &environment, Path::new("/")) };
        say(&format!("agent          {}  {name}\n", if found.is_ok() { "ok" } else { "missing" }));
        if *name == agents.default {
            trouble = found.err().map(|error| format!("[agents] default = \"{name}\": failed to {error}"));
        }
    }
    trouble
}

/// Activates all plugins like a host, but serves no calls.
async fn try_all(places: &Places, config: &LiveConfig) -> Result<(Arc<Registry>, Vec<RejectedFile>), AppError> {
    let folder = plugin_folder(places, &config.now());
    if let Some(folder) = folder.as_deref().filter(|folder| folder.exists()) {
        cordboard_watch::check_private(folder)?;
    }
    if let Some(named) = named_plugin_folder(places, &config.now()).filter(|named| !named.is_dir()) {
        let what = if named.exists() {
            "is a file: set it to the folder that contains the file"
        } else {
            "does not exist: create it, or use another one"
        };
        return Err(AppError::Plugin(format!("the plugin folder {} {what}", named.display())));
    }
    let plugs = Arc::new(super::plug_board(places, &config.now().plugins)?);
    let resources =
        Resources { registry: Arc::clone(&plugs), folder, store: None, decisions: decisions(&places.state)? };
    let settings = config.clone();
    let mut rollout = Rollout::new(resources, Arc::new(move |name: &str| settings.plugin(name)), Clock::system());
    let source = places.config.as_ref();
    rollout.config_file = source.map(|path| path.display().to_string());
    let turned = rollout.start().await;
    plugs.set_lifecycle(&config.now().plugins.lifecycle).await;
    Ok((plugs, turned))
}

/// Returns the stored decisions about plugins. Empty if the state was last written by an older version of the host.
fn decisions(state: &Path) -> Result<Decisions, AppError> {
    match cordboard_store::read_only(state) {
        Ok(contents) => Ok(contents.decisions),
        Err(OpenError::Older { .. }) => Ok(Decisions::default()),
        Err(error) => Err(error.into()),
    }
}

/// `cordboard sessions`.
///
/// # Errors
/// The configuration or the store cannot be read.
pub fn list_sessions(wanted: &Listing) -> Result<(), AppError> {
    telemetry::start("error");
    let places = wanted.paths.places()?;
    let rows = block_on(async {
        match control::query(&places.state, ControlQuery::Sessions).await? {
            Some(ControlAnswer::Sessions(rows)) => Ok(rows),
            Some(other) => Err(surprised(&other)),
            None => stored_sessions(&places),
        }
    })?;
    print(&rows, wanted.json, |rows| listing::sessions(rows, Clock::system().now()))
}

fn stored_sessions(places: &Places) -> Result<Vec<SessionRow>, AppError> {
    let config = LiveConfig::new(load(places)?);
    let contents = cordboard_store::read_only(&places.state)?;
    let accepted = RestoredInbox::new(contents.inbox).prompts;
    let row = |mut record: SessionRecord| {
        // Without a running host, a stored process id does not identify an agent, and none works.
        record.process = None;
        record.background.clear();
        let settings = config.settings(&record);
        let waiting = accepted.get(&record.name).map_or(0, |past| past.queued.len());
        let row = SessionRow::from(&Machine::new(record, settings).view());
        SessionRow { queued: u32::try_from(waiting).unwrap_or(u32::MAX), ..row }
    };
    let mut rows: Vec<SessionRow> = contents.sessions.into_iter().map(row).collect();
    rows.sort_by(|a, b| b.last_active.cmp(&a.last_active).then_with(|| a.name.cmp(&b.name)));
    Ok(rows)
}

/// `cordboard plugins`.
///
/// # Errors
/// The configuration or the plugins cannot be read.
pub fn list_plugins(wanted: &Listing) -> Result<(), AppError> {
    telemetry::start("error");
    let places = wanted.paths.places()?;
    let rows: Vec<PluginRow> = block_on(async {
        match control::query(&places.state, ControlQuery::Plugins).await? {
            Some(ControlAnswer::Plugins(rows)) => Ok(rows),
            Some(other) => Err(surprised(&other)),
            None => {
                let config = LiveConfig::new(load(&places)?);
                let (plugs, _) = try_all(&places, &config).await?;
                Ok(plugs.snapshot().statuses().map(PluginRow::from).collect())
            }
        }
    })?;
    print(&rows, wanted.json, |rows| listing::plugins(rows, Clock::system().now()))
}

fn surprised(answer: &ControlAnswer) -> AppError {
    AppError::Plugin(match answer {
        ControlAnswer::Error(why) => format!("the running host answered: {why}"),
        ControlAnswer::Sessions(_) | ControlAnswer::Plugins(_) => {
            "the running host sent an unexpected answer".to_owned()
        }
    })
}

fn print<T: serde::Serialize>(rows: &[T], json: bool, table: impl Fn(&[T]) -> String) -> Result<(), AppError> {
    let text = if json {
        let text = serde_json::to_string_pretty(rows).map_err(std::io::Error::other)?;
        format!("{text}\n")
    } else {
        table(rows)
    };
    say(&text);
    Ok(())
}

/// Prints to standard output. A reader that closes it early, such as `head`, is not an error.
fn say(text: &str) {
    let _: std::io::Result<()> =
        std::io::Write::write_all(&mut std::io::stdout().lock(), &scrub::bytes(text.as_bytes()));
}
