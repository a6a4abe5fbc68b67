//! What the host itself says to a user; everything else is said by plugins. One sentence, one place.

use std::path::PathBuf;

mod answer;
mod background;
mod denial;
mod strays;

pub use answer::{Answer, NO_ACTIVE, NONE_OF_YOURS};
pub use background::{WAKE_UP, listed, works_in_background};

use crate::{
    render,
    types::{MODEL_NAME_RULE, Reply, SessionName, Words},
};

mod delivery;

pub use delivery::{cut_off, not_sent, not_shown, unreachable};

/// Characters, about a line on a phone.
const REMINDER: usize = 60;
/// The end of a turn that was stopped from elsewhere: whoever reads it has not said `/stop`.
pub const STOPPED: &str = "Stopped.";

/// Below what had come of an answer whose agent died; [`Notice::Died`] says why.
pub const CUT_SHORT: &str = "Cut short.";
/// The end of a turn that the agent gave up by itself.
pub const INTERRUPTED: &str = "Interrupted.";
/// The end of a turn that the host interrupted at its own end.
pub const HOST_ENDED: &str = "Stopped by the end of Cordboard.";
/// The text of a finished turn without any output.
pub const DONE: &str = "Done.";
/// The text of a failed turn without a reason.
pub const FAILED: &str = "The agent failed, and did not say why.";
pub const ENDING: &str = "Cordboard is shutting down.";
pub const NOTHING_RUNS: &str = "Nothing is running.";
pub const NOTHING_TO_RETRY: &str = "Nothing to retry.";
pub const NOTHING_TO_LEAVE: &str = "Nothing to leave.";

/// Why a start has failed.
pub const NOT_READY: &str = "within a minute it said nothing that Cordboard understands";
/// Why a persona could not be used.
pub const NO_BRIEF: &str = "it did not answer within a minute";

#[must_use]
pub fn busy(session: &SessionName) -> String {
    format!("Session '{session}' is busy. Use /stop first.")
}

/// The end of a turn whose agent did not hear `/stop`.
#[must_use]
pub fn ended(session: &SessionName) -> String {
    format!("The agent of session '{session}' did not react and was ended. The next message resumes it.")
}

#[must_use]
pub fn messages_wait(session: &SessionName, count: usize) -> String {
    let waiting = if count == 1 { "1 message still waits".to_owned() } else { format!("{count} messages still wait") };
    format!("{waiting} in session '{session}'. Use /stop all there first.")
}

#[must_use]
pub fn sent_again(session: &SessionName) -> String {
    format!(
        "Session '{session}' is already answering the one sent again. An earlier message is kept: use /retry when this one is answered."
    )
}

#[must_use]
pub fn left_already(session: &SessionName) -> String {
    format!(
        "One was dropped just now. An earlier message of session '{session}' is kept: /leave again drops that one, too."
    )
}

/// A `kind` of thing that nobody has heard of, and those that there are.
#[must_use]
pub fn no_such<'a>(kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let known = if known.is_empty() { String::new() } else { format!(" Known: {}.", known.join(", ")) };
    format!("Unknown {kind} '{}'.{known}", said(name))
}

#[must_use]
pub fn not_archived(session: &SessionName) -> String {
    format!("Session '{session}' is not archived.")
}

#[must_use]
pub fn invalid_model(model: &str) -> String {
    format!("'{}' can't be the name of a model. Use {MODEL_NAME_RULE}.", said(model))
}

#[must_use]
pub fn unknown_model(model: &str, known: &[String]) -> String {
    format!("Unknown model '{}'. Known: {}.", said(model), said(&known.join(", ")))
}

/// Whether or not `name` could be one.
#[must_use]
pub fn unknown(name: &str) -> String {
    format!("Session '{}' doesn't exist. Use /new to create it.", said(name))
}

#[must_use]
pub fn archived(session: &SessionName) -> String {
    format!("Session '{session}' is archived. Use /restore {session}.")
}

#[must_use]
pub fn exists(session: &SessionName) -> String {
    format!("Session '{session}' already exists. Use /session {session} to switch to it.")
}

/// The message to a user who still has access but lost the right to this session.
#[must_use]
pub fn withdrawn(session: &SessionName) -> String {
    format!("Your message to session '{session}' was withdrawn: you may not use that session any more.")
}

#[must_use]
pub fn taken(session: &SessionName) -> String {
    format!("The name '{session}' is taken by somebody else. Choose another name.")
}

/// Enough of a message to remind its author of it.
#[must_use]
pub fn beginning(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let mut short = render::one_line(first, REMINDER);
    if first.len() < text.len() && !short.ends_with('…') {
        short.push('…');
    }
    short
}

/// Words of others in a sentence of ours.
fn said(words: &str) -> String {
    render::one_line(words, render::FOREIGN)
}

