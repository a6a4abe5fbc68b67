//! Scenarios of commands: suspend, archive, persona and model, fresh.

use expect_test::expect;

use super::script::check;

#[test]
fn a_busy_session_is_neither_suspended_nor_archived() {
    check(
        "
        prompt a
        order suspend
        ready
        order suspend
        order archive
        order fresh
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            order suspend
                refused (busy): Session 'x' is busy. Use /stop first.
            ready → busy
                hand a
                send a to 1
            order suspend
                refused (busy): Session 'x' is busy. Use /stop first.
            order archive
                refused (busy): Session 'x' is busy. Use /stop first.
            order fresh
                refused (busy): Session 'x' is busy. Use /stop first.
        "#]],
    );
}

#[test]
fn an_idle_session_is_archived() {
    check(
        "
        order start
        spawned
        ready
        order archive
        order start
        prompt a
        exit
        order restore
        ",
        expect![[r#"
            order start → starting
                spawn 1 anew
            spawned → starting
                persist
            ready → idle
                review #1: idle for 0ns
            order archive → stopping
                persist
                close input of 1
            order start
                refused (archived): Session 'x' is archived. Use /restore x.
            prompt a → stopping
                tell home: Not accepted: Session 'x' is archived. Use /restore x.
                drop a
            exit → archived
                persist
            order restore → suspended
                persist
        "#]],
    );
}

#[test]
fn a_session_with_waiting_prompts_is_not_archived() {
    check(
        "
        prompt a
        prompt b
        order archive
        order stop all
        order archive
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            prompt b → starting
            order archive
                refused (busy): 2 messages are still queued in session 'x'. Use /stop all there first.
            order stop all → starting
                drop a
                drop b
            order archive → stopping
                persist
                close input of 1
            exit → archived
        "#]],
    );
}

#[test]
fn a_start_can_be_cancelled_by_a_suspension() {
    check(
        "
        order start
        order suspend
        order start
        exit
        order suspend
        exit
        ",
        expect![[r#"
            order start → starting
                spawn 1 anew
            order suspend → stopping
                close input of 1
            order start → stopping
            exit → starting
                spawn 2 anew
            order suspend → stopping
                close input of 2
            exit → suspended
        "#]],
    );
}

#[test]
fn a_new_model_restarts_the_idle_agent() {
    check(
        "
        session conversation=c1
        order start
        ready opus haiku
        order model sonnet
        order model haiku
        exit
        ready opus haiku
        ",
        expect![[r#"
            order start → starting
                spawn 1 resuming c1
            ready opus haiku → idle
                review #1: idle for 0ns
            order model sonnet
                refused (invalid): Unknown model 'sonnet'. Known: opus, haiku.
            order model haiku → stopping
                persist
                close input of 1
            exit → starting
                spawn 2 resuming c1, model haiku
            ready opus haiku → idle
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn a_new_persona_waits_for_the_end_of_the_turn() {
    check(
        "
        prompt a
        conversation c1 resumable
        ready
        taken a
        order persona planner
        prompt b
        done a
        exit
        brief rules=plan
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            conversation c1 resumable → starting
                persist
            ready → busy
                hand a
                send a to 1
            taken a → busy
            order persona planner → busy
                persist
            prompt b → busy
            done a → stopping
                persist
                finish a at home, done
                close input of 1
            exit → starting
                resolve #1: planner
            brief rules=plan → starting
                spawn 2 resuming c1, rules plan
            ready → busy
                hand b
                send b to 2
        "#]],
    );
}

#[test]
fn a_persona_reverted_during_a_turn_restarts_nothing() {
    check(
        "
        prompt a
        ready
        order persona planner
        order persona
        done a
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            ready → busy
                hand a
                send a to 1
            order persona planner → busy
                persist
            order persona → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
        "#]],
    );
}

#[test]
fn a_new_persona_replaces_a_pending_resolution() {
    check(
        "
        session persona=planner
        order start
        order persona research
        brief rules=research
        ",
        expect![[r#"
            order start → starting
                resolve #1: planner
            order persona research → starting
                persist
                resolve #2: research
            brief rules=research → starting
                spawn 1 anew, rules research
        "#]],
    );
}

#[test]
fn a_suspended_session_uses_a_new_model_at_its_next_start() {
    check(
        "
        order model opus
        order start
        ",
        expect![[r#"
            order model opus → suspended
                persist
            order start → starting
                spawn 1 anew, model opus
        "#]],
    );
}

#[test]
fn fresh_discards_the_conversation() {
    check(
        "
        session conversation=c1
        order start
        ready
        order fresh
        conversation c1 resumable
        exit
        conversation c2
        ready
        ",
        expect![[r#"
            order start → starting
                spawn 1 resuming c1
            ready → idle
                review #1: idle for 0ns
            order fresh → stopping
                persist
                close input of 1
            conversation c1 resumable → stopping
            exit → starting
                spawn 2 anew
            conversation c2 → starting
                persist
            ready → idle
                review #2: idle for 0ns
        "#]],
    );
}

#[test]
fn retry_and_leave_without_a_prompt_are_refused() {
    check(
        "
        order retry r
        order leave
        order restore
        ",
        expect![[r#"
            order retry r
                refused (invalid): Nothing to retry.
            order leave
                refused (invalid): Nothing to leave.
            order restore
                refused (invalid): Session 'x' is not archived.
        "#]],
    );
}

#[test]
fn archiving_drops_the_interrupted_prompt() {
    check(
        "
        restore cut=a
        order archive
        order restore
        order retry r
        ",
        expect![[r#"
            restore cut=a → suspended
                persist
                tell home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                settle a as interrupted
            order archive → archived
                persist
                decided a: Withdrawn
            order restore → suspended
                persist
            order retry r
                refused (invalid): Nothing to retry.
        "#]],
    );
}

#[test]
fn the_session_model_overrides_the_persona_model() {
    check(
        "
        session persona=planner
        order model opus
        order start
        brief model=haiku
        ready
        order model
        exit
        brief model=haiku
        ",
        expect![[r#"
            order model opus → suspended
                persist
            order start → starting
                resolve #1: planner
            brief model=haiku → starting
                spawn 1 anew, model opus
            ready → idle
                review #2: idle for 0ns
            order model → stopping
                persist
                close input of 1
            exit → starting
                resolve #3: planner
            brief model=haiku → starting
                spawn 2 anew, model haiku
        "#]],
    );
}

#[test]
fn a_button_decides_only_its_own_prompt() {
    check(
        "
        session kept=a kept=b
        order press a leave
        order press a retry a2
        order press b retry b2
        order press b retry b3
        order retry c
        ",
        expect![[r#"
            order press a leave → suspended
                persist
                decided a: Leave
            order press a retry a2
                refused (invalid): This request is closed. The button has no effect.
            order press b retry b2 → starting
                accept b2: the text of b
                persist
                decided b: SendAgain
                spawn 1 anew
            order press b retry b3
                refused (invalid): This request is closed. The button has no effect.
            order retry c
                refused (invalid): Nothing to retry.
        "#]],
    );
}

#[test]
fn an_earlier_prompt_is_announced_after_the_latest() {
    check(
        "
        session kept=a kept=b
        order press b leave
        order archive
        ",
        expect![[r#"
            order press b leave → suspended
                persist
                decided b: Leave
                tell home: An earlier message of session 'x' was not sent again either: “the text of a”.
            order archive → archived
                persist
                decided a: Withdrawn
        "#]],
    );
}

#[test]
fn a_button_decides_only_its_own_failure() {
    check(
        "
        session conversation=c1
        prompt a
        refused No conversation found
        exit
        order press 1 retry x
        refused No conversation found
        exit
        order press 1 fresh
        order press 2 leave
        order press 2 fresh
        order press 2 fresh
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                word resume #1: idle for 0ns
                spawn 1 resuming c1
            refused No conversation found → stopping
                persist
                close input of 1
            exit → asking
                tell home: Session 'x' could not be resumed: No conversation found
            order press 1 retry x → starting
                decided failure 1: TryAgain
                spawn 2 resuming c1
            refused No conversation found → stopping
                persist
                close input of 2
            exit → asking
                tell home: Session 'x' could not be resumed: No conversation found
            order press 1 fresh
                refused (invalid): This request is closed. The button has no effect.
            order press 2 leave
                refused (invalid): This request is closed. The button has no effect.
            order press 2 fresh → starting
                persist
                decided failure 2: StartFresh
                spawn 3 anew
            order press 2 fresh
                refused (invalid): This request is closed. The button has no effect.
            ready → busy
                hand a
                send a to 3
        "#]],
    );
}

#[test]
fn a_failure_question_is_withdrawn_once_the_agent_starts() {
    check(
        "
        prompt a
        exit
        wait 1s
        ready
        order press 1 retry x
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            exit → starting
                persist
                tell home: The agent of session 'x' did not start: it exited (exit code 1) without output
            1s: start again → starting
                spawn 2 anew
            ready → busy
                decided failure 1: Withdrawn
                hand a
                send a to 2
            order press 1 retry x
                refused (invalid): This request is closed. The button has no effect.
        "#]],
    );
}

#[test]
fn a_model_that_looks_like_an_option_is_refused() {
    check(
        "
        order model --dangerously-skip-permissions
        order model two words
        ",
        expect![[r#"
            order model --dangerously-skip-permissions
                refused (invalid): '--dangerously-skip-permissions' is not a valid model name. Use 1 to 256 printable ASCII characters without spaces, not starting with '-'.
            order model two words
                refused (invalid): 'two words' is not a valid model name. Use 1 to 256 printable ASCII characters without spaces, not starting with '-'.
        "#]],
    );
}
