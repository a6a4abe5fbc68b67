//! Users, their roles, and the places where they write.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The id of a user: `front-end:user`, for example `telegram:42` or `console:local`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub String);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The role of a user. Each role includes the rights of the roles before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees and controls only the sessions that this user created.
    Member,
    /// Sees and controls all sessions.
    Admin,
    /// The operator.
    Owner,
}

impl Role {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The phrase with which messages name the people with this role.
    #[must_use]
    pub const fn people(self) -> &'static str {
        match self {
            Self::Member => "members",
            Self::Admin => "admins",
            Self::Owner => "the owner",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a role: use member, admin or owner")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        [Self::Member, Self::Admin, Self::Owner]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    pub id: UserId,
    /// The name that the front-end reports for the user; for display only.
    pub name: String,
    pub role: Role,
}

impl Caller {
    /// Whether this caller may see and control the sessions that `owner` created.
    #[must_use]
    pub fn may_control(&self, owner: &UserId) -> bool {
        self.role >= Role::Admin || self.id == *owner
    }

    /// Whether `place` is the caller's private chat. The id of a private chat is the id of its user.
    #[must_use]
    pub fn is_private_chat(&self, place: &Place) -> bool {
        self.id.0.split_once(':') == Some((place.front_end.as_str(), place.chat.as_str()))
    }
}

/// A chat of a front-end, and a topic in it if the chat has topics.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// `telegram` or `console`.
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
