//! Scenarios of agents that are silent during a turn.

use expect_test::expect;

use super::script::check;

#[test]
fn a_silence_is_asked_about_once_and_closed_by_output() {
    check(
        "
        stall 60s
        busy a
        wait 40s
        says x
        wait 200s
        stall 30s
        wait 100s
        @9 output
        output
        says y
        wait 30s
        done a
        command press silence@40s stop
        ",
        expect![[r#"
            stall 60s → suspended
            busy a → busy
            says x → busy
                show
            100s: stalled → busy
                post home: The agent of session 'x' has been silent for 1m, although it runs no tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
            stall 30s → busy
            @9 output → busy
            output → busy
                close request silence since 40s: Withdrawn
            says y → busy
                show
            370s: stalled → busy
                post home: The agent of session 'x' has been silent for 30s, although it runs no tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
            done a → idle
                persist
                finish a at home, done “xy”
                review #3: idle for 0ns
                close request silence since 340s: Withdrawn
            command press silence@40s stop
                refused (invalid): This request is closed. The button has no effect.
        "#]],
    );
}

#[test]
fn tools_questions_and_interrupts_are_expected_silences() {
    check(
        "
        stall 60s
        busy a
        does ls
        wait 500s
        did ls
        asks q1
        wait 500s
        command answer allow
        wait 59s
        command stop from den
        wait 4s
        ",
        expect![[r#"
            stall 60s → suspended
            busy a → busy
            does ls → busy
                show
            did ls → busy
                show
            asks q1 → busy
                post home: Session 'x' in /x asks for a permission:
            command answer allow → busy
                audit q1: Allow once by User
                answer q1 of 1: Options { ids: ["allow"], text: None }
                close request q1: Offered("Allow once")
            command stop from den → busy
                interrupt 1
        "#]],
    );
}

#[test]
fn waiting_asks_again_after_the_same_time() {
    check(
        "
        stall 60s
        busy a
        wait 70s
        command press silence@0s answer wait
        command press silence@0s answer wait
        wait 60s
        stall 0s
        command press silence@70s answer wait
        wait 500s
        ",
        expect![[r#"
            stall 60s → suspended
            busy a → busy
            60s: stalled → busy
                post home: The agent of session 'x' has been silent for 1m, although it runs no tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
            command press silence@0s answer wait → busy
                close request silence since 0s: Wait
            command press silence@0s answer wait
                refused (invalid): This request is closed. The button has no effect.
            130s: stalled → busy
                post home: The agent of session 'x' has been silent for 1m, although it runs no tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
            stall 0s → busy
            command press silence@70s answer wait → busy
                close request silence since 70s: Wait
        "#]],
    );
}

#[test]
fn a_silent_turn_is_interrupted() {
    check(
        "
        stall 60s
        busy a
        prompt b
        wait 60s
        command press silence@0s stop
        interrupted a
        ",
        expect![[r#"
            stall 60s → suspended
            busy a → busy
            prompt b → busy
            60s: stalled → busy
                post home: The agent of session 'x' has been silent for 1m, although it runs no tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
            command press silence@0s stop → busy
                close request silence since 0s: Interrupt
                interrupt 1
            interrupted a → busy
                persist
                finish a at home, stopped, silent
                mark b sent
                send b to 1
        "#]],
    );
}

#[test]
fn a_restarted_agent_gets_the_prompt_again() {
    check(
        "
        stall 60s
        busy a
        prompt b
        says x
        wait 60s
        command press silence@0s retry c
        command press silence@0s retry d
        exit
        ready
        done c
        ",
        expect![[r#"
            stall 60s → suspended
            busy a → busy
            prompt b → busy
            says x → busy
                show
            60s: stalled → busy
                post home: The agent of session 'x' has been silent for 1m, although it runs no tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
            command press silence@0s retry c → stopping
                accept c: the text of a
                persist
                close request silence since 0s: Restart
                finish a at home, failed: Incomplete: the agent was restarted. “x”
                close input of 1
            command press silence@0s retry d
                refused (invalid): This request is closed. The button has no effect.
            exit → starting
                spawn 2 anew
            ready → busy
                mark c sent
                send c to 2
            done c → busy
                persist
                finish c at home, done
                mark b sent
                send b to 2
        "#]],
    );
}

#[test]
fn a_restart_ends_a_turn_that_the_agent_began() {
    check(
        "
        stall 60s
        busy a
        done a
        began-turn t
        wait 60s
        command press silence@0s retry c
        exit
        ",
        expect![[r#"
            stall 60s → suspended
            busy a → busy
            done a → idle
                persist
                finish a at home, done
                review #2: idle for 0ns
            began-turn t → busy
                turn started at home
            60s: stalled → busy
                post home: The agent of session 'x' has been silent for 1m, although it runs no tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
            command press silence@0s retry c → stopping
                persist
                close request silence since 0s: Restart
                finish t at home, failed: Incomplete: the agent was restarted.
                close input of 1
            exit → suspended
        "#]],
    );
}

#[test]
fn an_exit_closes_the_question_about_a_silence() {
    check(
        "
        stall 60s
        busy a
        accepted a
        wait 60s
        exit killed
        command press silence@0s stop
        ",
        expect![[r#"
            stall 60s → suspended
            busy a → busy
            accepted a → busy
            60s: stalled → busy
                post home: The agent of session 'x' has been silent for 1m, although it runs no tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
            exit killed → suspended
                persist
                finish a at home, failed: Incomplete: the agent exited.
                post home: The agent of session 'x' exited during its answer: killed
                close request silence since 0s: Withdrawn
            command press silence@0s stop
                refused (invalid): This request is closed. The button has no effect.
        "#]],
    );
}
