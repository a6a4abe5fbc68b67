//! Tests shutting down and killing the host, and recovery at the next start.

use cordboard_core::{
    types::{Caller, Place, Role, Timestamp, UserId},
    updates_and_posts::{Origin, Update, UpdateKind},
};
use rustix::process::Signal;

use super::support::{Home, until};

#[test]
fn the_end_of_input_waits_for_open_work() {
    let home = Home::new();
    let mut host = home.start();
    for line in ["/new a", "slow 5", "two", "/timeout 5", "three"] {
        host.say(line);
    }
    let (chat, code) = host.end();
    assert_eq!(code, Some(0), "{chat}");
    assert!(chat.contains("Idle timeout set to 5 minutes for session 'a'.\n"), "{chat}");
    // The reply to `/timeout` may appear anywhere among the agent's answers.
    let of_agent: Vec<&str> = chat.lines().filter(|line| line.starts_with("line ") || line.contains("said")).collect();
    assert!(of_agent.ends_with(&["line 5", "You said: two", "You said: three"]), "{chat}");
    assert_eq!(home.agents(), [] as [i32; 0]);
}

#[test]
fn a_last_line_needs_no_line_break() {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };
    let home = Home::with("[sessions]\ndefault = \"main\"");
    let mut child = Command::new(env!("CARGO_BIN_EXE_cordboard"))
        .args(["run", "--chat", "console", "--config"])
        .arg(home.path("config.toml"))
        .arg("--state")
        .arg(home.state())
        .envs([super::support::ENGLISH])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"hello").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (String::from_utf8_lossy(&output.stdout).as_ref(), output.status.code()),
        ("You said: hello\n", Some(0))
    );
}

#[test]
fn unfinished_work_after_the_drain_is_named() {
    let home = Home::with("[console]\ndrain = \"1s\"");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("slow 100000");
    host.reads("line 1");
    host.say("waits");
    until("the message waits", || host.session("a")["queued"] == 1);
    host.close_input();
    assert_eq!(host.wait().code(), Some(1));
    let (chat, log) = host.rest();
    assert!(log.contains("the input ended, and these were still open after 1s: a (busy, 1 waiting)"), "{log}");
    assert!(chat.ends_with("⚠ Stopped: Cordboard is shutting down.\n"), "{chat}");
    assert_eq!(home.agents(), [] as [i32; 0]);
    assert_eq!(home.sessions()[0]["queued"], 1);
    let mut host = home.start();
    host.expect("Cordboard was stopped while session 'a' was answering “slow 100000”.");
    // The queued message resumes the session, so other output may come before the reply.
    host.say("/timeout");
    host.expect("Idle timeout: 10 minutes\n\nUsage: /timeout <minutes> (1-120)\n");
}

#[test]
fn an_answer_that_is_still_being_rendered_is_named() {
    let home = Home::with("[console]\ndrain = \"1s\"\n[plugins.views]\ntime = \"5m\"");
    home.plug("views", "uppercase_view");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "YOU SAID: HELLO");
    host.say("never");
    until("the turn ends", || host.session("a")["turns"] == 2 && host.session("a")["phase"] == "idle");
    host.close_input();
    assert_eq!(host.wait().code(), Some(1));
    let (_, log) = host.rest();
    assert!(log.contains("these were still open after 1s: a (being shown)"), "{log}");
}

#[test]
fn a_signal_shortens_the_drain() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("slow 100000");
    host.reads("line 1");
    host.close_input();
    host.signal(Signal::TERM);
    assert_eq!(host.wait().code(), Some(0));
    assert_eq!(home.agents(), [] as [i32; 0]);
}

