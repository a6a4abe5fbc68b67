//! Scenarios about turns: the queue, the answer, and agents that exit during a turn.

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
        accepted a
        says one
        done a
        accepted b
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
                mark a sent
                send a to 1
            prompt c → busy
                persist
            accepted a → busy
            says one → busy
                show
            done a → busy
                persist
                finish a at home, done “one”
                mark b sent
                send b to 1
            accepted b → busy
            says two → busy
                show
            done b → busy
                persist
                finish b at den, done “two”
                mark c sent
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
                mark a sent
                send a to 1
            edited a: too late → busy
            edited b: other words → busy
            edited z: of nobody → busy
            done a → busy
                persist
                finish a at home, done
                mark b sent
                send b to 1: other words
        "#]],
    );
}

#[test]
fn a_full_queue_refuses_the_prompt() {
    check(
        "
        busy a
        prompt b
        prompt c
        prompt d
        prompt e from den
        ",
        expect![[r#"
            busy a → busy
            prompt b → busy
            prompt c → busy
            prompt d → busy
            prompt e from den → busy
                post den: Not accepted: 3 messages are already queued for session 'x'. Send this one again when they are answered, or use /stop all to drop them.
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
        accepted a
        says Half
        does Bash
        prompt b from den
        exit boom
        ready
        accepted b
        command retry a2
        done b
        accepted a2
        done a2
        command retry a3
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            conversation c1 resumable → starting
                persist
            ready → busy
                mark a sent
                send a to 1
            accepted a → busy
            says Half → busy
                show
            does Bash → busy
                show
            prompt b from den → busy
                persist
            exit boom → starting
                persist
                finish a at home, failed: Incomplete: the agent exited. “Half” [Bash]
                post home: The agent of session 'x' exited during its answer: boom
                spawn 2 resuming c1
            ready → busy
                mark b sent
                send b to 2
            accepted b → busy
            command retry a2 → busy
                accept a2: the text of a
                persist
                close request a: SendAgain
            done b → busy
                persist
                finish b at den, done
                mark a2 sent
                send a2 to 2
            accepted a2 → busy
            done a2 → idle
                persist
                finish a2 at home, done
                review #1: idle for 0ns
            command retry a3
                refused (invalid): Nothing to retry.
        "#]],
    );
}

#[test]
fn two_interrupted_prompts_are_both_kept() {
    check(
        "
        busy a
        accepted a
        exit boom
        prompt b from den
        ready
        accepted b
        exit bang
        command retry b2
        ready
        done b2
        command leave
        command leave
        ",
        expect![[r#"
            busy a → busy
            accepted a → busy
            exit boom → suspended
                persist
                finish a at home, failed: Incomplete: the agent exited.
                post home: The agent of session 'x' exited during its answer: boom
            prompt b from den → starting
                persist
                spawn 2 anew
            ready → busy
                mark b sent
                send b to 2
            accepted b → busy
            exit bang → suspended
                persist
                finish b at den, failed: Incomplete: the agent exited.
                post den: The agent of session 'x' exited during its answer: bang
            command retry b2 → starting
                accept b2: the text of b
                persist
                close request b: SendAgain
                spawn 3 anew
                post home: An earlier message of session 'x' was not sent again either: “the text of a”.
            ready → busy
                mark b2 sent
                send b2 to 3
            done b2 → idle
                persist
                finish b2 at den, done
                review #1: idle for 0ns
            command leave → idle
                persist
                close request a: Leave
            command leave
                refused (invalid): No interrupted message to drop.
        "#]],
    );
}

#[test]
fn partial_output_counts_as_acceptance() {
    check(
        "
        busy a
        says Half
        exit boom
        command leave
        command leave
        command retry r
        ",
        expect![[r#"
            busy a → busy
            says Half → busy
                show
            exit boom → suspended
                persist
                finish a at home, failed: Incomplete: the agent exited. “Half”
                post home: The agent of session 'x' exited during its answer: boom
            command leave → suspended
                persist
                close request a: Leave
            command leave
                refused (invalid): No interrupted message to drop.
            command retry r
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
        accepted a
        exit boom
        command retry a2
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                mark a sent
                send a to 1
            accepted a → busy
            exit boom → suspended
                persist
                finish a at home, failed: Incomplete: the agent exited.
                post home: The agent of session 'x' exited during its answer: boom
            command retry a2 → starting
                accept a2: the text of a
                persist
                close request a: SendAgain
                request resume notice #2: idle for 0ns
                spawn 2 resuming c1
            ready → busy
                mark a2 sent
                send a2 to 2
        "#]],
    );
}

#[test]
fn late_and_duplicate_events_are_ignored() {
    check(
        "
        busy a
        accepted a
        done a
        done a
        says ghost
        accepted a
        prompt b
        done a
        @7 done b
        @7 exit
        says real
        done b
        ",
        expect![[r#"
            busy a → busy
            accepted a → busy
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            done a → idle
            says ghost → idle
            accepted a → idle
            prompt b → busy
                mark b sent
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
        unprompted the build is green
        verdict after 10s
        wait 8s
        wait 2s
        ",
        expect![[r#"
            prompt a from den → starting
                persist
                spawn 1 anew
            ready → busy
                mark a sent
                send a to 1
            done a → idle
                persist
                finish a at den, done
                review #1: idle for 0ns
            verdict after 10s → idle
            unprompted the build is green → idle
                post den: the build is green
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
                mark a sent
                send a to 1
            prompt b → busy
                persist
            denied Bash rm -rf / → busy
                post den: Denied: Bash `rm -rf /`
            failed a out of credit → busy
                persist
                finish a at den, failed: out of credit
                mark b sent
                send b to 1
        "#]],
    );
}

#[test]
fn the_cost_of_a_turn_is_the_increase_of_the_total() {
    check(
        "
        busy a
        done a $0.25
        prompt b
        done b $0.75
        ",
        expect![[r#"
            busy a → busy
            done a $0.25 → idle
                persist with $0.25 0 tokens
                finish a at home, done, $0.25
                review #1: idle for 0ns
            prompt b → busy
                mark b sent
                send b to 1
            done b $0.75 → idle
                persist with $0.50 0 tokens
                finish b at home, done, $0.50
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn a_new_conversation_resets_the_cost() {
    check(
        "
        busy a
        done a $0.75
        exit
        prompt b
        ready
        done b $0.25
        ",
        expect![[r#"
            busy a → busy
            done a $0.75 → idle
                persist with $0.75 0 tokens
                finish a at home, done, $0.75
                review #1: idle for 0ns
            exit → suspended
            prompt b → starting
                persist
                spawn 2 anew
            ready → busy
                mark b sent
                send b to 2
            done b $0.25 → idle
                persist with $0.25 0 tokens
                finish b at home, done, $0.25
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn after_a_crash_the_total_counts_from_the_last_orderly_end() {
    check(
        "
        session conversation=c1
        prompt a
        ready
        done a $0.50 10 tokens in all
        command suspend
        exit
        prompt b
        ready
        done b $9.00 90 tokens in all
        exit
        prompt c
        ready
        done c $0.60 12 tokens in all
        ",
        expect![[r#"
            prompt a → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                mark a sent
                send a to 1
            done a $0.50 10 tokens in all → idle
                persist with $0.50 10 tokens
                finish a at home, done, $0.50
                review #2: idle for 0ns
            command suspend → stopping
                close input of 1
            exit → suspended
                persist
            prompt b → starting
                request resume notice #3: idle for 0ns
                spawn 2 resuming c1
            ready → busy
                mark b sent
                send b to 2
            done b $9.00 90 tokens in all → idle
                persist with $8.50 80 tokens
                finish b at home, done, $8.50
                review #4: idle for 0ns
            exit → suspended
            prompt c → starting
                request resume notice #5: idle for 0ns
                spawn 3 resuming c1
            ready → busy
                mark c sent
                send c to 3
            done c $0.60 12 tokens in all → idle
                persist with $0.10 2 tokens
                finish c at home, done, $0.10
                review #6: idle for 0ns
        "#]],
    );
}

#[test]
fn a_lower_total_counts_from_zero() {
    check(
        "
        busy a
        conversation c1 resumable
        done a $0.75
        exit
        prompt b
        ready
        done b $0.25
        prompt c
        done c $0.25
        ",
        expect![[r#"
            busy a → busy
            conversation c1 resumable → busy
                persist
            done a $0.75 → idle
                persist with $0.75 0 tokens
                finish a at home, done, $0.75
                review #1: idle for 0ns
            exit → suspended
            prompt b → starting
                request resume notice #2: idle for 0ns
                spawn 2 resuming c1
            ready → busy
                mark b sent
                send b to 2
            done b $0.25 → idle
                persist with $0.25 0 tokens
                finish b at home, done, $0.25
                review #3: idle for 0ns
            prompt c → busy
                mark c sent
                send c to 2
            done c $0.25 → idle
                persist with $0.00 0 tokens
                finish c at home, done, $0.00
                review #4: idle for 0ns
        "#]],
    );
}

#[test]
fn every_finished_turn_stores_its_use_with_the_record() {
    check(
        "
        busy a
        command stop
        interrupted a 7 tokens
        began-turn x
        done x $0.50
        prompt b
        done b
        ",
        expect![[r#"
            busy a → busy
            command stop → busy
                interrupt 1
            interrupted a 7 tokens → idle
                persist with 7 tokens
                finish a at home, stopped, silent
                review #1: idle for 0ns
            began-turn x → busy
                turn started at home
            done x $0.50 → idle
                persist with $0.50 0 tokens
                finish x at home, done, $0.50
                review #2: idle for 0ns
            prompt b → busy
                mark b sent
                send b to 1
            done b → idle
                persist
                finish b at home, done
                review #3: idle for 0ns
        "#]],
    );
}

#[test]
fn the_tokens_of_a_turn_are_the_increase_of_the_total() {
    check(
        "
        busy a
        done a $0.50 100 tokens in all
        prompt b
        done b $0.75 130 tokens in all
        prompt c
        done c $0 0 tokens in all
        prompt d
        done d $1 150 tokens in all
        ",
        expect![[r#"
            busy a → busy
            done a $0.50 100 tokens in all → idle
                persist with $0.50 100 tokens
                finish a at home, done, $0.50
                review #1: idle for 0ns
            prompt b → busy
                mark b sent
                send b to 1
            done b $0.75 130 tokens in all → idle
                persist with $0.25 30 tokens
                finish b at home, done, $0.25
                review #2: idle for 0ns
            prompt c → busy
                mark c sent
                send c to 1
            done c $0 0 tokens in all → idle
                persist with $0.00 0 tokens
                finish c at home, done, $0.00
                review #3: idle for 0ns
            prompt d → busy
                mark d sent
                send d to 1
            done d $1 150 tokens in all → idle
                persist with $0.25 20 tokens
                finish d at home, done, $0.25
                review #4: idle for 0ns
        "#]],
    );
}

#[test]
fn a_turn_keeps_its_mode() {
    check(
        "
        command mode quiet
        prompt a
        ready
        command mode verbose
        done a
        ",
        expect![[r#"
            command mode quiet → suspended
                persist
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                mark a sent
                send a to 1
            command mode verbose → busy
                persist
            done a → idle
                persist
                finish a at home, done, mode quiet
                review #1: idle for 0ns
        "#]],
    );
}