/// Adds a remedy to a system error that lacks one: `(os error 24)` is EMFILE, 23 is ENFILE. It matches the text,
/// because libraries wrap the error.
#[must_use]
pub fn system_error(error: impl std::fmt::Display) -> String {
    let text = error.to_string();
    let remedy = if text.contains("(os error 24)") {
        "; raise the limit of open files, with `ulimit -n` or LimitNOFILE= of the systemd unit"
    } else if text.contains("(os error 23)") {
        "; this machine has too many open files: end some programs, or raise sysctl fs.file-max"
    } else {
        ""
    };
    text + remedy
}

/// A reply that is shown as it stands, whatever of it is Markdown: names, errors and last words are others'.
#[must_use]
pub fn plain(text: &str) -> Reply {
    Reply::text(render::escape(text))
}

/// Something a session has to tell of its own accord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// In the lifecycle plugin's words.
    Resuming(String),
    /// In the persona's words.
    Greeting(String),
    /// In the agent's words: a background task's report.
    Unasked(String),
    QueueFull {
        session: SessionName,
        limit: usize,
        /// The beginning of the rejected message.
        prompt: String,
    },
    /// As many messages that were cut off are kept as may be.
    KeptFull {
        session: SessionName,
        kept: usize,
        limit: usize,
    },
    /// A resume was refused; the user has the word.
    ResumeRefused {
        session: SessionName,
        why: String,
    },
    /// The first death of an agent at its start; it is started again by itself, and the next ones are not told.
    StartFailed {
        session: SessionName,
        agent: String,
        account: String,
    },
    Broken {
        session: SessionName,
        why: String,
    },
    /// The agent died in mid-turn.
    Died {
        session: SessionName,
        why: String,
    },
    /// The agent died during a turn of its own or during background work.
    DiedUnasked {
        session: SessionName,
        why: String,
    },
    /// A changed setting needs a new agent process, and the current one still has background work.
    CountsLater {
        session: SessionName,
        work: Vec<String>,
    },
    /// The host ended in mid-turn; `prompt` is its beginning.
    CutOff {
        session: SessionName,
        prompt: String,
    },
    /// The latest message that was cut off is dealt with, and there is an earlier one; `prompt` is its beginning.
    StillKept {
        session: SessionName,
        prompt: String,
    },
    /// The session's folder in `[sessions.folders]` has changed; the agent starts in the new one.
    FolderChanged {
        session: SessionName,
        folder: PathBuf,
    },
    Denied {
        tool: String,
        detail: String,
        agent: String,
    },
    PersonaFailed {
        session: SessionName,
        why: String,
    },
    /// The agent's command could not be started at all.
    NotStarted {
        session: SessionName,
        why: String,
    },
    /// The session was archived while the message came in.
    Archived {
        session: SessionName,
    },
    /// Processes that an agent left behind. They keep running, because they may belong to another session.
    Strays {
        session: SessionName,
        pids: Vec<i32>,
    },
}

impl Notice {
    /// Whether it does not say which session it is about.
    #[must_use]
    pub const fn is_nameless(&self) -> bool {
        matches!(self, Self::Resuming(_) | Self::Greeting(_) | Self::Unasked(_) | Self::Denied { .. })
    }

    #[must_use]
    pub fn reply(&self) -> Reply {
        match self {
            Self::Resuming(text) | Self::Greeting(text) => Reply::text(text.clone()),
            Self::Unasked(text) => Reply { words: Words::Agents, ..Reply::text(text.clone()) },
            Self::QueueFull { session, limit, prompt } => plain(&queue_full(session, *limit, prompt)),
            Self::KeptFull { session, kept, limit } => plain(&kept_full(session, *kept, *limit)),
            Self::ResumeRefused { session, why } => plain(&format!(
                "Session '{session}' could not be resumed: {}\nYour messages are kept. /retry tries again, /fresh goes on without its memory.",
                said(why)
            ))
            .button("Try again", &format!("/retry {session}"))
            .button("Start fresh", &format!("/fresh {session}")),
            Self::StartFailed { session, agent, account } => plain(&format!(
                "The agent of session '{session}' did not start: {}\nIt is started again by itself three times, and your messages are kept. /retry starts it at once; its command line is set in [agents.{agent}] command and args.",
                said(account)
            ))
            .button("Try again", &format!("/retry {session}")),
            Self::Broken { session, why } => plain(&format!(
                "The agent of session '{session}' does not stay up: {}\nYour messages are kept. /retry starts it again, /fresh starts it without its memory.",
                said(why)
            ))
            .button("Try again", &format!("/retry {session}"))
            .button("Start fresh", &format!("/fresh {session}")),
            Self::Died { session, why } => plain(&format!(
                "The agent of session '{session}' ended in the middle of its answer: {}\nYour message was not sent again.",
                said(why)
            ))
            .button("Send again", &format!("/retry {session}"))
            .button("Leave it", &format!("/leave {session}")),
            Self::DiedUnasked { session, why } => plain(&background::died(session, why)),
            Self::CountsLater { session, work } => plain(&background::counts_later(session, work)),
            Self::CutOff { session, prompt } => plain(&format!(
                "Cordboard was stopped while session '{session}' answered “{prompt}”. Your message was not sent again."
            ))
            .button("Send again", &format!("/retry {session}"))
            .button("Leave it", &format!("/leave {session}")),
            Self::StillKept { session, prompt } => plain(&format!(
                "An earlier message of session '{session}' was not sent again either: “{prompt}”."
            ))
            .button("Send again", &format!("/retry {session}"))
            .button("Leave it", &format!("/leave {session}")),
            Self::FolderChanged { session, folder } => plain(&format!(
                "Session '{session}' now works in {}, as [sessions.folders] says.",
                said(&folder.display().to_string())
            )),
            Self::Denied { tool, detail, agent } => Reply::text(denial::denied(tool, detail, agent)),
            Self::PersonaFailed { session, why } => plain(&format!(
                "The persona of session '{session}' could not be used: {}\nYour messages are kept. /retry tries again, /persona takes another one.",
                said(why)
            ))
            .button("Try again", &format!("/retry {session}")),
            Self::NotStarted { session, why } => plain(&format!(
                "The agent of session '{session}' could not be started: {}\nYour messages are kept. /retry tries again.",
                said(why)
            ))
            .button("Try again", &format!("/retry {session}")),
            Self::Archived { session } => plain(&archived(session)),
            Self::Strays { session, pids } => plain(&strays::left(session, pids)),
        }
    }
}

