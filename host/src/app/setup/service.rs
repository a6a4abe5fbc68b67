//! Implements `cordboard service install`, which writes a systemd unit. It doesn't start the service, but prints the
//! commands that do.

mod unit;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use cordboard_core::config::{Config, SandboxKind};

use self::unit::{Credential, SystemdInstance, Unit};
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

/// The state directory of a system service, if none is given. systemd creates it.
const SYSTEM_STATE_DIR: &str = "/var/lib/cordboard";

/// The first version of systemd that supports `Type=notify-reload`.
const NOTIFY_RELOAD_VERSION: u32 = 253;

/// The reason why no unit was written.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error("a service needs a configuration file: create one with `cordboard init`, or name yours with --config")]
    NoConfig,
    #[error("a service needs a Telegram bot, because it has no console: set [telegram] token_file")]
    NoBot,
    #[error("a service needs a user: name one with --run-as, or use --user to install it for yourself")]
    NoUser,
    #[error("failed to find your account: /etc/passwd doesn't contain it; set USER and HOME")]
    NoAccount,
    #[error(
        "failed to install a service for the user '{0}': there is no such user in /etc/passwd; create it, or name another one"
    )]
    UnknownUser(String),
    #[error("failed to find the folder for the unit: neither XDG_CONFIG_HOME nor HOME is set")]
    NoFolder,
    #[error("a unit can't contain the path {0:?}: systemd needs UTF-8 without control characters; use another path")]
    UnusablePath(PathBuf),
    #[error(
        "{} exists but wasn't written by `cordboard service install`: move it away, or print the new unit with --dry-run",
        .0.display()
    )]
    NotOurs(PathBuf),
    #[error("failed to read {}: {source}; {}", path.display(), remedy(source))]
    Read { path: PathBuf, source: io::Error },
    #[error("failed to write {}: {source}; {}", path.display(), remedy(source))]
    Write { path: PathBuf, source: io::Error },
    #[error("failed to find the program of this process: {0}")]
    Program(#[source] io::Error),
}

fn remedy(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::PermissionDenied {
        "use sudo, or add --user for a service of your own"
    } else {
        "fix this and try again"
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
        paths.state = SYSTEM_STATE_DIR.into();
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
    let account = service_account(options)?;
    let unit = build_unit(options, paths, config, &account)?;
    let text = unit.to_text(systemd.is_none_or(|version| version >= NOTIFY_RELOAD_VERSION));
    let file = options.unit_folder().ok_or(ServiceError::NoFolder)?.join(InstallService::UNIT);
    if options.dry_run {
        return Ok(text);
    }
    let outcome = match fs::read(&file) {
        Ok(old) if old == text.as_bytes() => format!("{} is up to date.", file.display()),
        Ok(old) if !old.starts_with(unit::HEADER.as_bytes()) => return Err(ServiceError::NotOurs(file)),
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(ServiceError::Read { path: file, source });
        }
        Ok(_) | Err(_) => {
            replace_file(&file, &text).map_err(|source| ServiceError::Write { path: file.clone(), source })?;
            format!("Wrote {}.", file.display())
        }
    };
    Ok(format!("{outcome}\n{}", next_steps(options, &account)))
}

fn next_steps(options: &InstallService, account: &Account) -> String {
    let systemctl = if options.user { "systemctl --user" } else { "systemctl" };
    let mut text = format!("Next:\n  {systemctl} daemon-reload\n  {systemctl} enable --now cordboard\n");
    if options.user && !account.lingers() {
        text.push_str(&format!(
            "  loginctl enable-linger {}    to start the service at boot, and to keep it running after you log out\n",
            account.name
        ));
    }
    text
}

/// Replaces the file atomically.
fn replace_file(file: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(file.parent().unwrap_or(Path::new("/")))?;
    let partial = file.with_extension("service.new");
    fs::write(&partial, text).and_then(|()| fs::rename(&partial, file)).inspect_err(|_| drop(fs::remove_file(&partial)))
}

fn service_account(options: &InstallService) -> Result<Account, ServiceError> {
    if options.user {
        return accounts::current().ok_or(ServiceError::NoAccount);
    }
    let name = options.run_as.clone().or_else(|| std::env::var("SUDO_USER").ok()).ok_or(ServiceError::NoUser)?;
    accounts::by_name(&name).ok_or(ServiceError::UnknownUser(name))
}

fn build_unit(
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
    let uses_bubblewrap = config.agents.by_name.values().any(|agent| agent.sandbox.kind == SandboxKind::Bwrap);
    let unit = Unit {
        instance: if options.user {
            SystemdInstance::User
        } else {
            SystemdInstance::System { user: account.name.clone() }
        },
        program: std::env::current_exe().map_err(ServiceError::Program)?,
        config: config_file,
        creates_state_directory: !options.user && paths.state == Path::new(SYSTEM_STATE_DIR),
        state: paths.state.clone(),
        plugins: paths.plugins.clone(),
        search_path: search_path(account),
        credentials,
        writable_folders: [&account.home, &paths.state].into_iter().chain(folders).cloned().collect(),
        allows_bubblewrap: uses_bubblewrap,
    };
    unit.paths().try_for_each(check_path)?;
    Ok(unit)
}

/// Checks that a unit can contain the path. A line break, for example, would begin another setting.
fn check_path(path: &Path) -> Result<(), ServiceError> {
    let is_usable = path.to_str().is_some_and(|text| !text.contains(char::is_control));
    if is_usable { Ok(()) } else { Err(ServiceError::UnusablePath(path.to_owned())) }
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
