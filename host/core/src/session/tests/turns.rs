//! Scenarios of turns: the queue, the answer, and deaths during a turn.

use expect_test::expect;

use super::script::check;

#[test]
fn prompts_for_a_busy_agent_wait_in_order() {
    check(
        "
        prompt a
        prompt b from den
        ready
        prompt c
        taken a
        says one
        done a
        taken b
        says two
        done b
        done c
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            prompt b from den → starting
                persist
            ready → busy
                hand a
                send a to 1
            prompt c → busy
                persist
            taken a → busy
            says one → busy
                show
            done a → busy
                persist
                finish a at home, done “one”
                hand b
                send b to 1
            taken b → busy
            says two → busy
                show
            done b → busy
                persist
                finish b at den, done “two”
                hand c
                send c to 1
            done c → idle
                persist
                finish c at home, done
                review #1: idle for 0ns
        "#]],
    );
}

#[test]
fn an_edit_replaces_only_a_waiting_prompt() {
    check(
        "
        prompt a
        prompt b
        ready
        edited a: too late
        edited b: other words
        edited z: of nobody
        done a
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            prompt b → starting
            ready → busy
                hand a
                send a to 1
            edited a: too late → busy
            edited b: other words → busy
            edited z: of nobody → busy
            done a → busy
                persist
                finish a at home, done
                hand b
                send b to 1: other words
        "#]],
    );
}

#[test]
fn a_full_queue_refuses_the_prompt() {
    check(
        "
        prompt a
        ready
        prompt b
        prompt c
        prompt d
        prompt e from den
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
            prompt d → busy
            prompt e from den → busy
                tell den: Not accepted: 3 messages are already queued for session 'x'. Send it again when they are answered, or use /stop all to drop them.
                drop e
        "#]],
    );
}

#[test]
fn an_exit_during_a_turn_keeps_its_prompt() {
    check(
        "
        prompt a
        conversation c1 resumable
        ready
        taken a
        says Half
        does Bash
        prompt b from den
        exit boom
        ready
        taken b
        order retry a2
        done b
        taken a2
        done a2
        order retry a3
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            conversation c1 resumable → starting
                persist
            ready → busy
                hand a
                send a to 1
            taken a → busy
            says Half → busy
                show
            does Bash → busy
                show
            prompt b from den → busy
                persist
            exit boom → starting
                persist
                finish a at home, failed: Incomplete: the agent exited. “Half” [Bash]
                tell home: The agent of session 'x' exited during its answer: boom
                spawn 2 resuming c1
            ready → busy
                hand b
                send b to 2
            taken b → busy
            order retry a2 → busy
                accept a2: the text of a
                persist
                decided a: SendAgain
            done b → busy
                persist
                finish b at den, done
                hand a2
                send a2 to 2
            taken a2 → busy
            done a2 → idle
                persist
                finish a2 at home, done
                review #1: idle for 0ns
            order retry a3
                refused (invalid): Nothing to retry.
        "#]],
    );
}

#[test]
fn two_interrupted_prompts_are_both_kept() {
    check(
        "
        prompt a
        ready
        taken a
        exit boom
        prompt b from den
        ready
        taken b
        exit bang
        order retry b2
        ready
        done b2
        order leave
        order leave
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            taken a → busy
            exit boom → suspended
                persist
                finish a at home, failed: Incomplete: the agent exited.
                tell home: The agent of session 'x' exited during its answer: boom
            prompt b from den → starting
                persist
                spawn 2 anew
            ready → busy
                hand b
                send b to 2
            taken b → busy
            exit bang → suspended
                persist
                finish b at den, failed: Incomplete: the agent exited.
                tell den: The agent of session 'x' exited during its answer: bang
            order retry b2 → starting
                accept b2: the text of b
                persist
                decided b: SendAgain
                spawn 3 anew
                tell home: An earlier message of session 'x' was not sent again either: “the text of a”.
            ready → busy
                hand b2
                send b2 to 3
            done b2 → idle
                persist
                finish b2 at den, done
                review #1: idle for 0ns
            order leave → idle
                persist
                decided a: Leave
            order leave
                refused (invalid): Nothing to leave.
        "#]],
    );
}

