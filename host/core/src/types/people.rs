//! Users, their roles, and what they may control.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Place;

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

    /// Returns the phrase that messages use for people with this role.
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
    /// Returns whether this caller may see and control the sessions that `owner` created.
    #[must_use]
    pub fn may_control(&self, owner: &UserId) -> bool {
        self.role >= Role::Admin || self.id == *owner
    }

    /// Returns whether `place` is the caller's private chat. The id of a private chat is the id of its user.
    #[must_use]
    pub fn is_private_chat(&self, place: &Place) -> bool {
        self.id.0.split_once(':') == Some((place.user_front_end(), place.chat.as_str()))
    }
}

/// The author of a message that a command replies to. For a forwarded message, this is the person who forwarded it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageAuthor {
    Person {
        /// The numeric id in the front-end.
        id: u64,
        name: String,
    },
    Bot,
    /// The message was posted on behalf of a group or a channel.
    Anonymous,
}
