//! The command `cordboard init`, which writes a configuration file. It creates files and never changes existing ones.

mod configuration;
mod known_agents;
mod questions;

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use cordboard_agents::process::Environment;
use cordboard_core::shell::quote_path;
use cordboard_telegram::{TokenError, check_token, is_token};

use self::{
    known_agents::{KNOWN_AGENTS, KnownAgent},
    questions::Terminal,
};
use super::SetupError;
use crate::{
    app::{AppError, inspect::print_text},
    cli::{InitArgs, NoConfigHome},
    logging,
};

/// The name of the token file, next to the configuration file.
const TOKEN_FILE: &str = "telegram.token";

/// The reason why no configuration was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    #[error("failed to {0}")]
    NoHome(#[from] NoConfigHome),
    #[error("{} already exists: edit it, or write another file with --config", .0.display())]
    Exists(PathBuf),
    #[error("can't ask for the settings without a terminal: use --yes, and set what you need with options")]
    NoTerminal,
    #[error("failed to read the answer: {0}")]
    Terminal(#[source] io::Error),
    #[error("canceled; nothing was written")]
    Canceled,
    #[error(
        "unknown agent '{name}': cordboard init supports {known}; configure other agents in the configuration file"
    )]
    UnknownAgent { name: String, known: String },
    #[error("failed to {0}")]
    Token(#[from] TokenError),
    #[error("failed to write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// The source of the bot's token.
enum TokenSource {
    /// There is no bot: the chat is the console.
    None,
    File(PathBuf),
    /// The token, which is not stored yet.
    New(String),
}

/// The settings for the configuration file.
struct Answers {
    agent: &'static KnownAgent,
    token: TokenSource,
    owner: Option<u64>,
    plugins: PathBuf,
}

/// Writes a configuration file: `cordboard init`.
///
/// # Errors
/// The file exists, an answer is missing or can't be used, or a file can't be written.
pub fn init(options: &InitArgs) -> Result<(), AppError> {
    logging::start("error");
    let config = options.config().map_err(|error| SetupError::from(InitError::from(error)))?;
    let report = write(options, &config).map_err(SetupError::from)?;
    print_text(&report)
}

/// Writes the files, and returns the text that tells the user what was written and what to do next.
fn write(options: &InitArgs, config: &Path) -> Result<String, InitError> {
    if config.symlink_metadata().is_ok() {
        return Err(InitError::Exists(config.to_owned()));
    }
    let folder = config.parent().unwrap_or(Path::new("/"));
    let Answers { agent, token, owner, plugins } = answers(options, folder)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| InitError::Write { path, source }
    };
    create_folder(folder).map_err(failed(folder))?;
    create_folder(&plugins).map_err(failed(&plugins))?;
    let mut report = String::new();
    let token_file = match token {
        TokenSource::None => None,
        TokenSource::File(file) => Some(file),
        TokenSource::New(token) => {
            let file = folder.join(TOKEN_FILE);
            create_file(&file, &format!("{token}\n")).map_err(failed(&file))?;
            report.push_str(&format!("Stored the token in {}.\n", file.display()));
            Some(file)
        }
    };
    let settings =
        configuration::NewConfiguration { folder, agent, token_file: token_file.as_deref(), owner, plugins: &plugins };
    create_file(config, &settings.to_toml()).map_err(|source| {
        let exists = source.kind() == io::ErrorKind::AlreadyExists;
        if exists { InitError::Exists(config.to_owned()) } else { failed(config)(source) }
    })?;
    report.push_str(&format!("Wrote the configuration to {}.\n", config.display()));
    report.push_str(&next_steps(&settings, config));
    Ok(report)
}

fn next_steps(settings: &configuration::NewConfiguration<'_>, config: &Path) -> String {
    let mut text = String::from("\n");
    let agent = settings.agent;
    if !agent.is_installed(&Environment::read()) {
        text.push_str(&format!("The program `{0}` is not in PATH. Install it before you use the agent.\n", agent.name));
    }
    if settings.token_file.is_some() && settings.owner.is_none() {
        text.push_str("The host logs a one-time code when it starts. Send the code to the bot to become the owner.\n");
    }
    let place = if InitArgs::is_default(config) { String::new() } else { format!(" --config {}", quote_path(config)) };
    text.push_str(&format!("Next:\n  cordboard check{place}\n  cordboard run{place}\n"));
    text
}

