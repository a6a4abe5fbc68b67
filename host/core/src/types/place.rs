//! The places where users write, and the people in a place for whom a session is active.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::UserId;

/// A chat in a front-end and, if the chat has topics, a topic in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// `telegram`, `telegram.NAME` for the bot of `[telegram.NAME]`, or `console`.
    pub front_end: String,
    pub chat: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}

impl Place {
    #[must_use]
    pub fn new(front_end: &str, chat: &str) -> Self {
        Self { front_end: front_end.to_owned(), chat: chat.to_owned(), topic: None }
    }

    /// Returns the bot's name, if this is a place of a bot in `[telegram.NAME]`.
    #[must_use]
    pub fn bot(&self) -> Option<&str> {
        self.front_end.split_once('.').map(|(_, name)| name)
    }

    /// Returns the front-end part of the user ids in this place. A person's id is the same for all bots.
    #[must_use]
    pub fn user_front_end(&self) -> &str {
        self.front_end.split_once('.').map_or(&self.front_end, |(front_end, _)| front_end)
    }

    /// Returns whether the place is a group or a topic of a group. The ids of groups are negative.
    #[must_use]
    pub fn is_group(&self) -> bool {
        self.chat.starts_with('-')
    }

    /// Returns the chat without the topic.
    #[must_use]
    pub fn chat_place(&self) -> Self {
        Self::new(&self.front_end, &self.chat)
    }
}

/// The people in a place for whom a session is active: everybody, or one person. In a group without topics, each person
/// has their own active session, so that people can't redirect each other's messages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActiveScope {
    pub place: Place,
    /// `None` means everybody.
    pub person: Option<UserId>,
}

impl ActiveScope {
    #[must_use]
    pub fn everybody(place: &Place) -> Self {
        Self { place: place.clone(), person: None }
    }

    #[must_use]
    pub fn one(place: &Place, person: &UserId) -> Self {
        Self { place: place.clone(), person: Some(person.clone()) }
    }
}

impl fmt::Display for ActiveScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.person.as_ref().map_or(Ok(()), |person| write!(f, "{person} in "))?;
        self.place.fmt(f)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.front_end, self.chat)?;
        self.topic.as_ref().map_or(Ok(()), |topic| write!(f, "/{topic}"))
    }
}