#[test]
fn sigterm_ends_all_agents() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new idle", "Session 'idle' created.");
    host.ask("hello", "You said: hello");
    host.ask("/new busy", "Session 'busy' created.");
    host.say("slow 100000");
    host.reads("line 1");
    host.say("/new stubborn");
    host.expect("Session 'stubborn' created.\n");
    host.say("children");
    host.expect("behind.\n");
    host.say("stubborn");
    host.expect("From now on I ignore SIGTERM and the end of input.\n");
    assert_eq!(home.agents().len(), 4);
    host.signal(Signal::TERM);
    assert_eq!(host.wait().code(), Some(0));
    assert_eq!(home.agents(), [] as [i32; 0]);
    let (chat, _) = host.rest();
    assert!(chat.contains("⚠ Stopped: Cordboard is shutting down.\n"), "{chat}");
}

#[test]
fn sigterm_keeps_the_interrupted_prompt() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("slow 100000");
    host.reads("line 1");
    host.signal(Signal::TERM);
    assert_eq!(host.wait().code(), Some(0));
    let mut host = home.start();
    host.reads(
        "Cordboard was stopped while session 'a' was answering “slow 100000”. Your message was not sent again.\n  [Send again] /retry a\n  [Leave it] /leave a",
    );
    host.say("/retry");
    host.expect("line 1\n");
    host.say("/stop");
    host.expect("Stopped.\n");
}

#[test]
fn a_second_signal_shortens_the_shutdown() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("stubborn", "From now on I ignore SIGTERM and the end of input.");
    host.await_phase("a", "idle");
    host.signal(Signal::TERM);
    until("the agent is stopping", || host.session("a")["phase"] != "idle");
    host.signal(Signal::INT);
    // The tests of `core/session` check how much a second signal shortens the shutdown.
    assert_eq!(host.wait().code(), Some(0));
    assert_eq!(home.agents(), [] as [i32; 0]);
}

#[test]
fn a_killed_host_leaves_no_processes_and_loses_nothing() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("remember tea", "I will remember: tea");
    host.say("children");
    host.expect("behind.\n");
    host.ask("stubborn", "From now on I ignore SIGTERM and the end of input.");
    host.say("slow 100000");
    host.reads("line 1");
    host.say("recall");
    host.say("two");
    until("both messages are queued", || host.session("a")["queued"] == 2);
    let before = host.kill();
    assert!(!before.contains("I remember"), "{before}");
    assert!(!home.agents().is_empty(), "there are orphans to stop");
    assert_eq!(home.sessions()[0]["queued"], 2);

    let mut host = home.start();
    host.reads(
        "Cordboard was stopped while session 'a' was answering “slow 100000”. Your message was not sent again.\n  [Send again] /retry a\n  [Leave it] /leave a",
    );
    host.reads("Resuming session...\nI remember: tea\nYou said: two");
    let logged = host.expect_logged("found agents that a killed host left behind");
    assert_eq!(logged.matches("left behind").count(), 1, "{logged}");
    until("only the new agent is left", || home.agents().len() == 1);
    host.say("/retry");
    host.expect_all(&["Retrying in session 'a'.\n", "line 1\n"]);
    host.say("/stop");
    host.expect("Stopped.\n");
    assert_eq!(host.end().1, Some(0));
}

#[test]
fn an_interrupted_turn_is_reported_once_and_can_be_dropped() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("slow 100000");
    host.reads("line 1");
    host.kill();
    let mut host = home.start();
    host.expect("  [Leave it] /leave a\n");
    host.ask("/leave", "Dropped. Session 'a' continues with the next message.");
    assert_eq!(host.end(), (String::new(), Some(0)));
    let mut host = home.start();
    host.ask("hello", "You said: hello");
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn interrupted_prompts_survive_a_second_kill() {
    let home = Home::new();
    for prompt in ["slow 100001", "slow 100002"] {
        let mut host = home.start();
        host.say("/new a");
        host.say(prompt);
        host.expect("line 1\n");
        host.kill();
    }
    let mut host = home.start();
    // The previous host has already reported the first prompt.
    host.reads("Cordboard was stopped while session 'a' was answering “slow 100002”. Your message was not sent again.\n  [Send again] /retry a\n  [Leave it] /leave a");
    host.say("/leave");
    host.expect("An earlier message of session 'a' was not sent again either: “slow 100001”.\n  [Send again] /retry a\n  [Leave it] /leave a\n");
    assert_eq!(host.end().1, Some(0));
    // The interrupted prompt also survives a clean shutdown.
    let mut host = home.start();
    host.say("/retry");
    host.expect("line 1\n");
    host.say("/stop");
    // The agent's unfinished line is completed before the reply.
    host.expect("Stopped.\n");
}

