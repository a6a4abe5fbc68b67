//! Scenarios in which a session switches to another agent.

use expect_test::expect;

use super::script::check;

#[test]
fn a_running_agent_without_turns_is_replaced() {
    check(
        "
        command model large
        command start
        ready
        conversation c1
        command agent other
        args other
        exit
        conversation c2 resumable
        ready
        ",
        expect![[r#"
            command model large → suspended
                persist
            command start → starting
                spawn 1 anew, model large
            ready → idle
                review #1: idle for 0ns
            conversation c1 → idle
                persist
            command agent other → stopping
                persist
                close input of 1
            args other → stopping
            exit → starting
                spawn 2 anew
            conversation c2 resumable → starting
                persist
            ready → idle
                review #3: idle for 0ns
        "#]],
    );
}

#[test]
fn a_conversation_keeps_its_agent() {
    check(
        "
        session conversation=c1
        command agent demo
        command agent other
        command fresh
        command agent other
        session forks=c1
        command agent other
        busy a
        command agent demo
        ",
        expect![[r#"
            command agent demo → suspended
            command agent other
                refused (exists): Session 'x' has a conversation with agent 'demo', which no other agent can continue.
            command fresh → suspended
                persist
            command agent other → suspended
                persist
            command agent other
                refused (exists): Session 'x' has a conversation with agent 'demo', which no other agent can continue.
            busy a → busy
            command agent demo → busy
        "#]],
    );
}

#[test]
fn a_broken_session_waits_for_its_new_agent() {
    check(
        "
        command touch home
        command start
        not-started no such program
        command agent other
        args other
        command start
        ",
        expect![[r#"
            command touch home → suspended
                persist
            command start → starting
                spawn 1 anew
            not-started no such program → broken
                persist
                post home: The agent of session 'x' could not be started: no such program
            command agent other → suspended
                persist
                close request failure 1: Withdrawn
            args other → suspended
            command start → starting
                spawn 2 anew
        "#]],
    );
}
