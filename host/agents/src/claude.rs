//! The claude stream-json protocol, as the CLI speaks it on stdin and stdout. The demo agent speaks it too. Tracks
//! the prompts sent to one process and those still open. Skips unknown lines and never fails on them, because
//! releases of the CLI add new kinds of messages.

mod action;
mod background;
mod control;
mod denials;
mod result;
mod turn;

use std::collections::BTreeSet;

use cordboard_core::{
    agent::{AgentEvent, Outcome, PromptId},
    render::{UNTRUSTED_LENGTH, one_line},
    session::{Launch, Prompt},
    tolerant_json::{self, Object},
};
use serde_json::{Value, json};

use super::{Codec, Decoded};
use background::Background;
use denials::Denials;
use turn::Turn;

/// The number of bytes to read from an invalid line. It's enough to fill the log line.
const SKIPPED: usize = 4 * UNTRUSTED_LENGTH;

/// The codec of one process.
pub(super) struct Claude {
    /// The instructions of the persona. They are part of `initialize`, because the CLI ignores the flag for them when
    /// it resumes a conversation.
    instructions: String,
    conversation: Option<String>,
    resumable: bool,
    /// The process resumes a conversation and no turn has begun. An error then means that the resume was refused.
    resuming: bool,
    /// Prompts that were sent and not answered.
    open: BTreeSet<PromptId>,
    taken: BTreeSet<PromptId>,
    /// The id of the running turn, if the agent started it without a prompt.
    own: Option<PromptId>,
    /// A prompt was sent to this process. The agent starts turns of its own only after that.
    prompted: bool,
    /// This CLI includes the ids of prompts in its messages. A result without ids then answers no prompt.
    names_prompts: bool,
    turn: Turn,
    denials: Denials,
    background: Background,
    interrupts: u32,
    /// The host sent an interrupt in this turn.
    interrupted: bool,
    skipped: u64,
    /// The last line, if it was not a message, or the error in it.
    last_words: Option<String>,
}

impl Claude {
    pub(super) fn new(launch: &Launch) -> Self {
        Self {
            instructions: launch.instructions.clone(),
            conversation: launch.resume.clone(),
            resumable: launch.resume.is_some(),
            resuming: launch.resume.is_some(),
            open: BTreeSet::new(),
            taken: BTreeSet::new(),
            own: None,
            prompted: false,
            names_prompts: false,
            turn: Turn::default(),
            denials: Denials::default(),
            background: Background::default(),
            interrupts: 0,
            interrupted: false,
            skipped: 0,
            last_words: None,
        }
    }

    fn message(&mut self, message: &Value, decoded: &mut Decoded) {
        let events = &mut decoded.events;
        let kind = text(message, "type");
        if !kind.is_empty() {
            self.last_words = None;
        }
        match kind {
            "system" => self.system(message, events),
            "user" => self.user(message, events),
            "assistant" => self.assistant(message, events),
            "stream_event" if is_own(message) => {
                self.note_prompts(message, events);
                self.begin_own(events);
                self.turn.stream(message);
            }
            "command_lifecycle" if text(message, "state") == "started" => {
                self.take(text(message, "command_uuid"), events);
            }
            "result" => self.result(message, events),
            "control_request" => control::answer(message, &self.turn.folder, &mut self.denials, decoded),
            "control_response" => control::response(&message["response"], &self.last_interrupt(), events),
            _ => self.last_words = result::reason(message).or_else(|| self.last_words.take()),
        }
    }

    fn system(&mut self, message: &Value, events: &mut Vec<AgentEvent>) {
        self.note_prompts(message, events);
        match text(message, "subtype") {
            // The CLI repeats this message for each turn.
            "init" => {
                self.resuming = false;
                self.turn.folder(text(message, "cwd"));
                self.note_conversation(message, false, events);
                if self.prompted {
                    self.begin_own(events);
                }
            }
            "api_retry" => self.turn.retry(message),
            "permission_denied" => events.extend(self.denials.by_the_cli(message, &self.turn)),
            _ => events.extend(self.background.read(message)),
        }
    }

    fn user(&mut self, message: &Value, events: &mut Vec<AgentEvent>) {
        events.extend(self.background.read_result(message));
        if message["isReplay"] == true {
            self.take(text(message, "uuid"), events);
        } else if is_own(message) {
            self.turn.tool_results(&message["message"]["content"]);
        }
    }

