//! The host's messages to users. `rollout/messages.rs` contains the answers and notices about rollouts.

pub mod access;
pub mod agent_outcome;
mod agent_request;
pub mod api_problem;
mod background_work;
mod budget;
mod command_errors;
pub mod configuration;
mod continuation;
pub mod database;
mod delivery;
mod denied_tool;
pub mod files;
mod filter_refusal;
mod host_reply;
pub mod plugins;
mod scripts;
mod session_notice;
pub mod topics;
pub mod transcription;

pub use agent_request::{
    INPUT_ENDED, choose_several, labels, no_open_request, no_plan, no_such_option, option_needs_text,
    option_without_text, plan_also_allows, rule_for_folder, rule_for_mode, several_requests, text_is_next, would_allow,
};
pub use background_work::{WAKE_UP, list_work, wake_ups, works_in_background};
pub use budget::{budget_refusal, budget_warning};
pub use command_errors::{
    FILTER_CANNOT_SEND, NO_ATTACHMENTS, NO_CALLER, NOT_SENT_BUG, agent_is_fixed, agent_not_configured, button_gone,
    bypass_not_configured, digest_needed, done_but_not_stored, name_has_other_folder, never_active, no_access,
    no_history, no_models, no_permission_modes, no_personas, not_allowed, not_below_roots, not_read, not_stored,
    not_the_callers_place, nothing_to_fork, only_here, others_button, place_without_members, transcript_not_found,
    transcript_not_read, unknown_permission_mode,
};
pub use continuation::continuation_prompt;
pub use database::not_stored_yet;
pub use delivery::{
    STOPPED_BY_USER, bot_stopped, in_file_below, interrupted_answer, not_sent, not_shown, too_many_waiting,
    unreachable, whole_text_in,
};
pub use denied_tool::{denied_by_configuration, more_denials};
pub use filter_refusal::{FilterRefusal, no_text_left};
pub use host_reply::{HostReply, no_active, none_active_of_yours, none_of_yours, says_no_active};
pub use scripts::{SCRIPT_AUTHOR, script_prompt};
pub use session_notice::{DenialCause, SessionNotice, WAIT, folder_kept};

use std::path::Path;

use tr::tr;

use crate::{
    render,
    types::{Choice, MODEL_NAME_RULE, Reply, SessionName},
};

/// The maximum length of a [`beginning`] in characters: about one line on a phone.
const BEGINNING_LENGTH: usize = 60;

/// The reason that a turn ended: a user stopped it with `/stop`, or the author of its prompt lost access.
#[must_use]
pub fn stopped() -> String {
    tr!("Stopped.")
}

/// The last line of an answer that is incomplete because the agent died. [`SessionNotice::Died`] or
/// [`SessionNotice::DiedInBackground`] gives the reason.
#[must_use]
pub fn incomplete() -> String {
    tr!("Incomplete: the agent exited.")
}

/// The last line of an answer that the agent itself ended early.
#[must_use]
pub fn interrupted() -> String {
    tr!("Interrupted.")
}

/// The last line of an answer that a later message interrupted.
#[must_use]
pub fn interrupted_by_prompt() -> String {
    tr!("Interrupted by the next message.")
}

/// The last line of an answer that was interrupted because the author of a later prompt in the turn lost access.
#[must_use]
pub fn interrupted_by_lost_access() -> String {
    tr!("Interrupted, because another user whose message was being answered lost access. Send your message again.")
}

/// The last line of an answer that ended because a user restarted the agent.
#[must_use]
pub fn restarted() -> String {
    tr!("Incomplete: the agent was restarted.")
}

/// The last line of an answer that the host interrupted at shutdown.
#[must_use]
pub fn host_ended() -> String {
    tr!("Stopped: Cordboard is shutting down.")
}

/// The likely reason why an agent exited: its processes used more memory than its limit.
pub const EXCEEDED_MEMORY: &str = "during this run, the kernel killed one of the agent's processes, because together they exceeded max_memory; raise max_memory of this agent if it needs more";
/// The text that is shown for a finished turn without output.
#[must_use]
pub fn done() -> String {
    tr!("Done.")
}

/// The text that is shown for a turn that failed without giving a reason.
#[must_use]
pub fn failed() -> String {
    tr!("The agent failed without giving a reason.")
}

#[must_use]
pub fn shutting_down() -> String {
    tr!("Cordboard is shutting down.")
}

#[must_use]
pub fn nothing_runs() -> String {
    tr!("Nothing is running.")
}

#[must_use]
pub fn nothing_to_retry() -> String {
    tr!("Nothing to retry.")
}

#[must_use]
pub fn nothing_to_leave() -> String {
    tr!("No interrupted message to drop.")
}

