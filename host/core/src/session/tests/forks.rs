//! Scenarios in which a session begins with another session's conversation.

use expect_test::expect;

use super::script::{check, record, terminal};
use crate::types::{ConversationUsage, ForkPoint, SessionName, SessionRecord, Terminal, Timestamp, Tokens, UserId};

#[test]
fn the_cost_of_the_other_session_does_not_count_twice() {
    check(
        "
        session forks=c1 cost=0.5 tokens=100
        prompt a
        ready
        conversation c2
        conversation c2 resumable
        done a $0.75 120 tokens in all
        command suspend
        exit
        prompt b
        ready
        done b $0.80 125 tokens in all
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 forking c1
            ready → busy
                mark a sent
                send a to 1
            conversation c2 → busy
                persist
            conversation c2 resumable → busy
                persist
            done a $0.75 120 tokens in all → idle
                persist with $0.25 20 tokens
                finish a at home, done, $0.25
                review #1: idle for 0ns
            command suspend → stopping
                close input of 1
            exit → suspended
                persist
            prompt b → starting
                request resume notice #2: idle for 0ns
                spawn 2 resuming c2
            ready → busy
                mark b sent
                send b to 2
            done b $0.80 125 tokens in all → idle
                persist with $0.05 5 tokens
                finish b at home, done, $0.05
                review #3: idle for 0ns
        "#]],
    );
}

#[test]
fn a_fork_that_was_never_stored_is_made_again() {
    check(
        "
        session forks=c1 cost=0.5 tokens=100
        idle
        conversation c2
        command suspend
        exit
        prompt a
        ready
        conversation c3 resumable
        done a $0.95 190 tokens in all
        prompt b
        done b $1.00 195 tokens in all
        ",
        expect![[r#"
            idle → idle
            conversation c2 → idle
                persist
            command suspend → stopping
                close input of 1
            exit → suspended
                persist
            prompt a → starting
                persist
                spawn 2 forking c1
            ready → busy
                mark a sent
                send a to 2
            conversation c3 resumable → busy
                persist
            done a $0.95 190 tokens in all → idle
                persist
                finish a at home, done
                review #2: idle for 0ns
            prompt b → busy
                mark b sent
                send b to 2
            done b $1.00 195 tokens in all → idle
                persist with $0.05 5 tokens
                finish b at home, done, $0.05
                review #3: idle for 0ns
        "#]],
    );
}

#[test]
fn a_refused_fork_is_decided_by_the_user() {
    check(
        "
        session forks=c1
        prompt a
        resume-refused it is gone
        exit
        command fresh
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 forking c1
            resume-refused it is gone → stopping
                persist
                close input of 1
            exit → asking
                post home: Session 'x' could not fork the conversation: it is gone
            command fresh → starting
                persist
                close request failure 1: StartFresh
                spawn 2 anew
        "#]],
    );
}

fn fork(of: &SessionRecord) -> Option<SessionRecord> {
    let name: SessionName = "beta".parse().expect("a name");
    of.forked(name.clone(), name, UserId("bob".to_owned()), Timestamp(7))
}

#[test]
fn a_fork_has_the_settings_and_the_cost_but_not_the_work_of_its_origin() {
    let mut origin = record();
    assert_eq!(fork(&origin), None);
    origin.conversation = Some("c1".to_owned());
    assert_eq!(fork(&origin), None, "the agent has not stored the conversation");
    origin.resumable = true;
    origin.persona = Some("planner".to_owned());
    origin.model = Some("opus".to_owned());
    origin.cost_usd = Some(0.5);
    origin.tokens = Some(Tokens { input: 100, ..Tokens::default() });
    origin.turns = 9;
    origin.background = vec!["build".to_owned()];
    origin.terminal = Some(Terminal { process: terminal("8"), since: Timestamp(1) });
    let new = fork(&origin).expect("it has a conversation");
    let expected = SessionRecord {
        fork: Some(ForkPoint { conversation: "c1".to_owned(), is_cost_current: true }),
        persona: origin.persona.clone(),
        model: origin.model.clone(),
        greeted: true,
        cost_usd: origin.cost_usd,
        tokens: origin.tokens,
        ..SessionRecord::new("beta".parse().unwrap(), UserId("bob".to_owned()), "/x".into(), "demo", Timestamp(7))
    };
    assert_eq!(new, expected);
    let again = fork(&new).and_then(|again| again.fork).expect("the first conversation is known");
    assert_eq!(again, ForkPoint { conversation: "c1".to_owned(), is_cost_current: false });
}

#[test]
fn a_fork_counts_from_what_a_running_agent_has_stored() {
    let saved_usage = ConversationUsage { cost_usd: Some(0.25), tokens: None };
    let mut origin = SessionRecord { conversation: Some("c1".to_owned()), resumable: true, saved_usage, ..record() };
    origin.cost_usd = Some(0.5);
    assert_eq!(fork(&origin).expect("it has a conversation").cost_usd, Some(0.5));
    origin.process = Some(terminal("8"));
    assert_eq!(fork(&origin).expect("it has a conversation").cost_usd, Some(0.25));
}
