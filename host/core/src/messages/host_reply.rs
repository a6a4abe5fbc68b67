//! The host's own answers to updates, for example if no session is active, or if a command is unknown or fails.

use tr::tr;

use super::{FilterRefusal, files::kind_name, not_allowed, plain, quote};
use crate::{
    language::{Language, with_language},
    types::{Reply, Role, SessionName},
};

/// The answer to text that isn't a command when no session is active.
#[must_use]
pub fn no_active() -> String {
    tr!("No active session. Use /new to start one.")
}

/// Returns whether a plugin's error says that no session is active. The SDK uses the host's text, in each language.
#[must_use]
pub fn says_no_active(error: &str) -> bool {
    Language::ALL.into_iter().any(|language| with_language(Some(language), no_active) == error)
}

/// The answer to text that isn't a command when only other people's sessions are active.
#[must_use]
pub fn none_of_yours() -> String {
    tr!(
        "Not accepted: the active session here belongs to another user. Use /new to start your own; the other session isn't affected."
    )
}

/// The answer to a command for the active session when only other people's sessions are active.
#[must_use]
pub fn none_active_of_yours() -> String {
    tr!("None of your sessions is active here. The active one belongs to another user. Use /new to start your own.")
}

/// The host's own answer to an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostReply {
    NoActive,
    /// The caller isn't allowed to see the sessions that are active here.
    NoneOfYours,
    /// A message without text whose content the host can't download, for example a game.
    UnsupportedContent {
        kind: String,
    },
    /// An album without a caption in a group. Its caption may have been dropped, because it was meant for other people.
    AlbumWithoutCaption,
    /// The host can't download the attachment, so the agent receives only the caption.
    CaptionTaken {
        kind: String,
    },
    UnknownCommand {
        name: String,
        nearest: Option<String>,
    },
    /// A file in the message could not be downloaded or saved. If the message is a prompt, it is not accepted; if it is
    /// a command, it runs without the file.
    FileNotSaved {
        /// A sentence that says why the file was not saved.
        why: String,
        /// The command, if the message is one.
        command: Option<String>,
    },
    /// The agent reads only text, so it receives only the caption of the saved files.
    OnlyTextTaken {
        /// The paths of the files, relative to the session's folder.
        saved: Vec<String>,
    },
    /// The agent reads only text, and the saved files have no caption, so nothing is sent to the agent.
    OnlySaved {
        saved: Vec<String>,
    },
    /// A command that doesn't use files was sent with files.
    FilesNotUsed {
        command: String,
        saved: Vec<String>,
    },
    /// A command beginning with two slashes that the session's agent doesn't support.
    UnknownAgentCommand {
        name: String,
        session: SessionName,
        nearest: Option<String>,
    },
    /// An agent command whose arguments name a file with an `@`.
    AgentCommandWithFile {
        name: String,
    },
    /// The plugin that showed the button no longer exports the command, but another plugin does.
    NotItsButton {
        name: String,
        plugin: String,
    },
    NotAllowed {
        name: String,
        role: Role,
    },
    /// The plugin call failed. `why` gives the reason, for example a trap or an exceeded limit.
    CommandFailed {
        name: String,
        plugin: String,
        why: String,
    },
    /// An outdated button: its message or command is no longer stored, or its text isn't a command.
    OldButton,
    /// A button of a request that was already decided. `outcome` is the line that replaced the buttons of the request.
    AlreadyDecided {
        outcome: String,
    },
    /// Too many messages are waiting in the queue of the place. `message` is the beginning of the rejected message.
    QueueFull {
        message: String,
    },
    /// The user has sent more messages than `[telegram] per_minute` allows.
    TooManyMessages {
        limit: usize,
        /// The beginning of the rejected message.
        message: String,
    },
    /// A filter stopped the message.
    MessageRefused(FilterRefusal),
    /// A filter stopped the edit of a message, so the agent keeps the previous text.
    EditRefused(FilterRefusal),
    /// Handling the message has panicked several times.
    SetAside {
        /// The beginning of the message.
        message: String,
    },
    /// The daily budget is spent.
    BudgetSpent {
        refusal: String,
        /// The beginning of the rejected message.
        message: String,
    },
    NotStored {
        why: String,
        /// The beginning of the rejected message.
        message: String,
    },
}

