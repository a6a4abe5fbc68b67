//! Scenarios of resuming: notices, refused resumes, and restarts of the host.

use expect_test::expect;

use super::script::check;

#[test]
fn a_prompt_announces_the_resume_once() {
    check(
        "
        session conversation=c1
        wait 900s
        prompt a
        words Resuming session (idle for 15 min)...
        words Resuming session (idle for 15 min)...
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                word resume #1: idle for 900s
                spawn 1 resuming c1
            words Resuming session (idle for 15 min)... → starting
                tell home: Resuming session (idle for 15 min)...
            words Resuming session (idle for 15 min)... → starting
            ready → busy
                hand a
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
        words #1 Resuming session...
        ",
        expect![[r#"
            prompt a → starting
                persist
                word resume #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                hand a
                send a to 1
            done a → idle
                persist
                finish a at home, done
                review #2: idle for 0ns
            words #1 Resuming session... → idle
        "#]],
    );
}

#[test]
fn a_lost_conversation_is_started_anew() {
    check(
        "
        session lost=c1
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
        refused no conversation found
        exit
        prompt b from den
        order start
        order retry r
        refused no conversation found
        order fresh
        exit
        conversation c2
        ready
        taken a
        done a
        ",
        expect![[r#"
            prompt a → starting
                persist
                word resume #1: idle for 0ns
                spawn 1 resuming c1
            refused no conversation found → stopping
                persist
                close input of 1
            exit → asking
                tell home: Session 'x' could not be resumed: no conversation found
            prompt b from den → asking
                persist
                tell den: Session 'x' could not be resumed: no conversation found
            order start → asking
                tell home: Session 'x' could not be resumed: no conversation found
                tell den: Session 'x' could not be resumed: no conversation found
            order retry r → starting
                decided failure 1: TryAgain
                spawn 2 resuming c1
            refused no conversation found → stopping
                persist
                close input of 2
            order fresh → stopping
                persist
                decided failure 2: StartFresh
            exit → starting
                spawn 3 anew
            conversation c2 → starting
                persist
            ready → busy
                hand a
                send a to 3
            taken a → busy
            done a → busy
                persist
                finish a at home, done
                hand b
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
        refused no conversation found
        order start
        order suspend
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                word resume #1: idle for 0ns
                spawn 1 resuming c1
            refused no conversation found → stopping
                persist
                close input of 1
            order start → stopping
            order suspend
                refused (busy): Session 'x' is busy. Use /stop first.
            exit → asking
                tell home: Session 'x' could not be resumed: no conversation found
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
        taken a
        refused no conversation found
        exit
        order fresh
        ",
        expect![[r#"
            prompt a → starting
                persist
                word resume #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                hand a
                send a to 1
            taken a → busy
            refused no conversation found → stopping
                persist
                take back a
                close input of 1
            exit → asking
                tell home: Session 'x' could not be resumed: no conversation found
            order fresh → starting
                persist
                decided failure 1: StartFresh
                spawn 2 anew
        "#]],
    );
}

/// A resume cannot be refused after output was shown, so the prompt is not taken back.
#[test]
fn a_resume_is_not_refused_once_the_answer_started() {
    check(
        "
        session conversation=c1
        prompt a
        ready
        says Half
        refused no conversation found
        exit boom
        ",
        expect![[r#"
            prompt a → starting
                persist
                word resume #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                hand a
                send a to 1
            says Half → busy
                show
            refused no conversation found → busy
            exit boom → suspended
                persist
                finish a at home, failed: Incomplete: the agent exited. “Half”
                tell home: The agent of session 'x' exited during its answer: boom
        "#]],
    );
}

#[test]
fn a_refused_resume_asks_despite_a_pending_suspension() {
    check(
        "
        session conversation=c1 place=den
        order start
        refused no conversation found
        order suspend
        exit
        prompt a
        ",
        expect![[r#"
            order start → starting
                spawn 1 resuming c1
            refused no conversation found → stopping
                persist
                close input of 1
            order suspend → stopping
            exit → asking
                tell den: Session 'x' could not be resumed: no conversation found
            prompt a → asking
                persist
                tell home: Session 'x' could not be resumed: no conversation found
        "#]],
    );
}

/// `/retry` arrives before the question; it concerns the resume, and not an interrupted prompt.
#[test]
fn a_refused_resume_is_retried_once_the_agent_has_exited() {
    check(
        "
        session conversation=c1 kept=k
        prompt a
        refused no conversation found
        order retry r
        exit
        ready
        done a
        ",
        expect![[r#"
            prompt a → starting
                persist
                word resume #1: idle for 0ns
                spawn 1 resuming c1
            refused no conversation found → stopping
                persist
                close input of 1
            order retry r → stopping
                decided failure 1: TryAgain
            exit → starting
                spawn 2 resuming c1
            ready → busy
                hand a
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
        order start
        refused no conversation found
        exit
        order archive
        ",
        expect![[r#"
            order start → starting
                spawn 1 resuming c1
            refused no conversation found → stopping
                persist
                close input of 1
            exit → asking
                tell den: Session 'x' could not be resumed: no conversation found
            order archive → archived
                persist
                decided failure 1: Withdrawn
        "#]],
    );
}

#[test]
fn a_new_conversation_cannot_refuse_a_resume() {
    check(
        "
        prompt a
        refused nonsense
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            refused nonsense → starting
            ready → busy
                hand a
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
                word resume #1: idle for 60s
                spawn 1 resuming c1
            ready → busy
                hand a
                send a to 1
        "#]],
    );
}

#[test]
fn a_restarted_host_reports_the_interrupted_prompt() {
    check(
        "
        session conversation=c1
        restore cut=a
        prompt b
        ready
        order retry a2
        done b
        ",
        expect![[r#"
            restore cut=a → suspended
                persist
                tell home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                settle a as interrupted
            prompt b → starting
                persist
                word resume #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                hand b
                send b to 1
            order retry a2 → busy
                accept a2: the text of a
                persist
                decided a: SendAgain
            done b → busy
                persist
                finish b at home, done
                hand a2
                send a2 to 1
        "#]],
    );
}

#[test]
fn interrupted_prompts_survive_a_second_crash() {
    check(
        "
        session conversation=c1 kept=old
        restore cut=a
        order retry a2
        order retry twice
        ready
        done a2
        order retry old2
        order retry none
        ",
        expect![[r#"
            restore cut=a → suspended
                persist
                tell home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                settle a as interrupted
            order retry a2 → starting
                accept a2: the text of a
                persist
                decided a: SendAgain
                word resume #1: idle for 0ns
                spawn 1 resuming c1
                tell home: An earlier message of session 'x' was not sent again either: “the text of old”.
            order retry twice
                refused (busy): Session 'x' is already answering the message that was sent again. An earlier message is waiting: use /retry for it after this answer.
            ready → busy
                hand a2
                send a2 to 1
            done a2 → idle
                persist
                finish a2 at home, done
                review #2: idle for 0ns
            order retry old2 → busy
                accept old2: the text of old
                persist
                decided old: SendAgain
                hand old2
                send old2 to 1
            order retry none
                refused (invalid): Nothing to retry.
        "#]],
    );
}

#[test]
fn a_button_pressed_twice_acts_once() {
    check(
        "
        session conversation=c1 kept=a kept=b
        order leave
        order leave
        wait 2s
        order leave
        session conversation=c1 kept=a
        prompt b
        not-started no such file
        order retry r
        order retry s
        ",
        expect![[r#"
            order leave → suspended
                persist
                decided b: Leave
                tell home: An earlier message of session 'x' was not sent again either: “the text of a”.
            order leave
                refused (busy): A message was dropped just now. Session 'x' has an earlier interrupted message: use /leave again to drop it, too.
            order leave → suspended
                persist
                decided a: Leave
            prompt b → starting
                persist
                word resume #1: idle for 2s
                spawn 1 resuming c1
            not-started no such file → broken
                persist
                tell home: The agent of session 'x' could not be started: no such file
            order retry r → starting
                decided failure 1: TryAgain
                spawn 2 resuming c1
            order retry s
                refused (busy): Session 'x' is already answering the message that was sent again. An earlier message is waiting: use /retry for it after this answer.
        "#]],
    );
}

/// The limit is two. Prompts that were accepted before it was reached are kept as well.
#[test]
fn prompts_are_refused_at_the_limit_of_interrupted_ones() {
    check(
        "
        session conversation=c1 kept=a
        prompt b
        prompt c
        ready
        taken b
        exit boom
        ready
        taken c
        exit bang
        prompt d from den
        order leave
        prompt e from den
        wait 2s
        order leave
        prompt f from den
        ready
        done f
        order retry a2
        ",
        expect![[r#"
            prompt b → starting
                persist
                word resume #1: idle for 0ns
                spawn 1 resuming c1
            prompt c → starting
            ready → busy
                hand b
                send b to 1
            taken b → busy
            exit boom → starting
                persist
                finish b at home, failed: Incomplete: the agent exited.
                tell home: The agent of session 'x' exited during its answer: boom
                spawn 2 resuming c1
            ready → busy
                hand c
                send c to 2
            taken c → busy
            exit bang → suspended
                persist
                finish c at home, failed: Incomplete: the agent exited.
                tell home: The agent of session 'x' exited during its answer: bang
            prompt d from den → suspended
                tell den: Not accepted: session 'x' has 3 interrupted messages. Use /retry x to send the latest again, or /leave x to drop the latest; send this one again when fewer than 2 are left.
                drop d
            order leave → suspended
                persist
                decided c: Leave
                tell home: An earlier message of session 'x' was not sent again either: “the text of b”.
            prompt e from den → suspended
                tell den: Not accepted: session 'x' has 2 interrupted messages. Use /retry x to send the latest again, or /leave x to drop the latest; then send this one again.
                drop e
            order leave → suspended
                persist
                decided b: Leave
                tell home: An earlier message of session 'x' was not sent again either: “the text of a”.
            prompt f from den → starting
                persist
                word resume #2: idle for 2s
                spawn 3 resuming c1
            ready → busy
                hand f
                send f to 3
            done f → idle
                persist
                finish f at den, done
                review #3: idle for 0ns
            order retry a2 → busy
                accept a2: the text of a
                persist
                decided a: SendAgain
                hand a2
                send a2 to 3
        "#]],
    );
}

#[test]
fn a_prompt_interrupted_twice_is_kept_once() {
    check(
        "
        session conversation=c1 kept=a
        restore cut=a
        order leave
        order leave
        ",
        expect![[r#"
            restore cut=a → suspended
                tell home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                settle a as interrupted
            order leave → suspended
                persist
                decided a: Leave
            order leave
                refused (invalid): Nothing to leave.
        "#]],
    );
}

#[test]
fn the_notice_of_an_older_resume_is_dropped() {
    check(
        "
        session conversation=c1
        prompt a
        order stop
        order suspend
        prompt b
        words #1 Resuming the old...
        words #2 Resuming the new...
        ",
        expect![[r#"
            prompt a → starting
                persist
                word resume #1: idle for 0ns
                spawn 1 resuming c1
            order stop → starting
                drop a
            order suspend → stopping
                close input of 1
            prompt b → stopping
                word resume #2: idle for 0ns
            words #1 Resuming the old... → stopping
            words #2 Resuming the new... → stopping
                tell home: Resuming the new...
        "#]],
    );
}

/// Prompts and answers count as activity: the notice states the time since the last one.
#[test]
fn a_resume_notice_counts_from_the_last_activity() {
    check(
        "
        session conversation=c1
        wait 100s
        prompt a
        order stop
        order suspend
        exit
        wait 20s
        prompt b
        ready
        wait 100s
        done b
        order suspend
        exit
        wait 30s
        prompt c
        ",
        expect![[r#"
            prompt a → starting
                persist
                word resume #1: idle for 100s
                spawn 1 resuming c1
            order stop → starting
                drop a
            order suspend → stopping
                close input of 1
            exit → suspended
            prompt b → starting
                persist
                word resume #2: idle for 20s
                spawn 2 resuming c1
            ready → busy
                hand b
                send b to 2
            done b → idle
                persist
                finish b at home, done
                review #3: idle for 0ns
            order suspend → stopping
                close input of 2
            exit → suspended
            prompt c → starting
                persist
                word resume #4: idle for 30s
                spawn 3 resuming c1
        "#]],
    );
}

#[test]
fn an_orphaned_agent_of_an_archived_session_stays_archived() {
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
                tell home: Not accepted: Session 'x' is archived. Use /restore x.
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
        order suspend
        wait 100s
        @0 exit
        ready
        ",
        expect![[r#"
            restore a → stopping
                persist
                word resume #1: idle for 0ns
            prompt b → stopping
            order suspend
                refused (busy): Session 'x' is busy. Use /stop first.
            @0 exit → starting
                persist
                spawn 1 resuming c1
            ready → busy
                hand a
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
        order start
        order archive
        order restore
        order restore
        prompt c
        ",
        expect![[r#"
            restore a → archived
                tell home: Not accepted: Session 'x' is archived. Use /restore x.
                drop a
            prompt b → archived
                tell home: Not accepted: Session 'x' is archived. Use /restore x.
                drop b
            order start
                refused (archived): Session 'x' is archived. Use /restore x.
            order archive
                refused (archived): Session 'x' is archived. Use /restore x.
            order restore → suspended
                persist
            order restore
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
        words #9 Resuming session (idle for 3 d)...
        words #1 Resuming session...
        ",
        expect![[r#"
            prompt a → starting
                persist
                word resume #1: idle for 0ns
                spawn 1 resuming c1
            words #9 Resuming session (idle for 3 d)... → starting
            words #1 Resuming session... → starting
                tell home: Resuming session...
        "#]],
    );
}

#[test]
fn an_unstored_conversation_does_not_replace_a_stored_one() {
    check(
        "
        session conversation=c1
        order start
        conversation c1
        ready
        exit
        order start
        conversation c2
        exit
        wait 1s
        conversation c2 resumable
        exit
        wait 5s
        ",
        expect![[r#"
            order start → starting
                spawn 1 resuming c1
            conversation c1 → starting
            ready → idle
                review #1: idle for 0ns
            exit → suspended
            order start → starting
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