/// Takes the settings from the options. Asks for missing settings, or with `--yes` uses their defaults.
fn answers(options: &InitArgs, folder: &Path) -> Result<Answers, InitError> {
    let agent = options.agent.as_deref().map(known_agents::by_name).transpose()?;
    let token = options.token_file().map(|file| check_token(&file).map(|_| file)).transpose()?.map(TokenSource::File);
    // Reuse a token that an earlier, incomplete run of this command stored.
    let stored = Some(folder.join(TOKEN_FILE)).filter(|file| file.exists());
    let token = match (token, stored) {
        (None, Some(file)) => check_token(&file).map(|_| Some(TokenSource::File(file)))?,
        (token, _) => token,
    };
    let default_plugins = folder.join("plugins");
    let installed = known_agents::installed(&Environment::read());
    if options.yes {
        return Ok(Answers {
            agent: agent.unwrap_or(installed[0]),
            token: token.unwrap_or(TokenSource::None),
            owner: options.owner,
            plugins: options.plugins().unwrap_or(default_plugins),
        });
    }
    let mut terminal = Terminal::open().ok_or(InitError::NoTerminal)?;
    let agent = agent.map_or_else(|| ask_agent(&mut terminal, &installed), Ok)?;
    let token = token.map_or_else(|| ask_token(&mut terminal), Ok)?;
    let owner = match (options.owner, &token) {
        (Some(owner), _) => Some(owner),
        (None, TokenSource::None) => None,
        (None, TokenSource::File(_) | TokenSource::New(_)) => ask_owner(&mut terminal)?,
    };
    let plugins = options.plugins().map_or_else(|| ask_plugins(&mut terminal, default_plugins), Ok)?;
    Ok(Answers { agent, token, owner, plugins })
}

fn ask_agent(terminal: &mut Terminal, installed: &[&'static KnownAgent]) -> Result<&'static KnownAgent, InitError> {
    let names = |agents: &[&KnownAgent]| agents.iter().map(|agent| agent.name).collect::<Vec<_>>().join(", ");
    terminal.print(&format!("Agents on this machine: {}.\n", names(installed)))?;
    loop {
        let answer = terminal.ask(&format!("Agent for new sessions [{}]: ", installed[0].name))?;
        if answer.is_empty() {
            return Ok(installed[0]);
        }
        match KNOWN_AGENTS.iter().find(|agent| agent.name == answer) {
            Some(agent) => return Ok(agent),
            None => terminal.print(&format!("Choose one of {}.\n", names(&KNOWN_AGENTS.iter().collect::<Vec<_>>())))?,
        }
    }
}

fn ask_token(terminal: &mut Terminal) -> Result<TokenSource, InitError> {
    loop {
        let question = "Token of your Telegram bot from @BotFather (hidden; Enter for no bot): ";
        let answer = terminal.ask_hidden(question)?;
        if answer.is_empty() {
            return Ok(TokenSource::None);
        }
        if is_token(&answer) {
            return Ok(TokenSource::New(answer));
        }
        terminal.print("That isn't a token. A token looks like 123456789:AbC-dEf_…\n")?;
    }
}

fn ask_owner(terminal: &mut Terminal) -> Result<Option<u64>, InitError> {
    loop {
        let answer = terminal.ask("Your numeric Telegram id (Enter to pair with a one-time code instead): ")?;
        if answer.is_empty() {
            return Ok(None);
        }
        match answer.parse().ok().filter(|id| (1..=i64::MAX.unsigned_abs()).contains(id)) {
            Some(id) => return Ok(Some(id)),
            None => terminal.print("Enter a number, such as 123456789, not your user name.\n")?,
        }
    }
}

fn ask_plugins(terminal: &mut Terminal, default: PathBuf) -> Result<PathBuf, InitError> {
    let answer = terminal.ask(&format!("Folder for your own plugins [{}]: ", default.display()))?;
    let named = Some(answer).filter(|answer| !answer.is_empty());
    Ok(named.map_or(default, |answer| std::path::absolute(&answer).unwrap_or_else(|_| answer.into())))
}

fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Creates a file that only this user can read. Never replaces a file.
fn create_file(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // A partial file would keep the next run from writing it.
        drop(fs::remove_file(path));
    }
    written
}
