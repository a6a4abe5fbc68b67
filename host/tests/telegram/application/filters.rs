//! Tests filters: one that transcribes voice messages, and one that changes and rejects texts.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{App, OWNER, component};
use crate::botapi::message;

/// A transcription server that returns predefined answers, one per request, in order.
struct Whisper {
    url: String,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Whisper {
    async fn start(answers: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/audio/transcriptions", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let answers: Vec<(u16, String)> = answers.iter().map(|(status, text)| (*status, (*text).to_owned())).collect();
        let (received, answers) = (Arc::clone(&requests), Arc::new(answers));
        let handler = move |body: Bytes| async move {
            let mut received = received.lock().unwrap();
            received.push(body.to_vec());
            let (status, text) = answers[received.len() - 1].clone();
            (StatusCode::from_u16(status).unwrap(), text)
        };
        let router = Router::new().route("/v1/audio/transcriptions", post(handler));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, requests }
    }

    /// Returns the plugin's configuration.
    fn config(&self) -> String {
        let Self { url, .. } = self;
        format!(
            "[plugins]\nfilters = [\"transcribe\"]\n\
             [plugins.transcribe]\ngrants = [\"attachments\"]\nhttp = [\"POST {url}\"]\nsecrets = []\n\
             [plugins.transcribe.config]\nurl = \"{url}\"\nlanguage = \"en\"\n"
        )
    }
}

/// Returns a voice message that has the file `v`. The fields in `more` are added to the message and override existing
/// ones.
pub fn voice(id: i64, more: Value) -> Value {
    let voice = json!({"file_id": "v", "file_unique_id": "u", "duration": 7, "mime_type": "audio/ogg"});
    let mut of = message(OWNER, OWNER, json!({ "voice": voice }));
    of["message_id"] = id.into();
    for (key, value) in more.as_object().unwrap() {
        of[key] = value.clone();
    }
    of
}

