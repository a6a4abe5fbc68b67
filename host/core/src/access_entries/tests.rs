//! Tests how stored access combines with `[access]`, and which changes are refused.

use super::*;
use crate::types::UserId;

fn stored(id: u64, role: Role) -> StoredPerson {
    StoredPerson { id, role, name: None, chat: None }
}

fn configured() -> Access {
    Access { owner: Some(1), admins: [2].into(), members: [3].into(), ..Access::default() }
}

fn add(who: &str, role: &str) -> AccessRequest {
    AccessRequest::Add { who: Some(who.to_owned()), role: role.to_owned(), scope: AccessScope::Everywhere }
}

fn remove(who: &str) -> AccessRequest {
    AccessRequest::Remove { who: Some(who.to_owned()), scope: AccessScope::Everywhere }
}

fn replied(replied: Option<&MessageAuthor>) -> RequestOrigin<'_> {
    RequestOrigin { place: None, replied }
}

fn ada() -> MessageAuthor {
    MessageAuthor::Person { id: 7, name: "Ada".to_owned() }
}

#[test]
fn stored_people_have_access_unless_configured() {
    let people = [stored(3, Role::Admin), stored(4, Role::Admin), stored(5, Role::Member), stored(6, Role::Owner)];
    let access = AccessEntries { configured: &configured(), stored: &people }.effective();
    let roles = [1, 2, 3, 4, 5, 6].map(|id| access.role_of(id));
    let expected = [Some(Role::Owner), Some(Role::Admin), Some(Role::Member), Some(Role::Admin), Some(Role::Member)];
    assert_eq!(roles[..5], expected, "the configuration keeps 3 a member");
    assert_eq!(roles[5], None, "the configured owner replaces the paired one");
}

#[test]
fn a_paired_owner_counts_only_without_a_configured_one() {
    let people = [stored(6, Role::Owner)];
    let without = Access { owner: None, admins: [6].into(), ..configured() };
    let access = AccessEntries { configured: &without, stored: &people }.effective();
    assert_eq!((access.owner, access.role_of(6)), (Some(6), Some(Role::Owner)));
    let access = AccessEntries { configured: &configured(), stored: &people }.effective();
    assert_eq!((access.owner, access.role_of(6)), (Some(1), None));
}

