//! Combines `[access]` with stored access, which the owner granted in the chat or a person gained by pairing. A
//! configured entry overrides the person's stored entry for all chats, but not those for single chats. A configured
//! `owner` overrides the paired owner.

mod target;

use self::target::{Target, group, role_of, target};
use crate::{
    config::Access,
    messages,
    session::{ApiError, ApiErrorCode},
    types::{Caller, MessageAuthor, Place, Role, UserId},
};

/// The front-end in the [`UserId`] of everyone with access.
const FRONT_END: &str = "telegram";

/// A person whom the owner granted access in the chat, or who paired with the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPerson {
    /// The numeric Telegram id.
    pub id: u64,
    /// `Owner` only for the person who paired with the host.
    pub role: Role,
    /// The person's name when the entry was stored, if known.
    pub name: Option<String>,
    /// The only chat in which the entry gives access, without a topic. The role in a single chat is always `Member`.
    /// `None` if the entry gives access everywhere.
    pub chat: Option<Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessSource {
    Configuration,
    Chat,
}

impl AccessSource {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Chat => "chat",
        }
    }
}

/// An entry from the configuration or the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPerson {
    pub id: u64,
    pub role: Role,
    pub name: Option<String>,
    pub source: AccessSource,
    /// The only chat in which the entry gives access. `None` if it gives access in all chats.
    pub chat: Option<Place>,
    /// The only bot through which the entry gives access: the NAME of `[telegram.NAME.access]`.
    pub bot: Option<String>,
    /// Whether a configured entry overrides this stored entry, which then has no effect.
    pub is_overridden: bool,
}

impl ListedPerson {
    #[must_use]
    pub fn user_id(&self) -> UserId {
        UserId(format!("{FRONT_END}:{}", self.id))
    }
}

/// An `/access` request. `who` is an id: a number, or a [`UserId`] in text form. If it is missing, the request is about
/// the author of the message that the command replies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessRequest {
    Add { who: Option<String>, role: String, scope: AccessScope },
    Remove { who: Option<String>, scope: AccessScope },
}

/// The scope of the requested access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessScope {
    /// In all chats. A removal with this scope also removes the person's access to single chats.
    Everywhere,
    /// Only in the chat in which the request was made.
    Here,
}

/// The message that contains an `/access` request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestOrigin<'a> {
    /// The place of the message. `None` if the call has no place.
    pub place: Option<&'a Place>,
    /// The author of the message that the command replies to.
    pub replied: Option<&'a MessageAuthor>,
}

/// A change to the stored entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredChange {
    Save(StoredPerson),
    /// Deletes all entries of the person.
    Delete(u64),
    /// Deletes the entry of the person for this chat.
    DeleteInChat {
        id: u64,
        chat: Place,
    },
}

impl StoredChange {
    /// Applies the change to a list of entries, as the store does.
    #[must_use]
    pub fn apply(&self, mut people: Vec<StoredPerson>) -> Vec<StoredPerson> {
        let is_entry =
            |person: &StoredPerson, id: u64, chat: Option<&Place>| person.id == id && person.chat.as_ref() == chat;
        match self {
            Self::Save(new) => {
                people.retain(|person| !is_entry(person, new.id, new.chat.as_ref()));
                people.push(new.clone());
            }
            Self::Delete(id) => people.retain(|person| person.id != *id),
            Self::DeleteInChat { id, chat } => people.retain(|person| !is_entry(person, *id, Some(chat))),
        }
        people.sort_by(|a, b| (a.id, &a.chat).cmp(&(b.id, &b.chat)));
        people
    }
}

/// The decision on a request: the change to store, if any, and the reply to the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessDecision {
    pub change: Option<StoredChange>,
    pub answer: String,
}

/// The reason why an `/access` request is rejected. [`messages::access`] contains the user-facing texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessRefusal {
    NotAnId(String),
    NotARole(String),
    NoTarget,
    Bot,
    Anonymous,
    Owner,
    /// The configuration grants this person access, in the given `[access]` key.
    Configured {
        id: u64,
        key: &'static str,
    },
    HasNoAccess(u64),
    /// A role in a single chat was requested in a place that is not a group.
    NotInGroup,
    /// In a single chat, people can only be members.
    OnlyMembersHere,
    /// The person has no entry for this chat, but has access to all chats.
    HasAccessEverywhere(u64),
}

