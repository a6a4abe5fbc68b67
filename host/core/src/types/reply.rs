//! Messages to chats from the host, plugins and agents: Markdown, buttons and attachments.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Request, SessionName};
use crate::{
    render,
    updates_and_posts::{MessageId, PostId},
};

/// A button. A press runs `command` with the rights of the user who presses the button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    pub label: String,
    /// A command line, for example `/retry alpha`.
    pub command: String,
    /// The plugin that shows the button, or `None` for the host. A plugin's button can only run that plugin's own
    /// commands.
    #[serde(default, rename = "of", skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The id of the session that the button acts on, even if another session is active when a user presses the button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionName>,
    /// The stored post that shows the button. Set when the post is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyboard: Option<PostId>,
}

impl Button {
    /// Creates a button that the host shows.
    #[must_use]
    pub fn new(label: impl Into<String>, command: impl Into<String>) -> Self {
        Self { label: label.into(), command: command.into(), plugin: None, session: None, keyboard: None }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    Text(String),
    Bytes(Vec<u8>),
    /// A path in a session folder. The session isn't known yet, so chats show only the name and the path.
    File(String),
    SessionFile(SessionFile),
}

/// A file in a session folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFile {
    pub folder: PathBuf,
    /// The path as given in the reply, absolute or relative to the folder. It may lead outside the folder, so the code
    /// that opens the file has to check it.
    pub path: String,
}

impl Content {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::File(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::SessionFile(file) => file.folder.as_os_str().len() + file.path.len(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    pub name: String,
    pub media_type: String,
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reply {
    /// The text in Markdown, which the host renders for the front-end.
    pub text: String,
    /// Rows of buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Vec<Button>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Whether the reply replaces the message whose button was pressed.
    #[serde(default)]
    pub in_place: bool,
    #[serde(default, rename = "words")]
    pub author: Authorship,
    /// The session name to show with the reply. Set if the session isn't the only active one in the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionName>,
    /// The request that is decided with the buttons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    #[serde(default, skip_serializing_if = "Alert::is_default")]
    pub alert: Alert,
    /// The message that this reply answers. Telegram shows the reference only in groups.
    #[serde(default, rename = "answers", skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// The name of a series of posts. The posts of one series in a place share one message: each post replaces the
    /// previous one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
}

/// Selects whether a message's notification makes a sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Alert {
    #[default]
    Ring,
    /// The message arrives without a sound.
    Silent,
}

impl Alert {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The author of a reply's Markdown. Where Markdown is not rendered, the author determines how the source is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Authorship {
    /// The host or a plugin. Backslash escapes are removed.
    #[default]
    Own,
    /// An agent. The source is shown as written.
    Agents,
}

impl Reply {
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Returns the total size of the reply's texts, commands and attachments, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let buttons = self.buttons.iter().flatten().map(|one| one.label.len() + one.command.len());
        let attachments =
            self.attachments.iter().map(|one| one.name.len() + one.media_type.len() + one.content.bytes());
        self.text.len() + buttons.sum::<usize>() + attachments.sum::<usize>()
    }

    /// Binds the buttons to `session` and the reply to `request`.
    #[must_use]
    pub fn about(mut self, session: &SessionName, request: Request) -> Self {
        self.request = Some(request);
        self.bound_to(Some(session))
    }

    /// Binds the buttons to `session`, or removes their binding if `session` is `None`.
    #[must_use]
    pub fn bound_to(mut self, session: Option<&SessionName>) -> Self {
        for button in self.buttons.iter_mut().flatten() {
            button.session = session.cloned();
        }
        self
    }

    /// Binds the buttons and the request to the session with this id.
    #[must_use]
    pub fn bind_to_session(mut self, id: &SessionName) -> Self {
        self.request = self.request.map(|request| request.bind_to_session(id));
        self.bound_to(Some(id))
    }

    /// Removes the buttons and the request, and appends the outcome to the text. The attachments are also removed,
    /// because they stay in the chat as separate messages.
    #[must_use]
    pub fn closed(self, outcome: &str) -> Self {
        let text = format!("{}\n\n{}", self.text, render::escape(outcome));
        Self { text, buttons: Vec::new(), attachments: Vec::new(), request: None, in_place: false, ..self }
    }

    /// Adds a row with one button.
    #[must_use]
    pub fn button(mut self, label: &str, command: &str) -> Self {
        self.buttons.push(vec![Button::new(label, command)]);
        self
    }
}
