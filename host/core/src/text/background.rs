//! What the host says of agents that work without a prompt.

use super::{beginning, said};
use crate::types::SessionName;

/// Among the work of an agent in the background.
pub const WAKE_UP: &str = "a wake-up";

/// `command` would end the agent, and the work with it.
#[must_use]
pub fn works_in_background(session: &SessionName, work: &[String], command: &str) -> String {
    format!(
        "The agent of session '{session}' still works in the background: {}. /{command} {session} anyway ends that work.",
        listed(work)
    )
}

/// Work in the background, in a sentence.
#[must_use]
pub fn listed(work: &[String]) -> String {
    said(&work.iter().map(|work| beginning(work)).collect::<Vec<_>>().join(", "))
}

/// It was in a turn that it had begun by itself, or worked in the background.
pub(super) fn died(session: &SessionName, why: &str) -> String {
    let why = said(why);
    format!(
        "The agent of session '{session}' ended in the middle of what it did by itself: {why}\nThe next message resumes it."
    )
}

/// What was set needs another agent.
pub(super) fn counts_later(session: &SessionName, work: &[String]) -> String {
    let work = listed(work);
    format!(
        "Session '{session}' takes the change with the first message after the agent's work in the background: {work}."
    )
}
