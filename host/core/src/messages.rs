//! The host's messages to users. `rollout/messages.rs` contains the answers and notices about rollouts.

pub mod access;
mod agent_request;
mod background_work;
mod budget;
mod command_errors;
pub mod configuration;
mod delivery;
mod denied_tool;
mod filter_refusal;
mod host_reply;
pub mod plugins;
mod session_notice;
pub mod topics;
pub mod transcription;

pub use agent_request::{
    INPUT_ENDED, no_open_request, no_such_option, option_needs_text, option_without_text, several_requests,
    text_is_next,
};
pub use background_work::{WAKE_UP, list_work, wake_ups, works_in_background};
pub use budget::{budget_refusal, budget_warning};
pub use command_errors::{
    BUTTON_GONE, FILTER_CANNOT_SEND, NO_ACCESS, NO_ATTACHMENTS, NO_CALLER, NOT_SENT_BUG, OTHERS_BUTTON,
    TRANSCRIPT_NOT_FOUND, TRANSCRIPT_NOT_READ, agent_is_fixed, agent_not_configured, bypass_not_configured,
    digest_needed, done_but_not_stored, name_has_other_folder, never_active, no_history, no_personas, not_allowed,
    not_below_roots, not_stored, not_the_callers_place, nothing_to_fork, only_here, place_without_members,
    setting_not_supported, unknown_permission_mode,
};
pub use delivery::{
    IN_FILE_BELOW, STOPPED_BY_USER, bot_stopped, interrupted_answer, not_sent, not_shown, too_many_waiting,
    unreachable, whole_text_in,
};
pub use denied_tool::{MORE_DENIALS, REMEDY, denied_by_configuration};
pub use filter_refusal::FilterRefusal;
pub use host_reply::{HostReply, NO_ACTIVE, NONE_ACTIVE_OF_YOURS, NONE_OF_YOURS};
pub use session_notice::{DenialCause, SessionNotice, WAIT, folder_kept};

use std::path::Path;

use crate::{
    render,
    types::{Choice, MODEL_NAME_RULE, Reply, SessionName},
};

/// The maximum length of a [`beginning`] in characters: about one line on a phone.
const BEGINNING_LENGTH: usize = 60;

/// The reason that a turn ended: a user stopped it with `/stop`, or the author of its prompt lost access.
pub const STOPPED: &str = "Stopped.";
/// The last line of an answer that is incomplete because the agent died. [`SessionNotice::Died`] or
/// [`SessionNotice::DiedInBackground`] gives the reason.
pub const INCOMPLETE: &str = "Incomplete: the agent exited.";
/// The last line of an answer that the agent itself ended early.
pub const INTERRUPTED: &str = "Interrupted.";

/// The last line of an answer that a later message interrupted.
pub const INTERRUPTED_BY_PROMPT: &str = "Interrupted by the next message.";
/// The last line of an answer that was interrupted because the author of a later prompt in the turn lost access.
pub const INTERRUPTED_BY_LOST_ACCESS: &str =
    "Interrupted, because another user whose message was being answered lost access. Send your message again.";
/// The last line of an answer that ended because a user restarted the agent.
pub const RESTARTED: &str = "Incomplete: the agent was restarted.";
/// The last line of an answer that the host interrupted at shutdown.
pub const HOST_ENDED: &str = "Stopped: Cordboard is shutting down.";
/// The likely reason why an agent exited: its processes used more memory than its limit.
pub const EXCEEDED_MEMORY: &str = "during this run, the kernel killed one of the agent's processes, because together they exceeded max_memory; raise max_memory of this agent if it needs more";
/// The text of a finished turn without any output.
pub const DONE: &str = "Done.";
/// The text of a failed turn without a reason.
pub const FAILED: &str = "The agent failed without giving a reason.";
pub const SHUTTING_DOWN: &str = "Cordboard is shutting down.";
pub const NOTHING_RUNS: &str = "Nothing is running.";
pub const NOTHING_TO_RETRY: &str = "Nothing to retry.";
pub const NOTHING_TO_LEAVE: &str = "No interrupted message to drop.";
/// The answer to a user who presses a button for a request that is already closed.
pub const NOT_OPEN: &str = "This request is closed. The button has no effect.";

/// The reason for a failed start: the agent was not ready in time.
pub const START_TIMEOUT: &str = "it was not ready within a minute";
/// The reason why a persona could not be used: its plugin did not answer in time.
pub const PERSONA_TIMEOUT: &str = "it did not answer within a minute";

#[must_use]
pub fn busy(session: &SessionName) -> String {
    format!("Session '{session}' is busy. Use /stop first.")
}

/// Returns the error for a command that can't be carried out while the session is open in a terminal.
#[must_use]
pub fn open_in_terminal(session: &SessionName) -> String {
    format!("Session '{session}' is open in a terminal. Exit the agent there first.")
}

/// Returns the error for opening a session in a terminal while its agent is waiting for an answer.
#[must_use]
pub fn question_open(session: &SessionName) -> String {
    format!("The agent of session '{session}' is waiting for an answer. Answer its question in the chat first.")
}

