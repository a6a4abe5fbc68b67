//! Scenarios in which a session is resumed: notices, refused resumes, and host restarts.

use expect_test::expect;

use super::script::check;

#[test]
fn a_prompt_announces_the_resume_once() {
    check(
        "
        session conversation=c1
        wait 900s
        prompt a
        resume-notice Resuming session (idle for 15 min)...
        resume-notice Resuming session (idle for 15 min)...
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                request resume notice #1: idle for 900s
                spawn 1 resuming c1
            resume-notice Resuming session (idle for 15 min)... → starting
                post home: Resuming session (idle for 15 min)...
            resume-notice Resuming session (idle for 15 min)... → starting
            ready → busy
                mark a sent
                send a to 1
        "#]],
    );
}

#[test]
fn a_session_that_never_ran_has_nothing_to_resume() {
    check(
        "
        prompt a
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
        "#]],
    );
}

#[test]
fn a_late_resume_notice_is_dropped() {
    check(
        "
        session conversation=c1
        prompt a
        ready
        done a
        resume-notice #1 Resuming session...
        ",
        expect![[r#"
            prompt a → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                mark a sent
                send a to 1
            done a → idle
                persist
                finish a at home, done
                review #2: idle for 0ns
            resume-notice #1 Resuming session... → idle
        "#]],
    );
}

#[test]
fn a_lost_conversation_is_started_anew() {
    check(
        "
        session not-resumable=c1
        prompt a
        conversation c2
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            conversation c2 → starting
                persist
        "#]],
    );
}

#[test]
fn a_refused_resume_asks_the_user() {
    check(
        "
        session conversation=c1
        prompt a
        resume-refused no conversation found
        exit
        prompt b from den
        command start
        command retry r
        resume-refused no conversation found
        command fresh
        exit
        conversation c2
        ready
        accepted a
        done a
        ",
        expect![[r#"
            prompt a → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            resume-refused no conversation found → stopping
                persist
                close input of 1
            exit → asking
                post home: Session 'x' could not be resumed: no conversation found
            prompt b from den → asking
                persist
                post den: Session 'x' could not be resumed: no conversation found
            command start → asking
                post home: Session 'x' could not be resumed: no conversation found
                post den: Session 'x' could not be resumed: no conversation found
            command retry r → starting
                close request failure 1: TryAgain
                spawn 2 resuming c1
            resume-refused no conversation found → stopping
                persist
                close input of 2
            command fresh → stopping
                persist
                close request failure 2: StartFresh
            exit → starting
                spawn 3 anew
            conversation c2 → starting
                persist
            ready → busy
                mark a sent
                send a to 3
            accepted a → busy
            done a → busy
                persist
                finish a at home, done
                mark b sent
                send b to 3
        "#]],
    );
}

#[test]
fn switching_to_a_session_does_not_answer_its_question() {
    check(
        "
        session conversation=c1
        prompt a
        resume-refused no conversation found
        command start
        command suspend
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            resume-refused no conversation found → stopping
                persist
                close input of 1
            command start → stopping
            command suspend
                refused (busy): Session 'x' is busy. Use /stop first.
            exit → asking
                post home: Session 'x' could not be resumed: no conversation found
        "#]],
    );
}

#[test]
fn resume_refused_keeps_a_prompt_already_sent() {
    check(
        "
        session conversation=c1
        prompt a
        ready
        accepted a
        resume-refused no conversation found
        exit
        command fresh
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
            resume-refused no conversation found → stopping
                persist
                mark a queued
                close input of 1
            exit → asking
                post home: Session 'x' could not be resumed: no conversation found
            command fresh → starting
                persist
                close request failure 1: StartFresh
                spawn 2 anew
        "#]],
    );
}

/// A refusal that arrives after the agent's first output is ignored, so the prompt is not queued again.
#[test]
fn a_resume_is_not_refused_once_the_answer_started() {
    check(
        "
        session conversation=c1
        prompt a
        ready
        says Half
        resume-refused no conversation found
        exit boom
        ",
        expect![[r#"
            prompt a → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                mark a sent
                send a to 1
            says Half → busy
                show
            resume-refused no conversation found → busy
            exit boom → suspended
                persist
                finish a at home, failed: Incomplete: the agent exited. “Half”
                post home: The agent of session 'x' exited during its answer: boom
        "#]],
    );
}

#[test]
fn a_refused_resume_asks_despite_a_pending_suspension() {
    check(
        "
        session conversation=c1 place=den
        command start
        resume-refused no conversation found
        command suspend
        exit
        prompt a
        ",
        expect![[r#"
            command start → starting
                spawn 1 resuming c1
            resume-refused no conversation found → stopping
                persist
                close input of 1
            command suspend → stopping
            exit → asking
                post den: Session 'x' could not be resumed: no conversation found
            prompt a → asking
                persist
                post home: Session 'x' could not be resumed: no conversation found
        "#]],
    );
}

/// A `/retry` that arrives before the user is asked applies to the refused resume, not to an interrupted prompt.
#[test]
fn a_refused_resume_is_retried_once_the_agent_has_exited() {
    check(
        "
        session conversation=c1 interrupted=k
        prompt a
        resume-refused no conversation found
        command retry r
        exit
        ready
        done a
        ",
        expect![[r#"
            prompt a → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            resume-refused no conversation found → stopping
                persist
                close input of 1
            command retry r → stopping
                close request failure 1: TryAgain
            exit → starting
                spawn 2 resuming c1
            ready → busy
                mark a sent
                send a to 2
            done a → idle
                persist
                finish a at home, done
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn a_refused_resume_is_reported_to_the_latest_place() {
    check(
        "
        session conversation=c1 place=den
        command start
        resume-refused no conversation found
        exit
        command archive
        ",
        expect![[r#"
            command start → starting
                spawn 1 resuming c1
            resume-refused no conversation found → stopping
                persist
                close input of 1
            exit → asking
                post den: Session 'x' could not be resumed: no conversation found
            command archive → archived
                persist
                close request failure 1: Withdrawn
        "#]],
    );
}

#[test]
fn a_new_conversation_cannot_refuse_a_resume() {
    check(
        "
        prompt a
        resume-refused nonsense
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            resume-refused nonsense → starting
            ready → busy
                mark a sent
                send a to 1
        "#]],
    );
}

#[test]
fn a_restarted_host_sends_accepted_prompts() {
    check(
        "
        session conversation=c1
        wait 60s
        restore a b
        ready
        ",
        expect![[r#"
            restore a b → starting
                persist
                request resume notice #1: idle for 60s
                spawn 1 resuming c1
            ready → busy
                mark a sent
                send a to 1
        "#]],
    );
}

#[test]
fn a_restarted_host_reports_the_interrupted_prompt() {
    check(
        "
        session conversation=c1
        restore interrupted=a
        prompt b
        ready
        command retry a2
        done b
        ",
        expect![[r#"
            restore interrupted=a → suspended
                persist
                post home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                complete a as interrupted
            prompt b → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                mark b sent
                send b to 1
            command retry a2 → busy
                accept a2: the text of a
                persist
                close request a: SendAgain
            done b → busy
                persist
                finish b at home, done
                mark a2 sent
                send a2 to 1
        "#]],
    );
}

#[test]
fn an_agent_continues_an_interrupted_turn_after_a_note() {
    check(
        "
        session conversation=c1
        restore interrupted=a interrupted=b q continue=n
        ready
        done n
        done q
        ",
        expect![[r#"
            restore interrupted=a interrupted=b q continue=n → starting
                accept n: note about the text of a, the text of b
                persist
                complete a as superseded
                complete b as superseded
                post home: Cordboard was stopped while session 'x' was answering “the text of a”. The agent continues.
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                mark n sent
                send n to 1: note about the text of a, the text of b
            done n → busy
                persist
                finish n at home, done
                mark q sent
                send q to 1
            done q → idle
                persist
                finish q at home, done
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn a_note_is_not_sent_twice_if_the_host_dies_while_it_is_stored() {
    check(
        "
        session conversation=c1 continued=a:n:1
        restore interrupted=a q n continue=m
        ready
        ",
        expect![[r#"
            restore interrupted=a q n continue=m → starting
                persist
                complete a as superseded
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                mark n sent
                send n to 1
        "#]],
    );
}

#[test]
fn an_interrupted_note_is_replaced_up_to_three_times() {
    check(
        "
        session conversation=c1 continued=a:n2:2
        restore interrupted=n2 continue=n3
        ready
        session conversation=c1 continued=a:n3:3
        restore interrupted=n3 continue=n4
        command retry a2
        ready
        ",
        expect![[r#"
            restore interrupted=n2 continue=n3 → starting
                accept n3: note about the text of a
                persist
                complete n2 as superseded
                post home: Cordboard was stopped while session 'x' was answering “the text of a”. The agent continues.
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                mark n3 sent
                send n3 to 1: note about the text of a
            restore interrupted=n3 continue=n4 → suspended
                persist
                post home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                complete n3 as superseded
            command retry a2 → starting
                accept a2: the text of a
                persist
                close request a: SendAgain
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                mark a2 sent
                send a2 to 1
        "#]],
    );
}

#[test]
fn users_decide_if_the_agent_cannot_continue() {
    check(
        "
        session not-resumable=c1
        restore interrupted=a continue=n
        session archived conversation=c1
        restore interrupted=a continue=n
        session conversation=c1
        kind plain
        restore interrupted=a continue=n
        session conversation=c1
        shutdown
        restore interrupted=a continue=n
        ",
        expect![[r#"
            restore interrupted=a continue=n → suspended
                persist
                post home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                complete a as interrupted
            restore interrupted=a continue=n → archived
                persist
                post home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                complete a as interrupted
            kind plain → suspended
            restore interrupted=a continue=n → suspended
                persist
                post home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                complete a as interrupted
            shutdown → suspended
            restore interrupted=a continue=n → suspended
                persist
                post home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                complete a as interrupted
        "#]],
    );
}

#[test]
fn a_note_that_a_killed_host_did_not_complete_is_not_reported_as_a_prompt() {
    check(
        "
        session conversation=c1 continued=a:n:3
        restore interrupted=n
        restore interrupted=n
        ",
        expect![[r#"
            restore interrupted=n → suspended
                persist
                post home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                complete n as superseded
            restore interrupted=n → suspended
                post home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                complete n as superseded
        "#]],
    );
}

#[test]
fn a_continued_turn_is_forgotten_after_a_later_one() {
    check(
        "
        session conversation=c1 continued=a:n:3
        restore interrupted=b continue=m
        ready
        done m
        prompt c
        done c
        ",
        expect![[r#"
            restore interrupted=b continue=m → starting
                accept m: note about the text of b
                persist
                complete b as superseded
                post home: Cordboard was stopped while session 'x' was answering “the text of b”. The agent continues.
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                mark m sent
                send m to 1: note about the text of b
            done m → idle
                persist
                finish m at home, done
                review #2: idle for 0ns
            prompt c → busy
                mark c sent
                send c to 1
            done c → idle
                persist
                finish c at home, done
                review #3: idle for 0ns
        "#]],
    );
}

#[test]
fn interrupted_prompts_survive_a_second_crash() {
    check(
        "
        session conversation=c1 interrupted=old
        restore interrupted=a
        command retry a2
        command retry twice
        ready
        done a2
        command retry old2
        command retry none
        ",
        expect![[r#"
            restore interrupted=a → suspended
                persist
                post home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                complete a as interrupted
            command retry a2 → starting
                accept a2: the text of a
                persist
                close request a: SendAgain
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
                post home: An earlier message of session 'x' was not sent again either: “the text of old”.
            command retry twice
                refused (busy): Session 'x' is already answering the message that was sent again. To send an earlier interrupted message again, use /retry after this answer.
            ready → busy
                mark a2 sent
                send a2 to 1
            done a2 → idle
                persist
                finish a2 at home, done
                review #2: idle for 0ns
            command retry old2 → busy
                accept old2: the text of old
                persist
                close request old: SendAgain
                mark old2 sent
                send old2 to 1
            command retry none
                refused (invalid): Nothing to retry.
        "#]],
    );
}

#[test]
fn a_button_pressed_twice_acts_once() {
    check(
        "
        session conversation=c1 interrupted=a interrupted=b
        command leave
        command leave
        wait 2s
        command leave
        session conversation=c1 interrupted=a
        prompt b
        not-started no such file
        command retry r
        command retry s
        ",
        expect![[r#"
            command leave → suspended
                persist
                close request b: Leave
                post home: An earlier message of session 'x' was not sent again either: “the text of a”.
            command leave
                refused (busy): A message was dropped just now. Use /leave again to also drop the earlier interrupted message of session 'x'.
            command leave → suspended
                persist
                close request a: Leave
            prompt b → starting
                persist
                request resume notice #1: idle for 2s
                spawn 1 resuming c1
            not-started no such file → broken
                persist
                post home: The agent of session 'x' could not be started: no such file
            command retry r → starting
                close request failure 1: TryAgain
                spawn 2 resuming c1
            command retry s
                refused (busy): Session 'x' is already answering the message that was sent again. To send an earlier interrupted message again, use /retry after this answer.
        "#]],
    );
}

/// The limit is two. Prompts that were accepted before the limit was reached are also kept.
#[test]
fn prompts_are_refused_at_the_limit_of_interrupted_ones() {
    check(
        "
        session conversation=c1 interrupted=a
        prompt b
        prompt c
        ready
        accepted b
        exit boom
        ready
        accepted c
        exit bang
        prompt d from den
        command leave
        prompt e from den
        wait 2s
        command leave
        prompt f from den
        ready
        done f
        command retry a2
        ",
        expect![[r#"
            prompt b → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            prompt c → starting
            ready → busy
                mark b sent
                send b to 1
            accepted b → busy
            exit boom → starting
                persist
                finish b at home, failed: Incomplete: the agent exited.
                post home: The agent of session 'x' exited during its answer: boom
                spawn 2 resuming c1
            ready → busy
                mark c sent
                send c to 2
            accepted c → busy
            exit bang → suspended
                persist
                finish c at home, failed: Incomplete: the agent exited.
                post home: The agent of session 'x' exited during its answer: bang
            prompt d from den → suspended
                post den: Not accepted: session 'x' has 3 interrupted messages. Use /retry x to send the latest again, or /leave x to drop the latest; send this one again when fewer than 2 are left.
                drop d
            command leave → suspended
                persist
                close request c: Leave
                post home: An earlier message of session 'x' was not sent again either: “the text of b”.
            prompt e from den → suspended
                post den: Not accepted: session 'x' has 2 interrupted messages. Use /retry x to send the latest again, or /leave x to drop the latest; then send this one again.
                drop e
            command leave → suspended
                persist
                close request b: Leave
                post home: An earlier message of session 'x' was not sent again either: “the text of a”.
            prompt f from den → starting
                persist
                request resume notice #2: idle for 2s
                spawn 3 resuming c1
            ready → busy
                mark f sent
                send f to 3
            done f → idle
                persist
                finish f at den, done
                review #3: idle for 0ns
            command retry a2 → busy
                accept a2: the text of a
                persist
                close request a: SendAgain
                mark a2 sent
                send a2 to 3
        "#]],
    );
}

#[test]
fn a_prompt_interrupted_twice_is_kept_once() {
    check(
        "
        session conversation=c1 interrupted=a
        restore interrupted=a
        command leave
        command leave
        ",
        expect![[r#"
            restore interrupted=a → suspended
                post home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                complete a as interrupted
            command leave → suspended
                persist
                close request a: Leave
            command leave
                refused (invalid): No interrupted message to drop.
        "#]],
    );
}

#[test]
fn the_notice_of_an_older_resume_is_dropped() {
    check(
        "
        session conversation=c1
        prompt a
        command stop
        command suspend
        prompt b
        resume-notice #1 Resuming the old...
        resume-notice #2 Resuming the new...
        ",
        expect![[r#"
            prompt a → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            command stop → starting
                drop a
            command suspend → stopping
                close input of 1
            prompt b → stopping
                request resume notice #2: idle for 0ns
            resume-notice #1 Resuming the old... → stopping
            resume-notice #2 Resuming the new... → stopping
                post home: Resuming the new...
        "#]],
    );
}

/// Prompts and answers count as activity: the notice states the time since the last prompt or answer.
#[test]
fn a_resume_notice_counts_from_the_last_activity() {
    check(
        "
        session conversation=c1
        wait 100s
        prompt a
        command stop
        command suspend
        exit
        wait 20s
        prompt b
        ready
        wait 100s
        done b
        command suspend
        exit
        wait 30s
        prompt c
        ",
        expect![[r#"
            prompt a → starting
                persist
                request resume notice #1: idle for 100s
                spawn 1 resuming c1
            command stop → starting
                drop a
            command suspend → stopping
                close input of 1
            exit → suspended
            prompt b → starting
                persist
                request resume notice #2: idle for 20s
                spawn 2 resuming c1
            ready → busy
                mark b sent
                send b to 2
            done b → idle
                persist
                finish b at home, done
                review #3: idle for 0ns
            command suspend → stopping
                close input of 2
            exit → suspended
            prompt c → starting
                persist
                request resume notice #4: idle for 30s
                spawn 3 resuming c1
        "#]],
    );
}

#[test]
fn an_archived_session_with_an_orphan_stays_archived() {
    check(
        "
        session archived process
        restore
        @0 exit
        prompt a
        ",
        expect![[r#"
            restore → stopping
            @0 exit → archived
                persist
            prompt a → archived
                post home: Not accepted: Session 'x' is archived. Use /restore x.
                drop a
        "#]],
    );
}

#[test]
fn a_start_waits_for_an_orphaned_agent() {
    check(
        "
        session conversation=c1 process
        restore a
        prompt b
        command suspend
        wait 100s
        @0 exit
        ready
        ",
        expect![[r#"
            restore a → stopping
                persist
                request resume notice #1: idle for 0ns
            prompt b → stopping
            command suspend
                refused (busy): Session 'x' is busy. Use /stop first.
            @0 exit → starting
                persist
                spawn 1 resuming c1
            ready → busy
                mark a sent
                send a to 1
        "#]],
    );
}

#[test]
fn an_archived_session_refuses_prompts() {
    check(
        "
        session archived
        restore a
        prompt b
        command start
        command archive
        command restore
        command restore
        prompt c
        ",
        expect![[r#"
            restore a → archived
                post home: Not accepted: Session 'x' is archived. Use /restore x.
                drop a
            prompt b → archived
                post home: Not accepted: Session 'x' is archived. Use /restore x.
                drop b
            command start
                refused (archived): Session 'x' is archived. Use /restore x.
            command archive
                refused (archived): Session 'x' is archived. Use /restore x.
            command restore → suspended
                persist
            command restore
                refused (invalid): Session 'x' is not archived.
            prompt c → starting
                persist
                spawn 1 anew
        "#]],
    );
}

#[test]
fn a_notice_for_another_resume_is_ignored() {
    check(
        "
        session conversation=c1
        prompt a
        resume-notice #9 Resuming session (idle for 3 d)...
        resume-notice #1 Resuming session...
        ",
        expect![[r#"
            prompt a → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            resume-notice #9 Resuming session (idle for 3 d)... → starting
            resume-notice #1 Resuming session... → starting
                post home: Resuming session...
        "#]],
    );
}

#[test]
fn an_unstored_conversation_does_not_replace_a_stored_one() {
    check(
        "
        session conversation=c1
        command start
        conversation c1
        ready
        exit
        command start
        conversation c2
        exit
        wait 1s
        conversation c2 resumable
        exit
        wait 5s
        ",
        expect![[r#"
            command start → starting
                spawn 1 resuming c1
            conversation c1 → starting
            ready → idle
                review #1: idle for 0ns
            exit → suspended
            command start → starting
                spawn 2 resuming c1
            conversation c2 → starting
            exit → starting
                persist
            1s: start again → starting
                spawn 3 resuming c1
            conversation c2 resumable → starting
                persist
            exit → starting
            6s: start again → starting
                spawn 4 resuming c2
        "#]],
    );
}
