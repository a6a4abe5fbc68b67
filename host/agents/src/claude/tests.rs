//! Replays recorded runs of the real CLI through the codec. Recorded input is encoded again, recorded output is
//! decoded, and a trace file next to each recording has one line per event. `UPDATE_EXPECT=1` rewrites the traces.

use std::path::Path;

use cordboard_core::{
    agent::{ActionState, BackgroundTask, Change},
    types::Place,
};
use expect_test::expect_file;

use super::{control::INITIALIZE, *};

/// Returns the events of a recording, one per line. Lines with `>` are actions of the host.
fn trace(recording: &str) -> String {
    let mut records = recording.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let about = records.next().unwrap();
    let mut codec = Claude::new(&launch(&about["argv"]));
    let mut trace = Trace::default();
    trace.line(format!("# {}", text(&about, "about")));
    for record in records {
        let message = &record["msg"];
        if record["dir"] == ">" {
            ask(&mut codec, message).into_iter().for_each(|line| trace.line(line));
            continue;
        }
        // Lines that were not JSON are recorded as strings.
        let line = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
        let decoded = codec.decode(line.as_bytes());
        decoded.events.iter().for_each(|event| trace.event(event));
        decoded.lines.iter().for_each(|line| trace.line(format!("> {}", answer(line))));
    }
    trace.end()
}

/// Returns the launch for the recorded command line, with its `--resume`.
fn launch(argv: &Value) -> Launch {
    let args: Vec<&str> = argv.as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    let next = args.iter().skip_while(|arg| **arg != "--resume").nth(1);
    let resume = args.iter().find_map(|arg| arg.strip_prefix("--resume=")).or(next.copied());
    Launch { resume: resume.map(str::to_owned), model: None, instructions: String::new() }
}

fn prompt(id: &str, text: &str) -> Prompt {
    let place = Place::new("test", "1");
    Prompt { id: PromptId(id.to_owned()), place, text: text.to_owned() }
}

/// Repeats an action of the recorded host, if this host supports it.
fn ask(codec: &mut Claude, message: &Value) -> Option<String> {
    match (text(message, "type"), text(&message["request"], "subtype")) {
        ("user", _) => {
            let id = text(message, "uuid");
            codec.prompt(&prompt(id, text(&message["message"]["content"][0], "text")));
            Some(format!("> prompt {}", short(id)))
        }
        ("control_request", "interrupt") => {
            codec.interrupt();
            Some("> interrupt".to_owned())
        }
        _ => None,
    }
}

/// The lines of a trace. Consecutive pieces of one text share a line.
#[derive(Default)]
struct Trace {
    lines: Vec<String>,
    /// Turns that the agent started itself. Their ids are random.
    own: Vec<PromptId>,
    pieces: Option<(u32, String, usize)>,
}

impl Trace {
    fn event(&mut self, event: &AgentEvent) {
        if let AgentEvent::TurnStarted(id) = event {
            self.own.push(id.clone());
        }
        if let AgentEvent::Part { at, change: Change::Append(more) } = event {
            match &mut self.pieces {
                Some((part, text, count)) if part == at => {
                    text.push_str(more);
                    *count += 1;
                }
                _ => {
                    self.flush();
                    self.pieces = Some((*at, more.clone(), 1));
                }
            }
        } else {
            let line = self.own.iter().fold(show(event), |line, own| line.replace(short(&own.0), "own"));
            self.line(line);
        }
    }

    fn line(&mut self, line: String) {
        self.flush();
        self.lines.push(line);
    }

    fn flush(&mut self) {
        if let Some((part, text, count)) = self.pieces.take() {
            self.lines.push(format!("{part} + {} ({count} pieces)", cut(&text)));
        }
    }

    fn end(mut self) -> String {
        self.flush();
        self.lines.join("\n") + "\n"
    }
}

