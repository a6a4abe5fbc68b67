//! Tests `/files` and `/get`, which list and send session files.

use std::{fs, os::unix::fs::symlink};

use super::{App, OWNER, STRANGER};
use crate::botapi::{Call, Fault};

const PNG: &[u8] = b"\x89PNG a picture";

async fn with_files() -> App {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask_agent(OWNER, "hello", "You said: hello").await;
    let folder = app.path("state/sessions/alpha");
    fs::create_dir(folder.join("out")).unwrap();
    fs::write(folder.join("out/a picture.png"), PNG).unwrap();
    fs::write(folder.join("notes.txt"), "some notes").unwrap();
    fs::write(folder.join("empty.txt"), "").unwrap();
    symlink("/etc", folder.join("etc")).unwrap();
    app
}

fn sent(app: &App, method: &str) -> Vec<Call> {
    app.api.calls(method)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_listed_and_sent_by_buttons() {
    let app = with_files().await;
    let listed = app.ask(OWNER, "/files", "alpha: ").await;
    assert!(listed.contains("📁 out/\n") && listed.contains("notes.txt - 10 B"), "{listed}");
    app.api.press(OWNER, OWNER, "📁 out");
    app.until("the folder", || app.api.chat(OWNER).iter().any(|text| text.starts_with("alpha out: ")).then_some(()))
        .await;
    app.api.press(OWNER, OWNER, "a picture.png");
    app.api.until_calls("sendPhoto", 1).await;
    let photo = &sent(&app, "sendPhoto")[0].params["photo"];
    assert_eq!(photo.as_str().unwrap(), format!("a picture.png: {}", String::from_utf8_lossy(PNG)));
    app.api.says(OWNER, "/get notes.txt");
    app.api.until_calls("sendDocument", 1).await;
    assert_eq!(sent(&app, "sendDocument")[0].params["document"], "notes.txt: some notes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_with_more_entries_than_one_call_returns_is_listed() {
    let app = with_files().await;
    let folder = app.path("state/sessions/alpha/+many");
    fs::create_dir(&folder).unwrap();
    for number in 0..1010 {
        fs::write(folder.join(format!("{number:04}")), "x").unwrap();
    }
    app.ask(OWNER, "/files", "📁 +many/").await;
    app.api.press(OWNER, OWNER, "📁 +many");
    app.until("the folder", || app.api.chat(OWNER).iter().any(|text| text.contains(": 1010 entries")).then_some(()))
        .await;
    let last = app.ask(OWNER, "/files +1000 +many", "1000 - ").await;
    assert!(last.ends_with("1009 - 1 B"), "{last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_files_of_the_session_are_sent() {
    let app = with_files().await;
    for (path, why) in [
        ("../../token", "it is not in the session's folder"),
        ("etc/passwd", "it is not in the session's folder"),
        ("/etc/passwd", "it is not in the session's folder"),
        ("gone.txt", "it does not exist"),
        ("out", "it is a folder"),
        ("empty.txt", "it is empty"),
    ] {
        let answer = app.ask(OWNER, &format!("/get {path}"), "can't read").await;
        assert_eq!(answer, format!("The host can't read '{path}': {why}."));
    }
    app.ask(OWNER, "/files ..", "it is not in the session's folder").await;
    app.api.says(STRANGER, "/get notes.txt");
    app.ask(OWNER, "/get", "Name a file").await;
    assert!(sent(&app, "sendDocument").is_empty() && sent(&app, "sendPhoto").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_photo_is_sent_as_a_file() {
    let app = with_files().await;
    app.api.fail("sendPhoto", Fault::Error(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"));
    app.api.says(OWNER, "/get out/a picture.png");
    app.api.until_calls("sendDocument", 1).await;
    // If the chat doesn't accept files, the message names the file instead.
    app.api.fail("sendDocument", Fault::Error(400, "Bad Request: not enough rights to send documents to the chat"));
    app.api.says(OWNER, "/get notes.txt");
    app.wait_for(OWNER, 0, "notes.txt (").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_waits_for_the_chat_survives_a_kill() {
    let mut app = with_files().await;
    app.api.fail("sendDocument", Fault::Flood(2));
    app.api.says(OWNER, "/get notes.txt");
    app.api.until_calls("sendDocument", 1).await;
    app.kill();
    app.start();
    app.api.until_calls("sendDocument", 2).await;
    assert_eq!(sent(&app, "sendDocument")[1].params["document"], "notes.txt: some notes");
}
