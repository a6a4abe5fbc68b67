//! Encodes and decodes claude's stream-json protocol, which the claude CLI and the demo agent speak on stdin and
//! stdout. Tracks the prompts sent to one process that have no result yet. Skips messages of unknown types without an
//! error, because new CLI releases add types. Only `stored_transcript` reads files.

mod announced_tools;
mod api_error;
mod background;
mod checklist;
mod compaction_repeats;
mod control;
mod denials;
mod reported_mode;
mod requests;
mod result;
pub(super) mod stored_transcript;
mod turn_parts;
mod unanswered_prompts;
mod usage;
mod version;

use cordboard_core::{
    agent_event::{AgentEvent, Outcome, PromptId},
    json_repair::{self, Object},
    session::{Launch, Prompt},
    types::{PermissionMode, RequestAnswer, RequestId},
};
use serde_json::Value;

use super::{Codec, Decoded, InterruptMethod, PromptFile};
use crate::{
    json_fields::{plain_error, text},
    skipped_lines::{SkippedLines, excerpt},
};
use announced_tools::AnnouncedTools;
use api_error::ApiErrors;
use background::Background;
use checklist::Checklist;
use compaction_repeats::CompactionRepeats;
use denials::Denials;
use reported_mode::ReportedMode;
use requests::Requests;
use turn_parts::{Turn, is_main_agent};
use unanswered_prompts::{Prompts, prompt_ids};
use usage::Usage;
use version::VersionCheck;

/// The codec of one agent process.
pub(super) struct Claude {
    /// The persona's instructions. They are part of `initialize`, because the CLI ignores its instructions flag when it
    /// resumes a conversation.
    instructions: String,
    conversation: Option<String>,
    resumable: bool,
    /// Whether the process resumes a conversation and no turn has begun. While this is set, a failed result means that
    /// the CLI refuses to resume.
    resuming: bool,
    prompts: Prompts,
    /// The id of the running turn if the agent started it without a prompt.
    unprompted: Option<PromptId>,
    /// Whether a prompt was sent to this process. Until then, neither an `init` nor a failed result belongs to a turn.
    prompted: bool,
    preserved: CompactionRepeats,
    /// Whether this CLI puts prompt ids into its messages. If it does, a turn whose messages don't contain an id
    /// doesn't answer a prompt.
    names_prompt_ids: bool,
    turn: Turn,
    checklist: Checklist,
    api_errors: ApiErrors,
    denials: Denials,
    requests: Requests,
    announced: AnnouncedTools,
    background: Background,
    usage: Usage,
    version: VersionCheck,
    permission_mode: ReportedMode,
    interrupts: u32,
    /// Whether the host has sent an interrupt that has not ended a turn yet.
    interrupted: bool,
    skipped: SkippedLines,
    /// See [`Codec::exit_reason`].
    exit_reason: Option<String>,
}

impl Claude {
    pub(super) fn new(launch: &Launch) -> Self {
        Self {
            instructions: launch.instructions.clone(),
            conversation: launch.conversation.resumed().cloned(),
            resumable: launch.conversation.resumed().is_some(),
            resuming: launch.conversation.id().is_some(),
            prompts: Prompts::default(),
            unprompted: None,
            prompted: false,
            preserved: CompactionRepeats::default(),
            names_prompt_ids: false,
            turn: Turn::default(),
            checklist: Checklist::default(),
            api_errors: ApiErrors::default(),
            denials: Denials::default(),
            requests: Requests::default(),
            announced: AnnouncedTools::default(),
            background: Background::default(),
            usage: Usage::default(),
            version: VersionCheck::default(),
            permission_mode: ReportedMode::default(),
            interrupts: 0,
            interrupted: false,
            skipped: SkippedLines::default(),
            exit_reason: None,
        }
    }

    fn on_message(&mut self, message: &Value, decoded: &mut Decoded) {
        let events = &mut decoded.events;
        let kind = text(message, "type");
        if !kind.is_empty() {
            self.exit_reason = None;
        }
        match kind {
            "system" => self.on_system(message, events),
            "assistant" | "user" if self.preserved.contains(text(message, "uuid")) => {}
            "user" => self.on_user(message, events),
            "assistant" => self.on_assistant(message, events),
            "stream_event" if is_main_agent(message) => {
                self.note_prompt_ids(message, events);
                // Other stream events continue a message. They never start a turn, even if their own turn has already
                // ended.
                if text(&message["event"], "type") == "message_start" {
                    self.begin_unprompted_turn(events);
                }
                self.turn.on_stream_event(message);
            }
            "command_lifecycle" if text(message, "state") == "started" => {
                self.acknowledge(text(message, "command_uuid"), events);
            }
            "command_lifecycle" if text(message, "state") == "cancelled" => {
                self.prompts.take_forgotten(&PromptId(text(message, "command_uuid").to_owned()));
            }
            "result" => self.on_result(message, events),
            "rate_limit_event" => self.api_errors.on_rate_limit(message),
            "control_request" => self.on_control_request(message, decoded),
            "control_cancel_request" => {
                let id = text(message, "request_id");
                let canceled = self.requests.cancel(id).or_else(|| self.announced.cancel(id));
                events.extend(canceled.map(AgentEvent::RequestCanceled));
            }
            "control_response" => control::on_response(&message["response"], &self.last_interrupt_id(), events),
            _ => self.exit_reason = plain_error(message).or_else(|| self.exit_reason.take()),
        }
    }

