//! Tests components that were compiled against versions 0.2.0 to 0.2.6 of the contract. Every later host of 0.2 must
//! run them. A failure means that a change to the contract breaks compiled plugins; see `wit/README.md`. Components
//! built against the 0.1 draft are rejected.

use std::{fs, path::Path, sync::Arc, time::Duration};

use cordboard::dev::{AttachedFile, RecordedAction, settle};
use cordboard_core::{
    agent_event::{Action, ActionState, PromptId},
    event::{CausationChain, EventKind, SessionEvent},
    render::escape,
    session::{Decision, DecisionOutcome, PersonaSettings, SessionCommand, Verdict},
    turn::{Turn, TurnPart, TurnState},
    types::{
        AgentRequest, ChatFile, Content, FilterChange, FilterInput, FilterOutcome, OptionText, Permission, Phase,
        Place, RequestOption, Role, SessionRecord, Timestamp, ToolUse,
    },
};
use cordboard_runtime::{
    CallContext, CallError, DueJob, FilterCall, HostApi, Load, RenderInput, ViewLimits, WebRequest, WebResponse,
};
use expect_test::{Expect, expect};

use crate::{
    network::{Mirror, secrets},
    sample_sessions::{NOW, record, session},
    test_host::{TestHost, person},
};

fn fixture(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns a fixture's bytes. Checks their digest, because testing a rebuilt fixture would prove nothing.
fn frozen(name: &str, digest: &str) -> Vec<u8> {
    let wasm = fixture(&format!("{name}.wasm"));
    assert_eq!(cordboard_runtime::digest(&wasm), digest, "{name}.wasm was built again: restore the original");
    wasm
}

const EVERY: &str = "f635294b9ff2c854bfa65ac723d37b3f21232cc3203bfa3361151a2724ccba84";
const SESSIONS: &str = "ebe2286bebac589e9e6e03b96be81070bce3f458b2c4209652cd733e685c924d";
/// The digest of `requests.wasm`, which was compiled against 0.2.1. That version added the `requests` capability.
const REQUESTS: &str = "3793c86f31a89e9259efe658501b7ec617028477fd0a681a9490de0197f36287";
/// The digest of `approval.wasm`, which was compiled against 0.2.2. That version added the `approval` extension point.
const APPROVAL: &str = "83fbbb6bd9a741dc8b8f079da76046a235d379f25a1987733c492b9bfcea3d93";
/// The digest of `sessions.wasm`, which was compiled against 0.2.3. That version added the functions for `/rename`,
/// `/fork`, `/agent` and `/history`.
const SESSION_COMMANDS: &str = "1878c470f88fa64d33614586767ccae5b23ce68f3050fb857f8c6d5d701316ac";
/// The digest of `filter.wasm`, which was compiled against 0.2.4. That version added the `filter` extension point, the
/// `attachments` capability, and the function that lists files.
const FILTER: &str = "5701a16664dee88c9335ca604acff31901e83ac0f7212d915f6a66d5cfc95ae0";

/// The digest of `access.wasm`, which was compiled against 0.2.5. That version added the `access-control` capability.
const ACCESS: &str = "f883ed434637fc1a4cece8cac1d95e0c28ac3df8e51edc7db485f68cc88f7215";

/// The digest of `access.wasm`, which was compiled against 0.2.6. That version added access to single chats.
const CHAT_ACCESS: &str = "c9032632d328029d178b4b9e3bf683f45988ba0220df1253a40d76c89ff1d65d";

/// Returns the configuration of `every`, which lets the plugin send its secret to `mirror`.
fn config(mirror: &Mirror) -> String {
    let secret = secrets::file(secrets::VALUE).into_temp_path().keep().unwrap();
    format!(
        "[secrets]\ntoken = {secret:?}\n[plugins.every]\nstate = \"1KiB\"\nsecrets = [\"token\"]\n\
         grants = [\"sessions\", \"session-control\", \"chat\", \"plugin-control\"]\n\
         tcp = [{:?}]\nhttp = [{:?}]\n[plugins.every.config]\nkey = 1\n",
        mirror.address,
        mirror.url("/*")
    )
}

/// Activates `every.wasm` and adds the session `alpha`.
async fn every() -> (TestHost, Mirror) {
    let mirror = Mirror::start().await;
    let test_host = TestHost::of(&config(&mirror));
    let activated = test_host.plug("every", &frozen("0.2/every", EVERY)).await;
    activated.unwrap_or_else(|why| panic!("every.wasm of 0.2 is rejected: {why}"));
    test_host.memory.add(record("alpha", &test_host.caller));
    (test_host, mirror)
}

async fn answers(test_host: &TestHost, line: &str, expected: Expect) {
    let reply = test_host.call(line).await;
    let reply = reply.unwrap_or_else(|error| panic!("every.wasm of 0.2, /{line}: it {error}"));
    expected.assert_eq(&reply.text);
}

#[tokio::test]
async fn a_component_of_0_1_is_rejected_with_the_remedy() {
    let grants = "grants = [\"sessions\", \"session-control\", \"chat\"]\n";
    for granted in ["", grants] {
        for name in ["every", "sessions"] {
            let test_host = TestHost::of(&format!("[plugins.{name}]\n{granted}"));
            let why = test_host.refused(name, &fixture(&format!("0.1/{name}.wasm"))).await;
            assert!(why.starts_with("it is built for an older Cordboard: it uses cordboard:plugin/"), "{why}");
            let versions = "@0.1.0, and this host provides cordboard:plugin@0.2.6; rebuild it with the current SDK: ";
            assert!(why.contains(versions), "{why}");
        }
    }
}

#[tokio::test]
async fn the_command_of_0_2_gets_and_returns_every_field() {
    let (test_host, _mirror) = every().await;
    answers(&test_host, "every_types a b", expect![[r#"console:local console:local owner in console:local None, about none, at 1000000000, in '', with ["a", "b"] of 'a b'"#]]).await;
    let reply = test_host.call("every_types").await.unwrap();
    let rows: Vec<Vec<_>> = reply
        .buttons
        .iter()
        .map(|row| row.iter().map(|one| (one.label.as_str(), one.command.as_str())).collect())
        .collect();
    // The host omits buttons for other plugins' commands.
    assert_eq!(rows, [vec![("Again", "/every_types")]]);
    let contents: Vec<_> = reply.attachments.into_iter().map(|one| one.content).collect();
    let expected = [Content::Text("attached".into()), Content::Bytes(vec![1, 2]), Content::File("src/c.rs".into())];
    assert_eq!(contents, expected);
    assert!(reply.in_place);
    let failed = test_host.call("every_admin").await;
    assert_eq!(failed, Err(CallError::Plugin("for some".to_owned())));
}

#[tokio::test]
async fn the_capabilities_of_0_2_are_unchanged() {
    let (test_host, mirror) = every().await;
    answers(&test_host, "every_config", expect![[r#"{"key":1}"#]]).await;
    answers(&test_host, "every_state", expect![[r#"Some("3") None true true true ["a"]"#]]).await;
    answers(&test_host, "every_sessions", expect![[r#"1 ["alpha"] [] console:local /tmp/x demo Phase::Suspended 600 0 None None None 1000000000 1000000000 0 None None"#]]).await;
    answers(&test_host, "every_catalog", expect![[r#"["every_admin", "every_catalog", "every_chat", "every_config", "every_control", "every_network", "every_plugins", "every_sessions", "every_state", "every_types"] [("every", "ok", 1)] ["every"] ["every"] ["claude", "demo"]"#]]).await;
    answers(
        &test_host,
        "every_control",
        expect![[r#"
            create: made
            create: exists
            activate: made
            start: made
            idle timeout: made
            model: made
            persona: made
            mode: made
            send: sent
            interrupt, keep: made
            interrupt, drop: invalid
            retry: invalid
            leave: invalid
            fresh: made
            suspend: made
            suspend anyway: made
            archive: made
            restore: made
            unknown: unknown"#]],
    )
    .await;
    answers(
        &test_host,
        "every_plugins",
        expect![[r#"
        Recorded: rollback plugin 'every'.
        Recorded: reload plugin 'every'.
        Recorded: disable plugin 'every'.
        Recorded: enable plugin 'every'.
        Recorded: grant plugin 'every'.
        Recorded: refuse plugin 'every'.
        Recorded: revoke plugin 'every'."#]],
    )
    .await;
    // The caller has written in this topic, so the plugin may post there.
    test_host
        .memory
        .add_member(&Place { topic: Some("7".to_owned()), ..Place::new("telegram", "42") }, &test_host.caller);
    answers(&test_host, "every_chat", expect!["done true"]).await;
    let port = mirror.address.rsplit(':').next().unwrap();
    let reply = test_host.call(&format!("every_network {port} {}", mirror.url("/echo"))).await.unwrap();
    assert!(reply.text.starts_with("true true 200 GET /echo\n"), "{}", reply.text);
    assert!(mirror.last().contains(&format!("authorization: {}\n", secrets::VALUE)), "{}", mirror.last());
}

#[tokio::test]
async fn the_persona_of_0_2_is_resolved() {
    let (test_host, _mirror) = every().await;
    let settings = test_host.registry.resolve(&test_host.host_api, "every", &session("alpha", &test_host.caller)).await;
    let expected = PersonaSettings {
        instructions: "every for alpha".to_owned(),
        model: Some("small".to_owned()),
        idle_timeout: Some(Duration::from_secs(90)),
        greeting: Some("Hello.".to_owned()),
    };
    assert_eq!(settings, Ok(expected));
}

#[tokio::test]
async fn the_view_of_0_2_shows_a_turn() {
    let (test_host, _mirror) = every().await;
    let (id, kind, title, detail) = ("1".into(), "tool".into(), "Reads".into(), "a.rs".into());
    let action = TurnPart::Action(Action { id, kind, title, detail, state: ActionState::Failed });
    let parts = vec![TurnPart::Text("Hello".to_owned()), action];
    let began = Timestamp(NOW.0 - 12_000);
    let state = TurnState::Failed("why".to_owned());
    let turn = Turn { parts, state, ..Turn::new(PromptId("1".to_owned()), test_host.place.clone(), began) };
    let limits = ViewLimits { front_end: "console".to_owned(), text_units: 4096 };
    let view = session("alpha", &test_host.caller);
    let frame = test_host
        .registry
        .render("every", RenderInput { turn: &turn, session: &view, now: NOW }, &limits)
        .await
        .unwrap();
    assert_eq!(frame.live.as_deref(), Some("console 4096 true"));
    expect![[r#"every alpha 12 true Some("why") None ["Hello", "1 tool Reads a.rs true true 0"] 0"#]]
        .assert_eq(&frame.messages[0].text);
}

#[tokio::test]
async fn the_policy_of_0_2_gives_each_verdict() {
    let (test_host, _mirror) = every().await;
    let load = Load { idle_for: Duration::from_secs(5), live_agents: 1, agent_memory: None, free_memory: 1 << 30 };
    let mut view = session("alpha", &test_host.caller);
    let seconds = Duration::from_secs;
    let cases = [
        (600, Verdict::SuspendAfter(seconds(6))),
        (60, Verdict::ReviewIn(seconds(5))),
        (1, Verdict::Suspend),
        (2, Verdict::Keep),
    ];
    for (timeout, verdict) in cases {
        view.idle_timeout = seconds(timeout);
        assert_eq!(test_host.registry.review(&test_host.host_api, "every", &view, load).await, Ok(verdict));
    }
    let notice = test_host.registry.resume_notice(&test_host.host_api, "every", &view, load).await;
    assert_eq!(notice, Ok(Some("alpha after 5".to_owned())));
}

#[tokio::test]
async fn the_hook_of_0_2_receives_an_event() {
    let (test_host, _mirror) = every().await;
    let view = session("alpha", &test_host.caller);
    let event = SessionEvent::of(EventKind::Suspended, view, NOW, CausationChain::default());
    assert_eq!(test_host.registry.hook(&test_host.host_api, "every", &event).await, Ok(()));
    let stored = test_host.host_api.get("every", "event").await.unwrap().unwrap();
    assert_eq!(String::from_utf8(stored).unwrap(), format!("suspended {} alpha {{}}", NOW.0));
}

#[tokio::test]
async fn the_job_of_0_2_gets_every_field() {
    let (test_host, _mirror) = every().await;
    let due = DueJob { name: "daily".to_owned(), at: NOW, missed: 2 };
    let ran = test_host.registry.run_job(&test_host.host_api, "every", &due).await;
    assert_eq!(ran, Err(CallError::Plugin(format!("daily {} 2 0", NOW.0))));
}

#[tokio::test]
async fn the_webhook_of_0_2_gets_and_returns_every_field() {
    let (test_host, _mirror) = every().await;
    let request = WebRequest {
        method: "POST".to_owned(),
        path: "/a".to_owned(),
        query: "b=c".to_owned(),
        headers: vec![("x-d".to_owned(), "e".to_owned())],
        body: b"f".to_vec(),
    };
    let headers = vec![("x-every".to_owned(), "yes".to_owned())];
    let expected = WebResponse { status: 201, headers, body: b"POST /a b=c x-d=e f".to_vec() };
    assert_eq!(test_host.registry.receive(&test_host.host_api, "every", &request).await, Ok(expected));
}

#[tokio::test]
async fn the_sessions_plugin_of_0_2_creates_and_lists_sessions() {
    let test_host = TestHost::of("[plugins.sessions]\ngrants = [\"sessions\", \"session-control\"]\n");
    let activation = test_host.plug("sessions", &frozen("0.2/sessions", SESSIONS)).await;
    activation.unwrap_or_else(|refused| panic!("sessions.wasm of 0.2 is rejected: {refused}"));
    assert_eq!(test_host.read("new alpha").await, "Session 'alpha' created.");
    assert_eq!(test_host.read("sessions").await, "→ 🟢 alpha - just now");
    assert_eq!(test_host.read("archive alpha").await, "Session 'alpha' archived. Use /restore alpha to bring it back.");
    assert!(
        test_host
            .host_api
            .find(&test_host.caller, "alpha")
            .is_some_and(|view| view.record.archived || view.phase == Phase::Archived)
    );
}

#[tokio::test]
async fn the_requests_plugin_of_0_2_1_lists_and_answers() {
    let test_host = TestHost::of("[plugins.requests]\ngrants = [\"requests\"]\n");
    let activated = test_host.plug("requests", &frozen("0.2.1/requests", REQUESTS)).await;
    activated.unwrap_or_else(|why| panic!("requests.wasm of 0.2.1 is rejected: {why}"));
    let record = record("alpha", &test_host.caller);
    let name = record.name.clone();
    test_host.memory.add(record);
    test_host.memory.bind(&test_host.caller, &test_host.place, &name);
    test_host.memory.send(&name, &test_host.place, "hello", cordboard_core::session::Urgency::Normal);
    settle(&test_host.registry, &test_host.memory, "").await;
    let option = |id: &str, label: &str, text| RequestOption { id: id.to_owned(), label: label.to_owned(), text };
    let asks = |id| AgentRequest {
        kind: "permission",
        text: "`ls`".to_owned().into(),
        options: vec![
            option("allow", "Allow once", OptionText::No),
            option("deny", "Deny", OptionText::Optional),
            option("why", "Deny and say why", OptionText::Required),
        ],
        ..AgentRequest::new(id, "Bash: ls".to_owned())
    };
    assert!(test_host.memory.ask(&name, asks), "the agent asks");
    let listed = "#1 alpha: Bash: ls (0 s)\nAnswer with /answer #1 and one of: allow (Allow once), \
                  deny [text] (Deny), why <text> (Deny and say why).";
    assert_eq!(test_host.read("requests").await, listed);
    assert_eq!(test_host.read("answer why").await, "Add the text: /answer alpha#1 why <text>");
    assert_eq!(test_host.read("answer alpha#1 not now").await, "Answered: Deny and say why.");
    let answer =
        SessionCommand::Answer { number: Some(1), options: vec!["why".to_owned()], text: Some("not now".to_owned()) };
    assert!(test_host.memory.take_actions().contains(&RecordedAction::Ordered(name, answer)));
    assert_eq!(test_host.read("requests").await, "No open requests.");
}

#[tokio::test]
async fn the_approval_plugin_of_0_2_2_decides() {
    let test_host = TestHost::of("");
    let activated = test_host.plug("approval", &frozen("0.2.2/approval", APPROVAL)).await;
    activated.unwrap_or_else(|why| panic!("approval.wasm of 0.2.2 is rejected: {why}"));
    let record = record("alpha", &test_host.caller);
    let name = record.name.clone();
    test_host.memory.add(record);
    let view = test_host.host_api.find(&test_host.caller, name.as_str()).expect("a session");
    let decide = async |command: &str| {
        let tool_use = ToolUse {
            tool: "Bash".to_owned(),
            input: "{}".to_owned(),
            command: Some(command.to_owned()),
            paths: vec!["a".to_owned(), "b".to_owned()],
            url: Some("https://example.org".to_owned()),
            home: Some("/home/agent".to_owned()),
        };
        let permission = Permission { number: Some(7), tool_use };
        let decision = test_host.registry.decide(&test_host.host_api, "approval", &view, &permission).await;
        decision.unwrap_or_else(|why| panic!("no decision about {command}: {why}"))
    };
    for (command, outcome) in [
        ("allow", DecisionOutcome::Allow),
        ("session", DecisionOutcome::AllowForSession),
        ("ask", DecisionOutcome::Ask(Vec::new())),
    ] {
        assert_eq!(decide(command).await, Decision { outcome, rule: Some(format!("the rule for {command}")) });
    }
    let DecisionOutcome::Ask(buttons) = decide("button").await.outcome else { panic!("a user decides") };
    let button =
        buttons.iter().map(|button| (button.label.as_str(), button.command.as_str(), button.plugin.as_deref()));
    assert_eq!(button.collect::<Vec<_>>(), [("Wave", "/wave", Some("approval"))]);
    let received = r#"("alpha", 7, "Bash", "Bash: rm", "{}", Some("rm"), ["a", "b"], [("url", "https://example.org"), ("home", "/home/agent")])"#;
    assert_eq!(decide("rm").await.outcome, DecisionOutcome::Deny(received.to_owned()));
}

#[tokio::test]
async fn the_session_commands_of_0_2_3_work() {
    let test_host = TestHost::of("[plugins.sessions]\ngrants = [\"sessions\", \"session-control\"]\n");
    let activated = test_host.plug("sessions", &frozen("0.2.3/sessions", SESSION_COMMANDS)).await;
    activated.unwrap_or_else(|why| panic!("sessions.wasm of 0.2.3 is rejected: {why}"));
    let conversation = Some("c1".to_owned());
    let alpha = record("alpha", &test_host.caller);
    test_host.memory.add(SessionRecord { conversation, resumable: true, turns: 1, ..alpha });
    for (line, answer) in [
        ("session alpha", "Switched to session 'alpha'."),
        ("rename beta", "Session 'alpha' is now called 'beta'. Its folder and its conversation are unchanged."),
        (
            "fork gamma",
            "Session 'gamma' continues the conversation of 'beta' in the same folder. Use /session beta to go back.",
        ),
        ("history", "Session 'gamma' has no messages yet."),
        ("agent demo", "Session 'gamma' uses agent 'demo', and so do new sessions in this chat."),
        (
            "agent claude",
            "Session 'gamma' has a conversation with agent 'demo', which no other agent can continue. New sessions in \
             this chat use agent 'claude'. Use /new to create one.",
        ),
    ] {
        let reply = test_host.call(line).await;
        let reply = reply.unwrap_or_else(|error| panic!("sessions.wasm of 0.2.3, /{line}: it {error}"));
        assert_eq!(reply.text, answer, "/{line}");
    }
}

#[tokio::test]
async fn the_filter_of_0_2_4_decides_and_reads_files() {
    let test_host = TestHost::of("[plugins.filter]\ngrants = [\"attachments\", \"sessions\"]\n");
    let activated = test_host.plug("filter", &frozen("0.2.4/filter", FILTER)).await;
    activated.unwrap_or_else(|why| panic!("filter.wasm of 0.2.4 is rejected: {why}"));
    let view = session("alpha", &test_host.caller);
    let voice = ChatFile {
        saved_as: "voice-1.ogg".to_owned(),
        size: Some(10),
        seconds: Some(3),
        ..ChatFile::new("f", "voice message", "voice.ogg", "1")
    };
    let content = b"0123456789".to_vec();
    let host = test_host.memory.with_attachments(&[AttachedFile { file: voice.clone(), content }]);
    let host: Arc<dyn HostApi> = Arc::new(host);
    let filter = async |text: &str, files: &[ChatFile]| {
        let message = FilterInput { text: text.to_owned(), files: files.to_vec() };
        let context = CallContext { caller: Some(test_host.caller.clone()), ..CallContext::default() };
        let call = FilterCall { host: &host, view: &view, context: &context, message: &message };
        let outcome = test_host.registry.filter("filter", call).await;
        outcome.unwrap_or_else(|why| panic!("no decision about {text}: {why}"))
    };
    assert_eq!(filter("pass", &[]).await, FilterOutcome::Pass);
    let change =
        |text: &str, notice: Option<&str>| FilterChange { text: text.to_owned(), notice: notice.map(str::to_owned) };
    assert_eq!(filter("replace", &[]).await, FilterOutcome::Replace(change("replaced", Some("A *notice*"))));
    assert_eq!(filter("annotate", &[]).await, FilterOutcome::Annotate(change("a note", None)));
    let photo = ChatFile::new("p", "photo", "photo.jpg", "1");
    assert_eq!(filter("other", &[photo]).await, FilterOutcome::Pass, "the filter doesn't want to see photos");
    let received = r#"("alpha", "other", [("voice-1.ogg", "voice message", "inbox/voice-1.ogg", Some(10), Some(3), [], [Ok([50, 51, 52]), Ok([]), Err("the message has no file 'x'")])], [])"#;
    assert_eq!(filter("other", &[voice]).await, FilterOutcome::Reject(received.to_owned()));

    let alpha = record("alpha", &test_host.caller);
    let name = alpha.name.clone();
    test_host.memory.add(alpha);
    for (path, size) in [("src/a.rs", 1), ("src/main.rs", 7), ("src/lib/a.rs", 9), ("src/z.rs", 2), ("b.rs", 1)] {
        test_host.memory.add_file(name.clone(), path, size);
    }
    let listed = format!(r#"[("lib", "folder", 0, {0}, []), ("main.rs", "file", 7, {0}, [])]"#, NOW.0);
    assert_eq!(test_host.call("listed alpha").await.map(|reply| reply.text), Ok(escape(&listed)));
    let unknown = test_host.call("listed nobody").await;
    assert!(matches!(unknown, Err(CallError::Plugin(why)) if why.contains("doesn't exist")));
}

#[tokio::test]
async fn the_access_plugin_of_0_2_5_lists_and_changes_access() {
    let test_host = TestHost::of("[plugins.access]\ngrants = [\"access-control\"]\n");
    let activated = test_host.plug("access", &frozen("0.2.5/access", ACCESS)).await;
    activated.unwrap_or_else(|why| panic!("access.wasm of 0.2.5 is rejected: {why}"));
    for (line, answer) in [
        ("people", "Ok([])"),
        ("people add 7", r#"Err(("invalid", "'' is not a role: use admin or member."))"#),
        ("people add telegram:7 admin", r#"Ok("7 is an admin now.")"#),
        ("people", r#"Ok([("telegram:7", None, "admin", "chat", [])])"#),
        (
            "people remove",
            r#"Err(("invalid", "Name the person's numeric id, or reply to a message of that person in this chat."))"#,
        ),
        ("people remove 7", r#"Ok("7 no longer has access.")"#),
    ] {
        assert_eq!(test_host.read(line).await, answer, "/{line}");
    }
    let member = person("telegram:8", Role::Member);
    let refused = test_host.call_as(&member, "people").await;
    let denied = r#"Err(("denied", "/access is for the owner only."))"#;
    assert_eq!(refused.map(|reply| cordboard_core::render::plain(&reply.text)).ok().as_deref(), Some(denied));
}

#[tokio::test]
async fn the_access_plugin_of_0_2_6_uses_access_to_one_chat() {
    let test_host = TestHost::of("[plugins.access]\ngrants = [\"access-control\"]\n");
    let activated = test_host.plug("access", &frozen("0.2.6/access", CHAT_ACCESS)).await;
    activated.unwrap_or_else(|why| panic!("access.wasm of 0.2.6 is rejected: {why}"));
    let no_group = r#"Err(("invalid", "`here` works only in a group. Send the command in the group."))"#;
    for (line, answer) in [
        ("here", "Ok([])"),
        ("here add 7 member", no_group),
        ("here add 7", r#"Err(("invalid", "'' is not a role: use admin or member."))"#),
        ("here remove 7", no_group),
    ] {
        assert_eq!(test_host.read(line).await, answer, "/{line}");
    }
}
