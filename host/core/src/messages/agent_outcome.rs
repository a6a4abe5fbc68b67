//! The reasons why a turn or the start of an agent failed, as users read them.

use tr::tr;

/// The reason for a turn or a start that ended with a damaged response from the agent.
#[must_use]
pub fn response_unreadable() -> String {
    tr!("The agent's response could not be read completely.")
}

#[must_use]
pub fn answer_cut_off() -> String {
    tr!("The answer reached the model's maximum length and is incomplete. Ask the agent to continue to get the rest.")
}

#[must_use]
pub fn too_many_steps() -> String {
    tr!("The agent reached its maximum number of steps for one message. Ask it to continue if the work isn't finished.")
}

#[must_use]
pub fn model_refused() -> String {
    tr!("The model refused to answer. Rephrase your message, and try again.")
}

/// Returns the reason for a turn that ended in a way that the host doesn't know. `reason` is the agent's word for it.
#[must_use]
pub fn agent_stopped(reason: Option<&str>) -> String {
    match reason {
        Some(reason) => tr!("The agent stopped with the reason '{reason}'.", reason),
        None => tr!("The agent stopped and gave no reason."),
    }
}

/// Returns the login instructions for an agent. `offers` are the login methods that it offers.
#[must_use]
pub fn login_needed(command: &str, offers: &[String]) -> String {
    let text = tr!(
        "The agent is not logged in. Log in with it in a terminal, as the user that runs Cordboard; its command is '{command}'.",
        command
    );
    if offers.is_empty() { text } else { text + &tr!(" The agent offers: {offers}.", offers = offers.join("; ")) }
}

/// Returns the reason for a start that failed because the agent speaks another version of the protocol.
#[must_use]
pub fn other_acp_version(version: u64, ours: u16) -> String {
    tr!(
        "The agent speaks version {version} of the Agent Client Protocol, and Cordboard speaks version {ours}. Install a version of the agent that speaks version {ours}.",
        version,
        ours
    )
}

/// Returns the reason for a start that failed because the agent's first response couldn't be read.
#[must_use]
pub fn no_acp_agent(version: u16) -> String {
    tr!(
        "The agent's response to `initialize` could not be read. Check that the agent speaks version {version} of the Agent Client Protocol.",
        version
    )
}

#[must_use]
pub fn cannot_fork() -> String {
    tr!("This agent cannot fork conversations.")
}

#[must_use]
pub fn cannot_resume() -> String {
    tr!("This agent cannot resume conversations.")
}

#[must_use]
pub fn no_conversation_id() -> String {
    tr!("The agent did not return the id of the new conversation.")
}

/// Returns the sentence that lists the permission modes that an agent offers.
#[must_use]
pub fn offered_modes(modes: &[String]) -> String {
    if modes.is_empty() { tr!("It offers no modes.") } else { tr!("It offers: {modes}.", modes = modes.join(", ")) }
}
