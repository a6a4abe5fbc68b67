//! Tests Bot API failures with the whole application.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use super::{App, MEMBER, OWNER};
use crate::botapi::{Fault, TOKEN};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retry_after_for_an_edit_loses_no_final_answer() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.api.fail("editMessageText", Fault::Flood(2));
    app.ask_agent(OWNER, "slow 3", "line 1\nline 2\nline 3").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_token_ends_the_host_with_a_clear_message() {
    let mut app = App::prepared().await;
    app.api.fail("getMe", Fault::Error(401, "Unauthorized"));
    app.start();
    assert_eq!(app.ended().await, Some(1));
    let log = app.log();
    let last = log.lines().last().unwrap_or_default();
    let file = app.path("token").display().to_string();
    assert!(last.contains("sign in to Telegram") && last.contains(&file) && last.contains("@BotFather"), "{log}");
    assert!(!log.contains(TOKEN));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_poller_is_reported_and_the_host_continues() {
    let mut app = App::prepared().await;
    app.api.fail("getUpdates", Fault::Error(409, "Conflict: terminated by other getUpdates request"));
    app.start();
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    assert!(app.log().contains("another program is polling Telegram with this token"), "{}", app.log());
}

/// Returns how many messages in the owner's chat have this text.
fn count(app: &App, text: &str) -> usize {
    app.api.chat(OWNER).iter().filter(|shown| *shown == text).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_temporary_second_poller_loses_no_message() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    for number in 0..2 {
        let polls = app.api.calls("getUpdates").len();
        app.api.rival();
        app.api.until_calls("getUpdates", polls + 1).await;
        app.ask_agent(OWNER, &number.to_string(), &format!("You said: {number}")).await;
    }
    app.until_turns("alpha", 2).await;
    let log = app.log();
    assert!(
        log.contains("another program is polling Telegram with this token: no messages arrive until you stop it"),
        "{log}"
    );
    assert!(log.contains("receiving messages from Telegram again"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_polls_lose_and_repeat_nothing() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let faults = [
        Fault::Error(500, "Internal Server Error"),
        Fault::Garbage(200),
        Fault::Garbage(502),
        // The server sent the batch, but the response was lost.
        Fault::Lost,
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        app.api.fail("getUpdates", fault);
        // The first text completes the pending poll, and the next poll fails. The second text arrives before or during
        // the failing poll.
        for half in ["a", "b"] {
            app.api.says(OWNER, &format!("{number}{half}"));
        }
        for half in ["a", "b"] {
            app.wait_for(OWNER, 0, &format!("You said: {number}{half}")).await;
        }
    }
    app.ask_agent(OWNER, "the end", "You said: the end").await;
    for number in 0..4 {
        for half in ["a", "b"] {
            assert_eq!(count(&app, &format!("You said: {number}{half}")), 1, "{:#?}", app.api.chat(OWNER));
        }
    }
    app.until_turns("alpha", 9).await;
    let log = app.log();
    assert!(
        log.contains("Telegram is unavailable: retrying") && log.contains("receiving messages from Telegram again"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_failed_sends_are_repeated() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let faults = [Fault::Error(500, "Internal Server Error"), Fault::Garbage(200), Fault::Garbage(502)];
    for (number, fault) in faults.into_iter().enumerate() {
        let minutes = number + 2;
        let answer = format!("Idle timeout set to {minutes} minutes for session 'alpha'.");
        app.api.fail("sendMessage", fault.clone());
        app.ask(OWNER, &format!("/timeout {minutes}"), &answer).await;
        // Failed edits are retried too.
        app.api.fail("editMessageText", fault);
        app.ask_agent(OWNER, "slow 3", "line 1\nline 2\nline 3").await;
        assert_eq!(count(&app, &answer), 1);
    }
}

/// Takes 20 seconds, because the unanswered call must time out first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unanswered_send_is_repeated() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.api.fail("sendMessage", Fault::Hang);
    let sent = app.api.calls("sendMessage").len();
    app.api.says(OWNER, "/timeout 5");
    app.api.until_calls("sendMessage", sent + 1).await;
    // The host doesn't make other chats wait for this call.
    app.ask(MEMBER, "/new beta", "Session 'beta' created.").await;
    let answer = "Idle timeout set to 5 minutes for session 'alpha'.";
    app.wait_for(OWNER, 0, answer).await;
    assert_eq!(count(&app, answer), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_token_file_is_named() {
    let mut app = App::prepared().await;
    std::fs::remove_file(app.path("token")).unwrap();
    app.start();
    assert_eq!(app.ended().await, Some(1));
    assert!(app.log().contains(&app.path("token").display().to_string()), "{}", app.log());
}

/// Returns the value of a metric of the host.
fn metric(app: &App, name: &str) -> f64 {
    let log = app.log();
    let line = log.lines().find(|line| line.contains("listening for the status page")).expect("the host listens");
    let address = line.rsplit("address=").next().unwrap().split_whitespace().next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rate_limits_and_retries_are_counted() {
    let mut app = App::prepared().await;
    app.configure(&format!("owner = {OWNER}\n[status]\nlisten = \"127.0.0.1:0\""));
    app.start();
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let names = ["cordboard_telegram_rate_limits_total", "cordboard_send_retries_total"];
    let counts = || names.map(|name| metric(&app, name));
    assert_eq!(counts(), [0.0, 0.0]);
    app.api.fail("sendMessage", Fault::Flood(1));
    app.ask(OWNER, "/new beta", "Session 'beta' created.").await;
    assert_eq!(counts(), [1.0, 1.0]);
    app.api.fail("sendMessage", Fault::Error(500, "Internal Server Error"));
    app.ask(OWNER, "/new gamma", "Session 'gamma' created.").await;
    assert_eq!(counts(), [1.0, 2.0]);
}
