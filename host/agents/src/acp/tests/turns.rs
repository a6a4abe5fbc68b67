//! Tests how turns are assembled, how they end, and what they cost.

use expect_test::expect;

use super::*;
use crate::{ModelInput, PromptFile};

/// Returns the last line of the trace of a turn that ends with this response to its prompt.
fn end(answer: Value) -> String {
    let mut script = Script::in_turn();
    let mut message = json!({ "id": 3 });
    answer.as_object().unwrap().iter().for_each(|(name, value)| message[name] = value.clone());
    script.agent(&message);
    script.lines().pop().unwrap()
}

#[test]
fn every_part_of_a_turn_is_shown() {
    let mut script = Script::in_turn();
    let thought = json!({ "sessionUpdate": "agent_thought_chunk", "content": { "type": "text", "text": "hm" } });
    let entry = |content: &str, status: &str| json!({ "content": content, "priority": "high", "status": status });
    script.says("");
    script.update(thought.clone());
    script.update(thought);
    script.says("I ");
    script.says("look.");
    script
        .update(json!({ "sessionUpdate": "plan", "entries": [entry("look", "in_progress"), entry("fix", "pending")] }));
    script.update(json!({ "sessionUpdate": "tool_call", "toolCallId": "t1", "title": "`ls`", "kind": "execute",
        "status": "pending", "rawInput": { "command": "ls" } }));
    script.update(json!({ "sessionUpdate": "tool_call_update", "toolCallId": "t1", "status": "failed",
        "content": [{ "type": "content", "content": { "type": "text", "text": "no such folder" } }] }));
    script
        .update(json!({ "sessionUpdate": "tool_call_update", "toolCallId": "t2", "title": "Edit a.rs", "kind": "edit",
        "content": [{ "type": "diff", "path": format!("{FOLDER}/a.rs"), "oldText": "a\nb\n", "newText": "a\nc\n" }] }));
    script.update(json!({ "sessionUpdate": "plan", "entries": [entry("look", "completed"), entry("fix", "pending")] }));
    script.says("Done");
    script.update(json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "image", "data": "", "mimeType": "image/png" } }));
    script.agent(&json!({ "id": 3, "result": { "stopReason": "end_turn" } }));
    expect![[r#"
        accepted p1
        0 think "Thinking" running ""
        0 think "Thinking" done ""
        1 + "I look." (2 pieces)
        2 plan "Plan, 0 of 2 done: look" running "[>] look\n[ ] fix"
        3 tool "ls" running "ls"
        3 tool "ls" failed "no such folder"
        4 tool "Edit a.rs" running "a.rs\n a\n-b\n+c"
        2 plan "Plan, 1 of 2 done" running "[x] look\n[ ] fix"
        5 + "Done\n\n*(image, not shown)*" (2 pieces)
        conversation s1, resumable
        2 plan "Plan, 1 of 2 done" done "[x] look\n[ ] fix"
        4 tool "Edit a.rs" done "a.rs\n a\n-b\n+c"
        finished [p1] Done -1.0000 $"#]]
    .assert_eq(&script.lines().join("\n"));
}

#[test]
fn messages_with_different_ids_are_different_parts() {
    let mut script = Script::in_turn();
    let chunk = |id: &str, text: &str| {
        let content = json!({ "type": "text", "text": text });
        json!({ "sessionUpdate": "agent_message_chunk", "content": content, "messageId": id })
    };
    script.update(chunk("1", "a"));
    script.update(chunk("1", "b"));
    script.update(chunk("2", "c"));
    assert_eq!(script.lines(), ["accepted p1", r#"0 + "ab" (2 pieces)"#, r#"1 + "c" (1 pieces)"#]);
}

#[test]
fn every_stop_reason_has_an_outcome() {
    let stop = |reason: &str| end(json!({ "result": { "stopReason": reason } }));
    expect![[r#"
        finished [p1] Done -1.0000 $
        finished [p1] Interrupted -1.0000 $
        finished [p1] Failed("The answer reached the model's maximum length and is incomplete. Ask the agent to continue to get the rest.") -1.0000 $
        finished [p1] Failed("The agent reached its maximum number of steps for one message. Ask it to continue if the work isn't finished.") -1.0000 $
        finished [p1] Failed("The model refused to answer. Rephrase your message, and try again.") -1.0000 $
        finished [p1] Failed("The agent stopped with the reason 'of_the_future'.") -1.0000 $
        finished [p1] Failed("The agent stopped and gave no reason.") -1.0000 $"#]].assert_eq(
        &["end_turn", "cancelled", "max_tokens", "max_turn_requests", "refusal", "of_the_future", ""]
            .map(stop)
            .join("\n"),
    );
    assert_eq!(
        end(json!({ "result": null })),
        r#"finished [p1] Failed("The agent stopped and gave no reason.") -1.0000 $"#
    );
}

#[test]
fn a_prompt_is_accepted_by_output_of_its_turn_or_its_end() {
    let mut script = Script::in_turn();
    script.update(json!({ "sessionUpdate": "available_commands_update", "availableCommands": [] }));
    script.update(json!({ "sessionUpdate": "usage_update", "used": 1, "size": 2 }));
    script.agent(&json!({ "method": "session/update", "params": { "sessionId": "another",
        "update": { "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": "x" } } } }));
    assert_eq!(script.codec.unacknowledged.len(), 1);
    script.says("");
    script.says("a");
    assert_eq!(script.lines(), ["commands ", "accepted p1", r#"0 + "a" (1 pieces)"#]);
    let mut script = Script::in_turn();
    script.agent(&json!({ "id": 3, "result": { "stopReason": "end_turn" } }));
    assert_eq!(script.lines()[0], "accepted p1");
}

#[test]
fn the_text_of_an_error_is_shown_once() {
    let failed = |texts: &[&str], error: &str| {
        let mut script = Script::in_turn();
        texts.iter().for_each(|text| script.says(text));
        script.agent(&json!({ "id": 3, "error": { "code": -32603, "message": error } }));
        script.lines()
    };
    let end = r#"finished [p1] Failed("API Error: 400 nope") -1.0000 $"#;
    let message = "Internal error: API Error: 400 nope";
    assert_eq!(
        failed(&["API Error: ", "400 nope"], message)[1..],
        [r#"0 + "API Error: 400 nope" (2 pieces)"#, "0 gone", end]
    );
    assert_eq!(failed(&["Well.\n\n", "API Error: 400 nope\n"], message)[2..], [r#"0 = "Well.""#, end]);
    assert_eq!(failed(&["Well."], message)[1..], [r#"0 + "Well." (1 pieces)"#, end]);
}

#[test]
fn a_conversation_is_resumable_once_a_prompt_was_answered() {
    let mut script = Script::in_turn();
    script.agent(&json!({ "id": 3, "error": { "code": -32603, "message": "down" } }));
    script.codec.prompt(&prompt("p2", "again"), &[]);
    script.agent(&json!({ "id": 4, "result": { "stopReason": "cancelled" } }));
    script.codec.prompt(&prompt("p3", "again"), &[]);
    script.agent(&json!({ "id": 5, "result": { "stopReason": "end_turn" } }));
    expect![[r#"
        accepted p1
        finished [p1] Failed("down") -1.0000 $
        accepted p2
        conversation s1, resumable
        finished [p2] Interrupted -1.0000 $
        accepted p3
        finished [p3] Done -1.0000 $"#]]
    .assert_eq(&script.lines().join("\n"));
}

#[test]
fn a_canceled_turn_that_ends_with_an_error_is_interrupted() {
    let mut script = Script::in_turn();
    let line = script.codec.interrupt().line();
    assert_eq!(show_line(&line), r#"session/cancel {"sessionId":"s1"}"#);
    script.says("late");
    script.agent(&json!({ "id": 3, "error": { "code": -32603, "message": "aborted" } }));
    assert_eq!(script.trace_end(), "finished [p1] Interrupted -1.0000 $");
    // Output after the end of the turn belongs to no prompt.
    script.says("later");
    script.codec.prompt(&prompt("p2", "next"), &[]);
    script.agent(&json!({ "id": 4, "error": { "code": -32603, "message": "down" } }));
    assert_eq!(script.trace_end(), r#"finished [p2] Failed("down") -1.0000 $"#);
}

#[test]
fn the_cost_is_the_last_one_in_dollars() {
    let mut script = Script::in_turn();
    for (amount, currency) in [(0.25, "USD"), (0.5, "USD"), (9.0, "EUR")] {
        let cost = json!({ "amount": amount, "currency": currency });
        script.update(json!({ "sessionUpdate": "usage_update", "used": 1, "size": 2, "cost": cost }));
    }
    script.update(json!({ "sessionUpdate": "usage_update", "used": 1, "size": 2 }));
    script.agent(&json!({ "id": 3, "result": { "stopReason": "end_turn" } }));
    assert_eq!(script.trace_end(), "finished [p1] Done 0.5000 $");
}

#[test]
fn running_actions_end_with_their_turn() {
    let mut script = Script::in_turn();
    script.update(json!({ "sessionUpdate": "tool_call", "toolCallId": "t1", "title": "Wait" }));
    script.agent(&json!({ "id": 3, "result": { "stopReason": "cancelled" } }));
    assert!(script.lines().contains(&r#"0 tool "Wait" failed """#.to_owned()));
}

#[test]
fn only_an_agents_command_begins_with_a_slash() {
    let mut acp = new_codec(&launch());
    let sent = |acp: &mut Acp, kind, text: &str| {
        let line = acp.prompt(&Prompt { kind, ..prompt("p1", text) }, &[]);
        let line: Value = serde_json::from_slice(&line).unwrap();
        line["params"]["prompt"][0]["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(sent(&mut acp, PromptKind::AgentCommand, "//review src"), "/review src");
    assert_eq!(sent(&mut acp, PromptKind::Text, "/etc/hosts is wrong"), " /etc/hosts is wrong");
}

#[test]
fn only_an_agent_that_accepts_images_gets_them() {
    let file = |media_type: &str| PromptFile {
        note: format!("[{media_type}]"),
        input: Some(ModelInput { media_type: media_type.to_owned(), base64: "aGk=".to_owned() }),
    };
    let text = json!({ "type": "text", "text": "what is it?\n\n[image/png]\n[application/pdf]" });
    let image = json!({ "type": "image", "data": "aGk=", "mimeType": "image/png" });
    for (accepts, expected) in [(true, json!([text, image])), (false, json!([text]))] {
        let mut script = Script::new(&launch());
        script.open();
        script.agent(&initialized(json!({ "promptCapabilities": { "image": accepts } })));
        script.agent(&json!({ "id": 2, "result": { "sessionId": "s1" } }));
        let files = [file("image/png"), file("application/pdf")];
        let line = script.codec.prompt(&prompt("p1", "what is it?"), &files);
        let line: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(line["params"]["prompt"], expected);
    }
}
