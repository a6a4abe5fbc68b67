//! Combines stored access, granted by the owner in the chat or gained by pairing, with `[access]`: a configured entry
//! overrides the stored entry for the same person, and `owner` overrides the paired owner.

use crate::{
    config::Access,
    messages,
    session::{ApiError, ApiErrorCode},
    types::{Caller, MessageAuthor, Role, UserId},
};

/// The front-end of the people with access, as in [`UserId`].
const FRONT_END: &str = "telegram";

/// A person whom the owner granted access in the chat, or who paired with the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPerson {
    /// The numeric Telegram id.
    pub id: u64,
    /// `Owner` only for the person who paired with the host.
    pub role: Role,
    /// The name of the person when the entry was stored, if it was known.
    pub name: Option<String>,
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

/// An entry of the configuration or of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPerson {
    pub id: u64,
    pub role: Role,
    pub name: Option<String>,
    pub source: AccessSource,
    /// Whether a configured entry overrides this stored entry, which then has no effect.
    pub is_overridden: bool,
}

impl ListedPerson {
    #[must_use]
    pub fn user_id(&self) -> UserId {
        UserId(format!("{FRONT_END}:{}", self.id))
    }
}

/// An `/access` request. `who` is an id, either a number or in the form of [`UserId`]. Without it, the request is about
/// the author of the message that the command replies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessRequest {
    Add { who: Option<String>, role: String },
    Remove { who: Option<String> },
}

/// A change of the stored entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredChange {
    Save(StoredPerson),
    Delete(u64),
}

impl StoredChange {
    /// Applies the change to a list of entries, as the store does.
    #[must_use]
    pub fn apply(&self, mut people: Vec<StoredPerson>) -> Vec<StoredPerson> {
        let (Self::Save(StoredPerson { id, .. }) | Self::Delete(id)) = self;
        people.retain(|person| person.id != *id);
        if let Self::Save(person) = self {
            people.push(person.clone());
        }
        people.sort_by_key(|person| person.id);
        people
    }
}

/// The decision on a request: the change to store, if any, and the reply to the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessDecision {
    pub change: Option<StoredChange>,
    pub answer: String,
}

/// The reason why an `/access` request is rejected. The texts are in [`messages::access`].
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
}

impl AccessRefusal {
    /// Returns the error for the caller.
    #[must_use]
    pub fn error(&self) -> ApiError {
        let code = match self {
            Self::HasNoAccess(_) => ApiErrorCode::Unknown,
            Self::Owner | Self::Configured { .. } => ApiErrorCode::Denied,
            Self::NotAnId(_) | Self::NotARole(_) | Self::NoTarget | Self::Bot | Self::Anonymous => {
                ApiErrorCode::Invalid
            }
        };
        ApiError { code, text: messages::access::refused(self) }
    }
}

/// Checks that a person made the call, and that this person is the owner.
///
/// # Errors
/// Returns the reason as text for the user.
pub fn authorize(caller: Option<&Caller>) -> Result<&Caller, ApiError> {
    let denied = |text: String| ApiError { code: ApiErrorCode::Denied, text };
    let caller = caller.ok_or_else(|| denied(messages::NO_CALLER.to_owned()))?;
    if caller.role == Role::Owner { Ok(caller) } else { Err(denied(messages::not_allowed("access", Role::Owner))) }
}

/// The entries of the configuration and of the store.
#[derive(Debug, Clone, Copy)]
pub struct AccessEntries<'a> {
    pub configured: &'a Access,
    pub stored: &'a [StoredPerson],
}

