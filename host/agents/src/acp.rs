//! Encodes and decodes the Agent Client Protocol, which agents from several vendors speak on stdin and stdout:
//! <https://agentclientprotocol.com>. Skips updates of unknown types without an error, because agents may be newer than
//! this host.

mod disabled_file_references;
mod handshake;
mod outcome;
mod requests;
mod rpc;
mod settings;
mod tool_call;
mod turn;
mod usage;

use std::collections::BTreeMap;

use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, CLIENT_METHOD_NAMES, CancelNotification, ContentBlock, Error, ImageContent, PermissionOption,
    PromptRequest, SessionUpdate, ToolCallUpdate,
};
use cordboard_core::{
    agent_event::{AgentEvent, Outcome, PromptId},
    json_repair::{self, Object},
    messages::agent_outcome,
    session::Prompt,
    types::{PermissionMode, PromptKind, RequestAnswer, RequestId},
};
use serde_json::Value;

use super::{Codec, Decoded, InterruptMethod, ModelInput, PromptFile, Start};
use crate::{
    agent_commands,
    json_fields::{plain_error, text},
    skipped_lines::{SkippedLines, excerpt},
    with_notes,
};
use handshake::Handshake;
use requests::Requests;
use rpc::Message;
use settings::{Change, SettingKind};
use turn::Turn;
use usage::Usage;

/// The notification with which an agent cancels its own request. The host supports it only for permission requests.
const CANCEL_REQUEST: &str = "$/cancel_request";

/// The codec of one agent process.
pub(super) struct Acp {
    folder: String,
    handshake: Handshake,
    /// The host's requests that the agent has not answered yet.
    calls: BTreeMap<i64, Call>,
    last_id: i64,
    resumable: bool,
    turn: Turn,
    /// The prompts that were sent to this process but are not acknowledged yet. See [`Self::acknowledge`].
    unacknowledged: Vec<PromptId>,
    /// Whether the host sent `session/cancel` in this turn.
    is_canceled: bool,
    requests: Requests,
    usage: Usage,
    skipped: SkippedLines,
    /// See [`Codec::exit_reason`].
    exit_reason: Option<String>,
}

/// A request that the host sent to the agent.
#[derive(Debug)]
enum Call {
    Initialize,
    NewSession,
    LoadSession,
    /// Changes this setting.
    Configure(SettingKind),
    Prompt(PromptId),
}

impl Acp {
    pub(super) fn new(start: &Start<'_>) -> Self {
        let folder = start.folder.to_string_lossy().into_owned();
        Self {
            turn: Turn::new(&folder),
            handshake: Handshake::new(start),
            folder,
            calls: BTreeMap::new(),
            last_id: 0,
            resumable: start.launch.conversation.resumed().is_some(),
            unacknowledged: Vec::new(),
            is_canceled: false,
            requests: Requests::default(),
            usage: Usage::default(),
            skipped: SkippedLines::default(),
            exit_reason: None,
        }
    }

    fn call(&mut self, call: Call, method: &str, params: impl serde::Serialize) -> Vec<u8> {
        self.last_id += 1;
        self.calls.insert(self.last_id, call);
        rpc::request(self.last_id, method, params)
    }

    fn on_message(&mut self, message: &Value, decoded: &mut Decoded) {
        match Message::of(message) {
            Message::Request { id, method } if method == CLIENT_METHOD_NAMES.session_request_permission => {
                self.on_question(id, &message["params"], decoded);
            }
            Message::Request { id, method } => {
                tracing::debug!(method, "unsupported request from the agent");
                decoded.lines.push(rpc::reject(id, Error::method_not_found()));
            }
            Message::Notification { method } if method == CLIENT_METHOD_NAMES.session_update => {
                self.on_update(&message["params"], &mut decoded.events);
            }
            Message::Notification { method: CANCEL_REQUEST } => {
                let id = &message["params"]["requestId"];
                if let Some(question) = self.requests.cancel(id) {
                    decoded.events.push(AgentEvent::RequestCanceled(question));
                    decoded.lines.push(rpc::reject(id, Error::request_cancelled()));
                }
            }
            Message::Response { id, result } => self.on_response(id, result, decoded),
            Message::Notification { .. } => {}
            Message::Unknown => self.exit_reason = plain_error(message).or_else(|| self.exit_reason.take()),
        }
    }