impl AccessRefusal {
    /// Returns the error for the caller.
    #[must_use]
    pub fn error(&self) -> ApiError {
        let code = match self {
            Self::HasNoAccess(_) => ApiErrorCode::Unknown,
            Self::Owner | Self::Configured { .. } => ApiErrorCode::Denied,
            Self::NotAnId(_)
            | Self::NotARole(_)
            | Self::NoTarget
            | Self::Bot
            | Self::Anonymous
            | Self::NotInGroup
            | Self::OnlyMembersHere
            | Self::HasAccessEverywhere(_) => ApiErrorCode::Invalid,
        };
        ApiError { code, text: messages::access::refused(self) }
    }
}

/// Checks that the owner made the call, and returns the owner.
///
/// # Errors
/// Returns the reason as text for the user.
pub fn authorize(caller: Option<&Caller>) -> Result<&Caller, ApiError> {
    let denied = |text: String| ApiError { code: ApiErrorCode::Denied, text };
    let caller = caller.ok_or_else(|| denied(messages::NO_CALLER.to_owned()))?;
    if caller.role == Role::Owner { Ok(caller) } else { Err(denied(messages::not_allowed("access", Role::Owner))) }
}

/// The entries from the configuration and the store.
#[derive(Debug, Clone, Copy)]
pub struct AccessEntries<'a> {
    pub configured: &'a Access,
    pub stored: &'a [StoredPerson],
}

