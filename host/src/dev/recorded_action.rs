//! Records a plugin's actions on the fake host and formats each as one line. `call` prints these lines, and
//! conversations can expect them.

use std::fmt;

use cordboard_core::{
    access_entries::StoredChange,
    config::format_duration,
    session::{QueuedPrompts, SessionCommand},
    types::{PermissionMode, Place, Reply, SessionName, SessionRecord, UserId},
};
use cordboard_runtime::AdminCommand;

/// The maximum length of a state value that is shown as text, in characters.
const SHOWN: usize = 60;

#[derive(Debug, Clone, PartialEq)]
pub enum RecordedAction {
    Created(Box<SessionRecord>),
    Ordered(SessionName, SessionCommand),
    /// The old and the new name of a session.
    Renamed(SessionName, SessionName),
    Prompted(SessionName, String),
    /// A person, and the view mode for answers to that person's prompts. `None` means that the mode was unset.
    OwnMode(UserId, Option<String>),
    Posted(Place, Box<Reply>),
    /// An admin command for a plugin.
    Steered(String, AdminCommand),
    /// A change to who has access.
    Access(StoredChange),
    /// A state key and its new value. `None` means that the key was deleted.
    StateSet(String, Option<Vec<u8>>),
    /// The method and address of an HTTP request, and the result: a status, or the reason for the failure.
    Requested(String, Result<u16, String>),
    /// A log line with its level.
    Logged(&'static str, String),
}

impl fmt::Display for RecordedAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created(record) => {
                write!(f, "session {} created with agent {}", record.name, record.agent)?;
                record.persona.as_ref().map_or(Ok(()), |persona| write!(f, ", persona {persona}"))?;
                record.model.as_ref().map_or(Ok(()), |model| write!(f, ", model {model}"))
            }
            Self::Ordered(session, order) => write!(f, "session {session} {}", Ordered(order)),
            Self::Renamed(from, to) => write!(f, "session {from} renamed to {to}"),
            Self::Prompted(session, text) => write!(f, "prompt to {session}: {}", one_line(text)),
            Self::OwnMode(person, mode) => write!(f, "mode of {} {}", person.0, mode.as_deref().unwrap_or("unset")),
            Self::Posted(place, reply) => write!(f, "post to {place}: {}", one_line(&reply.text)),
            Self::Steered(plugin, order) => match order {
                AdminCommand::Grant(digest) | AdminCommand::Refuse(digest) => {
                    write!(f, "plugin {plugin} {} {digest}", order.as_str())
                }
                AdminCommand::Rollback
                | AdminCommand::Reload
                | AdminCommand::Disable
                | AdminCommand::Enable
                | AdminCommand::Revoke => write!(f, "plugin {plugin} {}", order.as_str()),
            },
            Self::Access(StoredChange::Save(person)) => {
                write!(f, "access {} {}", person.id, person.role.as_str())?;
                person.chat.as_ref().map_or(Ok(()), |chat| write!(f, " in {chat}"))
            }
            Self::Access(StoredChange::Delete(id)) => write!(f, "access {id} removed"),
            Self::Access(StoredChange::DeleteInChat { id, chat }) => write!(f, "access {id} removed in {chat}"),
            Self::StateSet(key, None) => write!(f, "state delete {key}"),
            Self::StateSet(key, Some(value)) => write!(f, "state set {key} = {}", shown(value)),
            Self::Requested(what, Ok(status)) => write!(f, "http {what}: {status}"),
            Self::Requested(what, Err(why)) => write!(f, "http {what}: {why}"),
            Self::Logged(level, line) => write!(f, "log {level}: {}", one_line(line)),
        }
    }
}

struct Ordered<'a>(&'a SessionCommand);

impl fmt::Display for Ordered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unset = |value: &Option<String>| value.clone().unwrap_or_else(|| "unset".to_owned());
        match self.0 {
            SessionCommand::Touch(place) => write!(f, "active in {place}"),
            SessionCommand::Start => f.write_str("started"),
            SessionCommand::Suspend => f.write_str("suspended"),
            SessionCommand::ForceSuspend => f.write_str("suspended anyway"),
            SessionCommand::OpenTerminal(_) => f.write_str("opened in a terminal"),
            SessionCommand::Interrupt { queued: QueuedPrompts::Keep, .. } => f.write_str("interrupted"),
            SessionCommand::Interrupt { queued: QueuedPrompts::Drop, .. } => f.write_str("interrupted, queue dropped"),
            SessionCommand::DropQueued(prompt) => write!(f, "{} dropped", prompt.0),
            SessionCommand::Retry(_) => f.write_str("retried"),
            SessionCommand::Fresh => f.write_str("started a new conversation"),
            SessionCommand::Leave => f.write_str("left"),
            SessionCommand::Answer { number, options, text } => {
                let number = number.map(|number| format!("#{number} ")).unwrap_or_default();
                let text = text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
                write!(f, "answered {number}{}{text}", options.join(" "))
            }
            SessionCommand::Pressed(_, order) => Ordered(order).fmt(f),
            SessionCommand::Archive => f.write_str("archived"),
            SessionCommand::Restore => f.write_str("restored"),
            SessionCommand::SetIdleTimeout(None) => f.write_str("idle timeout unset"),
            SessionCommand::SetIdleTimeout(Some(timeout)) => write!(f, "idle timeout {}", format_duration(*timeout)),
            SessionCommand::SetModel(model) => write!(f, "model {}", unset(model)),
            SessionCommand::SetPersona(persona) => write!(f, "persona {}", unset(persona)),
            SessionCommand::SetAgent(agent) => write!(f, "agent {agent}"),
            SessionCommand::SetMode(mode) => write!(f, "mode {}", unset(mode)),
            SessionCommand::SetPermissionMode(mode) => {
                write!(f, "permission mode {}", mode.map_or("unset", PermissionMode::as_str))
            }
        }
    }
}

fn one_line(text: &str) -> String {
    text.trim_end().replace('\n', "\\n")
}

/// Formats a value: short text without control characters is shown as is, any other value by its length.
fn shown(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) if text.chars().count() <= SHOWN && !text.chars().any(char::is_control) => text.to_owned(),
        Ok(_) | Err(_) => format!("({} bytes)", value.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_action_is_one_line() {
        let name: SessionName = "alpha".parse().expect("a name");
        let lines = [
            RecordedAction::Prompted(name.clone(), "one\ntwo\n".to_owned()),
            RecordedAction::Ordered(
                name.clone(),
                SessionCommand::SetIdleTimeout(Some(std::time::Duration::from_secs(90))),
            ),
            RecordedAction::StateSet("k".to_owned(), Some(vec![0, 1])),
            RecordedAction::StateSet("k".to_owned(), Some(b"7".to_vec())),
            RecordedAction::StateSet("k".to_owned(), None),
            RecordedAction::Logged("warn", "low".to_owned()),
            RecordedAction::Steered("echo".to_owned(), AdminCommand::Grant("0123456789ab".to_owned())),
        ];
        let expected = [
            "prompt to alpha: one\\ntwo",
            "session alpha idle timeout 1m30s",
            "state set k = (2 bytes)",
            "state set k = 7",
            "state delete k",
            "log warn: low",
            "plugin echo grant 0123456789ab",
        ];
        assert_eq!(lines.map(|action| action.to_string()), expected);
    }
}
