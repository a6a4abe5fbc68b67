//! Chat topics that the bot creates for sessions.

use serde::{Deserialize, Serialize};

use super::{Phase, Place, SessionName, SessionView};
use crate::updates_and_posts::InboxId;

/// The topic of a session. Each session has at most one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTopic {
    /// The id of the session.
    pub session: SessionName,
    /// The topic or, until the topic is created, the place of the command that created the session.
    pub place: Place,
    pub state: TopicState,
    /// The name and icon that the topic shows, as far as the host knows.
    pub shown: TopicAppearance,
    /// The command that created the session.
    pub command: InboxId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TopicState {
    /// The host has not yet asked the chat to create the topic.
    #[serde(rename = "wanted")]
    NotRequested,
    /// The chat was asked to create the topic. If the host was killed before the chat answered, the topic may or may
    /// not exist.
    Requested,
    Open,
    /// Closed by the host, because the session is archived.
    Closed,
    /// Changed or closed by a person. The host no longer changes the topic.
    #[serde(rename = "left-alone")]
    Unmanaged,
    /// The topic no longer exists.
    Deleted,
}

/// A topic's name and icon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicAppearance {
    /// The name of the session.
    pub name: String,
    pub icon: TopicIcon,
}

impl TopicAppearance {
    #[must_use]
    pub fn of(view: &SessionView) -> Self {
        Self { name: view.record.name.to_string(), icon: TopicIcon::of(view) }
    }
}

/// A session's activity, as shown by its topic's icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TopicIcon {
    Suspended,
    Idle,
    Working,
    /// The session is waiting for a user's answer.
    Waiting,
    /// The agent can't be started.
    Failed,
}

impl TopicIcon {
    #[must_use]
    pub fn of(view: &SessionView) -> Self {
        match view.phase {
            Phase::Broken => Self::Failed,
            Phase::Asking => Self::Waiting,
            Phase::Busy | Phase::Starting | Phase::Idle | Phase::Stopping if !view.requests.is_empty() => Self::Waiting,
            Phase::Busy | Phase::Starting => Self::Working,
            Phase::Idle if !view.record.background.is_empty() => Self::Working,
            Phase::Idle => Self::Idle,
            Phase::Stopping | Phase::Suspended | Phase::Archived => Self::Suspended,
        }
    }
}

/// A change to an existing topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicEdit {
    /// Changes the name, the icon, or both. `None` keeps the current value.
    Appearance {
        name: Option<String>,
        icon: Option<TopicIcon>,
    },
    Close,
    Reopen,
}