impl AccessEntries<'_> {
    /// Returns the access that is in effect.
    #[must_use]
    pub fn effective(&self) -> Access {
        let mut access = self.configured.clone();
        for person in self.stored.iter().filter(|person| !self.is_overridden(person)) {
            match (&person.chat, person.role) {
                (Some(chat), _) => drop(access.chat_members.entry(chat.clone()).or_default().insert(person.id)),
                (None, Role::Owner) => access.owner = Some(person.id),
                (None, Role::Admin) => drop(access.admins.insert(person.id)),
                (None, Role::Member) => drop(access.members.insert(person.id)),
            }
        }
        access
    }

    fn is_overridden(&self, person: &StoredPerson) -> bool {
        match (&person.chat, person.role) {
            // A role in one chat adds to the role in all chats.
            (Some(_), _) => false,
            (None, Role::Owner) => self.configured.owner.is_some(),
            (None, Role::Admin | Role::Member) => self.configured.role_of(person.id).is_some(),
        }
    }

    /// Lists all entries, highest role first. Entries from the configuration precede stored ones.
    #[must_use]
    pub fn list(&self) -> Vec<ListedPerson> {
        let Access { owner, admins, members, .. } = self.configured;
        let roles = [(Role::Owner, Vec::from_iter(*owner)), (Role::Admin, Vec::from_iter(admins.iter().copied()))];
        let roles = roles.into_iter().chain([(Role::Member, Vec::from_iter(members.iter().copied()))]);
        let configured = roles.flat_map(|(role, ids)| ids.into_iter().map(move |id| (role, id)));
        let configured = configured.map(|(role, id)| ListedPerson {
            id,
            role,
            name: None,
            source: AccessSource::Configuration,
            chat: None,
            bot: None,
            is_overridden: false,
        });
        let configured = configured.chain(self.people_of_bots());
        let stored = self.stored.iter().map(|person| ListedPerson {
            id: person.id,
            role: person.role,
            name: person.name.clone(),
            source: AccessSource::Chat,
            chat: person.chat.clone(),
            bot: None,
            is_overridden: self.is_overridden(person),
        });
        let mut listed: Vec<ListedPerson> = configured.chain(stored).collect();
        listed.sort_by_key(|person| std::cmp::Reverse(person.role));
        listed
    }

    /// Lists the entries of `[telegram.NAME.access]`.
    fn people_of_bots(&self) -> impl Iterator<Item = ListedPerson> {
        let bots = self.configured.bots.iter().filter_map(|(name, people)| Some((name, people.as_ref()?)));
        bots.flat_map(|(name, people)| {
            let admins = people.admins.iter().map(|id| (Role::Admin, *id));
            let members = people.members.iter().map(|id| (Role::Member, *id));
            admins.chain(members).map(|(role, id)| ListedPerson {
                id,
                role,
                name: None,
                source: AccessSource::Configuration,
                chat: None,
                bot: Some(name.clone()),
                is_overridden: false,
            })
        })
    }

    /// Decides about a request.
    ///
    /// # Errors
    /// The request is invalid, or concerns the owner or a configured entry.
    pub fn decide(&self, request: &AccessRequest, origin: &RequestOrigin<'_>) -> Result<AccessDecision, AccessRefusal> {
        match request {
            AccessRequest::Add { who, role, scope } => {
                let role = role_of(role)?;
                let target = target(who.as_deref(), origin.replied)?;
                match scope {
                    AccessScope::Everywhere => self.add(&target, role),
                    AccessScope::Here => self.add_here(&target, role, group(origin)?),
                }
            }
            AccessRequest::Remove { who, scope } => {
                let target = target(who.as_deref(), origin.replied)?;
                match scope {
                    AccessScope::Everywhere => self.remove(&target),
                    AccessScope::Here => self.remove_here(&target, group(origin)?),
                }
            }
        }
    }

    fn add(&self, target: &Target, role: Role) -> Result<AccessDecision, AccessRefusal> {
        self.check_not_owner(target.id)?;
        if let Some(key) = self.key(target.id) {
            return Err(AccessRefusal::Configured { id: target.id, key });
        }
        let known = self.stored_entry(target.id, None);
        let name = self.name_of(target);
        let answer = messages::access::added(name.as_deref(), target.id, role);
        let is_new = known.is_none_or(|known| known.role != role);
        let change = is_new.then_some(StoredChange::Save(StoredPerson { id: target.id, role, name, chat: None }));
        Ok(AccessDecision { change, answer })
    }

    fn add_here(&self, target: &Target, role: Role, chat: Place) -> Result<AccessDecision, AccessRefusal> {
        self.check_not_owner(target.id)?;
        if role != Role::Member {
            return Err(AccessRefusal::OnlyMembersHere);
        }
        let (id, name) = (target.id, self.name_of(target));
        let everywhere = self.effective().role_of(id);
        let answer = messages::access::added_here(name.as_deref(), id, everywhere);
        let is_new = self.stored_entry(id, Some(&chat)).is_none();
        let person = StoredPerson { id, role, name, chat: Some(chat) };
        Ok(AccessDecision { change: is_new.then_some(StoredChange::Save(person)), answer })
    }

    fn remove_here(&self, target: &Target, chat: Place) -> Result<AccessDecision, AccessRefusal> {
        self.check_not_owner(target.id)?;
        let (id, name) = (target.id, self.name_of(target));
        let everywhere = self.effective().role_of(id);
        match (self.stored_entry(id, Some(&chat)), everywhere) {
            (None, None) => Err(AccessRefusal::HasNoAccess(id)),
            (None, Some(_)) => Err(AccessRefusal::HasAccessEverywhere(id)),
            (Some(_), everywhere) => {
                let answer = messages::access::removed_here(name.as_deref(), id, everywhere);
                Ok(AccessDecision { change: Some(StoredChange::DeleteInChat { id, chat }), answer })
            }
        }
    }

    fn remove(&self, target: &Target) -> Result<AccessDecision, AccessRefusal> {
        self.check_not_owner(target.id)?;
        let is_stored = self.stored.iter().any(|person| person.id == target.id);
        match (is_stored, self.key(target.id)) {
            (false, None) => Err(AccessRefusal::HasNoAccess(target.id)),
            (false, Some(key)) => Err(AccessRefusal::Configured { id: target.id, key }),
            (true, key) => {
                let answer = messages::access::removed(self.name_of(target).as_deref(), target.id, key);
                Ok(AccessDecision { change: Some(StoredChange::Delete(target.id)), answer })
            }
        }
    }

    fn check_not_owner(&self, id: u64) -> Result<(), AccessRefusal> {
        if self.effective().owner == Some(id) { Err(AccessRefusal::Owner) } else { Ok(()) }
    }

    /// Returns the person's stored entry for `chat`, or the entry for all chats if `chat` is `None`.
    fn stored_entry(&self, id: u64, chat: Option<&Place>) -> Option<&StoredPerson> {
        self.stored.iter().find(|person| person.id == id && person.chat.as_ref() == chat)
    }

    /// Returns the target's name or, if it has none, a name from one of the person's stored entries.
    fn name_of(&self, target: &Target) -> Option<String> {
        let stored = || self.stored.iter().find(|person| person.id == target.id && person.name.is_some());
        target.name.clone().or_else(|| stored()?.name.clone())
    }

    /// Returns the `[access]` key that lists this id.
    fn key(&self, id: u64) -> Option<&'static str> {
        Some(match self.configured.role_of(id)? {
            Role::Owner => "owner",
            Role::Admin => "admins",
            Role::Member => "members",
        })
    }
}

#[cfg(test)]
mod tests;
