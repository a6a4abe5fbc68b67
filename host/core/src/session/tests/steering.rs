//! Scenarios in which prompts are sent to the agent during a turn.

use expect_test::expect;

use super::script::check;

#[test]
fn a_prompt_that_joins_the_turn_ends_with_it() {
    check(
        "steer\nbusy a\naccepted a\nprompt b\naccepted b\nsays Both\ndone a+b",
        expect![[r#"
            steer → suspended
            busy a → busy
            accepted a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            accepted b → busy
            says Both → busy
                show
            done a+b → idle
                persist
                finish a+b at home, done “Both”
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn a_prompt_that_the_turn_does_not_answer_gets_the_next_one() {
    check(
        "steer\nbusy a\nprompt b\nprompt c\ndone a\naccepted b\nsays Yes\ndone b+c\nprompt d",
        expect![[r#"
            steer → suspended
            busy a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            prompt c → busy
                mark c sent
                steer c to 1
            done a → busy
                persist
                finish a at home, done
                turn of b started at home
            accepted b → busy
            says Yes → busy
                show
            done b+c → idle
                persist
                finish b+c at home, done “Yes”
                review #2: idle for 0ns
            prompt d → busy
                mark d sent
                send d to 1
        "#]],
    );
}

#[test]
fn a_prompt_that_cannot_be_sent_during_the_turn_waits() {
    check(
        "steer\nbusy a\nprompt b from den\nprompt c\ndone a\ndone b\ndone c",
        expect![[r#"
            steer → suspended
            busy a → busy
            prompt b from den → busy
                persist
            prompt c → busy
                persist
            done a → busy
                persist
                finish a at home, done
                mark b sent
                send b to 1
            done b → busy
                persist
                finish b at den, done
                mark c sent
                send c to 1
            done c → idle
                persist
                finish c at home, done
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn a_prompt_waits_while_a_question_is_open() {
    check(
        "steer\nbusy a\nasks q\nprompt b\ncommand answer allow\nprompt c\ndone a\ndone b",
        expect![[r#"
            steer → suspended
            busy a → busy
            asks q → busy
                persist
                post home: Session 'x' in /x asks for permission:
            prompt b → busy
            command answer allow → busy
                audit q: Allow once by User
                answer q of 1: Options { ids: ["allow"], text: None }
                close request q: Offered("Allow once")
            prompt c → busy
            done a → busy
                persist
                finish a at home, done
                mark b sent
                send b to 1
            done b → busy
                persist
                finish b at home, done
                mark c sent
                send c to 1
        "#]],
    );
}

#[test]
fn a_prompt_waits_while_an_interrupt_is_in_progress() {
    check(
        "steer\nbusy a\ncommand stop\nprompt b\ninterrupted a\ndone b",
        expect![[r#"
            steer → suspended
            busy a → busy
            command stop → busy
                interrupt 1
            prompt b → busy
            interrupted a → busy
                persist
                finish a at home, stopped, silent
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
fn an_agent_of_one_prompt_at_a_time_gets_it_after_the_turn() {
    check(
        "steer one-at-a-time\nbusy a\nprompt b\ndone a",
        expect![[r#"
            steer one-at-a-time → suspended
            busy a → busy
            prompt b → busy
            done a → busy
                persist
                finish a at home, done
                mark b sent
                send b to 1
        "#]],
    );
}

#[test]
fn a_prompt_waits_for_a_turn_that_the_agent_started_itself() {
    check(
        "steer\nidle\ncommand touch\nbegan-turn t\nprompt b\ndone t",
        expect![[r#"
            steer → suspended
            idle → idle
            command touch → idle
                persist
                review #3: idle for 0ns
            began-turn t → busy
                turn started at home
            prompt b → busy
            done t → busy
                persist
                finish t at home, done
                mark b sent
                send b to 1
        "#]],
    );
}

#[test]
fn steered_prompts_count_until_the_agent_accepts_them() {
    check(
        "steer\nbusy a\nprompt b\nprompt c\nprompt d\nprompt e\naccepted b\nprompt f",
        expect![[r#"
            steer → suspended
            busy a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            prompt c → busy
                mark c sent
                steer c to 1
            prompt d → busy
                mark d sent
                steer d to 1
            prompt e → busy
                post home: Not accepted: 3 messages are already queued for session 'x'. Send this one again when they are answered, or use /stop all to drop them.
                drop e
            accepted b → busy
            prompt f → busy
                mark f sent
                steer f to 1
        "#]],
    );
}

#[test]
fn stop_ends_what_the_agent_accepted_and_drops_the_rest() {
    check(
        "steer\nbusy a\nprompt b\naccepted b\nprompt c\ncommand stop\ninterrupted a+b\nprompt d",
        expect![[r#"
            steer → suspended
            busy a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            accepted b → busy
            prompt c → busy
                mark c sent
                steer c to 1
            command stop → busy
                forget c of 1
                drop c
                interrupt 1
            interrupted a+b → idle
                persist
                finish a+b at home, stopped, silent
                review #2: idle for 0ns
            prompt d → busy
                mark d sent
                send d to 1
        "#]],
    );
}

#[test]
fn an_urgent_prompt_keeps_what_the_agent_did_not_accept() {
    check(
        "steer\nbusy a\nprompt b\nnow c\ninterrupted a\ndone c\ncommand retry b2\ndone b2",
        expect![[r#"
            steer → suspended
            busy a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            now c → busy
                persist
                forget b of 1
                post home: The agent of session 'x' did not answer “the text of b”. Your message was not sent again.
                complete b as interrupted
                interrupt 1
            interrupted a → busy
                persist
                finish a at home, failed: Interrupted by the next message.
                mark c sent
                send c to 1
            done c → idle
                persist
                finish c at home, done
                review #2: idle for 0ns
            command retry b2 → busy
                accept b2: the text of b
                persist
                close request b: SendAgain
                mark b2 sent
                send b2 to 1
            done b2 → idle
                persist
                finish b2 at home, done
                review #3: idle for 0ns
        "#]],
    );
}

#[test]
fn an_exit_keeps_accepted_prompts_and_resends_the_others() {
    check(
        "steer\nbusy a\naccepted a\nprompt b\naccepted b\nprompt c\nprompt d\nexit\nready\ndone c\ndone d\ncommand retry b2\ncommand leave",
        expect![[r#"
            steer → suspended
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
            exit → starting
                persist
                mark d queued
                mark c queued
                finish a+b at home, failed: Incomplete: the agent exited.
                post home: The agent of session 'x' exited during its answer: exit code 1
                post home: The agent of session 'x' did not answer “the text of b”. Your message was not sent again.
                spawn 2 anew
            ready → busy
                mark c sent
                send c to 2
            done c → busy
                persist
                finish c at home, done
                mark d sent
                send d to 2
            done d → idle
                persist
                finish d at home, done
                review #2: idle for 0ns
            command retry b2 → busy
                accept b2: the text of b
                persist
                close request b: SendAgain
                mark b2 sent
                send b2 to 2
                post home: An earlier message of session 'x' was not sent again either: “the text of a”.
            command leave → busy
                persist
                close request a: Leave
        "#]],
    );
}

#[test]
fn an_exit_before_the_receipt_resends_all_prompts_in_order() {
    check(
        "steer\nbusy a\nprompt b\nprompt c\nexit\nwait 1s\nready",
        expect![[r#"
            steer → suspended
            busy a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            prompt c → busy
                mark c sent
                steer c to 1
            exit → starting
                persist
                mark c queued
                mark b queued
                mark a queued
                post home: The agent of session 'x' did not start: it exited (exit code 1) without output
            1s: start again → starting
                spawn 2 anew
            ready → busy
                close request failure 1: Withdrawn
                mark a sent
                send a to 2
        "#]],
    );
}

#[test]
fn an_exit_in_the_next_turn_resends_what_was_not_accepted() {
    check(
        "steer\nbusy a\nprompt b\nprompt c\ndone a\nexit\nwait 1s\nready",
        expect![[r#"
            steer → suspended
            busy a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            prompt c → busy
                mark c sent
                steer c to 1
            done a → busy
                persist
                finish a at home, done
                turn of b started at home
            exit → starting
                persist
                mark c queued
                mark b queued
                post home: The agent of session 'x' did not start: it exited (exit code 1) without output
            1s: start again → starting
                spawn 2 anew
            ready → busy
                close request failure 1: Withdrawn
                mark b sent
                send b to 2
        "#]],
    );
}

#[test]
fn a_refused_resume_returns_all_prompts_to_the_queue() {
    check(
        "steer\nsession conversation=c1\nsteer\nprompt a\nready\nprompt b\nresume-refused no such conversation\nexit",
        expect![[r#"
            steer → suspended
            steer → suspended
            prompt a → starting
                persist
                request resume notice #2: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                mark a sent
                send a to 1
            prompt b → busy
                mark b sent
                steer b to 1
            resume-refused no such conversation → stopping
                persist
                mark b queued
                mark a queued
                close input of 1
            exit → asking
                post home: Session 'x' could not be resumed: no such conversation
        "#]],
    );
}

#[test]
fn a_lost_access_interrupts_the_turn_of_another_author() {
    check(
        "steer\nbusy a\nprompt b\nprompt c\naccess-lost c\ninterrupted a",
        expect![[r#"
            steer → suspended
            busy a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            prompt c → busy
                mark c sent
                steer c to 1
            access-lost c → busy
                persist
                forget b of 1
                post home: The agent of session 'x' did not answer “the text of b”. Your message was not sent again.
                complete b as interrupted
                forget c of 1
                drop c
                interrupt 1
            interrupted a → idle
                persist
                finish a at home, failed: Interrupted, because another user whose message was being answered lost access. Send your message again.
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn a_lost_access_keeps_the_prompts_of_others() {
    check(
        "steer\nbusy a\naccepted a\nprompt b\naccess-lost a\nsays more\ninterrupted a",
        expect![[r#"
            steer → suspended
            busy a → busy
            accepted a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            access-lost a → busy
                persist
                forget b of 1
                post home: The agent of session 'x' did not answer “the text of b”. Your message was not sent again.
                complete b as interrupted
                interrupt 1
            says more → busy
            interrupted a → idle
                persist
                finish a at home, stopped “more”
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn a_shutdown_keeps_accepted_prompts_for_the_next_host() {
    check(
        "steer\nbusy a\nprompt b\naccepted b\nprompt c\nshutdown\ninterrupted a+b\nexit",
        expect![[r#"
            steer → suspended
            busy a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            accepted b → busy
            prompt c → busy
                mark c sent
                steer c to 1
            shutdown → stopping
                interrupt 1
            interrupted a+b → stopping
                persist
                finish interrupted a+b at home, failed: Stopped: Cordboard is shutting down.
            exit → suspended
                mark c queued
        "#]],
    );
}

#[test]
fn a_shutdown_waits_for_the_fate_of_the_other_prompts() {
    check(
        "steer\nbusy a\nprompt b\nprompt c\nshutdown\ndone a\naccepted b\nexit",
        expect![[r#"
            steer → suspended
            busy a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            prompt c → busy
                mark c sent
                steer c to 1
            shutdown → stopping
                interrupt 1
            done a → stopping
                persist
                finish a at home, done
            accepted b → stopping
            exit → suspended
                mark c queued
                finish interrupted b at home, failed: Stopped: Cordboard is shutting down.
        "#]],
    );
}

#[test]
fn a_turn_ends_although_its_first_prompt_is_not_named() {
    check(
        "steer\nbusy a\nprompt b\ndone b",
        expect![[r#"
            steer → suspended
            busy a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            done b → idle
                persist
                finish a+b at home, done
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn an_unresponsive_agent_ends_the_accepted_prompts() {
    check(
        "steer\nbusy a\nprompt b\naccepted b\ncommand stop\nwait 5s\nexit",
        expect![[r#"
            steer → suspended
            busy a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            accepted b → busy
            command stop → busy
                interrupt 1
            5s: interrupt → stopping
                persist
                finish a+b at home, failed: The agent of session 'x' did not respond and was stopped. The next message resumes it., silent
                terminate 1
            exit → suspended
        "#]],
    );
}

#[test]
fn a_session_with_steered_prompts_is_not_unused() {
    check(
        "
        steer
        busy a
        prompt b
        suspend-if-unused
        done a
        suspend-if-unused
        done b
        suspend-if-unused
        ",
        expect![[r#"
            steer → suspended
            busy a → busy
            prompt b → busy
                mark b sent
                steer b to 1
            suspend-if-unused → busy
            done a → busy
                persist
                finish a at home, done
                turn of b started at home
            suspend-if-unused → busy
            done b → idle
                persist
                finish b at home, done
                review #2: idle for 0ns
            suspend-if-unused → stopping
                close input of 1
        "#]],
    );
}
