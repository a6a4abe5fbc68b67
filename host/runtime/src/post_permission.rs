//! Decides whether a call may post in a place. It does no I/O; the host looks up the chat members of the place.

use std::error::Error;

use cordboard_core::{
    messages,
    types::{Caller, Place, Role, UserId},
};

use super::context::CallContext;

/// The reason why a call can't post, for the plugin's author and for readers of the log.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("{}", messages::not_the_callers_place(.0))]
    NotCallersPlace(Place),
    #[error("{}", messages::place_without_members(.0))]
    NoMembers(Place),
    #[error(transparent)]
    Store(Box<dyn Error + Send + Sync>),
    #[error("{}", messages::shutting_down())]
    HostStopping,
}

/// A user with access who has written in the place, or whose private chat is the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMember {
    pub id: UserId,
    pub role: Role,
}

/// Checks whether a call may post in `place`. A call made by a user may post in the place of the call and in places
/// that the user is a member of. A call without a caller may post in any place that has a member. As a result,
/// strangers never receive posts, and a plugin can't use one user's call to write to another user.
///
/// # Errors
/// Fails if the call may not post there.
pub fn check(context: &CallContext, place: &Place, members: &[ChatMember]) -> Result<(), PostError> {
    match &context.caller {
        Some(_) if context.place.as_ref() == Some(place) => Ok(()),
        Some(caller) if members.iter().any(|member| is_same(caller, member)) => Ok(()),
        Some(_) => Err(PostError::NotCallersPlace(place.clone())),
        None if members.is_empty() => Err(PostError::NoMembers(place.clone())),
        None => Ok(()),
    }
}

/// Returns whether the caller is this member. The owner may have several identities, such as a Telegram account and the
/// console, so all callers with the owner role count as the same user.
fn is_same(caller: &Caller, member: &ChatMember) -> bool {
    caller.id == member.id || (caller.role == Role::Owner && member.role == Role::Owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(id: &str, role: Role) -> Caller {
        Caller { id: UserId(id.to_owned()), name: id.to_owned(), role }
    }

    #[test]
    fn calls_post_only_to_permitted_places() {
        let place = |chat: &str| Place::new("telegram", chat);
        let members = |one: &Caller| vec![ChatMember { id: one.id.clone(), role: one.role }];
        let (owner, ann) = (caller("telegram:1", Role::Owner), caller("telegram:2", Role::Member));
        let console = caller("console:local", Role::Owner);
        let by = |caller: &Caller| CallContext {
            caller: Some(caller.clone()),
            place: Some(place(&caller.id.0)),
            ..CallContext::default()
        };
        let no_caller = CallContext::default();
        assert!(check(&no_caller, &place("2"), &members(&ann)).is_ok());
        assert!(
            check(&no_caller, &place("3"), &[]).unwrap_err().to_string().contains("no user of [access] has written")
        );
        let of_session = CallContext { place: Some(place("3")), ..CallContext::default() };
        assert!(check(&of_session, &place("3"), &[]).is_err(), "a place without members");
        assert!(check(&by(&ann), &place("2"), &members(&ann)).is_ok());
        assert!(check(&by(&ann), &place("telegram:2"), &[]).is_ok(), "where it was called");
        assert!(
            check(&by(&ann), &place("1"), &members(&owner))
                .unwrap_err()
                .to_string()
                .contains("this call can't post to telegram:1: ")
        );
        assert!(check(&by(&owner), &place("2"), &members(&ann)).is_err());
        assert!(check(&by(&owner), &place("x"), &members(&console)).is_ok(), "the owner has two identities");
    }
}
