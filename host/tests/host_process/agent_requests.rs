//! Tests agent requests that a user answers in the chat.

use rustix::process::Signal;

use super::support::Home;

#[test]
fn a_denial_reaches_the_agent_with_its_reason() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("run make clean");
    host.expect("[Always allow…] /permissions always #1\n");
    host.say("/deny keep the cache");
    host.expect_all(&["Answered: Deny.\n", "said: keep the cache\n"]);
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn the_next_message_is_the_reason_of_a_denial() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("run make clean");
    host.expect("[Always allow…] /permissions always #1\n");
    let next = "Send the text as your next message here, or type: /answer a#1 why <text>";
    host.ask("/answer #1 why", next);
    host.say("keep *the* cache");
    host.expect_all(&[
        "Answered: Deny and say why.\n",
        "I don't run it. The user denied this and said: keep *the* cache\n",
    ]);
    // Later messages are prompts again, even if `/deny` closed a question that was waiting for text.
    host.ask("hello", "You said: hello");
    host.say("run make");
    host.expect("[Always allow…] /permissions always #2\n");
    host.ask("/answer #2 why", "Send the text as your next message here, or type: /answer a#2 why <text>");
    host.say("/deny");
    host.expect_all(&["Answered: Deny.\n", "I don't run it. The user denied this.\n"]);
    host.ask("hello again", "You said: hello again");
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn a_saved_rule_answers_the_next_request() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("run git push origin main");
    host.expect("[Always allow…] /permissions always #1\n");
    host.say("/permissions always #1");
    host.expect("[Always allow, all sessions] /permissions always #1 all Bash(git push:*)\n");
    host.say("/permissions always #1 all Bash(git push:*)");
    host.expect_all(&[
        "Saved as rule 1: allow Bash(git push:*) in all sessions.\n",
        "doesn't really run: git push origin main\n",
    ]);
    host.say("run git push origin next");
    host.expect("You allowed it. The demo agent doesn't really run: git push origin next\n");
    host.say("run git push; rm -rf /");
    host.expect("[Deny and say why] /answer #3 why\n");
    host.say("/deny");
    host.expect_all(&["Answered: Deny.\n", "I don't run it. The user denied this.\n"]);
    let log = home.printed(&["audit", "--json"]);
    let log: serde_json::Value = serde_json::from_str(&log).expect("JSON");
    let decisions = log.as_array().unwrap().iter().map(|entry| {
        let text = |key: &str| entry[key].as_str().unwrap_or("-").to_owned();
        [text("title"), text("outcome"), text("by"), text("user")].join(" | ")
    });
    assert_eq!(
        decisions.collect::<Vec<_>>(),
        [
            "Bash: git push origin main | Allow once | user | local",
            "Bash: git push origin next | allowed | plugin | -",
            "Bash: git push; rm -rf / | Deny | user | local",
        ]
    );
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn a_denied_tool_is_not_asked_about() {
    let home = Home::new();
    home.write_config("[access]\ndeny_tools = [\"Bash(rm:*)\"]\n[plugins.approval.config]\nallow = [\"Bash\"]\n");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("run cd / && rm -rf x");
    host.expect_all(&[
        "Denied: Bash `cd / && rm -rf x`\n",
        "The rule Bash(rm:*) in deny_tools of [access] forbids this use.\nI don't run it. Not allowed here: The rule Bash(rm:*) in deny_tools of [access] forbids this use.\n",
    ]);
    host.say("run ls");
    host.expect("You allowed it. The demo agent doesn't really run: ls\n");
    home.write_config("[plugins.approval.config]\ndeny = [\"Bash(ls:*)\"]\n");
    host.expect_logged("configuration changed");
    host.say("run ls");
    host.expect_all(&[
        "Denied: Bash `ls`\n",
        "The rule Bash(ls:*) denies this use.\nI don't run it. Not allowed here: The rule Bash(ls:*) denies this use.\n",
    ]);
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn open_requests_are_listed_outside_the_chat() {
    let home = Home::new();
    assert_eq!(home.printed(&["requests"]), "No open requests.\n");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("run ls");
    host.expect("[Always allow…] /permissions always #1\n");
    let listed = home.printed(&["requests"]);
    assert!(
        listed.starts_with(
            "SESSION  NUMBER  KIND        ASKED     TITLE\na        #1      permission  just now  Bash: ls"
        ),
        "{listed}"
    );
    host.say("/allow");
    host.expect_all(&["Answered: Allow once.\n", "doesn't really run: ls\n"]);
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn a_question_at_the_end_of_the_input_is_withdrawn() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("run make clean");
    host.expect("[Always allow…] /permissions always #1\n");
    host.close_input();
    assert_eq!(host.wait().code(), Some(1));
    let (chat, log) = host.rest();
    let notice = "No user can answer the agent of session 'a', because the input has ended. \
                  The agent continues without an answer. It asked: Bash: make clean\n";
    assert!(chat.contains(notice), "{chat}");
    let error = "the input ended before these questions of agents were answered: a#1 (Bash: make clean)";
    assert!(log.contains(error), "{log}");
    let decisions = home.printed(&["audit"]);
    let line = decisions.lines().last().unwrap();
    assert!(line.contains("  permission  Bash  withdrawn  host  the input has ended  "), "{decisions}");
}

#[test]
fn a_killed_host_withdraws_the_question_and_continues_the_numbers() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("run make clean");
    host.expect("[Always allow…] /permissions always #1\n");
    host.ask("/sessions", "→ 🟡 `a` - just now, busy, waiting for your answer (/requests)");
    host.kill();
    let mut host = home.start();
    host.expect_all(&[
        "A question of session 'a' was withdrawn, because Cordboard was stopped: Bash: make clean\n",
        "Cordboard was stopped while session 'a' was answering “run make clean”. Your message was not sent again.\n",
    ]);
    host.ask("/sessions", "→ 🟡 `a` - just now, a message has no answer (/retry or /leave)");
    host.ask("/leave", "Dropped. Session 'a' continues with the next message.");
    host.say("run make");
    host.expect("[Always allow…] /permissions always #2\n");
    host.ask("/answer #1 allow", "Session 'a' has no open request #1. Use /requests to list them.");
    host.say("/deny");
    host.expect_all(&["Answered: Deny.\n", "I don't run it. The user denied this.\n"]);
    let decisions = home.printed(&["audit"]);
    let line = decisions.lines().find(|line| line.contains("make clean")).unwrap();
    assert!(line.contains("  permission  Bash  withdrawn  host  "), "{decisions}");
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn a_restart_names_the_question_that_it_withdraws() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("run make clean");
    host.expect("[Always allow…] /permissions always #1\n");
    host.signal(Signal::TERM);
    assert_eq!(host.wait().code(), Some(0));
    let (before, _) = host.rest();
    let mut host = home.start();
    host.ask("/requests", "No open requests.");
    let after = host.end().0;
    let notice = "A question of session 'a' was withdrawn, because Cordboard was stopped: Bash: make clean\n";
    assert_eq!((before.clone() + &after).matches(notice).count(), 1, "{before}{after}");
    let decisions = home.printed(&["audit"]);
    assert_eq!(decisions.matches("  permission  Bash  withdrawn  host  ").count(), 1, "{decisions}");
}

