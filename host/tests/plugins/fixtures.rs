//! Components of the first release, as installed by authors and operators: every later host with the same contract
//! runs them. A failure of these tests means that a change of the contract breaks compiled plugins; see
//! `wit/README.md`.

use std::{fs, path::Path, time::Duration};

use cordboard_core::{
    agent::{Action, ActionState, PromptId},
    event::{CausationChain, Kind, SessionEvent},
    session::{PersonaSettings, Verdict},
    turn::{Part, Turn, TurnState},
    types::{Content, Phase, Place, Timestamp},
};
use cordboard_runtime::{CallError, Load, ViewLimits};
use expect_test::{Expect, expect};

use crate::{
    board::{NOW, record, session},
    components::TestHost,
};

/// Returns the bytes of a fixture. A rebuilt fixture would prove nothing, so its digest is checked.
fn fixture(name: &str, digest: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/0.1").join(format!("{name}.wasm"));
    let wasm = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(cordboard_runtime::digest(&wasm), digest, "{name}.wasm was rebuilt: it must not change");
    wasm
}

const EVERY: &str = "89211b5a06c594b97a7c95fca5e87966cc3958d95f177a4ef44648407ab5d942";
const SESSIONS: &str = "b7a6b5dba93783b5551971532c9786f64eff4ef39c6b31075e8a5121ad57511e";

/// Activates `every.wasm` and adds the session `alpha`.
async fn every() -> TestHost {
    let grants =
        "[plugins.every]\ngrants = [\"sessions\", \"session-control\", \"chat\"]\n[plugins.every.config]\nkey = 1\n";
    let bench = TestHost::of(grants);
    let plugged = bench.plug("every", &fixture("every", EVERY)).await;
    plugged.unwrap_or_else(|refused| panic!("every.wasm of 0.1 is not accepted any more: {refused}"));
    bench.memory.add(record("alpha", &bench.caller));
    bench
}

async fn answers(bench: &TestHost, line: &str, expected: Expect) {
    let reply = bench.call(line).await;
    let reply = reply.unwrap_or_else(|error| panic!("every.wasm of 0.1, /{line}: it {error}"));
    expected.assert_eq(&reply.text);
}

