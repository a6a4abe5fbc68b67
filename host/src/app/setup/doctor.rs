//! Implements `cordboard doctor`, which runs the checks of `cordboard check` and also checks this machine. It changes
//! nothing.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, SystemTime},
};

use cordboard_agents::{process::Environment, program_path};
use cordboard_core::config::{Agent, AgentKind, Config, format_duration, format_size};
use rustix::fs::statvfs;

use super::{accounts, program_output::program_output, service::LINGER};
use crate::{
    app::{
        AppError,
        check::find_problems,
        inspect::{block_on, print_text},
        load,
        own_files::configured_token_file,
    },
    cli::{InstallService, Paths, ResolvedPaths},
    control::{self, ControlQuery},
    logging,
};

/// The minimum free space in bytes. With less, the host soon can't store messages.
const LITTLE_SPACE: u64 = 100 * 1024 * 1024;

/// The minimum number of free inodes. With fewer, the host and its agents soon can't create files.
const FEW_FILES: u64 = 1000;

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
    match find_problems(&paths) {
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
    report_host(&paths)?;
    for advice in &findings.advice {
        print_text(&format!("advice: {advice}\n"))?;
    }
    if findings.problems.is_empty() { Ok(()) } else { Err(AppError::Problems(findings.problems.join("\n"))) }
}

fn row(what: &str, verdict: &str, detail: &str) -> Result<(), AppError> {
    print_text(&format!("{what:<14} {verdict}  {detail}\n"))
}

/// Asks each agent for its version. `check` reports the missing ones.
fn check_versions(config: &Config, findings: &mut Findings) -> Result<(), AppError> {
    let environment = Environment::read();
    for (name, agent) in &config.agents.by_name {
        let Some(program) = versioned_program(agent, &environment) else { continue };
        match block_on(async { Ok(program_output(&program, &["--version"]).await) })? {
            Ok(version) => row("version", "ok", &format!("{name}: {}", version.lines().next().unwrap_or_default()))?,
            Err(error) => {
                row("version", "unknown", name)?;
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
        let mode = metadata.permissions().mode() & 0o777;
        let is_private = mode & 0o077 == 0;
        row("permissions", if is_private { "ok" } else { "open" }, &file.display().to_string())?;
        if !is_private {
            let file = file.display();
            findings
                .advice
                .push(format!("other users can read the token file {file} (mode {mode:o}): run chmod 600 {file}"));
        }
    }
    Ok(())
}

/// Checks who can read the state directory, and how much space is left for it.
fn check_state(state: &Path, findings: &mut Findings) -> Result<(), AppError> {
    let shown = state.display().to_string();
    match fs::metadata(state) {
        Ok(metadata) => {
            let mode = metadata.permissions().mode() & 0o777;
            let is_private = mode & 0o077 == 0;
            row("permissions", if is_private { "ok" } else { "open" }, &shown)?;
            if !is_private {
                let advice =
                    format!("other users can read the state directory {shown} (mode {mode:o}): run chmod 700 {shown}");
                findings.advice.push(advice);
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            row("permissions", "none", &format!("{shown} (the host creates it)"))?
        }
        Err(error) => {
            row("permissions", "unknown", &shown)?;
            findings.problems.push(format!(
                "the state directory {shown} can't be read: {error}; run this command as the host's user"
            ));
        }
    }
    // If the state directory doesn't exist yet, check the disk of its nearest existing ancestor.
    let Some(Ok(disk)) = state.ancestors().find(|folder| folder.exists()).map(statvfs) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    // Some file systems don't limit the number of inodes, and report 0.
    let has_files = disk.f_files == 0 || disk.f_favail >= FEW_FILES;
    let has_space = free >= LITTLE_SPACE;
    let detail = format!("{} free for {shown}", format_size(free - free % (1024 * 1024)));
    row("disk", if has_space && has_files { "ok" } else { "full" }, &detail)?;
    if !has_space {
        findings.problems.push(format!("only {detail}: delete files, or use another disk with --state"));
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
    let ahead = stored.into_iter().flatten().filter_map(|at| at.duration_since(now).ok()).max();
    let is_behind = ahead.filter(|ahead| *ahead > CLOCK_TOLERANCE);
    let synchronized = block_on(async {
        Ok(program_output(Path::new("timedatectl"), &["show", "--property=NTPSynchronized", "--value"]).await)
    })?;
    // Without timedatectl, assume that another program synchronizes the clock.
    let is_free = synchronized.is_ok_and(|answer| answer.trim() == "no");
    let verdict = if is_behind.is_some() {
        "behind"
    } else if is_free {
        "not synchronized"
    } else {
        "ok"
    };
    row("clock", verdict, &cordboard_core::types::Timestamp::default().after(since_epoch(now)).to_rfc3339())?;
    if let Some(ahead) = is_behind {
        let ahead = format_duration(Duration::from_secs(ahead.as_secs()));
        findings
            .problems
            .push(format!("the clock is {ahead} behind the time at which the host last stored data: set the clock"));
    }
    if is_free {
        findings.advice.push("the clock is not synchronized: run `timedatectl set-ntp true`".to_owned());
    }
    Ok(())
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Checks that a service of this user starts at boot.
fn check_linger(findings: &mut Findings) -> Result<(), AppError> {
    let Some(unit) = InstallService::user_unit_folder().map(|folder| folder.join("cordboard.service")) else {
        return Ok(());
    };
    let Some(account) = accounts::current().filter(|_| unit.exists()) else { return Ok(()) };
    let lingers = Path::new(LINGER).join(&account.name).exists();
    row("linger", if lingers { "ok" } else { "off" }, &account.name)?;
    if !lingers {
        let name = account.name;
        findings
            .advice
            .push(format!("the service of {name} stops when {name} logs out: run `loginctl enable-linger {name}`"));
    }
    Ok(())
}

/// Reports whether a host is running. A stopped host is not a problem.
fn report_host(paths: &ResolvedPaths) -> Result<(), AppError> {
    let running = block_on(async { Ok(control::query(&paths.state, ControlQuery::Sessions).await) })?;
    let verdict = match running {
        Ok(Some(_)) => "ok",
        Ok(None) => "stopped",
        Err(_) => "not responding",
    };
    row("host", verdict, &paths.state.display().to_string())
}
