//! Tests turns with and without a prompt.

use super::*;

#[test]
fn text_before_an_accepted_prompt_is_unprompted() {
    let replay = json!({ "type": "user", "uuid": "p1", "isReplay": true, "message": { "content": [] } });
    let lines = decode(&[
        assistant("m1", "The build is done."),
        replay,
        assistant("m2", "Hello."),
        success(json!({ "user_message_uuids": ["p1"] })),
    ]);
    assert_eq!(
        lines,
        [r#"unprompted "The build is done.""#, "accepted p1", r#"0 = "Hello.""#, "finished [p1] Done 1.0000 $",]
    );
}

#[test]
fn a_background_turn_finishes_no_prompt() {
    let background = success(json!({ "origin": { "kind": "task-notification" } }));
    assert_eq!(decode(&[assistant("m1", "The build is done."), background]), [r#"unprompted "The build is done.""#]);
}

#[test]
fn a_result_without_prompt_ids_finishes_the_open_prompt() {
    assert_eq!(
        decode(&[assistant("m1", "Hello."), success(json!({}))]),
        [r#"0 = "Hello.""#, "finished [p1] Done 1.0000 $"]
    );
}

#[test]
fn messages_that_a_compaction_repeats_are_not_shown_again() {
    let message = |uuid: &str, text: &str| {
        let mut message = assistant(text, text);
        message["uuid"] = uuid.into();
        message
    };
    let metadata = json!({ "trigger": "manual", "preserved_messages": { "all_uuids": ["u1", "u2"] } });
    let lines = decode(&[
        message("u1", "First."),
        json!({ "type": "system", "subtype": "compact_boundary", "compact_metadata": metadata }),
        message("u1", "First."),
        json!({ "type": "user", "uuid": "u2", "message": { "content": [] } }),
        message("u3", "Second."),
        success(json!({})),
    ]);
    assert_eq!(lines, [r#"0 = "First.""#, r#"1 = "Second.""#, "finished [p1] Done 1.0000 $"]);
}

#[test]
fn an_error_before_the_first_turn_refuses_the_resume() {
    let mut codec = new_codec(Some("nonsense"));
    let error = json!({ "type": "result", "subtype": "success", "is_error": true, "result": "not a UUID", "session_id": "other" });
    let decode = |codec: &mut Claude, line: &Value| codec.decode(line.to_string().as_bytes()).events;
    assert_eq!(decode(&mut codec, &error), [AgentEvent::ResumeRefused("not a UUID".to_owned())]);
    let init = json!({ "type": "system", "subtype": "init", "session_id": "nonsense" });
    assert_eq!(decode(&mut codec, &init), []);
    assert!(!decode(&mut codec, &error).iter().any(|event| matches!(event, AgentEvent::ResumeRefused(_))));
}

#[test]
fn a_result_that_was_not_streamed_is_shown() {
    let lines = decode(&[success(json!({ "user_message_uuids": ["p1"] }))]);
    assert_eq!(lines, ["accepted p1", r#"0 = "all""#, "finished [p1] Done 1.0000 $"]);
}

#[test]
fn a_restarted_stream_replaces_its_text() {
    let event = |event: Value| json!({ "type": "stream_event", "user_message_uuids": ["p1"], "event": event });
    let begin = |id: &str| event(json!({ "type": "message_start", "message": { "id": id } }));
    let piece = |text: &str| event(json!({ "type": "content_block_delta", "index": 0, "delta": { "text": text } }));
    let lines =
        decode(&[begin("m1"), piece("Half of"), begin("m2"), piece("Half of it"), assistant("m2", "Half of it all")]);
    assert_eq!(
        lines,
        [
            "accepted p1",
            r#"0 + "Half of" (1 pieces)"#,
            "0 gone",
            r#"1 + "Half of it" (1 pieces)"#,
            r#"1 = "Half of it all""#,
        ]
    );
}

#[test]
fn an_unprompted_turn_is_streamed() {
    let init = || system("init", json!({ "cwd": "/w" }));
    let piece = |text: &str| {
        let event = json!({ "type": "content_block_delta", "index": 0, "delta": { "text": text } });
        json!({ "type": "stream_event", "event": event })
    };
    let background = |more: Value| {
        let mut result = success(json!({ "origin": { "kind": "task-notification" }, "result": "" }));
        more.as_object().unwrap().iter().for_each(|(name, value)| result[name] = value.clone());
        result
    };
    let lines = decode(&[
        init(),
        success(json!({ "user_message_uuids": ["p1"] })),
        init(),
        piece("The build "),
        piece("is done."),
        background(json!({})),
        // This turn begins without an `init`.
        json!({ "type": "stream_event", "event": { "type": "message_start", "message": { "id": "m2" } } }),
        piece("Once more."),
        background(json!({ "is_error": true, "result": "no credit" })),
        init(),
        background(json!({})),
    ]);
    assert_eq!(
        lines,
        [
            "accepted p1",
            r#"0 = "all""#,
            "finished [p1] Done 1.0000 $",
            "turn started",
            r#"0 + "The build is done." (2 pieces)"#,
            "finished [own] Done 1.0000 $",
            "turn started",
            r#"0 + "Once more." (1 pieces)"#,
            r#"finished [own] Failed("no credit") 1.0000 $"#,
            "turn started",
            "finished [own] Done 1.0000 $",
        ]
    );
}

#[test]
fn no_unprompted_turn_starts_before_the_first_prompt() {
    let mut codec = new_codec(None);
    let init = br#"{"type":"system","subtype":"init","session_id":"c1"}"#;
    let conversation = AgentEvent::Conversation { id: "c1".to_owned(), resumable: false };
    assert_eq!(codec.decode(init).events, [conversation]);
}

#[test]
fn a_plan_limit_is_explained_once_with_its_reset() {
    let info = json!({ "status": "rejected", "resetsAt": 1_700_000_000, "rateLimitType": "five_hour" });
    let refusal = json!({
        "type": "assistant", "is_api_error_message": true, "error": "rate_limit",
        "message": { "id": "m1", "content": [{ "type": "text", "text": "API Error: Request rejected (429)" }] },
    });
    let failed = json!({ "is_error": true, "api_error_status": 429, "result": "API Error: Request rejected (429)" });
    let lines = decode(&[json!({ "type": "rate_limit_event", "rate_limit_info": info }), refusal, success(failed)]);
    assert_eq!(
        lines,
        [
            r#"finished [p1] Failed("The account of the agent has reached its usage limit (429).\nSend the message again after 2023-11-14 22:13 UTC.") 1.0000 $"#
        ]
    );
}

#[test]
fn a_checklist_is_one_part_of_each_turn() {
    let init = || system("init", json!({}));
    let call = |name: &str| json!({ "type": "assistant", "message": { "id": "m1", "content": [{ "type": "tool_use", "id": "t1", "name": name, "input": {} }] } });
    let result = |result: Value| json!({ "type": "user", "message": { "content": [] }, "tool_use_result": result });
    let created = |id: &str| result(json!({ "task": { "id": id, "subject": format!("Step {id}") } }));
    let updated = |id: &str, to: &str| {
        result(json!({ "success": true, "taskId": id, "statusChange": { "from": "pending", "to": to } }))
    };
    let subagent = |mut message: Value| {
        message["parent_tool_use_id"] = "t2".into();
        message
    };
    let lines = decode(&[
        init(),
        call("TaskCreate"),
        created("1"),
        created("2"),
        subagent(created("3")),
        success(json!({ "user_message_uuids": ["p1"], "result": "" })),
        init(),
        assistant("m2", "On."),
        updated("1", "completed"),
        updated("1", "deleted"),
        updated("2", "deleted"),
        success(json!({ "result": "" })),
    ]);
    assert_eq!(
        lines,
        [
            "accepted p1",
            r#"0 todo "1/1 Step 1" running "☐ Step 1""#,
            r#"0 todo "1/2 Step 1" running "☐ Step 1\n☐ Step 2""#,
            r#"0 todo "1/2 Step 1" done "☐ Step 1\n☐ Step 2""#,
            "finished [p1] Done 1.0000 $",
            "turn started",
            r#"0 = "On.""#,
            r#"1 todo "2/2 Step 2" running "☑ Step 1\n☐ Step 2""#,
            r#"1 todo "1/1 Step 2" running "☐ Step 2""#,
            "1 gone",
            "finished [own] Done 1.0000 $",
        ]
    );
}

/// Returns a codec whose agent works on `p1` and has received `p2` during the turn.
fn steered() -> Claude {
    let mut codec = new_codec(None);
    codec.prompt(&prompt("p1", "hello"), &[]);
    codec.decode(replay("p1").to_string().as_bytes());
    codec.prompt(&prompt("p2", "and more"), &[]);
    codec
}

fn replay(id: &str) -> Value {
    json!({ "type": "user", "uuid": id, "isReplay": true, "message": { "content": [] } })
}

fn aborted(ids: &[&str]) -> Value {
    let (kind, why) = ("error_during_execution", "aborted_streaming");
    success(json!({ "subtype": kind, "is_error": true, "terminal_reason": why, "user_message_uuids": ids }))
}

fn decode_with(codec: &mut Claude, messages: &[Value]) -> Vec<String> {
    let mut trace = new_trace();
    messages.iter().for_each(|message| trace.add(&codec.decode(message.to_string().as_bytes())));
    trace.lines()
}

#[test]
fn an_interrupt_cancels_prompts_that_were_sent_during_the_turn() {
    let request =
        |codec: &mut Claude| serde_json::from_slice::<Value>(&codec.interrupt().line()).unwrap()["request"].clone();
    let (plain, canceling) =
        (json!({ "subtype": "interrupt" }), json!({ "subtype": "interrupt", "cancel_queued": true }));
    let mut codec = steered();
    assert_eq!(request(&mut codec), canceling);
    codec.forget(&PromptId("p2".to_owned()));
    assert_eq!(request(&mut codec), canceling);
    let canceled = json!({ "type": "command_lifecycle", "command_uuid": "p2", "state": "cancelled" });
    codec.decode(canceled.to_string().as_bytes());
    assert_eq!(request(&mut codec), plain, "a prompt that is canceled gets no result");
}

#[test]
fn the_answer_to_a_forgotten_prompt_is_not_shown() {
    let mut codec = steered();
    codec.forget(&PromptId("p2".to_owned()));
    codec.interrupt();
    // The turn of the first prompt ended just before the interrupt, which hits the next turn.
    let first = [success(json!({ "user_message_uuids": ["p1"] }))];
    assert_eq!(decode_with(&mut codec, &first), [r#"0 = "all""#, "finished [p1] Done 1.0000 $"]);
    let init = system("init", json!({ "user_message_uuids": ["p2"] }));
    let second = [init, replay("p2"), assistant("m2", "More."), aborted(&["p2"])];
    assert_eq!(decode_with(&mut codec, &second), [""; 0]);
    codec.prompt(&prompt("p3", "next"), &[]);
    let third = [replay("p3"), assistant("m3", "Next."), success(json!({ "user_message_uuids": ["p3"] }))];
    assert_eq!(decode_with(&mut codec, &third), ["accepted p3", r#"0 = "Next.""#, "finished [p3] Done 1.0000 $"]);
}

#[test]
fn an_interrupted_turn_ends_all_accepted_prompts() {
    let mut codec = steered();
    codec.decode(replay("p2").to_string().as_bytes());
    codec.interrupt();
    let lines = decode_with(&mut codec, &[aborted(&["p1"])]);
    assert_eq!(lines.last().unwrap(), "finished [p1 p2] Interrupted 1.0000 $");
}