#[tokio::test]
async fn the_command_of_0_1_gets_and_returns_every_field() {
    let bench = every().await;
    answers(&bench, "every_types a b", expect![[r#"console:local console:local owner in console:local None, about none, at 1000000000, in '', with ["a", "b"] of 'a b'"#]]).await;
    let reply = bench.call("every_types").await.unwrap();
    let rows: Vec<Vec<_>> = reply
        .buttons
        .iter()
        .map(|row| row.iter().map(|one| (one.label.as_str(), one.command.as_str())).collect())
        .collect();
    // Buttons with commands of other plugins are omitted.
    assert_eq!(rows, [vec![("Again", "/every_types")]]);
    assert_eq!(reply.attachments[0].content, Content::Text("attached".to_owned()));
    assert!(reply.in_place);
    let failed = bench.call("every_admin").await;
    assert_eq!(failed, Err(CallError::Plugin("for some".to_owned())));
}

#[tokio::test]
async fn the_capabilities_of_0_1_are_unchanged() {
    let bench = every().await;
    answers(&bench, "every_config", expect![[r#"{"key":1}"#]]).await;
    answers(&bench, "every_state", expect![[r#"Some("3") None true true ["a"]"#]]).await;
    answers(
        &bench,
        "every_sessions",
        expect![[r#"1 ["alpha"] [] console:local /tmp/x demo Phase::Suspended 600 0 None"#]],
    )
    .await;
    answers(&bench, "every_catalog", expect![[r#"["every_admin", "every_catalog", "every_chat", "every_config", "every_control", "every_sessions", "every_state", "every_types"] [("every", "ok", 1)] ["every"] ["every"] ["claude", "demo"]"#]]).await;
    // A topic in which its caller has written.
    bench.memory.meet(&Place { topic: Some("7".to_owned()), ..Place::new("telegram", "42") }, &bench.caller);
    answers(&bench, "every_chat", expect!["done"]).await;
    answers(&bench, "every_control", expect!["made Phase::Suspended invalid invalid unknown"]).await;
}

#[tokio::test]
async fn the_persona_of_0_1_is_resolved() {
    let bench = every().await;
    let brief = bench.plugs.resolve(&bench.board, "every", &session("alpha", &bench.caller)).await;
    let expected = PersonaSettings {
        instructions: "every for alpha".to_owned(),
        model: Some("small".to_owned()),
        idle_timeout: Some(Duration::from_secs(90)),
        greeting: Some("Hello.".to_owned()),
    };
    assert_eq!(brief, Ok(expected));
}

#[tokio::test]
async fn the_view_of_0_1_shows_a_turn() {
    let bench = every().await;
    let (id, kind, title, detail) = ("1".into(), "tool".into(), "Reads".into(), "a.rs".into());
    let action = Part::Action(Action { id, kind, title, detail, state: ActionState::Failed });
    let parts = vec![Part::Text("Hello".to_owned()), action];
    let began = Timestamp(NOW.0 - 12_000);
    let state = TurnState::Failed("why".to_owned());
    let turn = Turn { parts, state, ..Turn::new(PromptId("1".to_owned()), bench.place.clone(), began) };
    let limits = ViewLimits { front_end: "console".to_owned(), text_units: 4096 };
    let view = session("alpha", &bench.caller);
    let screen = bench.plugs.render("every", (&turn, &view, NOW), &limits).await.unwrap();
    assert_eq!(screen.live.as_deref(), Some("console 4096 true"));
    expect![[r#"every 12 true Some("why") ["Hello", "1 tool Reads a.rs true true"]"#]]
        .assert_eq(&screen.messages[0].text);
}

#[tokio::test]
async fn the_policy_of_0_1_gives_each_verdict() {
    let bench = every().await;
    let load = Load { idle_for: Duration::from_secs(5), live_agents: 1, agent_memory: None, free_memory: 1 << 30 };
    let mut view = session("alpha", &bench.caller);
    let seconds = Duration::from_secs;
    let cases = [
        (600, Verdict::SuspendAfter(seconds(6))),
        (60, Verdict::ReviewIn(seconds(5))),
        (1, Verdict::Suspend),
        (2, Verdict::Keep),
    ];
    for (timeout, verdict) in cases {
        view.idle_timeout = seconds(timeout);
        assert_eq!(bench.plugs.review(&bench.board, "every", (&view, load)).await, Ok(verdict));
    }
    let notice = bench.plugs.resume_notice(&bench.board, "every", (&view, load)).await;
    assert_eq!(notice, Ok(Some("alpha after 5".to_owned())));
}

#[tokio::test]
async fn the_hook_of_0_1_receives_an_event() {
    let bench = every().await;
    let view = session("alpha", &bench.caller);
    let happening = SessionEvent::of(Kind::Suspended, view, NOW, CausationChain::default());
    assert_eq!(bench.plugs.hook(&bench.board, "every", &happening).await, Ok(()));
    let heard = bench.board.get("every", "event").await.unwrap().unwrap();
    assert_eq!(String::from_utf8(heard).unwrap(), "suspended alpha {}");
}

#[tokio::test]
async fn the_sessions_plugin_of_0_1_creates_and_lists_sessions() {
    let bench = TestHost::of("[plugins.sessions]\ngrants = [\"sessions\", \"session-control\"]\n");
    let plugged = bench.plug("sessions", &fixture("sessions", SESSIONS)).await;
    plugged.unwrap_or_else(|refused| panic!("sessions.wasm of 0.1 is not accepted any more: {refused}"));
    assert_eq!(bench.read("new alpha").await, "Session 'alpha' created.");
    assert_eq!(bench.read("sessions").await, "→ 🟢 alpha - just now");
    assert_eq!(bench.read("archive alpha").await, "Session 'alpha' archived. Use /restore alpha to bring it back.");
    assert!(
        bench
            .board
            .find(&bench.caller, "alpha")
            .is_some_and(|view| view.record.archived || view.phase == Phase::Archived)
    );
}
