//! Scenarios in which an agent starts: launches, persona settings, and failures before a prompt is accepted.

use expect_test::expect;

use super::script::check;

#[test]
fn a_changed_folder_is_announced_once_the_agent_has_started() {
    check(
        "
        session conversation=c1 place=home
        folder /y
        command start
        spawned
        ready
        folder
        command suspend
        exit
        folder /gone
        command start
        not-started its folder is gone
        ",
        expect![[r#"
            folder /y → suspended
            command start → starting
                persist
                spawn 1 resuming c1
            spawned → starting
                persist
                post home: Session 'x' now works in /y, as set in [sessions.folders].
            ready → idle
                review #2: idle for 0ns
            folder → idle
                review #3: idle for 0ns
            command suspend → stopping
                close input of 1
            exit → suspended
                persist
            folder /gone → suspended
            command start → starting
                persist
                spawn 2 resuming c1
            not-started its folder is gone → broken
                persist
                post home: The agent of session 'x' could not be started: its folder is gone
        "#]],
    );
}

#[test]
fn a_program_that_cannot_resume_is_started_with_a_notice() {
    check(
        "
        session place=home
        kind plain
        prompt a
        spawned
        ready
        conversation c1
        accepted a
        done a
        exit
        prompt b
        spawned
        ready
        exit
        prompt c
        spawned
        ",
        expect![[r#"
            kind plain → suspended
            prompt a → starting
                spawn 1 anew
            spawned → starting
                persist
            ready → busy
                mark a sent
                send a to 1
            conversation c1 → busy
                persist
            accepted a → busy
            done a → idle
                persist
                finish a at home, done
                review #2: idle for 0ns
            exit → suspended
                persist
            prompt b → starting
                spawn 2 anew
            spawned → starting
                persist
                post home: The program of session 'x' was started again and has lost its state, such as variables and open files. Its folder is unchanged.
            ready → busy
                mark b sent
                send b to 2
            exit → starting
                persist
                mark b queued
                post home: The agent of session 'x' did not start: it exited (exit code 1) without output
            prompt c → starting
            spawned → starting
        "#]],
    );
}

#[test]
fn a_program_does_not_resume_the_conversation_of_another_kind() {
    check(
        "
        session conversation=c1 place=home
        kind plain
        prompt a
        spawned
        ",
        expect![[r#"
            kind plain → suspended
            prompt a → starting
                spawn 1 anew
            spawned → starting
                persist
                post home: The program of session 'x' was started again and has lost its state, such as variables and open files. Its folder is unchanged.
        "#]],
    );
}

#[test]
fn settings_that_a_program_lacks_are_refused() {
    check(
        "
        kind plain
        command model opus
        command permission-mode plan
        ",
        expect![[r#"
            kind plain → suspended
            command model opus
                refused (invalid): Agent 'demo' is a plain program and has no models. Set its options with args in [agents.demo].
            command permission-mode plan
                refused (invalid): Agent 'demo' is a plain program and has no permission modes. Set its options with args in [agents.demo].
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
        accepted a
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
                mark a sent
                send a to 1
            accepted a → busy
            says Hello → busy
                show
            conversation c1 resumable → busy
                persist
            done a $0.25 → idle
                persist with $0.25 0 tokens
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
        command start
        spawned
        ready
        ",
        expect![[r#"
            command start → starting
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
        command start
        persona-settings rules=plan model=opus timeout=60s greeting=Hi
        conversation c1
        ready
        verdict absent
        wait 60s
        exit
        command start
        persona-settings rules=plan greeting=Hi
        ready
        ",
        expect![[r#"
            command start → starting
                load persona #1: planner
            persona-settings rules=plan model=opus timeout=60s greeting=Hi → starting
                spawn 1 anew, model opus, rules plan
            conversation c1 → starting
                persist
            ready → idle
                persist
                post home: Hi
                review #2: idle for 0ns
            verdict absent → idle
            60s: idle → stopping
                close input of 1
            exit → suspended
            command start → starting
                load persona #3: planner
            persona-settings rules=plan greeting=Hi → starting
                spawn 2 anew, rules plan
            ready → idle
                review #4: idle for 0ns
        "#]],
    );
}

/// Before the first prompt, a session has no conversation, so the record has to say whether the greeting was posted.
#[test]
fn only_a_new_persona_greets_again() {
    check(
        "
        session persona=planner place=home
        command start
        persona-settings greeting=Hi
        ready
        command model y
        exit
        persona-settings greeting=Hi
        ready
        command persona research
        exit
        persona-settings greeting=Hello
        ready
        ",
        expect![[r#"
            command start → starting
                load persona #1: planner
            persona-settings greeting=Hi → starting
                spawn 1 anew
            ready → idle
                persist
                post home: Hi
                review #2: idle for 0ns
            command model y → stopping
                persist
                close input of 1
            exit → starting
                load persona #3: planner
            persona-settings greeting=Hi → starting
                spawn 2 anew, model y
            ready → idle
                review #4: idle for 0ns
            command persona research → stopping
                persist
                close input of 2
            exit → starting
                load persona #5: research
            persona-settings greeting=Hello → starting
                spawn 3 anew, model y
            ready → idle
                persist
                post home: Hello
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
        command retry r
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
                post home: The agent of session 'x' did not start: it exited (exit code 1): bad flag
                post den: The agent of session 'x' did not start: it exited (exit code 1): bad flag
            1s: start again → starting
                spawn 2 anew
            exit bad flag → starting
            command retry r → starting
                close request failure 1: TryAgain
                spawn 3 anew
            exit bad flag → starting
                persist
                post home: The agent of session 'x' did not start: it exited (exit code 1): bad flag
                post den: The agent of session 'x' did not start: it exited (exit code 1): bad flag
        "#]],
    );
}

#[test]
fn the_greeting_waits_until_the_agent_is_ready() {
    check(
        "
        session persona=planner place=home
        command start
        persona-settings greeting=Hi
        conversation c1
        exit boom
        wait 1s
        persona-settings greeting=Hi
        ready
        ",
        expect![[r#"
            command start → starting
                load persona #1: planner
            persona-settings greeting=Hi → starting
                spawn 1 anew
            conversation c1 → starting
                persist
            exit boom → starting
                persist
                post home: The agent of session 'x' did not start: it exited (exit code 1): boom
            1s: start again → starting
                load persona #2: planner
            persona-settings greeting=Hi → starting
                spawn 2 anew
            ready → idle
                persist
                close request failure 1: Withdrawn
                post home: Hi
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
        persona-error it traps
        command retry r
        persona-settings rules=plan
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                load persona #1: planner
            persona-error it traps → broken
                persist
                post home: The persona of session 'x' could not be used: it traps
            command retry r → starting
                close request failure 1: TryAgain
                load persona #2: planner
            persona-settings rules=plan → starting
                spawn 1 anew, rules plan
            ready → busy
                mark a sent
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
        persona-settings rules=late
        ",
        expect![[r#"
            prompt a → starting
                persist
                load persona #1: planner
            60s: persona → broken
                persist
                post home: The persona of session 'x' could not be used: it did not answer within a minute
            persona-settings rules=late → broken
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
        command start
        command retry r
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            exit boom 1 → starting
                persist
                post home: The agent of session 'x' did not start: it exited (exit code 1): boom 1
            1s: start again → starting
                spawn 2 anew
            ready → busy
                close request failure 1: Withdrawn
                mark a sent
                send a to 2
            exit → starting
                mark a queued
            6s: start again → starting
                spawn 3 anew
            ready → busy
                mark a sent
                send a to 3
            exit boom 3 → starting
                mark a queued
            31s: start again → starting
                spawn 4 anew
            exit boom 4 → broken
                persist
                post home: The agent of session 'x' keeps exiting: boom 4
            prompt b from den → broken
                persist
                post den: The agent of session 'x' keeps exiting: boom 4
            command start → broken
                post home: The agent of session 'x' keeps exiting: boom 4
                post den: The agent of session 'x' keeps exiting: boom 4
            command retry r → starting
                close request failure 2: TryAgain
                spawn 5 anew
            ready → busy
                mark a sent
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
        accepted a
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
                post home: The agent of session 'x' did not start: it exited (exit code 1) without output
            1s: start again → starting
                spawn 2 anew
            exit → starting
            6s: start again → starting
                spawn 3 anew
            ready → busy
                close request failure 1: Withdrawn
                mark a sent
                send a to 3
            accepted a → busy
            exit → starting
                persist
                finish a at home, failed: Incomplete: the agent exited.
                post home: The agent of session 'x' exited during its answer: exit code 1
                spawn 4 anew
            exit → starting
                persist
                post home: The agent of session 'x' did not start: it exited (exit code 1) without output
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
                post home: The agent of session 'x' did not start: it exited (exit code 1) without output
            1s: start again → starting
                spawn 2 anew
            exit → starting
            6s: start again → starting
                spawn 3 anew
            ready → busy
                close request failure 1: Withdrawn
                mark a sent
                send a to 3
            says Half → busy
                show
            exit → starting
                persist
                finish a at home, failed: Incomplete: the agent exited. “Half”
                post home: The agent of session 'x' exited during its answer: exit code 1
                spawn 4 anew
            exit → starting
                persist
                post home: The agent of session 'x' did not start: it exited (exit code 1) without output
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
                post home: The agent of session 'x' did not start: it was not ready within a minute
            61s: start again → starting
                spawn 2 anew
        "#]],
    );
}

#[test]
fn a_message_after_a_failed_persona_starts_again() {
    check(
        "
        command persona pirate
        prompt a
        persona-error its plugin is not active
        prompt b
        persona-error its plugin is not active
        command start
        persona-error its plugin is not active
        command persona
        ",
        expect![[r#"
            command persona pirate → suspended
                persist
            prompt a → starting
                persist
                load persona #1: pirate
            persona-error its plugin is not active → broken
                persist
                post home: The persona of session 'x' could not be used: its plugin is not active
            prompt b → starting
                load persona #2: pirate
            persona-error its plugin is not active → broken
                persist
                close request failure 1: Withdrawn
                post home: The persona of session 'x' could not be used: its plugin is not active
            command start → starting
                load persona #3: pirate
            persona-error its plugin is not active → broken
                persist
                close request failure 2: Withdrawn
                post home: The persona of session 'x' could not be used: its plugin is not active
            command persona → starting
                persist
                spawn 1 anew
        "#]],
    );
}

#[test]
fn an_agent_that_needs_the_user_is_stopped_and_not_retried() {
    check(
        "
        prompt a
        spawned
        start-failed sign in at a terminal
        exit
        wait 100s
        prompt b
        ready
        start-failed too late
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            spawned → starting
                persist
            start-failed sign in at a terminal → stopping
                persist
                close input of 1
            exit → broken
                persist
                post home: The agent of session 'x' could not be started: sign in at a terminal
            prompt b → starting
                persist
                spawn 2 anew
            ready → busy
                close request failure 1: Withdrawn
                mark a sent
                send a to 2
            start-failed too late → busy
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
        command retry r
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            not-started the command 'cluade' was not found: correct `command` in [agents.demo] → broken
                persist
                post home: The agent of session 'x' could not be started: the command 'cluade' was not found: correct `command` in [agents.demo]
            command retry r → starting
                close request failure 1: TryAgain
                spawn 2 anew
        "#]],
    );
}

#[test]
fn an_outdated_agent_is_reported_once() {
    check(
        "
        busy a
        outdated Update it.
        done a
        command suspend
        exit
        prompt b
        spawned
        ready
        outdated Update it.
        ",
        expect![[r#"
            busy a → busy
            outdated Update it. → busy
                post home: Update it.
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            command suspend → stopping
                close input of 1
            exit → suspended
            prompt b → starting
                spawn 2 anew
            spawned → starting
                persist
            ready → busy
                mark b sent
                send b to 2
            outdated Update it. → busy
        "#]],
    );
}
