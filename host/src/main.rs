//! The binary: parses the command line and runs the command.

use std::{env, io::Write as _, process::ExitCode};

use clap::Parser as _;
use cordboard::{
    app::{self, AppError},
    cli::{Cli, Command},
};
use cordboard_agents::demo;
use cordboard_core::{messages::system_error, render::strip_controls, scrub};

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1).peekable();
    // Cordboard starts its own binary with one of these internal commands, which skip the rest of the startup.
    match args.peek().and_then(|first| first.to_str()) {
        Some("demo-agent") => demo::run(args.skip(1)),
        Some(cordboard_runtime::COMPILE_COMMAND) => {
            report(cordboard_runtime::compile_stdin().map_err(|why| anyhow::anyhow!("not a valid component: {why}")))
        }
        Some(_) | None => report(dispatch().map_err(anyhow::Error::new)),
    }
}

fn dispatch() -> Result<(), AppError> {
    let command = Cli::parse().command;
    #[cfg(feature = "failpoints")]
    cordboard_failpoints::arm();
    app::check_open_files()?;
    match command {
        Command::Run(run) => app::run(&run),
        Command::Check(paths) => app::check(&paths),
        Command::Sessions(listing) => app::list_sessions(&listing),
        Command::Plugins(listing) => app::list_plugins(&listing),
        Command::Requests(listing) => app::list_requests(&listing),
        Command::Access(listing) => app::list_access(&listing),
        Command::Audit(audit) => app::list_audit(&audit),
        Command::Outbox(listing) => app::list_outbox(&listing),
        Command::Usage(usage) => app::list_usage(&usage),
        Command::Attach(attach) => app::attach(&attach),
        Command::Adopt(adopt) => app::adopt(&adopt),
        Command::Session(command) => app::run_session_command(&command),
        Command::Monitoring(command) => app::monitor(&command),
        Command::Backup(command) => app::run_backup_command(&command),
        Command::Plugin(plugin) => app::run_plugin_command(&plugin.command),
        Command::Setup(setup) => app::run_setup_command(&setup),
    }
}

fn report(outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    // The text of an `AppError` includes its sources.
    let (text, code) = match error.downcast_ref::<AppError>() {
        Some(error) => (error.to_string(), error.code()),
        None => (format!("{error:#}"), ExitCode::FAILURE),
    };
    // The error may contain untrusted text from a plugin. `eprintln!` would panic if stderr is closed.
    drop(writeln!(std::io::stderr(), "cordboard: {}", strip_controls(&scrub::text(system_error(text)))));
    code
}
