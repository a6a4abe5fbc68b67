//! Assembles one turn from streamed blocks and tracks changes to its parts. Text is emitted as it streams; the complete
//! block that follows only corrects it. Text from a broken stream is removed.

use std::collections::BTreeMap;

use cordboard_core::agent_event::{Action, ActionState, AgentEvent, Change, Outcome};
use serde_json::Value;

use super::{checklist, text};
use crate::shown_action;

#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Set once it is known whether the turn answers a prompt or was started by the agent itself. Until then, changes
    /// are buffered.
    pub is_shown: bool,
    /// Whether the turn answers a prompt that the session has forgotten.
    pub is_forgotten: bool,
    /// The number to give to the next part.
    next: u32,
    /// The id of the message that is streaming.
    streaming: String,
    blocks: Vec<Block>,
    /// Tool calls by id.
    tools: BTreeMap<String, (u32, Action)>,
    retry: Option<(u32, Action)>,
    /// The agent's task list, shown as one part of the turn. Each change to the list replaces this part.
    checklist: Option<(u32, Action)>,
    pub folder: String,
    changes: Vec<AgentEvent>,
}

/// The index for a block that arrives complete, without streaming. It is higher than the index of any streamed block.
const NOT_STREAMED: u64 = u64::MAX;

/// A block of text or thinking of one message.
#[derive(Debug)]
struct Block {
    message: String,
    index: u64,
    part: u32,
    content: BlockContent,
    /// Whether the complete block has arrived.
    is_complete: bool,
}

#[derive(Debug)]
enum BlockContent {
    Text(String),
    Thinking(Action),
    /// The block was part of a broken stream and has been removed.
    Removed,
}

impl Turn {
    pub(super) fn set_folder(&mut self, folder: &str) {
        folder.clone_into(&mut self.folder);
    }

    /// Returns the changes since the last call.
    pub(super) fn take_changes(&mut self) -> Vec<AgentEvent> {
        std::mem::take(&mut self.changes)
    }

    /// Returns the text of the turn so far.
    pub(super) fn text(&self) -> String {
        let texts = self.blocks.iter().filter_map(|block| match &block.content {
            BlockContent::Text(text) if !text.is_empty() => Some(text.as_str()),
            BlockContent::Text(_) | BlockContent::Thinking(_) | BlockContent::Removed => None,
        });
        texts.collect::<Vec<_>>().join("\n\n")
    }

    /// Handles a `stream_event`.
    pub(super) fn on_stream_event(&mut self, message: &Value) {
        let event = &message["event"];
        let index = event["index"].as_u64().unwrap_or_default();
        match text(event, "type") {
            "message_start" => {
                let id = text(&event["message"], "id").to_owned();
                self.end_retry();
                self.remove_incomplete(0, &id);
                self.streaming = id;
            }
            "content_block_start" => self.start_block(index, &event["content_block"]),
            "content_block_delta" => self.append(index, text(&event["delta"], "text")),
            "message_stop" => {
                let abandoned = &message["abandoned_blocks"];
                if let Some(from) = abandoned["from_block_index"].as_u64() {
                    self.remove_incomplete(from, "");
                }
            }
            _ => {}
        }
    }

    fn start_block(&mut self, index: u64, block: &Value) {
        match text(block, "type") {
            "tool_use" | "server_tool_use" => self.set_tool_call(block),
            "thinking" | "redacted_thinking" => self.start_thinking(self.streaming.clone(), index),
            _ => {}
        }
    }

    fn append(&mut self, index: u64, more: &str) {
        if more.is_empty() {
            return;
        }
        let streaming = &self.streaming;
        let block = self.blocks.iter_mut().rfind(|block| block.index == index && block.message == *streaming);
        if let Some(Block { part, content: BlockContent::Text(text), .. }) = block {
            text.push_str(more);
            let at = *part;
            self.record(at, Change::Append(more.to_owned()));
        } else {
            let part = self.next_part();
            self.add_block(self.streaming.clone(), index, part, BlockContent::Text(more.to_owned()));
            self.record(part, Change::Append(more.to_owned()));
        }
    }

