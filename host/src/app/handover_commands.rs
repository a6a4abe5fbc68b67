//! Implements `attach` and `adopt`, which move a session between the chat and a terminal. Both need a running host.

use cordboard_agents::process::Environment;

use super::{
    AppError,
    inspect::{block_on, print_text, unexpected_answer},
};
use crate::{
    cli::{Adopt, Attach},
    control::{self, Adopted, Adoption, ControlAnswer, ControlQuery},
    logging,
};

/// Opens a session in this terminal: `cordboard attach`. The host holds the session for this process, which then
/// executes the agent's command. The session therefore stays held until the agent exits, even if the host stops or
/// restarts in the meantime.
///
/// # Errors
/// No host is running, the host refuses the request, or the agent could not be started. On success, this function
/// doesn't return.
pub fn attach(options: &Attach) -> Result<(), AppError> {
    logging::start("error");
    let environment = Environment::read();
    let state = options.state.resolve()?;
    let command = block_on(async {
        match control::query(&state, ControlQuery::Attach(options.session.clone())).await? {
            Some(ControlAnswer::Attached(command)) => Ok(command),
            Some(other) => Err(unexpected_answer(other)),
            None => Err(AppError::NoHost { state: state.clone() }),
        }
    })?;
    Err(command.exec(&environment).into())
}

/// Creates a session that continues a conversation: `cordboard adopt`.
///
/// # Errors
/// No host is running, or the host refuses the request.
pub fn adopt(options: &Adopt) -> Result<(), AppError> {
    logging::start("error");
    let state = options.state.resolve()?;
    let adoption = Adoption {
        conversation: options.conversation.clone(),
        name: options.name.clone(),
        folder: options.folder(),
        agent: options.agent.clone(),
    };
    let Adopted { agent, folder } = block_on(async {
        match control::query(&state, ControlQuery::Adopt(adoption)).await? {
            Some(ControlAnswer::Adopted(adopted)) => Ok(adopted),
            Some(other) => Err(unexpected_answer(other)),
            None => Err(AppError::NoHost { state: state.clone() }),
        }
    })?;
    let name = &options.name;
    print_text(&format!(
        "Session '{name}' created with agent '{agent}' in {}. Exit the agent in the terminal, then use /session {name} in the chat.\n",
        folder.display()
    ))
}