    fn on_system(&mut self, message: &Value, events: &mut Vec<AgentEvent>) {
        self.note_prompt_ids(message, events);
        events.extend(self.permission_mode.on_system(message));
        match text(message, "subtype") {
            // The CLI repeats this message for each turn.
            "init" => {
                self.resuming = false;
                self.turn.set_folder(text(message, "cwd"));
                self.announced.on_init(message);
                self.note_conversation(message, events);
                events.extend(self.version.on_init(message).map(AgentEvent::Outdated));
                if self.prompted {
                    self.begin_unprompted_turn(events);
                }
            }
            "compact_boundary" => self.preserved.on_compaction(&message["compact_metadata"]),
            "api_retry" => self.turn.on_retry(message),
            "permission_denied" => events.extend(self.denials.report_system_message(message, &self.turn)),
            _ => events.extend(self.background.on_system(message)),
        }
    }

    fn on_user(&mut self, message: &Value, events: &mut Vec<AgentEvent>) {
        events.extend(self.background.on_tool_result(message));
        if message["isReplay"] == true {
            self.acknowledge(text(message, "uuid"), events);
        } else if is_main_agent(message) {
            self.turn.on_tool_results(&message["message"]["content"]);
            if self.checklist.on_tool_result(message) {
                self.turn.set_checklist(self.checklist.action());
            }
        }
    }

    fn on_assistant(&mut self, message: &Value, events: &mut Vec<AgentEvent>) {
        self.note_conversation(message, events);
        if !is_main_agent(message) {
            return;
        }
        self.usage.on_assistant(&message["message"]);
        self.note_prompt_ids(message, events);
        self.api_errors.on_assistant(message);
        // Skip the text of an API error, because the `result` repeats it.
        if !api_error::is_api_error(message) {
            // A message that carries the id of an answered prompt is late: its turn has already ended.
            if prompt_ids(message).next().is_none() {
                self.begin_unprompted_turn(events);
            }
            self.turn.on_assistant(&message["message"]);
        }
    }

    fn on_result(&mut self, message: &Value, events: &mut Vec<AgentEvent>) {
        if let Some(refused) = self.refused_resume(message) {
            events.push(AgentEvent::ResumeRefused(refused));
            return;
        }
        self.note_conversation(message, events);
        self.note_prompt_ids(message, events);
        events.extend(self.denials.report_result(message, &self.turn.folder));
        let outcome = if self.interrupted { result::outcome_of_interrupted(message) } else { result::outcome(message) };
        let outcome = self.api_errors.explain(outcome, message);
        // An interrupt ends only one turn. If the agent started that turn itself, a later failure of the prompt's turn
        // has a different cause.
        self.interrupted &= outcome != Outcome::Interrupted;
        let mut turn = std::mem::take(&mut self.turn);
        if let Outcome::Failed(why) = &outcome
            && !self.prompted
        {
            self.exit_reason = Some(why.clone());
            return;
        }
        if turn.is_forgotten && !turn.is_shown {
            return;
        }
        let answers_none = result::is_background(message) || self.names_prompt_ids || self.prompts.is_empty();
        if !turn.is_shown && answers_none {
            events.extend(result::unprompted(&turn.text(), &outcome));
            return;
        }
        self.interrupted = false;
        turn.finish(&outcome, text(message, "result"));
        events.extend(turn.take_changes());
        let answered = match self.unprompted.take() {
            Some(id) => vec![id],
            None => self.prompts.take_answered(prompt_ids(message).collect(), &outcome),
        };
        events.push(AgentEvent::Finished { answered, outcome, usage: self.usage.of_turn(message) });
    }

    /// If the CLI refused to resume the conversation, returns the reason. If the process resumes a conversation, every
    /// failed result before the first turn counts as a refusal.
    fn refused_resume(&self, message: &Value) -> Option<String> {
        result::unknown_conversation(message).or_else(|| match result::outcome(message) {
            Outcome::Failed(why) if self.resuming => Some(why),
            Outcome::Failed(_) | Outcome::Done | Outcome::Interrupted => None,
        })
    }

    /// Starts a turn without a prompt, unless one is running, a prompt is unanswered, or a forgotten prompt is being
    /// answered. Output that arrives while a prompt is unanswered may belong to it, so it stays buffered.
    fn begin_unprompted_turn(&mut self, events: &mut Vec<AgentEvent>) {
        if self.prompts.is_empty() && self.unprompted.is_none() && !self.turn.is_forgotten {
            let id = PromptId(uuid::Uuid::new_v4().to_string());
            events.push(AgentEvent::TurnStarted(id.clone()));
            self.unprompted = Some(id);
            self.turn.is_shown = true;
        }
    }

