//! Tests `/rename`, `/fork`, `/history` and `/agent` with the demo agent.

use super::support::{Home, until};

const REMEMBERS_MILK: &str = "I remember: milk";

#[test]
fn a_renamed_session_keeps_its_agent_conversation_and_folder() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("remember milk", "I will remember: milk");
    host.await_turns("a", 1);
    let agent = host.agent("a");
    host.ask("/rename b", "Session 'a' is now called 'b'. Its folder and its conversation are unchanged.");
    assert_eq!(host.agent("b"), agent, "the agent keeps running");
    host.ask("recall", REMEMBERS_MILK);
    host.ask("/new a", "Session 'a' created.");
    host.ask("recall", "I remember nothing.");
    let folders = ["a", "b"].map(|name| host.session(name)["folder"].as_str().unwrap().to_owned());
    assert!(folders[0].ends_with("/sessions/a-2") && folders[1].ends_with("/sessions/a"), "{folders:?}");
    host.ask("/rename b", "Session 'b' already exists. Use /session b to switch to it.");
    host.ask("/suspend", "Session 'a' suspended. The next message resumes it.");
    host.await_phase("a", "suspended");
    host.ask("/rename c", "Session 'a' is now called 'c'. Its folder and its conversation are unchanged.");
    host.say("recall");
    host.expect("I remember nothing.\n");
    host.await_turns("c", 2);
    host.say("/usage");
    host.expect("**Sessions**\n- b: $0.00, 2 turns\n- c: $0.00, 2 turns\n");
    host.kill();

    let mut host = home.start();
    host.say("/session b");
    host.expect("Switched to session 'b'.\n");
    host.say("recall");
    host.expect(REMEMBERS_MILK);
}

#[test]
fn questions_and_waiting_messages_survive_a_rename() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("run ls");
    host.expect("  [Deny and say why] /answer #1 why\n");
    host.say("recall");
    until("the message waits", || host.session("a")["queued"] == 1);
    host.say("/rename b");
    host.expect("Session 'a' is now called 'b'.");
    host.say("/allow");
    host.expect_all(&["Answered: Allow once.", "You allowed it.", "I remember nothing."]);
    host.await_turns("b", 2);
    // After a kill, the next host reports the interrupted message and answers the waiting one under the session's new
    // name.
    host.say("slow 100000");
    host.expect("line 1");
    host.say("recall");
    until("the message waits", || host.session("b")["queued"] == 1);
    host.say("/rename c");
    host.expect("Session 'b' is now called 'c'.");
    host.kill();
    let mut host = home.start();
    host.expect_all(&["while session 'c' was answering", "I remember nothing."]);
    host.say("/leave");
    host.expect("Session 'c' continues");
}

#[test]
fn rules_for_a_session_follow_its_rename() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("/permissions allow session Bash(ls:*)");
    host.expect("allow Bash(ls:*) in session 'a'");
    host.say("/rename b");
    host.expect("Session 'a' is now called 'b'.");
    until("the rule has followed", || {
        host.say("/permissions");
        host.expect("To add a rule").contains("Bash(ls:*)")
    });
    host.say("run ls -la");
    host.expect("You allowed it.");
}

#[test]
fn a_fork_continues_the_conversation_beside_its_origin() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("/fork b", "Session 'a' has no conversation yet. Use /new to create another session.");
    host.ask("remember milk", "I will remember: milk");
    host.await_turns("a", 1);
    host.ask("/fork b", "Session 'b' continues the conversation of 'a' in the same folder. Use /session a to go back.");
    host.ask("remember tea", "I will remember: tea");
    host.ask("recall", "I remember: milk, tea");
    host.await_turns("b", 2);
    assert_eq!(host.session("a")["folder"], host.session("b")["folder"]);
    host.ask("/session a", "Switched to session 'a'.");
    host.ask("recall", REMEMBERS_MILK);
    host.await_turns("a", 2);
    // Each turn costs $0.0001. The fork's cost doesn't include the original session's turn.
    let usage: serde_json::Value = serde_json::from_str(&home.printed(&["usage", "--json"])).unwrap();
    let costs: f64 = usage.as_array().unwrap().iter().map(|one| one["cost_usd"].as_f64().unwrap()).sum();
    assert!((costs - 0.0004).abs() < 1e-9, "{usage}");
    host.ask("/suspend b", "Session 'b' suspended. The next message resumes it.");
    host.await_phase("b", "suspended");
    host.ask("/session b", "Switched to session 'b'.");
    host.say("recall");
    host.expect("I remember: milk, tea");
}

#[test]
fn the_history_shows_the_last_exchanges() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/history", "No active session. Use /new to start one.");
    host.ask("/new a", "Session 'a' created.");
    host.ask("/history", "Session 'a' has no messages yet.");
    for number in 1..=6 {
        host.ask(&format!("number {number}"), &format!("You said: number {number}"));
        host.await_turns("a", number);
    }
    host.ask("/history 2", "**number 5**\nYou said: number 5\n\n**number 6**\nYou said: number 6");
    host.say("/history");
    let shown = host.expect("You said: number 6\n");
    assert!(shown.starts_with("**number 2**\n"), "{shown}");
    host.ask("/history 0", "Usage: /history [number], with a number from 1 to 20");
}

#[test]
fn an_agent_is_selected_for_a_session_or_for_new_ones() {
    let home = Home::new();
    home.configure("[agents]\ndefault = \"demo\"\n[agents.second]\nkind = \"demo\"\n[agents.acp]\nkind = \"acp\"\ncommand = \"none\"\n");
    let mut host = home.start();
    host.ask("/agent nope", "Unknown agent 'nope'. Known: acp, claude, demo, second.");
    host.ask("/agent second", "New sessions in this chat use agent 'second'.");
    host.ask("/new a", "Session 'a' created with agent 'second'.");
    assert_eq!(host.session("a")["agent"], "second");
    host.ask("/agent demo", "Session 'a' uses agent 'demo', and so do new sessions in this chat.");
    host.ask("remember milk", "I will remember: milk");
    assert_eq!(host.session("a")["agent"], "demo");
    host.await_turns("a", 1);
    host.say("/agent acp");
    host.expect("Session 'a' has a conversation with agent 'demo', which no other agent can continue. New sessions in this chat use agent 'acp'. Use /new to create one.\n");
    host.ask("recall", REMEMBERS_MILK);
    host.ask("/new b planner demo", "Session 'b' created with persona 'planner' and agent 'demo'.");
    host.ask("/new c none nope", "Unknown agent 'nope'. Known: acp, claude, demo, second.");
    host.ask(
        "/agent",
        "`acp`\n`claude`\n→ `demo`\n`second` - demo\n\nNew sessions in this chat use `acp`.\nUsage: /agent <name>, or /new <name> none <agent>\n  [acp] /agent acp\n  [claude] /agent claude\n  [second] /agent second",
    );
    host.ask("/history", "Session 'b' has no messages yet.");
}
