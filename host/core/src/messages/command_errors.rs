//! The errors that a user or a plugin receives in place of a command's result.

use std::{fmt::Display, path::Path};

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
pub const BUTTON_GONE: &str = "This button no longer works.";

/// The answer to a user without access who presses a button.
pub const NO_ACCESS: &str = "You don't have access to this bot. Ask its owner for access.";

/// The error for reading the history of a conversation whose transcript is missing.
pub const TRANSCRIPT_NOT_FOUND: &str = "The agent's transcript of this conversation was not found.";

/// The error for reading the history of a conversation whose transcript can't be read.
pub const TRANSCRIPT_NOT_READ: &str =
    "The agent's transcript of this conversation could not be read. The log contains the reason.";

/// The answer to a user who presses a button for a session that they may not control.
pub const OTHERS_BUTTON: &str = "Only the person who created this session and the admins can decide this.";

#[must_use]
pub fn not_allowed(command: &str, least: Role) -> String {
    format!("/{command} is for {} only.", least.people())
}

#[must_use]
pub fn digest_needed(characters: usize) -> String {
    format!("Identify the version by the first {characters} characters of its digest.")
}

/// Returns the error for a member who tries to activate a session in another chat.
#[must_use]
pub fn only_here(name: &str) -> String {
    format!("Session '{}' can only be activated in this chat.", quote(name))
}

/// Returns the error for a plugin that prompts a session that has no place to send the answer to.
#[must_use]
pub fn never_active(session: &SessionName) -> String {
    format!("Session '{session}' was never active in a chat, so its answer can't be sent. Activate it in a chat first.")
}

#[must_use]
pub fn not_below_roots(folder: &Path) -> String {
    format!("{} is not a folder below one of `[sessions] roots`.", folder.display())
}

/// Returns the error for selecting another agent for a session that already has a conversation.
#[must_use]
pub fn agent_is_fixed(session: &SessionName, agent: &str) -> String {
    format!("Session '{session}' has a conversation with agent '{}', which no other agent can continue.", quote(agent))
}

/// Returns the error for forking a session that has no conversation.
#[must_use]
pub fn nothing_to_fork(session: &SessionName) -> String {
    format!("Session '{session}' has no conversation yet. Use /new to create another session.")
}

/// Returns the error for reading a session's history when its agent doesn't keep a history that the host can read.
#[must_use]
pub fn no_history(agent: &str) -> String {
    format!("Cordboard can't read the history of agent '{}'. Scroll up in the chat instead.", quote(agent))
}

/// Returns the error for reading the history of a session whose agent was removed from the configuration.
#[must_use]
pub fn agent_not_configured(agent: &str) -> String {
    format!("Agent '{}' is not configured.", quote(agent))
}

/// Returns the error for giving a session in `folder` a name that the configuration maps to another folder.
#[must_use]
pub fn name_has_other_folder(name: &SessionName, configured: &Path, folder: &Path) -> String {
    format!(
        "`[sessions.folders]` assigns {} to '{name}', but this session stays in {}. Choose another name.",
        configured.display(),
        folder.display()
    )
}

#[must_use]
pub fn not_stored(why: impl Display) -> String {
    format!("Cordboard could not store the change: {why}")
}

/// Returns the error for a command that took effect in memory but could not be stored.
#[must_use]
pub fn done_but_not_stored(why: impl Display) -> String {
    format!("Done, but the change was not stored and may be lost at a restart: {why}")
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

/// Returns the error for a setting that plain programs don't have, because their options are passed as arguments.
#[must_use]
pub fn setting_not_supported(agent: &str, what: &str) -> String {
    let agent = quote(agent);
    format!("Agent '{agent}' is a plain program and has no {what}. Set its options with args in [agents.{agent}].")
}

/// Returns the error for selecting a persona for a plain program.
#[must_use]
pub fn no_personas(agent: &str) -> String {
    format!("Agent '{}' is a plain program and can't use personas.", quote(agent))
}

/// Returns the error for selecting the `bypassPermissions` permission mode for an agent that is not configured with it.
#[must_use]
pub fn bypass_not_configured(agent: &str) -> String {
    format!("bypassPermissions can only be set in the configuration: permission_mode in [agents.{}].", quote(agent))
}

/// Returns the error for an unknown permission mode.
#[must_use]
pub fn unknown_permission_mode(mode: &str, known: &[&str]) -> String {
    format!("Unknown permission mode '{}'. Known: {}.", quote(mode), known.join(", "))
}
