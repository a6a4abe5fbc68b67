//! Tests the lifecycle, persona and view extension points.

use std::{sync::Arc, time::Duration};

use cordboard_core::{
    agent_event::{Action, ActionState, PromptId},
    session::Verdict,
    turn::{Turn, TurnFrame, TurnPart, TurnState},
    types::{Place, Timestamp},
};
use cordboard_runtime::{CallError, Load, RenderInput, ViewLimits};

use crate::{
    components::{bad, standard},
    sample_sessions::{NOW, session},
    test_host::TestHost,
};

fn idle_for(seconds: u64) -> Load {
    Load { idle_for: Duration::from_secs(seconds), live_agents: 1, agent_memory: None, free_memory: 1 << 30 }
}

#[tokio::test]
async fn the_default_policy_suspends_at_the_idle_timeout() {
    let host = TestHost::standard().await;
    let view = session("alpha", &host.caller);
    let review = |seconds| host.registry.review(&host.host_api, "lifecycle", &view, idle_for(seconds));
    assert_eq!(review(0).await, Ok(Verdict::SuspendAfter(Duration::from_secs(600))));
    assert_eq!(review(600).await, Ok(Verdict::Suspend));
    let notice = |seconds| host.registry.resume_notice(&host.host_api, "lifecycle", &view, idle_for(seconds));
    assert_eq!(notice(60).await, Ok(Some("Resuming session...".to_owned())));
    assert_eq!(notice(15 * 60).await, Ok(Some("Resuming session (idle for 15 min)...".to_owned())));
}

#[tokio::test]
async fn a_new_policy_decides_the_next_review() {
    let mut host = TestHost::new();
    let view = session("alpha", &host.caller);
    let (registry, host_api) = (Arc::clone(&host.registry), Arc::clone(&host.host_api));
    let review = || registry.review(&host_api, "lifecycle", &view, idle_for(5));
    assert_eq!(review().await, Err(CallError::NotOffered("lifecycle")));
    host.plug("lifecycle", &standard("lifecycle")).await.unwrap();
    assert_eq!(review().await, Ok(Verdict::SuspendAfter(Duration::from_secs(595))));
    host.plug("lifecycle", &bad("one_second_policy")).await.unwrap();
    assert_eq!(review().await, Ok(Verdict::SuspendAfter(Duration::from_secs(1))));
    host.configure("[plugins.lifecycle.config]\ntraps = true");
    host.plug("lifecycle", &bad("one_second_policy")).await.unwrap();
    assert!(matches!(review().await, Err(CallError::Trap(_))));
    assert_eq!(host.status("lifecycle").0, "failing");
    host.plug("lifecycle", &bad("echo")).await.unwrap();
    assert_eq!(review().await, Err(CallError::NotOffered("lifecycle")));
}

#[tokio::test]
async fn a_persona_is_resolved_from_the_configuration() {
    let host = TestHost::standard().await;
    let view = session("alpha", &host.caller);
    let brief = host.registry.resolve(&host.host_api, "brainstorm", &view).await.unwrap();
    assert!(brief.instructions.starts_with("You help to find ideas."), "{brief:?}");
    assert_eq!((brief.idle_timeout, brief.model, brief.greeting), (Some(Duration::from_secs(1800)), None, None));
    let why = host.registry.resolve(&host.host_api, "poet", &view).await.unwrap_err();
    assert_eq!(why, CallError::Plugin("persona 'poet' no longer exists".to_owned()));
}

#[tokio::test]
async fn a_persona_name_may_have_capitals_and_underscores() {
    let host = TestHost::of("[plugins.persona.config.personas.Code-Review_2]\ninstructions = \"Review.\"");
    host.plug("persona", &standard("persona")).await.unwrap();
    assert!(host.registry.snapshot().persona("Code-Review_2").is_some());
}

#[tokio::test]
async fn a_persona_model_that_looks_like_an_option_is_refused() {
    let host = TestHost::of("[plugins.persona.config.personas.x]\ninstructions = \"Help.\"\nmodel = \"--print\"");
    host.plug("persona", &standard("persona")).await.unwrap();
    let view = session("alpha", &host.caller);
    let why = host.registry.resolve(&host.host_api, "x", &view).await.unwrap_err();
    let CallError::Plugin(text) = &why else { panic!("{why:?}") };
    assert!(text.contains("is not a valid model name"), "{text}");
}

fn turn(parts: Vec<TurnPart>, state: TurnState) -> Turn {
    let began = Timestamp(NOW.0 - 12_000);
    Turn { parts, state, ..Turn::new(PromptId("1".to_owned()), Place::new("console", "local"), began) }
}

async fn shown(host: &TestHost, turn: &Turn) -> (Option<String>, Vec<String>) {
    let view = session("alpha", &host.caller);
    let limits = ViewLimits { front_end: "console".to_owned(), text_units: 4096 };
    let TurnFrame { live, messages } =
        host.registry.render("normal", RenderInput { turn, session: &view, now: NOW }, &limits).await.unwrap();
    (live, messages.into_iter().map(|message| message.text).collect())
}

#[tokio::test]
async fn the_next_frame_uses_a_new_view() {
    let host = TestHost::standard().await;
    let action = Action {
        id: "1".to_owned(),
        kind: "tool".to_owned(),
        title: "Read a.rs".to_owned(),
        detail: String::new(),
        state: ActionState::Running,
    };
    let parts = vec![TurnPart::Text("I look.".to_owned()), TurnPart::Action(action)];
    let running = turn(parts.clone(), TurnState::Running);
    assert_eq!(shown(&host, &turn(vec![], TurnState::Running)).await, (Some("Thinking… 12 s".to_owned()), vec![]));
    assert_eq!(shown(&host, &running).await, (Some("Read a.rs… 12 s".to_owned()), vec!["I look.\n".to_owned()]));
    assert_eq!(shown(&host, &turn(parts.clone(), TurnState::Done)).await, (None, vec!["I look.".to_owned()]));
    let failed = turn(parts, TurnState::Failed("it died".to_owned()));
    assert_eq!(shown(&host, &failed).await, (None, vec!["I look.\n\n⚠ it died".to_owned()]));
    host.plug("views", &bad("uppercase_view")).await.unwrap();
    assert_eq!(shown(&host, &running).await, (None, vec!["I LOOK.".to_owned()]));
}

#[tokio::test]
async fn a_view_accepts_a_long_answer() {
    // The time limit is high, because rendering may take long on a slow machine.
    let host = TestHost::of("[plugins.views]\ntime = \"5m\"");
    host.plug("views", &standard("views")).await.unwrap();
    let long = "line of an answer\n".repeat(200_000);
    let (_, messages) = shown(&host, &turn(vec![TurnPart::Text(long.clone())], TurnState::Done)).await;
    assert_eq!(messages, [long.trim_end()]);
}

#[tokio::test]
async fn an_unknown_view_mode_is_reported() {
    let host = TestHost::standard().await;
    let view = session("alpha", &host.caller);
    let limits = ViewLimits { front_end: "console".to_owned(), text_units: 4096 };
    let shown = turn(vec![], TurnState::Running);
    let rendered = host.registry.render("fancy", RenderInput { turn: &shown, session: &view, now: NOW }, &limits).await;
    assert_eq!(rendered, Err(CallError::NotOffered("view")));
}