/// The answer to a user who presses a button for a request that is already closed.
#[must_use]
pub fn not_open() -> String {
    tr!("This request is closed. The button has no effect.")
}

/// The reason for a failed start: the agent was not ready in time.
#[must_use]
pub fn start_timeout() -> String {
    tr!("it was not ready within a minute")
}

/// The reason why a persona could not be used: its plugin did not answer in time.
#[must_use]
pub fn persona_timeout() -> String {
    tr!("it did not answer within a minute")
}

#[must_use]
pub fn busy(session: &SessionName) -> String {
    tr!("Session '{session}' is busy. Use /stop first.", session)
}

/// Returns the error for a command that can't be carried out while the session is open in a terminal.
#[must_use]
pub fn open_in_terminal(session: &SessionName) -> String {
    tr!("Session '{session}' is open in a terminal. Exit the agent there first.", session)
}

/// Returns the error for opening a session in a terminal while its agent is waiting for an answer.
#[must_use]
pub fn question_open(session: &SessionName) -> String {
    tr!("The agent of session '{session}' is waiting for an answer. Answer its question in the chat first.", session)
}

/// Returns the last line of an answer whose agent did not react to an interrupt, for example from `/stop`.
#[must_use]
pub fn agent_unresponsive(session: &SessionName) -> String {
    tr!("The agent of session '{session}' did not respond and was stopped. The next message resumes it.", session)
}

/// Like [`agent_unresponsive`], for a program that can't be resumed.
#[must_use]
pub fn program_unresponsive(session: &SessionName) -> String {
    tr!(
        "The program of session '{session}' did not respond and was stopped. The next message starts it again.",
        session
    )
}

/// Returns the answer to a user who tries to drop a message that is no longer queued, for example because the agent has
/// received it.
#[must_use]
pub fn not_waiting(session: &SessionName) -> String {
    tr!("This message is no longer queued in session '{session}'. Use /stop to interrupt the turn.", session)
}

#[must_use]
pub fn messages_wait(session: &SessionName, count: usize) -> String {
    tr!(
        "1 message is still queued in session '{session}'. Use /stop all there first."
            | "{n} messages are still queued in session '{session}'. Use /stop all there first." % count,
        session
    )
}

#[must_use]
pub fn sent_again(session: &SessionName) -> String {
    tr!(
        "Session '{session}' is already answering the message that was sent again. To send an earlier interrupted message again, use /retry after this answer.",
        session
    )
}

#[must_use]
pub fn left_already(session: &SessionName) -> String {
    tr!(
        "A message was dropped just now. Use /leave again to also drop the earlier interrupted message of session \
         '{session}'.",
        session
    )
}

/// A user who decided a request, and the local time of the decision.
#[derive(Debug, Clone, Copy)]
pub struct UserDecision<'a> {
    pub by: &'a str,
    pub at: &'a str,
}

/// Returns the line that replaces a message's buttons: the decision `what` and, if known, who made it and when.
#[must_use]
pub fn request_decided(user: Option<UserDecision<'_>>, what: Option<&str>) -> String {
    match (what, user) {
        (Some(what), Some(UserDecision { by, at })) => tr!("Decided by {}, {at}: {}.", quote(by), quote(what), at),
        (Some(what), None) => tr!("Decided: {}.", quote(what)),
        (None, _) => tr!("Closed."),
    }
}

/// Returns the line that replaces the buttons of a session's closed request.
#[must_use]
pub fn request_closed(user: Option<UserDecision<'_>>, choice: &Choice) -> String {
    if *choice == Choice::Expired {
        tr!("No answer in time.")
    } else {
        request_decided(user, choice.label().as_deref())
    }
}

/// Returns the error for an unknown name, which lists the known names. `kind` is the kind of thing that the name refers
/// to, for example `persona`.
#[must_use]
pub fn unknown_name<'a>(kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let (name, known) = (quote(name), known.join(", "));
    if known.is_empty() {
        tr!("Unknown {kind} '{name}'.", kind, name)
    } else {
        tr!("Unknown {kind} '{name}'. Known: {known}.", kind, name, known)
    }
}

#[must_use]
pub fn not_archived(session: &SessionName) -> String {
    tr!("Session '{session}' is not archived.", session)
}

#[must_use]
pub fn invalid_model(model: &str) -> String {
    tr!("'{}' is not a valid model name. Use {rule}.", quote(model), rule = MODEL_NAME_RULE)
}

#[must_use]
pub fn unknown_model(model: &str, known: &[String]) -> String {
    tr!("Unknown model '{}'. Known: {}.", quote(model), quote(&known.join(", ")))
}

/// Returns the answer to a message that is queued, for chats in which the host can't mark the message itself.
#[must_use]
pub fn message_queued(session: &SessionName) -> String {
    tr!("Session '{session}' is busy. Your message is queued.", session)
}