impl AccessEntries<'_> {
    /// Returns the access in force.
    #[must_use]
    pub fn effective(&self) -> Access {
        let mut access = self.configured.clone();
        for person in self.stored.iter().filter(|person| !self.is_overridden(person)) {
            match person.role {
                Role::Owner => access.owner = Some(person.id),
                Role::Admin => drop(access.admins.insert(person.id)),
                Role::Member => drop(access.members.insert(person.id)),
            }
        }
        access
    }

    fn is_overridden(&self, person: &StoredPerson) -> bool {
        match person.role {
            Role::Owner => self.configured.owner.is_some(),
            Role::Admin | Role::Member => self.configured.role_of(person.id).is_some(),
        }
    }

    /// Lists all entries, the highest role first. Entries of the configuration come before stored ones.
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
            is_overridden: false,
        });
        let stored = self.stored.iter().map(|person| ListedPerson {
            id: person.id,
            role: person.role,
            name: person.name.clone(),
            source: AccessSource::Chat,
            is_overridden: self.is_overridden(person),
        });
        let mut listed: Vec<ListedPerson> = configured.chain(stored).collect();
        listed.sort_by_key(|person| std::cmp::Reverse(person.role));
        listed
    }

    /// Decides about a request. `replied` is the author of the message that the command replies to.
    ///
    /// # Errors The request is invalid, or concerns the owner or a configured entry.
    pub fn decide(
        &self,
        request: &AccessRequest,
        replied: Option<&MessageAuthor>,
    ) -> Result<AccessDecision, AccessRefusal> {
        match request {
            AccessRequest::Add { who, role } => {
                let role = role_of(role)?;
                self.add(&target(who.as_deref(), replied)?, role)
            }
            AccessRequest::Remove { who } => self.remove(&target(who.as_deref(), replied)?),
        }
    }

    fn add(&self, target: &Target, role: Role) -> Result<AccessDecision, AccessRefusal> {
        self.check_not_owner(target.id)?;
        if let Some(key) = self.key(target.id) {
            return Err(AccessRefusal::Configured { id: target.id, key });
        }
        let known = self.stored_entry(target.id);
        let name = target.name.clone().or_else(|| known.and_then(|known| known.name.clone()));
        let answer = messages::access::added(name.as_deref(), target.id, role);
        let is_new = known.is_none_or(|known| known.role != role);
        let change = is_new.then_some(StoredChange::Save(StoredPerson { id: target.id, role, name }));
        Ok(AccessDecision { change, answer })
    }

    fn remove(&self, target: &Target) -> Result<AccessDecision, AccessRefusal> {
        self.check_not_owner(target.id)?;
        let known = self.stored_entry(target.id);
        match (known, self.key(target.id)) {
            (None, None) => Err(AccessRefusal::HasNoAccess(target.id)),
            (None, Some(key)) => Err(AccessRefusal::Configured { id: target.id, key }),
            (Some(known), key) => {
                let name = target.name.as_deref().or(known.name.as_deref());
                let answer = messages::access::removed(name, target.id, key);
                Ok(AccessDecision { change: Some(StoredChange::Delete(target.id)), answer })
            }
        }
    }

    fn check_not_owner(&self, id: u64) -> Result<(), AccessRefusal> {
        if self.effective().owner == Some(id) { Err(AccessRefusal::Owner) } else { Ok(()) }
    }

    fn stored_entry(&self, id: u64) -> Option<&StoredPerson> {
        self.stored.iter().find(|person| person.id == id)
    }

    /// Returns the key of `[access]` that contains this id.
    fn key(&self, id: u64) -> Option<&'static str> {
        Some(match self.configured.role_of(id)? {
            Role::Owner => "owner",
            Role::Admin => "admins",
            Role::Member => "members",
        })
    }
}

/// The person whom a request is about.
struct Target {
    id: u64,
    name: Option<String>,
}

/// Returns the person with this id or, without an id, the author of the message that the command replies to. An
/// explicit id takes precedence over the message, so a button acts on the person for whom it was shown.
fn target(who: Option<&str>, replied: Option<&MessageAuthor>) -> Result<Target, AccessRefusal> {
    match (who, replied) {
        (Some(who), _) => Ok(Target { id: parse_id(who)?, name: None }),
        (None, Some(MessageAuthor::Person { id, name })) => Ok(Target { id: *id, name: Some(name.clone()) }),
        (None, Some(MessageAuthor::Bot)) => Err(AccessRefusal::Bot),
        (None, Some(MessageAuthor::Anonymous)) => Err(AccessRefusal::Anonymous),
        (None, None) => Err(AccessRefusal::NoTarget),
    }
}

/// Parses an id such as `42` or `telegram:42`. Group ids are negative and therefore rejected.
fn parse_id(text: &str) -> Result<u64, AccessRefusal> {
    let number = text.strip_prefix(FRONT_END).and_then(|rest| rest.strip_prefix(':')).unwrap_or(text);
    let is_digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let id = number.parse().ok().filter(|id| is_digits && (1..=i64::MAX.unsigned_abs()).contains(id));
    id.ok_or_else(|| AccessRefusal::NotAnId(text.to_owned()))
}

fn role_of(text: &str) -> Result<Role, AccessRefusal> {
    match text.parse() {
        Ok(role @ (Role::Admin | Role::Member)) => Ok(role),
        Ok(Role::Owner) => Err(AccessRefusal::Owner),
        Err(_) => Err(AccessRefusal::NotARole(text.to_owned())),
    }
}

#[cfg(test)]
mod tests;
