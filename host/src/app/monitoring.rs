//! The commands that show what a running host does: `cordboard top` and `cordboard logs`.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use cordboard_core::types::SessionName;
use serde_json::Value;

use super::{
    AppError,
    inspect::{block_on, print_json, print_text, unexpected_answer},
    logs,
};
use crate::{
    cli::{MonitoringCommand, Top},
    control::{self, ControlAnswer, ControlQuery, StatusReport},
    logging, top,
};

/// Shows what a running host does.
///
/// # Errors
/// No host is running, it does not respond, or the terminal can't be used.
pub fn monitor(command: &MonitoringCommand) -> Result<(), AppError> {
    match command {
        MonitoringCommand::Top(options) => show_top(options),
        MonitoringCommand::Logs(options) => logs::print(options),
    }
}

fn show_top(options: &Top) -> Result<(), AppError> {
    logging::start("error");
    let state = options.state.resolve()?;
    let is_live = std::io::stdout().is_terminal() && !options.once && !options.json;
    block_on(async {
        let first = read_report(&state, None).await?;
        if options.json {
            return print_json(&first);
        }
        let first = parsed(first)?;
        if is_live {
            top::run(first, move |session| read_parsed(state.clone(), session)).await.map_err(AppError::Screen)
        } else {
            print_text(&top::snapshot(&first))
        }
    })
}

async fn read_parsed(state: PathBuf, session: Option<SessionName>) -> Result<StatusReport, AppError> {
    parsed(read_report(&state, session).await?)
}

async fn read_report(state: &Path, session: Option<SessionName>) -> Result<Value, AppError> {
    match control::query(state, ControlQuery::Status { session }).await? {
        Some(ControlAnswer::Status(report)) => Ok(report),
        Some(other) => Err(unexpected_answer(other)),
        None => Err(AppError::NoHost { state: state.to_owned() }),
    }
}

fn parsed(report: Value) -> Result<StatusReport, AppError> {
    serde_json::from_value(report).map_err(|error| {
        AppError::HostError(format!(
            "its state can't be read ({error}); use the same version of cordboard for the command and the host"
        ))
    })
}