    /// Handles the `message` of an `assistant` line, which contains one or more complete blocks.
    pub(super) fn on_assistant(&mut self, message: &Value) {
        let id = text(message, "id");
        self.end_retry();
        if id != self.streaming {
            self.remove_incomplete(0, id);
        }
        for block in message["content"].as_array().into_iter().flatten() {
            match text(block, "type") {
                "text" => self.complete_text(id, text(block, "text")),
                "thinking" | "redacted_thinking" => self.complete_thinking(id, text(block, "thinking")),
                "tool_use" | "server_tool_use" => self.set_tool_call(block),
                _ => {}
            }
        }
    }

    fn complete_text(&mut self, id: &str, whole: &str) {
        let streamed = self.blocks.iter_mut().find_map(|block| match &mut block.content {
            BlockContent::Text(text) if block.message == id && !block.is_complete => {
                Some((block.part, text, &mut block.is_complete))
            }
            BlockContent::Text(_) | BlockContent::Thinking(_) | BlockContent::Removed => None,
        });
        match streamed {
            Some((part, text, is_complete)) => {
                *is_complete = true;
                if text != whole {
                    whole.clone_into(text);
                    self.record(part, Change::Text(whole.to_owned()));
                }
            }
            None if whole.is_empty() => {}
            None => {
                let part = self.next_part();
                self.add_block(id.to_owned(), NOT_STREAMED, part, BlockContent::Text(whole.to_owned()));
                self.record(part, Change::Text(whole.to_owned()));
            }
        }
    }

    fn start_thinking(&mut self, message: String, index: u64) {
        let part = self.next_part();
        let action = shown_action::thinking(format!("think-{part}"));
        self.record(part, Change::Action(action.clone()));
        self.add_block(message, index, part, BlockContent::Thinking(action));
    }

    fn complete_thinking(&mut self, id: &str, thought: &str) {
        let is_open = |block: &Block| {
            block.message == id && !block.is_complete && matches!(block.content, BlockContent::Thinking(_))
        };
        if !self.blocks.iter().any(is_open) {
            self.start_thinking(id.to_owned(), NOT_STREAMED);
        }
        let Some(block) = self.blocks.iter_mut().find(|block| is_open(block)) else { return };
        block.is_complete = true;
        if let BlockContent::Thinking(action) = &mut block.content {
            shown_action::complete_thinking(action, thought);
            let (part, action) = (block.part, action.clone());
            self.record(part, Change::Action(action));
        }
    }

    /// Handles a tool call, which arrives twice: first when its arguments begin to stream, then complete.
    fn set_tool_call(&mut self, block: &Value) {
        let (id, name) = (text(block, "id"), text(block, "name"));
        if checklist::is_checklist_tool(name) {
            return;
        }
        let action = shown_action::tool(id, name, &block["input"], &self.folder);
        let part = match self.tools.get(id) {
            Some((_, known)) if *known == action => return,
            Some((part, _)) => *part,
            None => self.next_part(),
        };
        self.tools.insert(id.to_owned(), (part, action.clone()));
        self.record(part, Change::Action(action));
    }

    /// Handles the `content` of a `user` line that contains tool results.
    pub(super) fn on_tool_results(&mut self, content: &Value) {
        for block in content.as_array().into_iter().flatten().filter(|block| text(block, "type") == "tool_result") {
            let failed = block["is_error"] == true;
            let Some((part, action)) = self.tools.get_mut(text(block, "tool_use_id")) else { continue };
            action.state = if failed { ActionState::Failed } else { ActionState::Done };
            if failed {
                action.detail = shown_action::result_text(&block["content"]);
            }
            let (part, action) = (*part, action.clone());
            self.record(part, Change::Action(action));
        }
    }

