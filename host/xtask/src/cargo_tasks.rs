//! Runs tests, benchmarks and lints, with the same functions for people and for CI. Doesn't build plugins.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::step;
use crate::workspace::Workspace;

/// Runs every test. The runner comes last, so that its summary is the last line.
pub fn test(workspace: &Workspace, args: &[OsString]) -> Result<()> {
    if args.is_empty() || args == ["--no-fail-fast"] {
        step::start("running the examples of the documentation");
        step::show(cargo(workspace).args(["test", "--quiet", "--doc", "--workspace"]))?;
    }
    let mut runner = cargo(workspace);
    if nextest_exists() {
        step::start("running the tests with cargo-nextest (the first time: minutes of building)");
        runner.args(["nextest", "run"]).args(TESTED).args(args);
    } else {
        step::start("running the tests (the first time: minutes of building)");
        let (options, filters): (Vec<_>, Vec<_>) =
            args.iter().partition(|arg| arg.as_encoded_bytes().starts_with(b"-"));
        runner.arg("test").args(TESTED).args(options).arg("--").args(filters);
    }
    step::show(&mut runner)
}

/// The whole workspace, as everywhere here: for fewer packages, cargo resolves other features and rebuilds wasmtime.
/// Without `--lib --bins --tests`, cargo would link the plugins natively.
const TESTED: [&str; 4] = ["--workspace", "--lib", "--bins", "--tests"];

fn nextest_exists() -> bool {
    let mut probe = Command::new("cargo-nextest");
    probe.args(["nextest", "--version"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

pub fn bench(workspace: &Workspace, args: &[OsString]) -> Result<()> {
    step::start("measuring (the first time: minutes of building)");
    step::show(cargo(workspace).args(["bench", "--workspace", "--bench", "figures", "--"]).args(args))
}

pub fn format(workspace: &Workspace) -> Result<()> {
    step::start("checking the formatting");
    step::show(cargo(workspace).args(["fmt", "--all", "--check"]))
        .context("the code is not formatted (run `cargo fmt --all`)")
}

/// Lints everything natively, plugins included: checking needs no linker.
pub fn lint(workspace: &Workspace) -> Result<()> {
    step::start("linting (the first time: minutes)");
    step::show(cargo(workspace).args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn cargo(workspace: &Workspace) -> Command {
    let mut cargo = step::cargo();
    cargo.current_dir(&workspace.root);
    cargo
}
