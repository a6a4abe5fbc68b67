//! Tests the parts of the actor outside the state machine, using scripted agents and fake ports.
//!
//! The agents are real processes, which a paused clock would outrun, so the clock is paused only in tests that start no
//! agent. Tests wait for results, never for a period of time.

mod fake_ports;

use std::time::Duration;

use cordboard_core::{
    event::{CausationChain, EventKind, SessionEvent},
    messages::SessionNotice,
    session::{ApiErrorCode, Input, QueuedPrompts, SessionCommand, Verdict},
    turn::TurnState,
    types::{Phase, Urgency},
};

use fake_ports::{Fakes, ended_handle, prompt};

use super::RestoredPrompts;

/// The script of an agent that answers every prompt with a text that contains the prompt's id.
const ECHO: &str = r#"
while read -r line; do
  case "$line" in
    *initialize*) say '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}' ;;
    *'"type":"user"'*)
      id=${line#*'"uuid":"'}; id=${id%%'"'*}
      say '{"type":"user","isReplay":true,"uuid":"'$id'","message":{"content":[]}}'
      say '{"type":"assistant","session_id":"c1","message":{"id":"m-'$id'","content":[{"type":"text","text":"answer to '$id'"}]}}'
      say '{"type":"result","subtype":"success","session_id":"c1","user_message_uuids":["'$id'"]}' ;;
  esac
done
"#;

/// Returns the script of an agent that answers the first prompt with 8192 copies of these lines.
fn flood(lines: &str) -> String {
    [
        r#"
read -r line
say '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}'
read -r line
say '{"type":"user","isReplay":true,"uuid":"p1","message":{"content":[]}}'
lines='"#,
        lines,
        r#"'
for power in 1 2 3 4 5 6 7 8 9 10 11 12 13; do
  lines="$lines
$lines"
done
say "$lines"
say '{"type":"result","subtype":"success","user_message_uuids":["p1"]}'
read -r line
"#,
    ]
    .concat()
}

const LINE: &str =
    r#"{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"text":"line\n"}}}"#;

/// Two lines with different conversation ids. Repeated, each line changes the id, which causes a write to the store.
const CONVERSATIONS: &str = r#"{"type":"system","subtype":"init","session_id":"c1"}
{"type":"system","subtype":"init","session_id":"c2"}"#;

#[tokio::test]
async fn state_is_stored_before_effects() {
    let fakes = Fakes::new(ECHO);
    let session = fakes.session();
    session.send(Input::Prompt(prompt("p1"))).await;
    fakes.until("final p1").await;
    fakes.until("saved turns=1").await;
    let calls = fakes.calls();
    let at = |what: &str| calls.iter().position(|one| one == what).unwrap_or_else(|| panic!("{what} in {calls:#?}"));
    // The process is stored as soon as it runs, and the prompt is marked as sent before its answer can arrive.
    assert!(at("saved process") < at("mark sent p1"), "{calls:#?}");
    assert!(at("mark sent p1") < at("final p1"), "{calls:#?}");
    fakes.end(session).await;
}

#[tokio::test]
async fn an_interrupted_prompt_is_completed_with_its_notice() {
    let fakes = Fakes::new(ECHO);
    let session = fakes.session();
    session.restore(RestoredPrompts { interrupted: vec![prompt("p1")], ..RestoredPrompts::default() }).await;
    fakes.until("notice completes p1").await;
    let calls = fakes.calls();
    // A separate commit would leave a moment in which the prompt is completed but not reported.
    assert!(!calls.contains(&"complete p1".to_owned()), "{calls:#?}");
    assert_eq!(fakes.stored().interrupted.len(), 1, "the record is stored first");
    fakes.end(session).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_save_is_reported_and_stored_with_the_next() {
    let fakes = Fakes::new(ECHO);
    let session = fakes.session();
    fakes.full_disk(true);
    let refused = session
        .command(SessionCommand::SetModel(Some("opus".to_owned())), CausationChain::default())
        .await
        .unwrap_err();
    assert_eq!(refused.code, ApiErrorCode::Failed);
    let text =
        "Done, but the change was not stored and may be lost at a restart: saved nothing in store: the disk is full";
    assert!(refused.text.starts_with(text), "{}", refused.text);
    fakes.full_disk(false);
    let view = session
        .command(SessionCommand::SetIdleTimeout(Some(Duration::from_secs(60))), CausationChain::default())
        .await
        .unwrap();
    assert_eq!(view.record.model.as_deref(), Some("opus"));
    assert_eq!(fakes.stored().model.as_deref(), Some("opus"));
    fakes.end(session).await;
}

#[tokio::test]
async fn a_rename_that_is_not_stored_changes_nothing() {
    let fakes = Fakes::new(ECHO);
    let session = fakes.session();
    let rename = async || session.rename("beta".parse().unwrap(), super::CommandSource::default()).await;
    fakes.full_disk(true);
    let refused = rename().await.unwrap_err();
    let text = "Cordboard could not store the change: rename x in store: the disk is full";
    assert!(refused.text.starts_with(text), "{}", refused.text);
    fakes.full_disk(false);
    let view = session.command(SessionCommand::SetMode(None), CausationChain::default()).await.unwrap();
    assert_eq!(view.record.name.as_str(), "x");
    let view = rename().await.unwrap();
    assert_eq!((view.record.name.as_str(), view.record.id().as_str()), ("beta", "x"));
    assert_eq!(fakes.stored(), view.record);
    fakes.end(session).await;
}

#[tokio::test]
async fn a_prompt_is_answered_despite_a_failing_store() {
    let fakes = Fakes::new(ECHO);
    let session = fakes.session();
    fakes.full_disk(true);
    session.send(Input::Prompt(prompt("p1"))).await;
    fakes.until("final p1").await;
    fakes.end(session).await;
}

#[tokio::test(start_paused = true)]
async fn a_command_after_the_end_is_answered() {
    let fakes = Fakes::new(ECHO);
    let handle = ended_handle();
    let refused = handle.command(SessionCommand::Start, CausationChain::default()).await.unwrap_err();
    assert_eq!((refused.code, refused.text.as_str()), (ApiErrorCode::Failed, "Cordboard is shutting down."));
    drop(fakes);
}

#[tokio::test]
async fn many_lines_are_shown_in_few_frames() {
    let fakes = Fakes::new(&flood(LINE));
    let session = fakes.session();
    session.send(Input::Prompt(prompt("p1"))).await;
    fakes.until("final p1").await;
    let frames = fakes.calls().iter().filter(|one| *one == "frame").count();
    // The actor shows one frame each time it drains the channel. With one frame per line, there would be thousands.
    assert!(frames < 1_000, "{frames} frames");
    assert_eq!(fakes.answer().0.lines().count(), 8_192);
    fakes.end(session).await;
}

#[tokio::test]
async fn a_command_is_handled_during_heavy_output() {
    let fakes = Fakes::new(&flood(CONVERSATIONS));
    let session = fakes.session();
    session.send(Input::Prompt(prompt("p1"))).await;
    fakes.until("frame").await;
    // The flood has begun once a conversation id is stored, because each of its lines contains one.
    fakes.conversation().await;
    let view =
        session.command(SessionCommand::SetMode(Some("quiet".to_owned())), CausationChain::default()).await.unwrap();
    assert_eq!((view.phase, view.record.turns), (Phase::Busy, 0), "the flood ended before the command was handled");
    fakes.end(session).await;
}

#[tokio::test]
async fn a_late_verdict_does_not_change_a_suspended_session() {
    let fakes = Fakes::new(ECHO);
    let session = fakes.session();
    session.send(Input::Prompt(prompt("p1"))).await;
    fakes.until("review").await;
    fakes.answer_review(&session, Verdict::Absent).await;
    fakes.phase(Phase::Suspended).await;
    assert!(fakes.stored().process.is_none());
    fakes.answer_review(&session, Verdict::Keep).await;
    let view = session.command(SessionCommand::SetModel(None), CausationChain::default()).await.unwrap();
    assert_eq!(view.phase, Phase::Suspended);
    fakes.end(session).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_agent_is_reported_with_the_remedy() {
    let fakes = Fakes::missing();
    let session = fakes.session();
    session.send(Input::Prompt(prompt("p1"))).await;
    fakes.phase(Phase::Broken).await;
    fakes.until("notice").await;
    let Some(SessionNotice::NotStarted { why, .. }) = fakes.notice() else { panic!("{:?}", fakes.notice()) };
    assert!(why.contains("full path in `command`"), "{why}");
    fakes.end(session).await;
}

#[tokio::test]
async fn a_sandbox_that_fails_is_reported_with_the_remedy() {
    let fakes = Fakes::in_sandbox("echo 'bwrap: No permissions to create new namespace' >&2; exit 1");
    let session = fakes.session();
    session.send(Input::Prompt(prompt("p1"))).await;
    fakes.phase(Phase::Broken).await;
    fakes.until("notice").await;
    let Some(SessionNotice::NotStarted { why, .. }) = fakes.notice() else { panic!("{:?}", fakes.notice()) };
    assert!(why.contains("bubblewrap failed: No permissions") && why.contains("user namespaces"), "{why}");
    fakes.end(session).await;
}

#[tokio::test]
async fn an_agent_in_a_sandbox_that_works_cannot_report_its_failure() {
    let fakes = Fakes::in_sandbox(
        r#"
read -r line
echo '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}'
read -r line
echo '{"type":"user","isReplay":true,"uuid":"p1","message":{"content":[]}}'
echo 'bwrap: I say so' >&2
exit 3
"#,
    );
    let session = fakes.session();
    session.send(Input::Prompt(prompt("p1"))).await;
    fakes.until("notice").await;
    let Some(SessionNotice::Died { why, .. }) = fakes.notice() else { panic!("{:?}", fakes.notice()) };
    assert_eq!(why, "bwrap: I say so");
    fakes.end(session).await;
}

#[tokio::test]
async fn an_exit_during_a_turn_is_reported_with_the_last_output() {
    let fakes = Fakes::new(
        r#"
read -r line
say '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}'
read -r line
say '{"type":"user","isReplay":true,"uuid":"p1","message":{"content":[]}}'
echo 'out of ideas' >&2
exit 3
"#,
    );
    let session = fakes.session();
    session.send(Input::Prompt(prompt("p1"))).await;
    fakes.until("notice").await;
    let Some(SessionNotice::Died { why, .. }) = fakes.notice() else { panic!("{:?}", fakes.notice()) };
    assert_eq!(why, "out of ideas");
    assert!(!matches!(fakes.answer().1, TurnState::Done));
    fakes.end(session).await;
}

#[tokio::test]
async fn last_output_includes_stdout_and_stderr() {
    let fakes = Fakes::new(
        r#"
read -r line
say '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}'
read -r line
say 'not this'
say '{"type":"user","isReplay":true,"uuid":"p1","message":{"content":[]}}'
say 'no credit is left'
echo 'a warning' >&2
exit 3
"#,
    );
    let session = fakes.session();
    session.send(Input::Prompt(prompt("p1"))).await;
    fakes.until("notice").await;
    let Some(SessionNotice::Died { why, .. }) = fakes.notice() else { panic!("{:?}", fakes.notice()) };
    assert_eq!(why, "no credit is left; a warning");
    fakes.end(session).await;
}

#[tokio::test]
async fn a_result_that_is_too_long_ends_its_turn() {
    let fakes = Fakes::new(
        r#"
read -r line
say '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}'
read -r line
say '{"type":"user","isReplay":true,"uuid":"p1","message":{"content":[]}}'
long=12345678
for power in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23; do long=$long$long; done
say '{"type":"result","subtype":"success","user_message_uuids":["p1"],"result":"'"$long"'"}'
read -r line
"#,
    );
    let session = fakes.session();
    session.send(Input::Prompt(prompt("p1"))).await;
    fakes.until("final p1").await;
    assert!(matches!(fakes.answer().1, TurnState::Failed(_)), "{:?}", fakes.answer());
    fakes.end(session).await;
}

#[tokio::test]
async fn a_requeued_prompt_is_no_longer_shown_as_running() {
    let fakes = Fakes::new(
        r#"
read -r line
say '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}'
read -r line
exit 3
"#,
    );
    let session = fakes.session();
    session.send(Input::Prompt(prompt("p1"))).await;
    fakes.until("mark queued p1").await;
    let calls = fakes.calls();
    let shown: Vec<&str> = calls
        .iter()
        .map(String::as_str)
        .filter(|one| ["frame", "requeued p1", "mark queued p1"].contains(one))
        .collect();
    assert_eq!(shown, ["frame", "requeued p1", "mark queued p1"]);
    drop(
        session
            .command(SessionCommand::Interrupt { queued: QueuedPrompts::Drop, from: None }, CausationChain::default())
            .await
            .unwrap(),
    );
    fakes.until("complete p1").await;
    assert!(fakes.calls().iter().filter(|one| *one == "frame").count() == 1, "{:?}", fakes.calls());
    fakes.end(session).await;
}

#[tokio::test]
async fn the_turn_that_reaches_a_part_of_the_budget_warns_after_its_answer() {
    let result = r#""type":"result","#;
    let costing = |cost: &str| ECHO.replace(result, &format!("{result}\"total_cost_usd\":{cost},"));
    for (cost, warns) in [("0.79", false), ("0.8", true), ("3.5", true)] {
        let fakes = Fakes::new(&costing(cost));
        let session = fakes.session();
        session.send(Input::Prompt(prompt("p1"))).await;
        fakes.until("final p1").await;
        session.caught_up().await;
        let calls = fakes.calls();
        let at = |what: &str| calls.iter().position(|one| one == what);
        assert_eq!(at("notice").is_some(), warns, "{cost}: {calls:#?}");
        assert!(!warns || at("final p1") < at("notice"), "{calls:#?}");
        assert!(at("saved turns=1") < at("final p1"), "{calls:#?}");
        fakes.end(session).await;
    }
}

#[tokio::test]
async fn events_carry_their_causation_chain() {
    let fakes = Fakes::new(ECHO);
    let session = fakes.session();
    session.prompt(prompt("p1"), Urgency::Normal, CausationChain::default().through("a")).await;
    session.send(Input::Prompt(prompt("p2"))).await;
    fakes.until_events(|events| events.iter().filter(|one| one.kind == EventKind::TurnFinished).count() == 2).await;
    drop(session.command(SessionCommand::Suspend, CausationChain::default().through("b")).await.unwrap());
    fakes.until_events(|events| events.iter().any(|one| one.kind == EventKind::Suspended)).await;
    drop(session.command(SessionCommand::Archive, CausationChain::default()).await.unwrap());
    drop(session.command(SessionCommand::Restore, CausationChain::default()).await.unwrap());
    let describe = |one: &SessionEvent| {
        let by = ["a", "b"].into_iter().filter(|name| one.causes.has(name)).collect::<String>();
        format!("{} {by}", one.kind.as_str())
    };
    let events: Vec<String> = fakes.events().iter().map(describe).collect();
    // The second prompt arrived while the agent for the first one was starting, so it is the latest cause.
    let wanted = [
        "started ",
        "turn-started a",
        "turn-finished a",
        "turn-started ",
        "turn-finished ",
        "suspended b",
        "archived ",
        "restored ",
    ];
    assert_eq!(events, wanted);
}

#[tokio::test]
async fn an_agent_that_has_started_is_announced_and_suspended_if_unused() {
    let fakes = Fakes::new(ECHO);
    let session = fakes.session();
    session.send(Input::Prompt(prompt("p1"))).await;
    fakes.check_limits.notified().await;
    let phase = || fakes.registry.view("x").unwrap().phase;
    assert_ne!(phase(), Phase::Suspended, "the snapshot shows the start");
    fakes.phase(Phase::Idle).await;
    session.send(Input::SuspendIfUnused).await;
    session.caught_up().await;
    assert_eq!(phase(), Phase::Stopping);
    fakes.phase(Phase::Suspended).await;
    fakes.end(session).await;
}
