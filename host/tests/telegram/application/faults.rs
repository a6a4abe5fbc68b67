//! A Bot API that refuses, while the whole application runs.

use super::{App, OWNER};
use crate::botapi::{Fault, TOKEN};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_warning_for_an_edit_loses_no_final_answer() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.api.fail("editMessageText", Fault::Flood(2));
    let before = app.api.chat(OWNER).len();
    app.api.says(OWNER, "slow 3");
    let answer = "line 1\nline 2\nline 3";
    app.until("the whole answer", || (app.api.chat(OWNER)[before..] == [answer]).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_not_known_ends_the_host_with_a_clear_line() {
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
async fn another_poller_is_named_and_the_host_goes_on() {
    let mut app = App::prepared().await;
    app.api.fail("getUpdates", Fault::Error(409, "Conflict: terminated by other getUpdates request"));
    app.start();
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    assert!(app.log().contains("another program polls Telegram with this token"), "{}", app.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_token_file_is_named() {
    let mut app = App::prepared().await;
    std::fs::remove_file(app.path("token")).unwrap();
    app.start();
    assert_eq!(app.ended().await, Some(1));
    assert!(app.log().contains(&app.path("token").display().to_string()), "{}", app.log());
}