    fn on_response(&mut self, id: i64, result: Result<&Value, Error>, decoded: &mut Decoded) {
        let Some(call) = self.calls.remove(&id) else { return };
        match call {
            Call::Initialize => match self.handshake.on_initialized(result) {
                Ok(next) => {
                    let line = self.call(next.call, next.method, next.params);
                    decoded.lines.push(line);
                }
                Err(failure) => decoded.events.push(failure.into()),
            },
            Call::NewSession | Call::LoadSession => match self.handshake.on_session(result) {
                Ok(changes) => self.on_session(changes, decoded),
                Err(failure) => decoded.events.push(failure.into()),
            },
            Call::Configure(setting) => {
                if setting == SettingKind::Mode {
                    self.handshake.note_mode_answer(result.is_ok());
                }
                match (setting, result) {
                    (_, Ok(_)) => {}
                    (SettingKind::Mode, Err(error)) => {
                        decoded.events.push(AgentEvent::PermissionModeRefused(outcome::error_text(&error)));
                    }
                    (SettingKind::Model, Err(error)) => {
                        tracing::warn!(error = error.message, "the agent rejected the model");
                    }
                }
                self.note_ready(decoded);
            }
            Call::Prompt(prompt) => self.on_turn_end(prompt, result, decoded),
        }
    }

    fn on_session(&mut self, changes: Vec<Change>, decoded: &mut Decoded) {
        let id = self.handshake.session().to_owned();
        decoded.events.push(AgentEvent::Conversation { id, resumable: self.resumable });
        decoded.events.extend(self.handshake.take_refused_mode().map(AgentEvent::PermissionModeRefused));
        for change in changes {
            let line = self.configure(change);
            decoded.lines.push(line);
        }
        self.note_ready(decoded);
    }

    fn configure(&mut self, change: Change) -> Vec<u8> {
        self.call(Call::Configure(change.setting), change.method, change.params)
    }

    /// Reports that the agent is ready once it has responded to all settings changes.
    fn note_ready(&mut self, decoded: &mut Decoded) {
        if !self.calls.values().any(|call| matches!(call, Call::Configure(_))) {
            decoded.events.extend(self.handshake.take_ready());
        }
    }

    fn on_turn_end(&mut self, prompt: PromptId, result: Result<&Value, Error>, decoded: &mut Decoded) {
        self.acknowledge(&mut decoded.events);
        let outcome = match &result {
            Ok(result) => outcome::of_result(result),
            // Some agents end a canceled turn with an error.
            Err(_) if self.is_canceled => Outcome::Interrupted,
            Err(error) => Outcome::Failed(self.handshake.error_text(error)),
        };
        self.is_canceled = false;
        if result.is_ok() && !self.resumable {
            self.resumable = true;
            let id = self.handshake.session().to_owned();
            decoded.events.push(AgentEvent::Conversation { id, resumable: true });
        }
        // A question that the agent no longer waits for must not stay open.
        decoded.events.extend(self.requests.take_all().into_iter().map(AgentEvent::RequestCanceled));
        let mut turn = std::mem::replace(&mut self.turn, Turn::new(&self.folder));
        turn.finish(&outcome);
        decoded.events.extend(turn.take_changes());
        let usage = self.usage.of_turn(result.as_ref().ok().copied());
        decoded.events.push(AgentEvent::Finished { answered: vec![prompt], outcome, usage });
    }