/// Returns the last line of an answer whose agent did not react to an interrupt, for example from `/stop`.
#[must_use]
pub fn agent_unresponsive(session: &SessionName) -> String {
    format!("The agent of session '{session}' did not respond and was stopped. The next message resumes it.")
}

/// Like [`agent_unresponsive`], for a program that can't be resumed.
#[must_use]
pub fn program_unresponsive(session: &SessionName) -> String {
    format!("The program of session '{session}' did not respond and was stopped. The next message starts it again.")
}

/// Returns the answer to a user who tries to drop a message that is no longer queued, for example because the agent has
/// received it.
#[must_use]
pub fn not_waiting(session: &SessionName) -> String {
    format!("This message is no longer queued in session '{session}'. Use /stop to interrupt the turn.")
}

#[must_use]
pub fn messages_wait(session: &SessionName, count: usize) -> String {
    let waiting =
        if count == 1 { "1 message is still queued".to_owned() } else { format!("{count} messages are still queued") };
    format!("{waiting} in session '{session}'. Use /stop all there first.")
}

#[must_use]
pub fn sent_again(session: &SessionName) -> String {
    format!(
        "Session '{session}' is already answering the message that was sent again. To send an earlier interrupted message again, use /retry after this answer."
    )
}

#[must_use]
pub fn left_already(session: &SessionName) -> String {
    format!(
        "A message was dropped just now. Use /leave again to also drop the earlier interrupted message of session \
         '{session}'."
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
        (Some(what), Some(UserDecision { by, at })) => format!("Decided by {}, {at}: {}.", quote(by), quote(what)),
        (Some(what), None) => format!("Decided: {}.", quote(what)),
        (None, _) => "Closed.".to_owned(),
    }
}

/// Returns the line that replaces the buttons of a session's closed request.
#[must_use]
pub fn request_closed(user: Option<UserDecision<'_>>, choice: &Choice) -> String {
    if *choice == Choice::Expired { "No answer in time.".to_owned() } else { request_decided(user, choice.label()) }
}

/// Returns the error for an unknown name, which lists the known names. `kind` is the kind of thing that the name refers
/// to, for example `persona`.
#[must_use]
pub fn unknown_name<'a>(kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let known = if known.is_empty() { String::new() } else { format!(" Known: {}.", known.join(", ")) };
    format!("Unknown {kind} '{}'.{known}", quote(name))
}

#[must_use]
pub fn not_archived(session: &SessionName) -> String {
    format!("Session '{session}' is not archived.")
}

#[must_use]
pub fn invalid_model(model: &str) -> String {
    format!("'{}' is not a valid model name. Use {MODEL_NAME_RULE}.", quote(model))
}

#[must_use]
pub fn unknown_model(model: &str, known: &[String]) -> String {
    format!("Unknown model '{}'. Known: {}.", quote(model), quote(&known.join(", ")))
}

/// Returns the answer to a message that is queued, for chats in which the host can't mark the message itself.
#[must_use]
pub fn message_queued(session: &SessionName) -> String {
    format!("Session '{session}' is busy. Your message is queued.")
}

/// Returns the answer to a message that has to wait until the agent's question is closed.
#[must_use]
pub fn message_waits_for_answer(session: &SessionName, number: u64) -> String {
    format!(
        "Session '{session}' is waiting for your answer to question #{number}. Use its buttons or /answer #{number}; \
         /requests shows it again. Your message is queued."
    )
}

/// Returns the reply to a user who has answered an agent's question.
#[must_use]
pub fn answered(option: &str) -> String {
    format!("Answered: {option}.")
}

/// Returns the error for a session that does not exist. `name` may be an invalid session name.
#[must_use]
pub fn unknown_session(name: &str) -> String {
    format!("Session '{}' doesn't exist. Use /new to create it.", quote(name))
}

#[must_use]
pub fn session_archived(session: &SessionName) -> String {
    format!("Session '{session}' is archived. Use /restore {session}.")
}

#[must_use]
pub fn session_exists(session: &SessionName) -> String {
    format!("Session '{session}' already exists. Use /session {session} to switch to it.")
}

/// Returns the notice to a user who still has access to the bot, but no longer to this session.
#[must_use]
pub fn session_access_lost(session: &SessionName) -> String {
    format!("Your message to session '{session}' was dropped: you no longer have access to that session.")
}

#[must_use]
pub fn session_name_taken(session: &SessionName) -> String {
    format!("The name '{session}' is taken by another user. Choose another name.")
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

/// Returns a reply that shows `text` literally. Names, errors and an agent's last output may contain Markdown.
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
    let path = if path.trim().is_empty() { "the session's folder".to_owned() } else { format!("'{path}'") };
    format!("The host can't read {path}: {why}.")
}

/// Returns the notice that an update or an answer could not be stored. Each place receives it once per store outage.
/// The host retries until the store works again.
#[must_use]
pub fn not_stored_yet(why: impl std::fmt::Display) -> String {
    format!("Not stored yet; trying again: {why}")
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