fn show(event: &AgentEvent) -> String {
    match event {
        AgentEvent::Ready { models } => format!("ready {models:?}"),
        AgentEvent::Conversation { id, resumable } => {
            format!("conversation {}{}", short(id), if *resumable { ", resumable" } else { "" })
        }
        AgentEvent::PromptAccepted(prompt) => format!("taken {}", short(&prompt.0)),
        AgentEvent::Part { at, change } => format!("{at} {}", show_change(change)),
        AgentEvent::Denied { tool, detail } => format!("denied {tool}: {detail}"),
        AgentEvent::Finished { answered, outcome, cost_usd } => {
            let answered: Vec<_> = answered.iter().map(|prompt| short(&prompt.0)).collect();
            format!("finished [{}] {outcome:?} {:.4} $", answered.join(" "), cost_usd.unwrap_or(-1.0))
        }
        AgentEvent::InterruptAccepted => "interrupt taken".to_owned(),
        AgentEvent::Background(work) => format!("background {:?}", work.iter().map(show_work).collect::<Vec<_>>()),
        AgentEvent::TurnStarted(_) => "began by itself".to_owned(),
        AgentEvent::UnpromptedText(text) => format!("unasked {}", cut(text)),
        AgentEvent::ResumeRefused(why) => format!("resume refused: {why}"),
    }
}

fn show_work(work: &BackgroundTask) -> String {
    let until = work.until.map(|until| format!(" until {}", until.0));
    format!("{}{}", work.about, until.unwrap_or_default())
}

fn show_change(change: &Change) -> String {
    match change {
        Change::Append(more) => format!("+ {}", cut(more)),
        Change::Text(text) => format!("= {}", cut(text)),
        Change::Remove => "gone".to_owned(),
        Change::Action(action) => {
            let state = match action.state {
                ActionState::Running => "running",
                ActionState::Done => "done",
                ActionState::Failed => "failed",
            };
            format!("{} {:?} {state} {}", action.kind, action.title, cut(&action.detail))
        }
    }
}

/// Summarizes the host's answer to a control request.
fn answer(line: &[u8]) -> String {
    let response = &serde_json::from_slice::<Value>(line).unwrap()["response"];
    format!("{} {} {}", text(response, "subtype"), response["response"]["behavior"], cut(text(response, "error")))
}

fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

fn cut(text: &str) -> String {
    let count = text.chars().count();
    if count <= 70 { format!("{text:?}") } else { format!("{:?}…{count}", text.chars().take(70).collect::<String>()) }
}

#[test]
fn recordings_decode_to_their_traces() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/claude");
    let mut count = 0;
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let recording = std::fs::read_to_string(&path).unwrap();
            expect_file![path.with_extension("trace")].assert_eq(&trace(&recording));
            count += 1;
        }
    }
    assert!(count > 40, "only {count} recordings in {}", folder.display());
}

/// Returns the trace of these lines, for a codec with one open prompt.
fn told(lines: &[Value]) -> Vec<String> {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    told_raw(&lines.iter().map(String::as_bytes).collect::<Vec<_>>())
}

/// Like [`told`], but for raw lines.
fn told_raw(lines: &[&[u8]]) -> Vec<String> {
    let mut codec = Claude::new(&launch(&json!([])));
    codec.prompt(&prompt("p1", "hello"));
    let mut trace = Trace::default();
    for line in lines {
        let decoded = codec.decode(line);
        decoded.events.iter().for_each(|event| trace.event(event));
        decoded.lines.iter().for_each(|line| trace.line(format!("> {}", answer(line))));
    }
    trace.flush();
    trace.lines
}

fn said(id: &str, text: &str) -> Value {
    json!({ "type": "assistant", "message": { "id": id, "content": [{ "type": "text", "text": text }] } })
}

fn done(more: Value) -> Value {
    let mut result =
        json!({ "type": "result", "subtype": "success", "is_error": false, "result": "all", "total_cost_usd": 1 });
    more.as_object().unwrap().iter().for_each(|(name, value)| result[name] = value.clone());
    result
}

