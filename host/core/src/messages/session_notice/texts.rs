//! The texts of the notices about a session's prompts, agent and folder.

use std::{path::Path, time::Duration};

use tr::tr;

use super::{
    super::{background_work, quote},
    quote_folder,
};
use crate::{config::format_duration, types::SessionName};

pub fn resume_refused(session: &SessionName, why: &str) -> String {
    tr!(
        "Session '{session}' could not be resumed: {}\nYour messages are kept. Use /retry to try again, or /fresh to start a new conversation.",
        quote(why),
        session
    )
}

pub fn fork_refused(session: &SessionName, why: &str) -> String {
    tr!(
        "Session '{session}' could not fork the conversation: {}\nYour messages are kept. Use /fresh to start a new conversation.",
        quote(why),
        session
    )
}

pub fn earlier_interrupted(session: &SessionName, prompt: &str) -> String {
    tr!("An earlier message of session '{session}' was not sent again either: “{prompt}”.", session, prompt)
}

pub fn permission_mode_refused(session: &SessionName, why: &str) -> String {
    let why = quote(why);
    tr!("The agent of session '{session}' rejected the permission mode and keeps its own. {why}", session, why)
}

pub fn state_lost(session: &SessionName) -> String {
    tr!(
        "The program of session '{session}' was started again and has lost its state, such as variables and open files. Its folder is unchanged.",
        session
    )
}

pub fn died(session: &SessionName, why: &str) -> String {
    let why = quote(why);
    tr!(
        "The agent of session '{session}' exited during its answer: {why}\nYour message was not sent again.",
        session,
        why
    )
}

pub fn waits_for_terminal(session: &SessionName) -> String {
    tr!("Session '{session}' is open in a terminal. Your message waits until the terminal is closed.", session)
}

pub fn strays(session: &SessionName, pids: &[i32]) -> String {
    let pids = pids.iter().map(i32::to_string).collect::<Vec<_>>();
    tr!(
        "When the agent of session '{session}' exited, the host found running processes that it can't attribute to any agent: {}. They may belong to another session's agent, so they were not stopped. Inspect them with ps -fp {}, and stop them with kill {}.",
        pids.join(", "),
        pids.join(","),
        pids.join(" "),
        session
    )
}

pub fn queue_full(session: &SessionName, limit: usize) -> String {
    tr!(
        "Not accepted: 1 message is already queued for session '{session}'. Send this one again when it is answered, or use /stop all to drop it."
            | "Not accepted: {n} messages are already queued for session '{session}'. Send this one again when they are answered, or use /stop all to drop them."
                % limit,
        session
    )
}

pub fn stalled(session: &SessionName, silent: Duration, work: &[String]) -> String {
    let silent = format_duration(silent);
    let ends = if work.is_empty() { String::new() } else { background_work::restart_ends(work) };
    tr!(
        "The agent of session '{session}' has been silent for {silent}, although it is not running a tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.{ends}",
        session,
        silent,
        ends
    )
}

pub fn too_many_interrupted(session: &SessionName, count: usize, limit: usize) -> String {
    let then = match limit {
        _ if count == limit => tr!("then send this one again."),
        1 => tr!("send this one again when none is left."),
        _ => tr!("send this one again when fewer than {limit} are left.", limit),
    };
    tr!(
        "Not accepted: session '{session}' has an interrupted message. Use /retry {session} to send it again, or /leave {session} to drop it; {then}"
            | "Not accepted: session '{session}' has {n} interrupted messages. Use /retry {session} to send the latest again, or /leave {session} to drop the latest; {then}"
                % count,
        session,
        then
    )
}

pub fn start_failed(session: &SessionName, agent: &str, details: &str) -> String {
    tr!(
        "The agent of session '{session}' did not start: {}\nCordboard tries three more times, and your messages are kept. Use /retry to try now. Check command and args in [agents.{agent}].",
        quote(details),
        session,
        agent
    )
}

pub fn broken(session: &SessionName, why: &str) -> String {
    tr!(
        "The agent of session '{session}' keeps exiting: {}\nYour messages are kept. Use /retry to start it again, or /fresh to start a new conversation.",
        quote(why),
        session
    )
}

pub fn interrupted(session: &SessionName, prompt: &str) -> String {
    tr!(
        "Cordboard was stopped while session '{session}' was answering “{prompt}”. Your message was not sent again.",
        session,
        prompt
    )
}

pub fn turn_continues(session: &SessionName, prompt: &str) -> String {
    tr!(
        "Cordboard was stopped while session '{session}' was answering “{prompt}”. The agent continues.",
        session,
        prompt
    )
}

pub fn not_answered(session: &SessionName, prompt: &str) -> String {
    tr!("The agent of session '{session}' did not answer “{prompt}”. Your message was not sent again.", session, prompt)
}

pub fn folder_changed(session: &SessionName, folder: &Path) -> String {
    tr!("Session '{session}' now works in {}, as set in [sessions.folders].", quote_folder(folder), session)
}

pub fn persona_failed(session: &SessionName, why: &str) -> String {
    tr!(
        "The persona of session '{session}' could not be used: {}\nYour messages are kept. Use /retry to try again, or /persona to choose another persona.",
        quote(why),
        session
    )
}

pub fn not_started(session: &SessionName, why: &str) -> String {
    tr!(
        "The agent of session '{session}' could not be started: {}\nYour messages are kept. Use /retry to try again.",
        quote(why),
        session
    )
}

pub fn not_accepted(why: &str) -> String {
    tr!("Not accepted: {why}", why)
}