/// Starts a host with this plugin and configuration, and creates the session `alpha`.
async fn with_filter(name: &str, wasm: &[u8], config: &str) -> App {
    let mut app = App::prepared().await;
    app.configure(&format!("owner = {OWNER}\n{config}"));
    app.start();
    app.api.until_calls("getUpdates", 1).await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    // The message isn't delivered, because the listed but inactive filter might have rejected it.
    let refused = app.ask(OWNER, "hello", "Not sent to the agent: ").await;
    assert!(refused.contains(&format!("the filter '{name}' is not active")), "{refused}");
    assert!(refused.contains("or ask the owner to remove the filter from `filters` in [plugins]"), "{refused}");
    app.save_plugin(name, wasm);
    app.wait_for(OWNER, 0, &format!("Plugin '{name}' is active")).await;
    app
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voice_message_reaches_the_agent_as_text() {
    let whisper = Whisper::start(&[
        (200, r#"{"text": " Buy *milk*. "}"#),
        (200, r#"{"text": "At noon."}"#),
        (503, "the model is loading"),
    ]);
    let whisper = whisper.await;
    let app = with_filter("transcribe", &component("extra/transcribe.wasm"), &whisper.config()).await;
    app.api.add_file("v", b"OggS a recording".to_vec());
    app.api.push(json!({"message": voice(101, json!({}))}));
    app.wait_for(OWNER, 0, "🎤 Buy *milk*.").await;
    app.wait_for(OWNER, 0, "You said: Buy milk.\n\n[Attached voice message, 7 s: ").await;
    let request = String::from_utf8_lossy(&whisper.requests.lock().unwrap()[0]).into_owned();
    for part in ["OggS a recording", "name=\"language\"", "whisper-1", "filename=\"voice-"] {
        assert!(request.contains(part), "{part}: {request}");
    }

    // `/now` also includes the voice message.
    let first = app.api.next_id();
    app.api.push(json!({"message": voice(102, json!({"caption": "/now Remind me:"}))}));
    app.wait_for(OWNER, first, "You said: Remind me:\n\nAt noon.").await;

    let first = app.api.next_id();
    app.api.push(json!({"message": voice(103, json!({}))}));
    app.wait_for(OWNER, first, "🎤 Not transcribed, so the agent gets the recording itself: the server answered with")
        .await;
    app.wait_for(OWNER, first, "[The recording could not be transcribed: ").await;
    // Text messages aren't transcribed.
    app.ask(OWNER, "hello", "You said: hello").await;
    assert_eq!(whisper.requests.lock().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voice_message_is_transcribed_again_after_a_kill() {
    let answer = r#"{"text": "Buy milk."}"#;
    let whisper = Whisper::start(&[(200, answer), (200, answer)]).await;
    let mut app = with_filter("transcribe", &component("extra/transcribe.wasm"), &whisper.config()).await;
    app.ask(OWNER, "slow 100000", "line 2").await;
    app.api.push(json!({"message": voice(101, json!({}))}));
    app.wait_for(OWNER, 0, "🎤 Buy milk.").await;
    app.kill();
    let first = app.api.next_id();
    app.start();
    // The stored text is used after the restart, so no second transcription is needed.
    app.wait_for(OWNER, first, "You said: Buy milk.").await;
    assert_eq!(whisper.requests.lock().unwrap().len(), 1);
}

/// Returns the filter from the contract tests. Its source is in `tests/fixtures/0.2.4`.
fn fixture() -> &'static [u8] {
    include_bytes!("../../fixtures/0.2.4/filter.wasm")
}

const CONFIG: &str = "[plugins]\nfilters = [\"filter\"]\n[plugins.filter]\ngrants = [\"attachments\", \"sessions\"]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_changes_and_rejects_messages() {
    let app = with_filter("filter", fixture(), CONFIG).await;
    app.ask_agent(OWNER, "pass", "You said: pass").await;
    let first = app.api.next_id();
    app.api.says(OWNER, "replace");
    app.wait_for(OWNER, first, "A notice").await;
    app.wait_for(OWNER, first, "You said: replaced").await;
    app.ask(OWNER, "annotate", "You said: annotate\n\na note").await;
    let refused = app.ask(OWNER, "secret", "Not sent to the agent: ").await;
    assert!(refused.ends_with("\n“secret”") && refused.contains("\"alpha\", \"secret\""), "{refused}");
    let refused = app.ask(OWNER, "/now secret", "Not sent to the agent: ").await;
    assert!(refused.ends_with("“secret”"), "{refused}");
    // Filters don't process agent commands or host commands.
    app.ask(OWNER, "//nothing", "no command //nothing").await;
    app.ask(OWNER, "/sessions", "alpha").await;
    // Without the filter, every message is delivered unchanged.
    app.configure(&format!("owner = {OWNER}\n[plugins.filter]\ngrants = [\"attachments\", \"sessions\"]\n"));
    app.until("the new configuration", || app.log().contains("configuration changed").then_some(())).await;
    app.ask(OWNER, "secret again", "You said: secret again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agent_does_not_get_a_message_whose_filter_failed() {
    let config = format!("{CONFIG}calls = 1\n");
    let app = with_filter("filter", fixture(), &config).await;
    app.api.add_file("v", b"OggS a recording".to_vec());
    let first = app.api.next_id();
    // The filter reads the file three times.
    app.api.push(json!({"message": voice(101, json!({"caption": "listen"}))}));
    let refused = app.wait_for(OWNER, first, "Not sent to the agent: ").await;
    assert!(
        refused.contains("the filter 'filter' exceeded its calls limit") && refused.ends_with("“listen”"),
        "{refused}"
    );
    app.ask_agent(OWNER, "pass", "You said: pass").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_are_filtered_and_an_unchanged_one_is_ignored() {
    let app = with_filter("filter", fixture(), CONFIG).await;
    app.ask(OWNER, "slow 100000", "line 2").await;
    let edit = |id: i64, text: &str| {
        let mut edited = message(OWNER, OWNER, json!({"text": text, "edit_date": 1_790_000_001}));
        edited["message_id"] = id.into();
        app.api.push(json!({ "edited_message": edited }));
    };
    let mut waiting = message(OWNER, OWNER, json!({"text": "annotate"}));
    waiting["message_id"] = 500.into();
    app.api.push(json!({ "message": waiting }));
    app.until("the message waits", || (app.session("alpha")["queued"] == 1).then_some(())).await;
    // The edit changed nothing, so the filtered text stays.
    edit(500, "annotate");
    let first = app.api.next_id();
    edit(500, "secret");
    let refused = app.wait_for(OWNER, first, "A filter rejected your edit, ").await;
    assert!(refused.ends_with("\n“secret”") && !refused.contains("Not sent"), "{refused}");
    app.ask(OWNER, "/queue", "annotate").await;
    edit(500, "replace");
    app.wait_for(OWNER, first, "A notice").await;
    app.ask(OWNER, "/stop", "Stopped").await;
    app.wait_for(OWNER, first, "You said: replaced").await;
}
