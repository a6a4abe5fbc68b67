//! Scenarios of background work: tasks, wake-ups, and turns that the agent starts itself.

use expect_test::expect;

use super::script::check;

#[test]
fn background_work_is_never_suspended() {
    check(
        "
        prompt a
        ready
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
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
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
        prompt a
        ready
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
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
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
fn a_killed_host_is_followed_by_the_work_it_ended() {
    check(
        "
        session place=home process background=build
        shutdown
        session place=home process
        exit
        session place=home process background=build background=tests
        order model opus
        prompt a
        exit
        ",
        expect![[r#"
            shutdown → stopping
            exit → suspended
                persist
            order model opus → stopping
                persist
            prompt a → stopping
            exit → starting
                persist
                tell home: Cordboard was stopped while the agent of session 'x' was working in the background: build, tests. That work has ended. Ask the agent to start it again.
                spawn 1 anew, model opus
        "#]],
    );
}

#[test]
fn a_distant_wake_up_counts_for_a_year_at_most() {
    check(
        "
        prompt a
        ready
        background nap@99999999s
        done a
        verdict suspend
        wait 40000000s
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
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
        prompt a
        ready
        background build `x`, two
        done a
        order suspend
        order fresh
        order archive
        order suspend-anyway
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            background build `x`, two → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            order suspend
                refused (background): The agent of session 'x' is still working in the background: build `x`, two. Use /suspend x anyway to end that work.
            order fresh
                refused (background): The agent of session 'x' is still working in the background: build `x`, two. Use /fresh x anyway to end that work.
            order archive
                refused (background): The agent of session 'x' is still working in the background: build `x`, two. Use /archive x anyway to end that work.
            order suspend-anyway → stopping
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
        prompt a
        ready
        background build
        done a
        order suspend-anyway
        order archive
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            background build → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            order suspend-anyway → stopping
                persist
                close input of 1
            order archive → stopping
                persist
            exit → archived
        "#]],
    );
}

#[test]
fn a_new_model_waits_for_background_work() {
    check(
        "
        prompt a
        ready
        background build
        done a
        order model opus
        order persona planner
        prompt b
        done b
        background
        prompt c
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            background build → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            order model opus → idle
                persist
                tell home: Session 'x' applies the change at the first message after the agent's background work: build.
            order persona planner → idle
                persist
                tell home: Session 'x' applies the change at the first message after the agent's background work: build.
            prompt b → busy
                hand b
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
                resolve #4: planner
        "#]],
    );
}

#[test]
fn a_changed_command_line_applies_from_the_next_turn() {
    check(
        "
        prompt a
        ready
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
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
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
                hand b
                send b to 2
            args --add-dir=/x → busy
            done b → idle
                persist
                finish b at home, done
                review #3: idle for 0ns
            prompt c → busy
                hand c
                send c to 2
        "#]],
    );
}

#[test]
fn the_configured_model_applies_unless_overridden() {
    check(
        "
        prompt a
        ready
        done a
        agent opus
        prompt b
        exit
        ready
        done b
        order model haiku
        exit
        ready
        agent sonnet
        prompt c
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
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
                hand b
                send b to 2
            done b → idle
                persist
                finish b at home, done
                review #3: idle for 0ns
            order model haiku → stopping
                persist
                close input of 2
            exit → starting
                spawn 3 anew, model haiku
            ready → idle
                review #4: idle for 0ns
            agent sonnet → idle
                review #5: idle for 0ns
            prompt c → busy
                hand c
                send c to 3
        "#]],
    );
}

#[test]
fn settings_delayed_by_work_are_announced_once() {
    check(
        "
        prompt a
        ready
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
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            background build → busy
                persist
            args --add-dir=/x → busy
                tell home: Session 'x' applies the change at the first message after the agent's background work: build.
            settings 60s → busy
            args --add-dir=/x → busy
                tell home: Session 'x' applies the change at the first message after the agent's background work: build.
            done a → idle
                persist
                finish a at home, done
                review #4: idle for 0ns
            prompt b → busy
                hand b
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
        prompt a
        ready
        done a $1
        order mode quiet
        began own
        says hello
        prompt b
        done own $3
        taken b
        done b
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            done a $1 → idle
                persist
                finish a at home, done, $1.00
                review #1: idle for 0ns
            order mode quiet → idle
                persist
            began own → busy
                began at home
            says hello → busy
                show
            prompt b → busy
            done own $3 → busy
                persist
                finish own at home, done, $2.00, mode quiet “hello”
                hand b
                send b to 1
            taken b → busy
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
        prompt a
        ready
        done a
        verdict after 5s
        began own
        wait 100s
        done own
        verdict after 5s
        wait 10s
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            verdict after 5s → idle
            began own → busy
                began at home
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
        prompt a
        ready
        done a
        began own
        says hello
        order stop
        interrupted own
        began again
        order stop from nowhere
        wait 10s
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            began own → busy
                began at home
            says hello → busy
                show
            order stop → busy
                interrupt 1
            interrupted own → idle
                persist
                finish own at home, done, silent “hello”
                review #2: idle for 0ns
            began again → busy
                began at home
            order stop from nowhere → busy
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
        prompt a
        ready
        taken a
        order stop
        heard
        wait 29s
        done a
        prompt b
        order stop
        heard
        wait 30s
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            taken a → busy
            order stop → busy
                interrupt 1
            heard → busy
            done a → idle
                persist
                finish a at home, done, silent
                review #1: idle for 0ns
            prompt b → busy
                hand b
                send b to 1
            order stop → busy
                interrupt 1
            heard → busy
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
        prompt a
        ready
        conversation c1 resumable
        done a
        began own
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
        began own2
        shutdown
        wait 10s
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            conversation c1 resumable → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            began own → busy
                began at home
            says half → busy
                show
            exit out of memory → suspended
                persist
                finish own at home, failed: Incomplete: the agent exited. “half”
                tell home: The agent of session 'x' exited during its background work: out of memory
            prompt b → starting
                word resume #2: idle for 0ns
                spawn 2 resuming c1
            ready → busy
                hand b
                send b to 2
            done b → idle
                persist
                finish b at home, done
                review #3: idle for 0ns
            background build → idle
                persist
            exit out of disk → suspended
                persist
                tell home: The agent of session 'x' exited during its background work: out of disk
            prompt c → starting
                word resume #4: idle for 0ns
                spawn 3 resuming c1
            ready → busy
                hand c
                send c to 3
            done c → idle
                persist
                finish c at home, done
                review #5: idle for 0ns
            began own2 → busy
                began at home
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
        order start
        ready
        began nowhere
        says hello
        prompt a
        began own
        done own
        done a
        ",
        expect![[r#"
            order start → starting
                spawn 1 anew
            ready → idle
                review #1: idle for 0ns
            began nowhere → idle
            says hello → idle
            prompt a → busy
                persist
                hand a
                send a to 1
            began own → busy
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
        prompt a
        ready
        background build, tests, a wake-up@60s
        done a
        shutdown
        background
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
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
                tell home: Cordboard was stopped while the agent of session 'x' was working in the background: build, tests, a wake-up. That work has ended. Ask the agent to start it again.
        "#]],
    );
    check(
        "
        prompt a
        ready
        taken a
        background build
        shutdown
        shutdown
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            taken a → busy
            background build → busy
                persist
            shutdown → stopping
                interrupt 1
            shutdown → stopping
                kill 1
            exit → suspended
                persist
                cut off a at home, failed: Stopped: Cordboard is shutting down.
                tell home: Cordboard was stopped while the agent of session 'x' was working in the background: build. That work has ended. Ask the agent to start it again.
        "#]],
    );
    check(
        "
        prompt a
        ready
        background build
        done a
        order suspend-anyway
        shutdown
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            background build → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            order suspend-anyway → stopping
                persist
                close input of 1
            shutdown → stopping
            exit → suspended
        "#]],
    );
}
