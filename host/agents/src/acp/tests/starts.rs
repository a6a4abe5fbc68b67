//! Tests the handshake: opening a session, its settings, and the reasons why an agent can't start.

use expect_test::expect;

use super::*;

/// Returns the trace of a start in which the agent sends these responses.
fn start(launch: &Launch, answers: &[Value]) -> String {
    let mut script = Script::new(launch);
    script.open();
    answers.iter().for_each(|answer| script.agent(answer));
    script.lines().join("\n")
}

fn resume() -> Launch {
    Launch { conversation: ConversationStart::Resume("s1".to_owned()), ..launch() }
}

fn error(id: u32, code: i32, message: &str) -> Value {
    json!({ "id": id, "error": { "code": code, "message": message } })
}

#[test]
fn a_new_session_is_ready_after_its_settings_are_made() {
    let launch = Launch { model: Some("large".to_owned()), permission_mode: PermissionMode::Plan, ..launch() };
    let session = json!({
        "sessionId": "s1",
        "modes": { "currentModeId": "default", "availableModes": [
            { "id": "default", "name": "Default" }, { "id": "plan", "name": "Plan" }] },
        "models": { "currentModelId": "small", "availableModels": [{ "modelId": "small" }, { "modelId": "large" }] },
    });
    let answers = [
        initialized(json!({})),
        json!({ "id": 2, "result": session }),
        json!({ "id": 3, "result": {} }),
        error(4, -32602, "no"),
    ];
    expect![[r#"
        > 1 initialize {"protocolVersion":1,"clientCapabilities":{"fs":{"readTextFile":false,"writeTextFile":false},"terminal":false,"auth":{"terminal":false}},"clientInfo":{"name":"cordboard","title":"Cordboard","version":"VERSION"}}
        > 2 session/new {"cwd":"/home/user/work_acp","mcpServers":[]}
        conversation s1
        > 3 session/set_model {"sessionId":"s1","modelId":"large"}
        > 4 session/set_mode {"sessionId":"s1","modeId":"plan"}
        refuses the mode: no
        ready ["small", "large"]"#]].assert_eq(&start(&launch, &answers));
}

#[test]
fn settings_are_chosen_from_configuration_options() {
    let launch = Launch { model: Some("large".to_owned()), permission_mode: PermissionMode::Plan, ..launch() };
    let option = |id: &str, options: Value| json!({ "id": id, "name": id, "category": id, "type": "select", "currentValue": "x", "options": options });
    let groups = json!([{ "group": "a", "name": "A", "options": [
        { "value": "small", "name": "S" }, { "value": "large", "name": "L" }] }]);
    let options = [option("model", groups), option("mode", json!([{ "value": "plan", "name": "P" }])), json!("new")];
    let answers = [
        initialized(json!({})),
        json!({ "id": 2, "result": { "sessionId": "s1", "configOptions": options } }),
        json!({ "id": 4, "result": {} }),
        json!({ "id": 3, "result": {} }),
    ];
    expect![[r#"
        > 1 initialize {"protocolVersion":1,"clientCapabilities":{"fs":{"readTextFile":false,"writeTextFile":false},"terminal":false,"auth":{"terminal":false}},"clientInfo":{"name":"cordboard","title":"Cordboard","version":"VERSION"}}
        > 2 session/new {"cwd":"/home/user/work_acp","mcpServers":[]}
        conversation s1
        > 3 session/set_config_option {"sessionId":"s1","configId":"model","value":"large"}
        > 4 session/set_config_option {"sessionId":"s1","configId":"mode","value":"plan"}
        ready ["small", "large"]"#]].assert_eq(&start(&launch, &answers));
}

#[test]
fn settings_that_the_agent_lacks_are_ignored() {
    let launch = Launch { model: Some("large".to_owned()), permission_mode: PermissionMode::Plan, ..launch() };
    let answers = [initialized(json!({})), json!({ "id": 2, "result": { "sessionId": "s1", "modes": 7 } })];
    let trace = start(&launch, &answers);
    let refused = "conversation s1\nrefuses the mode: It offers no modes.\nready []";
    assert!(trace.ends_with(refused), "{trace}");
    let mut script = Script::in_turn();
    let refused = AgentEvent::PermissionModeRefused("It offers no modes.".to_owned());
    assert_eq!(script.codec.set_permission_mode(PermissionMode::Plan).events, [refused]);
    assert_eq!(script.codec.calls.len(), 1);
    script.agent(&json!({ "id": 3, "result": { "stopReason": "end_turn" } }));
}

#[test]
fn a_mode_set_during_the_start_applies_to_the_session() {
    let mut script = Script::new(&launch());
    script.open();
    script.agent(&initialized(json!({})));
    assert_eq!(script.codec.set_permission_mode(PermissionMode::Plan), Decoded::default());
    let modes = json!({ "currentModeId": "default", "availableModes": [{ "id": "plan", "name": "Plan" }] });
    script.agent(&json!({ "id": 2, "result": { "sessionId": "s1", "modes": modes } }));
    assert_eq!(script.lines().last().unwrap(), r#"> 3 session/set_mode {"sessionId":"s1","modeId":"plan"}"#);
}

/// Returns the modes of opencode 1.18.
fn opencode_modes(current: &str) -> Value {
    json!([{ "id": "mode", "name": "Session Mode", "category": "mode", "type": "select", "currentValue": current, "options": [
        { "value": "build", "name": "build", "description": "The default agent. Executes tools based on configured permissions." },
        { "value": "plan", "name": "plan", "description": "Plan mode. Disallows all edit tools." }] }])
}

#[test]
fn an_agent_without_a_default_mode_returns_to_its_own() {
    let set = |codec: &mut Acp, mode| {
        let line: Value = serde_json::from_slice(codec.set_permission_mode(mode).lines.first()?).unwrap();
        assert_eq!(line["method"], "session/set_config_option");
        line["params"]["value"].as_str().map(str::to_owned)
    };
    for (launch, current, own) in [
        (launch(), "build", "build"),
        (launch(), "plan", "plan"),
        (resume(), "plan", "build"),
        (resume(), "build", "build"),
    ] {
        let mut script = Script::new(&launch);
        script.open();
        script.agent(&initialized(json!({ "loadSession": true })));
        script.agent(&json!({ "id": 2, "result": { "sessionId": "s1", "configOptions": opencode_modes(current) } }));
        assert_eq!(script.trace_end(), "ready []", "the mode of the conversation is kept");
        assert_eq!(set(&mut script.codec, PermissionMode::Plan).as_deref(), Some("plan"));
        assert_eq!(set(&mut script.codec, PermissionMode::AcceptEdits), None);
        assert_eq!(set(&mut script.codec, PermissionMode::Default).as_deref(), Some(own));
    }
}

#[test]
fn a_mode_that_the_agent_changes_itself_is_reported() {
    let mut script = Script::new(&Launch { permission_mode: PermissionMode::Plan, ..launch() });
    script.open();
    script.agent(&initialized(json!({})));
    let offered =
        json!([{ "id": "default", "name": "D" }, { "id": "plan", "name": "P" }, { "id": "own", "name": "O" }]);
    let modes = json!({ "currentModeId": "default", "availableModes": offered });
    script.agent(&json!({ "id": 2, "result": { "sessionId": "s1", "modes": modes } }));
    let mode = |mode: &str| json!({ "sessionUpdate": "current_mode_update", "currentModeId": mode });
    script.update(mode("default"));
    script.agent(&json!({ "id": 3, "result": {} }));
    script.update(mode("plan"));
    assert_eq!(script.trace_end(), "ready []", "the host requested plan, and has not been answered before");
    script.update(mode("default"));
    assert_eq!(script.trace_end(), "changes its mode to default");
    script.update(json!({ "sessionUpdate": "config_option_update", "configOptions": opencode_modes("plan") }));
    assert_eq!(script.trace_end(), "changes its mode to plan");
    script.update(mode("own"));
    assert_eq!(script.trace_end(), "changes its mode to default");
}

#[test]
fn a_resumed_conversation_is_not_shown_again() {
    let replayed = json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": "old" } });
    let call = json!({ "sessionUpdate": "tool_call", "toolCallId": "1", "title": "old" });
    let update =
        |update: &Value| json!({ "method": "session/update", "params": { "sessionId": "s1", "update": update } });
    let answers = [
        initialized(json!({ "loadSession": true })),
        update(&replayed),
        update(&call),
        json!({ "id": 2, "result": null }),
        update(&replayed),
    ];
    expect![[r#"
        > 1 initialize {"protocolVersion":1,"clientCapabilities":{"fs":{"readTextFile":false,"writeTextFile":false},"terminal":false,"auth":{"terminal":false}},"clientInfo":{"name":"cordboard","title":"Cordboard","version":"VERSION"}}
        > 2 session/load {"mcpServers":[],"cwd":"/home/user/work_acp","sessionId":"s1"}
        conversation s1, resumable
        ready []"#]].assert_eq(&start(&resume(), &answers));
}

#[test]
fn a_conversation_that_cannot_be_loaded_is_refused() {
    let refused = |answers: &[Value]| start(&resume(), answers).lines().last().unwrap().to_owned();
    assert_eq!(refused(&[initialized(json!({}))]), "resume refused: This agent cannot resume conversations.");
    let can_load = initialized(json!({ "loadSession": true }));
    assert_eq!(
        refused(&[can_load.clone(), error(2, -32002, "Resource not found: s1")]),
        "resume refused: Resource not found: s1"
    );
    assert_eq!(refused(&[can_load, error(2, -32603, "Internal error")]), "resume refused: Internal error");
}

#[test]
fn an_agent_that_needs_a_login_says_how() {
    let methods = json!([
        { "id": "a", "name": "Login with opencode", "description": "Run `opencode auth login` in the terminal." },
        { "id": "b", "name": "API key" }]);
    let hello = json!({ "id": 1, "result": {
        "protocolVersion": 1, "authMethods": methods, "agentCapabilities": { "loadSession": true } } });
    let login = "The agent is not logged in. Log in with it in a terminal, as the user that runs Cordboard; its command is \
                 'opencode acp'. The agent offers: Login with opencode (Run `opencode auth login` in the terminal); API key.";
    for launch in [launch(), resume()] {
        let trace = start(&launch, &[hello.clone(), error(2, -32000, "Authentication required")]);
        assert_eq!(trace.lines().last().unwrap(), format!("start failed: {login}"));
    }
    let mut script = Script::in_turn();
    script.agent(&error(3, -32000, "Authentication required"));
    let end = script.lines().pop().unwrap();
    assert!(
        end.starts_with(r#"finished [p1] Failed("The agent is not logged in. Log in with it in a terminal"#),
        "{end}"
    );
}

#[test]
fn an_agent_that_cannot_start_says_why() {
    let failed = |answers: &[Value]| start(&launch(), answers).lines().last().unwrap().to_owned();
    assert_eq!(failed(&[error(1, -32603, "no config")]), "start failed: no config");
    let old = json!({ "id": 1, "result": { "protocolVersion": 2 } });
    assert!(failed(&[old]).starts_with("start failed: The agent speaks version 2 of the Agent Client Protocol"));
    for unreadable in [json!({}), json!({ "protocolVersion": "1" }), json!(null)] {
        let failure = failed(&[json!({ "id": 1, "result": unreadable })]);
        assert!(
            failure.starts_with("start failed: The agent's response to `initialize` could not be read."),
            "{failure}"
        );
    }
    let hello = initialized(json!({}));
    let details =
        json!({ "id": 2, "error": { "code": -32603, "message": "Internal error", "data": { "details": "no disk" } } });
    assert_eq!(failed(&[hello.clone(), details]), "start failed: no disk");
    let empty = json!({ "id": 2, "result": {} });
    assert_eq!(failed(&[hello, empty]), "start failed: The agent did not return the id of the new conversation.");
}

#[test]
fn instructions_precede_the_first_prompt_of_a_conversation() {
    let texts = |line: &[u8]| {
        let line: Value = serde_json::from_slice(line).unwrap();
        let blocks = line["params"]["prompt"].as_array().unwrap().clone();
        blocks.iter().map(|block| text(block, "text").to_owned()).collect::<Vec<_>>()
    };
    let persona = |launch: Launch| Launch { instructions: "Be kind.".to_owned(), ..launch };
    let mut script = Script::new(&persona(launch()));
    script.open();
    script.agent(&initialized(json!({})));
    script.agent(&json!({ "id": 2, "result": { "sessionId": "s1" } }));
    assert_eq!(texts(&script.codec.prompt(&prompt("p1", "one"), &[])), ["Be kind.", "one"]);
    assert_eq!(texts(&script.codec.prompt(&prompt("p2", "two"), &[])), ["two"]);

    let mut script = Script::new(&persona(resume()));
    script.open();
    script.agent(&initialized(json!({ "loadSession": true })));
    script.agent(&json!({ "id": 2, "result": {} }));
    assert_eq!(texts(&script.codec.prompt(&prompt("p1", "one"), &[])), ["one"]);
}

#[test]
fn instructions_are_a_system_prompt_where_the_agent_supports_that() {
    let capabilities = json!({ "loadSession": true, "sessionCapabilities": { "systemPrompt": {} } });
    for launch in [launch(), resume()] {
        let launch = Launch { instructions: "Be kind.".to_owned(), ..launch };
        let trace = start(&launch, &[initialized(capabilities.clone())]);
        let open = trace.lines().last().unwrap();
        let expected = r#""systemPrompt":{"mode":"append","content":[{"type":"text","text":"Be kind."}]}"#;
        assert!(open.contains(expected), "{open}");
        assert_eq!(
            new_codec(&launch).handshake.take_instructions().is_some(),
            launch.conversation == ConversationStart::New
        );
    }
}

#[test]
fn a_fork_is_a_new_session_of_an_agent_that_offers_it() {
    let fork = Launch { conversation: ConversationStart::Fork("s1".to_owned()), ..launch() };
    let offers = json!({ "loadSession": true, "sessionCapabilities": { "fork": {} } });
    let answers = [initialized(offers), json!({ "id": 2, "result": { "sessionId": "s2" } })];
    let trace = start(&fork, &answers);
    let lines: Vec<&str> = trace.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            r#"> 2 session/fork {"sessionId":"s1","cwd":"/home/user/work_acp","mcpServers":[]}"#,
            "conversation s2",
            "ready []",
        ]
    );
    let refused = start(&fork, &[initialized(json!({ "loadSession": true }))]);
    assert!(refused.ends_with("resume refused: This agent cannot fork conversations."), "{refused}");
}
