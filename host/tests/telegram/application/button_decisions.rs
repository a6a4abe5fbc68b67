//! Tests that a button works only once, and only for the session and request that it was created for. Afterwards, the
//! button's message shows the decision and who made it.

use serde_json::json;

use super::{App, OWNER, component};
use crate::botapi::message;

/// Returns the id of the message in the owner's chat that contains `begins`, and the data of its button labeled
/// `label`.
fn button(app: &App, begins: &str, label: &str) -> (i64, String) {
    let buttons = app.api.buttons(OWNER);
    let found =
        buttons.into_iter().find(|(id, of, _)| of == label && app.api.current_text(OWNER, *id).contains(begins));
    let (id, _, data) =
        found.unwrap_or_else(|| panic!("no button '{label}' below '{begins}': {:#?}", app.api.chat(OWNER)));
    (id, data)
}

async fn until_closed(app: &App, message: i64, outcome: &str) {
    let closed = || {
        let text = app.api.current_text(OWNER, message);
        text.rsplit("\n\n").next().is_some_and(|line| without_time(line) == outcome).then_some(())
    };
    app.until(&format!("'{outcome}'"), closed).await;
    assert!(app.api.buttons(OWNER).iter().all(|(id, ..)| *id != message), "its buttons are gone");
}

/// Returns the decision line without its time, which is 16 characters long.
fn without_time(line: &str) -> String {
    let Some(rest) = line.strip_prefix("Decided by ") else { return line.to_owned() };
    let (by, rest) = rest.split_once(", 20").expect("a decision has a time");
    format!("Decided by {by}{}", rest.get(14..).unwrap_or_default())
}

