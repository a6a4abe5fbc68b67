//! Tests requests of agents that a user answers in the chat.

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
    host.ask("keep *the* cache", "I don't run it. The user denied this and said: keep *the* cache");
    // Later messages are prompts again, even if `/deny` closes a question that waits for a text.
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
        "The rule Bash(rm:*) of deny_tools in [access] forbids it.\nI don't run it. Not allowed here: The rule Bash(rm:*) of deny_tools in [access] forbids it.\n",
    ]);
    host.say("run ls");
    host.expect("You allowed it. The demo agent doesn't really run: ls\n");
    home.write_config("[plugins.approval.config]\ndeny = [\"Bash(ls:*)\"]\n");
    host.expect_logged("configuration changed");
    host.say("run ls");
    host.expect_all(&[
        "Denied: Bash `ls`\n",
        "The rule Bash(ls:*) denies it.\nI don't run it. Not allowed here: The rule Bash(ls:*) denies it.\n",
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
                  Its agent continues without an answer to: Bash: make clean\n";
    assert!(chat.contains(notice), "{chat}");
    let error = "the input ended before these questions of agents were answered: a#1 (Bash: make clean)";
    assert!(log.contains(error), "{log}");
    let decisions = home.printed(&["audit"]);
    let line = decisions.lines().last().unwrap();
    assert!(line.contains("  permission  Bash  withdrawn  host  the input has ended  "), "{decisions}");
}
