//! Implements `cordboard doctor`, which runs the checks of `cordboard check` and also checks this machine. It changes
//! nothing.

use std::{
    fs::{self, Metadata},
    io::ErrorKind,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, SystemTime},
};

use cordboard_agents::{process::Environment, program_path};
use cordboard_core::{
    config::{Agent, AgentKind, Config, format_duration, format_size},
    shell::quote_path,
};
use rustix::fs::statvfs;

use super::{accounts, program_output::program_output};
use crate::{
    app::{
        AppError,
        check::{print_row, run_checks},
        inspect::{block_on, print_text},
        load,
        own_files::configured_token_file,
    },
    cli::{InstallService, Paths, ResolvedPaths},
    control::{self, ControlQuery},
    logging,
};

/// The minimum free space in bytes. With less, the host soon can't store messages.
const MIN_FREE_SPACE: u64 = 100 * 1024 * 1024;

/// The minimum number of free inodes. With fewer, the host and its agents soon can't create files.
const MIN_FREE_INODES: u64 = 1000;

/// The maximum time by which a file may seem to be from the future. If the difference is larger, the clock was set
/// back.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// The results of the checks.
#[derive(Debug, Default)]
struct Findings {
    problems: Vec<String>,
    /// Remedies for things that work, but not well. They don't change the exit code.
    advice: Vec<String>,
}

/// Checks the configuration and this machine: `cordboard doctor`.
///
/// # Errors
/// The checks found problems, which are listed in the error.
pub fn doctor(paths: &Paths) -> Result<(), AppError> {
    logging::start("error");
    let paths = paths.resolve()?;
    let mut findings = Findings::default();
    // The machine is checked even if the configuration is invalid.
    match run_checks(&paths) {
        Ok(problems) => findings.problems.extend(problems),
        Err(error) => findings.problems.push(error.to_string()),
    }
    if let Ok(config) = load(&paths) {
        check_versions(&config, &mut findings)?;
        check_token_files(&paths, &config, &mut findings)?;
    }
    check_state(&paths.state, &mut findings)?;
    check_clock(&paths.state, &mut findings)?;
    check_linger(&mut findings)?;
    check_host(&paths, &mut findings)?;
    for advice in &findings.advice {
        print_text(&format!("advice: {advice}\n"))?;
    }
    if findings.problems.is_empty() { Ok(()) } else { Err(AppError::Problems(findings.problems.join("\n"))) }
}

/// Asks each agent for its version. `check` reports the missing ones.
fn check_versions(config: &Config, findings: &mut Findings) -> Result<(), AppError> {
    let environment = Environment::read();
    for (name, agent) in &config.agents.by_name {
        let Some(program) = versioned_program(agent, &environment) else { continue };
        match block_on(async { Ok(program_output(&program, &["--version"]).await) })? {
            Ok(version) => {
                print_row("version", "ok", &format!("{name}: {}", version.lines().next().unwrap_or_default()))?
            }
            Err(error) => {
                print_row("version", "unknown", name)?;
                let advice =
                    format!("`{} --version`: {error}; start the program in a terminal to see why", program.display());
                let is_default = *name == config.agents.default;
                let findings = if is_default { &mut findings.problems } else { &mut findings.advice };
                findings.push(advice);
            }
        }
    }
    Ok(())
}

/// Returns the agent's program if it understands `--version`. Other programs aren't started, because they might do
/// anything.
fn versioned_program(agent: &Agent, environment: &Environment) -> Option<std::path::PathBuf> {
    match agent.kind {
        AgentKind::Claude | AgentKind::Acp => program_path(agent, environment).ok(),
        AgentKind::Demo | AgentKind::Plain => None,
    }
}

fn check_token_files(paths: &ResolvedPaths, config: &Config, findings: &mut Findings) -> Result<(), AppError> {
    for file in config.telegram_bots().filter_map(|(_, telegram)| configured_token_file(paths, telegram)) {
        let Ok(metadata) = fs::metadata(&file) else { continue };
        check_private("token file", &file, &metadata, findings)?;
    }
    Ok(())
}

/// Checks that other users can't read a file or folder.
fn check_private(what: &str, path: &Path, metadata: &Metadata, findings: &mut Findings) -> Result<(), AppError> {
    let mode = metadata.permissions().mode() & 0o777;
    let is_private = mode & 0o077 == 0;
    print_row("permissions", if is_private { "ok" } else { "open" }, &path.display().to_string())?;
    if !is_private {
        let private = if metadata.is_dir() { "700" } else { "600" };
        findings.advice.push(format!(
            "other users can read the {what} {} (mode {mode:o}): run `chmod {private} {}`",
            path.display(),
            quote_path(path)
        ));
    }
    Ok(())
}