    /// Returns the detail of the running tool call with this id, if it is known.
    pub(super) fn running_tool_detail(&self, id: &str) -> Option<&str> {
        let (_, call) = self.tools.get(id)?;
        (call.state == ActionState::Running).then_some(&call.detail)
    }

    /// Shows the agent's task list, or removes it if it is empty.
    pub(super) fn set_checklist(&mut self, list: Option<Action>) {
        match (list, self.checklist.take()) {
            (Some(action), shown) => {
                let part = shown.map_or_else(|| self.next_part(), |(part, _)| part);
                self.checklist = Some((part, action.clone()));
                self.record(part, Change::Action(action));
            }
            (None, Some((part, _))) => self.record(part, Change::Remove),
            (None, None) => {}
        }
    }

    /// Handles a `system/api_retry`. All retries of the same API request share one part of the turn.
    pub(super) fn on_retry(&mut self, message: &Value) {
        let part = self.retry.as_ref().map_or_else(|| self.next, |(part, _)| *part);
        if self.retry.is_none() {
            self.next += 1;
        }
        let action = shown_action::retry(message);
        self.retry = Some((part, action.clone()));
        self.record(part, Change::Action(action));
    }

    /// Marks a retry as done, because the API has responded.
    fn end_retry(&mut self) {
        if let Some((part, mut action)) = self.retry.take() {
            action.state = ActionState::Done;
            self.record(part, Change::Action(action));
        }
    }

    /// Removes the incomplete blocks whose index is at least `from`, except for those of the message `but`. The removed
    /// blocks belong to a broken stream, and the CLI sends their content again.
    fn remove_incomplete(&mut self, from: u64, but: &str) {
        let mut removed = Vec::new();
        for block in
            self.blocks.iter_mut().filter(|block| !block.is_complete && block.index >= from && block.message != but)
        {
            if !matches!(block.content, BlockContent::Removed) {
                block.content = BlockContent::Removed;
                removed.push(block.part);
            }
        }
        for part in removed {
            self.record(part, Change::Remove);
        }
    }

    /// Ends all running actions. Shows the text of a successful result if the turn has no other text.
    pub(super) fn finish(&mut self, outcome: &Outcome, result: &str) {
        let state = match outcome {
            Outcome::Done => ActionState::Done,
            Outcome::Interrupted | Outcome::Failed(_) => ActionState::Failed,
        };
        let shown = !self.text().is_empty();
        let thoughts = self.blocks.drain(..).filter_map(|block| match block.content {
            BlockContent::Thinking(action) => Some((block.part, action)),
            BlockContent::Text(_) | BlockContent::Removed => None,
        });
        let single = self.retry.take().into_iter().chain(self.checklist.take());
        let mut actions: Vec<_> = std::mem::take(&mut self.tools).into_values().chain(thoughts).chain(single).collect();
        actions.sort_by_key(|(part, _)| *part);
        for (part, mut action) in actions.into_iter().filter(|(_, action)| action.state == ActionState::Running) {
            action.state = state;
            self.record(part, Change::Action(action));
        }
        if !shown && *outcome == Outcome::Done && !result.is_empty() {
            let part = self.next_part();
            self.record(part, Change::Text(result.to_owned()));
        }
    }

    fn next_part(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    fn add_block(&mut self, message: String, index: u64, part: u32, content: BlockContent) {
        // Text that was not streamed is complete when it arrives. `complete_thinking` marks its blocks itself.
        let is_complete = index == NOT_STREAMED && matches!(content, BlockContent::Text(_));
        self.blocks.push(Block { message, index, part, content, is_complete });
    }

    fn record(&mut self, at: u32, change: Change) {
        self.changes.push(AgentEvent::Part { at, change });
    }
}

/// Returns whether a message is from the main agent. A subagent's work is shown as one tool call.
pub(super) fn is_main_agent(message: &Value) -> bool {
    message["parent_tool_use_id"].is_null()
}
