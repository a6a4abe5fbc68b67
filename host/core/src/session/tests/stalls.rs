//! Scenarios in which an agent goes silent during a turn.

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
                post home: The agent of session 'x' has been silent for 1m, although it is not running a tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
            stall 30s → busy
            @9 output → busy
            output → busy
                close request silence since 40s: Withdrawn
            says y → busy
                show
            370s: stalled → busy
                post home: The agent of session 'x' has been silent for 30s, although it is not running a tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
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
                persist
                post home: Session 'x' in /x asks for permission:
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
                post home: The agent of session 'x' has been silent for 1m, although it is not running a tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
            command press silence@0s answer wait → busy
                close request silence since 0s: Wait
            command press silence@0s answer wait
                refused (invalid): This request is closed. The button has no effect.
            130s: stalled → busy
                post home: The agent of session 'x' has been silent for 1m, although it is not running a tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
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
                post home: The agent of session 'x' has been silent for 1m, although it is not running a tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
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
                post home: The agent of session 'x' has been silent for 1m, although it is not running a tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
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
                post home: The agent of session 'x' has been silent for 1m, although it is not running a tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
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
                post home: The agent of session 'x' has been silent for 1m, although it is not running a tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
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

#[test]
fn a_restart_keeps_accepted_prompts_and_resends_the_others() {
    check(
        "
        steer 60s
        busy a
        accepted a
        prompt b
        accepted b
        prompt c
        prompt d
        prompt e from den
        wait 60s
        command press silence@0s retry a2
        exit
        ready
        done a2
        done c
        done d
        done e
        command press b retry b2
        done b2
        command press b retry b3
        ",
        expect![[r#"
            steer 60s → suspended
            busy a → busy
            accepted a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            accepted b → busy
            prompt c → busy
                mark c sent
                steer c to 1
            prompt d → busy
                mark d sent
                steer d to 1
            prompt e from den → busy
                persist
            60s: stalled → busy
                post home: The agent of session 'x' has been silent for 1m, although it is not running a tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
            command press silence@0s retry a2 → stopping
                persist
                mark d queued
                mark c queued
                accept a2: the text of a
                close request silence since 0s: Restart
                finish a+b at home, failed: Incomplete: the agent was restarted.
                post home: The agent of session 'x' did not answer “the text of b”. Your message was not sent again.
                close input of 1
            exit → starting
                spawn 2 anew
            ready → busy
                mark a2 sent
                send a2 to 2
            done a2 → busy
                persist
                finish a2 at home, done
                mark c sent
                send c to 2
            done c → busy
                persist
                finish c at home, done
                mark d sent
                send d to 2
            done d → busy
                persist
                finish d at home, done
                mark e sent
                send e to 2
            done e → idle
                persist
                finish e at den, done
                review #2: idle for 0ns
            command press b retry b2 → busy
                accept b2: the text of b
                persist
                close request b: SendAgain
                mark b2 sent
                send b2 to 2
            done b2 → idle
                persist
                finish b2 at home, done
                review #3: idle for 0ns
            command press b retry b3
                refused (invalid): This request is closed. The button has no effect.
        "#]],
    );
}

#[test]
fn a_restart_before_the_receipt_resends_all_prompts_in_order() {
    check(
        "
        steer 60s
        busy a
        prompt b
        wait 60s
        command press silence@0s retry a2
        exit
        ready
        done a2
        done b
        ",
        expect![[r#"
            steer 60s → suspended
            busy a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            60s: stalled → busy
                post home: The agent of session 'x' has been silent for 1m, although it is not running a tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
            command press silence@0s retry a2 → stopping
                persist
                mark b queued
                accept a2: the text of a
                close request silence since 0s: Restart
                finish a at home, failed: Incomplete: the agent was restarted.
                close input of 1
            exit → starting
                spawn 2 anew
            ready → busy
                mark a2 sent
                send a2 to 2
            done a2 → busy
                persist
                finish a2 at home, done
                mark b sent
                send b to 2
            done b → idle
                persist
                finish b at home, done
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn the_receipt_and_the_answer_of_a_steered_prompt_are_output() {
    check(
        "
        steer 60s
        busy a
        wait 50s
        prompt b
        wait 20s
        accepted b
        wait 50s
        says x
        wait 50s
        done a
        wait 50s
        says y
        wait 59s
        wait 1s
        done b
        ",
        expect![[r#"
            steer 60s → suspended
            busy a → busy
            prompt b → busy
                persist
                mark b sent
                steer b to 1
            60s: stalled → busy
                post home: The agent of session 'x' has been silent for 1m, although it is not running a tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
            accepted b → busy
                close request silence since 0s: Withdrawn
            says x → busy
                show
            done a → busy
                persist
                finish a at home, done “x”
                turn of b started at home
            says y → busy
                show
            280s: stalled → busy
                post home: The agent of session 'x' has been silent for 1m, although it is not running a tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.
            done b → idle
                persist
                finish b at home, done “y”
                review #2: idle for 0ns
                close request silence since 220s: Withdrawn
        "#]],
    );
}
