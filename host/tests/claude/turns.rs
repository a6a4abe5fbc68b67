//! Tests turns with the real CLI: streaming, waiting messages, interrupts, steering, commands, models and scheduled
//! prompts.

use crate::host::{eventually, open};

/// The CLI's note that tells the model about an interrupted turn.
const INTERRUPTED: &str = "[Request interrupted by user]\n";

#[test]
fn answers_are_streamed_and_turns_share_a_process() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.say("count 1000");
    host.until("line 1\n");
    assert_eq!(host.session()["phase"], "busy");
    let pid = host.pid();
    host.until("line 1000\n");
    host.ask("hello there", "You said: hello there");
    assert_eq!(host.phase("idle")["turns"], 2);
    assert_eq!(host.pid(), pid);
    assert_eq!(host.api.said(), ["count 1000", "hello there"]);
}

#[test]
fn messages_for_a_busy_agent_are_answered_in_order() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("count 100", "line 1\n");
    host.say("second");
    host.say("third");
    let shown = host.until("You said: third");
    assert!(shown.find("line 100\n") < shown.find("You said: second"), "{shown}");
    assert_eq!(host.api.said(), ["count 100", "second", "third"]);
}

#[test]
fn stop_ends_the_turn_and_keeps_the_process() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("count 10000", "line 1\n");
    let pid = host.pid();
    host.ask("/stop", "Stopped.");
    host.ask("hello", "You said: hello");
    assert_eq!(host.pid(), pid);
    host.phase("idle");
    host.say("hang");
    // On a busy machine, the CLI may miss an interrupt that arrives before the turn has begun.
    eventually("the API has the prompt", || (host.api.count("hang") == 1).then_some(()));
    host.ask("/stop", "Stopped.");
    let shown = host.ask("again", "You said: again");
    assert!(!shown.contains("Stopped"), "the notice is repeated: {shown}");
    assert_eq!(host.pid(), pid);
}

#[test]
fn an_urgent_message_interrupts_and_runs_next() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("count 10000", "line 1\n");
    let pid = host.pid();
    host.say("second");
    eventually("the message waits", || (host.session()["queued"] == 1).then_some(()));
    host.ask("/queue", "1 message is queued in session 'a':");
    host.say("/now third");
    let shown = host.until("You said: second");
    let at = |text: &str| shown.find(text).unwrap_or_else(|| panic!("no '{text}' in: {shown}"));
    assert!(at("Interrupted by the next message.") < at("You said: third"), "{shown}");
    assert!(at("You said: third") < at("You said: second"), "{shown}");
    assert_eq!(host.pid(), pid);
    assert_eq!(host.api.said(), ["count 10000", INTERRUPTED, "third", "second"]);
}

#[test]
fn with_busy_interrupt_a_message_interrupts() {
    let Some(mut host) = open("[sessions]\nbusy = \"interrupt\"\n") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("count 10000", "line 1\n");
    let shown = host.ask("second", "You said: second");
    assert!(shown.contains("Interrupted by the next message."), "{shown}");
    assert_eq!(host.api.said(), ["count 10000", INTERRUPTED, "second"]);
}

#[test]
fn with_busy_steer_the_next_turn_answers_what_came_during_a_stream() {
    let Some(mut host) = open("[sessions]\nbusy = \"steer\"\n") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("count 1000", "line 1\n");
    let pid = host.pid();
    host.say("second");
    host.say("third");
    let shown = host.until("third");
    assert!(shown.contains("line 1000\n"), "the turn is not interrupted: {shown}");
    assert_eq!(host.phase("idle")["turns"], 2, "one turn answers both messages");
    assert_eq!(host.pid(), pid);
    host.ask("hello", "You said: hello");
}

#[test]
fn with_busy_steer_a_message_joins_the_turn_of_a_tool() {
    let Some(mut host) = open("args = [\"--allowedTools=Bash\"]\n[sessions]\nbusy = \"steer\"\n") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.say("bash sleep 2; echo finished");
    host.until("I try.");
    host.say("and say hi");
    host.until("The tool said: finished");
    assert_eq!(host.phase("idle")["turns"], 1, "the turn answers both messages");
    assert!(host.api.last().to_string().contains("and say hi"), "{}", host.api.last());
}

#[test]
fn with_busy_steer_stop_also_drops_what_waits_in_the_cli() {
    let Some(mut host) = open("[sessions]\nbusy = \"steer\"\n") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("count 10000", "line 1\n");
    host.say("second");
    host.ask("/stop", "second");
    host.phase("idle");
    host.ask("hello", "You said: hello");
    assert_eq!(host.api.count("second"), 0, "the CLI has canceled the message");
}

#[test]
fn a_command_of_the_cli_takes_two_slashes() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    let listed = host.ask("/commands", "//compact");
    assert!(listed.contains("Type one with two slashes"), "{listed}");
    host.ask("//context", "Context Usage");
    host.ask("//Context", "Context Usage");
    host.ask("//contxt", "has no command //contxt. Did you mean //context?");
    host.ask("//review @/etc/passwd", "can't contain a word that starts with '@'");
    // Plugin commands take precedence. A command with a single slash never reaches the CLI.
    host.ask("//sessions", "a");
    host.ask("/context", "Unknown command /context.");
    assert_eq!(host.api.said(), ["hello"], "the CLI handles its command itself");
    // A command in the middle of a message is plain text.
    host.ask("what does / context do", "You said: what does / context do");
}

#[test]
fn a_compaction_repeats_no_answer() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    host.phase("idle");
    host.ask("count 10000", "line 1\n");
    host.ask("/stop", "Stopped.");
    host.phase("idle");
    // The compacted conversation includes this command's output, so the CLI sends it again.
    host.ask("//context", "Context Usage");
    host.phase("idle");
    let shown = host.ask("//compact", "Done.");
    assert!(!shown.contains("Context Usage"), "{shown}");
    host.ask("and now?", "You said: and now?");
}

#[test]
fn models_are_those_named_by_the_cli() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    let shown = host.ask("/model", "/model sonnet");
    assert!(shown.contains("Model: the agent's default") && shown.contains("/model opus"), "{shown}");
    host.ask("/model nonsense", "Unknown model 'nonsense'. Known: default, ");
    host.ask("/model haiku", "Model set to haiku for session 'a'.");
    host.ask("hello again", "You said: hello again");
    let last = host.api.last();
    assert!(last["model"].as_str().unwrap().contains("haiku"), "{}", last["model"]);
    assert_eq!(host.api.said(), ["hello", "hello again"]);
}

#[test]
fn tasks_are_shown_as_a_checklist() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("/mode verbose", "erbose");
    let shown = host.ask("tasks", "Write a test");
    assert!(shown.ends_with("Worked on the tasks.\n\n☑ Read the code\n☐ Write a test\n"), "{shown}");
}

#[test]
fn a_scheduled_prompt_is_background_work() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("schedule look", "The tool said: Scheduled recurring job");
    assert_eq!(host.phase("idle")["background"][0], "wake-ups (Every 5 minutes)");
    host.ask("/suspend", "is still working in the background: wake-ups (Every 5 minutes).");
    host.ask("/suspend a anyway", "Session 'a' suspended.");
}