#[test]
fn the_list_names_the_source_and_overridden_entries() {
    let people = [stored(3, Role::Admin), stored(5, Role::Member)];
    let listed = AccessEntries { configured: &configured(), stored: &people }.list();
    let shown: Vec<_> = listed.iter().map(|one| (one.id, one.role, one.source.as_str(), one.is_overridden)).collect();
    let expected = [
        (1, Role::Owner, "configuration", false),
        (2, Role::Admin, "configuration", false),
        (3, Role::Admin, "chat", true),
        (3, Role::Member, "configuration", false),
        (5, Role::Member, "chat", false),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn only_the_owner_is_authorized() {
    let caller = |role| Caller { id: UserId("telegram:1".to_owned()), name: "Ada".to_owned(), role };
    assert!(authorize(Some(&caller(Role::Owner))).is_ok());
    for role in [Role::Admin, Role::Member] {
        let denied = authorize(Some(&caller(role))).unwrap_err();
        assert_eq!((denied.code, denied.text.as_str()), (ApiErrorCode::Denied, "/access is for the owner only."));
    }
    assert_eq!(authorize(None).unwrap_err().code, ApiErrorCode::Denied);
}

#[test]
fn a_person_is_added_by_id_or_by_reply() {
    let (configured, none) = (configured(), []);
    let entries = AccessEntries { configured: &configured, stored: &none };
    let save = |id, name: Option<&str>| {
        Some(StoredChange::Save(StoredPerson { id, role: Role::Member, name: name.map(str::to_owned), chat: None }))
    };
    for id in ["7", "telegram:7"] {
        assert_eq!(entries.decide(&add(id, "member"), &RequestOrigin::default()).unwrap().change, save(7, None));
    }
    let by_reply = AccessRequest::Add { who: None, role: "member".to_owned(), scope: AccessScope::Everywhere };
    let added = entries.decide(&by_reply, &replied(Some(&ada()))).unwrap();
    assert_eq!((added.change, added.answer.as_str()), (save(7, Some("Ada")), "Ada (7) is a member now."));
    let other = entries.decide(&add("8", "member"), &replied(Some(&ada()))).unwrap();
    assert_eq!(other.change, save(8, None), "an id takes precedence over the reply");
}

#[test]
fn bots_and_anonymous_authors_are_refused() {
    let (configured, none) = (configured(), []);
    let entries = AccessEntries { configured: &configured, stored: &none };
    let by_reply = AccessRequest::Add { who: None, role: "admin".to_owned(), scope: AccessScope::Everywhere };
    let refused = |author: Option<&MessageAuthor>| entries.decide(&by_reply, &replied(author)).unwrap_err();
    assert_eq!(refused(Some(&MessageAuthor::Bot)), AccessRefusal::Bot);
    assert_eq!(refused(Some(&MessageAuthor::Anonymous)), AccessRefusal::Anonymous);
    assert_eq!(refused(None), AccessRefusal::NoTarget);
}

#[test]
fn invalid_ids_and_roles_are_refused() {
    let (configured, none) = (configured(), []);
    let entries = AccessEntries { configured: &configured, stored: &none };
    for id in ["-100123", "0", "+7", "@ada", "", "console:local", "9223372036854775808", "telegram:", "７"] {
        let refused = entries.decide(&add(id, "member"), &replied(Some(&ada()))).unwrap_err();
        assert_eq!(refused, AccessRefusal::NotAnId(id.to_owned()), "{id}");
    }
    assert_eq!(entries.decide(&add("7", "owner"), &RequestOrigin::default()), Err(AccessRefusal::Owner));
    assert_eq!(
        entries.decide(&add("7", "boss"), &RequestOrigin::default()),
        Err(AccessRefusal::NotARole("boss".to_owned()))
    );
}

#[test]
fn the_owner_and_configured_people_are_not_changed() {
    let (configured, people) = (configured(), [stored(3, Role::Admin)]);
    let entries = AccessEntries { configured: &configured, stored: &people };
    for request in [add("1", "admin"), remove("1")] {
        assert_eq!(entries.decide(&request, &RequestOrigin::default()), Err(AccessRefusal::Owner));
    }
    for request in [add("2", "member"), remove("2")] {
        assert_eq!(
            entries.decide(&request, &RequestOrigin::default()),
            Err(AccessRefusal::Configured { id: 2, key: "admins" })
        );
    }
    let removed = entries.decide(&remove("3"), &RequestOrigin::default()).unwrap();
    assert_eq!(removed.change, Some(StoredChange::Delete(3)), "an overridden entry can be removed");
    assert!(removed.answer.contains("`members`"), "{}", removed.answer);
    let paired = Access { owner: None, ..configured };
    let people = [stored(9, Role::Owner)];
    let entries = AccessEntries { configured: &paired, stored: &people };
    assert_eq!(entries.decide(&remove("9"), &RequestOrigin::default()), Err(AccessRefusal::Owner));
}

#[test]
fn adding_again_changes_the_role_and_keeps_the_name() {
    let configured = configured();
    let people = [StoredPerson { name: Some("Bo".to_owned()), ..stored(5, Role::Member) }];
    let entries = AccessEntries { configured: &configured, stored: &people };
    assert_eq!(entries.decide(&add("5", "member"), &RequestOrigin::default()).unwrap().change, None);
    let saved = StoredPerson { role: Role::Admin, ..people[0].clone() };
    assert_eq!(
        entries.decide(&add("5", "admin"), &RequestOrigin::default()).unwrap().change,
        Some(StoredChange::Save(saved))
    );
    assert_eq!(entries.decide(&remove("6"), &RequestOrigin::default()), Err(AccessRefusal::HasNoAccess(6)));
}

fn add_here(who: &str, role: &str) -> AccessRequest {
    AccessRequest::Add { who: Some(who.to_owned()), role: role.to_owned(), scope: AccessScope::Here }
}

fn remove_here(who: &str) -> AccessRequest {
    AccessRequest::Remove { who: Some(who.to_owned()), scope: AccessScope::Here }
}

fn in_chat(id: u64, chat: &str) -> StoredPerson {
    StoredPerson { chat: Some(Place::new("telegram", chat)), ..stored(id, Role::Member) }
}

fn topic(chat: &str) -> Place {
    Place { topic: Some("5".to_owned()), ..Place::new("telegram", chat) }
}

#[test]
fn the_higher_of_both_roles_applies_in_a_chat() {
    let people = [in_chat(2, "-100"), in_chat(7, "-100"), in_chat(8, "-200")];
    let access = AccessEntries { configured: &configured(), stored: &people }.effective();
    let roles = |place: &Place| [1, 2, 3, 7, 8].map(|id| access.role_in(id, place).map(Role::as_str));
    let group = [Some("owner"), Some("admin"), Some("member"), Some("member"), None];
    assert_eq!(roles(&Place::new("telegram", "-100")), group);
    assert_eq!(roles(&topic("-100")), group, "a topic of the group");
    let elsewhere = [Some("owner"), Some("admin"), Some("member"), None, None];
    for place in [Place::new("telegram", "7"), topic("7"), Place::new("telegram", "-300"), Place::new("fax", "-100")] {
        assert_eq!(roles(&place), elsewhere, "{place}");
    }
}

#[test]
fn a_member_of_one_chat_is_added_in_a_group_only() {
    let (configured, none) = (configured(), []);
    let entries = AccessEntries { configured: &configured, stored: &none };
    let place = topic("-100");
    let here = RequestOrigin { place: Some(&place), replied: None };
    let added = entries.decide(&add_here("7", "member"), &here).unwrap();
    assert_eq!(added.change, Some(StoredChange::Save(in_chat(7, "-100"))), "a topic stands for its group");
    assert_eq!(added.answer, "7 is a member in this chat now.");
    assert_eq!(entries.decide(&add_here("7", "admin"), &here), Err(AccessRefusal::OnlyMembersHere));
    assert_eq!(entries.decide(&add_here("1", "member"), &here), Err(AccessRefusal::Owner));
    let private = Place::new("telegram", "1");
    for place in [Some(&private), None] {
        let origin = RequestOrigin { place, replied: None };
        for request in [add_here("7", "member"), remove_here("7")] {
            assert_eq!(entries.decide(&request, &origin), Err(AccessRefusal::NotInGroup));
        }
    }
    let answer = entries.decide(&add_here("2", "member"), &here).unwrap().answer;
    assert_eq!(answer, "2 is a member in this chat now, and is still an admin in all chats.");
}

#[test]
fn removing_here_keeps_other_chats_and_removing_everywhere_does_not() {
    let configured = configured();
    let people = [in_chat(3, "-100"), in_chat(7, "-100"), in_chat(7, "-200"), stored(8, Role::Member)];
    let entries = AccessEntries { configured: &configured, stored: &people };
    let place = Place::new("telegram", "-100");
    let here = RequestOrigin { place: Some(&place), replied: None };
    let decide = |request: &AccessRequest| entries.decide(request, &here);
    let removed = decide(&remove_here("7")).unwrap();
    assert_eq!(removed.answer, "7 no longer has access in this chat.");
    let left = removed.change.unwrap().apply(people.to_vec());
    assert_eq!(left, [in_chat(3, "-100"), in_chat(7, "-200"), stored(8, Role::Member)]);
    let removed = decide(&remove("7")).unwrap();
    assert_eq!(removed.change.unwrap().apply(people.to_vec()), [in_chat(3, "-100"), stored(8, Role::Member)]);
    let kept = decide(&remove_here("3")).unwrap().answer;
    assert_eq!(kept, "Removed the entry of 3 for this chat. The person is still a member in all chats.");
    assert_eq!(decide(&remove_here("8")), Err(AccessRefusal::HasAccessEverywhere(8)));
    assert_eq!(decide(&remove_here("9")), Err(AccessRefusal::HasNoAccess(9)));
    assert_eq!(decide(&add_here("7", "member")).unwrap().change, None, "the entry exists");
}

#[test]
fn a_role_everywhere_keeps_the_entry_of_a_chat() {
    let configured = configured();
    let people = [in_chat(7, "-100")];
    let entries = AccessEntries { configured: &configured, stored: &people };
    let change = entries.decide(&add("7", "admin"), &RequestOrigin::default()).unwrap().change.unwrap();
    assert_eq!(change.apply(people.to_vec()), [stored(7, Role::Admin), in_chat(7, "-100")]);
}
