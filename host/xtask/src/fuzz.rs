//! Builds the fuzz targets in `host/fuzz` with a nightly compiler, and runs them one after another with libFuzzer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::step;
use crate::workspace::Workspace;

const FOLDER: &str = "host/fuzz";

/// The compiler flags that make a program report to libFuzzer which code it reaches. cargo-fuzz uses them, too.
const FLAGS: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// The targets that need the feature `host` of the fuzz targets' manifest.
const HOST_TARGETS: [&str; 2] = ["component", "http_head"];

/// A longer input is reported as a hang, in seconds.
const TIMEOUT: u64 = 10;

/// An input that needs more memory is reported, in MiB.
const MEMORY: u64 = 2048;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Search for inputs that violate a check, for this time per target.
    Search { seconds: u64 },
    /// Add the inputs that reach new code to the corpus.
    Merge,
}

impl Job {
    pub fn of(seconds: u64, merge: bool) -> Self {
        if merge { Self::Merge } else { Self::Search { seconds } }
    }
}

/// Runs one target, or all of them.
pub fn run(workspace: &Workspace, target: Option<&str>, job: Job) -> Result<()> {
    let targets = selected(targets(workspace)?, target)?;
    let platform = platform()?;
    let output = workspace.target.join("fuzz");
    step::start("building the fuzz targets (about 8 minutes the first time on two cores)");
    step::show(&mut build(workspace, &output, &targets))?;
    for target in &targets {
        let program = output.join(&platform).join("fuzz").join(target);
        let found = output.join("corpus").join(target);
        let mut fuzzer = Fuzzer { workspace, target, program, found }.command(job)?;
        step::show(&mut fuzzer).with_context(|| {
            format!(
                "{target} found an input that violates a check, or runs too long: see {FOLDER}/artifacts/{target}; \
                 after the fix, move the input to {FOLDER}/corpus/{target}"
            )
        })?;
    }
    step::done(&format!("no fault found by {}", targets.join(", ")));
    Ok(())
}

/// Returns the names of all targets.
fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let folder = workspace.root.join(FOLDER).join("fuzz_targets");
    let entries = fs::read_dir(&folder).with_context(|| format!("failed to read {}", folder.display()))?;
    let names = entries.filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

fn selected(all: Vec<String>, target: Option<&str>) -> Result<Vec<String>> {
    let Some(target) = target else { return Ok(all) };
    ensure!(all.iter().any(|name| name == target), "there is no target `{target}`: use one of {}", all.join(", "));
    Ok(vec![target.to_owned()])
}

/// Checks that the tools exist. Returns the name of this platform, such as `x86_64-unknown-linux-gnu`.
fn platform() -> Result<String> {
    step::read(Command::new("c++").arg("--version"))
        .context("fuzzing needs a C++ compiler for libFuzzer: install the package `g++`, and try again")?;
    let platform = step::read(rustup("rustc").args(["--print", "host-tuple"])).context(
        "fuzzing needs a nightly compiler: run `rustup toolchain install nightly --profile minimal`, and try again",
    )?;
    Ok(platform.trim().to_owned())
}

/// Returns a command that runs a program of the nightly toolchain.
fn rustup(program: &str) -> Command {
    let mut command = step::without_package(Command::new("rustup"));
    // The variables of the stable cargo, which runs this program, would select its own compiler.
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC").env_remove("CARGO");
    command.args(["run", "nightly", program]);
    command
}

fn build(workspace: &Workspace, output: &Path, targets: &[String]) -> Command {
    let mut cargo = rustup("cargo");
    cargo.current_dir(workspace.root.join(FOLDER)).args(["build", "--locked", "--profile", "fuzz"]);
    // With `--target`, the flags don't apply to build scripts and procedural macros.
    cargo.args(["--target", "host-tuple", "--target-dir"]).arg(output);
    cargo.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    for target in targets {
        cargo.arg("--bin").arg(target);
        if HOST_TARGETS.contains(&target.as_str()) {
            cargo.args(["--features", "host"]);
        }
    }
    cargo
}

struct Fuzzer<'a> {
    workspace: &'a Workspace,
    target: &'a str,
    program: PathBuf,
    /// The folder for the inputs that reach new code.
    found: PathBuf,
}

impl Fuzzer<'_> {
    fn command(&self, job: Job) -> Result<Command> {
        let corpus = self.workspace.root.join(FOLDER).join("corpus").join(self.target);
        let artifacts = self.workspace.root.join(FOLDER).join("artifacts").join(self.target);
        for folder in [&corpus, &self.found, &artifacts] {
            fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
        }
        let mut fuzzer = Command::new(&self.program);
        fuzzer.current_dir(&self.workspace.root);
        // libFuzzer appends the name of an input to this prefix.
        fuzzer.arg(format!("-artifact_prefix={}/", artifacts.display()));
        fuzzer.arg(format!("-timeout={TIMEOUT}")).arg(format!("-rss_limit_mb={MEMORY}"));
        match job {
            Job::Search { seconds } => {
                step::start(&format!("fuzzing {} for {seconds} seconds", self.target));
                fuzzer.arg(format!("-max_total_time={seconds}")).arg("-print_final_stats=1");
                // libFuzzer writes new inputs to the first folder.
                fuzzer.arg(&self.found).arg(corpus);
            }
            Job::Merge => {
                step::start(&format!("adding the inputs that reach new code to the corpus of {}", self.target));
                fuzzer.arg("-merge=1").arg(corpus).arg(&self.found);
            }
        }
        Ok(fuzzer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_unknown_target_is_refused_with_the_known_ones() {
        let all = names(&["config", "markdown"]);
        assert_eq!(selected(all.clone(), None).unwrap(), all);
        assert_eq!(selected(all.clone(), Some("config")).unwrap(), names(&["config"]));
        let error = selected(all, Some("conf")).unwrap_err().to_string();
        assert_eq!(error, "there is no target `conf`: use one of config, markdown");
    }
}
