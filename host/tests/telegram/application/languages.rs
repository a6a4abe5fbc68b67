//! Tests the language of texts: each user gets their own, posts without a user get that of their chat, and `[language]`
//! sets one for all.

use serde_json::{Value, json};

use super::{App, MEMBER, OWNER};
use crate::botapi::message;

const GROUP: i64 = -100_200;

/// Sends a text in a chat, from a user whose app has this language.
fn says(app: &App, user: i64, chat: i64, (language, text): (&str, &str)) {
    let mut message = message(user, chat, json!({ "text": text }));
    message["from"]["language_code"] = Value::from(language);
    app.api.push(json!({ "message": message }));
}

async fn asks(app: &App, user: i64, chat: i64, (language, text): (&str, &str), wanted: &str) {
    let first = app.api.next_id();
    says(app, user, chat, (language, text));
    app.wait_for(chat, first, wanted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_a_group_get_their_own_language() {
    let app = App::new().await;
    let (german, english) =
        ("Keine aktive Session. Starte eine mit /new.", "No active session. Use /new to start one.");
    asks(&app, OWNER, GROUP, ("de-AT", "hallo"), german).await;
    asks(&app, MEMBER, GROUP, ("en", "hello"), english).await;
    asks(&app, MEMBER, GROUP, ("fr", "bonjour"), english).await;
    asks(&app, OWNER, GROUP, ("de", "/ne"), "Unbekannter Befehl /ne. Meintest du /new?").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_after_a_restart_have_the_language_of_the_chat() {
    let mut app = App::new().await;
    asks(&app, OWNER, OWNER, ("de", "/new eins"), "eins").await;
    asks(&app, MEMBER, MEMBER, ("en", "/new two"), "two").await;
    let menus = |language: Option<&str>| {
        let calls = app.api.calls("setMyCommands").into_iter();
        calls.filter(|call| call.params.get("language_code").and_then(Value::as_str) == language).count()
    };
    assert!(menus(None) > 0 && menus(None) == menus(Some("de")), "each menu is set in both languages");
    for (user, language, session) in [(OWNER, "de", "eins"), (MEMBER, "en", "two")] {
        says(&app, user, user, (language, "slow 100000"));
        app.until("the turn", || (app.session(session)["phase"] == "busy").then_some(())).await;
    }
    app.kill();
    app.start();
    app.wait_for(OWNER, 0, "während Session 'eins' auf „slow 100000“ antwortete. Deine Nachricht wurde nicht").await;
    app.wait_for(MEMBER, 0, "while session 'two' was answering “slow 100000”. Your message was not sent").await;
    let labels = |chat| app.api.buttons(chat).into_iter().map(|(_, label, _)| label).collect::<Vec<_>>();
    assert_eq!(labels(OWNER), ["Erneut senden", "Verwerfen"]);
    assert_eq!(labels(MEMBER), ["Send again", "Leave it"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configured_language_is_used_for_all_users() {
    let mut app = App::prepared().await;
    app.configure(&format!("owner = {OWNER}\n[language]\ntexts = \"de\""));
    app.start();
    asks(&app, OWNER, OWNER, ("en", "hello"), "Keine aktive Session. Starte eine mit /new.").await;
}
