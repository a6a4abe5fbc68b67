//! Passes a session's events to hooks, each with the chain of hooks that caused it. It never waits for the hooks.

use std::{collections::HashMap, sync::Arc};

use cordboard_core::{
    agent_event::PromptId,
    event::{CausationChain, EventKind, SessionEvent, StartKind},
    turn::Turn,
    types::{Phase, Place, SessionName, SessionView, Timestamp},
};

/// Receives session events.
pub trait EventSink: Send + Sync {
    /// Queues the event. Does not block.
    fn emit(&self, event: SessionEvent);
    /// Returns the names of the receivers with undelivered events, sorted.
    fn waiting(&self) -> Vec<String>;
}

/// Emits a session's events with their causes. A turn's events have the same causes as its prompt; all other events
/// have the causes of the latest command or prompt.
pub struct EventEmitter {
    sink: Arc<dyn EventSink>,
    latest: CausationChain,
    prompts: HashMap<PromptId, CausationChain>,
    pub start: StartKind,
}

impl EventEmitter {
    pub fn new(sink: Arc<dyn EventSink>) -> Self {
        Self { sink, latest: CausationChain::default(), prompts: HashMap::new(), start: StartKind::New }
    }

    pub fn record_command(&mut self, causes: CausationChain) {
        self.latest = causes;
    }

    /// Records the causes of a prompt, whose turn may start later.
    pub fn record_prompt(&mut self, prompt: &PromptId, causes: CausationChain) {
        if !causes.is_empty() {
            self.prompts.insert(prompt.clone(), causes.clone());
        }
        self.latest = causes;
    }

    /// Records that the agent is now working on a prompt.
    pub fn prompt_sent(&mut self, prompt: &PromptId) {
        self.latest = self.causes_of(prompt);
    }

    /// Records the causes of the latest command or prompt for a turn that the agent started by itself.
    pub fn agent_started_turn(&mut self, turn: &PromptId) {
        let latest = self.latest.clone();
        self.record_prompt(turn, latest);
    }

    pub fn phase_changed(&self, kind: EventKind, view: SessionView, at: Timestamp) {
        self.sink.emit(SessionEvent::of(kind, view, at, self.latest.clone()));
    }

    pub fn renamed(&self, from: &SessionName, view: SessionView, at: Timestamp) {
        self.sink.emit(SessionEvent::renamed(from, view, at, self.latest.clone()));
    }

    pub fn turn_started(&self, place: &Place, view: SessionView, at: Timestamp) {
        self.sink.emit(SessionEvent::turn_started(place, view, at, self.latest.clone()));
    }

    pub fn turn_finished(&mut self, turn: &Turn, view: SessionView, at: Timestamp) {
        let causes = self.causes_of(&turn.prompt);
        turn.prompts().for_each(|prompt| self.forget_prompt(prompt));
        self.sink.emit(SessionEvent::turn_finished(turn, view, at, causes));
    }

    /// Removes a prompt that won't cause any more events.
    pub fn forget_prompt(&mut self, prompt: &PromptId) {
        self.prompts.remove(prompt);
    }

    /// Returns the event for a change of phase, if there is one.
    pub const fn between(&self, before: Phase, after: Phase) -> Option<EventKind> {
        EventKind::between(before, after, self.start)
    }

    fn causes_of(&self, prompt: &PromptId) -> CausationChain {
        self.prompts.get(prompt).cloned().unwrap_or_default()
    }
}