#[test]
fn a_message_that_waits_for_an_answer_is_acknowledged() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("run make");
    host.expect("[Always allow…] /permissions always #1\n");
    host.ask(
        "yes please",
        "Session 'a' is waiting for your answer to question #1. Use its buttons or /answer #1; /requests shows it again. \
         Your message is queued.",
    );
    host.say("/allow");
    host.expect_all(&["doesn't really run: make\n", "You said: yes please\n"]);
}

#[test]
fn a_question_can_be_answered_without_the_approval_plugin() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("run make");
    host.expect("[Always allow…] /permissions always #1\n");
    host.say("/plugins disable approval");
    host.expect("Plugin 'approval' is disabled.");
    host.expect("\n");
    host.ask("/answer #2 allow", "Session 'a' has no open request #2. Use /requests to list them.");
    host.ask(
        "/answer #1 maybe",
        "Choose one of: allow (Allow once), session (Allow for this session), deny (Deny), why (Deny and say why).",
    );
    host.ask("/answer a.b#1 allow", "Unknown command /answer. Use /help to list the commands.");
    host.say("/answer a#1 why use ninja");
    host.expect_all(&["Answered: Deny and say why.\n", "I don't run it. The user denied this and said: use ninja\n"]);
    host.ask("/answer", "Session 'a' has no open request.");
}
