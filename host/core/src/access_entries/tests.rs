//! Tests how stored access combines with `[access]`, and which changes are refused.

use super::*;
use crate::types::UserId;

fn stored(id: u64, role: Role) -> StoredPerson {
    StoredPerson { id, role, name: None }
}

fn configured() -> Access {
    Access { owner: Some(1), admins: [2].into(), members: [3].into(), ..Access::default() }
}

fn add(who: &str, role: &str) -> AccessRequest {
    AccessRequest::Add { who: Some(who.to_owned()), role: role.to_owned() }
}

fn remove(who: &str) -> AccessRequest {
    AccessRequest::Remove { who: Some(who.to_owned()) }
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
        Some(StoredChange::Save(StoredPerson { id, role: Role::Member, name: name.map(str::to_owned) }))
    };
    for id in ["7", "telegram:7"] {
        assert_eq!(entries.decide(&add(id, "member"), None).unwrap().change, save(7, None));
    }
    let by_reply = AccessRequest::Add { who: None, role: "member".to_owned() };
    let added = entries.decide(&by_reply, Some(&ada())).unwrap();
    assert_eq!((added.change, added.answer.as_str()), (save(7, Some("Ada")), "Ada (7) is a member now."));
    let other = entries.decide(&add("8", "member"), Some(&ada())).unwrap();
    assert_eq!(other.change, save(8, None), "an id takes precedence over the reply");
}

#[test]
fn bots_and_anonymous_authors_are_refused() {
    let (configured, none) = (configured(), []);
    let entries = AccessEntries { configured: &configured, stored: &none };
    let by_reply = AccessRequest::Add { who: None, role: "admin".to_owned() };
    let refused = |author: Option<&MessageAuthor>| entries.decide(&by_reply, author).unwrap_err();
    assert_eq!(refused(Some(&MessageAuthor::Bot)), AccessRefusal::Bot);
    assert_eq!(refused(Some(&MessageAuthor::Anonymous)), AccessRefusal::Anonymous);
    assert_eq!(refused(None), AccessRefusal::NoTarget);
}

#[test]
fn invalid_ids_and_roles_are_refused() {
    let (configured, none) = (configured(), []);
    let entries = AccessEntries { configured: &configured, stored: &none };
    for id in ["-100123", "0", "+7", "@ada", "", "console:local", "9223372036854775808", "telegram:", "７"] {
        let refused = entries.decide(&add(id, "member"), Some(&ada())).unwrap_err();
        assert_eq!(refused, AccessRefusal::NotAnId(id.to_owned()), "{id}");
    }
    assert_eq!(entries.decide(&add("7", "owner"), None), Err(AccessRefusal::Owner));
    assert_eq!(entries.decide(&add("7", "boss"), None), Err(AccessRefusal::NotARole("boss".to_owned())));
}

#[test]
fn the_owner_and_configured_people_are_not_changed() {
    let (configured, people) = (configured(), [stored(3, Role::Admin)]);
    let entries = AccessEntries { configured: &configured, stored: &people };
    for request in [add("1", "admin"), remove("1")] {
        assert_eq!(entries.decide(&request, None), Err(AccessRefusal::Owner));
    }
    for request in [add("2", "member"), remove("2")] {
        assert_eq!(entries.decide(&request, None), Err(AccessRefusal::Configured { id: 2, key: "admins" }));
    }
    let removed = entries.decide(&remove("3"), None).unwrap();
    assert_eq!(removed.change, Some(StoredChange::Delete(3)), "an overridden entry can be removed");
    assert!(removed.answer.contains("`members`"), "{}", removed.answer);
    let paired = Access { owner: None, ..configured };
    let people = [stored(9, Role::Owner)];
    let entries = AccessEntries { configured: &paired, stored: &people };
    assert_eq!(entries.decide(&remove("9"), None), Err(AccessRefusal::Owner));
}

#[test]
fn adding_again_changes_the_role_and_keeps_the_name() {
    let configured = configured();
    let people = [StoredPerson { name: Some("Bo".to_owned()), ..stored(5, Role::Member) }];
    let entries = AccessEntries { configured: &configured, stored: &people };
    assert_eq!(entries.decide(&add("5", "member"), None).unwrap().change, None);
    let saved = StoredPerson { role: Role::Admin, ..people[0].clone() };
    assert_eq!(entries.decide(&add("5", "admin"), None).unwrap().change, Some(StoredChange::Save(saved)));
    assert_eq!(entries.decide(&remove("6"), None), Err(AccessRefusal::HasNoAccess(6)));
}
