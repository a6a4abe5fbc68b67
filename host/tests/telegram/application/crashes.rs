//! Tests that no accepted message is lost when the host is killed at any time: the next host answers it or reports the
//! interrupted turn.

use super::{App, OWNER};
use crate::botapi::Fault;

fn count(app: &App, text: &str) -> usize {
    app.api.chat(OWNER).iter().filter(|shown| shown.contains(text)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_turn_is_reported_and_not_repeated() {
    let mut app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.stream(OWNER, "slow 3000").await;
    let pid = app.pid("alpha");
    app.kill();
    app.start();
    let shown = app.wait_for(OWNER, 0, "Your message was not sent again.").await;
    assert!(shown.contains("“slow 3000”"), "{shown}");
    // The host deletes the live message after it has sent the message with the warning sign.
    let marked = || (count(&app, "⚠ This answer was interrupted:\n\nline 1"), count(&app, "line 1")) == (1, 1);
    app.until("the incomplete answer in one marked message", || marked().then_some(())).await;
    app.until("the old agent exits", || (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(())).await;
    assert_eq!(count(&app, "Session 'alpha' created."), 1);
    app.api.press(OWNER, OWNER, "Leave it");
    app.wait_for(OWNER, 0, "Dropped.").await;
    app.ask(OWNER, "and now?", "and now?").await;
    assert_eq!((count(&app, "line 1"), count(&app, "was not sent again")), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_continues_after_a_note_about_what_was_shown() {
    let mut app = App::prepared().await;
    app.configure(&format!("owner = {OWNER}\n[sessions]\ninterrupted = \"resume\"\n"));
    app.start();
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask(OWNER, "hello", "You said: hello").await;
    app.stream(OWNER, "slow 3000").await;
    app.kill();
    let first = app.api.next_id();
    app.start();
    app.wait_for(OWNER, first, "while session 'alpha' was answering “slow 3000”. The agent continues.").await;
    let answer = app.wait_for(OWNER, first, "You said: [This is a note from Cordboard, not a new request.").await;
    assert!(
        answer.contains("The message:\nslow 3000\n") && answer.contains("your answer up to this point:\nline 1"),
        "{answer}"
    );
    assert_eq!(count(&app, "was not sent again"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_live_message_of_a_killed_host_remains() {
    let mut app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask(OWNER, "hang", "Thinking…").await;
    // The host stores the id of the live message before the first edit, which comes after five seconds.
    let is_edited = || app.api.calls("editMessageText").iter().any(|call| call.text().starts_with("Thinking"));
    app.until("the stored live message", || is_edited().then_some(())).await;
    app.kill();
    app.start();
    app.wait_for(OWNER, 0, "Your message was not sent again.").await;
    app.until("the end of the live message", || (count(&app, "Thinking") == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_turn_is_repeated_on_request() {
    let mut app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.stream(OWNER, "slow 1000").await;
    app.kill();
    app.start();
    app.wait_for(OWNER, 0, "Your message was not sent again.").await;
    app.wait_for(OWNER, 0, "⚠ This answer was interrupted:\n\nline 1").await;
    let first = app.api.next_id();
    app.api.press(OWNER, OWNER, "Send again");
    app.wait_for(OWNER, first, "line 1\nline 2").await;
    app.ask(OWNER, "/stop", "Stopped.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unsent_answer_is_sent_at_the_next_start() {
    let mut app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.api.fail("sendMessage", Fault::Hang);
    let sent = app.api.calls("sendMessage").len();
    app.api.says(OWNER, "/timeout");
    app.api.until_calls("sendMessage", sent + 1).await;
    app.kill();
    app.start();
    app.wait_for(OWNER, 0, "Idle timeout: 10 minutes").await;
    app.ask(OWNER, "/timeout 5", "set to 5 minutes").await;
    assert_eq!(count(&app, "Idle timeout: 10 minutes"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_final_answer_of_a_turn_is_not_lost() {
    let mut app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.api.fail("sendMessage", Fault::Hang);
    app.api.says(OWNER, "remember the milk");
    // Wait until the answer is stored and can no longer be lost. The end of the turn may be published earlier.
    let stored = || {
        let posts = cordboard_store::read_only(&app.path("state")).unwrap().outbox;
        posts.iter().any(|post| post.reply.text.contains("the milk")).then_some(())
    };
    app.until("the answer is stored", stored).await;
    app.kill();
    app.start();
    app.wait_for(OWNER, 0, "the milk").await;
    app.ask(OWNER, "recall", "milk").await;
    assert_eq!(count(&app, "not sent again"), 0, "the turn was not interrupted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_answered_after_a_kill_at_any_time() {
    let mut app = App::new().await;
    for (number, polls) in [0, 1, 1, 2].into_iter().enumerate() {
        let before = app.api.calls("getUpdates").len();
        let name = format!("s{number}");
        app.api.says(OWNER, &format!("/new {name}"));
        // Kill the host at different times: before the update is stored, when the host confirms it, and after the
        // session is created.
        app.api.until_calls("getUpdates", before + polls.min(1)).await;
        if polls == 2 {
            app.until("the session", || app.session(&name).is_object().then_some(())).await;
        }
        app.kill();
        app.start();
        let shown = format!("Session '{name}'");
        app.wait_for(OWNER, 0, &shown).await;
        app.ask(OWNER, "/help", "/help").await;
        assert!((1..=2).contains(&count(&app, &shown)), "{:#?}", app.api.chat(OWNER));
        assert!(app.session(&name).is_object());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_termination_does_not_wait_for_a_hanging_poll() {
    let mut app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let pid = app.pid("alpha");
    let began = std::time::Instant::now();
    assert_eq!(app.terminate().await, Some(0));
    // The fake API holds polls open for fifty seconds.
    assert!(began.elapsed() < std::time::Duration::from_secs(45), "the shutdown waited for the poll");
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}
