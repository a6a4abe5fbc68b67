//! Assembles one turn from the agent's updates, and tracks changes to its parts.

use std::collections::BTreeMap;

use agent_client_protocol_schema::v1::{
    ContentBlock, ContentChunk, EmbeddedResourceResource, PlanEntry, PlanEntryStatus, ToolCall, ToolCallUpdate,
};
use cordboard_core::{
    agent_event::{Action, ActionState, AgentEvent, Change, Outcome},
    render,
};

use super::tool_call;
use crate::shown_action;

#[derive(Debug, Default)]
pub struct Turn {
    /// The number to give to the next part.
    next: u32,
    /// The part that the next chunk may continue.
    streaming: Option<Streaming>,
    /// Tool calls by id.
    tools: BTreeMap<String, (u32, ToolCall)>,
    plan: Option<(u32, Action)>,
    folder: String,
    changes: Vec<AgentEvent>,
}

#[derive(Debug)]
enum Streaming {
    Text { part: u32, message: Option<String>, text: String },
    Thinking { part: u32, action: Action },
}

impl Turn {
    pub fn new(folder: &str) -> Self {
        Self { folder: folder.to_owned(), ..Self::default() }
    }

    /// Returns the changes since the last call.
    pub fn take_changes(&mut self) -> Vec<AgentEvent> {
        std::mem::take(&mut self.changes)
    }

    /// Handles a piece of the answer. Consecutive pieces of one message form one text.
    pub fn on_text(&mut self, chunk: &ContentChunk) {
        let more = shown(&chunk.content);
        if more.is_empty() {
            return;
        }
        let id = chunk.message_id.as_ref().map(ToString::to_string);
        if let Some(Streaming::Text { part, message, text }) = &mut self.streaming
            && *message == id
        {
            text.push_str(&more);
            let at = *part;
            return self.record(at, Change::Append(more));
        }
        self.end_streaming();
        let part = self.next_part();
        self.streaming = Some(Streaming::Text { part, message: id, text: more.clone() });
        self.record(part, Change::Append(more));
    }

    /// Handles a piece of the model's thoughts. The text isn't shown.
    pub fn on_thought(&mut self) {
        if matches!(self.streaming, Some(Streaming::Thinking { .. })) {
            return;
        }
        self.end_streaming();
        let part = self.next_part();
        let action = shown_action::thinking(format!("think-{part}"));
        self.streaming = Some(Streaming::Thinking { part, action: action.clone() });
        self.record(part, Change::Action(action));
    }

    /// Handles a new call or an update of one, and returns the call.
    pub fn on_tool_call(&mut self, update: ToolCallUpdate) -> &ToolCall {
        let id = update.tool_call_id.to_string();
        let before = self.tools.get(&id).map(|(_, call)| tool_call::action(call, &self.folder));
        let (part, call) = match self.tools.remove(&id) {
            Some((part, mut call)) => {
                tool_call::apply(&mut call, update);
                (part, call)
            }
            None => {
                self.end_streaming();
                (self.next_part(), tool_call::new(update))
            }
        };
        let action = tool_call::action(&call, &self.folder);
        if before.as_ref() != Some(&action) {
            self.record(part, Change::Action(action));
        }
        &self.tools.entry(id).or_insert((part, call)).1
    }

    /// Handles the plan, which always arrives complete.
    pub fn on_plan(&mut self, entries: &[PlanEntry]) {
        let part = self.plan.as_ref().map(|(part, _)| *part);
        let part = part.unwrap_or_else(|| {
            self.end_streaming();
            self.next_part()
        });
        let action = plan(entries);
        if self.plan.replace((part, action.clone())).is_none_or(|(_, before)| before != action) {
            self.record(part, Change::Action(action));
        }
    }

    /// Ends all running actions, and removes an error text that the turn's outcome repeats.
    pub fn finish(&mut self, outcome: &Outcome) {
        let state = match outcome {
            Outcome::Done => ActionState::Done,
            Outcome::Interrupted | Outcome::Failed(_) => ActionState::Failed,
        };
        if let Outcome::Failed(why) = outcome {
            self.remove_repeated(why);
        }
        self.end_streaming();
        let tools = std::mem::take(&mut self.tools).into_values();
        let tools = tools.map(|(part, call)| (part, tool_call::action(&call, &self.folder)));
        let mut actions: Vec<(u32, Action)> = tools.chain(self.plan.take()).collect();
        actions.sort_by_key(|(part, _)| *part);
        for (part, mut action) in actions.into_iter().filter(|(_, action)| action.state == ActionState::Running) {
            action.state = state;
            self.record(part, Change::Action(action));
        }
    }

    /// Removes an error text from the end of the answer, because some agents also send an error as text before they
    /// report it.
    fn remove_repeated(&mut self, why: &str) {
        let Some(Streaming::Text { part, text, .. }) = &self.streaming else { return };
        let part = *part;
        match text.trim_end().strip_suffix(why.trim()).map(str::trim_end) {
            Some("") => self.record(part, Change::Remove),
            Some(rest) => {
                let rest = rest.to_owned();
                self.record(part, Change::Text(rest));
            }
            None => {}
        }
    }

    fn end_streaming(&mut self) {
        if let Some(Streaming::Thinking { part, mut action }) = self.streaming.take() {
            action.state = ActionState::Done;
            self.record(part, Change::Action(action));
        }
    }

    fn next_part(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    fn record(&mut self, at: u32, change: Change) {
        self.changes.push(AgentEvent::Part { at, change });
    }
}

/// Returns the text of a block, or a note in place of content that a chat can't show.
fn shown(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::ResourceLink(link) => format!("{} ({})", render::escape(&link.name), render::code(&link.uri)),
        ContentBlock::Resource(resource) => match &resource.resource {
            EmbeddedResourceResource::TextResourceContents(text) => text.text.clone(),
            EmbeddedResourceResource::BlobResourceContents(_) | _ => not_shown("file"),
        },
        ContentBlock::Image(_) => not_shown("image"),
        ContentBlock::Audio(_) => not_shown("audio"),
        _ => String::new(),
    }
}

fn not_shown(what: &str) -> String {
    format!("\n\n*({what}, not shown)*")
}

fn plan(entries: &[PlanEntry]) -> Action {
    let done = entries.iter().filter(|entry| entry.status == PlanEntryStatus::Completed).count();
    let current = entries.iter().find(|entry| entry.status == PlanEntryStatus::InProgress);
    let current = current.map(|entry| format!(": {}", entry.content.lines().next().unwrap_or_default()));
    let line = |entry: &PlanEntry| {
        let mark = match entry.status {
            PlanEntryStatus::Completed => 'x',
            PlanEntryStatus::InProgress => '>',
            PlanEntryStatus::Pending | _ => ' ',
        };
        format!("[{mark}] {}", entry.content)
    };
    let title = format!("Plan, {done} of {} done{}", entries.len(), current.unwrap_or_default());
    let detail = entries.iter().map(line).collect::<Vec<_>>().join("\n");
    let state = if done == entries.len() { ActionState::Done } else { ActionState::Running };
    Action { kind: "plan".to_owned(), state, ..shown_action::named("plan", &title, &detail) }
}
