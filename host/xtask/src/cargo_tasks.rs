//! Runs tests, benchmarks, lints and the formatting check the same way for developers and CI. Doesn't build plugins.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::step;
use crate::workspace::Workspace;

/// Runs the tests that `args` select. Without a selection, runs the doctests first and then all tests, so that the test
/// summary is the last line.
pub fn test(workspace: &Workspace, args: &[OsString]) -> Result<()> {
    if args.is_empty() || args == ["--no-fail-fast"] {
        step::start("running the doctests");
        step::show(cargo(workspace).args(["test", "--quiet", "--doc", "--workspace"]))?;
    }
    let mut runner = cargo(workspace);
    if nextest_exists() {
        step::start("running the tests with cargo-nextest (the first build takes minutes)");
        runner.args(["nextest", "run"]).args(TESTED).args(args);
    } else {
        step::start("running the tests (the first build takes minutes)");
        let (options, filters): (Vec<_>, Vec<_>) =
            args.iter().partition(|arg| arg.as_encoded_bytes().starts_with(b"-"));
        runner.arg("test").args(TESTED).args(options).arg("--").args(filters);
    }
    step::show(&mut runner)
}

/// Selects the whole workspace, like every native build: for fewer packages, cargo would resolve different features and
/// rebuild wasmtime. Without the other flags, cargo would link the plugins natively.
const TESTED: [&str; 4] = ["--workspace", "--lib", "--bins", "--tests"];

fn nextest_exists() -> bool {
    let mut probe = Command::new("cargo-nextest");
    probe.args(["nextest", "--version"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

/// Benchmarks the release binary `host`. When cargo builds benchmarks, it overwrites the binary with one that has
/// dev-dependencies' features, so this function first copies the binary that users get.
pub fn bench(workspace: &Workspace, host: &Path, args: &[OsString]) -> Result<()> {
    step::start("measuring (the first build takes minutes)");
    let measured = host.with_file_name("cordboard-measured");
    fs::copy(host, &measured).with_context(|| format!("failed to copy {}", host.display()))?;
    let mut bench = cargo(workspace);
    bench.env("CORDBOARD_MEASURED", &measured).args(["bench", "--workspace", "--bench", "figures", "--"]).args(args);
    step::show(&mut bench)
}

/// Runs the chaos test on a development build that includes the failpoints.
pub fn chaos(workspace: &Workspace, kills: u32, seed: u64) -> Result<()> {
    step::start(&format!("killing the host {kills} times (the first build takes minutes)"));
    step::show(chaos_test(workspace).args(["--kills", &kills.to_string(), "--seed", &seed.to_string()]))
}

/// Activates versions of a plugin in the build that [`chaos`] kills.
pub fn activations(workspace: &Workspace, count: u32) -> Result<()> {
    step::start(&format!("activating plugin versions {count} times (the first build takes minutes)"));
    step::show(chaos_test(workspace).args(["--activations", &count.to_string()]))
}

fn chaos_test(workspace: &Workspace) -> Command {
    let mut bench = cargo(workspace);
    bench.args(["bench", "--profile", "dev", "--workspace", "--features", "cordboard/failpoints", "--bench", "chaos"]);
    bench.arg("--");
    bench
}

/// Builds the book. mdBook is a feature of its own package, so that other builds don't compile it.
pub fn docs(workspace: &Workspace, host: &Path, flags: &[&str]) -> Result<()> {
    step::start("building the book (half a minute the first time)");
    let mut book = cargo(workspace);
    book.args(["run", "--package", "cordboard-book", "--features", "mdbook", "--"]);
    book.arg("--root").arg(&workspace.root).arg("--cordboard").arg(host).args(flags);
    step::show(&mut book)
}

/// Simulates a development build, which takes less time than optimizing the build first.
pub fn simulate(workspace: &Workspace, seed: u64, days: u64) -> Result<()> {
    step::start(&format!("simulating {days} days (the first build takes minutes)"));
    let mut bench = cargo(workspace);
    bench.args(["bench", "--profile", "dev", "--workspace", "--bench", "simulate", "--"]);
    bench.args(["--seed", &seed.to_string(), "--days", &days.to_string()]);
    step::show(&mut bench)
}

pub fn format(workspace: &Workspace) -> Result<()> {
    step::start("checking the formatting");
    step::show(cargo(workspace).args(["fmt", "--all", "--check"]))
        .context("the code is not formatted: run `cargo fmt --all`")
}

/// Lints everything for the native target. This can include the plugins, because clippy doesn't link them. Includes the
/// traces, which other builds of the host don't contain.
pub fn lint(workspace: &Workspace) -> Result<()> {
    step::start("linting (takes minutes the first time)");
    let mut clippy = cargo(workspace);
    clippy.args(["clippy", "--workspace", "--all-targets", "--features", "cordboard-book/mdbook,cordboard/otlp"]);
    step::show(clippy.args(["--", "-D", "warnings"]))
}

/// Tests the export of traces. The crate alone compiles in half a minute; a second host would take minutes.
pub fn test_traces(workspace: &Workspace) -> Result<()> {
    step::start("testing the export of traces");
    step::show(cargo(workspace).args(["test", "--quiet", "--package", "cordboard-metrics", "--features", "otlp"]))
}

fn cargo(workspace: &Workspace) -> Command {
    let mut cargo = step::cargo();
    cargo.current_dir(&workspace.root);
    cargo
}