    /// Acknowledges the prompts whose ids a message contains, because the message belongs to their turn.
    fn note_prompt_ids(&mut self, message: &Value, events: &mut Vec<AgentEvent>) {
        for prompt in prompt_ids(message) {
            self.names_prompt_ids = true;
            self.acknowledge(&prompt.0, events);
        }
    }

    fn acknowledge(&mut self, id: &str, events: &mut Vec<AgentEvent>) {
        let id = PromptId(id.to_owned());
        if !self.prompts.is_unanswered(&id) {
            self.turn.is_forgotten |= self.prompts.take_forgotten(&id);
            return;
        }
        if self.unprompted.take().is_some() {
            // The session sends no prompt during an unprompted turn, so the session has already ended this turn.
            self.turn = Turn::default();
        }
        if !self.turn.is_shown {
            // The CLI answers this prompt in a turn that a background task started. The text before this message
            // doesn't answer a prompt.
            let before = self.turn.text();
            if !before.is_empty() {
                events.push(AgentEvent::UnpromptedText(before));
                self.turn = Turn::default();
            }
            self.turn.is_shown = true;
        }
        if self.prompts.accept(id.clone()) {
            events.push(AgentEvent::PromptAccepted(id));
        }
    }

    fn last_interrupt_id(&self) -> String {
        format!("cordboard-{}", self.interrupts)
    }

    /// Handles the messages in a line that isn't exactly one JSON object. Also handles truncated control requests and
    /// results, because the agent waits for a response to its request, and the session waits for the result. If the
    /// line begins with other text, only results count: other objects may be input that the agent quotes in its log
    /// output.
    fn decode_embedded(&mut self, line: &[u8], decoded: &mut Decoded) {
        let begins_with_one = line.trim_ascii_start().starts_with(b"{");
        for Object { fields, is_whole } in json_repair::objects(line) {
            let message = Value::Object(fields);
            let kind = text(&message, "type");
            if kind == "result" && is_whole || begins_with_one && (is_whole || kind == "control_request") {
                self.on_message(&message, decoded);
            } else if result::is_truncated_result(&message) {
                self.on_message(&result::failed_result(message), decoded);
            }
        }
    }

    /// Records the id of the conversation, which `/clear`, compaction and forks change.
    fn note_conversation(&mut self, message: &Value, events: &mut Vec<AgentEvent>) {
        let id = text(message, "session_id");
        let same = self.conversation.as_deref() == Some(id);
        // The CLI saves the conversation between `init` and its first output. Only a saved conversation can be resumed.
        let is_saved = text(message, "type") != "system";
        let resumable = is_saved || (same && self.resumable);
        if !id.is_empty() && (!same || resumable != self.resumable) {
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

    fn prompt(&mut self, prompt: &Prompt, files: &[PromptFile]) -> Vec<u8> {
        self.prompts.add(prompt.id.clone());
        self.prompted = true;
        control::prompt(prompt, files)
    }

    fn forget(&mut self, prompt: &PromptId) {
        self.prompts.forget(prompt);
    }

    fn interrupt(&mut self) -> InterruptMethod {
        self.interrupts += 1;
        self.interrupted = !self.prompts.is_empty() || self.unprompted.is_some();
        InterruptMethod::Line(control::interrupt(&self.last_interrupt_id(), self.prompts.to_cancel()))
    }

    fn set_permission_mode(&mut self, mode: PermissionMode) -> Decoded {
        self.permission_mode.forget();
        Decoded { lines: vec![control::set_permission_mode(mode)], ..Decoded::default() }
    }

    fn answer(&mut self, id: &RequestId, answer: &RequestAnswer) -> Decoded {
        if let Some(response) = self.announced.answer(id, answer, &mut self.denials) {
            return response;
        }
        // A mode set by an answer lasts only as long as the process, so the session must not record it.
        if self.requests.changes_mode(id, answer) {
            self.permission_mode.forget();
        }
        self.requests.answer(id, answer, &self.turn.folder)
    }

    fn decode(&mut self, line: &[u8]) -> Decoded {
        let mut decoded = Decoded::default();
        // A blank line must not clear the reason given by an earlier line.
        let reason = self.exit_reason.take().filter(|_| line.trim_ascii().is_empty());
        match json_repair::parse(line) {
            Ok(message @ Value::Object(_)) => {
                if text(&message, "type").is_empty() {
                    self.exit_reason = excerpt(line);
                }
                self.on_message(&message, &mut decoded);
            }
            Ok(_) => self.decode_embedded(line, &mut decoded),
            Err(error) => {
                self.skipped.add(line, &error);
                self.exit_reason = reason.or_else(|| excerpt(line).filter(|_| !line.starts_with(b"{")));
                self.decode_embedded(line, &mut decoded);
            }
        }
        if self.turn.is_shown {
            decoded.events.extend(self.turn.take_changes());
        }
        decoded
    }

    fn exit_reason(&self) -> Option<&str> {
        self.exit_reason.as_deref()
    }
}

#[cfg(test)]
mod tests;