#[test]
fn partial_output_counts_as_acceptance() {
    check(
        "
        prompt a
        ready
        says Half
        exit boom
        order leave
        order leave
        order retry r
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            says Half → busy
                show
            exit boom → suspended
                persist
                finish a at home, failed: Incomplete: the agent exited. “Half”
                tell home: The agent of session 'x' exited during its answer: boom
            order leave → suspended
                persist
                decided a: Leave
            order leave
                refused (invalid): Nothing to leave.
            order retry r
                refused (invalid): Nothing to retry.
        "#]],
    );
}

#[test]
fn retry_resumes_a_suspended_session() {
    check(
        "
        session conversation=c1
        prompt a
        ready
        taken a
        exit boom
        order retry a2
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                word resume #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                hand a
                send a to 1
            taken a → busy
            exit boom → suspended
                persist
                finish a at home, failed: Incomplete: the agent exited.
                tell home: The agent of session 'x' exited during its answer: boom
            order retry a2 → starting
                accept a2: the text of a
                persist
                decided a: SendAgain
                word resume #2: idle for 0ns
                spawn 2 resuming c1
            ready → busy
                hand a2
                send a2 to 2
        "#]],
    );
}

#[test]
fn late_and_duplicate_events_are_ignored() {
    check(
        "
        prompt a
        ready
        taken a
        done a
        done a
        says ghost
        taken a
        prompt b
        done a
        @7 done b
        @7 exit
        says real
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
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            done a → idle
            says ghost → idle
            taken a → idle
            prompt b → busy
                hand b
                send b to 1
            done a → busy
            @7 done b → busy
            @7 exit → busy
            says real → busy
                show
            done b → idle
                persist
                finish b at home, done “real”
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn unprompted_output_goes_to_the_latest_place() {
    check(
        "
        prompt a from den
        ready
        done a
        verdict after 10s
        wait 8s
        unasked the build is green
        verdict after 10s
        wait 8s
        wait 2s
        ",
        expect![[r#"
            prompt a from den → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            done a → idle
                persist
                finish a at den, done
                review #1: idle for 0ns
            verdict after 10s → idle
            unasked the build is green → idle
                tell den: the build is green
                review #2: idle for 0ns
            verdict after 10s → idle
            18s: idle → stopping
                close input of 1
        "#]],
    );
}

#[test]
fn a_denied_tool_is_reported_in_the_turns_place() {
    check(
        "
        prompt a from den
        ready
        prompt b
        denied Bash rm -rf /
        failed a out of credit
        ",
        expect![[r#"
            prompt a from den → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            prompt b → busy
                persist
            denied Bash rm -rf / → busy
                tell den: Denied: Bash `rm -rf /`
            failed a out of credit → busy
                persist
                finish a at den, failed: out of credit
                hand b
                send b to 1
        "#]],
    );
}

#[test]
fn the_cost_of_a_turn_is_the_increase_of_the_total() {
    check(
        "
        prompt a
        ready
        done a $0.25
        prompt b
        done b $0.75
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            done a $0.25 → idle
                persist
                finish a at home, done, $0.25
                review #1: idle for 0ns
            prompt b → busy
                hand b
                send b to 1
            done b $0.75 → idle
                persist
                finish b at home, done, $0.50
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn a_new_conversation_resets_the_cost() {
    check(
        "
        prompt a
        ready
        done a $0.75
        exit
        prompt b
        ready
        done b $0.25
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            done a $0.75 → idle
                persist
                finish a at home, done, $0.75
                review #1: idle for 0ns
            exit → suspended
            prompt b → starting
                persist
                spawn 2 anew
            ready → busy
                hand b
                send b to 2
            done b $0.25 → idle
                persist
                finish b at home, done, $0.25
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn a_turn_keeps_its_mode() {
    check(
        "
        order mode quiet
        prompt a
        ready
        order mode verbose
        done a
        ",
        expect![[r#"
            order mode quiet → suspended
                persist
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            order mode verbose → busy
                persist
            done a → idle
                persist
                finish a at home, done, mode quiet
                review #1: idle for 0ns
        "#]],
    );
}
