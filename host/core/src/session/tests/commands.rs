//! Scenarios with session commands, such as `/suspend` and `/model`, and with buttons.

use expect_test::expect;

use super::{
    super::{Input, Machine, Prompt, Run, SessionCommand},
    script::{check, prompt, record, settings},
};
use crate::{agent_event::AgentEvent, types::Timestamp};

#[test]
fn a_busy_session_is_neither_suspended_nor_archived() {
    check(
        "
        prompt a
        command suspend
        ready
        command suspend
        command archive
        command fresh
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            command suspend
                refused (busy): Session 'x' is busy. Use /stop first.
            ready → busy
                mark a sent
                send a to 1
            command suspend
                refused (busy): Session 'x' is busy. Use /stop first.
            command archive
                refused (busy): Session 'x' is busy. Use /stop first.
            command fresh
                refused (busy): Session 'x' is busy. Use /stop first.
        "#]],
    );
}

#[test]
fn an_idle_session_is_archived() {
    check(
        "
        command start
        spawned
        ready
        command archive
        command start
        prompt a
        exit
        command restore
        ",
        expect![[r#"
            command start → starting
                spawn 1 anew
            spawned → starting
                persist
            ready → idle
                review #1: idle for 0ns
            command archive → stopping
                persist
                close input of 1
            command start
                refused (archived): Session 'x' is archived. Use /restore x.
            prompt a → stopping
                post home: Not accepted: Session 'x' is archived. Use /restore x.
                drop a
            exit → archived
                persist
            command restore → suspended
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
        command archive
        command stop all
        command archive
        exit
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            prompt b → starting
            command archive
                refused (busy): 2 messages are still queued in session 'x'. Use /stop all there first.
            command stop all → starting
                drop a
                drop b
            command archive → stopping
                persist
                close input of 1
            exit → archived
        "#]],
    );
}

#[test]
fn a_start_can_be_canceled_by_a_suspension() {
    check(
        "
        command start
        command suspend
        command start
        exit
        command suspend
        exit
        ",
        expect![[r#"
            command start → starting
                spawn 1 anew
            command suspend → stopping
                close input of 1
            command start → stopping
            exit → starting
                spawn 2 anew
            command suspend → stopping
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
        command start
        ready opus haiku
        command model sonnet
        command model haiku
        exit
        ready opus haiku
        ",
        expect![[r#"
            command start → starting
                spawn 1 resuming c1
            ready opus haiku → idle
                review #1: idle for 0ns
            command model sonnet
                refused (invalid): Unknown model 'sonnet'. Known: opus, haiku.
            command model haiku → stopping
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
        accepted a
        command persona planner
        prompt b
        done a
        exit
        persona-settings rules=plan
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            conversation c1 resumable → starting
                persist
            ready → busy
                mark a sent
                send a to 1
            accepted a → busy
            command persona planner → busy
                persist
            prompt b → busy
            done a → stopping
                persist
                finish a at home, done
                close input of 1
            exit → starting
                load persona #1: planner
            persona-settings rules=plan → starting
                spawn 2 resuming c1, rules plan
            ready → busy
                mark b sent
                send b to 2
        "#]],
    );
}

#[test]
fn a_persona_reverted_during_a_turn_restarts_nothing() {
    check(
        "
        busy a
        command persona planner
        command persona
        done a
        ",
        expect![[r#"
            busy a → busy
            command persona planner → busy
                persist
            command persona → busy
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
        command start
        command persona research
        persona-settings rules=research
        ",
        expect![[r#"
            command start → starting
                load persona #1: planner
            command persona research → starting
                persist
                load persona #2: research
            persona-settings rules=research → starting
                spawn 1 anew, rules research
        "#]],
    );
}

#[test]
fn a_suspended_session_uses_a_new_model_at_its_next_start() {
    check(
        "
        command model opus
        command start
        ",
        expect![[r#"
            command model opus → suspended
                persist
            command start → starting
                spawn 1 anew, model opus
        "#]],
    );
}

#[test]
fn fresh_discards_the_conversation() {
    check(
        "
        session conversation=c1
        command start
        ready
        command fresh
        conversation c1 resumable
        exit
        conversation c2
        ready
        ",
        expect![[r#"
            command start → starting
                spawn 1 resuming c1
            ready → idle
                review #1: idle for 0ns
            command fresh → stopping
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
        command retry r
        command leave
        command restore
        ",
        expect![[r#"
            command retry r
                refused (invalid): Nothing to retry.
            command leave
                refused (invalid): No interrupted message to drop.
            command restore
                refused (invalid): Session 'x' is not archived.
        "#]],
    );
}

#[test]
fn archiving_drops_the_interrupted_prompt() {
    check(
        "
        restore interrupted=a
        command archive
        command restore
        command retry r
        ",
        expect![[r#"
            restore interrupted=a → suspended
                persist
                post home: Cordboard was stopped while session 'x' was answering “the text of a”. Your message was not sent again.
                complete a as interrupted
            command archive → archived
                persist
                close request a: Withdrawn
            command restore → suspended
                persist
            command retry r
                refused (invalid): Nothing to retry.
        "#]],
    );
}

#[test]
fn the_session_model_overrides_the_persona_model() {
    check(
        "
        session persona=planner
        command model opus
        command start
        persona-settings model=haiku
        ready
        command model
        exit
        persona-settings model=haiku
        ",
        expect![[r#"
            command model opus → suspended
                persist
            command start → starting
                load persona #1: planner
            persona-settings model=haiku → starting
                spawn 1 anew, model opus
            ready → idle
                review #2: idle for 0ns
            command model → stopping
                persist
                close input of 1
            exit → starting
                load persona #3: planner
            persona-settings model=haiku → starting
                spawn 2 anew, model haiku
        "#]],
    );
}

#[test]
fn a_button_decides_only_its_own_prompt() {
    check(
        "
        session interrupted=a interrupted=b
        command press a leave
        command press a retry a2
        command press b retry b2
        command press b retry b3
        command retry c
        ",
        expect![[r#"
            command press a leave → suspended
                persist
                close request a: Leave
            command press a retry a2
                refused (invalid): This request is closed. The button has no effect.
            command press b retry b2 → starting
                accept b2: the text of b
                persist
                close request b: SendAgain
                spawn 1 anew
            command press b retry b3
                refused (invalid): This request is closed. The button has no effect.
            command retry c
                refused (invalid): Nothing to retry.
        "#]],
    );
}

#[test]
fn an_earlier_prompt_is_announced_after_the_latest() {
    check(
        "
        session interrupted=a interrupted=b
        command press b leave
        command archive
        ",
        expect![[r#"
            command press b leave → suspended
                persist
                close request b: Leave
                post home: An earlier message of session 'x' was not sent again either: “the text of a”.
            command archive → archived
                persist
                close request a: Withdrawn
        "#]],
    );
}

#[test]
fn a_button_decides_only_its_own_failure() {
    check(
        "
        session conversation=c1
        prompt a
        resume-refused No conversation found
        exit
        command press 1 retry x
        resume-refused No conversation found
        exit
        command press 1 fresh
        command press 2 leave
        command press 2 fresh
        command press 2 fresh
        ready
        ",
        expect![[r#"
            prompt a → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            resume-refused No conversation found → stopping
                persist
                close input of 1
            exit → asking
                post home: Session 'x' could not be resumed: No conversation found
            command press 1 retry x → starting
                close request failure 1: TryAgain
                spawn 2 resuming c1
            resume-refused No conversation found → stopping
                persist
                close input of 2
            exit → asking
                post home: Session 'x' could not be resumed: No conversation found
            command press 1 fresh
                refused (invalid): This request is closed. The button has no effect.
            command press 2 leave
                refused (invalid): This request is closed. The button has no effect.
            command press 2 fresh → starting
                persist
                close request failure 2: StartFresh
                spawn 3 anew
            command press 2 fresh
                refused (invalid): This request is closed. The button has no effect.
            ready → busy
                mark a sent
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
        command press 1 retry x
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            exit → starting
                persist
                post home: The agent of session 'x' did not start: it exited (exit code 1) without output
            1s: start again → starting
                spawn 2 anew
            ready → busy
                close request failure 1: Withdrawn
                mark a sent
                send a to 2
            command press 1 retry x
                refused (invalid): This request is closed. The button has no effect.
        "#]],
    );
}

#[test]
fn a_model_that_looks_like_an_option_is_refused() {
    check(
        "
        command model --dangerously-skip-permissions
        command model two words
        ",
        expect![[r#"
            command model --dangerously-skip-permissions
                refused (invalid): '--dangerously-skip-permissions' is not a valid model name. Use 1 to 256 printable ASCII characters without spaces, not starting with '-'.
            command model two words
                refused (invalid): 'two words' is not a valid model name. Use 1 to 256 printable ASCII characters without spaces, not starting with '-'.
        "#]],
    );
}

#[test]
fn a_permission_mode_reaches_a_running_agent() {
    check(
        "
        command permission-mode plan
        busy a
        command permission-mode acceptEdits
        command permission-mode bypassPermissions
        command permission-mode
        ",
        expect![[r#"
            command permission-mode plan → suspended
                persist
            busy a → busy
            command permission-mode acceptEdits → busy
                persist
                set permission mode of 1: acceptEdits
            command permission-mode bypassPermissions
                refused (denied): bypassPermissions can only be set in the configuration: permission_mode in [agents.demo].
            command permission-mode → busy
                persist
                set permission mode of 1: default
        "#]],
    );
}

#[test]
fn a_refused_permission_mode_is_reported_and_forgotten() {
    check(
        "
        busy a
        command permission-mode plan
        mode-refused It offers no modes.
        mode-refused It offers no modes.
        ",
        expect![[r#"
            busy a → busy
            command permission-mode plan → busy
                persist
                set permission mode of 1: plan
            mode-refused It offers no modes. → busy
                persist
                post home: The agent of session 'x' rejected the permission mode and keeps its own. It offers no modes.
            mode-refused It offers no modes. → busy
        "#]],
    );
}

#[test]
fn the_mode_that_the_agent_changes_to_applies_to_its_next_process() {
    check(
        "
        busy a
        mode-changed plan
        done a
        command suspend
        exit
        prompt b
        ready
        mode-changed bypassPermissions
        mode-changed default
        done b
        command suspend
        exit
        prompt c
        ",
        expect![[r#"
            busy a → busy
            mode-changed plan → busy
                persist
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            command suspend → stopping
                close input of 1
            exit → suspended
            prompt b → starting
                spawn 2 anew, mode plan
            ready → busy
                mark b sent
                send b to 2
            mode-changed bypassPermissions → busy
            mode-changed default → busy
                persist
            done b → idle
                persist
                finish b at home, done
                review #2: idle for 0ns
            command suspend → stopping
                close input of 2
            exit → suspended
            prompt c → starting
                spawn 3 anew
        "#]],
    );
}

#[test]
fn the_mode_of_a_session_precedes_that_of_an_author() {
    for (session, author, expected) in
        [(None, None, None), (None, Some("smart"), Some("smart")), (Some("normal"), Some("smart"), Some("normal"))]
    {
        let mut machine = Machine::new(record(), settings());
        drop(machine.command(SessionCommand::SetMode(session.map(str::to_owned)), Timestamp(0)).unwrap());
        let prompt = Prompt { mode: author.map(str::to_owned), ..prompt("a", "home") };
        drop(machine.handle(Input::Prompt(prompt), Timestamp(0)));
        let event = AgentEvent::Ready { models: Vec::new() };
        drop(machine.handle(Input::Agent { run: Run(1), event }, Timestamp(0)));
        assert_eq!(machine.turn().unwrap().mode.as_deref(), expected);
    }
}
