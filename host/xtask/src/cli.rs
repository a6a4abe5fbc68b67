//! Defines the command line, and dispatches to the module that does the work.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::fuzz::Job;
use crate::host::Profile;
use crate::plugins::Selection;
use crate::toolchain::{Toolchain, ToolchainChoice};
use crate::workspace::Workspace;
use crate::{cargo_tasks, fuzz, host, plugins, step};

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Builds the plugins and the host that embeds them; runs, tests and benchmarks the result",
    after_help = "Examples:
  cargo xtask run                        the console chat with the demo agent
  cargo xtask build --release            target/release/cordboard, a self-contained binary
  cargo xtask test                       the whole test suite
  cargo xtask test -- resume             the tests whose name contains `resume`"
)]
pub struct Cli {
    #[command(subcommand)]
    task: Task,

    /// The compiler for the plugins.
    #[arg(long, global = true, hide = true, value_enum, env = "CORDBOARD_TOOLCHAIN", default_value = "auto")]
    toolchain: ToolchainChoice,
}

/// The number of kills in CI, half of them at failpoints: enough to reach each failpoint, in about a minute.
const CI_KILLS: u32 = 50;

/// The number of activations in CI: enough to find a version that isn't freed, in half a minute.
const CI_ACTIVATIONS: u32 = 200;

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the plugins, then the host, which embeds them
    #[command(after_help = "Examples:
  cargo xtask build                      target/debug/cordboard
  cargo xtask build --release            target/release/cordboard")]
    Build {
        /// Optimize the host for installation (slower build)
        #[arg(long)]
        release: bool,
    },
    /// Build and run the host, with all its files in .cordboard/
    #[command(after_help = "Examples:
  cargo xtask run                        the console chat with the demo agent
  cargo xtask run -- --chat console      arguments after -- are passed to `cordboard run`
  echo hello | cargo xtask run           one input line is one message")]
    Run {
        /// Optimize the host
        #[arg(long)]
        release: bool,
        /// Arguments for `cordboard run`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Build the plugins, then run all tests
    #[command(after_help = "Examples:
  cargo xtask test                       the whole test suite
  cargo xtask test -- resume             the tests whose name contains `resume`")]
    Test {
        /// Arguments for the test runner
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Build for release, then measure
    #[command(after_help = "Examples:
  cargo xtask bench                      the table of figures
  cargo xtask bench -- command           the figures whose name contains `command`
  cargo xtask bench --peers              the same table with other libraries for bots")]
    Bench {
        /// Also measure other bot libraries, which are fetched from npm and PyPI
        #[arg(long)]
        peers: bool,
        /// Arguments for the benchmarks
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Repeatedly kill a running host, or replace a plugin, and count the failures that users would notice
    #[command(after_help = "Examples:
  cargo xtask chaos                      50 kills, half of them at failpoints
  cargo xtask chaos --kills 500 --seed 7 the same seed repeats the kills and the failing calls
  cargo xtask chaos --activations 10000  no kills; activates versions of a plugin for 25 minutes")]
    Chaos {
        /// The number of kills
        #[arg(long, default_value_t = CI_KILLS)]
        kills: u32,
        /// The seed of the messages, the failing calls and the times of the kills
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Instead of killing the host, activate two versions of a plugin in turn, this many times
        #[arg(long, conflicts_with_all = ["kills", "seed"])]
        activations: Option<u32>,
    },
    /// Build the documentation as a book in target/book, and check its links
    #[command(after_help = "Examples:
  cargo xtask docs --open                opens the book in a browser
  cargo xtask docs --serve               serves it at http://127.0.0.1:3000/ until Ctrl-C")]
    Docs {
        /// Open the book in a browser
        #[arg(long)]
        open: bool,
        /// Serve the book on this machine
        #[arg(long, conflicts_with = "open")]
        serve: bool,
    },
    /// Run the fuzz targets with a nightly compiler
    #[command(after_help = "Examples:
  cargo xtask fuzz                       each target for a minute
  cargo xtask fuzz markdown --seconds 600
  cargo xtask fuzz markdown --merge      keep the found inputs that reach new code in host/fuzz/corpus")]
    Fuzz {
        /// The target, one of the files in host/fuzz/fuzz_targets; all of them by default
        target: Option<String>,
        /// The time for each target
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Don't search: add the inputs of earlier runs that reach new code to the corpus
        #[arg(long, conflicts_with = "seconds")]
        merge: bool,
    },
    /// Simulate months of chat on a fake clock, and check the state machines after each step
    #[command(after_help = "Examples:
  cargo xtask simulate                   a year, in about a minute
  cargo xtask simulate --seed 7 --days 30 the same seed repeats the run")]
    Simulate {
        /// The seed of everything that happens
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The number of simulated days
        #[arg(long, default_value_t = 365)]
        days: u64,
    },
    /// Run the CI checks: formatting, lints with warnings denied, all tests, the book, and the chaos tests
    Ci,
    /// Find or build the compiler for the plugins, and print which one is used
    #[command(hide = true)]
    Toolchain,
    /// Print which compiler would build the plugins, without building anything
    Doctor,
}

impl Cli {
    /// Runs the task to completion, except that `run` replaces this process with the host.
    pub fn perform(self) -> Result<()> {
        let workspace = Workspace::load()?;
        match self.task {
            Task::Build { release } => {
                let binary = build(&workspace, self.toolchain, Selection::Installable, Profile::of(release))?;
                step::done(&format!("built {}", workspace.display(&binary)));
                Ok(())
            }
            Task::Run { release, args } => {
                let binary = build(&workspace, self.toolchain, Selection::Embedded, Profile::of(release))?;
                host::exec(&workspace, &binary, &args)
            }
            Task::Test { args } => {
                plugins::build(&workspace, self.toolchain, Selection::All)?;
                cargo_tasks::test(&workspace, &args)
            }
            Task::Bench { peers, args } => {
                let binary = build(&workspace, self.toolchain, Selection::All, Profile::Release)?;
                let args: Vec<_> = peers.then(|| "--peers".into()).into_iter().chain(args).collect();
                cargo_tasks::bench(&workspace, &binary, &args)
            }
            Task::Chaos { kills, seed, activations } => {
                plugins::build(&workspace, self.toolchain, Selection::All)?;
                match activations {
                    Some(activations) => cargo_tasks::activations(&workspace, activations),
                    None => cargo_tasks::chaos(&workspace, kills, seed),
                }
            }
            Task::Docs { open, serve } => {
                let binary = build(&workspace, self.toolchain, Selection::Installable, Profile::Dev)?;
                let flags = [(open, "--open"), (serve, "--serve")].into_iter().filter(|(is_set, _)| *is_set);
                let flags: Vec<_> = flags.map(|(_, flag)| flag).collect();
                cargo_tasks::docs(&workspace, &binary, &flags)
            }
            Task::Fuzz { target, seconds, merge } => fuzz::run(&workspace, target.as_deref(), Job::of(seconds, merge)),
            Task::Simulate { seed, days } => cargo_tasks::simulate(&workspace, seed, days),
            Task::Ci => ci(&workspace, self.toolchain),
            Task::Toolchain => {
                println!("{}", Toolchain::find(self.toolchain)?);
                Ok(())
            }
            Task::Doctor => {
                println!("{}", Toolchain::describe(self.toolchain));
                Ok(())
            }
        }
    }
}

fn ci(workspace: &Workspace, toolchain: ToolchainChoice) -> Result<()> {
    cargo_tasks::format(workspace)?;
    plugins::build(workspace, toolchain, Selection::All)?;
    cargo_tasks::lint(workspace)?;
    cargo_tasks::test_traces(workspace)?;
    cargo_tasks::test(workspace, &["--no-fail-fast".into()])?;
    // The kills need a build with failpoints, so the book, which uses the same build as the tests, comes first.
    let binary = host::build(workspace, Profile::Dev)?;
    cargo_tasks::docs(workspace, &binary, &[])?;
    cargo_tasks::chaos(workspace, CI_KILLS, 1)?;
    cargo_tasks::activations(workspace, CI_ACTIVATIONS)
}

fn build(workspace: &Workspace, choice: ToolchainChoice, plugins: Selection, profile: Profile) -> Result<PathBuf> {
    plugins::build(workspace, choice, plugins)?;
    host::build(workspace, profile)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn documents_name_commands_that_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let checked = cordboard_book::command_check::check(&root, &Cli::command()).unwrap();
        assert!(checked.count > 20, "only {} commands were found", checked.count);
        assert!(checked.wrong.is_empty(), "{}", checked.wrong.join("\n"));
    }
}