impl HostReply {
    #[must_use]
    pub fn reply(&self) -> Reply {
        plain(&self.text())
    }

    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::NoActive => no_active(),
            Self::NoneOfYours => none_of_yours(),
            Self::UnsupportedContent { kind } => {
                tr!("The agent can't get this kind of message ({kind}).", kind = kind_name(kind))
            }
            Self::AlbumWithoutCaption => tr!("In a group, an album needs a caption. Send it again with one."),
            Self::FileNotSaved { why, command: None } => {
                tr!("{}\nYour message was not sent to the agent.", quote(why))
            }
            Self::FileNotSaved { why, command: Some(command) } => {
                tr!("{}\n/{command} ran without it.", quote(why), command)
            }
            Self::CaptionTaken { kind } => {
                tr!("The agent gets only the caption. It can't see the {kind}.", kind = kind_name(kind))
            }
            Self::OnlyTextTaken { saved } => {
                tr!("The agent reads only text, so it gets only your caption. {}", saved_as(saved))
            }
            Self::OnlySaved { saved } => {
                tr!("{} The agent can't receive files. Send it a message that names the file.", saved_as(saved))
            }
            Self::FilesNotUsed { command, saved } => {
                tr!("/{command} doesn't use files, so the agent didn't get yours. {}", saved_as(saved), command)
            }
            Self::UnknownCommand { name, nearest: Some(nearest) } => {
                tr!("Unknown command /{name}. Did you mean /{nearest}?", name, nearest)
            }
            Self::UnknownCommand { name, nearest: None } => {
                tr!("Unknown command /{name}. Use /help to list the commands.", name)
            }
            Self::UnknownAgentCommand { name, session, nearest } => {
                unknown_agent_command(name, session, nearest.as_deref())
            }
            Self::AgentCommandWithFile { name } => agent_command_with_file(name),
            Self::NotItsButton { name, plugin } => not_its_button(name, plugin),
            Self::NotAllowed { name, role } => not_allowed(name, *role),
            Self::CommandFailed { name, plugin, why } => {
                tr!("/{name} failed: plugin '{plugin}' {why}.", name, plugin, why)
            }
            Self::OldButton => tr!("This button no longer works. Type the command to use it."),
            Self::AlreadyDecided { outcome } => tr!("{outcome} The button has no effect.", outcome),
            Self::QueueFull { message } => quoting(
                &tr!("Not accepted: too many messages are waiting here. Send the message again in a moment."),
                message,
            ),
            Self::TooManyMessages { limit, message } => quoting(&too_many(*limit), message),
            Self::MessageRefused(refusal) => refusal.of_message(),
            Self::EditRefused(refusal) => refusal.of_edit(),
            Self::SetAside { message } => quoting(&set_aside(), message),
            Self::BudgetSpent { refusal, message } => quoting(refusal, message),
            Self::NotStored { why, message } => {
                quoting(&tr!("Not accepted: {why}. Send the message again when that is fixed.", why), message)
            }
        }
    }
}

fn unknown_agent_command(name: &str, session: &SessionName, nearest: Option<&str>) -> String {
    let hint = nearest.map_or_else(String::new, |nearest| tr!(" Did you mean //{nearest}?", nearest));
    tr!(
        "The agent of session '{session}' has no command //{name}.{hint} Use /commands to list its commands.",
        session,
        name,
        hint
    )
}

fn agent_command_with_file(name: &str) -> String {
    tr!(
        "Not sent: the arguments of //{name} can't contain a word that starts with '@', because the agent would read that file without asking. Name the file without the '@'.",
        name
    )
}

fn not_its_button(name: &str, plugin: &str) -> String {
    tr!(
        "This button no longer works: it belongs to plugin '{plugin}', and another plugin now provides /{name}. Type the command to use it.",
        plugin,
        name
    )
}

/// The answer to a message whose handling has panicked several times.
fn set_aside() -> String {
    tr!(
        "Cordboard has a bug and can't handle this message, so it was set aside. Other messages are not affected. Please report the bug with the host's log."
    )
}

/// Appends the beginning of the message that `text` is about.
pub(super) fn quoting(text: &str, message: &str) -> String {
    tr!("{text}\n“{message}”", text, message)
}

fn too_many(limit: usize) -> String {
    tr!(
        "Not accepted: you may send at most {limit} messages a minute. Wait a minute: until then, further messages may be dropped without an answer.",
        limit
    )
}

/// Returns the sentence that names saved files, or says how to send them.
fn saved_as(paths: &[String]) -> String {
    if paths.is_empty() {
        return tr!("Send them again without a command.");
    }
    tr!("Saved in the session's folder as {}.", paths.join(", "))
}