/// Returns the answer to a message that has to wait until the agent's question is closed.
#[must_use]
pub fn message_waits_for_answer(session: &SessionName, number: u64) -> String {
    tr!(
        "Session '{session}' is waiting for your answer to question #{number}. Use its buttons or /answer #{number}; \
         /requests shows it again. Your message is queued.",
        session,
        number
    )
}

/// Returns the reply to a user who has answered an agent's question.
#[must_use]
pub fn answered(option: &str) -> String {
    tr!("Answered: {option}.", option)
}

/// Returns the error for a session that does not exist. `name` may be an invalid session name.
#[must_use]
pub fn unknown_session(name: &str) -> String {
    tr!("Session '{}' doesn't exist. Use /new to create it.", quote(name))
}

#[must_use]
pub fn session_archived(session: &SessionName) -> String {
    tr!("Session '{session}' is archived. Use /restore {session}.", session)
}

#[must_use]
pub fn session_exists(session: &SessionName) -> String {
    tr!("Session '{session}' already exists. Use /session {session} to switch to it.", session)
}

/// Returns the notice to a user who still has access to the bot, but no longer to this session.
#[must_use]
pub fn session_access_lost(session: &SessionName) -> String {
    tr!("Your message to session '{session}' was dropped: you no longer have access to that session.", session)
}

#[must_use]
pub fn session_name_taken(session: &SessionName) -> String {
    tr!("The name '{session}' is taken by another user. Choose another name.", session)
}

/// Returns the first line of a message, shortened. Notices quote it, so that the author recognizes the message.
#[must_use]
pub fn beginning(text: &str) -> String {
    let own = text.strip_prefix(CAPTION_PREFIX).and_then(|rest| rest.split_once("]\n\n")).map_or(text, |(_, own)| own);
    let text = own.trim();
    let first = text.lines().next().unwrap_or_default();
    let mut short = render::one_line(first, BEGINNING_LENGTH);
    if first.len() < text.len() && !short.ends_with('…') {
        short.push('…');
    }
    short
}

/// Makes untrusted text safe to insert into one of the host's sentences. Adds no quotation marks.
fn quote(text: &str) -> String {
    render::one_line(text, render::UNTRUSTED_LENGTH)
}

/// The remedy if this process has too many open files (EMFILE).
pub const MORE_FILES: &str = "raise the open-file limit with `ulimit -n` or with LimitNOFILE= in the systemd unit";

/// Adds a remedy to the system errors EMFILE (24) and ENFILE (23). Recognizes the errors by their text, because
/// libraries wrap the original error.
#[must_use]
pub fn system_error(error: impl std::fmt::Display) -> String {
    let text = error.to_string();
    if text.contains("(os error 24)") {
        format!("{text}; {MORE_FILES}")
    } else if text.contains("(os error 23)") {
        text + "; this machine has too many open files: stop some programs, or raise sysctl fs.file-max"
    } else {
        text
    }
}

/// Returns a reply that shows `text` literally, even if it contains Markdown, as names, errors and an agent's last
/// output may do.
#[must_use]
pub fn plain(text: &str) -> Reply {
    Reply::text(render::escape(text))
}

/// The start of the line that the host puts above a caption.
const CAPTION_PREFIX: &str = "[Caption of an attachment: ";

/// Returns the prompt for an attachment that the host can't download. The agent receives only the caption.
#[must_use]
pub fn caption_prompt(kind: &str, caption: &str) -> String {
    format!("{CAPTION_PREFIX}{kind}. You can't see the attachment, only this caption.]\n\n{caption}")
}

/// Returns the prompt that tells the agent about an edit to a message that it has already received.
#[must_use]
pub fn correction_prompt(text: &str) -> String {
    format!("[The user has edited an earlier message. It now reads:]\n\n{text}")
}

/// Returns the line that tells an agent about a file that the user sent. `path` is `None` if the file no longer exists.
#[must_use]
pub fn file_note(kind: &str, seconds: Option<u32>, path: Option<&Path>) -> String {
    let length = seconds.map_or_else(String::new, |seconds| format!(", {seconds} s"));
    let path = path.map_or_else(|| "no longer available".to_owned(), |path| path.display().to_string());
    format!("[Attached {kind}{length}: {path}]")
}

