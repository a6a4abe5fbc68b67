//! The errors that a user or a plugin receives in place of a command's result.

use std::{fmt::Display, path::Path};

use tr::tr;

use super::quote;
use crate::types::{Place, Role, SessionName};

pub const NO_CALLER: &str = "This function needs a caller, but no user made this call.";
/// The error for a plugin that tries to read an attachment in a call that has no attachments.
pub const NO_ATTACHMENTS: &str = "only filters can read attachments, and only those of the current message";
/// The error for a plugin whose message to an agent could not be sent, because the host panicked.
pub const NOT_SENT_BUG: &str =
    "Cordboard has a bug, so the message was not sent to the agent. Please report the bug with the host's log.";
/// The error for a filter that tries to send a message to an agent.
pub const FILTER_CANNOT_SEND: &str = "A filter can't send messages to agents.";

/// The error for a button whose command is no longer stored.
#[must_use]
pub fn button_gone() -> String {
    tr!("This button no longer works.")
}

/// The answer to a user without access who presses a button.
#[must_use]
pub fn no_access() -> String {
    tr!("You don't have access to this bot. Ask its owner for access.")
}

/// The error for reading the history of a conversation whose transcript is missing.
#[must_use]
pub fn transcript_not_found() -> String {
    tr!("The agent's transcript of this conversation was not found.")
}

/// The error shown if the transcript of a conversation can't be read.
#[must_use]
pub fn transcript_not_read() -> String {
    tr!("The agent's transcript of this conversation could not be read. The log contains the reason.")
}

/// The answer to a user who presses a button for a session that they may not control.
#[must_use]
pub fn others_button() -> String {
    tr!("Only the person who created this session and the admins can decide this.")
}

#[must_use]
pub fn not_allowed(command: &str, least: Role) -> String {
    match least {
        Role::Member => tr!("/{command} is for members only.", command),
        Role::Admin => tr!("/{command} is for admins only.", command),
        Role::Owner => tr!("/{command} is for the owner only.", command),
    }
}

#[must_use]
pub fn digest_needed(characters: usize) -> String {
    tr!("Identify the version by the first {characters} characters of its digest.", characters)
}

/// Returns the error for a member who tries to activate a session in another chat.
#[must_use]
pub fn only_here(name: &str) -> String {
    tr!("Session '{}' can only be activated in this chat.", quote(name))
}

/// Returns the error for a plugin that prompts a session that has no place to send the answer to.
#[must_use]
pub fn never_active(session: &SessionName) -> String {
    tr!(
        "Session '{session}' was never active in a chat, so its answer can't be sent. Activate it in a chat first.",
        session
    )
}

#[must_use]
pub fn not_below_roots(folder: &Path) -> String {
    tr!("{} is not a folder below one of `[sessions] roots`.", folder.display())
}

/// Returns the error for selecting another agent for a session that already has a conversation.
#[must_use]
pub fn agent_is_fixed(session: &SessionName, agent: &str) -> String {
    tr!(
        "Session '{session}' has a conversation with agent '{}', which no other agent can continue.",
        quote(agent),
        session
    )
}

/// Returns the error for forking a session that has no conversation.
#[must_use]
pub fn nothing_to_fork(session: &SessionName) -> String {
    tr!("Session '{session}' has no conversation yet. Use /new to create another session.", session)
}

/// Returns the error for reading a session's history when its agent doesn't keep a history that the host can read.
#[must_use]
pub fn no_history(agent: &str) -> String {
    tr!("Cordboard can't read the history of agent '{}'. Scroll up in the chat instead.", quote(agent))
}

/// Returns the error for reading the history of a session whose agent was removed from the configuration.
#[must_use]
pub fn agent_not_configured(agent: &str) -> String {
    tr!("Agent '{}' is not configured.", quote(agent))
}

/// Returns the error for giving a session in `folder` a name that the configuration maps to another folder.
#[must_use]
pub fn name_has_other_folder(name: &SessionName, configured: &Path, folder: &Path) -> String {
    tr!(
        "`[sessions.folders]` assigns {} to '{name}', but this session stays in {}. Choose another name.",
        configured.display(),
        folder.display(),
        name
    )
}

#[must_use]
pub fn not_read(why: impl Display) -> String {
    tr!("The host failed to {why}.", why)
}

#[must_use]
pub fn not_stored(why: impl Display) -> String {
    tr!("Cordboard could not store the change: {why}", why)
}

/// Returns the error for a command that took effect in memory but could not be stored.
#[must_use]
pub fn done_but_not_stored(why: impl Display) -> String {
    tr!("Done, but the change was not stored and may be lost at a restart: {why}", why)
}

#[must_use]
pub fn not_the_callers_place(place: &Place) -> String {
    format!(
        "this call can't post to {place}: a call can post only to the chat from which it was made and to chats in which its caller has written"
    )
}

#[must_use]
pub fn place_without_members(place: &Place) -> String {
    format!("no user of [access] has written in {place} yet: write to the bot there first")
}

/// Returns the error for selecting a model for a plain program, because its options are passed as arguments.
#[must_use]
pub fn no_models(agent: &str) -> String {
    let agent = quote(agent);
    tr!("Agent '{agent}' is a plain program and has no models. Set its options with args in [agents.{agent}].", agent)
}

/// Returns the error for selecting a permission mode for a plain program.
#[must_use]
pub fn no_permission_modes(agent: &str) -> String {
    let agent = quote(agent);
    tr!(
        "Agent '{agent}' is a plain program and has no permission modes. Set its options with args in [agents.{agent}].",
        agent
    )
}

/// Returns the error for selecting a persona for a plain program.
#[must_use]
pub fn no_personas(agent: &str) -> String {
    tr!("Agent '{}' is a plain program and can't use personas.", quote(agent))
}

/// Returns the error for selecting the `bypassPermissions` permission mode for an agent that is not configured with it.
#[must_use]
pub fn bypass_not_configured(agent: &str) -> String {
    tr!("bypassPermissions can only be set in the configuration: permission_mode in [agents.{}].", quote(agent))
}

/// Returns the error for an unknown permission mode.
#[must_use]
pub fn unknown_permission_mode(mode: &str, known: &[&str]) -> String {
    tr!("Unknown permission mode '{}'. Known: {}.", quote(mode), known.join(", "))
}
