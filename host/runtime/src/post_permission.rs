//! Decides whether a call may post in a place. It is pure; the host looks up the chat members of the place.

use cordboard_core::{
    messages,
    types::{Caller, Place, Role, UserId},
};

use super::context::CallContext;

/// A user with access who has written in the place, or whose private chat it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMember {
    pub id: UserId,
    pub role: Role,
}

/// Checks whether a call may post in `place`. A call of a user may post where it was called and in places of which that
/// user is a member. A call without a caller may post in any place that has a member. So strangers get no posts, and a
/// plugin can't use one user's call to write to another.
///
/// # Errors
/// Returns the reason, for the plugin's author and for readers of the log.
pub fn check(asked: &CallContext, place: &Place, residents: &[ChatMember]) -> Result<(), String> {
    if asked.place.as_ref() == Some(place) {
        return Ok(());
    }
    match &asked.caller {
        Some(caller) if residents.iter().any(|resident| is_same(caller, resident)) => Ok(()),
        Some(_) => Err(messages::not_the_callers_place(place)),
        None if residents.is_empty() => Err(messages::place_without_members(place)),
        None => Ok(()),
    }
}

/// The owner has several identities, such as a Telegram account and the console, so all owners count as the same user.
fn is_same(caller: &Caller, resident: &ChatMember) -> bool {
    caller.id == resident.id || (caller.role == Role::Owner && resident.role == Role::Owner)
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
        let home = |of: &Caller| vec![ChatMember { id: of.id.clone(), role: of.role }];
        let (owner, ann) = (caller("telegram:1", Role::Owner), caller("telegram:2", Role::Member));
        let console = caller("console:local", Role::Owner);
        let by = |caller: &Caller| CallContext {
            caller: Some(caller.clone()),
            place: Some(place(&caller.id.0)),
            ..CallContext::default()
        };
        let nobody = CallContext::default();
        assert!(check(&nobody, &place("2"), &home(&ann)).is_ok());
        assert!(check(&nobody, &place("3"), &[]).unwrap_err().contains("no user of [access] has written"));
        assert!(check(&by(&ann), &place("2"), &home(&ann)).is_ok());
        assert!(check(&by(&ann), &place("telegram:2"), &[]).is_ok(), "where it was called");
        assert!(check(&by(&ann), &place("1"), &home(&owner)).unwrap_err().contains("is not a chat of the caller"));
        assert!(check(&by(&owner), &place("2"), &home(&ann)).is_err());
        assert!(check(&by(&owner), &place("x"), &home(&console)).is_ok(), "the operator has two names");
    }
}
