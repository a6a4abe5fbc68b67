//! The floor for gateways: a Bot API client on raw sockets that starts an agent for each chat and writes each message to
//! its agent's input. It stores nothing, answers nothing and ignores the agents' output.

use std::{
    collections::HashMap,
    io::Write as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{raw_client::Polls, recording_agent};

/// The argument that makes this program run as the raw gateway. The path of the file in which the agents
/// record messages and the URL of the Bot API follow.
pub const ROLE: &str = "raw-gateway";

pub fn run(records: &Path, url: &str) {
    let mut polls = Polls::open(url);
    let mut agents = HashMap::new();
    loop {
        for update in polls.next() {
            let message = &update["message"];
            let chat = message["chat"]["id"].as_i64().unwrap();
            let agent = agents.entry(chat).or_insert_with(|| start_agent(records));
            write(agent, &update["update_id"], &message["text"]);
        }
    }
}

fn start_agent(records: &Path) -> Child {
    let mut agent = Command::new(std::env::current_exe().unwrap());
    agent.arg(recording_agent::ROLE).arg(records).stdin(Stdio::piped()).stdout(Stdio::null());
    agent.spawn().unwrap()
}

/// Writes a message as claude's input.
fn write(agent: &mut Child, id: &Value, text: &Value) {
    let message = json!({ "role": "user", "content": [{ "type": "text", "text": text }] });
    let line = format!("{}\n", json!({ "type": "user", "uuid": id, "message": message }));
    agent.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
}
