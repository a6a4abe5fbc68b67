//! Tests requests of agents that a user answers in the chat.

use super::support::Home;

#[test]
fn a_permission_is_listed_and_allowed() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("run ls");
    host.expect("Session 'a' in ");
    host.expect("[Allow once] /answer #1 allow\n");
    host.say("/requests");
    host.expect("#1 `a`: Bash: ls (");
    host.expect("Answer with /answer #1 and one of: allow (Allow once), ");
    host.say("/allow");
    host.expect_all(&["Answered: Allow once.\n", "You allowed it. The demo agent doesn't really run: ls\n"]);
    host.ask("/allow", "Session 'a' has no open request.");
    host.ask("/requests", "No open requests.");
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn a_denial_reaches_the_agent_with_its_reason() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("run make clean");
    host.expect("[Deny and say why] /answer #1 why\n");
    host.ask("/answer #1 why", "Add the text: /answer a#1 why <text>");
    host.say("/deny keep the cache");
    host.expect_all(&["Answered: Deny.\n", "said: keep the cache\n"]);
    assert_eq!(host.end(), (String::new(), Some(0)));
}
