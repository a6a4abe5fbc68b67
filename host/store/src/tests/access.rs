//! Tests stored access, pairing, and command counts.

use cordboard_core::access_entries::{StoredChange, StoredPerson};

use super::*;

fn stored(id: u64, role: Role) -> StoredPerson {
    StoredPerson { id, role, name: Some(format!("Person {id}")), chat: None }
}

fn new_owner(id: u64) -> PairedOwner {
    let welcome = NewPost::new(place(&id.to_string()), Reply::text("welcome"));
    let caller = person(&format!("telegram:{id}"), &format!("Person {id}"));
    PairedOwner { id, caller, key: format!("{id}:1:1"), welcome }
}

#[tokio::test]
async fn changes_of_access_survive_a_restart() {
    let state = State::new();
    let (store, contents) = state.open();
    assert_eq!(contents.people, []);
    let change = async |change| store.change_access(change).await.unwrap();
    change(StoredChange::Save(stored(7, Role::Member))).await;
    change(StoredChange::Save(stored(8, Role::Member))).await;
    let people = change(StoredChange::Save(stored(7, Role::Admin))).await;
    assert_eq!(people, [stored(7, Role::Admin), stored(8, Role::Member)]);
    assert_eq!(change(StoredChange::Delete(8)).await, [stored(7, Role::Admin)]);
    assert_eq!(state.after(store).await.people, [stored(7, Role::Admin)]);
}

#[tokio::test]
async fn access_to_single_chats_survives_a_restart() {
    let state = State::new();
    let (store, _) = state.open();
    let in_chat = |id, chat: &str| StoredPerson { chat: Some(place(chat)), ..stored(id, Role::Member) };
    let change = async |change| store.change_access(change).await.unwrap();
    for person in [in_chat(7, "-1"), in_chat(7, "-2"), stored(7, Role::Admin), in_chat(8, "-1"), in_chat(7, "-2")] {
        change(StoredChange::Save(person)).await;
    }
    let people = change(StoredChange::DeleteInChat { id: 7, chat: place("-1") }).await;
    assert_eq!(people, [stored(7, Role::Admin), in_chat(7, "-2"), in_chat(8, "-1")]);
    let people = change(StoredChange::Delete(7)).await;
    assert_eq!(people, [in_chat(8, "-1")], "all entries of the person");
    assert_eq!(state.after(store).await.people, people);
}

#[tokio::test]
async fn only_the_first_person_pairs() {
    let state = State::new();
    let (store, _) = state.open();
    let (first, second) = tokio::join!(store.set_paired_owner(new_owner(7)), store.set_paired_owner(new_owner(8)));
    let (people, welcome) = first.unwrap().expect("there was no owner");
    assert_eq!(people, [stored(7, Role::Owner)]);
    assert_eq!(second.unwrap(), None);
    let after = state.after(store).await;
    assert_eq!((after.people, after.outbox), (people, vec![welcome]), "nothing of the second attempt is stored");
}

#[tokio::test]
async fn the_update_that_paired_is_never_accepted_again() {
    let state = State::new();
    let (store, _) = state.open();
    store.set_paired_owner(new_owner(7)).await.unwrap().expect("there was no owner");
    let repeated = Update { key: "7:1:1".to_owned(), ..update("x") };
    assert_eq!(store.accept(vec![repeated], Some(("telegram".to_owned(), 5))).await.unwrap(), []);
    assert_eq!(state.after(store).await.inbox, []);
}

#[tokio::test]
async fn calls_of_commands_are_counted() {
    let state = State::new();
    let (store, _) = state.open();
    for name in ["new", "stop", "new"] {
        store.count_command(name).await.unwrap();
    }
    store.close().await;
    let (store, _) = state.open();
    assert_eq!(store.command_uses().await.unwrap(), [("new".to_owned(), 2), ("stop".to_owned(), 1)].into());
}

#[tokio::test]
async fn the_newest_name_of_a_person_counts_in_all_places() {
    let state = State::new();
    let (store, _) = state.open();
    let write = async |chat: &str, name: &str| {
        store.add_chat_members(vec![(place(chat), person("telegram:7", name))]).await.unwrap();
    };
    write("2", "Ada King").await;
    write("1", "Ada Lovelace").await;
    let names = store.names().await.unwrap();
    assert_eq!(names.into_values().collect::<Vec<_>>(), ["Ada Lovelace"]);
    store.close().await;
}
