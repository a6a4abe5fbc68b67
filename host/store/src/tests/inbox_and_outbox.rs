//! Tests that updates are accepted, completed and answered only once, and that data about places and users is stored.

use cordboard_core::{
    access_entries::{StoredChange, StoredPerson},
    types::{Alert, Role},
};

use super::*;

#[tokio::test]
async fn a_replay_is_accepted_once() {
    let state = State::new();
    let (store, _) = state.open();
    let first = store.accept(vec![update("1"), update("2")], Some(("telegram".to_owned(), 3))).await.unwrap();
    let again = store.accept(vec![update("2"), update("3"), update("3")], None).await.unwrap();
    assert_eq!(first.iter().map(|row| &*row.update.key).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(again.iter().map(|row| &*row.update.key).collect::<Vec<_>>(), ["3"]);
    assert_eq!(store.offset("telegram").await.unwrap(), Some(3));
    assert_eq!(store.offset("console").await.unwrap(), None);
    assert_eq!(state.after(store).await.inbox, [first, again].concat(), "the stored rows are the returned ones");
}

#[tokio::test]
async fn keys_are_separate_per_front_end() {
    let (state, mut console) = (State::new(), update("1"));
    let (store, _) = state.open();
    console.place = Place::new("console", "local");
    assert_eq!(store.accept(vec![update("1"), console], None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_done_update_keeps_its_key_and_loses_its_text() {
    let state = State::new();
    let (store, _) = state.open();
    let rows = store.accept(vec![update("secret")], None).await.unwrap();
    store.finish(vec![CompletedUpdate::Update(rows[0].id)], vec![]).await.unwrap();
    assert_eq!(store.accept(vec![update("secret")], None).await.unwrap(), []);
    let stored_record =
        store.run(String::new(), |db| Ok(db.query_row("SELECT record FROM inbox", [], |row| row.get(0))?));
    assert_eq!(stored_record.await, Ok(String::new()));
    assert_eq!(state.after(store).await.inbox, []);
}

#[tokio::test]
async fn a_prompt_can_be_marked_sent_and_queued_again() {
    let state = State::new();
    let (store, _) = state.open();
    let row = store.accept(vec![update("1")], None).await.unwrap().remove(0);
    let session = name("alpha");
    assert!(matches!(store.mark_sent(&row.prompt).await, Err(StoreError::Gone { .. })), "it has no session yet");
    assert_eq!(store.is_handled(row.id).await, Ok(false));
    store.assign(row.id, &session, &row.update.what, &row.update).await.unwrap();
    assert_eq!(store.is_handled(row.id).await, Ok(true));
    store.mark_sent(&row.prompt).await.unwrap();
    let (sent, queued) =
        (InboxState::Sent { session: session.clone() }, InboxState::Queued { session: session.clone() });
    assert_eq!(read_only(state.path()).unwrap().inbox[0].state, sent);
    store.mark_queued(&row.prompt).await.unwrap();
    assert_eq!(read_only(state.path()).unwrap().inbox[0].state, queued);
    store.finish(vec![CompletedUpdate::Prompt(row.prompt.clone())], vec![]).await.unwrap();
    let assigned = store.assign(row.id, &session, &row.update.what, &row.update).await.map(drop);
    for late in [store.mark_sent(&row.prompt).await, store.mark_queued(&row.prompt).await, assigned] {
        assert!(matches!(late, Err(StoreError::Gone { .. })), "{late:?}");
    }
    assert_eq!(state.after(store).await.inbox, []);
}

#[tokio::test]
async fn a_prompt_for_a_session_is_never_routed() {
    let state = State::new();
    let (store, _) = state.open();
    let session = name("alpha");
    let mut update = update("plugin:1");
    update.what = UpdateKind::Text("/stop all".to_owned());
    let prompt = store.accept_for(update.clone(), &session).await.unwrap().unwrap();
    assert_eq!(store.accept_for(update.clone(), &session).await.unwrap(), None, "it is accepted once");
    let inbox = read_only(state.path()).unwrap().inbox;
    assert_eq!(inbox[0].state, InboxState::Queued { session });
    assert_eq!((&inbox[0].prompt, &inbox[0].update), (&prompt, &update));
    assert_eq!(inbox.len(), 1);
    store.mark_sent(&prompt).await.unwrap();
}

#[tokio::test]
async fn a_prompt_and_its_announcement_are_stored_together() {
    let state = State::new();
    let (store, _) = state.open();
    let (prompt, row) =
        store.accept_announced(update("script:1"), &name("alpha"), post("From a script")).await.unwrap();
    let repeated = store.accept_announced(update("script:1"), &name("alpha"), post("again")).await;
    assert!(repeated.is_err(), "the key is not new");
    let contents = state.after(store).await;
    assert_eq!(contents.inbox.len(), 1);
    assert_eq!((&contents.inbox[0].prompt, &contents.inbox[0].update), (&prompt, &update("script:1")));
    assert_eq!(contents.inbox[0].state, InboxState::Queued { session: name("alpha") });
    assert_eq!(contents.outbox, [row]);
}

/// Returns an update that contains text and a message id.
fn text_update(key: &str, words: &str, part: MessagePart) -> Update {
    let origin = Origin { message: Some(message(key)), part, ..Origin::default() };
    Update { what: UpdateKind::Text(words.to_owned()), origin, ..update(key) }
}

/// Returns the origin of an edit of this message.
fn edit(key: &str) -> Origin {
    Origin { message: Some(message(key)), ..Origin::default() }
}

async fn assign(store: &Store, row: &InboxRow) {
    assert_eq!(store.assign(row.id, &name("alpha"), &row.update.what, &row.update).await.unwrap(), None);
}

/// Stores the new text of a message as it is, without a filter.
async fn edit_message(store: &Store, place: &Place, origin: &Origin, words: &str) -> Option<EditedPrompt> {
    let found = store.find_edited(InboxId(100), place, origin, words).await.unwrap()?;
    match store.save_edit(&found, &found.update).await.unwrap() {
        SavedEdit::Prompt(edited) => Some(*edited),
        SavedEdit::Done => None,
        SavedEdit::Changed => panic!("no other edit"),
    }
}

#[tokio::test]
async fn an_edit_is_not_stored_over_a_later_change() {
    let state = State::new();
    let (store, _) = state.open();
    let row = store.accept(vec![text_update("1", "as sent", MessagePart::Text)], None).await.unwrap().remove(0);
    let find = async |number: i64, words: &str| {
        store.find_edited(InboxId(number), &place("1"), &edit("1"), words).await.unwrap()
    };
    let first = find(50, "first edit").await.expect("it changes the text");
    // A session was chosen in the meantime, so the edit must be filtered for it.
    assign(&store, &row).await;
    assert_eq!(store.save_edit(&first, &first.update).await, Ok(SavedEdit::Changed));
    let first = find(50, "first edit").await.expect("it changes the text");
    let second = find(51, "second edit").await.expect("it changes the text");
    assert!(matches!(store.save_edit(&second, &second.update).await, Ok(SavedEdit::Prompt(_))));
    assert_eq!(store.save_edit(&first, &first.update).await, Ok(SavedEdit::Changed));
    assert_eq!(find(50, "first edit").await, None, "a later edit was applied");
    assert_eq!(state.after(store).await.inbox[0].update.what, UpdateKind::Text("second edit".to_owned()));
}

#[tokio::test]
async fn the_filtered_text_of_a_prompt_is_stored_with_its_session() {
    let state = State::new();
    let (store, _) = state.open();
    let sent = text_update("1", "as sent", MessagePart::Text);
    let row = store.accept(vec![sent.clone()], None).await.unwrap().remove(0);
    let filtered = |text: &str| {
        let origin = Origin { unfiltered: Some("as sent".to_owned()), ..sent.origin.clone() };
        Update { what: UpdateKind::Text(text.to_owned()), origin, ..sent.clone() }
    };
    assert_eq!(edit_message(&store, &place("1"), &edit("1"), "as edited").await, None, "no session has it yet");
    let edited = store.assign(row.id, &name("alpha"), &sent.what, &filtered("as filtered")).await.unwrap();
    let edited = edited.expect("the message was edited while it was filtered");
    assert_eq!(edited.what, UpdateKind::Text("as edited".to_owned()));
    let all = store.assign(row.id, &name("alpha"), &edited.what, &filtered("as filtered")).await.unwrap();
    assert_eq!(all, None);
    assert_eq!(edit_message(&store, &place("1"), &edit("1"), "as sent").await, None, "the author changed nothing");
    assert!(edit_message(&store, &place("1"), &edit("1"), "as filtered").await.is_some());
    let stored = state.after(store).await.inbox.remove(0);
    assert_eq!((stored.update.what, stored.update.origin.unfiltered), (filtered("as filtered").what, None));
    assert_eq!(stored.state, InboxState::Queued { session: name("alpha") });
}

#[tokio::test]
async fn an_edit_replaces_a_message_that_is_not_answered() {
    let state = State::new();
    let (store, _) = state.open();
    let texts = ["1", "2", "3"].map(|key| text_update(key, "as it was", MessagePart::Text)).to_vec();
    let rows = store.accept(texts, None).await.unwrap();
    assign(&store, &rows[1]).await;
    assign(&store, &rows[2]).await;
    store.mark_sent(&rows[2].prompt).await.unwrap();
    let revise = async |key: &str, words: &str| edit_message(&store, &place("1"), &edit(key), words).await;
    assert_eq!(revise("1", "as it is").await, None, "no session has it yet");
    let waiting = revise("2", "as it is").await.expect("a session has it");
    assert_eq!((waiting.session, &waiting.prompt, waiting.is_sent), (name("alpha"), &rows[1].prompt, false));
    assert_eq!(revise("2", "as it is").await, None, "nothing has changed");
    assert!(revise("3", "as it is").await.is_some_and(|edited| edited.is_sent), "an agent has it");
    assert_eq!(revise("3", "as it is").await, None, "nothing has changed since the last edit");
    assert_eq!(edit_message(&store, &place("2"), &edit("1"), "elsewhere").await, None);
    let whats: Vec<UpdateKind> = state.after(store).await.inbox.into_iter().map(|row| row.update.what).collect();
    let text = |words: &str| UpdateKind::Text(words.to_owned());
    assert_eq!(whats, [text("as it is"), text("as it is"), text("as it is")]);
}

#[tokio::test]
async fn an_edit_of_an_answered_message_is_a_correction() {
    let state = State::new();
    let (store, _) = state.open();
    let texts = ["1", "2", "3"].map(|key| text_update(key, "as it was", MessagePart::Text)).to_vec();
    let rows = store.accept(texts, None).await.unwrap();
    let revise = async |key: &str, words: &str| edit_message(&store, &place("1"), &edit(key), words).await;
    for row in &rows[..2] {
        assign(&store, row).await;
    }
    store.mark_sent(&rows[0].prompt).await.unwrap();
    let ends = rows[..2].iter().map(|row| CompletedUpdate::Prompt(row.prompt.clone()));
    store.finish(ends.chain([CompletedUpdate::Update(rows[2].id)]).collect(), Vec::new()).await.unwrap();
    assert_eq!(revise("1", "as it was").await, None, "nothing has changed");
    let answered = revise("1", "as it is").await.expect("an agent has answered it");
    assert_eq!((answered.session, answered.is_sent), (name("alpha"), true));
    assert_eq!(revise("1", "as it is").await, None, "nothing has changed since the last edit");
    assert_eq!(revise("2", "as it is").await, None, "no agent got it");
    assert_eq!(revise("3", "as it is").await, None, "it was no message to an agent");
    store.accept((0..1000).map(|key| update(&format!("later {key}"))).collect(), None).await.unwrap();
    assert_eq!(revise("1", "too late").await, None, "its text is deleted");
}

#[tokio::test]
async fn a_chat_with_a_new_id_keeps_its_place() {
    let state = State::new();
    let (store, _) = state.open();
    let people = |ids: &[&str]| ids.iter().map(|id| UserId((*id).to_owned())).collect::<Vec<_>>();
    let met = |chat: &str, id: &str| (place(chat), person(id, id));
    store
        .add_chat_members(vec![met("-1", "ada"), met("-1001", "ada"), met("-1001", "bob"), met("-5", "eve")])
        .await
        .unwrap();
    let in_chat = |chat: &str| StoredPerson { id: 7, role: Role::Member, name: None, chat: Some(place(chat)) };
    store.change_access(StoredChange::Save(in_chat("-1001"))).await.unwrap();
    let locales = [("-1001", "de"), ("-5", "en")].map(|(chat, locale)| (place(chat), locale.to_owned()));
    store.set_place_locales(locales.to_vec()).await.unwrap();
    for _ in 0..2 {
        store.move_chat("telegram", "-1", "-1001").await.unwrap();
    }
    assert_eq!(store.chat_members(&place("-1")).await.unwrap(), people(&["ada", "bob"]));
    assert_eq!(store.chat_members(&place("-1001")).await.unwrap(), []);
    let topic = |chat: &str| Place { topic: Some("5".to_owned()), ..place(chat) };
    for (of, home) in [("-1001", "-1"), ("-1", "-1"), ("-5", "-5")] {
        assert_eq!(store.original_place(&topic(of)).await.unwrap(), topic(home));
    }
    assert_eq!(store.moved_chats("telegram").await.unwrap(), [("-1".to_owned(), "-1001".to_owned())]);
    let contents = state.after(store).await;
    assert_eq!(contents.people, [in_chat("-1")]);
    let locales = [("-1", "de"), ("-5", "en")].map(|(chat, locale)| (place(chat), locale.to_owned()));
    assert_eq!(contents.locales, locales.into());
}

#[tokio::test]
async fn parts_are_joined_into_one_update() {
    let state = State::new();
    let (store, _) = state.open();
    let cut = || MessagePart::Cut { joint: String::new() };
    let parts =
        vec![text_update("1", "a", cut()), text_update("2", "b", cut()), text_update("3", "c", MessagePart::Text)];
    let rows = store.accept(parts, None).await.unwrap();
    store.join_updates(rows[0].id, vec![rows[1].id, rows[2].id]).await.unwrap();
    assert_eq!(edit_message(&store, &place("1"), &edit("1"), "a part").await, None);
    let inbox = state.after(store).await.inbox;
    assert_eq!((inbox.len(), &inbox[0].update), (1, &text_update("1", "abc", MessagePart::Joined)));
}

#[tokio::test]
async fn a_reply_is_stored_until_it_is_sent() {
    let state = State::new();
    let (store, _) = state.open();
    let row = store.accept(vec![update("1")], None).await.unwrap().remove(0);
    let mut edit = post("three").reply.button("Again", "/retry alpha");
    edit.in_place = true;
    let third = NewPost { edit: Some(message("77")), ..NewPost::new(place("2"), edit) };
    let posts =
        store.finish(vec![CompletedUpdate::Update(row.id)], vec![post("one"), post("two"), third]).await.unwrap();
    assert_eq!(posts[2].state.messages, [message("77")]);
    let half = Delivery { messages: vec![message("5")], shown: 1, parts: 2, undeliverable: None };
    store.save_progress(posts[1].id, half.clone()).await.unwrap();
    store.complete_post(posts[0].id, Vec::new(), Vec::new()).await.unwrap();
    store.complete_post(posts[0].id, Vec::new(), Vec::new()).await.unwrap();
    store.save_progress(posts[0].id, half.clone()).await.unwrap();
    let contents = state.after(store).await;
    assert_eq!(contents.inbox, []);
    assert_eq!(contents.outbox, [OutboxRow { state: half, ..posts[1].clone() }, posts[2].clone()]);
}

#[tokio::test]
async fn ids_are_never_reused() {
    let state = State::new();
    let (store, _) = state.open();
    let first = store.finish(vec![], vec![post("one")]).await.unwrap()[0].id;
    store.complete_post(first, Vec::new(), Vec::new()).await.unwrap();
    state.after(store).await;
    let (store, _) = state.open();
    assert!(store.finish(vec![], vec![post("two")]).await.unwrap()[0].id > first);
}

#[tokio::test]
async fn a_final_answer_replaces_the_streamed_text() {
    let state = State::new();
    let (store, _) = state.open();
    let [row, other] = store.accept(vec![update("1"), update("2")], None).await.unwrap().try_into().unwrap();
    for (prompt, id, text) in [(&row, "10", "a"), (&row, "11", ""), (&row, "10", "ab"), (&other, "9", "")] {
        store.save_placeholder(&prompt.prompt, &place("1"), &message(id), text).await.unwrap();
    }
    let answer = NewPost { turn: Some(row.prompt.clone()), ..post("answer") };
    let posts = store
        .finish(vec![CompletedUpdate::Prompt(row.prompt.clone())], vec![post("notice"), answer.clone(), answer])
        .await
        .unwrap();
    let messages: Vec<_> = posts.iter().map(|post| post.state.messages.clone()).collect();
    assert_eq!(messages, [vec![], vec![message("10"), message("11")], vec![]]);
    store.forget_placeholder(&place("1"), &message("9")).await.unwrap();
    assert_eq!(state.after(store).await.outbox, posts);
}

#[tokio::test]
async fn live_messages_of_a_killed_host_are_marked_once() {
    let state = State::new();
    let (store, _) = state.open();
    let [half, silent] = store.accept(vec![update("1"), update("2")], None).await.unwrap().try_into().unwrap();
    for (prompt, id, text) in
        [(&half, "10", "whole part"), (&silent, "9", " "), (&half, "11", ""), (&half, "11", "half")]
    {
        store.save_placeholder(&prompt.prompt, &place("1"), &message(id), text).await.unwrap();
    }
    store.close().await;
    let (store, _) = state.open();
    let turns = store.streamed_turns().await.unwrap();
    assert_eq!(turns, [(half.prompt, place("1")), (silent.prompt, place("1"))]);
    let marks = store
        .mark_interrupted_answers(|_: &Place, text: &str| format!("⚠ This answer was interrupted:\n\n{text}"))
        .await
        .unwrap();
    let left: Vec<_> = marks.iter().map(|post| (&*post.state.messages[0].0, &*post.reply.text)).collect();
    assert_eq!(left, [("9", ""), ("11", "⚠ This answer was interrupted:\n\nhalf")]);
    assert!(marks.iter().all(|post| post.turn.is_none() && post.reply.alert == Alert::Silent));
    assert_eq!(
        (
            store
                .mark_interrupted_answers(|_: &Place, text: &str| format!("⚠ This answer was interrupted:\n\n{text}"))
                .await
                .unwrap(),
            store.streamed_turns().await.unwrap()
        ),
        (vec![], vec![])
    );
    assert_eq!(state.after(store).await.outbox, marks);
}

#[tokio::test]
async fn the_shown_part_of_an_unfinished_answer_is_known() {
    let state = State::new();
    let (store, _) = state.open();
    let (turn, other) = (PromptId("1".to_owned()), PromptId("2".to_owned()));
    store.save_placeholder(&turn, &place("1"), &message("10"), "The first part.").await.unwrap();
    store.save_placeholder(&other, &place("2"), &message("5"), "another").await.unwrap();
    store.save_placeholder(&turn, &place("1"), &message("11"), "The").await.unwrap();
    store.save_placeholder(&turn, &place("1"), &message("11"), "The second part.").await.unwrap();
    let shown = store.unfinished_answers().await.unwrap();
    assert_eq!(shown, [(turn, "The first part.\nThe second part.".to_owned()), (other, "another".to_owned())]);
}

#[tokio::test]
async fn a_live_message_of_a_finished_turn_is_not_stored() {
    let state = State::new();
    let (store, _) = state.open();
    let row = store.accept(vec![update("1")], None).await.unwrap().remove(0);
    store.finish(vec![CompletedUpdate::Prompt(row.prompt.clone())], vec![post("answer")]).await.unwrap();
    store.save_placeholder(&row.prompt, &place("1"), &message("10"), "").await.unwrap();
    state.after(store).await;
    let db = Connection::open(state_directory::database(state.path())).unwrap();
    assert_eq!(db.query_row("SELECT count(*) FROM live", [], |row| row.get(0)), Ok(0));
}

#[tokio::test]
async fn a_killed_hosts_message_of_an_agents_own_turn_is_deleted() {
    let state = State::new();
    let (store, _) = state.open();
    let own = |id: &str| PromptId(id.to_owned());
    store.save_placeholder(&own("cut off"), &place("1"), &message("9"), "").await.unwrap();
    let answer = NewPost { turn: Some(own("ended")), ..post("answer") };
    let answered = store.finish(vec![CompletedUpdate::Prompt(own("ended"))], vec![answer]).await.unwrap();
    // The live message was still being sent when the turn ended.
    store.save_placeholder(&own("ended"), &place("1"), &message("10"), "").await.unwrap();
    let marks = store
        .mark_interrupted_answers(|_: &Place, text: &str| format!("⚠ This answer was interrupted:\n\n{text}"))
        .await
        .unwrap();
    assert_eq!(state.after(store).await.outbox[0], answered[0]);
    let deleted: Vec<_> = marks.iter().map(|post| (&*post.reply.text, post.state.messages.clone())).collect();
    assert_eq!(deleted, [("", vec![message("9")])]);
}

#[tokio::test]
async fn only_old_keys_of_done_updates_are_deleted() {
    let state = State::new();
    let (store, _) = state.open();
    let rows = store.accept(vec![update("done"), update("open")], None).await.unwrap();
    store.finish(vec![CompletedUpdate::Update(rows[0].id)], vec![]).await.unwrap();
    store.accept((0..10_000).map(|key| update(&key.to_string())).collect(), None).await.unwrap();
    let new = store.accept(vec![update("done"), update("open")], None).await.unwrap();
    assert_eq!(new.iter().map(|row| &*row.update.key).collect::<Vec<_>>(), ["done"]);
    store.finish(vec![CompletedUpdate::Update(rows[1].id)], vec![]).await.unwrap();
    assert_eq!(store.accept(vec![update("open")], None).await.unwrap().len(), 1, "it was deleted on completion");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_to_is_known_after_a_restart() {
    let state = State::new();
    let (store, _) = state.open();
    for chat in ["1", "2", "2"] {
        store.set_unreachable(&place(chat), "blocked").await.unwrap();
    }
    store.set_reachable(&place("1")).await.unwrap();
    assert_eq!(state.after(store).await.unreachable, [place("2")]);
}

#[tokio::test]
async fn own_modes_survive_a_restart() {
    let state = State::new();
    let (store, _) = state.open();
    let (ann, bob) = (UserId("telegram:1".to_owned()), UserId("telegram:2".to_owned()));
    for (person, mode) in [(&ann, Some("quiet")), (&ann, Some("smart")), (&bob, Some("quiet")), (&bob, None)] {
        store.set_own_mode(person, mode.map(str::to_owned)).await.unwrap();
    }
    store.close().await;
    let (store, _) = state.open();
    assert_eq!(store.own_mode(&ann).await.unwrap().as_deref(), Some("smart"));
    assert_eq!(store.own_mode(&bob).await.unwrap(), None);
    assert_eq!(store.own_modes().await.unwrap(), [(ann, "smart".to_owned())].into());
}

#[tokio::test]
async fn chat_members_survive_a_restart() {
    let state = State::new();
    let (store, _) = state.open();
    let ann = UserId("telegram:42".to_owned());
    let met = |name: &str| (place("1"), person(&ann.0, name));
    store.add_chat_members(vec![met("Ann"), met("Ann"), (place("3"), person("telegram:5", ""))]).await.unwrap();
    store.add_chat_members(vec![met("Ann B")]).await.unwrap();
    store.close().await;
    let (store, contents) = state.open();
    assert_eq!(store.chat_members(&place("1")).await.unwrap(), std::slice::from_ref(&ann));
    assert_eq!(store.chat_members(&place("2")).await.unwrap(), []);
    assert_eq!(contents.names, [(ann.clone(), "Ann B".to_owned())].into(), "the name is the last one");
    let all = store.all_chat_members().await.unwrap();
    assert_eq!((all.len(), store.names().await.unwrap()), (2, contents.names));
    assert!(all.contains(&(place("1"), ann)));
}

#[tokio::test]
async fn an_edit_of_a_reply_compares_the_words_of_its_author() {
    let state = State::new();
    let (store, _) = state.open();
    let reply = |words: &str| Some(ReplyToHost { message: message("9"), words: words.to_owned() });
    let mut sent = text_update("1", "> the quoted message\n\nwhy?", MessagePart::Alone);
    sent.origin.reply = reply("why?");
    let rows = store.accept(vec![sent], None).await.unwrap();
    assign(&store, &rows[0]).await;
    let revise = async |words: &str, whole: &str| {
        let origin = Origin { reply: reply(words), ..edit("1") };
        edit_message(&store, &place("1"), &origin, whole).await
    };
    assert_eq!(revise("why?", "> the changed message\n\nwhy?").await, None, "only the quoted message has changed");
    assert!(revise("how?", "> the changed message\n\nhow?").await.is_some());
}
