//! Tests messages that Telegram delivers in parts, edits of waiting messages, and messages with images or other files.

use serde_json::{Value, json};

use super::{App, OWNER};
use crate::botapi::{Fault, message};

fn update(kind: &str, id: i64, more: Value) -> Value {
    let mut of = message(OWNER, OWNER, more);
    of["message_id"] = id.into();
    json!({kind: of})
}

fn push(app: &App, kind: &str, id: i64, more: Value) {
    app.api.push(update(kind, id, more));
}

/// Delivers an album with these captions in one batch. If it came in two batches, a slow host might consider it
/// complete after the first one.
fn album(app: &App, album: &str, captions: &[(i64, Option<&str>)]) {
    let photo = |(id, caption): &(i64, Option<&str>)| {
        let file = json!([{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]);
        let mut more = json!({"photo": file, "media_group_id": album});
        if let Some(caption) = *caption {
            more["caption"] = caption.into();
        }
        update("message", *id, more)
    };
    app.api.push_all(captions.iter().map(photo).collect());
}

/// Returns the number of texts in the owner's chat that contain `words`.
fn count(app: &App, words: &str) -> usize {
    app.api.chat(OWNER).iter().filter(|text| text.contains(words)).count()
}

/// Delivers a text that the client has split into three messages.
fn paste(app: &App) {
    let parts = [(101, "x".repeat(4096)), (102, "y".repeat(4096)), (103, "the end".to_owned())];
    app.api.push_all(parts.map(|(id, text)| update("message", id, json!({"text": text}))).to_vec());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paste_split_by_the_client_is_one_turn() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    paste(&app);
    app.wait_for(OWNER, 0, "the end").await;
    app.until_turns("alpha", 1).await;
    app.ask(OWNER, "and then?", "You said: and then?").await;
    app.until_turns("alpha", 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_only_replaces_a_waiting_text() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    push(&app, "message", 101, json!({"text": "slow 1000"}));
    app.wait_for(OWNER, 0, "line 1").await;
    push(&app, "message", 102, json!({"text": "delete everything"}));
    app.until("the message is queued", || (app.session("alpha")["queued"] == 1).then_some(())).await;
    push(&app, "edited_message", 101, json!({"text": "slow 2000", "edit_date": 1_790_000_001}));
    push(&app, "edited_message", 102, json!({"text": "delete nothing", "edit_date": 1_790_000_001}));
    // The host answers this command only after it has processed the earlier updates of the chat.
    app.ask(OWNER, "/timeout 5", "set to 5 minutes").await;
    app.ask(OWNER, "/stop", "Stopped.").await;
    app.wait_for(OWNER, 0, "You said: delete nothing").await;
    push(&app, "edited_message", 102, json!({"text": "delete nothing at all", "edit_date": 1_790_000_002}));
    app.ask(OWNER, "the last one", "You said: the last one").await;
    app.until_turns("alpha", 3).await;
    assert_eq!((count(&app, "everything"), count(&app, "at all")), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_album_is_answered_once_and_each_caption_is_seen() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    album(&app, "A", &[(101, None), (102, Some("the first")), (103, Some("the second"))]);
    app.wait_for(OWNER, 0, "[3 images]\nYou said: the first\nthe second").await;
    app.until_turns("alpha", 1).await;
    album(&app, "B", &[(104, None), (105, Some("/new beta")), (106, None)]);
    app.wait_for(OWNER, 0, "Session 'beta' created.").await;
    album(&app, "C", &[(107, None), (108, None)]);
    app.wait_for(OWNER, 0, "[2 images]\nYou said: [album]").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_album_with_another_file_sends_only_its_images() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let image = json!([{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]);
    let text = json!({"file_id": "g", "file_unique_id": "v", "mime_type": "text/plain"});
    app.api.push_all(vec![
        update("message", 101, json!({"photo": image, "media_group_id": "A", "caption": "compare them"})),
        update("message", 102, json!({"document": text, "media_group_id": "A"})),
    ]);
    app.wait_for(OWNER, 0, "[1 image]\nYou said: compare them").await;
    assert_eq!(count(&app, "The agent gets only the images of your message, not its other files."), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_album_that_is_too_large_is_refused() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let big = json!([{"file_id": "big", "file_unique_id": "u", "width": 1, "height": 1}]);
    let photo = |id| update("message", id, json!({"photo": big, "media_group_id": "A"}));
    app.api.push_all((101..=106).map(photo).collect());
    app.wait_for(OWNER, 0, "The images of the message exceed 20 MB in total. Send fewer at once.").await;
    app.api
        .push_all((107..=111).map(|id| update("message", id, json!({"photo": big, "media_group_id": "B"}))).collect());
    app.wait_for(OWNER, 0, "[5 images]\nYou said: [album]").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_without_text_gets_one_answer() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let voice = json!({"file_id": "f", "file_unique_id": "u", "duration": 3});
    push(&app, "message", 101, json!({"voice": voice}));
    app.wait_for(OWNER, 0, "Only text and images are supported for now.").await;
    push(&app, "message", 102, json!({"voice": voice, "caption": "listen"}));
    let caption = |text: &String| text.ends_with("listen") && text.contains("You can't see the attachment");
    app.until("the answer to the caption", || app.api.chat(OWNER).iter().any(caption).then_some(())).await;
    assert_eq!(count(&app, "Only text and images are supported for now."), 1);
    assert_eq!(count(&app, "The agent gets only the caption. It can't see the voice message yet."), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_reaches_the_agent_or_its_message_is_refused() {
    let mut app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let photo = |id: &str| json!([{"file_id": id, "file_unique_id": "u", "width": 1, "height": 1}]);
    push(&app, "message", 101, json!({"photo": photo("gone"), "caption": "what is it?"}));
    app.wait_for(OWNER, 0, "The image could not be downloaded: HTTP 404\nYour message was not sent to the agent.")
        .await;
    let drawing = json!({"file_id": "f", "file_unique_id": "u", "mime_type": "image/png"});
    push(&app, "message", 102, json!({"document": drawing, "caption": "what is it?"}));
    app.wait_for(OWNER, 0, "[1 image]\nYou said: what is it?").await;
    // A message that waits keeps its image, even if its caption is edited and the host is killed.
    push(&app, "message", 103, json!({"text": "slow 100000"}));
    app.wait_for(OWNER, 0, "line 1").await;
    push(&app, "message", 104, json!({"photo": photo("f")}));
    push(&app, "message", 105, json!({"photo": photo("f")}));
    app.until("the messages are queued", || (app.session("alpha")["queued"] == 2).then_some(())).await;
    push(&app, "edited_message", 105, json!({"photo": photo("f"), "caption": "and this?", "edit_date": 1_790_000_001}));
    app.ask(OWNER, "/timeout 5", "set to 5 minutes").await;
    app.kill();
    app.start();
    app.wait_for(OWNER, 0, "[1 image]\nYou said: [photo]").await;
    app.wait_for(OWNER, 0, "[1 image]\nYou said: and this?").await;
    assert_eq!(app.api.calls("getFile").len(), 2, "a stored image is not downloaded again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_sends_the_image_again() {
    let mut app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let photo = json!([{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]);
    push(&app, "message", 101, json!({"photo": photo, "caption": "slow 100000"}));
    app.wait_for(OWNER, 0, "line 1").await;
    app.kill();
    app.start();
    app.wait_for(OWNER, 0, "was answering “slow 100000”").await;
    app.ask(OWNER, "/retry", "[1 image]\nline 1").await;
    app.ask(OWNER, "/stop", "Stopped.").await;
    assert_eq!(app.api.calls("getFile").len(), 1, "a stored image is not downloaded again");
}

/// Takes 20 seconds, because the hanging call must time out first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_ends_an_answer_that_is_not_sent_yet() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.api.fail("sendMessage", Fault::Hang);
    paste(&app);
    let stored = || {
        let posts = cordboard_store::read_only(&app.path("state")).unwrap().outbox;
        posts.iter().any(|post| post.reply.text.contains("the end")).then_some(())
    };
    app.until("the stored answer", stored).await;
    app.ask(OWNER, "/stop", "Stopped.").await;
    app.ask(OWNER, "and then?", "You said: and then?").await;
    assert_eq!(count(&app, "the end"), 0, "{:#?}", app.api.chat(OWNER));
}
