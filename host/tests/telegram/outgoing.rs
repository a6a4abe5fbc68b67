//! Tests outgoing messages (styles, long texts, streamed answers, buttons) and the command menu.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use cordboard_chat::{Chat, MenuEntry, Menus, outbox::Post};
use cordboard_core::{
    agent_event::PromptId,
    language::Language,
    turn::TurnFrame,
    types::{Alert, Attachment, Authorship, Content, Place, Reply},
    updates_and_posts::OutboxRow,
};
use serde_json::json;

use crate::{
    botapi::{Call, Fault},
    test_bot::{ADA, TestBot, place, row},
};

fn live(turn: &str, text: &str, line: Option<&str>) -> Post {
    let messages = if text.is_empty() { Vec::new() } else { vec![Reply::text(text)] };
    let screen = TurnFrame { messages, live: line.map(str::to_owned) };
    Post::Frame { place: place(ADA), turn: PromptId(turn.to_owned()), frame: screen, stop: None }
}

/// Returns a post that edits an existing message in place.
fn in_place(id: i64, message: &str, text: &str) -> OutboxRow {
    let mut row = row(id, ADA, Reply::text(text));
    row.state.messages = vec![cordboard_chat::MessageId(message.to_owned())];
    row
}

fn outgoing(text: &str) -> cordboard_chat::Outgoing {
    cordboard_chat::Outgoing {
        source: text.to_owned(),
        message: cordboard_core::render::render(text),
        buttons: Vec::new(),
        completeness: cordboard_chat::Completeness::Complete,
        author: Authorship::Own,
        session: None,
        alert: Alert::Ring,
        reply_to: None,
        file: None,
        rich: None,
    }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[tokio::test]
async fn styles_are_sent_as_utf_16_entities() {
    let bot = TestBot::new().await;
    let text = "👋 **bold** and `code`, [a link](https://example.org/x)\n\n```rust\nfn main() {}\n```";
    bot.outbox.post(Post::Final(row(1, ADA, Reply::text(text))));
    bot.outbox.drained().await;
    let sent = bot.api.calls("sendMessage");
    assert_eq!(sent[0].text(), "👋 bold and code, a link\n\nfn main() {}");
    let expected = json!([
        {"type": "bold", "offset": 3, "length": 4},
        {"type": "code", "offset": 12, "length": 4},
        {"type": "text_link", "offset": 18, "length": 6, "url": "https://example.org/x"},
        {"type": "pre", "offset": 26, "length": 12, "language": "rust"},
    ]);
    assert_eq!(sent[0].params["entities"], expected);
    assert_eq!(sent[0].params.get("parse_mode"), None);
}

#[tokio::test]
async fn spoilers_and_long_quotes_are_entities() {
    let bot = TestBot::new().await;
    let long = "long ".repeat(80);
    bot.outbox.post(Post::Final(row(
        1,
        ADA,
        Reply::text(format!("||secret|| a || b ~~c~~\n\n> {long}\n\n> d\n> > e")),
    )));
    bot.outbox.drained().await;
    let sent = bot.api.calls("sendMessage");
    assert_eq!(sent[0].text(), format!("secret a || b c\n\n{}\n\nd\n> e", long.trim_end()));
    let expected = json!([
        {"type": "spoiler", "offset": 0, "length": 6},
        {"type": "strikethrough", "offset": 14, "length": 1},
        {"type": "expandable_blockquote", "offset": 17, "length": 399},
        {"type": "blockquote", "offset": 418, "length": 5},
    ]);
    assert_eq!(sent[0].params["entities"], expected);
}

#[tokio::test]
async fn a_message_with_too_many_styles_keeps_its_code_and_links() {
    let bot = TestBot::new().await;
    let text = format!("{}{}", "**b** ~~c~~ ".repeat(120), "`d` [e](https://example.org/) ".repeat(30));
    bot.outbox.post(Post::Final(row(1, ADA, Reply::text(text))));
    bot.outbox.drained().await;
    let sent = bot.api.calls("sendMessage");
    let entities = sent[0].params["entities"].as_array().unwrap();
    let count = |name: &str| entities.iter().filter(|entity| entity["type"] == name).count();
    assert_eq!((sent.len(), entities.len()), (1, 100));
    assert_eq!((count("code"), count("text_link"), count("bold"), count("strikethrough")), (30, 30, 20, 20));
}

#[tokio::test]
async fn a_long_text_is_split_at_4096_units() {
    let bot = TestBot::new().await;
    let line = "let wave = \"👋👋👋👋\";\n";
    let code = line.repeat(300);
    bot.outbox.post(Post::Final(row(1, ADA, Reply::text(format!("Before.\n\n```rust\n{code}```\n\nAfter.")))));
    bot.outbox.drained().await;
    let sent = bot.api.calls("sendMessage");
    assert!(sent.len() >= 2, "the code has {} units", units(&code));
    for call in sent.iter().filter(|call| call.text() != "Before.") {
        let blocks = call.params["entities"].as_array().unwrap();
        assert_eq!((blocks.len(), &blocks[0]["language"]), (1, &"rust".into()));
        let (from, length) = (blocks[0]["offset"].as_u64().unwrap(), blocks[0]["length"].as_u64().unwrap());
        let all: Vec<u16> = call.text().encode_utf16().collect();
        let block = String::from_utf16(&all[from as usize..][..length as usize]).unwrap();
        assert!(block.trim_end().lines().all(|of| of == line.trim_end()), "no line is cut");
    }
    let lines = |text: &str| text.lines().filter(|of| *of == line.trim_end()).count();
    assert_eq!(sent.iter().map(|call| lines(call.text())).sum::<usize>(), 300);
}

#[tokio::test]
async fn an_answer_streams_into_one_message_while_typing_is_shown() {
    let bot = TestBot::new().await;
    bot.outbox.post(live("t", "", None));
    bot.api.until_calls("sendChatAction", 1).await;
    assert_eq!(bot.api.calls("sendChatAction")[0].params["action"], "typing");
    bot.outbox.post(live("t", "", Some("_thinks_")));
    bot.api.until("the live line", |api| api.chat(ADA) == ["thinks"]).await;
    bot.outbox.post(live("t", "One", Some("_reads_")));
    bot.api.until("the first words", |api| api.chat(ADA) == ["One\n\nreads"]).await;
    bot.outbox.post(live("t", "One two", None));
    bot.api.until("more words", |api| api.chat(ADA) == ["One two"]).await;
    let answer = Reply::text("One two **three**").button("Again", &format!("/retry {}", "long ".repeat(40)));
    bot.outbox.post(Post::Final(OutboxRow { turn: Some(PromptId("t".to_owned())), ..row(1, ADA, answer) }));
    bot.outbox.drained().await;
    assert_eq!(bot.api.chat(ADA), ["One two three"]);
    assert_eq!(bot.api.rings(ADA), ["One two three"]);
    assert_eq!(bot.api.calls("sendMessage").len(), 2, "the live message and the answer");
    assert_eq!(bot.api.calls("editMessageText").len(), 2);
}

#[tokio::test]
async fn an_unchanged_edit_is_a_success() {
    let bot = TestBot::new().await;
    bot.outbox.post(Post::Final(row(1, ADA, Reply::text("All of it"))));
    bot.outbox.post(Post::Final(in_place(2, "1", "All of it")));
    bot.outbox.drained().await;
    assert!(bot.api.calls("editMessageText").is_empty(), "an edit that changes nothing needs no call");
    // After a restart, the adapter doesn't know the content of earlier messages, so the Bot API may report that an edit
    // changes nothing.
    let again = TestBot::new().await;
    again.outbox.post(Post::Final(row(1, ADA, Reply::text("Sent"))));
    again.outbox.drained().await;
    let id = cordboard_chat::MessageId("1".to_owned());
    again.api.fail("editMessageText", Fault::Error(400, "Bad Request: message is not modified: specified new…"));
    assert_eq!(again.telegram.edit(&place(ADA), &id, &outgoing("Other")).await, Ok(()));
}

#[tokio::test]
async fn an_edit_restores_the_buttons_that_were_removed() {
    let bot = TestBot::new().await;
    let with_button =
        cordboard_chat::Outgoing { buttons: Reply::text("Ask").button("Yes", "/yes").buttons, ..outgoing("Ask") };
    let id = bot.telegram.send(&place(ADA), &with_button).await.unwrap();
    bot.telegram.edit(&place(ADA), &id, &with_button).await.unwrap();
    assert!(bot.api.calls("editMessageText").is_empty(), "an edit that changes nothing needs no call");
    bot.telegram.remove_buttons(&place(ADA), &id).await.unwrap();
    bot.telegram.edit(&place(ADA), &id, &with_button).await.unwrap();
    assert_eq!(bot.api.calls("editMessageText").len(), 1);
}

#[tokio::test]
async fn an_edit_after_a_lost_response_is_made() {
    let bot = TestBot::new().await;
    let id = bot.telegram.send(&place(ADA), &outgoing("First")).await.unwrap();
    bot.api.fail("editMessageText", Fault::Lost);
    bot.telegram.edit(&place(ADA), &id, &outgoing("Second")).await.unwrap_err();
    bot.telegram.edit(&place(ADA), &id, &outgoing("First")).await.unwrap();
    assert_eq!(bot.api.chat(ADA), ["First"]);
}

#[tokio::test]
async fn an_edit_with_a_lost_response_is_repeated_once() {
    let bot = TestBot::new().await;
    bot.outbox.post(Post::Final(row(1, ADA, Reply::text("Begun"))));
    bot.api.fail("editMessageText", Fault::Lost);
    bot.outbox.post(Post::Final(in_place(2, "1", "Done")));
    bot.outbox.drained().await;
    assert_eq!(bot.api.chat(ADA), ["Done"]);
    assert_eq!(bot.api.calls("editMessageText").len(), 2);
}

#[tokio::test]
async fn a_message_is_sent_again_until_a_response_arrives() {
    let bot = TestBot::new().await;
    let mut faults = VecDeque::from([Fault::Reset, Fault::TakenThenReset]);
    let inject = move |call: &Call| if call.method == "sendmessage" { faults.pop_front() } else { None };
    bot.api.inject_faults(Box::new(inject));
    bot.outbox.post(Post::Final(row(1, ADA, Reply::text("Done"))));
    bot.outbox.drained().await;
    assert_eq!(bot.api.calls("sendMessage").len(), 3);
    // The Bot API can't tell the host that the second call was taken.
    assert_eq!(bot.api.shown_texts().into_values().collect::<Vec<_>>(), ["Done", "Done"]);
}

#[tokio::test]
async fn a_pressed_button_returns_its_command() {
    let bot = TestBot::new().await;
    let command = format!("/retry {}", "x".repeat(60));
    let reply = Reply::text("Try?").button("Try again", &command).button("Leave it", "/leave x");
    bot.outbox.post(Post::Final(row(1, ADA, reply)));
    bot.outbox.drained().await;
    let rows = bot.api.calls("sendMessage")[0].params["reply_markup"]["inline_keyboard"].clone();
    assert_eq!((rows[0][0]["text"].as_str(), rows[1][0]["text"].as_str()), (Some("Try again"), Some("Leave it")));
    let token = rows[0][0]["callback_data"].as_str().unwrap();
    let found = cordboard_chat::Inbox::find_button(&*bot.inbox, token).await.unwrap();
    assert_eq!(found.map(|line| line.command), Some(command));
}

#[tokio::test]
async fn a_topic_gets_its_messages_and_its_typing() {
    let bot = TestBot::new().await;
    let topic = Place { topic: Some("5".to_owned()), ..place(-100_123) };
    bot.telegram.show_activity(&topic, Some("")).await;
    bot.telegram.show_activity(&topic, None).await;
    let post = OutboxRow { place: topic, ..row(1, 0, Reply::text("here")) };
    bot.outbox.post(Post::Final(post));
    bot.outbox.drained().await;
    assert_eq!(bot.api.calls("sendMessage")[0].params["message_thread_id"], 5);
    bot.api.until_calls("sendChatAction", 1).await;
    let typing = bot.api.calls("sendChatAction");
    assert_eq!((typing.len(), &typing[0].params["message_thread_id"]), (1, &5.into()));
}

#[tokio::test]
async fn the_pace_follows_the_setting_and_is_slower_in_a_group() {
    let millis = Arc::new(AtomicU64::new(1000));
    let now = Arc::clone(&millis);
    let bot =
        TestBot::with(|settings| settings.edit_pause = Arc::new(move || Duration::from_millis(now.load(Relaxed))))
            .await;
    let pause = |chat: i64| bot.telegram.pacing(&place(chat)).pause.as_millis();
    assert_eq!((pause(ADA), pause(-100_123)), (1000, 5000));
    millis.store(200, Relaxed);
    assert_eq!((pause(ADA), pause(-100_123)), (200, 1000));
    assert!(bot.telegram.pacing(&place(-100_123)).quota.is_some_and(|quota| quota.calls < 20));
}

fn menu(names: &[&str]) -> Vec<MenuEntry> {
    let entry = |name: &&str| MenuEntry {
        name: (*name).to_owned(),
        summary: "Does \u{1f44b} it. ".repeat(40),
        translations: BTreeMap::new(),
    };
    names.iter().map(entry).collect()
}

fn menus(everyone: &[&str], chats: &[(i64, Option<&[&str]>)]) -> Menus {
    let chats = chats.iter().map(|(chat, names)| (place(*chat), names.map(menu))).collect();
    Menus { everyone: menu(everyone), chats }
}

#[tokio::test]
async fn a_person_with_more_rights_has_a_menu_of_their_own() {
    let bot = TestBot::new().await;
    let set = async |menus: Menus| bot.telegram.set_menus(&menus).await.unwrap();
    set(menus(&["new"], &[(ADA, Some(&["new", "access"])), (7, None)])).await;
    set(menus(&["new"], &[(ADA, Some(&["new", "access"])), (7, None)])).await;
    set(menus(&["new"], &[(ADA, None), (7, None)])).await;
    let calls = |method: &str| bot.api.calls(method).into_iter().map(|call| call.params).collect::<Vec<_>>();
    let scopes = |method: &str| calls(method).iter().map(|params| params["scope"].clone()).collect::<Vec<_>>();
    let own = |chat: i64| json!({"type": "chat", "chat_id": chat});
    let everyone = || json!({"type": "default"});
    assert_eq!(scopes("setMyCommands"), [everyone(), everyone(), own(ADA), own(ADA)], "one menu for each language");
    assert_eq!(calls("setMyCommands")[2]["commands"][1]["command"], "access");
    let deleted = [own(7), own(7), own(ADA), own(ADA)];
    assert_eq!(scopes("deleteMyCommands"), deleted, "the chat shows the menu of everyone again");
}

#[tokio::test]
async fn users_see_the_menu_in_their_language() {
    let bot = TestBot::new().await;
    let entry = |name: &str, german: Option<&str>| MenuEntry {
        name: name.to_owned(),
        summary: "Does it".to_owned(),
        translations: german.map(|text| (Language::German, text.to_owned())).into_iter().collect(),
    };
    let everyone = vec![entry("new", Some("Tut es")), entry("plain", None)];
    bot.telegram.set_menus(&Menus { everyone, chats: BTreeMap::new() }).await.unwrap();
    let menu = |call: &Call| {
        let texts = call.params["commands"].as_array().unwrap().iter().map(|command| command["description"].clone());
        (call.params.get("language_code").cloned(), texts.collect::<Vec<_>>())
    };
    let set: Vec<_> = bot.api.calls("setMyCommands").iter().map(menu).collect();
    let german = (Some(json!("de")), vec![json!("Tut es"), json!("Does it")]);
    assert_eq!(set, [(None, vec![json!("Does it"), json!("Does it")]), german]);
}

#[tokio::test]
async fn a_missing_chat_does_not_stop_the_other_menus() {
    let bot = TestBot::new().await;
    bot.telegram.set_menus(&menus(&["new"], &[])).await.unwrap();
    bot.api.fail("setMyCommands", Fault::Error(400, "Bad Request: chat not found"));
    bot.telegram.set_menus(&menus(&["new"], &[(5, Some(&["help"])), (ADA, Some(&["help"]))])).await.unwrap();
    assert_eq!(bot.api.calls("setMyCommands").len(), 5);
    let noted = "failed to set the command menu of a private chat";
    assert!(bot.log.text().contains(noted) && bot.log.count(noted) == 0, "it is logged at the level debug");
}

#[tokio::test]
async fn the_menu_is_set_on_change_within_telegram_limits() {
    let bot = TestBot::new().await;
    bot.telegram.set_menus(&menus(&["new", "session", "Bad-Name", ""], &[])).await.unwrap();
    bot.telegram.set_menus(&menus(&["new", "session"], &[])).await.unwrap();
    bot.telegram.set_menus(&menus(&["new"], &[])).await.unwrap();
    let set = bot.api.calls("setMyCommands");
    let names = |call: usize| {
        let commands = set[call].params["commands"].as_array().unwrap();
        commands.iter().map(|command| command["command"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(set.len(), 4);
    assert_eq!([names(0), names(1)], [["new", "session"], ["new", "session"]]);
    assert_eq!([names(2), names(3)], [["new"], ["new"]]);
}

fn answer(id: i64, reply: Reply) -> Post {
    Post::Final(OutboxRow { turn: Some(PromptId(format!("t{id}"))), ..row(id, ADA, reply) })
}

#[tokio::test]
async fn a_long_answer_is_a_beginning_and_a_file() {
    let bot = TestBot::new().await;
    let words: String = (0..3000).map(|number| format!("word{number} ")).collect();
    let reply = Reply { author: Authorship::Agents, ..Reply::text(format!("**Title**\n\n{words}")) };
    bot.outbox.post(answer(1, reply));
    bot.outbox.drained().await;
    let shown = bot.api.chat(ADA);
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(shown[0].starts_with("Title\n\nword0 word1 ") && units(&shown[0]) < 1200, "{}", shown[0]);
    assert!(shown[0].ends_with("\n\n… The whole text is in answer.md below."), "{}", shown[0]);
    assert_eq!(shown[1], format!("answer.md: **Title**\n\n{words}"));
    let silent = |call: &Call| call.params["disable_notification"] == true;
    assert!(!bot.api.calls("sendMessage").iter().any(silent), "the text notifies");
    assert!(bot.api.calls("sendDocument").iter().all(silent), "the file doesn't notify again");
}

#[tokio::test]
async fn attachments_are_sent_as_files() {
    let bot = TestBot::new().await;
    let attachment =
        |name: &str, content| Attachment { name: name.to_owned(), media_type: "text/plain".to_owned(), content };
    let attachments = vec![
        attachment("notes.txt", Content::Text("line".to_owned())),
        attachment("data.bin", Content::Bytes(b"bytes".to_vec())),
    ];
    let both = Reply { attachments, ..Reply::text("Two files:") };
    bot.outbox.post(Post::Final(row(1, ADA, both.clone())));
    bot.outbox.drained().await;
    assert_eq!(bot.api.chat(ADA), ["Two files:", "notes.txt: line", "data.bin: bytes"]);

    // Files can't be edited, so editing the text resends the files and deletes the old ones.
    let mut edited = row(2, ADA, Reply { text: "Two old files:".to_owned(), ..both.clone() });
    edited.state.messages = (1..=3).map(|id| cordboard_chat::MessageId(id.to_string())).collect();
    bot.outbox.post(Post::Final(edited));
    bot.outbox.drained().await;
    assert_eq!(bot.api.calls("deleteMessage").len(), 2);
    assert_eq!(bot.api.chat(ADA), ["Two old files:", "notes.txt: line", "data.bin: bytes"]);

    // The adapter stores only the message that contains the text, because only that message has buttons that may have
    // to be removed later.
    let with_button = Reply { buttons: Vec::new(), ..both.clone() }.button("Again", "/again");
    bot.outbox.post(Post::Final(row(4, ADA, with_button)));
    bot.outbox.drained().await;
    let markup = |method: &str| bot.api.calls(method).pop().unwrap().params.get("reply_markup").is_some();
    assert!(markup("sendMessage") && !markup("sendDocument"));

    // If there is no text, the file triggers the notification.
    let alone = Reply { text: String::new(), attachments: both.attachments[..1].to_vec(), ..both };
    bot.outbox.post(Post::Final(row(3, ADA, alone)));
    bot.outbox.drained().await;
    assert_eq!(bot.api.calls("sendDocument").pop().unwrap().params.get("disable_notification"), None);
}

#[tokio::test]
async fn an_answer_becomes_text_if_its_file_is_rejected() {
    let bot = TestBot::new().await;
    let code = "let a = 1;\n".repeat(2000);
    let reply = || Reply::text(format!("See:\n\n```rust\n{code}```"));
    bot.api.fail("sendDocument", Fault::Flood(1));
    bot.outbox.post(answer(1, reply()));
    bot.outbox.drained().await;
    assert_eq!(bot.api.chat(ADA), ["See:\n\ncode-1.rs (in the file below)".to_owned(), format!("code-1.rs: {code}")]);
    let before = bot.api.chat(ADA).len();
    // The chat allows the bot to send text but not files.
    bot.api.fail("sendDocument", Fault::Error(400, "Bad Request: not enough rights to send documents to the chat"));
    bot.outbox.post(answer(2, reply()));
    bot.outbox.drained().await;
    let texts = &bot.api.chat(ADA)[before..];
    assert_eq!(texts.iter().map(|text| text.matches("let a = 1;").count()).sum::<usize>(), 2000);
    assert_eq!(texts[0], "See:");
}

#[tokio::test]
async fn a_streamed_answer_stays_in_order_if_its_file_is_rejected() {
    let bot = TestBot::new().await;
    let code: String = (0..3000).map(|number| format!("line {number}\n")).collect();
    let text = format!("```\n{code}```");
    bot.outbox.post(live("t1", &text, None));
    bot.api.until_calls("sendMessage", 3).await;
    bot.api.fail("sendDocument", Fault::Error(400, "Bad Request: not enough rights to send documents to the chat"));
    bot.outbox.post(answer(1, Reply::text(text)));
    bot.outbox.drained().await;
    let shown = bot.api.chat(ADA).concat().replace("line ", "\n");
    let numbers: Vec<u32> = shown.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert!(numbers.iter().copied().eq(0..3000), "{numbers:?}");
}
