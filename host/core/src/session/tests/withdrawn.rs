//! Scenarios of prompts whose author may no longer use the session.

use expect_test::expect;

use super::script::check;

#[test]
fn withdrawn_prompts_are_dropped_and_others_remain() {
    check(
        "
        prompt a
        ready
        prompt b
        prompt c
        withdraw b x
        done a
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            prompt b → busy
            prompt c → busy
            withdraw b x → busy
                drop b
            done a → busy
                persist
                finish a at home, done
                hand c
                send c to 1
        "#]],
    );
}

#[test]
fn a_withdrawn_turn_is_interrupted_and_shows_nothing_more() {
    check(
        "
        prompt a
        ready
        taken a
        says Half
        prompt b
        withdraw a
        says an answer
        order stop
        done a
        done b
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            taken a → busy
            says Half → busy
                show
            prompt b → busy
            withdraw a → busy
                interrupt 1
            says an answer → busy
            order stop → busy
            done a → busy
                persist
                finish a at home, stopped, silent “Halfan answer”
                hand b
                send b to 1
            done b → idle
                persist
                finish b at home, done
                review #1: idle for 0ns
        "#]],
    );
}

#[test]
fn the_failure_of_a_withdrawn_turn_is_not_reported() {
    check(
        "
        prompt a
        ready
        taken a
        withdraw a
        exit
        prompt b
        ready
        taken b
        withdraw b
        wait 5s
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            taken a → busy
            withdraw a → busy
                interrupt 1
            exit → suspended
                persist
                finish a at home, stopped
            prompt b → starting
                spawn 2 anew
            ready → busy
                hand b
                send b to 2
            taken b → busy
            withdraw b → busy
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
fn a_withdrawn_prompt_does_not_wait_for_a_resume() {
    check(
        "
        session conversation=c1
        prompt a
        ready
        withdraw a
        refused no such conversation
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                word resume #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                hand a
                send a to 1
            withdraw a → busy
                interrupt 1
            refused no such conversation → stopping
                persist
                finish a at home, stopped
                close input of 1
            exit → asking
                tell home: Session 'x' could not be resumed: no such conversation
        "#]],
    );
}
