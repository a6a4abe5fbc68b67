//! Scenarios in which authors of prompts lose access to the session.

use expect_test::expect;

use super::script::check;

#[test]
fn prompts_without_access_are_dropped_and_others_remain() {
    check(
        "
        busy a
        prompt b
        prompt c
        access-lost b x
        done a
        ",
        expect![[r#"
            busy a → busy
            prompt b → busy
            prompt c → busy
            access-lost b x → busy
                drop b
            done a → busy
                persist
                finish a at home, done
                mark c sent
                send c to 1
        "#]],
    );
}

#[test]
fn a_turn_without_access_is_interrupted_and_shows_nothing() {
    check(
        "
        busy a
        accepted a
        says Half
        prompt b
        access-lost a
        says an answer
        command stop
        done a
        done b
        ",
        expect![[r#"
            busy a → busy
            accepted a → busy
            says Half → busy
                show
            prompt b → busy
            access-lost a → busy
                interrupt 1
            says an answer → busy
            command stop → busy
            done a → busy
                persist
                finish a at home, stopped, silent “Halfan answer”
                mark b sent
                send b to 1
            done b → idle
                persist
                finish b at home, done
                review #1: idle for 0ns
        "#]],
    );
}

#[test]
fn the_failure_of_a_turn_without_access_is_not_reported() {
    check(
        "
        busy a
        accepted a
        access-lost a
        exit
        prompt b
        ready
        accepted b
        access-lost b
        wait 5s
        exit
        ",
        expect![[r#"
            busy a → busy
            accepted a → busy
            access-lost a → busy
                interrupt 1
            exit → suspended
                persist
                finish a at home, stopped
            prompt b → starting
                spawn 2 anew
            ready → busy
                mark b sent
                send b to 2
            accepted b → busy
            access-lost b → busy
                interrupt 2
            5s: interrupt → stopping
                persist
                finish b at home, stopped
                terminate 2
            exit → suspended
        "#]],
    );
}

#[test]
fn a_prompt_without_access_does_not_wait_for_a_resume() {
    check(
        "
        session conversation=c1
        prompt a
        ready
        access-lost a
        resume-refused no such conversation
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                mark a sent
                send a to 1
            access-lost a → busy
                interrupt 1
            resume-refused no such conversation → stopping
                persist
                finish a at home, stopped
                close input of 1
            exit → asking
                post home: Session 'x' could not be resumed: no such conversation
        "#]],
    );
}
