//! Scenarios in which an agent asks users questions.

use expect_test::expect;

use super::script::check;

#[test]
fn an_answer_reaches_the_agent_and_closes_the_question() {
    check(
        "
        busy a
        asks q1
        command answer allow
        command answer allow
        done a
        ",
        expect![[r#"
            busy a → busy
            asks q1 → busy
                persist
                post home: Session 'x' in /x asks for permission:
            command answer allow → busy
                audit q1: Allow once by User
                answer q1 of 1: Options { ids: ["allow"], text: None }
                close request q1: Offered("Allow once")
            command answer allow
                refused (invalid): Session 'x' has no open request.
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
        "#]],
    );
}

#[test]
fn a_button_answers_its_own_question() {
    check(
        "
        busy a
        asks q1
        asks q2
        command press q2 answer deny: too risky
        command press q2 answer allow
        command answer allow
        ",
        expect![[r#"
            busy a → busy
            asks q1 → busy
                persist
                post home: Session 'x' in /x asks for permission:
            asks q2 → busy
                persist
            command press q2 answer deny: too risky → busy
                audit q2: Deny by User (too risky)
                answer q2 of 1: Options { ids: ["deny"], text: Some("too risky") }
            command press q2 answer allow
                refused (invalid): This request is closed. The button has no effect.
            command answer allow → busy
                audit q1: Allow once by User
                answer q1 of 1: Options { ids: ["allow"], text: None }
                close request q1: Offered("Allow once")
        "#]],
    );
}

#[test]
fn open_questions_are_shown_one_after_the_other() {
    check(
        "
        busy a
        asks q1
        asks q2
        asks q3
        asks q4
        wait 1799s
        command answer #1 allow
        cancels q3
        cancels q2
        asks q5
        wait 1800s
        ",
        expect![[r#"
            busy a → busy
            asks q1 → busy
                persist
                post home: Session 'x' in /x asks for permission:
            asks q2 → busy
                persist
            asks q3 → busy
                persist
            asks q4 → busy
                persist
            command answer #1 allow → busy
                audit q1: Allow once by User
                answer q1 of 1: Options { ids: ["allow"], text: None }
                close request q1: Offered("Allow once")
                post home: Session 'x' in /x asks for permission:
            cancels q3 → busy
                audit q3: withdrawn by Agent
            cancels q2 → busy
                audit q2: withdrawn by Agent
                close request q2: Withdrawn
                post home: Session 'x' in /x asks for permission:
            asks q5 → busy
                persist
            3599s: request expired → busy
                audit q4: expired by Host
                answer q4 of 1: Nobody
                close request q4: Expired
                post home: The agent of session 'x' got no answer within 30m, and continues without one. It asked: the title of q4
                audit q5: expired by Host
                answer q5 of 1: Nobody
                post home: The agent of session 'x' got no answer within 30m, and continues without one. It asked: the title of q5
        "#]],
    );
}

#[test]
fn several_open_questions_need_a_number() {
    check(
        "
        busy a
        asks q1
        asks q2
        command answer allow
        command answer #2 allow
        command answer #7 allow
        command answer #1 maybe
        ",
        expect![[r#"
            busy a → busy
            asks q1 → busy
                persist
                post home: Session 'x' in /x asks for permission:
            asks q2 → busy
                persist
            command answer allow
                refused (invalid): Session 'x' has 2 open requests:
            #1 the title of q1
            #2 the title of q2
            Answer one by its number, as in /answer #1 …
            command answer #2 allow → busy
                audit q2: Allow once by User
                answer q2 of 1: Options { ids: ["allow"], text: None }
            command answer #7 allow
                refused (invalid): Session 'x' has no open request #7. Use /requests to list them.
            command answer #1 maybe
                refused (invalid): Choose one of: allow (Allow once), deny (Deny), other (Something else).
        "#]],
    );
}

#[test]
fn an_answer_must_fit_the_options() {
    check(
        "
        busy a
        asks q1
        command answer maybe
        command answer allow: with words
        command answer other
        command answer allow deny
        command answer other: mine
        asks many
        command answer allow other: mine
        ",
        expect![[r#"
            busy a → busy
            asks q1 → busy
                persist
                post home: Session 'x' in /x asks for permission:
            command answer maybe
                refused (invalid): Choose one of: allow (Allow once), deny (Deny), other (Something else).
            command answer allow: with words
                refused (invalid): “Allow once” takes no text.
            command answer other
                refused (invalid): Add the text: /answer x#1 other <text>
            command answer allow deny
                refused (invalid): Choose one of: allow (Allow once), deny (Deny), other (Something else).
            command answer other: mine → busy
                audit q1: Something else by User (mine)
                answer q1 of 1: Options { ids: ["other"], text: Some("mine") }
                close request q1: Offered("Something else: mine")
            asks many → busy
                persist
                post home: Session 'x' in /x asks for permission:
            command answer allow other: mine → busy
                audit many: Allow once, Something else by User (mine)
                answer many of 1: Options { ids: ["allow", "other"], text: Some("mine") }
                close request many: Offered("Allow once, Something else: mine")
        "#]],
    );
}

#[test]
fn a_question_expires() {
    check(
        "
        busy a
        asks q1
        wait 1800s
        command answer allow
        ",
        expect![[r#"
            busy a → busy
            asks q1 → busy
                persist
                post home: Session 'x' in /x asks for permission:
            1800s: request expired → busy
                audit q1: expired by Host
                answer q1 of 1: Nobody
                close request q1: Expired
                post home: The agent of session 'x' got no answer within 30m, and continues without one. It asked: the title of q1
            command answer allow
                refused (invalid): Session 'x' has no open request.
        "#]],
    );
}

#[test]
fn stop_withdraws_questions() {
    check(
        "
        busy a
        asks q1
        command stop
        asks q2
        interrupted a
        ",
        expect![[r#"
            busy a → busy
            asks q1 → busy
                persist
                post home: Session 'x' in /x asks for permission:
            command stop → busy
                audit q1: withdrawn by Host
                answer q1 of 1: Nobody
                close request q1: Withdrawn
                interrupt 1
            asks q2 → busy
                audit q2: not shown by Host
                answer q2 of 1: Nobody
            interrupted a → idle
                persist
                finish a at home, stopped, silent
                review #1: idle for 0ns
        "#]],
    );
}

#[test]
fn an_agent_can_cancel_its_question() {
    check(
        "
        busy a
        asks q1
        cancels q1
        cancels q1
        ",
        expect![[r#"
            busy a → busy
            asks q1 → busy
                persist
                post home: Session 'x' in /x asks for permission:
            cancels q1 → busy
                audit q1: withdrawn by Agent
                close request q1: Withdrawn
            cancels q1 → busy
        "#]],
    );
}

#[test]
fn an_agent_with_an_open_question_is_not_suspended() {
    check(
        "
        busy a
        done a
        asks q1
        verdict suspend
        wait 900s
        command answer allow
        verdict suspend
        ",
        expect![[r#"
            busy a → busy
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            asks q1 → idle
                persist
                post home: Session 'x' in /x asks for permission:
            verdict suspend → idle
            command answer allow → idle
                audit q1: Allow once by User
                answer q1 of 1: Options { ids: ["allow"], text: None }
                close request q1: Offered("Allow once")
                review #2: idle for 0ns
            verdict suspend → stopping
                close input of 1
        "#]],
    );
}

#[test]
fn the_exit_of_an_agent_closes_its_questions() {
    check(
        "
        busy a
        accepted a
        asks q1
        exit
        ",
        expect![[r#"
            busy a → busy
            accepted a → busy
            asks q1 → busy
                persist
                post home: Session 'x' in /x asks for permission:
            exit → suspended
                persist
                audit q1: withdrawn by Agent
                close request q1: Withdrawn
                finish a at home, failed: Incomplete: the agent exited.
                post home: The agent of session 'x' exited during its answer: exit code 1
        "#]],
    );
}

#[test]
fn a_question_is_asked_once() {
    check(
        "
        busy a
        asks q1
        asks q1
        ",
        expect![[r#"
            busy a → busy
            asks q1 → busy
                persist
                post home: Session 'x' in /x asks for permission:
            asks q1 → busy
        "#]],
    );
}

#[test]
fn the_questions_that_a_killed_host_left_open_are_withdrawn() {
    check(
        "
        session place=home process asks=Bash:\u{a0}make
        command model opus
        exit
        prompt a
        ",
        expect![[r#"
            command model opus → stopping
                persist
            exit → suspended
                persist
                post home: A question of session 'x' was withdrawn, because Cordboard was stopped: Bash: make
                audit unclosed Bash: make
            prompt a → starting
                spawn 1 anew, model opus
        "#]],
    );
}

#[test]
fn a_shutdown_withdraws_questions() {
    check(
        "
        busy a
        spawned
        asks q1
        shutdown
        ",
        expect![[r#"
            busy a → busy
            spawned → busy
                persist
            asks q1 → busy
                persist
                post home: Session 'x' in /x asks for permission:
            shutdown → stopping
                persist
                post home: A question of session 'x' was withdrawn, because Cordboard was stopped: the title of q1
                audit q1: withdrawn by Host
                answer q1 of 1: Nobody
                close request q1: Withdrawn
                interrupt 1
        "#]],
    );
}

#[test]
fn suspending_withdraws_questions() {
    check(
        "
        busy a
        done a
        asks q1
        command suspend
        ",
        expect![[r#"
            busy a → busy
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            asks q1 → idle
                persist
                post home: Session 'x' in /x asks for permission:
            command suspend → stopping
                audit q1: withdrawn by Host
                answer q1 of 1: Nobody
                close request q1: Withdrawn
                close input of 1
        "#]],
    );
}

#[test]
fn the_approval_plugin_decides_before_a_user() {
    check(
        "
        busy a
        asks-tool q1
        decision allow
        asks-tool q2
        decision allow for session
        asks-tool q3
        decision deny the rule 'Bash'
        asks-tool q4
        decision ask
        command answer deny
        ",
        expect![[r#"
            busy a → busy
            asks-tool q1 → busy
                persist
                decide #1: Bash the command of q1
            decision allow → busy
                audit q1: allowed by Plugin
                answer q1 of 1: Options { ids: ["allow"], text: None }
            asks-tool q2 → busy
                persist
                decide #2: Bash the command of q2
            decision allow for session → busy
                audit q2: allowed by Plugin
                answer q2 of 1: Options { ids: ["allow"], text: None }
            asks-tool q3 → busy
                persist
                decide #3: Bash the command of q3
            decision deny the rule 'Bash' → busy
                audit q3: denied by Plugin (the rule 'Bash')
                answer q3 of 1: Denied("the rule 'Bash'")
                post home: Denied: Bash `the command of q3`
            asks-tool q4 → busy
                persist
                decide #4: Bash the command of q4
            decision ask → busy
                post home: Session 'x' in /x asks for permission:
            command answer deny → busy
                audit q4: Deny by User
                answer q4 of 1: Options { ids: ["deny"], text: None }
                close request q4: Offered("Deny")
        "#]],
    );
}

#[test]
fn only_undecided_permissions_wait_for_the_plugin() {
    check(
        "
        busy a
        asks-tool q1
        asks q2
        decision #1 ask
        command answer #2 allow
        command answer #1 allow
        ",
        expect![[r#"
            busy a → busy
            asks-tool q1 → busy
                persist
                decide #1: Bash the command of q1
            asks q2 → busy
                persist
                post home: Session 'x' in /x asks for permission:
            decision #1 ask → busy
            command answer #2 allow → busy
                audit q2: Allow once by User
                answer q2 of 1: Options { ids: ["allow"], text: None }
                close request q2: Offered("Allow once")
                post home: Session 'x' in /x asks for permission:
            command answer #1 allow → busy
                audit q1: Allow once by User
                answer q1 of 1: Options { ids: ["allow"], text: None }
                close request q1: Offered("Allow once")
        "#]],
    );
}

#[test]
fn rules_object_to_announced_tools() {
    check(
        "
        busy a
        announces t1
        announces t2
        announces t3
        decision #1 deny too risky by Bash(rm:*)
        decision #2 ask by Bash(git:*)
        decision #3 ask
        announces t4
        decision #4 failed
        announces t5
        decision #5 allow by Bash
        announces large-t6
        announces t7
        cancels t7
        decision #7 deny too late
        announces t8
        deny-tools Bash
        decision #8 allow
        announces t9
        deny-tools Edit
        announces t10
        exit
        decision #11 ask
        ",
        expect![[r#"
            busy a → busy
            announces t1 → busy
                decide #1: Bash the command of t1
            announces t2 → busy
                decide #2: Bash the command of t2
            announces t3 → busy
                decide #3: Bash the command of t3
            decision #1 deny too risky by Bash(rm:*) → busy
                audit t1: denied by Plugin (Bash(rm:*))
                answer t1 of 1: Denied("too risky")
                post home: Denied: Bash `the command of t1`
            decision #2 ask by Bash(git:*) → busy
                answer t2 of 1: MustAsk
            decision #3 ask → busy
                answer t3 of 1: NoObjection
            announces t4 → busy
                decide #4: Bash the command of t4
            decision #4 failed → busy
                answer t4 of 1: MustAsk
            announces t5 → busy
                decide #5: Bash the command of t5
            decision #5 allow by Bash → busy
                answer t5 of 1: NoObjection
            announces large-t6 → busy
                answer large-t6 of 1: MustAsk
            announces t7 → busy
                decide #7: Bash the command of t7
            cancels t7 → busy
            decision #7 deny too late → busy
            announces t8 → busy
                decide #8: Bash the command of t8
            deny-tools Bash → busy
            decision #8 allow → busy
                audit t8: denied by Configuration (Bash)
                answer t8 of 1: Denied("The rule Bash in deny_tools of [access] forbids this use.")
                post home: Denied: Bash `the command of t8`
            announces t9 → busy
                audit t9: denied by Configuration (Bash)
                answer t9 of 1: Denied("The rule Bash in deny_tools of [access] forbids this use.")
                post home: Denied: Bash `the command of t9`
            deny-tools Edit → busy
            announces t10 → busy
                decide #11: Bash the command of t10
            exit → starting
                persist
                mark a queued
                post home: The agent of session 'x' did not start: it exited (exit code 1) without output
            decision #11 ask → starting
        "#]],
    );
}

#[test]
fn a_decision_about_a_closed_permission_is_ignored() {
    check(
        "
        busy a
        asks-tool q1
        cancels q1
        decision allow
        asks-tool q2
        wait 1800s
        decision allow
        asks-tool q3
        command stop
        decision allow
        ",
        expect![[r#"
            busy a → busy
            asks-tool q1 → busy
                persist
                decide #1: Bash the command of q1
            cancels q1 → busy
                audit q1: withdrawn by Agent
            decision allow → busy
            asks-tool q2 → busy
                persist
                decide #2: Bash the command of q2
            1800s: request expired → busy
                audit q2: expired by Host
                answer q2 of 1: Nobody
                post home: The agent of session 'x' got no answer within 30m, and continues without one. It asked: the title of q2
            decision allow → busy
            asks-tool q3 → busy
                persist
                decide #3: Bash the command of q3
            command stop → busy
                audit q3: withdrawn by Host
                answer q3 of 1: Nobody
                interrupt 1
            decision allow → busy
        "#]],
    );
}

#[test]
fn a_rule_of_the_configuration_denies_before_the_plugin() {
    check(
        "
        busy a
        deny-tools Bash(the command:*)
        asks-tool q1
        asks q2
        deny-tools Bash(another:*)
        asks-tool q3
        ",
        expect![[r#"
            busy a → busy
            deny-tools Bash(the command:*) → busy
            asks-tool q1 → busy
                audit q1: denied by Configuration (Bash(the command:*))
                answer q1 of 1: Denied("The rule Bash(the command:*) in deny_tools of [access] forbids this use.")
                post home: Denied: Bash `the command of q1`
            asks q2 → busy
                persist
                post home: Session 'x' in /x asks for permission:
            deny-tools Bash(another:*) → busy
            asks-tool q3 → busy
                persist
                decide #3: Bash the command of q3
        "#]],
    );
}

#[test]
fn a_decision_counts_for_its_own_question() {
    check(
        "
        busy a
        asks-tool q1
        cancels q1
        asks-tool q1
        decision #1 allow
        decision #2 deny a rule
        ",
        expect![[r#"
            busy a → busy
            asks-tool q1 → busy
                persist
                decide #1: Bash the command of q1
            cancels q1 → busy
                audit q1: withdrawn by Agent
            asks-tool q1 → busy
                persist
                decide #2: Bash the command of q1
            decision #1 allow → busy
            decision #2 deny a rule → busy
                audit q1: denied by Plugin (a rule)
                answer q1 of 1: Denied("a rule")
                post home: Denied: Bash `the command of q1`
        "#]],
    );
}

#[test]
fn a_user_cannot_answer_before_the_plugin() {
    check(
        "
        busy a
        asks-tool q1
        command answer allow
        command answer #1 allow
        decision deny a rule
        ",
        expect![[r#"
            busy a → busy
            asks-tool q1 → busy
                persist
                decide #1: Bash the command of q1
            command answer allow
                refused (invalid): Session 'x' has no open request.
            command answer #1 allow
                refused (invalid): Session 'x' has no open request #1. Use /requests to list them.
            decision deny a rule → busy
                audit q1: denied by Plugin (a rule)
                answer q1 of 1: Denied("a rule")
                post home: Denied: Bash `the command of q1`
        "#]],
    );
}

#[test]
fn a_new_rule_of_the_configuration_denies_open_questions() {
    check(
        "
        busy a
        asks-tool q1
        decision ask
        asks-tool q2
        deny-tools Bash
        ",
        expect![[r#"
            busy a → busy
            asks-tool q1 → busy
                persist
                decide #1: Bash the command of q1
            decision ask → busy
                post home: Session 'x' in /x asks for permission:
            asks-tool q2 → busy
                persist
                decide #2: Bash the command of q2
            deny-tools Bash → busy
                audit q1: denied by Configuration (Bash)
                answer q1 of 1: Denied("The rule Bash in deny_tools of [access] forbids this use.")
                post home: Denied: Bash `the command of q1`
                close request q1: Withdrawn
                audit q2: denied by Configuration (Bash)
                answer q2 of 1: Denied("The rule Bash in deny_tools of [access] forbids this use.")
                post home: Denied: Bash `the command of q2`
        "#]],
    );
}

#[test]
fn only_some_questions_wait_for_a_user() {
    let script: String = (1..=21).map(|number| format!("asks q{number}\n")).collect();
    let mut trace = super::script::trace(&format!("busy a\n{script}"));
    let last = trace.split_off(trace.find("asks q21").expect("the last question"));
    expect![[r#"
        asks q21 → busy
            persist
            audit q21: not shown by Host
            answer q21 of 1: Nobody
    "#]]
    .assert_eq(&last);
}

#[test]
fn an_option_that_is_not_offered_makes_a_user_decide() {
    check(
        "
        busy a
        asks-tool q1-only
        decision allow
        command answer deny
        asks-tool q2-only-session
        decision allow
        command answer session
        asks-tool q3-only-session
        decision allow for session
        asks-tool q4-session
        decision allow for session
        asks-tool q5
        decision allow for session
        asks-tool q6-only
        decision allow for session
        ",
        expect![[r#"
            busy a → busy
            asks-tool q1-only → busy
                persist
                decide #1: Bash the command of q1-only
            decision allow → busy
                post home: Session 'x' in /x asks for permission: … The approval plugin allows this, but the agent doesn't offer that answer.
            command answer deny → busy
                audit q1-only: Deny by User
                answer q1-only of 1: Options { ids: ["deny"], text: None }
                close request q1-only: Offered("Deny")
            asks-tool q2-only-session → busy
                persist
                decide #2: Bash the command of q2-only-session
            decision allow → busy
                post home: Session 'x' in /x asks for permission: … The approval plugin allows this, but the agent doesn't offer that answer.
            command answer session → busy
                audit q2-only-session: Allow for this session by User
                answer q2-only-session of 1: Options { ids: ["session"], text: None }
                close request q2-only-session: Offered("Allow for this session")
            asks-tool q3-only-session → busy
                persist
                decide #3: Bash the command of q3-only-session
            decision allow for session → busy
                audit q3-only-session: allowed for the session by Plugin
                answer q3-only-session of 1: Options { ids: ["session"], text: None }
            asks-tool q4-session → busy
                persist
                decide #4: Bash the command of q4-session
            decision allow for session → busy
                audit q4-session: allowed for the session by Plugin
                answer q4-session of 1: Options { ids: ["session"], text: None }
            asks-tool q5 → busy
                persist
                decide #5: Bash the command of q5
            decision allow for session → busy
                audit q5: allowed by Plugin
                answer q5 of 1: Options { ids: ["allow"], text: None }
            asks-tool q6-only → busy
                persist
                decide #6: Bash the command of q6-only
            decision allow for session → busy
                post home: Session 'x' in /x asks for permission: … The approval plugin allows this, but the agent doesn't offer that answer.
        "#]],
    );
}

#[test]
fn a_rule_that_asks_is_not_lifted_by_an_answer_for_the_session() {
    check(
        "
        busy a
        asks-tool q1-session
        decision ask by Bash(the:*)
        command answer session
        command answer allow
        asks-tool q2-session
        decision ask
        command answer session
        asks-tool q3-only-session
        decision ask by Bash(the:*)
        command answer session
        ",
        expect![[r#"
            busy a → busy
            asks-tool q1-session → busy
                persist
                decide #1: Bash the command of q1-session
            decision ask by Bash(the:*) → busy
                post home: Session 'x' in /x asks for permission: … The rule Bash(the:*) requires your decision.
            command answer session
                refused (invalid): Choose one of: allow (Allow once), deny (Deny), other (Something else).
            command answer allow → busy
                audit q1-session: Allow once by User
                answer q1-session of 1: Options { ids: ["allow"], text: None }
                close request q1-session: Offered("Allow once")
            asks-tool q2-session → busy
                persist
                decide #2: Bash the command of q2-session
            decision ask → busy
                post home: Session 'x' in /x asks for permission:
            command answer session → busy
                audit q2-session: Allow for this session by User
                answer q2-session of 1: Options { ids: ["session"], text: None }
                close request q2-session: Offered("Allow for this session")
            asks-tool q3-only-session → busy
                persist
                decide #3: Bash the command of q3-only-session
            decision ask by Bash(the:*) → busy
                post home: Session 'x' in /x asks for permission: … The rule Bash(the:*) requires your decision.
            command answer session → busy
                audit q3-only-session: Allow for this session by User
                answer q3-only-session of 1: Options { ids: ["session"], text: None }
                close request q3-only-session: Offered("Allow for this session")
        "#]],
    );
}

#[test]
fn a_question_says_that_no_rule_was_checked() {
    check(
        "
        busy a
        asks-tool q1-session-large
        command answer session
        command answer allow
        asks-tool q2-session
        decision failed
        command answer session
        command answer allow
        ",
        expect![[r#"
            busy a → busy
            asks-tool q1-session-large → busy
                persist
                post home: Session 'x' in /x asks for permission: … The input is too large for the approval plugin, so its rules were not checked.
            command answer session
                refused (invalid): Choose one of: allow (Allow once), deny (Deny), other (Something else).
            command answer allow → busy
                audit q1-session-large: Allow once by User
                answer q1-session-large of 1: Options { ids: ["allow"], text: None }
                close request q1-session-large: Offered("Allow once")
            asks-tool q2-session → busy
                persist
                decide #1: Bash the command of q2-session
            decision failed → busy
                post home: Session 'x' in /x asks for permission: … The approval plugin failed, so its rules were not checked. See the log.
            command answer session
                refused (invalid): Choose one of: allow (Allow once), deny (Deny), other (Something else).
            command answer allow → busy
                audit q2-session: Allow once by User
                answer q2-session of 1: Options { ids: ["allow"], text: None }
                close request q2-session: Offered("Allow once")
        "#]],
    );
}

#[test]
fn the_rules_of_an_answer_for_the_session_are_logged() {
    check(
        "
        busy a
        asks-tool q1-session-rules
        decision ask
        command answer session
        asks-tool q2-session-rules
        decision ask
        command answer allow
        ",
        expect![[r#"
            busy a → busy
            asks-tool q1-session-rules → busy
                persist
                decide #1: Bash the command of q1-session-rules
            decision ask → busy
                post home: Session 'x' in /x asks for permission: … For this session it would allow: `Bash(the:*)`
            command answer session → busy
                audit q1-session-rules: Allow for this session by User (For this session it would allow: Bash(the:*))
                answer q1-session-rules of 1: Options { ids: ["session"], text: None }
                close request q1-session-rules: Offered("Allow for this session")
            asks-tool q2-session-rules → busy
                persist
                decide #2: Bash the command of q2-session-rules
            decision ask → busy
                post home: Session 'x' in /x asks for permission: … For this session it would allow: `Bash(the:*)`
            command answer allow → busy
                audit q2-session-rules: Allow once by User
                answer q2-session-rules of 1: Options { ids: ["allow"], text: None }
                close request q2-session-rules: Offered("Allow once")
        "#]],
    );
}

#[test]
fn questions_are_withdrawn_when_nobody_can_answer() {
    check(
        "
        nobody-answers
        busy a
        nobody-answers
        asks q1
        asks q2
        asks-tool q3
        nobody-answers
        decision ask
        nobody-answers
        command answer allow
        ",
        expect![[r#"
            nobody-answers → suspended
            busy a → busy
            nobody-answers → busy
            asks q1 → busy
                persist
                post home: Session 'x' in /x asks for permission:
            asks q2 → busy
                persist
            asks-tool q3 → busy
                persist
                decide #1: Bash the command of q3
            nobody-answers → busy
                audit q1: withdrawn by Host (the input has ended)
                answer q1 of 1: Nobody
                close request q1: Withdrawn
                post home: No user can answer the agent of session 'x', because the input has ended. The agent continues without an answer. It asked: the title of q1
                audit q2: withdrawn by Host (the input has ended)
                answer q2 of 1: Nobody
                post home: No user can answer the agent of session 'x', because the input has ended. The agent continues without an answer. It asked: the title of q2
            decision ask → busy
                post home: Session 'x' in /x asks for permission:
            nobody-answers → busy
                audit q3: withdrawn by Host (the input has ended)
                answer q3 of 1: Nobody
                close request q3: Withdrawn
                post home: No user can answer the agent of session 'x', because the input has ended. The agent continues without an answer. It asked: the title of q3
            command answer allow
                refused (invalid): Session 'x' has no open request.
        "#]],
    );
}
