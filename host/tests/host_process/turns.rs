//! Tests prompts and answers: order, limits, streaming, and stopping.

use super::support::Home;

#[test]
fn a_full_queue_refuses_prompts() {
    let home = Home::with("[sessions]\nqueue = 2");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("slow 100000");
    host.reads("line 1");
    for word in ["one", "two", "three"] {
        host.say(word);
    }
    host.expect(
        "Not accepted: 2 messages are already queued for session 'a'. Send this one again when they are answered, or use /stop all to drop them.\n",
    );
    assert_eq!(host.session("a")["queued"], 2);
    host.say("/stop");
    // The agent can answer before the reply to the command is sent.
    host.expect_all(&[
        "Stopped. 2 messages are still queued. Use /stop all to drop them.\n",
        "You said: one\n",
        "You said: two\n",
    ]);
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn stop_interrupts_and_stop_all_drops_the_queue() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("slow 100000");
    host.reads("line 1");
    let agent = host.agent("a");
    host.say("/stop");
    host.expect("Stopped.\n");
    host.await_phase("a", "idle");
    assert_eq!(host.agent("a"), agent, "the process keeps running");
    host.say("slow 100000");
    host.expect("line 1\n");
    host.say("never answered");
    super::support::until("the message waits", || host.session("a")["queued"] == 1);
    host.say("/stop all");
    host.expect("Stopped. 1 message was dropped: “never answered”\n");
    host.await_phase("a", "idle");
    host.say("and now");
    host.expect("You said: and now\n");
    assert!(!host.chat().contains("You said: never answered"), "{}", host.chat());
}

#[test]
fn stop_all_drops_messages_behind_a_running_command() {
    let home = Home::with("[plugins.exceeds_limits]\ntime = \"3s\"");
    home.plug("exceeds_limits", "exceeds_limits");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    for line in ["/spin", "one", "/timeout 5", "two"] {
        host.say(line);
    }
    host.ask("/stop all", "Stopped. 2 messages were dropped:\n“one”\n“two”");
    host.say("three");
    host.expect("/spin failed: plugin 'exceeds_limits' ");
    host.expect(").\n");
    host.reads("Idle timeout set to 5 minutes for session 'a'.\nYou said: three");
    assert_eq!(host.end(), (String::new(), Some(0)));
    assert_eq!(cordboard_store::read_only(&home.state()).unwrap().inbox, [], "dropped messages are removed");
}

/// An agent that accepts every message and prints `$SAYS`, but never finishes a turn unless it is interrupted.
const MINIMAL_AGENT: &str = r#"
while read -r line; do
  case "$line" in
    *'"interrupt"'*) say '{"type":"result","subtype":"error_during_execution","terminal_reason":"aborted_streaming","user_message_uuids":["'$id'"]}' ;;
    *'"initialize"'*) say '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}' ;;
    *'"type":"user"'*)
      id=${line#*'"uuid":"'}; id=${id%%'"'*}
      say '{"type":"user","isReplay":true,"uuid":"'$id'","message":{"content":[]}}'
      [ -z "$SAYS" ] || say '{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"text":"'"$SAYS"'"}}}' ;;
  esac
done
"#;

/// Returns a home whose agent prints `says` and then waits for an interrupt.
pub fn minimal_agent(says: &str) -> Home {
    let home = Home::new();
    let command = home.script("agent", &format!("SAYS='{says}'\n{MINIMAL_AGENT}"));
    home.configure(&format!("[agents]\ndefault = \"few\"\n[agents.few]\nkind = \"claude\"\ncommand = {command:?}"));
    home
}

#[test]
fn partial_text_is_shown_before_the_stop_notice() {
    let home = minimal_agent("one\\nand half a li");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    for _ in 0..3 {
        host.ask("go on", "one");
        host.ask("/stop", "and half a li\nStopped.");
        host.await_phase("a", "idle");
    }
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn stopping_a_silent_agent_is_reported_once() {
    let home = minimal_agent("");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("are you there?");
    host.await_phase("a", "busy");
    host.ask("/stop", "Stopped.");
    host.await_phase("a", "idle");
    assert_eq!(host.session("a")["turns"], 1);
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn the_default_session_is_opened_for_a_first_message() {
    let home = Home::with("[sessions]\ndefault = \"main\"");
    let mut host = home.start();
    host.ask("hello", "You said: hello");
    host.await_phase("main", "idle");
    host.ask("/sessions", "→ 🟢 `main` - just now");
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn sessions_run_in_parallel() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("slow 100000");
    host.reads("line 1");
    host.say("/new b");
    host.expect("Session 'b' created.\n");
    host.say("hello");
    host.expect("You said: hello\n");
    assert_eq!(host.session("a")["phase"], "busy");
    host.await_turns("b", 1);
    host.say("/stop");
    host.expect("Nothing is running.\n");
    host.say("/session a");
    host.expect("Switched to session 'a'.\n");
    host.say("/stop");
    host.expect("Stopped.\n");
}

#[test]
fn output_of_a_background_session_has_its_name() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("slow 100000");
    // The active session's output isn't prefixed with its name.
    host.reads("line 1\nline 2\nline 3");
    host.say("/new b");
    host.expect("Session 'b' created.\n");
    host.expect("[a] line ");
    host.say("hello");
    let between = host.expect("You said: hello\n");
    assert!(!between.contains("[b]"), "the active session is not named: {between}");
    // Another session has printed text in between, so the session's name is shown again.
    host.expect("[a] line ");
}

#[test]
fn names_and_errors_are_shown_literally() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/session __x__", "Session '__x__' doesn't exist. Use /new to create it.");
    host.ask("/new __x__", "Session '__x__' created.");
    host.ask("/sessions", "→ 🟢 `__x__` - just now");
    host.ask("/timeout \\*1\\*", "Invalid number. Usage: /timeout <minutes>");
    // The host doesn't change an agent's text.
    host.ask(r"a \_b\_ *c*", r"You said: a \_b\_ *c*");
}
