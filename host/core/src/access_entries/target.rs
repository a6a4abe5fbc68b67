//! Reads the person, the role and the chat of a request.

use super::{AccessRefusal, FRONT_END, RequestOrigin};
use crate::types::{MessageAuthor, Place, Role};

/// The person whom a request is about.
pub(super) struct Target {
    pub id: u64,
    pub name: Option<String>,
}

/// Returns the person with this id or, without an id, the author of the message that the command replies to. If an id
/// is given, the replied-to message is ignored, so that a button always acts on the person that it was shown for.
pub(super) fn target(who: Option<&str>, replied: Option<&MessageAuthor>) -> Result<Target, AccessRefusal> {
    match (who, replied) {
        (Some(who), _) => Ok(Target { id: parse_id(who)?, name: None }),
        (None, Some(MessageAuthor::Person { id, name })) => Ok(Target { id: *id, name: Some(name.clone()) }),
        (None, Some(MessageAuthor::Bot)) => Err(AccessRefusal::Bot),
        (None, Some(MessageAuthor::Anonymous)) => Err(AccessRefusal::Anonymous),
        (None, None) => Err(AccessRefusal::NoTarget),
    }
}

/// Returns the group that a single-chat request applies to, without the topic.
pub(super) fn group(origin: &RequestOrigin<'_>) -> Result<Place, AccessRefusal> {
    origin.place.filter(|place| place.is_group()).map(Place::chat_place).ok_or(AccessRefusal::NotInGroup)
}

/// Parses an id, as in `42` or `telegram:42`. Group ids are negative, so they are rejected.
fn parse_id(text: &str) -> Result<u64, AccessRefusal> {
    let number = text.strip_prefix(FRONT_END).and_then(|rest| rest.strip_prefix(':')).unwrap_or(text);
    let is_digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let id = number.parse().ok().filter(|id| is_digits && (1..=i64::MAX.unsigned_abs()).contains(id));
    id.ok_or_else(|| AccessRefusal::NotAnId(text.to_owned()))
}

pub(super) fn role_of(text: &str) -> Result<Role, AccessRefusal> {
    match text.parse() {
        Ok(role @ (Role::Admin | Role::Member)) => Ok(role),
        Ok(Role::Owner) => Err(AccessRefusal::Owner),
        Err(_) => Err(AccessRefusal::NotARole(text.to_owned())),
    }
}
