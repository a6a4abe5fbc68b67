//! The host's messages about agents' background work.

use tr::tr;

use super::{beginning, quote};
use crate::types::SessionName;

/// The name of a scheduled wake-up in a list of background work.
pub const WAKE_UP: &str = "a wake-up";

/// Returns the name of recurring wake-ups. `when` is the agent's description of when they recur.
#[must_use]
pub fn wake_ups(when: &str) -> String {
    format!("wake-ups ({when})")
}

/// Returns the error for `command`, which would stop the agent and end its background work.
#[must_use]
pub fn works_in_background(session: &SessionName, work: &[String], command: &str) -> String {
    tr!(
        "The agent of session '{session}' is still working in the background: {}. To end that work, use /{command} {session} anyway.",
        list_work(work),
        session,
        command
    )
}

/// Formats a list of background work as one line.
#[must_use]
pub fn list_work(work: &[String]) -> String {
    quote(&work.iter().map(|work| beginning(work)).collect::<Vec<_>>().join(", "))
}

/// Returns the notice that the agent died during background work, or during a turn that it had started itself.
pub(super) fn died(session: &SessionName, why: &str) -> String {
    let why = quote(why);
    tr!(
        "The agent of session '{session}' exited during its background work: {why}\nThe next message resumes it.",
        session,
        why
    )
}

/// Returns the notice that Cordboard was stopped or killed, which ended the agent's background work.
pub(super) fn ended(session: &SessionName, work: &[String]) -> String {
    let work = list_work(work);
    tr!(
        "Cordboard was stopped while the agent of session '{session}' was working in the background: {work}. That work has ended. Ask the agent to start it again.",
        session,
        work
    )
}

/// Returns the last sentence of the offer to restart an agent that has background work.
pub(super) fn restart_ends(work: &[String]) -> String {
    tr!(" Restarting it also ends its background work: {}.", list_work(work))
}

/// Returns the notice that a changed setting takes effect only once the agent's background work has ended.
pub(super) fn applies_later(session: &SessionName, work: &[String]) -> String {
    let work = list_work(work);
    tr!(
        "The change to session '{session}' takes effect with the first message after its background work ends: {work}.",
        session,
        work
    )
}