/// Checks who can read the state directory, and how much space is left for it.
fn check_state(state: &Path, findings: &mut Findings) -> Result<(), AppError> {
    let shown = state.display().to_string();
    match fs::metadata(state) {
        Ok(metadata) => check_private("state directory", state, &metadata, findings)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            print_row("permissions", "missing", &format!("{shown} (the host creates it)"))?
        }
        Err(error) => {
            print_row("permissions", "unknown", &shown)?;
            findings.problems.push(format!(
                "the state directory {shown} can't be read: {error}; run this command as the host's user"
            ));
        }
    }
    // If the state directory doesn't exist yet, check the disk of its nearest existing ancestor.
    let Some(Ok(disk)) = state.ancestors().find(|folder| folder.exists()).map(statvfs) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    // Some file systems don't limit the number of inodes, and report 0.
    let has_files = disk.f_files == 0 || disk.f_favail >= MIN_FREE_INODES;
    let has_space = free >= MIN_FREE_SPACE;
    let free = format_size(free - free % (1024 * 1024));
    let verdict = if has_space && has_files { "ok" } else { "full" };
    print_row("disk", verdict, &format!("{free} free for {shown}"))?;
    if !has_space {
        findings
            .problems
            .push(format!("only {free} is free for {shown}: delete files, or use another disk with --state"));
    }
    if !has_files {
        findings.problems.push(format!("the disk of {shown} has only {} free inodes: delete files", disk.f_favail));
    }
    Ok(())
}

/// Checks that the clock isn't earlier than the last write to the database, and that it is synchronized.
fn check_clock(state: &Path, findings: &mut Findings) -> Result<(), AppError> {
    let stored = ["cordboard.db", "cordboard.db-wal"].map(|name| fs::metadata(state.join(name)).ok()?.modified().ok());
    let now = SystemTime::now();
    let lag = stored.into_iter().flatten().filter_map(|at| at.duration_since(now).ok()).max();
    let lag = lag.filter(|lag| *lag > CLOCK_TOLERANCE);
    let synchronized = block_on(async {
        Ok(program_output(Path::new("timedatectl"), &["show", "--property=NTPSynchronized", "--value"]).await)
    })?;
    // Without timedatectl, assume that another program synchronizes the clock.
    let is_unsynchronized = synchronized.is_ok_and(|answer| answer.trim() == "no");
    let verdict = if lag.is_some() {
        "behind"
    } else if is_unsynchronized {
        "not synchronized"
    } else {
        "ok"
    };
    print_row("clock", verdict, &cordboard_core::types::Timestamp::default().after(since_epoch(now)).to_rfc3339())?;
    if let Some(lag) = lag {
        let lag = format_duration(Duration::from_secs(lag.as_secs()));
        findings.problems.push(format!("the clock is {lag} earlier than the host's last write: set the clock"));
    }
    if is_unsynchronized {
        findings.advice.push("the clock is not synchronized: run `timedatectl set-ntp true`".to_owned());
    }
    Ok(())
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Checks that a service of this user starts at boot.
fn check_linger(findings: &mut Findings) -> Result<(), AppError> {
    let Some(unit) = InstallService::user_unit_folder().map(|folder| folder.join(InstallService::UNIT)) else {
        return Ok(());
    };
    let Some(account) = accounts::current().filter(|_| unit.exists()) else { return Ok(()) };
    let lingers = account.lingers();
    print_row("linger", if lingers { "ok" } else { "off" }, &account.name)?;
    if !lingers {
        let name = account.name;
        findings
            .advice
            .push(format!("the service of {name} stops when {name} logs out: run `loginctl enable-linger {name}`"));
    }
    Ok(())
}

/// Checks that a running host responds. A stopped host is not a problem.
fn check_host(paths: &ResolvedPaths, findings: &mut Findings) -> Result<(), AppError> {
    let running = block_on(async { Ok(control::query(&paths.state, ControlQuery::Sessions).await) })?;
    let verdict = match running {
        Ok(Some(_)) => "ok",
        Ok(None) => "stopped",
        Err(error) => {
            findings.problems.push(format!("failed to {error}; restart the host if this lasts"));
            "not responding"
        }
    };
    print_row("host", verdict, &paths.state.display().to_string())
}
