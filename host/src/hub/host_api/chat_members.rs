//! Determines the members of a place: people who have written there, and the user of a private chat or the console.
//! People without access are excluded.

use cordboard_chat::console;
use cordboard_core::{
    config::Access,
    messages,
    types::{Caller, Place, Role, SessionView, UserId},
};
use cordboard_runtime::ChatMember;

/// The front-end part of the user id of scripts, which send prompts through the control socket.
const SCRIPTS: &str = "script";

/// Returns the caller of prompts and commands from scripts. Only the host's user and root can use the control socket, so
/// scripts have the rights of the operator.
pub fn script() -> Caller {
    Caller { id: UserId(format!("{SCRIPTS}:local")), name: messages::SCRIPT_AUTHOR.to_owned(), role: Role::Owner }
}

/// Returns the members of `place`. `writers` lists everyone who has written there, including people without access.
pub fn of(place: &Place, writers: Vec<UserId>, access: &Access) -> Vec<ChatMember> {
    // A private chat's id equals its user's id. Group ids are negative, so they never match a user.
    let private = (place.user_front_end() == cordboard_telegram::FRONT_END)
        .then(|| UserId(format!("{}:{}", cordboard_telegram::FRONT_END, place.chat)));
    let console_user = (place == console::place()).then(|| UserId(format!("{}:{}", console::FRONT_END, place.chat)));
    let people = writers.into_iter().chain(private).chain(console_user);
    people.filter_map(|id| role(&id, place, access).map(|role| ChatMember { id, role })).collect()
}

/// Returns the user of a private chat or of the console. `None` for a group or an unknown front-end.
pub fn person_of(place: &Place) -> Option<UserId> {
    let is_known = [cordboard_telegram::FRONT_END, console::FRONT_END].contains(&place.user_front_end());
    (is_known && !place.is_group()).then(|| UserId(format!("{}:{}", place.user_front_end(), place.chat)))
}

/// Returns whether the user of a private chat or of the console may currently see the session. If `session` is `None`,
/// access to the host is enough. Always true for a group or an unknown front-end.
pub fn may_read(place: &Place, session: Option<&SessionView>, access: &Access) -> bool {
    let Some(id) = person_of(place) else { return true };
    let Some(role) = role(&id, place, access) else { return false };
    let reader = Caller { name: id.0.clone(), id, role };
    session.is_none_or(|view| reader.may_control(&view.record.owner))
}

/// Returns the current role of a person in a place. `None` if the person has no access there. All permission checks use
/// this function.
pub fn role(id: &UserId, place: &Place, access: &Access) -> Option<Role> {
    match id.0.split_once(':') {
        // Older hosts didn't store who wrote in a place. The empty id, which never matches a caller, stands for an
        // unknown person, so that these places still have a member.
        None => id.0.is_empty().then_some(Role::Member),
        Some((console::FRONT_END | SCRIPTS, _)) => Some(Role::Owner),
        Some((cordboard_telegram::FRONT_END, number)) => access.role_in(number.parse().ok()?, place),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_members_of_their_chat_and_of_chats_they_used() {
        let access = Access { owner: Some(1), members: [2].into(), ..Access::default() };
        let ids = |place: &Place, writers: &[&str]| {
            let writers = writers.iter().map(|&id| UserId(id.to_owned())).collect();
            of(place, writers, &access).into_iter().map(|one| (one.id.0, one.role)).collect::<Vec<_>>()
        };
        let group = Place::new("telegram", "-100");
        let ann = ("telegram:2".to_owned(), Role::Member);
        assert_eq!(ids(&group, &["telegram:2", "telegram:9"]), std::slice::from_ref(&ann), "9 has no access any more");
        assert_eq!(ids(&group, &[]), []);
        assert_eq!(ids(&group, &[""]), [(String::new(), Role::Member)]);
        assert_eq!(ids(&Place::new("telegram", "2"), &[]), [ann]);
        let topic = |chat: &str| Place { topic: Some("5".to_owned()), ..Place::new("telegram", chat) };
        assert_eq!(ids(&topic("2"), &[]), ids(&Place::new("telegram", "2"), &[]), "a topic of a private chat");
        assert_eq!(ids(&topic("-100"), &[]), []);
        assert_eq!(ids(&Place::new("telegram", "9"), &[]), []);
        assert_eq!(ids(console::place(), &[]), [("console:local".to_owned(), Role::Owner)]);
        assert_eq!(ids(&Place::new("fax", "2"), &[]), []);
    }

    #[test]
    fn a_script_has_the_rights_of_the_owner_everywhere() {
        let script = script();
        assert_eq!(role(&script.id, &Place::new("telegram", "-100"), &Access::default()), Some(Role::Owner));
        assert!(script.may_control(&UserId("telegram:2".to_owned())));
    }

    #[test]
    fn a_member_of_one_chat_is_a_stranger_elsewhere() {
        let group = Place::new("telegram", "-100");
        let access = Access { chat_members: [(group.clone(), [7].into())].into(), ..Access::default() };
        let is_member = |place: &Place| !of(place, vec![UserId("telegram:7".to_owned())], &access).is_empty();
        assert!(is_member(&group));
        assert!(!is_member(&Place::new("telegram", "-200")));
        let private = Place::new("telegram", "7");
        assert!(!is_member(&private) && !may_read(&private, None, &access));
    }
}
