//! Tests control requests in both directions, prompts, and denied tools.

use cordboard_core::types::PermissionMode;

use super::*;
use crate::{ModelInput, PromptFile};

#[test]
fn initialize_sends_the_persona_and_its_reply_means_ready() {
    let launch = Launch {
        conversation: ConversationStart::New,
        model: None,
        permission_mode: PermissionMode::Default,
        instructions: "Be \"kind\".\nAlways.".to_owned(),
    };
    let opening: Value = serde_json::from_slice(&Claude::new(&launch).open()[0]).unwrap();
    let request = json!({
        "subtype": "initialize",
        "appendSystemPrompt": "Be \"kind\".\nAlways.",
        "systemPromptSnapshot": false,
        "hooks": { "PreToolUse": [{ "hookCallbackIds": ["announce-tool"], "onFailure": "block" }] },
    });
    assert_eq!(opening, json!({ "type": "control_request", "request_id": INITIALIZE, "request": request }));
    let answer = |subtype: &str| {
        let commands = json!([{ "name": "compact", "description": "Frees\nspace" }, { "description": "no name" }]);
        let models = json!([{ "value": "default" }, { "value": "opus" }, { "name": "no value" }]);
        let response = json!({ "subtype": subtype, "request_id": INITIALIZE, "response": { "models": models, "commands": commands } });
        json!({ "type": "control_response", "response": response })
    };
    assert_eq!(decode(&[answer("success")]), ["commands compact", r#"ready ["default", "opus"]"#]);
    let refused = json!({ "subtype": "error", "request_id": INITIALIZE, "error": "unknown request" });
    assert_eq!(decode(&[json!({ "type": "control_response", "response": refused })]), ["commands ", "ready []"]);
}

#[test]
fn a_prompt_is_one_line_without_file_references() {
    let mut codec = new_codec(None);
    let line = codec.prompt(&prompt("p1", "look at @/etc/passwd\nand \u{1f600}"), &[]);
    assert!(!line.contains(&b'\n'));
    let line: Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(line["client_composed"], true);
    assert_eq!(line["uuid"], "p1");
    assert_eq!(line["message"]["content"][0]["text"], "look at @/etc/passwd\nand \u{1f600}");
    let command = Prompt { kind: PromptKind::AgentCommand, ..prompt("p2", "//compact the tests") };
    let line: Value = serde_json::from_slice(&codec.prompt(&command, &[])).unwrap();
    assert_eq!(line["client_composed"], false, "the CLI runs the command");
    assert_eq!(line["message"]["content"][0]["text"], "/compact the tests");
}

#[test]
fn images_and_pdfs_follow_the_text_of_a_prompt() {
    let mut codec = new_codec(None);
    let file = |note: &str, media_type: Option<&str>| PromptFile {
        note: note.to_owned(),
        input: media_type.map(|media_type| ModelInput { media_type: media_type.to_owned(), base64: "aGk=".to_owned() }),
    };
    let files = [file("[a]", Some("image/png")), file("[b]", None), file("[c]", Some("application/pdf"))];
    let line: Value = serde_json::from_slice(&codec.prompt(&prompt("p1", "what is it?"), &files)).unwrap();
    let block = |kind: &str, media_type: &str| json!({ "type": kind, "source": { "type": "base64", "media_type": media_type, "data": "aGk=" } });
    let text = json!({ "type": "text", "text": "what is it?\n\n[a]\n[b]\n[c]" });
    let expected = json!([text, block("image", "image/png"), block("document", "application/pdf")]);
    assert_eq!(line["message"]["content"], expected);
}

#[test]
fn every_request_of_the_agent_is_answered() {
    let ask = |id: &str, request: Value| json!({ "type": "control_request", "request_id": id, "request": request });
    let lines = decode(&[
        ask("1", json!({ "subtype": "can_use_tool", "tool_name": "Bash", "input": { "command": "rm -r x" } })),
        ask("2", json!({ "subtype": "can_use_tool", "tool_name": "AskUserQuestion", "input": { "questions": [] } })),
        ask("3", json!({ "subtype": "elicitation" })),
        ask("4", json!({})),
        ask("", json!({ "subtype": "can_use_tool" })),
        json!({ "type": "control_cancel_request", "request_id": "1" }),
    ]);
    assert_eq!(
        lines,
        [
            r#"asks 1:0 permission: Bash: rm -r x ["allow", "deny", "why"]"#,
            r#"asks 2:0 permission: AskUserQuestion ["allow", "deny", "why"]"#,
            r#"> error "this host does not support 'elicitation'""#,
            r#"> error "this host does not support ''""#,
            "cancels 1:0",
        ]
    );
}

/// Returns the hook callback that precedes a tool use in the folder `/x/sub`.
fn hook_callback(id: &str, tool: &str, arguments: &Value) -> String {
    let input = json!({
        "hook_event_name": "PreToolUse",
        "cwd": "/x/sub",
        "tool_name": tool,
        "tool_input": arguments,
        "tool_use_id": format!("use {id}"),
    });
    let request = json!({ "subtype": "hook_callback", "callback_id": "announce-tool", "input": input });
    json!({ "type": "control_request", "request_id": id, "request": request }).to_string()
}

#[test]
fn an_announced_tool_gets_the_objections() {
    let mut codec = new_codec(None);
    let mut trace = new_trace();
    let answers = [
        ("1", "Bash", RequestAnswer::Denied("too risky".to_owned())),
        ("2", "Bash", RequestAnswer::MustAsk),
        ("3", "Bash", RequestAnswer::NoObjection),
        ("4", "AskUserQuestion", RequestAnswer::NoObjection),
    ];
    for (id, tool, answer) in answers {
        let line = hook_callback(id, tool, &json!({ "command": "rm x" }));
        trace.add(&codec.decode(line.as_bytes()));
        assert_eq!(codec.decode(line.as_bytes()), Decoded::default(), "an open callback has this id");
        trace.add(&codec.answer(&RequestId(id.to_owned()), &answer));
        assert_eq!(codec.answer(&RequestId(id.to_owned()), &answer), Decoded::default());
    }
    trace.add(&codec.decode(hook_callback("5", "Bash", &json!({ "command": "rm x" })).as_bytes()));
    let cancel = json!({ "type": "control_cancel_request", "request_id": "5" });
    trace.add(&codec.decode(cancel.to_string().as_bytes()));
    // The user was notified of the denial, so the result of the turn must not report it again.
    let denials = json!([{ "tool_use_id": "use 1", "tool_name": "Bash", "tool_input": { "command": "rm x" } }]);
    let result = json!({ "type": "result", "subtype": "success", "permission_denials": denials });
    trace.add(&codec.decode(result.to_string().as_bytes()));
    expect_test::expect![[r#"
        announces 1: Bash: rm x
        > deny Not allowed here: too risky
        announces 2: Bash: rm x
        > ask Cordboard requires a decision about this use.
        announces 3: Bash: rm x
        > 
        announces 4: AskUserQuestion: rm x
        > 
        announces 5: Bash: rm x
        cancels 5"#]]
    .assert_eq(&trace.lines().join("\n"));
}

/// Returns a codec whose CLI has started in `/x`.
fn started_codec() -> Claude {
    let mut codec = new_codec(None);
    codec.decode(json!({ "type": "system", "subtype": "init", "cwd": "/x" }).to_string().as_bytes());
    codec
}

#[test]
fn relative_paths_are_absolute_after_the_cli_has_changed_its_folder() {
    let paths = |tool: &str, arguments: Value| {
        let mut codec = started_codec();
        let announced = codec.decode(hook_callback("1", tool, &arguments).as_bytes());
        let request =
            json!({ "subtype": "can_use_tool", "tool_name": tool, "input": arguments, "tool_use_id": "use 1" });
        let asked = json!({ "type": "control_request", "request_id": "2", "request": request });
        let asked = codec.decode(asked.to_string().as_bytes());
        let [AgentEvent::ToolAnnounced(announced)] = &announced.events[..] else { panic!("{announced:?}") };
        let [AgentEvent::Requested(asked)] = &asked.events[..] else { panic!("{asked:?}") };
        assert_eq!(announced.tool_use, asked.tool_use);
        asked.tool_use.as_ref().unwrap().paths.clone()
    };
    for (path, expected) in [
        ("a/b", "/x/sub/a/b"),
        ("../b", "/x/sub/../b"),
        ("/etc/x", "/etc/x"),
        ("~/x", "~/x"),
        // Tools may trim these paths, so every path rule that denies or asks matches them.
        (" a", " a"),
        ("", ""),
    ] {
        assert_eq!(paths("Read", json!({ "file_path": path })), [expected]);
    }
    assert_eq!(paths("Grep", json!({ "pattern": "word" })), ["/x/sub"]);
}

#[test]
fn paths_stay_relative_in_the_first_folder() {
    let mut codec = started_codec();
    let callback = hook_callback("1", "Read", &json!({ "file_path": "a" })).replace("/x/sub", "/x");
    let decoded = codec.decode(callback.as_bytes());
    let [AgentEvent::ToolAnnounced(request)] = &decoded.events[..] else { panic!("{decoded:?}") };
    assert_eq!(request.tool_use.as_ref().unwrap().paths, ["a"]);
}

#[test]
fn a_truncated_callback_is_an_error() {
    let line = hook_callback("1", "Bash", &json!({ "command": "rm x" }));
    let cut = &line[..line.find("tool_input").unwrap()];
    let decoded = new_codec(None).decode(cut.as_bytes());
    let mut trace = new_trace();
    trace.add(&decoded);
    expect_test::expect![[r#"> error "this host does not support ''""#]].assert_eq(&trace.lines().join("\n"));
}

fn can_use_tool(id: &str, tool: &str, input: Value) -> String {
    let request = json!({ "subtype": "can_use_tool", "tool_name": tool, "input": input });
    json!({ "type": "control_request", "request_id": id, "request": request }).to_string()
}

fn chosen(ids: &[&str], text: Option<&str>) -> RequestAnswer {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    RequestAnswer::Options { ids, text: text.map(str::to_owned) }
}

#[test]
fn an_answer_is_sent_once() {
    let mut codec = new_codec(None);
    let mut trace = new_trace();
    let id = |id: &str| RequestId(format!("{id}:0"));
    for (number, answer) in
        [("1", chosen(&["allow"], None)), ("2", chosen(&["deny"], None)), ("3", RequestAnswer::Nobody)]
    {
        trace.add(&codec.decode(can_use_tool(number, "Bash", json!({ "command": "ls" })).as_bytes()));
        trace.add(&codec.answer(&id(number), &answer));
        trace.add(&codec.answer(&id(number), &answer));
    }
    trace.add(&codec.decode(can_use_tool("4", "Bash", json!({ "command": "ls" })).as_bytes()));
    trace.add(&codec.answer(&id("4"), &chosen(&["why"], Some("use git"))));
    expect_test::expect![[r#"
        asks 1:0 permission: Bash: ls ["allow", "deny", "why"]
        > allow
        asks 2:0 permission: Bash: ls ["allow", "deny", "why"]
        > deny The user denied this.
        asks 3:0 permission: Bash: ls ["allow", "deny", "why"]
        > deny The user did not answer. Continue without an answer, or say why you need one.
        asks 4:0 permission: Bash: ls ["allow", "deny", "why"]
        > deny The user denied this and said: use git"#]]
    .assert_eq(&trace.lines().join("\n"));
}

#[test]
fn an_answer_never_counts_for_another_input_with_the_same_id() {
    let mut codec = new_codec(None);
    let ls = json!({ "command": "ls" });
    let first = codec.decode(can_use_tool("1", "Bash", ls.clone()).as_bytes());
    assert_eq!(first.events.len(), 1);
    let second = codec.decode(can_use_tool("1", "Bash", json!({ "command": "rm -rf /" })).as_bytes());
    assert_eq!((second.events, second.lines), (Vec::new(), Vec::new()));
    let answer = codec.answer(&RequestId("1:0".to_owned()), &chosen(&["allow"], None));
    let response: Value = serde_json::from_slice(&answer.lines[0]).expect("JSON");
    assert_eq!(response["response"]["response"], json!({ "behavior": "allow", "updatedInput": ls }));
}

#[test]
fn a_series_of_questions_is_answered_together() {
    let mut codec = new_codec(None);
    let mut trace = new_trace();
    let question = |asked: &str, multiple: bool| {
        let options = json!([{ "label": "Red", "description": "r" }, { "label": "Blue" }]);
        json!({ "question": asked, "header": "x", "options": options, "multiSelect": multiple })
    };
    let input = json!({ "questions": [question("Which colour?", false), question("Which ones?", true), question("Why?", false)] });
    trace.add(&codec.decode(can_use_tool("1", "AskUserQuestion", input).as_bytes()));
    let answers = [chosen(&["2"], None), chosen(&["1", "2"], None), chosen(&["other"], Some("because"))];
    for (number, answer) in answers.iter().enumerate() {
        trace.add(&codec.answer(&RequestId(format!("1:{number}")), answer));
    }
    expect_test::expect![[r#"
        asks 1:0 question: Which colour? ["1", "2", "other"]
        asks 1:1 question: Which ones? ["1", "2", "other"]
        asks 1:2 question: Why? ["1", "2", "other"]
        > allow   answers {"Which colour?":"Blue","Which ones?":"Red, Blue","Why?":"because"}"#]]
    .assert_eq(&trace.lines().join("\n"));
}

#[test]
fn a_plan_is_shown_for_approval() {
    let mut codec = new_codec(None);
    let decoded = codec.decode(can_use_tool("1", "ExitPlanMode", json!({ "plan": "# Plan\n1. do it" })).as_bytes());
    let [AgentEvent::Requested(request)] = &decoded.events[..] else { panic!("{decoded:?}") };
    assert_eq!((request.kind, request.text.shown.as_str()), ("plan", "# Plan\n1. do it"));
}

#[test]
fn a_truncated_request_is_answered() {
    let line = br#"{"type":"control_request","request_id":"1","request":{"subtype":"can_use_t"#;
    assert_eq!(decode_lines(&[line]), [r#"> error "this host does not support ''""#]);
}

#[test]
fn a_denial_is_reported_once() {
    let denied = |tool: &str, id: &str| {
        let mut denied = json!({ "tool_name": tool, "tool_use_id": id });
        denied["tool_input"] = json!({ "command": format!("rm {id}"), "file_path": format!("/w/{id}") });
        denied
    };
    let can_use_tool = |mut request: Value| {
        (request["subtype"], request["input"]) = ("can_use_tool".into(), request["tool_input"].clone());
        json!({ "type": "control_request", "request_id": "1", "request": request })
    };
    let permission_denied = |mut message: Value| {
        (message["type"], message["subtype"]) = ("system".into(), "permission_denied".into());
        message.as_object_mut().unwrap().remove("tool_input");
        message
    };
    let call = json!({ "type": "tool_use", "id": "t2", "name": "Read", "input": { "file_path": "/w/t2" } });
    let lines = decode(&[
        json!({ "type": "system", "subtype": "init", "cwd": "/w" }),
        can_use_tool(denied("Bash", "t1")),
        json!({ "type": "assistant", "message": { "id": "m1", "content": [call] }, "user_message_uuids": ["p1"] }),
        permission_denied(denied("Read", "t2")),
        permission_denied(denied("Write", "t3")),
        permission_denied(denied("Glob", "t4")),
        success(json!({
            "user_message_uuids": ["p1"],
            "permission_denials": [
                denied("Bash", "t1"), denied("Read", "t2"), denied("Write", "t3"), denied("Edit", "t5"),
                denied("AskUserQuestion", "t6"),
            ],
        })),
        success(json!({ "user_message_uuids": ["p1"], "permission_denials": [denied("Write", "t3")] })),
    ]);
    let lines: Vec<_> = lines.iter().filter(|line| line.starts_with("denied")).collect();
    assert_eq!(lines, ["denied Read: t2", "denied Write: rm t3", "denied Edit: rm t5", "denied Glob: "]);
}

#[test]
fn an_interrupt_ends_only_one_turn() {
    let aborted = |more: Value| {
        let mut result = success(more);
        (result["subtype"], result["is_error"]) = ("error_during_execution".into(), true.into());
        result["result"] = "broken".into();
        result
    };
    let own = || json!({ "origin": { "kind": "task-notification" } });
    let outcomes = |messages: &[Value]| {
        let mut codec = new_codec(None);
        codec.prompt(&prompt("p1", "hello"), &[]);
        codec.interrupt();
        let mut trace = new_trace();
        messages.iter().for_each(|message| trace.add(&codec.decode(message.to_string().as_bytes())));
        trace.lines()
    };
    // The interrupt ended the turn of a background task, so the failure of the prompt's turn has another reason.
    assert_eq!(outcomes(&[aborted(own()), aborted(json!({}))]), [r#"finished [p1] Failed("broken") 1.0000 $"#],);
    // The turn of the background task was already over when the interrupt arrived.
    assert_eq!(outcomes(&[success(own()), aborted(json!({}))]), ["finished [p1] Interrupted 1.0000 $"],);
}

#[test]
fn an_acknowledged_interrupt_is_reported() {
    let mut codec = new_codec(None);
    let answer =
        |id: &str| json!({ "type": "control_response", "response": { "subtype": "success", "request_id": id } });
    let decode = |codec: &mut Claude, id: &str| codec.decode(answer(id).to_string().as_bytes()).events;
    codec.interrupt();
    codec.interrupt();
    assert_eq!(decode(&mut codec, "cordboard-1"), []);
    assert_eq!(decode(&mut codec, "cordboard-2"), [AgentEvent::InterruptAccepted]);
}

#[test]
fn a_mode_that_the_cli_changes_itself_is_reported_once() {
    let mut codec = new_codec(None);
    let report = |codec: &mut Claude, mode: &str| {
        let status = system("status", json!({ "status": null, "permissionMode": mode }));
        codec.decode(status.to_string().as_bytes()).events
    };
    let changed = AgentEvent::PermissionModeChanged;
    assert_eq!(report(&mut codec, "plan"), [], "the mode of the start");
    assert_eq!(report(&mut codec, "default"), [changed(PermissionMode::Default)]);
    assert_eq!(report(&mut codec, "default"), []);
    codec.set_permission_mode(PermissionMode::AcceptEdits);
    assert_eq!(report(&mut codec, "acceptEdits"), [], "the host requested this mode");
    assert_eq!(report(&mut codec, "a new mode"), []);
    assert_eq!(report(&mut codec, "plan"), [changed(PermissionMode::Plan)]);
}

#[test]
fn only_an_answer_that_changes_the_mode_hides_its_next_report() {
    let rules = json!({ "type": "addRules", "behavior": "allow", "rules": [{ "toolName": "Bash" }] });
    for (suggestion, is_reported) in [(rules, true), (json!({ "type": "setMode", "mode": "acceptEdits" }), false)] {
        let mut codec = new_codec(None);
        let status = |mode: &str| system("status", json!({ "permissionMode": mode })).to_string();
        codec.decode(status("plan").as_bytes());
        let request = json!({ "subtype": "can_use_tool", "tool_name": "Bash", "permission_suggestions": [suggestion] });
        let request = json!({ "type": "control_request", "request_id": "1", "request": request });
        codec.decode(request.to_string().as_bytes());
        codec.answer(&RequestId("1:0".to_owned()), &chosen(&["session"], None));
        let events = codec.decode(status("default").as_bytes()).events;
        assert_eq!(events == [AgentEvent::PermissionModeChanged(PermissionMode::Default)], is_reported);
    }
}