    fn on_update(&mut self, params: &Value, events: &mut Vec<AgentEvent>) {
        if text(params, "sessionId") != self.handshake.session() {
            return;
        }
        let update = &params["update"];
        match serde_json::from_value(update.clone()) {
            Ok(SessionUpdate::UsageUpdate(update)) => self.usage.on_update(&update),
            Ok(SessionUpdate::AvailableCommandsUpdate(update)) => {
                let commands = update.available_commands.iter();
                events
                    .push(agent_commands::reported(commands.map(|one| (one.name.as_str(), one.description.as_str()))));
            }
            Ok(SessionUpdate::CurrentModeUpdate(update)) => self.note_mode(&update.current_mode_id.to_string(), events),
            Ok(SessionUpdate::ConfigOptionUpdate(update)) => {
                if let Some(mode) = settings::mode_in(&update.config_options) {
                    self.note_mode(&mode.current, events);
                }
            }
            Ok(update) if self.is_in_turn() => self.on_turn_update(update, events),
            // While it loads a conversation, the agent repeats the conversation's updates. Chats have already shown
            // them. Updates that arrive after a turn has ended are too late to show.
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, kind = text(update, "sessionUpdate"), "skipped an update from the agent")
            }
        }
    }

    /// Reports a permission mode change that the host did not request.
    fn note_mode(&mut self, mode: &str, events: &mut Vec<AgentEvent>) {
        let is_expected = |call: &Call| matches!(call, Call::LoadSession | Call::Configure(SettingKind::Mode));
        if !self.calls.values().any(is_expected) {
            events.extend(self.handshake.changed_mode(mode).map(AgentEvent::PermissionModeChanged));
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most updates, and all that later versions add, are not shown")]
    fn on_turn_update(&mut self, update: SessionUpdate, events: &mut Vec<AgentEvent>) {
        match update {
            SessionUpdate::AgentMessageChunk(chunk) => self.turn.on_text(&chunk),
            SessionUpdate::AgentThoughtChunk(_) => self.turn.on_thought(),
            SessionUpdate::ToolCall(call) => {
                self.turn.on_tool_call(call.into());
            }
            SessionUpdate::ToolCallUpdate(update) => {
                self.turn.on_tool_call(update);
            }
            SessionUpdate::Plan(plan) => self.turn.on_plan(&plan.entries),
            // Skip the agent's echo of the prompt.
            SessionUpdate::UserMessageChunk(_) => {}
            // Other updates may arrive late and don't belong to the turn.
            other => return tracing::debug!(?other, "skipped an update from the agent"),
        }
        self.acknowledge(events);
    }

    fn is_in_turn(&self) -> bool {
        self.calls.values().any(|call| matches!(call, Call::Prompt(_)))
    }

    /// Acknowledges the prompt. The protocol doesn't acknowledge prompts, so the turn's first output or question, or
    /// its end, counts as the acknowledgment.
    fn acknowledge(&mut self, events: &mut Vec<AgentEvent>) {
        events.extend(std::mem::take(&mut self.unacknowledged).into_iter().map(AgentEvent::PromptAccepted));
    }

    fn on_question(&mut self, id: &Value, params: &Value, decoded: &mut Decoded) {
        let call: Option<ToolCallUpdate> = serde_json::from_value(params["toolCall"].clone()).ok();
        let options = params["options"].as_array().into_iter().flatten();
        let options: Vec<PermissionOption> =
            options.filter_map(|option| serde_json::from_value(option.clone()).ok()).collect();
        let Some(call) = call.filter(|_| !options.is_empty()) else {
            tracing::warn!("rejected an unreadable permission request from the agent");
            return decoded.lines.push(rpc::reject(id, Error::invalid_params()));
        };
        self.acknowledge(&mut decoded.events);
        let call = self.turn.on_tool_call(call);
        let question = self.requests.ask(id, options, call, &self.folder);
        decoded.events.extend(self.turn.take_changes());
        decoded.events.extend(question.map(AgentEvent::Requested));
    }

    /// Handles the messages in a line that isn't exactly one JSON object. Also handles truncated requests and
    /// responses, because the agent waits for the response to its request, and the session waits for the end of its
    /// turn. If the line begins with other text, only responses count: other objects may be input that the agent quotes
    /// in its log output.
    fn decode_embedded(&mut self, line: &[u8], decoded: &mut Decoded) {
        let begins_with_one = matches!(line.trim_ascii_start().first(), Some(b'{' | b'['));
        for Object { mut fields, is_whole } in json_repair::objects(line) {
            if !is_whole && !fields.contains_key("result") {
                fields.entry("error").or_insert_with(|| agent_outcome::response_unreadable().into());
            }
            let message = Value::Object(fields);
            match Message::of(&message) {
                Message::Response { .. } => self.on_message(&message, decoded),
                Message::Request { id, .. } if begins_with_one && !is_whole => {
                    decoded.lines.push(rpc::reject(id, Error::parse_error()));
                }
                Message::Request { .. } | Message::Notification { .. } if begins_with_one && is_whole => {
                    self.on_message(&message, decoded);
                }
                Message::Request { .. } | Message::Notification { .. } | Message::Unknown => {}
            }
        }
    }
}

impl Codec for Acp {
    fn open(&mut self) -> Vec<Vec<u8>> {
        vec![self.call(Call::Initialize, AGENT_METHOD_NAMES.initialize, handshake::initialize())]
    }

    fn prompt(&mut self, prompt: &Prompt, files: &[PromptFile]) -> Vec<u8> {
        let accepts_images = self.handshake.accepts_images();
        let instructions = self.handshake.take_instructions().map(ContentBlock::from);
        let text = match prompt.kind {
            PromptKind::Text => as_text(&disabled_file_references::disable(prompt.for_agent())),
            PromptKind::AgentCommand => prompt.for_agent().to_owned(),
        };
        let text = ContentBlock::from(with_notes(text.into(), files).into_owned());
        let image = |input: &ModelInput| ContentBlock::Image(ImageContent::new(&input.base64, &input.media_type));
        let inputs = files.iter().filter_map(|file| file.input.as_ref());
        let images = inputs.filter(|input| accepts_images && !input.is_pdf()).map(image);
        let blocks = instructions.into_iter().chain([text]).chain(images).collect();
        self.unacknowledged.push(prompt.id.clone());
        self.turn = Turn::new(&self.folder);
        let request = PromptRequest::new(self.handshake.session().to_owned(), blocks);
        self.call(Call::Prompt(prompt.id.clone()), AGENT_METHOD_NAMES.session_prompt, request)
    }

    /// Does nothing, because the session sends no prompts to this kind of agent during a turn.
    fn forget(&mut self, _: &PromptId) {}

    fn interrupt(&mut self) -> InterruptMethod {
        self.is_canceled = self.is_in_turn();
        let session = self.handshake.session().to_owned();
        InterruptMethod::Line(rpc::notification(AGENT_METHOD_NAMES.session_cancel, CancelNotification::new(session)))
    }

    fn set_permission_mode(&mut self, mode: PermissionMode) -> Decoded {
        match self.handshake.change_mode(mode) {
            Ok(change) => Decoded {
                lines: change.map(|change| self.configure(change)).into_iter().collect(),
                ..Decoded::default()
            },
            Err(why) => Decoded { events: vec![AgentEvent::PermissionModeRefused(why)], ..Decoded::default() },
        }
    }

    fn answer(&mut self, id: &RequestId, answer: &RequestAnswer) -> Decoded {
        Decoded { lines: self.requests.answer(id, answer).into_iter().collect(), ..Decoded::default() }
    }

    fn decode(&mut self, line: &[u8]) -> Decoded {
        let mut decoded = Decoded::default();
        // A blank line must not clear the reason given by an earlier line.
        let reason = self.exit_reason.take().filter(|_| line.trim_ascii().is_empty());
        match json_repair::parse(line) {
            Ok(message @ Value::Object(_)) => {
                if matches!(Message::of(&message), Message::Unknown) {
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
        decoded.events.extend(self.turn.take_changes());
        decoded
    }

    fn exit_reason(&self) -> Option<&str> {
        self.exit_reason.as_deref()
    }
}

/// Adds a space before a slash at the start, so that the agent doesn't run the text as a command.
fn as_text(text: &str) -> String {
    if text.starts_with('/') { format!(" {text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests;
