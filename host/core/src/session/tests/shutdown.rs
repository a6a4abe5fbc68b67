//! Scenarios in which the host shuts down.

use expect_test::expect;

use super::script::check;

#[test]
fn shutdown_closes_an_idle_agent() {
    check(
        "
        idle
        shutdown
        prompt a
        command start
        exit
        prompt b
        ",
        expect![[r#"
            idle → idle
            shutdown → stopping
                close input of 1
            prompt a → stopping
                persist
            command start
                refused (failed): Cordboard is shutting down.
            exit → suspended
            prompt b → suspended
        "#]],
    );
}

#[test]
fn shutdown_ends_an_agent_that_is_starting() {
    check(
        "
        prompt a
        shutdown
        ready
        wait 2s
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            shutdown → stopping
                close input of 1
            ready → stopping
            2s: terminate → stopping
                terminate 1
            exit → suspended
        "#]],
    );
}

#[test]
fn shutdown_keeps_the_prompt_of_an_interrupted_turn() {
    check(
        "
        busy a
        accepted a
        says Half
        prompt b
        shutdown
        interrupted a
        exit
        ",
        expect![[r#"
            busy a → busy
            accepted a → busy
            says Half → busy
                show
            prompt b → busy
            shutdown → stopping
                interrupt 1
            interrupted a → stopping
                persist
                finish interrupted a at home, failed: Stopped: Cordboard is shutting down. “Half”
                close input of 1
            exit → suspended
        "#]],
    );
}

#[test]
fn shutdown_keeps_the_prompt_of_a_turn_that_it_aborts() {
    check(
        "
        busy a
        accepted a
        shutdown
        failed a Request was aborted.
        exit
        ",
        expect![[r#"
            busy a → busy
            accepted a → busy
            shutdown → stopping
                interrupt 1
            failed a Request was aborted. → stopping
                persist
                finish interrupted a at home, failed: Stopped: Cordboard is shutting down.
                close input of 1
            exit → suspended
        "#]],
    );
}

#[test]
fn shutdown_accepts_an_answer_in_time() {
    check(
        "
        busy a
        accepted a
        shutdown
        done a
        exit
        ",
        expect![[r#"
            busy a → busy
            accepted a → busy
            shutdown → stopping
                interrupt 1
            done a → stopping
                persist
                finish a at home, done
                close input of 1
            exit → suspended
        "#]],
    );
}

#[test]
fn shutdown_interrupts_an_unfinished_turn() {
    check(
        "
        prompt a
        spawned
        ready
        accepted a
        says Half
        shutdown
        wait 9s
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            spawned → starting
                persist
            ready → busy
                mark a sent
                send a to 1
            accepted a → busy
            says Half → busy
                show
            shutdown → stopping
                interrupt 1
            2s: close input → stopping
                close input of 1
            4s: terminate → stopping
                terminate 1
            9s: kill → stopping
                kill 1
            exit → suspended
                persist
                finish interrupted a at home, failed: Stopped: Cordboard is shutting down. “Half”
        "#]],
    );
}

#[test]
fn shutdown_keeps_a_prompt_that_was_not_accepted() {
    check(
        "
        busy a
        shutdown
        exit
        ",
        expect![[r#"
            busy a → busy
            shutdown → stopping
                interrupt 1
            exit → suspended
                mark a queued
        "#]],
    );
}

#[test]
fn a_second_signal_shortens_the_shutdown() {
    check(
        "
        busy a
        accepted a
        shutdown
        shutdown
        shutdown
        exit
        ",
        expect![[r#"
            busy a → busy
            accepted a → busy
            shutdown → stopping
                interrupt 1
            shutdown → stopping
                kill 1
            shutdown → stopping
            exit → suspended
                finish interrupted a at home, failed: Stopped: Cordboard is shutting down.
        "#]],
    );
}

#[test]
fn shutdown_after_stop_finishes_the_stopped_turn() {
    check(
        "
        busy a
        accepted a
        says Half
        command stop
        shutdown
        wait 2s
        exit
        ",
        expect![[r#"
            busy a → busy
            accepted a → busy
            says Half → busy
                show
            command stop → busy
                interrupt 1
            shutdown → stopping
            2s: close input → stopping
                close input of 1
            exit → suspended
                persist
                finish a at home, done, silent “Half”
        "#]],
    );
}

#[test]
fn shutdown_between_two_starts_suspends_the_session() {
    check(
        "
        prompt a
        exit
        shutdown
        wait 100s
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            exit → starting
                persist
                post home: The agent of session 'x' did not start: it exited (exit code 1) without output
            shutdown → suspended
        "#]],
    );
}
