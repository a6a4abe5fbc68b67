//! Scenarios with background work: tasks, wake-ups, and turns that the agent starts itself.

use expect_test::expect;

use super::script::check;

#[test]
fn background_work_is_never_suspended() {
    check(
        "
        busy a
        background build, tests
        done a
        verdict after 5s
        wait 100s
        verdict suspend
        background build
        wait 100s
        background
        verdict after 5s
        wait 100s
        ",
        expect![[r#"
            busy a → busy
            background build, tests → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            verdict after 5s → idle
            verdict suspend → idle
            background build → idle
                persist
            background → idle
                persist
                review #2: idle for 0ns
            verdict after 5s → idle
            205s: idle → stopping
                close input of 1
            207s: terminate → stopping
                terminate 1
            212s: kill → stopping
                kill 1
        "#]],
    );
}

#[test]
fn an_agent_that_will_wake_up_is_not_suspended() {
    check(
        "
        busy a
        background nap@90s
        background nap@60s, sip@30s, past@0s
        done a
        verdict after 5s
        wait 40s
        wait 30s
        verdict after 5s
        wait 10s
        ",
        expect![[r#"
            busy a → busy
            background nap@90s → busy
                persist
            background nap@60s, sip@30s, past@0s → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            verdict after 5s → idle
            30s: work over → idle
                persist
            60s: work over → idle
                persist
                review #2: idle for 0ns
            verdict after 5s → idle
            70s: idle → stopping
                close input of 1
            72s: terminate → stopping
                terminate 1
            77s: kill → stopping
                kill 1
        "#]],
    );
}

#[test]
fn the_work_that_a_killed_host_ended_is_reported() {
    check(
        "
        session place=home process background=build
        shutdown
        session place=home process
        exit
        session place=home process background=build background=tests
        command model opus
        prompt a
        exit
        ",
        expect![[r#"
            shutdown → stopping
            exit → suspended
                persist
            command model opus → stopping
                persist
            prompt a → stopping
            exit → starting
                persist
                post home: Cordboard was stopped while the agent of session 'x' was working in the background: build, tests. That work has ended. Ask the agent to start it again.
                spawn 1 anew, model opus
        "#]],
    );
}

#[test]
fn a_distant_wake_up_counts_for_a_year_at_most() {
    check(
        "
        busy a
        background nap@99999999s
        done a
        verdict suspend
        wait 40000000s
        ",
        expect![[r#"
            busy a → busy
            background nap@99999999s → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            verdict suspend → idle
            31622400s: work over → idle
                persist
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn commands_that_end_background_work_ask_first() {
    check(
        "
        busy a
        background build `x`, two
        done a
        command suspend
        command fresh
        command archive
        command force-suspend
        exit
        ",
        expect![[r#"
            busy a → busy
            background build `x`, two → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            command suspend
                refused (background): The agent of session 'x' is still working in the background: build `x`, two. To end that work, use /suspend x anyway.
            command fresh
                refused (background): The agent of session 'x' is still working in the background: build `x`, two. To end that work, use /fresh x anyway.
            command archive
                refused (background): The agent of session 'x' is still working in the background: build `x`, two. To end that work, use /archive x anyway.
            command force-suspend → stopping
                persist
                close input of 1
            exit → suspended
        "#]],
    );
}

#[test]
fn a_command_is_accepted_after_a_forced_suspension() {
    check(
        "
        busy a
        background build
        done a
        command force-suspend
        command archive
        exit
        ",
        expect![[r#"
            busy a → busy
            background build → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            command force-suspend → stopping
                persist
                close input of 1
            command archive → stopping
                persist
            exit → archived
        "#]],
    );
}

#[test]
fn a_new_model_waits_for_background_work() {
    check(
        "
        busy a
        background build
        done a
        command model opus
        command persona planner
        prompt b
        done b
        background
        prompt c
        exit
        ",
        expect![[r#"
            busy a → busy
            background build → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            command model opus → idle
                persist
                post home: The change to session 'x' takes effect with the first message after its background work ends: build.
            command persona planner → idle
                persist
                post home: The change to session 'x' takes effect with the first message after its background work ends: build.
            prompt b → busy
                mark b sent
                send b to 1
            done b → idle
                persist
                finish b at home, done
                review #2: idle for 0ns
            background → idle
                persist
                review #3: idle for 0ns
            prompt c → stopping
                close input of 1
            exit → starting
                load persona #4: planner
        "#]],
    );
}

#[test]
fn a_changed_command_line_applies_from_the_next_turn() {
    check(
        "
        busy a
        conversation c1 resumable
        done a
        args --add-dir=/x
        prompt b
        exit
        ready
        args --add-dir=/x
        done b
        prompt c
        ",
        expect![[r#"
            busy a → busy
            conversation c1 resumable → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            args --add-dir=/x → idle
                review #2: idle for 0ns
            prompt b → stopping
                close input of 1
            exit → starting
                spawn 2 resuming c1
            ready → busy
                mark b sent
                send b to 2
            args --add-dir=/x → busy
            done b → idle
                persist
                finish b at home, done
                review #3: idle for 0ns
            prompt c → busy
                mark c sent
                send c to 2
        "#]],
    );
}

#[test]
fn the_configured_model_applies_unless_overridden() {
    check(
        "
        busy a
        done a
        agent opus
        prompt b
        exit
        ready
        done b
        command model haiku
        exit
        ready
        agent sonnet
        prompt c
        ",
        expect![[r#"
            busy a → busy
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            agent opus → idle
                review #2: idle for 0ns
            prompt b → stopping
                close input of 1
            exit → starting
                spawn 2 anew, model opus
            ready → busy
                mark b sent
                send b to 2
            done b → idle
                persist
                finish b at home, done
                review #3: idle for 0ns
            command model haiku → stopping
                persist
                close input of 2
            exit → starting
                spawn 3 anew, model haiku
            ready → idle
                review #4: idle for 0ns
            agent sonnet → idle
                review #5: idle for 0ns
            prompt c → busy
                mark c sent
                send c to 3
        "#]],
    );
}

#[test]
fn settings_delayed_by_work_are_announced_once() {
    check(
        "
        busy a
        background build
        args --add-dir=/x
        settings 60s
        args --add-dir=/x
        done a
        prompt b
        done b
        background
        prompt c
        ",
        expect![[r#"
            busy a → busy
            background build → busy
                persist
            args --add-dir=/x → busy
                post home: The change to session 'x' takes effect with the first message after its background work ends: build.
            settings 60s → busy
            args --add-dir=/x → busy
                post home: The change to session 'x' takes effect with the first message after its background work ends: build.
            done a → idle
                persist
                finish a at home, done
                review #4: idle for 0ns
            prompt b → busy
                mark b sent
                send b to 1
            done b → idle
                persist
                finish b at home, done
                review #5: idle for 0ns
            background → idle
                persist
                review #6: idle for 0ns
            prompt c → stopping
                close input of 1
        "#]],
    );
}

#[test]
fn prompts_wait_for_an_unprompted_turn() {
    check(
        "
        busy a
        done a $1
        command mode quiet
        began-turn own
        says hello
        prompt b
        done own $3
        accepted b
        done b
        ",
        expect![[r#"
            busy a → busy
            done a $1 → idle
                persist with $1.00 0 tokens
                finish a at home, done, $1.00
                review #1: idle for 0ns
            command mode quiet → idle
                persist
            began-turn own → busy
                turn started at home
            says hello → busy
                show
            prompt b → busy
            done own $3 → busy
                persist with $2.00 0 tokens
                finish own at home, done, $2.00, mode quiet “hello”
                mark b sent
                send b to 1
            accepted b → busy
            done b → idle
                persist
                finish b at home, done, mode quiet
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn an_unprompted_turn_is_not_idle() {
    check(
        "
        busy a
        done a
        verdict after 5s
        began-turn own
        wait 100s
        done own
        verdict after 5s
        wait 10s
        ",
        expect![[r#"
            busy a → busy
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            verdict after 5s → idle
            began-turn own → busy
                turn started at home
            done own → idle
                persist
                finish own at home, done
                review #2: idle for 0ns
            verdict after 5s → idle
            105s: idle → stopping
                close input of 1
            107s: terminate → stopping
                terminate 1
        "#]],
    );
}

#[test]
fn an_unprompted_turn_can_be_stopped() {
    check(
        "
        busy a
        done a
        began-turn own
        says hello
        command stop
        interrupted own
        began-turn again
        command stop from nowhere
        wait 10s
        exit
        ",
        expect![[r#"
            busy a → busy
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            began-turn own → busy
                turn started at home
            says hello → busy
                show
            command stop → busy
                interrupt 1
            interrupted own → idle
                persist
                finish own at home, done, silent “hello”
                review #2: idle for 0ns
            began-turn again → busy
                turn started at home
            command stop from nowhere → busy
                interrupt 1
            5s: interrupt → stopping
                persist
                finish again at home, failed: The agent of session 'x' did not respond and was stopped. The next message resumes it.
                terminate 1
            10s: kill → stopping
                kill 1
            exit → suspended
        "#]],
    );
}

#[test]
fn an_acknowledged_interrupt_extends_the_deadline() {
    check(
        "
        busy a
        accepted a
        command stop
        interrupt-accepted
        wait 29s
        done a
        prompt b
        command stop
        interrupt-accepted
        wait 30s
        ",
        expect![[r#"
            busy a → busy
            accepted a → busy
            command stop → busy
                interrupt 1
            interrupt-accepted → busy
            done a → idle
                persist
                finish a at home, done, silent
                review #1: idle for 0ns
            prompt b → busy
                mark b sent
                send b to 1
            command stop → busy
                interrupt 1
            interrupt-accepted → busy
            59s: interrupt → stopping
                persist
                finish b at home, failed: The agent of session 'x' did not respond and was stopped. The next message resumes it., silent
                terminate 1
        "#]],
    );
}

#[test]
fn a_failed_unprompted_turn_offers_no_retry() {
    check(
        "
        busy a
        conversation c1 resumable
        done a
        began-turn own
        says half
        exit out of memory
        prompt b
        ready
        done b
        background build
        exit out of disk
        prompt c
        ready
        done c
        began-turn own2
        shutdown
        wait 10s
        exit
        ",
        expect![[r#"
            busy a → busy
            conversation c1 resumable → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            began-turn own → busy
                turn started at home
            says half → busy
                show
            exit out of memory → suspended
                persist
                finish own at home, failed: Incomplete: the agent exited. “half”
                post home: The agent of session 'x' exited during its background work: out of memory
            prompt b → starting
                request resume notice #2: idle for 0ns
                spawn 2 resuming c1
            ready → busy
                mark b sent
                send b to 2
            done b → idle
                persist
                finish b at home, done
                review #3: idle for 0ns
            background build → idle
                persist
            exit out of disk → suspended
                persist
                post home: The agent of session 'x' exited during its background work: out of disk
            prompt c → starting
                request resume notice #4: idle for 0ns
                spawn 3 resuming c1
            ready → busy
                mark c sent
                send c to 3
            done c → idle
                persist
                finish c at home, done
                review #5: idle for 0ns
            began-turn own2 → busy
                turn started at home
            shutdown → stopping
                interrupt 3
            2s: close input → stopping
                close input of 3
            4s: terminate → stopping
                terminate 3
            9s: kill → stopping
                kill 3
            exit → suspended
                persist
                finish own2 at home, failed: Stopped: Cordboard is shutting down.
        "#]],
    );
}

#[test]
fn an_unprompted_turn_without_a_place_is_ignored() {
    check(
        "
        idle
        began-turn nowhere
        says hello
        prompt a
        began-turn own
        done own
        done a
        ",
        expect![[r#"
            idle → idle
            began-turn nowhere → idle
            says hello → idle
            prompt a → busy
                persist
                mark a sent
                send a to 1
            began-turn own → busy
            done own → busy
            done a → idle
                persist
                finish a at home, done
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn shutdown_names_the_background_work_it_ends() {
    check(
        "
        busy a
        background build, tests, a wake-up@60s
        done a
        shutdown
        background
        exit
        ",
        expect![[r#"
            busy a → busy
            background build, tests, a wake-up@60s → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            shutdown → stopping
                close input of 1
            background → stopping
            exit → suspended
                persist
                post home: Cordboard was stopped while the agent of session 'x' was working in the background: build, tests, a wake-up. That work has ended. Ask the agent to start it again.
        "#]],
    );
    check(
        "
        busy a
        accepted a
        background build
        shutdown
        shutdown
        exit
        ",
        expect![[r#"
            busy a → busy
            accepted a → busy
            background build → busy
                persist
            shutdown → stopping
                interrupt 1
            shutdown → stopping
                kill 1
            exit → suspended
                persist
                finish interrupted a at home, failed: Stopped: Cordboard is shutting down.
                post home: Cordboard was stopped while the agent of session 'x' was working in the background: build. That work has ended. Ask the agent to start it again.
        "#]],
    );
    check(
        "
        busy a
        background build
        done a
        command force-suspend
        shutdown
        exit
        ",
        expect![[r#"
            busy a → busy
            background build → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            command force-suspend → stopping
                persist
                close input of 1
            shutdown → stopping
            exit → suspended
        "#]],
    );
}
