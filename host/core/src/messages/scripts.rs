//! The host's messages about prompts from scripts, which arrive through the control socket.

use tr::tr;

use crate::types::SessionName;

/// The name that messages show as a command's author if a script sent the command.
pub const SCRIPT_AUTHOR: &str = "script";

/// Returns the message that shows a script's prompt in the session's chat, before its answer. `prompt` is the beginning
/// of the prompt.
#[must_use]
pub fn script_prompt(session: &SessionName, prompt: &str) -> String {
    tr!("From a script, to session '{session}': “{prompt}”", session, prompt)
}