/// Stores a line as accepted but unprocessed, as if a host had been killed right after accepting it.
fn store_unprocessed_line(home: &Home, line: &str) {
    let update = Update {
        key: "left-undone".to_owned(),
        caller: Caller { id: UserId("console:local".to_owned()), name: "local".to_owned(), role: Role::Owner },
        place: Place::new("console", "local"),
        what: UpdateKind::Text(line.to_owned()),
        at: Timestamp(0),
        locale: None,
        origin: Origin::default(),
    };
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        let (store, _) = cordboard_store::open(&home.state()).unwrap();
        assert_eq!(store.accept(vec![update], None).await.unwrap().len(), 1);
        store.close().await;
    });
}

#[test]
fn unfinished_commands_except_stop_are_repeated() {
    let home = Home::with("[plugins.exceeds_limits]\ntime = \"5m\"");
    home.plug("exceeds_limits", "exceeds_limits");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    // `/spin` never ends. It blocks later messages in this place, except commands that run concurrently, such as
    // `/stop`.
    host.say("/spin");
    host.say("/timeout 5");
    host.say("hello");
    host.ask("/stop", "Nothing is running.");
    // The next host repeats output that isn't recorded as shown yet.
    until("the output is recorded as shown", || cordboard_store::read_only(&home.state()).unwrap().outbox.is_empty());
    host.kill();
    store_unprocessed_line(&home, "/stop");
    home.configure("[plugins.exceeds_limits]\ntime = \"1s\"");
    let mut host = home.start();
    host.expect("/spin failed: plugin 'exceeds_limits' ");
    host.expect(").\n");
    host.reads("Idle timeout set to 5 minutes for session 'a'.");
    host.close_input();
    assert_eq!(host.wait().code(), Some(0));
    let (unread, _) = host.rest();
    assert!(unread.ends_with("You said: hello\n"), "{unread}");
    let chat = host.chat();
    assert!(!chat.contains("Nothing ") && !chat.contains("Stopped"), "{chat}");
    assert_eq!(cordboard_store::read_only(&home.state()).unwrap().inbox, [], "every message has been processed");
}

#[test]
fn accepted_prompts_precede_new_ones_after_a_restart() {
    let home = Home::with("[plugins.exceeds_limits]\ntime = \"5m\"");
    home.plug("exceeds_limits", "exceeds_limits");
    let mut host = home.start();
    host.say("/spin");
    host.say("/new a");
    // By the time the first reply arrives, `/spin` and `/new a` are stored. The many `/stop` lines briefly keep the
    // next host busy.
    (0..1000).for_each(|_| host.say("/stop"));
    host.reads("No active session. Use /new to start one.");
    host.kill();
    // This time limit stops `/spin`, but leaves enough time for the plugin's trial.
    home.configure("[plugins.exceeds_limits]\ntime = \"1s\"");
    let mut host = home.start();
    // Write the line before the host starts reading its input.
    host.say("hello");
    host.expect("/spin failed: plugin 'exceeds_limits' ");
    host.expect(").\n");
    host.reads("Session 'a' created.\nYou said: hello");
    assert_eq!(host.end().1, Some(0));
}

#[test]
fn a_second_host_on_the_same_state_is_refused() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    let mut second = home.start();
    assert_eq!(second.wait().code(), Some(1));
    let (_, log) = second.rest();
    assert!(log.matches("another host uses it").count() == 1, "{log}");
    host.ask("hello", "You said: hello");
}