#[test]
fn initialize_sends_the_persona_and_its_reply_means_ready() {
    let launch = Launch { resume: None, model: None, instructions: "Be \"kind\".\nAlways.".to_owned() };
    let opening: Value = serde_json::from_slice(&Claude::new(&launch).open()[0]).unwrap();
    let request = json!({
        "subtype": "initialize", "appendSystemPrompt": "Be \"kind\".\nAlways.", "systemPromptSnapshot": false,
    });
    assert_eq!(opening, json!({ "type": "control_request", "request_id": INITIALIZE, "request": request }));
    let answer = |subtype: &str| {
        let models = json!([{ "value": "default" }, { "value": "opus" }, { "name": "no value" }]);
        let response = json!({ "subtype": subtype, "request_id": INITIALIZE, "response": { "models": models } });
        json!({ "type": "control_response", "response": response })
    };
    assert_eq!(told(&[answer("success")]), [r#"ready ["default", "opus"]"#]);
    let refused = json!({ "subtype": "error", "request_id": INITIALIZE, "error": "unknown request" });
    assert_eq!(told(&[json!({ "type": "control_response", "response": refused })]), ["ready []"]);
}

#[test]
fn a_prompt_is_one_line_without_file_references() {
    let mut codec = Claude::new(&launch(&json!([])));
    let line = codec.prompt(&prompt("p1", "look at @/etc/passwd\nand \u{1f600}"));
    assert!(!line.contains(&b'\n'));
    let line: Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(line["client_composed"], true);
    assert_eq!(line["uuid"], "p1");
    assert_eq!(line["message"]["content"][0]["text"], "look at @/etc/passwd\nand \u{1f600}");
}

#[test]
fn every_request_of_the_agent_is_answered() {
    let ask = |id: &str, request: Value| json!({ "type": "control_request", "request_id": id, "request": request });
    let lines = told(&[
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
            "denied Bash: rm -r x",
            r#"> success "deny" """#,
            r#"> success "deny" """#,
            r#"> error null "this host does not support 'elicitation'""#,
            r#"> error null "this host does not support ''""#,
        ]
    );
}

#[test]
fn unknown_lines_decode_to_nothing() {
    let mut codec = Claude::new(&launch(&json!([])));
    for line in [
        &b""[..],
        b"no JSON",
        b"\xff\xfe",
        b"null",
        b"[1]",
        b"\"text\"",
        b"{\"type\":7}",
        b"{\"type\":\"from_the_future\"}",
    ] {
        assert_eq!(codec.decode(line), Decoded::default());
    }
    assert_eq!(codec.skipped, 3);
}

#[test]
fn text_before_an_accepted_prompt_is_unprompted() {
    let replay = json!({ "type": "user", "uuid": "p1", "isReplay": true, "message": { "content": [] } });
    let lines = told(&[
        said("m1", "The build is done."),
        replay,
        said("m2", "Hello."),
        done(json!({ "user_message_uuids": ["p1"] })),
    ]);
    assert_eq!(
        lines,
        [r#"unasked "The build is done.""#, "taken p1", r#"0 = "Hello.""#, "finished [p1] Done 1.0000 $",]
    );
}

#[test]
fn a_background_turn_finishes_no_prompt() {
    let background = done(json!({ "origin": { "kind": "task-notification" } }));
    assert_eq!(told(&[said("m1", "The build is done."), background]), [r#"unasked "The build is done.""#]);
}

#[test]
fn a_result_without_prompt_ids_finishes_the_open_prompt() {
    assert_eq!(told(&[said("m1", "Hello."), done(json!({}))]), [r#"0 = "Hello.""#, "finished [p1] Done 1.0000 $"]);
}

#[test]
fn an_error_before_the_first_turn_refuses_the_resume() {
    let mut codec = Claude::new(&launch(&json!(["--resume=nonsense"])));
    let error = json!({ "type": "result", "subtype": "success", "is_error": true, "result": "not a UUID", "session_id": "other" });
    let decode = |codec: &mut Claude, line: &Value| codec.decode(line.to_string().as_bytes()).events;
    assert_eq!(decode(&mut codec, &error), [AgentEvent::ResumeRefused("not a UUID".to_owned())]);
    let init = json!({ "type": "system", "subtype": "init", "session_id": "nonsense" });
    assert_eq!(decode(&mut codec, &init), []);
    assert!(!decode(&mut codec, &error).iter().any(|event| matches!(event, AgentEvent::ResumeRefused(_))));
}

#[test]
fn a_result_that_was_not_streamed_is_shown() {
    let lines = told(&[done(json!({ "user_message_uuids": ["p1"] }))]);
    assert_eq!(lines, ["taken p1", r#"0 = "all""#, "finished [p1] Done 1.0000 $"]);
}

#[test]
fn a_restarted_stream_replaces_its_text() {
    let event = |event: Value| json!({ "type": "stream_event", "user_message_uuids": ["p1"], "event": event });
    let begin = |id: &str| event(json!({ "type": "message_start", "message": { "id": id } }));
    let piece = |text: &str| event(json!({ "type": "content_block_delta", "index": 0, "delta": { "text": text } }));
    let lines = told(&[begin("m1"), piece("Half of"), begin("m2"), piece("Half of it"), said("m2", "Half of it all")]);
    assert_eq!(
        lines,
        [
            "taken p1",
            r#"0 + "Half of" (1 pieces)"#,
            "0 gone",
            r#"1 + "Half of it" (1 pieces)"#,
            r#"1 = "Half of it all""#,
        ]
    );
}

#[test]
fn damaged_text_is_shown_and_ends_its_turn() {
    for (damaged, text) in [
        (&br"half \ud83d smile"[..], "half \u{fffd} smile"),
        (br"\udc00", "\u{fffd}"),
        (b"caf\xe9", "caf\u{fffd}"),
        (b"\x1b[1mbold", "\u{1b}[1mbold"),
    ] {
        let said = [
            br#"{"type":"assistant","message":{"id":"m1","content":[{"type":"text","text":""#,
            damaged,
            br#""}]},"user_message_uuids":["p1"]}"#,
        ];
        let result = [
            br#"{"type":"result","subtype":"success","result":""#,
            damaged,
            br#"","total_cost_usd":1e999,"user_message_uuids":["p1"]}"#,
        ];
        assert_eq!(
            told_raw(&[&said.concat(), &result.concat()]),
            ["taken p1".to_owned(), format!("0 = {text:?}"), "finished [p1] Done -1.0000 $".to_owned()]
        );
    }
}

#[test]
fn a_truncated_result_fails_its_turn() {
    const FAILED: &str = r#"finished [p1] Failed("The agent's last line of this answer could not be read.") -1.0000 $"#;
    let replay = br#"{"type":"user","uuid":"p1","isReplay":true,"message":{"content":[]}}"#;
    for line in [
        &br#"{"type":"result","subtype":"success","result":"Al"#[..],
        br#"{"type":"result",oops"#,
        // The order of fields in the real CLI.
        br#"{"duration_api_ms":117,"stop_reason":"end_turn","session_id":"c1","result":"Al"#,
    ] {
        let told = told_raw(&[replay, line]);
        assert_eq!(told.first().map(String::as_str), Some("taken p1"));
        assert_eq!(told.last().map(String::as_str), Some(FAILED), "{}", String::from_utf8_lossy(line));
    }
    let skipped = told_raw(&[replay, br#"{"type":"system","subtype":"in"#, br#"{"type":"resu"#, b"result", b"{"]);
    assert_eq!(skipped, ["taken p1"]);
}

#[test]
fn a_result_between_other_text_ends_its_turn() {
    let result = r#"{"type":"result","subtype":"success","result":"all","user_message_uuids":["p1"]}"#;
    let next = r#"{"type":"system","subtype":"background_tasks_changed","tasks":[{"description":"build"}]}"#;
    let ended = ["taken p1", r#"0 = "all""#, "finished [p1] Done -1.0000 $"];
    for line in [
        format!("debug {result}"),
        format!("\u{1b}[2K{result}\u{1b}[0m"),
        format!("{result},"),
        result.replace('}', ",}"),
        format!("{result}{{\"type\":\"sys"),
        format!(r#"{{"type":"system","subt{result}"#),
        format!("[{result}]"),
    ] {
        assert_eq!(told_raw(&[line.as_bytes()]), ended, "{line}");
    }
    let echo = br#"read {"type":"control_request","request_id":"1","request":{"subtype":"initialize"}}"#;
    assert_eq!(told_raw(&[echo]), [""; 0]);
    let both = told_raw(&[format!("{result}{next}").as_bytes()]);
    assert_eq!(both, [&ended[..], &[r#"background ["build"]"#]].concat());
}

#[test]
fn a_truncated_request_is_answered() {
    let line = br#"{"type":"control_request","request_id":"1","request":{"subtype":"can_use_t"#;
    assert_eq!(told_raw(&[line]), [r#"> error null "this host does not support ''""#]);
}

#[test]
fn a_denial_is_reported_once() {
    let denied = |tool: &str, id: &str| {
        let mut denied = json!({ "tool_name": tool, "tool_use_id": id });
        denied["tool_input"] = json!({ "command": format!("rm {id}"), "file_path": format!("/w/{id}") });
        denied
    };
    let asked = |mut request: Value| {
        (request["subtype"], request["input"]) = ("can_use_tool".into(), request["tool_input"].clone());
        json!({ "type": "control_request", "request_id": "1", "request": request })
    };
    let by_the_cli = |mut message: Value| {
        (message["type"], message["subtype"]) = ("system".into(), "permission_denied".into());
        message.as_object_mut().unwrap().remove("tool_input");
        message
    };
    let call = json!({ "type": "tool_use", "id": "t2", "name": "Read", "input": { "file_path": "/w/t2" } });
    let lines = told(&[
        json!({ "type": "system", "subtype": "init", "cwd": "/w" }),
        asked(denied("Bash", "t1")),
        json!({ "type": "assistant", "message": { "id": "m1", "content": [call] }, "user_message_uuids": ["p1"] }),
        by_the_cli(denied("Read", "t2")),
        by_the_cli(denied("Write", "t3")),
        by_the_cli(denied("Glob", "t4")),
        done(json!({
            "user_message_uuids": ["p1"],
            "permission_denials": [
                denied("Bash", "t1"), denied("Read", "t2"), denied("Write", "t3"), denied("Edit", "t5"),
                denied("AskUserQuestion", "t6"),
            ],
        })),
        done(json!({ "user_message_uuids": ["p1"], "permission_denials": [denied("Write", "t3")] })),
    ]);
    let lines: Vec<_> = lines.iter().filter(|line| line.starts_with("denied")).collect();
    assert_eq!(
        lines,
        ["denied Bash: rm t1", "denied Read: t2", "denied Write: rm t3", "denied Edit: rm t5", "denied Glob: "]
    );
}

fn task(id: &str, about: &str) -> Value {
    json!({ "task_id": id, "task_type": "local_bash", "description": about })
}

fn system(subtype: &str, mut message: Value) -> Value {
    (message["type"], message["subtype"]) = ("system".into(), subtype.into());
    message
}

#[test]
fn background_work_is_tracked_from_each_message() {
    let in_foreground = json!({ "task_id": "f", "description": "wait", "is_backgrounded": false });
    let lines = told(&[
        system("task_started", in_foreground),
        system("background_tasks_changed", json!({ "tasks": [task("a", "build"), task("b", "")] })),
        system("task_started", task("a", "build")),
        system("task_started", task("c", "a subagent")),
        system("task_updated", json!({ "task_id": "a", "patch": { "status": "running" } })),
        system("task_updated", json!({ "task_id": "a", "patch": { "status": "completed" } })),
        system("task_notification", json!({ "task_id": "b", "status": "failed" })),
        system("task_notification", json!({ "task_id": "b", "status": "failed" })),
        system("background_tasks_changed", json!({ "tasks": [] })),
        system("background_tasks_changed", json!({})),
    ]);
    assert_eq!(
        lines,
        [
            r#"background ["build", "local_bash"]"#,
            r#"background ["build", "local_bash", "a subagent"]"#,
            r#"background ["local_bash", "a subagent"]"#,
            r#"background ["a subagent"]"#,
            "background []",
        ]
    );
}

fn result(result: &Value) -> Value {
    json!({ "type": "user", "message": { "content": [] }, "tool_use_result": result })
}

#[test]
fn a_wake_up_is_read_from_its_tool_result() {
    let result = |time: Value| result(&json!({ "scheduledFor": time }));
    let lines = told(&[
        result(json!(1_795_246_666_409_u64)),
        result(json!(1_795_246_666)),
        result(json!("2026-11-21T07:37:46.409Z")),
        result(Value::Null),
        result(json!("soon")),
        result(json!(1_795_246_666)),
        result(json!(0)),
        json!({ "type": "user", "message": { "content": [] }, "tool_use_result": "scheduledFor" }),
    ]);
    assert_eq!(
        lines,
        [
            r#"background ["a wake-up until 1795246666409"]"#,
            r#"background ["a wake-up until 1795246666000"]"#,
            r#"background ["a wake-up until 1795246666409"]"#,
            "background []",
            r#"background ["a wake-up until 1795246666000"]"#,
            "background []",
        ]
    );
}

/// Results of the CLI 2.1.329.
#[test]
fn scheduled_jobs_are_background_work() {
    let created = json!({ "id": "5ec44a43", "humanSchedule": "Every 5 minutes", "recurring": true, "durable": false,
        "nextFireAt": 1_795_861_655_504_u64 });
    let once = json!({ "id": "5e1ebf38", "humanSchedule": "Every day at 4:30 AM", "recurring": false, "durable": false,
        "nextFireAt": 1_795_926_566_910.900_4 });
    let listed = json!({ "jobs": [{ "id": "5e1ebf38", "cron": "30 4 * * *", "humanSchedule": "Every day at 4:30 AM",
        "prompt": "once", "durable": false, "nextFireAt": 1_795_926_566_910.900_4 }] });
    let mut of_subagent = result(&json!({ "jobs": [] }));
    of_subagent["parent_tool_use_id"] = "t1".into();
    let lines = told(&[
        result(&created),
        system("background_tasks_changed", json!({ "tasks": [task("a", "build")] })),
        result(&once),
        result(&json!("Error: Too many scheduled jobs (max 50). Cancel one first.")),
        result(&json!({ "id": "another" })),
        result(&json!({ "scheduledFor": 1_795_861_500_000_u64 })),
        result(&json!({ "id": "loop", "endedLoopWakeup": true })),
        result(&json!({ "id": "5ec44a43" })),
        result(&created),
        result(&listed),
        of_subagent,
        result(&json!({ "jobs": [] })),
    ]);
    let (job, once) = (r#""wake-ups (Every 5 minutes) until 1796466455504""#, r#""a wake-up until 1795926566910""#);
    assert_eq!(
        lines,
        [
            format!("background [{job}]"),
            format!(r#"background ["build", {job}]"#),
            format!(r#"background ["build", {job}, {once}]"#),
            format!(r#"background ["build", {job}, {once}, "a wake-up until 1795861500000"]"#),
            format!(r#"background ["build", {job}, {once}]"#),
            format!(r#"background ["build", {once}]"#),
            format!(r#"background ["build", {once}, {job}]"#),
            format!(r#"background ["build", {once}]"#),
            r#"background ["build"]"#.to_owned(),
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
        let mut result = done(json!({ "origin": { "kind": "task-notification" }, "result": "" }));
        more.as_object().unwrap().iter().for_each(|(name, value)| result[name] = value.clone());
        result
    };
    let lines = told(&[
        init(),
        done(json!({ "user_message_uuids": ["p1"] })),
        init(),
        piece("The build "),
        piece("is done."),
        background(json!({})),
        // A turn without an `init`.
        piece("Once more."),
        background(json!({ "is_error": true, "result": "no credit" })),
        init(),
        background(json!({})),
    ]);
    assert_eq!(
        lines,
        [
            "taken p1",
            r#"0 = "all""#,
            "finished [p1] Done 1.0000 $",
            "began by itself",
            r#"0 + "The build is done." (2 pieces)"#,
            "finished [own] Done 1.0000 $",
            "began by itself",
            r#"0 + "Once more." (1 pieces)"#,
            r#"finished [own] Failed("no credit") 1.0000 $"#,
            "began by itself",
            "finished [own] Done 1.0000 $",
        ]
    );
}

#[test]
fn no_unprompted_turn_starts_before_the_first_prompt() {
    let mut codec = Claude::new(&launch(&json!([])));
    let init = br#"{"type":"system","subtype":"init","session_id":"c1"}"#;
    let conversation = AgentEvent::Conversation { id: "c1".to_owned(), resumable: false };
    assert_eq!(codec.decode(init).events, [conversation]);
}

#[test]
fn an_acknowledged_interrupt_is_reported() {
    let mut codec = Claude::new(&launch(&json!([])));
    let answer =
        |id: &str| json!({ "type": "control_response", "response": { "subtype": "success", "request_id": id } });
    let decode = |codec: &mut Claude, id: &str| codec.decode(answer(id).to_string().as_bytes()).events;
    codec.interrupt();
    codec.interrupt();
    assert_eq!(decode(&mut codec, "cordboard-1"), []);
    assert_eq!(decode(&mut codec, "cordboard-2"), [AgentEvent::InterruptAccepted]);
}

#[test]
fn blank_lines_after_a_printed_reason_keep_it() {
    let mut codec = Claude::new(&launch(&json!([])));
    for line in [&b"\x1b[31mno credit\x1b[0m\r"[..], b"", b" \r"] {
        codec.decode(line);
    }
    assert!(codec.last_stderr_line().is_some_and(|words| words.contains("no credit")));
}

#[test]
fn an_error_printed_as_json_is_the_reason() {
    let reason = |lines: &[&str]| {
        let mut codec = Claude::new(&launch(&json!([])));
        let events: Vec<_> = lines.iter().flat_map(|line| codec.decode(line.as_bytes()).events).collect();
        assert_eq!(events, [], "{lines:?}");
        codec.last_stderr_line().map(str::to_owned)
    };
    for line in [
        r#"{"error":"no key"}"#,
        r#"{"type":"error","error":{"type":"authentication_error","message":"no key"}}"#,
        r#"{"level":"fatal","message":"no key"}"#,
        r#"{"type":"result","subtype":"success","is_error":true,"result":"no key"}"#,
        r#"{"type":"result","subtype":"error_during_execution","errors":["no key"]}"#,
    ] {
        assert_eq!(reason(&[line, ""]).as_deref(), Some("no key"), "{line}");
        assert_eq!(reason(&[line, r#"{"type":"system","subtype":"status"}"#]), None, "{line}");
    }
    assert_eq!(reason(&[r#"bad {"type":"x"}"#]).as_deref(), Some(r#"bad {"type":"x"}"#));
    assert_eq!(reason(&[r#"{"code":7}"#]).as_deref(), Some(r#"{"code":7}"#));
    assert_eq!(reason(&[r#"{"type":"from_the_future"}"#]), None);
}
