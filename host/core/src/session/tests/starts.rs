//! Scenarios of starts: launches, persona settings, and failures before a prompt is accepted.

use expect_test::expect;

use super::script::check;

#[test]
fn a_changed_folder_is_announced_once_the_agent_is_ready() {
    check(
        "
        session conversation=c1 place=home
        folder /y
        order start
        spawned
        ready
        folder
        order suspend
        exit
        folder /gone
        order start
        not-started its folder is gone
        ",
        expect![[r#"
            folder /y → suspended
            order start → starting
                persist
                spawn 1 resuming c1
            spawned → starting
                persist
                tell home: Session 'x' now works in /y, as set in [sessions.folders].
            ready → idle
                review #2: idle for 0ns
            folder → idle
                review #3: idle for 0ns
            order suspend → stopping
                close input of 1
            exit → suspended
                persist
            folder /gone → suspended
            order start → starting
                persist
                spawn 2 resuming c1
            not-started its folder is gone → broken
                persist
                tell home: The agent of session 'x' could not be started: its folder is gone
        "#]],
    );
}

#[test]
fn a_prompt_starts_a_new_agent() {
    check(
        "
        prompt a
        spawned
        conversation c1
        ready
        taken a
        says Hello
        conversation c1 resumable
        done a $0.25
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            spawned → starting
                persist
            conversation c1 → starting
                persist
            ready → busy
                hand a
                send a to 1
            taken a → busy
            says Hello → busy
                show
            conversation c1 resumable → busy
                persist
            done a $0.25 → idle
                persist
                finish a at home, done, $0.25 “Hello”
                review #1: idle for 0ns
        "#]],
    );
}

#[test]
fn a_start_without_a_prompt_is_silent() {
    check(
        "
        session conversation=c1
        order start
        spawned
        ready
        ",
        expect![[r#"
            order start → starting
                spawn 1 resuming c1
            spawned → starting
                persist
            ready → idle
                review #1: idle for 0ns
        "#]],
    );
}

#[test]
fn a_persona_is_resolved_at_each_start_and_greets_once() {
    check(
        "
        session persona=planner place=home
        order start
        brief rules=plan model=opus timeout=60s greeting=Hi
        conversation c1
        ready
        verdict absent
        wait 60s
        exit
        order start
        brief rules=plan greeting=Hi
        ready
        ",
        expect![[r#"
            order start → starting
                resolve #1: planner
            brief rules=plan model=opus timeout=60s greeting=Hi → starting
                spawn 1 anew, model opus, rules plan
            conversation c1 → starting
                persist
            ready → idle
                persist
                tell home: Hi
                review #2: idle for 0ns
            verdict absent → idle
            60s: idle → stopping
                close input of 1
            exit → suspended
            order start → starting
                resolve #3: planner
            brief rules=plan greeting=Hi → starting
                spawn 2 anew, rules plan
            ready → idle
                review #4: idle for 0ns
        "#]],
    );
}

/// An agent without a prompt so far has no conversation that would show that the greeting was sent.
#[test]
fn only_a_new_persona_greets_again() {
    check(
        "
        session persona=planner place=home
        order start
        brief greeting=Hi
        ready
        order model y
        exit
        brief greeting=Hi
        ready
        order persona research
        exit
        brief greeting=Hello
        ready
        ",
        expect![[r#"
            order start → starting
                resolve #1: planner
            brief greeting=Hi → starting
                spawn 1 anew
            ready → idle
                persist
                tell home: Hi
                review #2: idle for 0ns
            order model y → stopping
                persist
                close input of 1
            exit → starting
                resolve #3: planner
            brief greeting=Hi → starting
                spawn 2 anew, model y
            ready → idle
                review #4: idle for 0ns
            order persona research → stopping
                persist
                close input of 2
            exit → starting
                resolve #5: research
            brief greeting=Hello → starting
                spawn 3 anew, model y
            ready → idle
                persist
                tell home: Hello
                review #6: idle for 0ns
        "#]],
    );
}

#[test]
fn repeated_start_failures_are_reported_once() {
    check(
        "
        prompt a
        prompt b from den
        exit bad flag
        wait 1s
        exit bad flag
        order retry r
        exit bad flag
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            prompt b from den → starting
                persist
            exit bad flag → starting
                persist
                tell home: The agent of session 'x' did not start: it exited (exit code 1): bad flag
                tell den: The agent of session 'x' did not start: it exited (exit code 1): bad flag
            1s: start again → starting
                spawn 2 anew
            exit bad flag → starting
            order retry r → starting
                decided failure 1: TryAgain
                spawn 3 anew
            exit bad flag → starting
                persist
                tell home: The agent of session 'x' did not start: it exited (exit code 1): bad flag
                tell den: The agent of session 'x' did not start: it exited (exit code 1): bad flag
        "#]],
    );
}

#[test]
fn the_greeting_waits_until_the_agent_is_ready() {
    check(
        "
        session persona=planner place=home
        order start
        brief greeting=Hi
        conversation c1
        exit boom
        wait 1s
        brief greeting=Hi
        ready
        ",
        expect![[r#"
            order start → starting
                resolve #1: planner
            brief greeting=Hi → starting
                spawn 1 anew
            conversation c1 → starting
                persist
            exit boom → starting
                persist
                tell home: The agent of session 'x' did not start: it exited (exit code 1): boom
            1s: start again → starting
                resolve #2: planner
            brief greeting=Hi → starting
                spawn 2 anew
            ready → idle
                persist
                decided failure 1: Withdrawn
                tell home: Hi
                review #3: idle for 0ns
        "#]],
    );
}

#[test]
fn no_agent_starts_without_its_persona() {
    check(
        "
        session persona=planner
        prompt a
        no-brief it traps
        prompt b from den
        order retry r
        brief rules=plan
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                resolve #1: planner
            no-brief it traps → broken
                persist
                tell home: The persona of session 'x' could not be used: it traps
            prompt b from den → broken
                persist
                tell den: The persona of session 'x' could not be used: it traps
            order retry r → starting
                decided failure 1: TryAgain
                resolve #2: planner
            brief rules=plan → starting
                spawn 1 anew, rules plan
            ready → busy
                hand a
                send a to 1
        "#]],
    );
}

#[test]
fn a_persona_plugin_without_a_reply_times_out() {
    check(
        "
        session persona=planner
        prompt a
        wait 60s
        brief rules=late
        ",
        expect![[r#"
            prompt a → starting
                persist
                resolve #1: planner
            60s: persona → broken
                persist
                tell home: The persona of session 'x' could not be used: it did not answer within a minute
            brief rules=late → broken
        "#]],
    );
}

#[test]
fn an_agent_that_exits_early_gets_its_prompt_again() {
    check(
        "
        prompt a
        exit boom 1
        wait 1s
        ready
        exit
        wait 5s
        ready
        exit boom 3
        wait 25s
        exit boom 4
        prompt b from den
        order start
        order retry r
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            exit boom 1 → starting
                persist
                tell home: The agent of session 'x' did not start: it exited (exit code 1): boom 1
            1s: start again → starting
                spawn 2 anew
            ready → busy
                decided failure 1: Withdrawn
                hand a
                send a to 2
            exit → starting
                take back a
            6s: start again → starting
                spawn 3 anew
            ready → busy
                hand a
                send a to 3
            exit boom 3 → starting
                take back a
            31s: start again → starting
                spawn 4 anew
            exit boom 4 → broken
                persist
                tell home: The agent of session 'x' keeps exiting: boom 4
            prompt b from den → broken
                persist
                tell den: The agent of session 'x' keeps exiting: boom 4
            order start → broken
                tell home: The agent of session 'x' keeps exiting: boom 4
                tell den: The agent of session 'x' keeps exiting: boom 4
            order retry r → starting
                decided failure 2: TryAgain
                spawn 5 anew
            ready → busy
                hand a
                send a to 5
        "#]],
    );
}

#[test]
fn an_accepted_prompt_resets_the_failed_starts() {
    check(
        "
        prompt a
        prompt b
        exit
        wait 1s
        exit
        wait 5s
        ready
        taken a
        exit
        exit
        wait 1s
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            prompt b → starting
            exit → starting
                persist
                tell home: The agent of session 'x' did not start: it exited (exit code 1) without output
            1s: start again → starting
                spawn 2 anew
            exit → starting
            6s: start again → starting
                spawn 3 anew
            ready → busy
                decided failure 1: Withdrawn
                hand a
                send a to 3
            taken a → busy
            exit → starting
                persist
                finish a at home, failed: Incomplete: the agent exited.
                tell home: The agent of session 'x' exited during its answer: exit code 1
                spawn 4 anew
            exit → starting
                persist
                tell home: The agent of session 'x' did not start: it exited (exit code 1) without output
            7s: start again → starting
                spawn 5 anew
        "#]],
    );
}

/// An agent that sends no acknowledgements has still started successfully once it produces output.
#[test]
fn the_start_of_an_answer_resets_the_failed_starts() {
    check(
        "
        prompt a
        prompt b
        exit
        wait 1s
        exit
        wait 5s
        ready
        says Half
        exit
        exit
        wait 1s
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            prompt b → starting
            exit → starting
                persist
                tell home: The agent of session 'x' did not start: it exited (exit code 1) without output
            1s: start again → starting
                spawn 2 anew
            exit → starting
            6s: start again → starting
                spawn 3 anew
            ready → busy
                decided failure 1: Withdrawn
                hand a
                send a to 3
            says Half → busy
                show
            exit → starting
                persist
                finish a at home, failed: Incomplete: the agent exited. “Half”
                tell home: The agent of session 'x' exited during its answer: exit code 1
                spawn 4 anew
            exit → starting
                persist
                tell home: The agent of session 'x' did not start: it exited (exit code 1) without output
            7s: start again → starting
                spawn 5 anew
        "#]],
    );
}

#[test]
fn an_agent_that_never_gets_ready_is_stopped() {
    check(
        "
        prompt a
        spawned
        wait 60s
        exit
        wait 1s
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            spawned → starting
                persist
            60s: ready → stopping
                kill 1
            exit → starting
                persist
                tell home: The agent of session 'x' did not start: it was not ready within a minute
            61s: start again → starting
                spawn 2 anew
        "#]],
    );
}

#[test]
fn a_missing_command_is_not_retried() {
    check(
        "
        prompt a
        not-started the command 'cluade' was not found: correct `command` in [agents.demo]
        wait 100s
        order retry r
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            not-started the command 'cluade' was not found: correct `command` in [agents.demo] → broken
                persist
                tell home: The agent of session 'x' could not be started: the command 'cluade' was not found: correct `command` in [agents.demo]
            order retry r → starting
                decided failure 1: TryAgain
                spawn 2 anew
        "#]],
    );
}
