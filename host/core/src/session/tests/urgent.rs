//! Scenarios in which prompts interrupt the running turn, or individual prompts are removed from the queue.

use expect_test::expect;

use super::script::check;

#[test]
fn an_urgent_prompt_interrupts_and_runs_before_the_queue() {
    check(
        "busy a\nprompt b\nnow c\ninterrupted a\ndone c\ndone b",
        expect![[r#"
        busy a → busy
        prompt b → busy
        now c → busy
            interrupt 1
        interrupted a → busy
            persist
            finish a at home, failed: Interrupted by the next message.
            mark c sent
            send c to 1
        done c → busy
            persist
            finish c at home, done
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
fn two_urgent_prompts_run_in_order_after_one_interrupt() {
    check(
        "busy a\nprompt b\nnow c\nnow d\ninterrupted a\ndone c\ndone d",
        expect![[r#"
        busy a → busy
        prompt b → busy
        now c → busy
            interrupt 1
        now d → busy
        interrupted a → busy
            persist
            finish a at home, failed: Interrupted by the next message.
            mark c sent
            send c to 1
        done c → busy
            persist
            finish c at home, done
            mark d sent
            send d to 1
        done d → busy
            persist
            finish d at home, done
            mark b sent
            send b to 1
    "#]],
    );
}

#[test]
fn an_urgent_prompt_to_a_suspended_session_starts_the_agent() {
    check(
        "now a\nready\ndone a",
        expect![[r#"
        now a → starting
            persist
            spawn 1 anew
        ready → busy
            mark a sent
            send a to 1
        done a → idle
            persist
            finish a at home, done
            review #1: idle for 0ns
    "#]],
    );
}

#[test]
fn with_busy_interrupt_each_prompt_interrupts() {
    check(
        "interrupt-busy\nbusy a\nprompt b\ninterrupted a\ndone b",
        expect![[r#"
        interrupt-busy → suspended
        busy a → busy
        prompt b → busy
            interrupt 1
        interrupted a → busy
            persist
            finish a at home, failed: Interrupted by the next message.
            mark b sent
            send b to 1
        done b → idle
            persist
            finish b at home, done
            review #2: idle for 0ns
    "#]],
    );
}

#[test]
fn an_urgent_prompt_is_kept_if_the_agent_does_not_react() {
    check(
        "busy a\nnow b\nwait 5s\nexit\nready\ndone b",
        expect![[r#"
        busy a → busy
        now b → busy
            interrupt 1
        5s: interrupt → stopping
            persist
            finish a at home, failed: The agent of session 'x' did not respond and was stopped. The next message resumes it.
            terminate 1
        exit → starting
            spawn 2 anew
        ready → busy
            mark b sent
            send b to 2
        done b → idle
            persist
            finish b at home, done
            review #1: idle for 0ns
    "#]],
    );
}

#[test]
fn an_urgent_prompt_withdraws_an_open_question() {
    check(
        "busy a\nasks q\nnow b\ninterrupted a",
        expect![[r#"
            busy a → busy
            asks q → busy
                persist
                post home: Session 'x' in /x asks for permission:
            now b → busy
                audit q: withdrawn by Host
                answer q of 1: Nobody
                close request q: Withdrawn
                interrupt 1
            interrupted a → busy
                persist
                finish a at home, failed: Interrupted by the next message.
                mark b sent
                send b to 1
        "#]],
    );
}

#[test]
fn one_queued_prompt_is_dropped() {
    check(
        "busy a\nprompt b\nprompt c\ncommand drop b\ncommand drop b\ncommand drop a\ndone a",
        expect![[r#"
        busy a → busy
        prompt b → busy
        prompt c → busy
        command drop b → busy
            drop b
        command drop b
            refused (invalid): This message is no longer queued in session 'x'. Use /stop to interrupt the turn.
        command drop a
            refused (invalid): This message is no longer queued in session 'x'. Use /stop to interrupt the turn.
        done a → busy
            persist
            finish a at home, done
            mark c sent
            send c to 1
    "#]],
    );
}
