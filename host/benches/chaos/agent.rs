//! An agent that speaks claude's protocol, and records each prompt in a file that all agents share.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead as _, Write as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{plan::Message, stream};

/// The argument that makes this program run as the agent. The host puts its own arguments before this one. The next
/// argument is the path of the file.
pub const ROLE: &str = "chaos-agent";

/// The session whose agent starts a process that ignores SIGTERM and outlives the agent.
pub const STUBBORN: &str = "chat-4";

/// Returns the text of a prompt, which tells the agent how long to work.
pub fn prompt(message: &Message, work: Duration) -> String {
    format!("prompt {} takes {} ms", message.number, work.as_millis())
}

/// Returns the text of a prompt that makes the agent write this many lines, at equal intervals.
pub fn streaming_prompt(number: u64, work: Duration, lines: u64) -> String {
    format!("prompt {number} takes {} ms for {lines} lines", work.as_millis())
}

/// Runs until the host closes the input or stops reading the output.
pub fn run(args: &[String], record: &Path) -> io::Result<()> {
    let id = args.iter().find_map(|arg| arg.strip_prefix("--session-id=").or(arg.strip_prefix("--resume=")));
    let agent = Agent { id: id.unwrap_or("unknown").to_owned() };
    let mut record = OpenOptions::new().append(true).open(record)?;
    if std::env::var("CORDBOARD_SESSION").as_deref() == Ok(STUBBORN) {
        start_stubborn_process()?;
    }
    for line in io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line?)?;
        match message["type"].as_str() {
            Some("control_request") => agent.acknowledge(&message)?,
            Some("user") => agent.turn(&message, &mut record)?,
            _ => {}
        }
    }
    Ok(())
}

fn start_stubborn_process() -> io::Result<()> {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' TERM; exec sleep 600"]).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(drop)
}

struct Agent {
    /// The id of the conversation.
    id: String,
}

impl Agent {
    fn acknowledge(&self, request: &Value) -> io::Result<()> {
        let response =
            json!({ "subtype": "success", "request_id": request["request_id"], "response": { "models": [] } });
        print(&[json!({ "type": "control_response", "response": response })])
    }

    fn turn(&self, prompt: &Value, record: &mut File) -> io::Result<()> {
        let text = prompt["message"].to_string();
        let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse::<u64>().ok());
        let (Some(number), Some(work)) = (numbers.next(), numbers.next()) else {
            return Err(io::Error::other(format!("not a prompt of the chaos test: {text}")));
        };
        let lines = numbers.next().unwrap_or_default();
        // The file is open for appending and the line is one write, so lines of several agents don't mix.
        record.write_all(format!("{number}\n").as_bytes())?;
        let (id, uuids) = (&self.id, json!([prompt["uuid"]]));
        let message = json!({ "id": "1", "role": "assistant", "content": [] });
        let text_block = json!({ "type": "text", "text": "" });
        print(&[
            json!({ "type": "system", "subtype": "init", "session_id": id, "model": "m" }),
            json!({
                "type": "user", "message": prompt["message"], "parent_tool_use_id": null, "uuid": prompt["uuid"],
                "isReplay": true, "session_id": id,
            }),
            self.event(&json!({ "type": "message_start", "message": message }), &uuids),
            self.event(&json!({ "type": "content_block_start", "index": 0, "content_block": text_block }), &uuids),
            self.word(&format!("answer {number} begins, "), &uuids),
        ])?;
        // Take some time, so that kills hit running turns.
        let (began, work) = (Instant::now(), Duration::from_millis(work));
        for line in 1..=lines {
            let due = work.mul_f64(line as f64 / lines as f64);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            print(&[self.word(&stream::line(line), &uuids)])?;
        }
        std::thread::sleep(work.saturating_sub(began.elapsed()));
        let end = format!("answer {number} done");
        print(&[
            self.word(&end, &uuids),
            self.event(&json!({ "type": "message_stop" }), &uuids),
            json!({
                "type": "result", "subtype": "success", "is_error": false, "terminal_reason": "completed",
                "result": end, "total_cost_usd": 0, "session_id": id, "user_message_uuids": uuids,
            }),
        ])
    }

    fn word(&self, text: &str, uuids: &Value) -> Value {
        let delta = json!({ "type": "text_delta", "text": text });
        self.event(&json!({ "type": "content_block_delta", "index": 0, "delta": delta }), uuids)
    }

    fn event(&self, event: &Value, uuids: &Value) -> Value {
        json!({
            "type": "stream_event", "event": event, "parent_tool_use_id": null, "session_id": self.id,
            "user_message_uuids": uuids,
        })
    }
}

fn print(lines: &[Value]) -> io::Result<()> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
}