    fn assistant(&mut self, message: &Value, events: &mut Vec<AgentEvent>) {
        self.note_conversation(message, true, events);
        if !is_own(message) {
            return;
        }
        self.note_prompts(message, events);
        // The `result` repeats the text of an API error, and is shown instead.
        if message["is_api_error_message"] != true {
            self.begin_own(events);
            self.turn.whole(&message["message"]);
        }
    }

    fn result(&mut self, message: &Value, events: &mut Vec<AgentEvent>) {
        if let Some(refused) = result::refused_resume(message, self.resuming) {
            events.push(AgentEvent::ResumeRefused(refused));
            return;
        }
        self.note_conversation(message, true, events);
        self.note_prompts(message, events);
        events.extend(self.denials.of_result(message, &self.turn.folder));
        let outcome = result::outcome(message, self.interrupted);
        let mut turn = std::mem::take(&mut self.turn);
        if let Outcome::Failed(why) = &outcome
            && !self.prompted
        {
            self.last_words = Some(why.clone());
            return;
        }
        let unasked = result::is_background(message) || self.names_prompts || self.open.is_empty();
        if !turn.shown && unasked {
            events.extend(result::unasked(&turn.texts(), &outcome));
            return;
        }
        self.interrupted = false;
        turn.finish(&outcome, text(message, "result"));
        events.extend(turn.changes());
        let answered = self.own.take().map_or_else(|| self.answered(message), |own| vec![own]);
        for prompt in &answered {
            self.open.remove(prompt);
            self.taken.remove(prompt);
        }
        events.push(AgentEvent::Finished { answered, outcome, cost_usd: message["total_cost_usd"].as_f64() });
    }

    /// Returns the prompts that a result answers. An older CLI doesn't name them; its result then answers all prompts
    /// it has acknowledged, or all open ones if it acknowledges none.
    fn answered(&self, message: &Value) -> Vec<PromptId> {
        let named: Vec<PromptId> = prompts(message).collect();
        let fallback = if self.taken.is_empty() { &self.open } else { &self.taken };
        if named.is_empty() { fallback.iter().cloned().collect() } else { named }
    }

    /// Starts a turn of the agent's own if no prompt is open. Output that arrives while a prompt is open may belong
    /// to that prompt, so it is buffered.
    fn begin_own(&mut self, events: &mut Vec<AgentEvent>) {
        if self.open.is_empty() && self.own.is_none() {
            let own = PromptId(uuid::Uuid::new_v4().to_string());
            events.push(AgentEvent::TurnStarted(own.clone()));
            self.own = Some(own);
            self.turn.shown = true;
        }
    }

    /// Treats prompt ids in a message as an acknowledgement: the message belongs to the turn of that prompt.
    fn note_prompts(&mut self, message: &Value, events: &mut Vec<AgentEvent>) {
        for prompt in prompts(message) {
            self.names_prompts = true;
            self.take(&prompt.0, events);
        }
    }

    fn take(&mut self, id: &str, events: &mut Vec<AgentEvent>) {
        let id = PromptId(id.to_owned());
        if !self.open.contains(&id) {
            return;
        }
        if self.own.take().is_some() {
            // The session only sends a prompt if it has dropped the agent's own turn.
            self.turn = Turn::default();
        }
        if !self.turn.shown {
            // A background task's turn becomes the turn of a prompt. Its earlier text answers no prompt.
            let before = self.turn.texts();
            if !before.is_empty() {
                events.push(AgentEvent::UnpromptedText(before));
                self.turn = Turn::default();
            }
            self.turn.shown = true;
        }
        if self.taken.insert(id.clone()) {
            events.push(AgentEvent::PromptAccepted(id));
        }
    }

    fn last_interrupt(&self) -> String {
        format!("cordboard-{}", self.interrupts)
    }

