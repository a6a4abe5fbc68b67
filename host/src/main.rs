//! The binary: it dispatches, and never decides.

use std::{env, io::Write as _, process::ExitCode};

use anyhow::Context as _;
use clap::Parser as _;
use cordboard::{
    agent::demo,
    app::{self, AppError},
    cli::{Cli, Command},
    plugin, scrub,
};
use cordboard_core::{messages::system_error, render::terminal::neutral};

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1).peekable();
    // Two roles that the host gives to itself; they are no commands for people, and start without the rest.
    match args.peek().and_then(|first| first.to_str()) {
        Some("demo-agent") => demo::run(args.skip(1)),
        Some(plugin::COMPILE) => {
            report(plugin::compile_stdin().map_err(anyhow::Error::msg).context("not a valid component"))
        }
        Some(_) | None => report(dispatch().map_err(anyhow::Error::new)),
    }
}

fn dispatch() -> Result<(), AppError> {
    match Cli::parse().command {
        Command::Run(run) => app::run(&run),
        Command::Check(paths) => app::check(&paths),
        Command::Sessions(listing) => app::list_sessions(&listing),
        Command::Plugins(listing) => app::list_plugins(&listing),
        Command::Plugin(plugin) => app::author(&plugin.task),
    }
}

fn report(outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    // The application's own errors tell their sources already.
    let (text, code) = match error.downcast_ref::<AppError>() {
        Some(error) => (error.to_string(), error.code()),
        None => (format!("{error:#}"), ExitCode::FAILURE),
    };
    // Some of it may be a plugin's words. Not `eprintln!`: that panics where nobody reads.
    drop(writeln!(std::io::stderr(), "cordboard: {}", neutral(&scrub::text(system_error(text)))));
    code
}
