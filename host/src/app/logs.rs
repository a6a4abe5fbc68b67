//! The command `cordboard logs`. It prints the records that a running host sends, or replaces itself with `journalctl` if
//! the log is in systemd's journal.

use std::{fs, io::Write as _, path::Path};

use cordboard_agents::process::{Environment, exec_in_terminal};

use super::{
    AppError,
    inspect::{block_on, unexpected_answer},
};
use crate::{
    cli::{InstallService, Level, Logs},
    control::{self, AfterRecentLines, ControlAnswer, ControlQuery, LogLines, PendingQuery},
    logging::{self, JournalSource, LogRecord, PARENT_TARGET},
    stdout::print_while_read,
};

/// Prints the log of the host.
///
/// # Errors
/// No host and no service is found, the host stops while its log is followed, or `journalctl` can't be started.
pub fn print(options: &Logs) -> Result<(), AppError> {
    logging::start("error");
    let environment = Environment::read();
    let state = options.state.resolve()?;
    let journal = block_on(async {
        let then = if options.follow { AfterRecentLines::Follow } else { AfterRecentLines::Close };
        let Some(mut pending) = control::begin(&state, ControlQuery::Log(then)).await? else {
            let named = options.state.state.as_ref().map(|_| state.as_path());
            return installed_unit(named).map(Some).ok_or_else(|| AppError::NoHost { state: state.clone() });
        };
        match pending.first().await {
            Ok(ControlAnswer::Journal(source)) => Ok(Some(source)),
            Ok(ControlAnswer::Log(lines)) => print_lines(lines, pending, options).await.map(|()| None),
            Ok(other) => Err(unexpected_answer(other)),
            Err(error) => Err(error.into()),
        }
    })?;
    match journal {
        Some(source) => Err(exec_journalctl(&source, options, &environment)),
        None => Ok(()),
    }
}

/// Prints the first lines, and further ones until Ctrl-C.
async fn print_lines(first: LogLines, mut pending: PendingQuery, options: &Logs) -> Result<(), AppError> {
    let earlier = chosen(&first.lines, options);
    let is_read = print_while_read(&earlier[earlier.len().saturating_sub(options.lines)..].concat())?;
    if !options.follow || !is_read {
        return Ok(());
    }
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let lines = tokio::select! {
            _ = &mut interrupted => return Ok(()),
            answer = pending.next() => match answer? {
                Some(ControlAnswer::Log(lines)) => lines,
                Some(other) => return Err(unexpected_answer(other)),
                None => return Err(AppError::HostStopped),
            },
        };
        if lines.missing > 0 {
            drop(writeln!(std::io::stderr(), "cordboard: {} records were logged too fast to be sent", lines.missing));
        }
        if !print_while_read(&chosen(&lines.lines, options).concat())? {
            return Ok(());
        }
    }
}

/// Returns the lines that the options select, each with a line break.
fn chosen(lines: &[String], options: &Logs) -> Vec<String> {
    let choose = |line: &String| {
        let record = LogRecord::parse(line);
        let is_important = options.level.is_none_or(|level| level_of(&record.level) <= level);
        let is_from_target = options.target.as_ref().is_none_or(|target| record.is_from(target));
        let shown = if options.json { line.clone() } else { record.line() };
        (is_important && is_from_target).then(|| format!("{shown}\n"))
    };
    lines.iter().filter_map(choose).collect()
}

fn level_of(text: &str) -> Level {
    match text {
        "ERROR" => Level::Error,
        "WARN" => Level::Warn,
        "DEBUG" => Level::Debug,
        "TRACE" => Level::Trace,
        _ => Level::Info,
    }
}

/// Returns the service of a stopped host, if there is one. `state` is the state directory on the command line.
fn installed_unit(state: Option<&Path>) -> Option<JournalSource> {
    let exists = |folder: &Path| {
        let Ok(unit) = fs::read_to_string(folder.join(InstallService::UNIT)) else { return false };
        state.is_none_or(|state| state.to_str().is_some_and(|state| unit.contains(state)))
    };
    let unit = InstallService::UNIT.to_owned();
    if InstallService::user_unit_folder().is_some_and(|folder| exists(&folder)) {
        return Some(JournalSource::UserUnit(unit));
    }
    exists(Path::new(InstallService::SYSTEM_UNIT_FOLDER)).then_some(JournalSource::Unit(unit))
}

/// Replaces this process with `journalctl`. Returns only if that fails.
fn exec_journalctl(source: &JournalSource, options: &Logs, environment: &Environment) -> AppError {
    let args = journalctl_args(source, options);
    let failed = exec_in_terminal(Path::new("journalctl"), &args, environment.not_secret(), Path::new("/"));
    tracing::debug!(error = %failed, "failed to start journalctl");
    AppError::Journalctl(format!("journalctl {}", args.join(" ")))
}

fn journalctl_args(source: &JournalSource, options: &Logs) -> Vec<String> {
    let mut args = vec!["--no-pager".to_owned(), format!("--lines={}", options.lines)];
    args.extend(options.follow.then(|| "--follow".to_owned()));
    args.extend(options.json.then(|| "--output=json".to_owned()));
    args.extend(options.level.map(|level| {
        let priority = match level {
            Level::Error => "err",
            Level::Warn => "warning",
            Level::Info => "info",
            Level::Debug | Level::Trace => "debug",
        };
        format!("--priority={priority}")
    }));
    args.push(source.argument());
    args.extend(options.target.as_ref().map(|target| format!("{PARENT_TARGET}={target}")));
    args
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command, MonitoringCommand};

    fn options(arguments: &[&str]) -> Logs {
        let command = Cli::parse_from([&["cordboard", "logs"], arguments].concat()).command;
        let Command::Monitoring(MonitoringCommand::Logs(options)) = command else { panic!("{command:?}") };
        options
    }

    #[test]
    fn journalctl_gets_the_same_selection() {
        let source = JournalSource::Unit("cordboard.service".to_owned());
        assert_eq!(journalctl_args(&source, &options(&[])), ["--no-pager", "--lines=100", "--unit=cordboard.service"]);
        let all = options(&["-f", "-n", "5", "--level", "warn", "--target", "cordboard::hub", "--json"]);
        let expected = [
            "--no-pager",
            "--lines=5",
            "--follow",
            "--output=json",
            "--priority=warning",
            "_PID=7",
            "TARGET_OR_PARENT=cordboard::hub",
        ];
        assert_eq!(journalctl_args(&JournalSource::Process(7), &all), expected);
    }

    #[test]
    fn lines_are_chosen_by_level_and_target() {
        let line = |level: &str, target: &str| {
            format!(r#"{{"timestamp":"T","level":"{level}","target":"{target}","fields":{{"message":"m"}}}}"#)
        };
        let lines =
            [line("INFO", "cordboard::hub"), line("WARN", "cordboard::hub::x"), line("ERROR", "cordboard_core")];
        let chosen = |arguments: &[&str]| chosen(&lines, &options(arguments)).concat();
        assert_eq!(chosen(&[]), "T  INFO m\nT  WARN m\nT ERROR m\n");
        assert_eq!(chosen(&["--level", "warn"]), "T  WARN m\nT ERROR m\n");
        assert_eq!(chosen(&["--target", "cordboard::hub"]), "T  INFO m\nT  WARN m\n");
        assert_eq!(chosen(&["--target", "cordboard::hub", "--level", "warn", "--json"]), format!("{}\n", lines[1]));
    }
}