    /// Handles the messages in a line that is not one message. Also handles truncated requests and results: the agent
    /// waits for an answer, and the session for the end of its turn. Behind other text, only a result counts: the rest
    /// may be the program's remarks about what it has read.
    fn messages_in(&mut self, line: &[u8], decoded: &mut Decoded) {
        let begins_with_one = line.trim_ascii_start().starts_with(b"{");
        for Object { fields, is_whole } in tolerant_json::objects(line) {
            let message = Value::Object(fields);
            let kind = text(&message, "type");
            if kind == "result" && is_whole || begins_with_one && (is_whole || kind == "control_request") {
                self.message(&message, decoded);
            } else if result::is_begun(&message) {
                self.message(&result::broken_off(message), decoded);
            }
        }
    }

    fn skip(&mut self, line: &[u8], error: &serde_json::Error) {
        self.skipped += 1;
        self.last_words = words(line).filter(|_| !line.starts_with(b"{"));
        let line = words(line).unwrap_or_default();
        // The first line shows the problem. More warnings would only flood the log.
        if self.skipped == 1 {
            tracing::warn!(
                line,
                "skipped a line of the agent that is not JSON; further ones are logged at level debug"
            );
        }
        tracing::debug!(%error, line, skipped = self.skipped, "skipped a line of the agent that is not JSON");
    }

    /// Records the id of the conversation, which `/clear`, compaction and forks change. `stored` means that the CLI
    /// has saved part of the conversation, so that it can be resumed.
    fn note_conversation(&mut self, message: &Value, stored: bool, events: &mut Vec<AgentEvent>) {
        let id = text(message, "session_id");
        if id.is_empty() {
            return;
        }
        let same = self.conversation.as_deref() == Some(id);
        let resumable = stored || (same && self.resumable);
        if !same || resumable != self.resumable {
            self.conversation = Some(id.to_owned());
            self.resumable = resumable;
            events.push(AgentEvent::Conversation { id: id.to_owned(), resumable });
        }
    }
}

impl Codec for Claude {
    fn open(&mut self) -> Vec<Vec<u8>> {
        vec![control::initialize(&self.instructions)]
    }

    fn prompt(&mut self, prompt: &Prompt) -> Vec<u8> {
        self.open.insert(prompt.id.clone());
        self.prompted = true;
        let line = json!({
            "type": "user",
            "uuid": prompt.id.0,
            "session_id": "",
            "parent_tool_use_id": null,
            "message": { "role": "user", "content": [{ "type": "text", "text": prompt.text }] },
            // Without it the CLI reads `@/any/path` in a user's text into the context, and runs slash commands.
            "client_composed": true,
        });
        line.to_string().into_bytes()
    }

    fn interrupt(&mut self) -> Vec<u8> {
        self.interrupts += 1;
        self.interrupted = !self.open.is_empty() || self.own.is_some();
        control::interrupt(&self.last_interrupt())
    }

    fn decode(&mut self, line: &[u8]) -> Decoded {
        let mut decoded = Decoded::default();
        // A blank line after a reason must not clear it.
        let reason = self.last_words.take().filter(|_| line.trim_ascii().is_empty());
        match tolerant_json::parse(line) {
            Ok(message @ Value::Object(_)) => {
                if text(&message, "type").is_empty() {
                    self.last_words = words(line);
                }
                self.message(&message, &mut decoded);
            }
            Ok(_) => self.messages_in(line, &mut decoded),
            Err(error) => {
                self.skip(line, &error);
                self.last_words = reason.or_else(|| self.last_words.take());
                self.messages_in(line, &mut decoded);
            }
        }
        if self.turn.shown {
            decoded.events.extend(self.turn.changes());
        }
        decoded
    }

    fn last_stderr_line(&self) -> Option<&str> {
        self.last_words.as_deref()
    }
}

/// Returns the text of a field, or an empty string.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Returns the beginning of a line for people to read. `None` if it is blank.
fn words(line: &[u8]) -> Option<String> {
    let words = one_line(&String::from_utf8_lossy(&line[..line.len().min(SKIPPED)]), UNTRUSTED_LENGTH);
    (!words.is_empty()).then_some(words)
}

/// Returns whether a message is from the main agent. A subagent's work is shown as one tool call.
fn is_own(message: &Value) -> bool {
    message["parent_tool_use_id"].is_null()
}

fn prompts(message: &Value) -> impl Iterator<Item = PromptId> {
    let ids = message["user_message_uuids"].as_array().into_iter().flatten();
    ids.filter_map(|id| Some(PromptId(id.as_str()?.to_owned())))
}

#[cfg(test)]
mod tests;
