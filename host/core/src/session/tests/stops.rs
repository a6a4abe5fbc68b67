//! Scenarios with `/stop` and with the stages of stopping a process.

use expect_test::expect;

use super::script::check;

#[test]
fn stop_interrupts_and_the_process_stays() {
    check(
        "
        busy a
        accepted a
        says Half
        prompt b
        command stop
        command stop
        interrupted a
        done b
        command stop
        ",
        expect![[r#"
            busy a → busy
            accepted a → busy
            says Half → busy
                show
            prompt b → busy
            command stop → busy
                interrupt 1
            command stop → busy
            interrupted a → busy
                persist
                finish a at home, done, silent “Half”
                mark b sent
                send b to 1
            done b → idle
                persist
                finish b at home, done
                review #1: idle for 0ns
            command stop
                refused (invalid): Nothing is running.
        "#]],
    );
}

#[test]
fn stop_all_drops_waiting_prompts() {
    check(
        "
        busy a
        prompt b
        prompt c
        command stop all
        interrupted a
        ",
        expect![[r#"
            busy a → busy
            prompt b → busy
            prompt c → busy
            command stop all → busy
                interrupt 1
                drop b
                drop c
            interrupted a → idle
                persist
                finish a at home, stopped, silent
                review #1: idle for 0ns
        "#]],
    );
}

#[test]
fn an_agent_that_ignores_stop_is_terminated() {
    check(
        "
        busy a
        accepted a
        says Half
        command stop
        wait 5s
        says ghost
        done a
        wait 5s
        exit
        ",
        expect![[r#"
            busy a → busy
            accepted a → busy
            says Half → busy
                show
            command stop → busy
                interrupt 1
            5s: interrupt → stopping
                persist
                finish a at home, failed: The agent of session 'x' did not respond and was stopped. The next message resumes it., silent “Half”
                terminate 1
            says ghost → stopping
            done a → stopping
            10s: kill → stopping
                kill 1
            exit → suspended
        "#]],
    );
}

/// In the place of `/stop`, the reply to `/stop` reports the stop; in other places, the end of the turn does.
#[test]
fn a_stop_is_reported_once_in_each_place() {
    check(
        "
        prompt a from den
        ready
        says Half
        command stop from home
        interrupted a
        prompt b from den
        command stop from home
        command stop from den
        command stop from home
        interrupted b
        prompt c from den
        command stop from nowhere
        exit
        ",
        expect![[r#"
            prompt a from den → starting
                persist
                spawn 1 anew
            ready → busy
                mark a sent
                send a to 1
            says Half → busy
                show
            command stop from home → busy
                interrupt 1
            interrupted a → idle
                persist
                finish a at den, failed: Stopped. “Half”
                review #1: idle for 0ns
            prompt b from den → busy
                mark b sent
                send b to 1
            command stop from home → busy
                interrupt 1
            command stop from den → busy
            command stop from home → busy
            interrupted b → idle
                persist
                finish b at den, stopped, silent
                review #2: idle for 0ns
            prompt c from den → busy
                mark c sent
                send c to 1
            command stop from nowhere → busy
                interrupt 1
            exit → suspended
                persist
                finish c at den, failed: Stopped.
        "#]],
    );
}

#[test]
fn an_exit_caused_by_stop_is_not_reported() {
    check(
        "
        busy a
        prompt b
        command stop
        exit
        ",
        expect![[r#"
            busy a → busy
            prompt b → busy
            command stop → busy
                interrupt 1
            exit → starting
                persist
                finish a at home, stopped, silent
                spawn 2 anew
        "#]],
    );
}

#[test]
fn stop_drops_the_prompt_that_is_sent_next() {
    check(
        "
        prompt a
        prompt b
        command stop
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            prompt b → starting
            command stop → starting
                drop a
            ready → busy
                mark b sent
                send b to 1
        "#]],
    );
}

#[test]
fn stop_without_a_turn_is_refused() {
    check(
        "
        command stop
        command stop all
        prompt a
        not-started no such file
        command stop
        command stop all
        command stop all
        ",
        expect![[r#"
            command stop
                refused (invalid): Nothing is running.
            command stop all
                refused (invalid): Nothing is running.
            prompt a → starting
                persist
                spawn 1 anew
            not-started no such file → broken
                persist
                post home: The agent of session 'x' could not be started: no such file
            command stop
                refused (invalid): Nothing is running.
            command stop all → broken
                drop a
            command stop all
                refused (invalid): Nothing is running.
        "#]],
    );
}

#[test]
fn an_agent_is_closed_then_terminated_then_killed() {
    check(
        "
        idle
        command suspend
        wait 2s
        wait 5s
        wait 100s
        prompt a
        exit
        ",
        expect![[r#"
            idle → idle
            command suspend → stopping
                close input of 1
            2s: terminate → stopping
                terminate 1
            7s: kill → stopping
                kill 1
            prompt a → stopping
                persist
            exit → starting
                spawn 2 anew
        "#]],
    );
}

#[test]
fn processes_that_the_agent_left_are_named_in_the_chat() {
    check(
        "
        prompt a from den
        ready
        done a
        strays 17 23
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
            strays 17 23 → idle
                post den: When the agent of session 'x' exited, the host found running processes that it can't attribute to any agent: 17, 23. They may belong to another session's agent, so they were not stopped. Inspect them with ps -fp 17,23, and stop them with kill 17 23.
        "#]],
    );
}
