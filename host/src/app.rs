//! Assembles the host from its components, runs it and shuts it down. It only connects the components; they make all
//! decisions.

mod access_checked_chat;
mod background_tasks;
mod backups;
mod bot_router;
mod check;
mod front_end;
mod handover_commands;
mod inspect;
mod jobs;
mod left_over_agents;
mod logs;
mod monitoring;
mod options;
mod own_files;
mod plugin_commands;
mod restored_inbox;
mod run;
mod session_commands;
mod setup;
mod shutdown;
mod status_page;
mod store_adapters;
mod telegram;
mod telegram_updates;
mod traces;

pub use backups::run_backup_command;
pub use check::check;
pub use handover_commands::{adopt, attach};
pub use inspect::{list_access, list_audit, list_outbox, list_plugins, list_requests, list_sessions, list_usage};
pub use monitoring::monitor;
pub use plugin_commands::run_plugin_command;
pub use session_commands::{SendError, run_session_command};
pub use setup::run_setup_command;
pub use store_adapters::StoredSessions;

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    process::ExitCode,
};

use cordboard_agents::process::{self, Environment};
use cordboard_chat::console::ConsoleError;
use cordboard_core::{
    config::{self, Config},
    messages::MORE_FILES,
    text_file::{self, NotText},
};
use cordboard_runtime::{Cache, Registry};
use cordboard_telegram::{ReceiveError, TokenError};
use cordboard_watch::ConfigFile;

use crate::{
    cli::{self, ChatKind, ResolvedPaths},
    control::QueryError,
    dev::DevError,
    hub::{self, LiveConfig},
    logging,
    service_manager::ServiceManager,
    status::ListenError,
    stdout::OutputError,
};

/// The exit code for an invalid configuration or option value.
const BAD_CONFIGURATION: u8 = 2;

/// The exit code if no host is running.
const NO_HOST: u8 = 3;

/// The minimum open-file limit. Below it, every command fails. The host itself opens about 30 files, and more for each
/// agent.
const FEWEST_FILES: u64 = 64;

