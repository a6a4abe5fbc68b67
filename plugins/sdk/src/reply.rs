//! Builders for what goes to the chat, and the questions that plugins ask of a session. Pure: nothing here may call the
//! host.

use crate::{Attachment, Button, Content, Phase, Reply, Session, text::escape};

impl Reply {
    /// A message of that Markdown; names and other foreign text go through [`escape`] first.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), buttons: Vec::new(), attachments: Vec::new(), in_place: false }
    }

    /// A message that is shown as it stands, as `/timeout <minutes>`.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self::text(escape(text))
    }

    /// Adds a button in a row of its own. Pressing it runs `command`, as "/hello again", as the one who presses. It must be one of
    /// the plugin's own commands: the host omits any other button and logs it, as it does with more than 100 buttons in
    /// a message. A label that shows nothing is replaced with the command.
    #[must_use]
    pub fn button(self, label: impl Into<String>, command: impl Into<String>) -> Self {
        self.row([(label.into(), command.into())])
    }

    /// Adds a row of buttons, each a label and one of the plugin's own commands; no button makes no row.
    #[must_use]
    pub fn row(mut self, buttons: impl IntoIterator<Item = (String, String)>) -> Self {
        let row: Vec<Button> = buttons.into_iter().map(|(label, command)| Button { label, command }).collect();
        if !row.is_empty() {
            self.buttons.push(row);
        }
        self
    }

    /// Adds a text with a name. No chat takes files yet: it is shown as a block of code below the message.
    #[must_use]
    pub fn attach_text(mut self, name: &str, text: impl Into<String>) -> Self {
        let (name, media_type) = (name.to_owned(), "text/plain".to_owned());
        self.attachments.push(Attachment { name, media_type, content: Content::Text(text.into()) });
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
    /// The value of a fact, which is how the host tells what came after the first version of the interface.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Phase {
    /// Whether a process runs.
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
