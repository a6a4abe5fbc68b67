//! Scenarios about the idle time and the lifecycle policy's decisions.

use expect_test::expect;

use super::script::check;

#[test]
fn an_idle_session_is_suspended_silently() {
    check(
        "
        prompt a
        spawned
        ready
        done a
        verdict after 10s
        wait 10s
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
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            verdict after 10s → idle
            10s: idle → stopping
                close input of 1
            exit → suspended
                persist
        "#]],
    );
}

#[test]
fn each_policy_verdict_is_followed() {
    check(
        "
        idle
        verdict keep
        wait 9999s
        policy
        verdict review 30s
        wait 30s
        verdict review 0s
        wait 1s
        verdict absent
        wait 1s
        exit
        command start
        ready
        verdict suspend
        ",
        expect![[r#"
            idle → idle
            verdict keep → idle
            policy → idle
                review #2: idle for 9999s
            verdict review 30s → idle
            10029s: review → idle
                review #3: idle for 10029s
            verdict review 0s → idle
            10030s: review → idle
                review #4: idle for 10030s
            verdict absent → idle
            10030s: idle → stopping
                close input of 1
            exit → suspended
            command start → starting
                spawn 2 anew
            ready → idle
                review #5: idle for 0ns
            verdict suspend → stopping
                close input of 2
        "#]],
    );
}

#[test]
fn a_stale_verdict_is_ignored() {
    check(
        "
        idle
        policy
        verdict #1 suspend
        verdict keep
        verdict suspend
        prompt a
        done a
        verdict #2 suspend
        ",
        expect![[r#"
            idle → idle
            policy → idle
                review #2: idle for 0ns
            verdict #1 suspend → idle
            verdict keep → idle
            verdict suspend → idle
            prompt a → busy
                persist
                mark a sent
                send a to 1
            done a → idle
                persist
                finish a at home, done
                review #3: idle for 0ns
            verdict #2 suspend → idle
        "#]],
    );
}

#[test]
fn without_a_policy_the_current_idle_timeout_applies() {
    check(
        "
        idle
        verdict absent
        wait 100s
        settings 200s
        verdict absent
        settings 200s
        wait 99s
        wait 1s
        ",
        expect![[r#"
            idle → idle
            verdict absent → idle
            settings 200s → idle
                review #2: idle for 100s
            verdict absent → idle
            settings 200s → idle
            200s: idle → stopping
                close input of 1
        "#]],
    );
}

#[test]
fn setting_a_session_timeout_restarts_the_idle_clock() {
    check(
        "
        idle
        verdict absent
        wait 500s
        command timeout 120s
        verdict absent
        wait 119s
        wait 1s
        ",
        expect![[r#"
            idle → idle
            verdict absent → idle
            command timeout 120s → idle
                persist
                review #2: idle for 0ns
            verdict absent → idle
            620s: idle → stopping
                close input of 1
        "#]],
    );
}

#[test]
fn switching_to_a_session_restarts_its_idle_clock() {
    check(
        "
        idle
        verdict after 60s
        wait 50s
        command touch
        verdict after 60s
        wait 50s
        wait 10s
        ",
        expect![[r#"
            idle → idle
            verdict after 60s → idle
            command touch → idle
                persist
                review #2: idle for 0ns
            verdict after 60s → idle
            110s: idle → stopping
                close input of 1
        "#]],
    );
}

#[test]
fn the_idle_clock_stops_while_busy() {
    check(
        "
        idle
        verdict after 60s
        wait 59s
        prompt a
        wait 9999s
        done a
        verdict after 60s
        wait 60s
        ",
        expect![[r#"
            idle → idle
            verdict after 60s → idle
            prompt a → busy
                persist
                mark a sent
                send a to 1
            done a → idle
                persist
                finish a at home, done
                review #2: idle for 0ns
            verdict after 60s → idle
            10118s: idle → stopping
                close input of 1
        "#]],
    );
}

#[test]
fn verdict_delays_count_from_the_review() {
    check(
        "
        idle
        verdict after 60s
        wait 30s
        policy
        verdict after 30s
        wait 29s
        policy
        verdict review 1s
        wait 1s
        verdict after 40s
        wait 40s
        ",
        expect![[r#"
            idle → idle
            verdict after 60s → idle
            policy → idle
                review #2: idle for 30s
            verdict after 30s → idle
            policy → idle
                review #3: idle for 59s
            verdict review 1s → idle
            60s: review → idle
                review #4: idle for 60s
            verdict after 40s → idle
            100s: idle → stopping
                close input of 1
        "#]],
    );
}

#[test]
fn verdict_after_does_not_move_the_suspension() {
    check(
        "
        idle
        verdict after 4s
        wait 900ms
        policy
        wait 700ms
        verdict after 4s
        wait 1900ms
        policy
        verdict after 1s
        wait 500ms
        ",
        expect![[r#"
            idle → idle
            verdict after 4s → idle
            policy → idle
                review #2: idle for 0ns
            verdict after 4s → idle
            policy → idle
                review #3: idle for 3s
            verdict after 1s → idle
            4s: idle → stopping
                close input of 1
        "#]],
    );
}

#[test]
fn reviews_are_at_least_a_second_apart() {
    check(
        "
        idle
        wait 5s
        verdict review 2s
        wait 1s
        ",
        expect![[r#"
            idle → idle
            verdict review 2s → idle
            6s: review → idle
                review #2: idle for 6s
        "#]],
    );
}

#[test]
fn a_prompt_during_suspension_resumes_the_session() {
    check(
        "
        session conversation=c1
        command start
        ready
        verdict suspend
        wait 1s
        prompt a
        resume-notice Resuming session...
        exit
        ready
        ",
        expect![[r#"
            command start → starting
                spawn 1 resuming c1
            ready → idle
                review #1: idle for 0ns
            verdict suspend → stopping
                close input of 1
            prompt a → stopping
                persist
                request resume notice #2: idle for 1s
            resume-notice Resuming session... → stopping
                post home: Resuming session...
            exit → starting
                spawn 2 resuming c1
            ready → busy
                mark a sent
                send a to 2
        "#]],
    );
}

#[test]
fn the_session_timeout_overrides_the_persona_timeout() {
    check(
        "
        session persona=planner
        command start
        persona-settings timeout=60s
        ready
        command timeout 30s
        verdict absent
        wait 30s
        exit
        command timeout
        command start
        persona-settings timeout=60s
        ready
        verdict absent
        wait 59s
        wait 1s
        exit
        command start
        persona-settings rules=none
        ready
        verdict absent
        wait 600s
        ",
        expect![[r#"
            command start → starting
                load persona #1: planner
            persona-settings timeout=60s → starting
                spawn 1 anew
            ready → idle
                review #2: idle for 0ns
            command timeout 30s → idle
                persist
                review #3: idle for 0ns
            verdict absent → idle
            30s: idle → stopping
                close input of 1
            exit → suspended
            command timeout → suspended
                persist
            command start → starting
                load persona #4: planner
            persona-settings timeout=60s → starting
                spawn 2 anew
            ready → idle
                review #5: idle for 0ns
            verdict absent → idle
            90s: idle → stopping
                close input of 2
            exit → suspended
            command start → starting
                load persona #6: planner
            persona-settings rules=none → starting
                spawn 3 anew, rules none
            ready → idle
                review #7: idle for 0ns
            verdict absent → idle
            690s: idle → stopping
                close input of 3
        "#]],
    );
}
