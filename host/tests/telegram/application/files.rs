//! Tests messages with photos and other files.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use super::{App, OWNER};
use crate::botapi::{Fault, message};

const PNG: &[u8] = b"\x89PNG a picture";

fn update(kind: &str, id: i64, more: Value) -> Value {
    let mut of = message(OWNER, OWNER, more);
    of["message_id"] = id.into();
    json!({kind: of})
}

fn push(app: &App, id: i64, more: Value) {
    app.api.push(update("message", id, more));
}

fn photo(file: &str) -> Value {
    json!([{"file_id": file, "file_unique_id": "u", "width": 1, "height": 1}])
}

fn document(file: &str, name: &str) -> Value {
    json!({"file_id": file, "file_unique_id": "u", "file_name": name})
}

async fn with_session() -> App {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app
}

/// Returns the files in a session's inbox, sorted by name.
fn saved(app: &App, session: &str) -> Vec<PathBuf> {
    let inbox = app.path("state/sessions").join(session).join("inbox");
    let mut files: Vec<_> = fs::read_dir(inbox).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| !file.ends_with(".gitignore"));
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_saved_and_the_agent_gets_their_paths() {
    let app = with_session().await;
    app.api.add_file("p", PNG.to_vec());
    app.api.add_file("d", b"one, two\n".to_vec());
    push(&app, 101, json!({"photo": photo("p"), "caption": "what is it?"}));
    let answer = app.wait_for(OWNER, 0, "[1 image]\nYou said: what is it?").await;
    let [picture] = saved(&app, "alpha").try_into().unwrap();
    assert!(answer.ends_with(&format!("\n\n[Attached photo: {}]", picture.display())), "{answer}");
    assert_eq!(fs::read(&picture).unwrap(), PNG);

    push(&app, 102, json!({"document": document("d", "../../a report.csv"), "caption": "sum it up"}));
    let answer = app.wait_for(OWNER, 0, "You said: sum it up").await;
    let report = saved(&app, "alpha").into_iter().find(|file| file.extension().unwrap() == "csv").unwrap();
    assert!(report.file_name().unwrap().to_str().unwrap().starts_with("a_report-"), "{report:?}");
    assert!(answer.ends_with(&format!("\n\n[Attached file: {}]", report.display())), "{answer}");
    assert_eq!(fs::read(&report).unwrap(), b"one, two\n");

    push(&app, 103, json!({"voice": {"file_id": "v", "file_unique_id": "u", "duration": 7}}));
    let answer = app.wait_for(OWNER, 0, "[Attached voice message, 7 s: ").await;
    assert!(answer.contains("You said: [voice message]") && answer.ends_with(".ogg]"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_files_of_an_album_are_one_message() {
    let app = with_session().await;
    app.api.push_all(vec![
        update("message", 101, json!({"photo": photo("p"), "media_group_id": "A", "caption": "compare them"})),
        update("message", 102, json!({"document": document("d", "a.txt"), "media_group_id": "A"})),
    ]);
    app.api.add_file("d", b"text".to_vec());
    let answer = app.wait_for(OWNER, 0, "[1 image]\nYou said: compare them").await;
    let notes: Vec<&str> = answer.lines().filter_map(|line| line.strip_prefix("[Attached ")).collect();
    assert_eq!(notes.iter().map(|note| note.split(':').next().unwrap()).collect::<Vec<_>>(), ["photo", "file"]);

    // Six images would exceed a message's maximum size.
    app.api.add_file("big", [PNG, &vec![0; 3_700_000]].concat());
    let big = |id| update("message", id, json!({"photo": photo("big"), "media_group_id": "B"}));
    app.api.push_all((103..=108).map(big).collect());
    let answer = app.wait_for(OWNER, 0, "[5 images]\nYou said: [album]").await;
    assert_eq!(answer.matches("[Attached photo: ").count(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_file_cannot_be_saved_is_refused() {
    let app = with_session().await;
    let refused = "\nYour message was not sent to the agent.";
    push(&app, 101, json!({"photo": photo("gone"), "caption": "what is it?"}));
    app.wait_for(OWNER, 0, &format!("The photo could not be downloaded: HTTP 404{refused}")).await;
    let mut large = document("large", "a.zip");
    large["file_size"] = (21 << 20).into();
    push(&app, 102, json!({"document": large, "caption": "unpack it"}));
    let why = "it has 21 MiB, but the limit for files from Telegram is 20 MiB";
    app.wait_for(OWNER, 0, &format!("The file could not be downloaded: {why}{refused}")).await;
    assert_eq!(app.api.calls("getFile").len(), 1);

    // A file's size may be unknown before the download. The limit can change while the host is running.
    let config = fs::read_to_string(app.path("config.toml")).unwrap();
    fs::write(app.path("config.toml"), config.replace("[telegram]\n", "[telegram]\nfile_limit = \"1MiB\"\n")).unwrap();
    app.until("the new configuration", || app.log().contains("configuration changed").then_some(())).await;
    app.api.add_file("unknown", vec![b'x'; (1 << 20) + 1]);
    push(&app, 103, json!({"document": document("unknown", "a.txt")}));
    let why = "it has more than 1 MiB, the limit for files from Telegram";
    app.wait_for(OWNER, 0, &format!("The file could not be downloaded: {why}{refused}")).await;

    let inbox = app.path("state/sessions/alpha/inbox");
    assert_eq!(saved(&app, "alpha"), [] as [PathBuf; 0], "nothing incomplete is left");
    fs::remove_dir_all(&inbox).unwrap();
    std::os::unix::fs::symlink(app.path("plugins"), &inbox).unwrap();
    push(&app, 104, json!({"photo": photo("p")}));
    app.wait_for(OWNER, 0, "The file could not be saved in ").await;
    assert_eq!(fs::read_dir(app.path("plugins")).unwrap().count(), 0, "the host follows no link of the agent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_download_is_repeated() {
    let app = with_session().await;
    let content: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    app.api.add_file("d", content.clone());
    app.api.fail("file", Fault::Cut);
    app.api.fail("file", Fault::Garbage(502));
    push(&app, 101, json!({"document": document("d", "a.bin"), "caption": "inspect it"}));
    app.wait_for(OWNER, 0, "You said: inspect it").await;
    let [file] = saved(&app, "alpha").try_into().unwrap();
    assert_eq!(fs::read(file).unwrap(), content);
    assert_eq!(app.api.calls("getFile").len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_can_have_files() {
    let app = with_session().await;
    push(&app, 101, json!({"text": "slow 100000"}));
    app.wait_for(OWNER, 0, "line 1").await;
    push(&app, 102, json!({"photo": photo("p"), "caption": "/now look at this"}));
    app.wait_for(OWNER, 0, "[1 image]\nYou said: look at this\n\n[Attached photo: ").await;
    push(&app, 103, json!({"photo": photo("p"), "caption": "/timeout 5"}));
    app.wait_for(OWNER, 0, "set to 5 minutes").await;
    let not_used =
        "/timeout doesn't use files, so the agent didn't get yours. Saved in the session's folder as inbox/photo-";
    app.wait_for(OWNER, 0, not_used).await;
    assert_eq!(saved(&app, "alpha").len(), 2);
    push(&app, 105, json!({"photo": photo("gone"), "caption": "/timeout 6"}));
    app.wait_for(OWNER, 0, "set to 6 minutes").await;
    app.wait_for(OWNER, 0, "The photo could not be downloaded: HTTP 404\n/timeout ran without it.").await;
    app.ask(OWNER, "/archive", "archived").await;
    push(&app, 104, json!({"photo": photo("p"), "caption": "/new beta"}));
    app.wait_for(OWNER, 0, "Session 'beta' created.").await;
    app.wait_for(OWNER, 0, "/new doesn't use files, so the agent didn't get yours. Send them again without a command.")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_for_a_program_without_files_are_saved() {
    let app = App::new().await;
    app.configure(&format!("owner = {OWNER}\n[agents.shell]\nkind = \"plain\"\ncommand = \"cat\""));
    app.until("the new configuration", || app.log().contains("configuration changed").then_some(())).await;
    app.ask(OWNER, "/new alpha default shell", "Session 'alpha' created").await;
    push(&app, 101, json!({"document": document("d", "a.txt"), "caption": "hello"}));
    let notice = app
        .wait_for(
            OWNER,
            0,
            "The agent reads only text, so it gets only your caption. Saved in the session's folder as inbox/a-",
        )
        .await;
    assert!(notice.ends_with(".txt."), "{notice}");
    push(&app, 102, json!({"document": document("d", "b.txt")}));
    app.wait_for(OWNER, 0, "The agent can't receive files. Send it a message that names the file.").await;
    assert_eq!(saved(&app, "alpha").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_without_a_file_gets_one_answer() {
    let app = with_session().await;
    let game = json!({"title": "t", "description": "d", "photo": photo("p")});
    push(&app, 101, json!({"game": game}));
    app.wait_for(OWNER, 0, "The agent can't get this kind of message (game).").await;
    push(&app, 102, json!({"game": game, "caption": "play"}));
    app.wait_for(OWNER, 0, "The agent gets only the caption. It can't see the game.").await;
    app.wait_for(OWNER, 0, "You can't see the attachment, only this caption.]\n\nplay").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_message_keeps_its_file_after_a_crash() {
    let mut app = with_session().await;
    push(&app, 103, json!({"text": "slow 100000"}));
    app.wait_for(OWNER, 0, "line 1").await;
    push(&app, 104, json!({"photo": photo("f")}));
    push(&app, 105, json!({"photo": photo("f")}));
    app.until("the messages are queued", || (app.session("alpha")["queued"] == 2).then_some(())).await;
    let edit = json!({"photo": photo("f"), "caption": "and this?", "edit_date": 1_790_000_001});
    app.api.push(update("edited_message", 105, edit));
    app.ask(OWNER, "/timeout 5", "set to 5 minutes").await;
    app.kill();
    app.start();
    app.wait_for(OWNER, 0, "[1 image]\nYou said: [photo]").await;
    app.wait_for(OWNER, 0, "[1 image]\nYou said: and this?").await;
    assert_eq!(app.api.calls("getFile").len(), 2, "a saved file is not downloaded again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_sends_the_file_again() {
    let mut app = with_session().await;
    push(&app, 101, json!({"photo": photo("f"), "caption": "slow 100000"}));
    app.wait_for(OWNER, 0, "line 1").await;
    app.kill();
    app.start();
    app.wait_for(OWNER, 0, "was answering “slow 100000”").await;
    app.ask(OWNER, "/retry", "[1 image]\nline 1").await;
    app.ask(OWNER, "/stop", "Stopped.").await;
    assert_eq!(app.api.calls("getFile").len(), 1, "a saved file is not downloaded again");
}
