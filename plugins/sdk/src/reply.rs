//! Builders for replies, and helper methods for sessions and phases. Pure: nothing here calls the host.

use crate::{Attachment, Button, Content, Phase, Reply, Session, text::escape};

impl Reply {
    /// Creates a message from Markdown. Pass names and other untrusted text through [`escape`] first.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), buttons: Vec::new(), attachments: Vec::new(), in_place: false }
    }

    /// Creates a message from plain text, such as `/timeout <minutes>`, which is shown unchanged.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self::text(escape(text))
    }

    /// Adds a button in a separate row. Pressing it runs `command`, such as "/hello again", with the rights of the user
    /// who presses it. The command must belong to this plugin: the host omits and logs all other buttons, and buttons
    /// beyond 100 in a message. A blank label is replaced with the command.
    #[must_use]
    pub fn button(self, label: impl Into<String>, command: impl Into<String>) -> Self {
        self.row([(label.into(), command.into())])
    }

    /// Adds a row of buttons, each with a label and one of the plugin's own commands. An empty row is omitted.
    #[must_use]
    pub fn row(mut self, buttons: impl IntoIterator<Item = (String, String)>) -> Self {
        let row: Vec<Button> = buttons.into_iter().map(|(label, command)| Button { label, command }).collect();
        if !row.is_empty() {
            self.buttons.push(row);
        }
        self
    }

    /// Attaches a named text. Telegram sends it as a file; a console shows it as a code block below the message.
    #[must_use]
    pub fn attach_text(mut self, name: &str, text: impl Into<String>) -> Self {
        let (name, media_type) = (name.to_owned(), "text/plain".to_owned());
        self.attachments.push(Attachment { name, media_type, content: Content::Text(text.into()) });
        self
    }

    /// Attaches a session file. `path` is relative to the session's folder. Works only in the reply to a command of a
    /// plugin that imports `sessions`; other messages show only the name and the path.
    #[must_use]
    pub fn attach_file(mut self, path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        self.attachments.push(Attachment { name, media_type: String::new(), content: Content::File(path.to_owned()) });
        self
    }

    /// Replaces the message whose button was pressed instead of sending a new one.
    #[must_use]
    pub fn in_place(mut self) -> Self {
        self.in_place = true;
        self
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl Session {
    /// Returns the value of a fact. A fact is a named value for which the record has no field.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Phase {
    /// Returns whether an agent process can be running in this phase.
    #[must_use]
    pub const fn is_live(self) -> bool {
        match self {
            Self::Starting | Self::Idle | Self::Busy | Self::Stopping => true,
            Self::Suspended | Self::Asking | Self::Broken | Self::Archived => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_built_in_one_expression() {
        let reply = Reply::text("Which?").button("One", "/one").row([]).row([("Two".into(), "/two".into())]).in_place();
        let rows: Vec<_> = reply.buttons.iter().map(|row| row[0].command.as_str()).collect();
        assert_eq!((rows, reply.in_place, reply.text.as_str()), (vec!["/one", "/two"], true, "Which?"));
    }
}