/// Returns the sentence saying that a session's file or folder can't be read.
#[must_use]
pub fn file_not_read(path: &str, why: &str) -> String {
    if path.trim().is_empty() {
        tr!("The host can't read the session's folder: {why}.", why)
    } else {
        tr!("The host can't read '{path}': {why}.", path, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_open_files_have_a_remedy() {
        let full = std::io::Error::from_raw_os_error(24);
        let text = system_error(format!("failed to start 'claude': {full}"));
        assert!(
            text.ends_with("raise the open-file limit with `ulimit -n` or with LimitNOFILE= in the systemd unit"),
            "{text}"
        );
        assert!(system_error(std::io::Error::from_raw_os_error(23)).contains("fs.file-max"));
        assert_eq!(system_error("refused (os error 111)"), "refused (os error 111)");
    }

    #[test]
    fn a_closed_request_names_a_decision_only_if_there_is_one() {
        let lines = [
            request_closed(Some(UserDecision { by: "Ada", at: "2026-01-31 09:00" }), &Choice::Leave),
            request_closed(None, &Choice::Offered("Yes".to_owned())),
            request_closed(None, &Choice::Expired),
            request_closed(None, &Choice::Withdrawn),
        ];
        let by_user = "Decided by Ada, 2026-01-31 09:00: Leave it.";
        assert_eq!(lines, [by_user, "Decided: Yes.", "No answer in time.", "Closed."]);
    }

    #[test]
    fn a_refusal_quotes_the_message() {
        use crate::updates_and_posts::UpdateKind;

        let session: SessionName = "alpha".parse().unwrap();
        let prompt = beginning("water the plants\nand the cat");
        let press = UpdateKind::Press {
            line: crate::updates_and_posts::ButtonAction { command: "/retry alpha".to_owned(), ..Default::default() },
            message: None,
        };
        let photo =
            UpdateKind::NotText { kind: "photo".to_owned(), caption: Some("my cat".to_owned()), files: Vec::new() };
        let notice = |notice: SessionNotice| notice.reply(&session).text;
        let full = |what: &UpdateKind| HostReply::QueueFull { message: beginning(what.text()) }.text();
        for (text, quoted) in [
            (notice(SessionNotice::QueueFull { limit: 1, prompt: prompt.clone() }), &*prompt),
            (notice(SessionNotice::Archived { prompt: prompt.clone() }), &*prompt),
            (notice(SessionNotice::TooManyInterrupted { interrupted: 1, limit: 1, prompt: prompt.clone() }), &*prompt),
            (HostReply::NotStored { why: "full".to_owned(), message: prompt.clone() }.text(), &*prompt),
            (full(&UpdateKind::Text("water the plants\nand the cat".to_owned())), &*prompt),
            (full(&photo), "my cat"),
            (full(&press), "/retry alpha"),
        ] {
            assert!(text.starts_with("Not accepted: ") && text.ends_with(&format!("\n“{quoted}”")), "{text}");
        }
    }

    #[test]
    fn untrusted_text_stays_inside_the_message() {
        let forged = "no\nPlugin 'x' is granted all.\u{1b}[2J\u{202e}";
        let session: SessionName = "alpha".parse().unwrap();
        let notices = [
            SessionNotice::ResumeRefused { failure: 1, why: forged.to_owned() },
            SessionNotice::ForkRefused { failure: 1, why: forged.to_owned() },
            SessionNotice::StartFailed { failure: 1, agent: "demo".to_owned(), details: forged.to_owned() },
            SessionNotice::Broken { failure: 1, why: forged.to_owned() },
            SessionNotice::Died { id: crate::agent_event::PromptId("a".to_owned()), why: forged.to_owned() },
            SessionNotice::PersonaFailed { failure: 1, why: forged.to_owned() },
            SessionNotice::NotStarted { failure: 1, why: forged.to_owned() },
            SessionNotice::Denied {
                tool: forged.to_owned(),
                detail: forged.to_owned(),
                cause: DenialCause::Rules(forged.to_owned()),
            },
            SessionNotice::Denied {
                tool: "Edit".to_owned(),
                detail: format!("/{forged}/a"),
                cause: DenialCause::Agent("demo".to_owned()),
            },
            SessionNotice::Interrupted { id: crate::agent_event::PromptId("a".to_owned()), prompt: beginning(forged) },
        ];
        let refusals = [unknown_session(forged), unknown_model(forged, &[forged.to_owned()])];
        for text in notices.iter().map(|notice| notice.reply(&session).text).chain(refusals) {
            assert!(
                !text.lines().any(|line| line.starts_with("Plugin") || line.contains(render::is_unseen)),
                "{text:?}"
            );
        }
        assert_eq!(beginning("one\ntwo"), "one…");
        assert_eq!(beginning("\n one\n"), "one");
        assert_eq!(beginning(&caption_prompt("photo", "my cat")), "my cat", "the host's own text is omitted");
        assert_eq!(beginning(&"x".repeat(BEGINNING_LENGTH + 1)), format!("{}…", "x".repeat(BEGINNING_LENGTH)));
    }
}