fn queue_full(session: &SessionName, limit: usize, prompt: &str) -> String {
    format!(
        "Not taken: {limit} messages already wait for session '{session}'. Send it again when they are answered, or /stop all drops them.\n“{prompt}”"
    )
}

fn kept_full(session: &SessionName, kept: usize, limit: usize) -> String {
    let (are, it) = match kept {
        1 => (format!("a message of session '{session}' was cut off and is kept"), "it"),
        _ => (format!("{kept} messages of session '{session}' were cut off and are kept"), "the latest"),
    };
    let then = match limit {
        _ if kept == limit => "then send this one again".to_owned(),
        1 => "send this one again when none is kept".to_owned(),
        _ => format!("send this one again when fewer than {limit} are kept"),
    };
    format!("Not taken: {are}. /retry {session} sends {it} again, /leave {session} drops {it}; {then}.")
}

/// The prompt for a caption. The agent gets the text but not the file.
#[must_use]
pub fn captioned(kind: &str, caption: &str) -> String {
    format!("[Sent with this text: {kind}. It did not reach you, only the text did.]\n\n{caption}")
}

/// Sent once per place while the store fails. The update is accepted later, when the store works again.
#[must_use]
pub fn not_stored_yet(why: impl std::fmt::Display) -> String {
    format!("Not stored yet, trying again: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_open_files_have_a_remedy() {
        let full = std::io::Error::from_raw_os_error(24);
        let told = system_error(format!("failed to start 'claude': {full}"));
        assert!(
            told.ends_with("raise the limit of open files, with `ulimit -n` or LimitNOFILE= of the systemd unit"),
            "{told}"
        );
        assert!(system_error(std::io::Error::from_raw_os_error(23)).contains("fs.file-max"));
        assert_eq!(system_error("refused (os error 111)"), "refused (os error 111)");
    }

    #[test]
    fn others_words_stay_inside_the_sentence() {
        let forged = "no\nPlugin 'x' is granted all.\u{1b}[2J\u{202e}";
        let session = || "alpha".parse::<SessionName>().unwrap();
        let notices = [
            Notice::ResumeRefused { session: session(), why: forged.to_owned() },
            Notice::StartFailed { session: session(), agent: "demo".to_owned(), account: forged.to_owned() },
            Notice::Broken { session: session(), why: forged.to_owned() },
            Notice::Died { session: session(), why: forged.to_owned() },
            Notice::PersonaFailed { session: session(), why: forged.to_owned() },
            Notice::NotStarted { session: session(), why: forged.to_owned() },
            Notice::Denied { tool: forged.to_owned(), detail: forged.to_owned(), agent: "demo".to_owned() },
            Notice::Denied { tool: "Edit".to_owned(), detail: format!("/{forged}/a"), agent: "demo".to_owned() },
            Notice::CutOff { session: session(), prompt: beginning(forged) },
        ];
        let refusals = [unknown(forged), unknown_model(forged, &[forged.to_owned()])];
        for text in notices.iter().map(|notice| notice.reply().text).chain(refusals) {
            assert!(
                !text.lines().any(|line| line.starts_with("Plugin") || line.contains(render::is_unseen)),
                "{text:?}"
            );
        }
        assert_eq!(beginning("one\ntwo"), "one…");
        assert_eq!(beginning(&"x".repeat(REMINDER + 1)), format!("{}…", "x".repeat(REMINDER)));
    }
}