/// The reason why a command failed. It is printed to standard error.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("{0}")]
    Place(#[from] cli::NoHome),
    #[error(
        "the configuration {} does not exist: create it, use another file with --config, or omit --config for the built-in defaults",
        path.display()
    )]
    NoConfig { path: PathBuf },
    #[error("the configuration {} cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the configuration {} cannot be used: {why}", path.display())]
    NotText { path: PathBuf, why: NotText },
    #[error("failed to {0}")]
    Untrusted(#[source] cordboard_watch::WatchError),
    #[error("{} cannot be used:\n{excerpt}", path.display())]
    Config { path: PathBuf, excerpt: String },
    #[error("failed to {0}")]
    Store(#[from] cordboard_store::OpenError),
    #[error("failed to {0}")]
    Backup(#[from] cordboard_store::BackupError),
    #[error("failed to {0}")]
    Restore(#[from] cordboard_store::RestoreError),
    #[error("failed to {0}")]
    Watch(#[from] cordboard_watch::WatchError),
    #[error("failed to {0}")]
    Console(#[from] ConsoleError),
    #[error("--chat telegram needs a bot: set [telegram] token_file to the file with its token")]
    NoToken,
    #[error("failed to {0}")]
    Token(#[from] TokenError),
    #[error(
        "failed to start: [{first}] and [{second}] contain tokens of the same bot, {bot}; create another bot with @BotFather, or delete one of the tables"
    )]
    SameBot { first: String, second: String, bot: String },
    #[error("failed to {0}")]
    Receive(#[from] ReceiveError),
    #[error("failed to receive messages from Telegram: {0}")]
    ReceiveTask(#[from] tokio::task::JoinError),
    #[error(
        "failed to start: the open-file limit is {limit}, and Cordboard needs at least {FEWEST_FILES}; {MORE_FILES}"
    )]
    FewFiles { limit: u64 },
    #[error("failed to start: {0}")]
    Start(#[from] std::io::Error),
    #[error("the input ended, and these were still open after {}: {open}", config::format_duration(*limit))]
    Undrained { limit: std::time::Duration, open: String },
    #[error(
        "the input ended before these questions of agents were answered: {questions}; the agents continued without an answer"
    )]
    Unanswered { questions: String },
    #[error(
        "the input ended, and after {} some messages had not been read from standard output: {messages}; they are shown at the next start",
        config::format_duration(*limit)
    )]
    Unread { limit: std::time::Duration, messages: usize },
    #[error(
        "failed to open the control socket {}: {source}; use another folder with --state",
        path.display()
    )]
    Control { path: PathBuf, source: std::io::Error },
    #[error("failed to open the status page: {0}; set another address in [status] listen, or delete that line")]
    StatusListen(#[from] ListenError),
    #[error(
        "failed to listen for webhook requests on {address}: {source}; set another address in {key}, or delete that line"
    )]
    Listen { address: std::net::SocketAddr, key: &'static str, source: std::io::Error },
    #[error(
        "failed to read or store the secret of the Telegram webhook in {}: {source}; make the state directory writable, or use another one with --state",
        path.display()
    )]
    WebhookSecret { path: PathBuf, source: std::io::Error },
    #[error("--since {0:?} is not a date: use the form YYYY-MM-DD, as in 2026-11-01")]
    Date(String),
    /// The problems that `cordboard check` found, one per line.
    #[error("{0}")]
    Problems(String),
    #[error("the plugin folder {} {what}", path.display())]
    PluginFolder { path: PathBuf, what: &'static str },
    #[error("there is no plugin folder to install into: set one with --plugins")]
    NoPluginFolder,
    #[error("no host is running on {}: start one with `cordboard run`, or specify the state directory of a running host with --state", state.display())]
    NoHost { state: PathBuf },
    #[error("the host stopped")]
    HostStopped,
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Send(#[from] SendError),
    #[error("failed to {0}")]
    Terminal(#[from] process::SpawnError),
    #[error("the running host reported an error: {0}")]
    HostError(String),
    #[error("the running host sent an unexpected response")]
    UnexpectedAnswer,
    #[error("failed to {0}")]
    Query(#[from] QueryError),
    #[error("failed to {0}")]
    Output(#[from] OutputError),
    #[error("failed to start journalctl: the host's log is in systemd's journal; make this command work: `{0}`")]
    Journalctl(String),
    #[error("failed to use the terminal: {0}; print the state once with --once")]
    Screen(#[source] std::io::Error),
    #[error("failed to {0}")]
    Dev(#[from] DevError),
    #[error("{0}")]
    Setup(#[from] setup::SetupError),
}

impl AppError {
    #[must_use]
    pub fn code(&self) -> ExitCode {
        match self {
            Self::Config { .. }
            | Self::NoConfig { .. }
            | Self::Read { .. }
            | Self::NotText { .. }
            | Self::Untrusted(_)
            | Self::Date(_)
            | Self::Dev(DevError::Config(_) | DevError::Option { .. }) => ExitCode::from(BAD_CONFIGURATION),
            Self::NoHost { .. } | Self::HostStopped => ExitCode::from(NO_HOST),
            Self::Send(error) => error.code(),
            Self::Place(_)
            | Self::Store(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Watch(_)
            | Self::Console(_)
            | Self::NoToken
            | Self::SameBot { .. }
            | Self::Token(_)
            | Self::Receive(_)
            | Self::ReceiveTask(_)
            | Self::FewFiles { .. }
            | Self::Start(_)
            | Self::Undrained { .. }
            | Self::Unanswered { .. }
            | Self::Unread { .. }
            | Self::Control { .. }
            | Self::Listen { .. }
            | Self::StatusListen(_)
            | Self::WebhookSecret { .. }
            | Self::Problems(_)
            | Self::PluginFolder { .. }
            | Self::NoPluginFolder
            | Self::Refused(_)
            | Self::Terminal(_)
            | Self::HostError(_)
            | Self::UnexpectedAnswer
            | Self::Query(_)
            | Self::Output(_)
            | Self::Screen(_)
            | Self::Journalctl(_)
            | Self::Setup(_)
            | Self::Dev(_) => ExitCode::FAILURE,
        }
    }
}

/// Reads and validates the configuration. If there is no configuration file, or if it is empty, the defaults apply.
fn load(paths: &ResolvedPaths) -> Result<Config, AppError> {
    load_file(paths).map(|(config, _)| config)
}

/// Returns the configuration and, if it was read from a file, the file's path and bytes.
fn load_file(paths: &ResolvedPaths) -> Result<(Config, Option<ConfigFile>), AppError> {
    let Some(path) = &paths.config else { return Ok((Config::defaults(), None)) };
    cordboard_watch::check_private(path).map_err(AppError::Untrusted)?;
    let bytes = std::fs::read(path).map_err(|source| {
        let path = path.clone();
        if source.kind() == ErrorKind::NotFound { AppError::NoConfig { path } } else { AppError::Read { path, source } }
    })?;
    let text = text_file::text(bytes.clone()).map_err(|why| AppError::NotText { path: path.clone(), why })?;
    let config =
        config::load(&text).map_err(|error| AppError::Config { path: path.clone(), excerpt: error.excerpt() })?;
    Ok((config, Some(ConfigFile { path: path.clone(), bytes })))
}

/// Returns the operator's plugin folder: from the command line, else from the configuration, else `plugins` next to the
/// configuration file. The folder may not exist. Returns `None` if no folder is named and there is no configuration
/// file.
fn plugin_folder(paths: &ResolvedPaths, config: &Config) -> Option<PathBuf> {
    let base = paths.config.as_deref().and_then(Path::parent);
    named_plugin_folder(paths, config).or_else(|| base.map(|base| base.join("plugins")))
}

/// Creates an empty plugin registry whose cache of compiled components is in the state directory.
fn create_registry(paths: &ResolvedPaths, plugins: &config::Plugins) -> std::io::Result<Registry> {
    let cache = Cache::new(paths.state.join("cache"), plugins.cache);
    Registry::start(cache, cordboard_runtime::THIS_PROGRAM.into(), plugins.parallel)
}

/// Returns the plugin folder that the command line or the configuration names. The folder may not exist.
fn named_plugin_folder(paths: &ResolvedPaths, config: &Config) -> Option<PathBuf> {
    let base = paths.config.as_deref().and_then(Path::parent);
    let named = config.plugins.folder.as_ref();
    let named = named.map(|folder| base.map_or_else(|| folder.clone(), |base| base.join(folder)));
    paths.plugins.clone().or(named)
}

/// Checks the open-file limit. This check runs before every command, because the errors of SQLite, tokio and wasmtime
/// wouldn't mention the limit.
///
/// # Errors
/// The limit is too low.
pub fn check_open_files() -> Result<(), AppError> {
    match process::open_file_limit().filter(|limit| *limit < FEWEST_FILES) {
        Some(limit) => Err(AppError::FewFiles { limit }),
        None => Ok(()),
    }
}

/// Runs the host: `cordboard run`.
///
/// # Errors
/// The host failed to start, failed while running, or exited with unfinished work.
pub fn run(run: &cli::Run) -> Result<(), AppError> {
    let paths = run.paths.resolve()?;
    let (config, config_file) = load_file(&paths)?;
    let has_bot = config.telegram_bots().next().is_some();
    let kind = run.chat.unwrap_or(if has_bot { ChatKind::Telegram } else { ChatKind::Console });
    let log = logging::start_host(front_end::default_log_level(kind), &config.log);
    if let Some(folder) = named_plugin_folder(&paths, &config).filter(|folder| !folder.is_dir()) {
        if folder.exists() {
            tracing::warn!(folder = %folder.display(), "the plugin folder is a file, so no plugin is loaded from it; set the plugin folder to the folder that contains the file");
        } else {
            tracing::warn!(folder = %folder.display(), "the plugin folder does not exist; its plugins are activated once it exists");
        }
    }
    let agents = config.agents.by_name.values();
    // This must run before any thread is spawned, because it removes the variables listed in the agents' `pass_env`
    // from this process's environment.
    let environment = Environment::take(agents.flat_map(|agent| &agent.pass_env).map(String::as_str));
    process::disable_dumps();
    process::catch_file_size_signal();
    process::return_freed_memory();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    hub::read_secrets(&config);
    let serving = run::serve(options::StartOptions {
        paths,
        config: LiveConfig::new(config),
        config_file,
        chat: kind,
        environment,
        log_levels: log,
        service_manager: ServiceManager::detect(),
    });
    let ended = runtime.block_on(async {
        traces::start();
        let ended = serving.await;
        traces::stop().await;
        ended
    });
    // Reading standard input blocks a thread until the next line, so the runtime does not wait for that thread.
    runtime.shutdown_background();
    ended
}
