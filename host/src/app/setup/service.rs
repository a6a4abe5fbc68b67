//! Implements `cordboard service install`, which writes a systemd unit. It doesn't start the service, but prints the
//! commands that do.

mod unit;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use cordboard_core::config::{Config, SandboxKind};

use self::unit::{Credential, Manager, Unit};
use super::{
    SetupError,
    accounts::{self, Account},
    program_output::program_output,
};
use crate::{
    app::{
        AppError,
        inspect::{block_on, print_text},
        load,
        own_files::{configured_token_file, credential_name},
    },
    cli::{InstallService, ResolvedPaths},
    logging,
};

/// The name of the unit's file.
const UNIT: &str = "cordboard.service";

/// The folder that contains a file for each user whose services start at boot.
pub const LINGER: &str = "/var/lib/systemd/linger";

/// The state directory of a system service, if none is given. systemd creates it.
const SYSTEM_STATE: &str = "/var/lib/cordboard";

/// The first version of systemd that supports `Type=notify-reload`.
const NOTIFY_RELOAD: u32 = 253;

/// The reason why no unit was written.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error("install a service: there is no configuration; create it with `cordboard init`, or name it with --config")]
    NoConfig,
    #[error("install a service: the configuration has no bot, and a service has no console; set [telegram] token_file")]
    NoBot,
    #[error("choose the user of the service: name it with --run-as, or use --user for a service of your own")]
    NoUser,
    #[error(
        "install a service for the user '{0}': there is no such user in /etc/passwd; create it, or name another one"
    )]
    UnknownUser(String),
    #[error("find the folder for the unit: neither XDG_CONFIG_HOME nor HOME is set")]
    NoFolder,
    #[error(
        "write {}: it exists, and `cordboard service install` did not write it; move it away, or see the new unit with --dry-run",
        .0.display()
    )]
    Foreign(PathBuf),
    #[error("write {}: {source}; {}", path.display(), remedy(source))]
    Write { path: PathBuf, source: io::Error },
    #[error("find the program of this process: {0}")]
    Program(#[source] io::Error),
}

fn remedy(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::PermissionDenied {
        "use sudo, or add --user for a service of your own"
    } else {
        "correct this, and try again"
    }
}

/// Writes the unit: `cordboard service install`.
///
/// # Errors
/// The configuration can't be used for a service, or the unit can't be written.
pub fn install(options: &InstallService) -> Result<(), AppError> {
    logging::start("error");
    let mut paths = options.paths.resolve()?;
    if !options.user && options.paths.state.is_none() {
        paths.state = SYSTEM_STATE.into();
    }
    let config = load(&paths)?;
    let version = block_on(async { Ok(systemd_version().await) })?;
    let text = install_unit(options, &paths, &config, version).map_err(SetupError::from)?;
    print_text(&text)
}

/// Writes the unit, and returns the text to print. With `--dry-run`, only returns the unit.
fn install_unit(
    options: &InstallService,
    paths: &ResolvedPaths,
    config: &Config,
    systemd: Option<u32>,
) -> Result<String, ServiceError> {
    let account = account(options)?;
    let unit = unit(options, paths, config, &account)?;
    let text = unit.to_text(systemd.is_none_or(|version| version >= NOTIFY_RELOAD));
    let file = options.unit_folder().ok_or(ServiceError::NoFolder)?.join(UNIT);
    if options.dry_run {
        return Ok(text);
    }
    let outcome = match fs::read_to_string(&file) {
        Ok(old) if old == text => "Unchanged:",
        Ok(old) if !old.starts_with(unit::MARK) => return Err(ServiceError::Foreign(file)),
        Ok(_) | Err(_) => {
            write(&file, &text).map_err(|source| ServiceError::Write { path: file.clone(), source })?;
            "Wrote"
        }
    };
    Ok(format!("{outcome} {}.\n{}", file.display(), next_steps(options, &account)))
}

fn next_steps(options: &InstallService, account: &Account) -> String {
    let systemctl = if options.user { "systemctl --user" } else { "systemctl" };
    let mut text = format!("Next:\n  {systemctl} daemon-reload\n  {systemctl} enable --now cordboard\n");
    if options.user && !Path::new(LINGER).join(&account.name).exists() {
        text.push_str(&format!(
            "  loginctl enable-linger {}    to start the service at boot, and to keep it running after you log out\n",
            account.name
        ));
    }
    text
}

/// Replaces the file atomically.
fn write(file: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(file.parent().unwrap_or(Path::new("/")))?;
    let partial = file.with_extension("service.new");
    fs::write(&partial, text).and_then(|()| fs::rename(&partial, file)).inspect_err(|_| drop(fs::remove_file(&partial)))
}

fn account(options: &InstallService) -> Result<Account, ServiceError> {
    if options.user {
        return accounts::current().ok_or(ServiceError::NoUser);
    }
    let name = options.run_as.clone().or_else(|| std::env::var("SUDO_USER").ok()).ok_or(ServiceError::NoUser)?;
    accounts::by_name(&name).ok_or(ServiceError::UnknownUser(name))
}

fn unit(
    options: &InstallService,
    paths: &ResolvedPaths,
    config: &Config,
    account: &Account,
) -> Result<Unit, ServiceError> {
    let config_file = paths.config.clone().ok_or(ServiceError::NoConfig)?;
    let credentials: Vec<Credential> = config
        .telegram_bots()
        .filter_map(|(front_end, telegram)| {
            Some(Credential { name: credential_name(&front_end), file: configured_token_file(paths, telegram)? })
        })
        .collect();
    if credentials.is_empty() {
        return Err(ServiceError::NoBot);
    }
    let folders = config.sessions.roots.iter().chain(config.sessions.folders.values());
    let mut writable: Vec<PathBuf> = [&account.home, &paths.state].into_iter().chain(folders).cloned().collect();
    writable.dedup();
    let has_sandbox = config.agents.by_name.values().any(|agent| agent.sandbox.kind == SandboxKind::Bwrap);
    Ok(Unit {
        manager: if options.user { Manager::User } else { Manager::System { user: account.name.clone() } },
        program: std::env::current_exe().map_err(ServiceError::Program)?,
        config: config_file,
        has_state_directory: !options.user && paths.state == Path::new(SYSTEM_STATE),
        state: paths.state.clone(),
        plugins: paths.plugins.clone(),
        path: search_path(account),
        credentials,
        writable,
        has_sandbox,
    })
}

/// Returns the folders in which the service looks for programs: `~/.local/bin`, where claude is usually installed, and
/// those in this process's `PATH`. The defaults of systemd and sudo don't include `~/.local/bin`.
fn search_path(account: &Account) -> Vec<PathBuf> {
    let own = account.home.join(".local/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let others = std::env::split_paths(&path).filter(|folder| folder.is_absolute() && *folder != own);
    std::iter::once(own.clone()).chain(others.collect::<Vec<_>>()).collect()
}

/// Returns the version of systemd, or `None` if it can't be found.
async fn systemd_version() -> Option<u32> {
    let output = program_output(Path::new("systemctl"), &["--version"]).await.ok()?;
    output.split_whitespace().nth(1)?.parse().ok()
}
