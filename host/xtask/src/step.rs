//! Prints progress lines and runs commands to completion. Writes only to stderr, because stdout belongs to the host.

use std::io::{IsTerminal, stderr};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The number of output lines that a failed command's error includes, enough to show the cause.
const TAIL_LINES: usize = 25;

/// Prints a line when a step begins. For slow steps, include the expected duration in `text`.
pub fn start(text: &str) {
    line("1;36", "-->", text);
}

pub fn done(text: &str) {
    line("1;32", "-->", text);
}

pub fn warning(text: &str) {
    line("1;33", "warning:", text);
}

pub fn failure(text: &str) {
    line("1;31", "error:", text);
}

fn line(colour: &str, mark: &str, text: &str) {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) || !stderr().is_terminal();
    if plain {
        eprintln!("{mark} {text}");
    } else {
        eprintln!("\x1b[{colour}m{mark}\x1b[0m {text}");
    }
}

/// Returns a command for the cargo that runs this program, without the environment variables that `cargo run` adds.
/// These variables would cause cargo to rerun the build scripts that depend on them, and to rebuild half of the
/// dependencies.
pub fn cargo() -> Command {
    without_package(Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())))
}

/// Removes the environment variables that describe this package from a command.
pub fn without_package(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(of_package) {
            command.env_remove(name);
        }
    }
    command
}

fn of_package(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| variable.starts_with(prefix))
        || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&variable)
}

/// Runs a command without capturing its output, so that the user sees the progress. The command's stdin is empty,
/// because piped input belongs to the host.
pub fn show(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("couldn't start {}", name(command)))?;
    if !status.success() {
        bail!("{} failed ({status}); see its output above", name(command));
    }
    Ok(())
}

/// Runs a command silently and returns its stdout. If it fails, the error includes the last lines of its output.
pub fn read(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("couldn't start {}", name(command)))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("{} failed ({}):\n{}", name(command), output.status, tail(&String::from_utf8_lossy(&said)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].iter().map(|line| format!("    {line}\n")).collect()
}

/// Returns the program and its first argument, which identify the step.
fn name(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    match command.get_args().next() {
        Some(verb) => format!("`{program} {}`", verb.to_string_lossy()),
        None => format!("`{program}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_keeps_its_last_lines() {
        let error = read(Command::new("sh").args(["-c", "seq 1 100; echo why >&2; exit 3"])).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.starts_with("`sh -c` failed (exit status: 3)"), "{text}");
        assert!(text.ends_with("    why\n"), "{text}");
        assert!(!text.contains("    10\n"), "{text}");
    }

    #[test]
    fn an_absent_program_is_named() {
        let error = read(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(format!("{error:#}").starts_with("couldn't start `no-such-program-here`"), "{error:#}");
    }

    #[test]
    fn only_variables_of_our_own_package_are_dropped() {
        assert!(of_package("CARGO_PKG_NAME") && of_package("CARGO_MANIFEST_DIR") && of_package("OUT_DIR"));
        assert!(!of_package("CARGO_HOME") && !of_package("CARGO_TARGET_DIR") && !of_package("CARGO_BUILD_JOBS"));
    }
}