/// Kills and restarts the host during each of two answers. Returns the application after the chat has shown a notice
/// about each prompt.
async fn interrupted_twice() -> App {
    let mut app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    for prompt in ["slow 3001", "slow 3002"] {
        let first = app.api.next_id();
        app.stream(OWNER, prompt).await;
        app.kill();
        app.start();
        app.wait_for(OWNER, first, &format!("was answering “{prompt}”")).await;
        // The host resends the partial answer with a warning sign. Wait for that message here, so that the next round
        // doesn't mistake it for its own answer.
        app.wait_for(OWNER, first, "⚠ This answer was interrupted:\n\nline 1").await;
    }
    app
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_button_decides_only_its_own_prompt() {
    let app = interrupted_twice().await;
    let (first, leave) = button(&app, "“slow 3001”", "Leave it");
    let (second, again) = button(&app, "“slow 3002”", "Send again");
    app.api.press_data((OWNER, OWNER), first, &leave);
    until_closed(&app, first, "Decided by Ada: Leave it.").await;
    let next = app.api.next_id();
    app.api.press_data((OWNER, OWNER), first, &leave);
    let shown = app.wait_for(OWNER, next, "has no effect").await;
    assert_eq!(without_time(&shown), "Decided by Ada: Leave it. The button has no effect.");
    app.api.press_data((OWNER, OWNER), second, &again);
    until_closed(&app, second, "Decided by Ada: Send again.").await;
    app.ask(OWNER, "/stop", "Stopped.").await;
    app.ask(OWNER, "/retry", "Nothing to retry.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_typed_command_closes_its_notice() {
    let app = interrupted_twice().await;
    let (first, _) = button(&app, "“slow 3001”", "Leave it");
    let (second, _) = button(&app, "“slow 3002”", "Leave it");
    app.ask(OWNER, "/leave", "An earlier message of session 'alpha'").await;
    until_closed(&app, second, "Decided by Ada L: Leave it.").await;
    // The reminder asks the same question as the first notice.
    let (reminder, leave) = button(&app, "An earlier message", "Leave it");
    app.api.press_data((OWNER, OWNER), reminder, &leave);
    until_closed(&app, reminder, "Decided by Ada: Leave it.").await;
    until_closed(&app, first, "Decided by Ada: Leave it.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_button_acts_on_its_own_session() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask(OWNER, "/persona", "Persona: none").await;
    let (message, data) = button(&app, "Persona: none", "research");
    app.ask(OWNER, "/new beta", "Session 'beta' created.").await;
    app.api.press_data((OWNER, OWNER), message, &data);
    app.wait_for(OWNER, 0, "Persona set to 'research' for session 'alpha'.").await;
    until_closed(&app, message, "Decided by Ada: research.").await;
    assert_eq!(app.session("alpha")["persona"], "research");
    assert!(app.session("beta")["persona"].is_null());
    // The list marks the session that is active in this chat.
    assert!(app.ask(OWNER, "/sessions", "alpha").await.starts_with("→ 🟢 beta"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_to_a_plugin_question_is_shown_below_it() {
    let app = App::new().await;
    app.save_plugin("needs_approval", &component("bad/needs_approval.wasm"));
    app.wait_for(OWNER, 0, "requests capabilities that it was not granted").await;
    let (message, _) = app.api.buttons(OWNER).into_iter().map(|(id, _, data)| (id, data)).next().unwrap();
    app.api.press(OWNER, OWNER, "Refuse");
    until_closed(&app, message, "Decided by Ada: Refuse.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_message_is_the_reason_of_a_denial() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask(OWNER, "run make clean", "asks for permission:").await;
    let (question, data) = button(&app, "asks for permission", "Deny and say why");
    app.api.press_data((OWNER, OWNER), question, &data);
    app.wait_for(OWNER, 0, "Send the text as your next message here").await;
    app.ask(OWNER, "keep the cache", "The user denied this and said: keep the cache").await;
    until_closed(&app, question, "Decided by Ada L: Deny and say why: keep the cache.").await;
    app.ask_agent(OWNER, "hello", "You said: hello").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_to_a_question_is_the_reason_of_a_denial() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask(OWNER, "run make clean", "asks for permission:").await;
    let (question, _) = button(&app, "asks for permission", "Deny and say why");
    let of_bot = message(42, OWNER, json!({"text": "asks", "message_id": question}));
    let reply =
        |text: &str| json!({"message": message(OWNER, OWNER, json!({"text": text, "reply_to_message": of_bot}))});
    app.api.push(reply("keep *the* cache"));
    // The agent's answer is rendered as Markdown, so its asterisks don't appear.
    app.wait_for(OWNER, 0, "The user denied this and said: keep the cache").await;
    until_closed(&app, question, "Decided by Ada L: Deny and say why: keep *the* cache.").await;
    // The question is closed, so a reply to it is a prompt.
    app.api.push(reply("and now?"));
    app.wait_for(OWNER, 0, "You said: In reply to your message:").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_answered_without_its_plugin() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask(OWNER, "run make clean", "asks for permission:").await;
    let (question, allow) = button(&app, "asks for permission", "Allow once");
    app.ask(OWNER, "/plugins disable approval", "Plugin 'approval' is disabled.").await;
    app.api.press_data((OWNER, OWNER), question, &allow);
    until_closed(&app, question, "Decided by Ada: Allow once.").await;
    app.wait_for(OWNER, 0, "You allowed it.").await;
    // Without the `approval` plugin, a user decides every permission request.
    app.ask(OWNER, "run ls", "asks for permission:").await;
    let (question, why) = button(&app, "ls", "Deny and say why");
    app.api.press_data((OWNER, OWNER), question, &why);
    app.wait_for(OWNER, 0, "Send the text as your next message here").await;
    app.ask(OWNER, "use git", "The user denied this and said: use git").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buttons_act_on_their_session_after_a_rename() {
    let mut app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.stream(OWNER, "slow 3001").await;
    app.kill();
    app.start();
    app.wait_for(OWNER, 0, "was answering “slow 3001”").await;
    app.wait_for(OWNER, 0, "⚠ This answer was interrupted:\n\nline 1").await;
    let (notice, again) = button(&app, "“slow 3001”", "Send again");
    app.ask(OWNER, "/rename beta", "Session 'alpha' is now called 'beta'.").await;
    app.ask(OWNER, "run ls", "Session 'beta' in ").await;
    let (question, allow) = button(&app, "Session 'beta' in ", "Allow once");
    app.ask(OWNER, "/rename gamma", "Session 'beta' is now called 'gamma'.").await;
    // Reuse the names in the buttons' commands for other sessions.
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask(OWNER, "/new beta", "Session 'beta' created.").await;
    let next = app.api.next_id();
    app.api.press_data((OWNER, OWNER), question, &allow);
    until_closed(&app, question, "Decided by Ada: Allow once.").await;
    app.wait_for(OWNER, next, "You allowed it.").await;
    app.api.press_data((OWNER, OWNER), notice, &again);
    until_closed(&app, notice, "Decided by Ada: Send again.").await;
    app.wait_for(OWNER, next, "line 1\nline 2").await;
    app.ask(OWNER, "/session gamma", "Switched to session 'gamma'.").await;
    app.ask(OWNER, "/stop", "Stopped.").await;
}
