//! Emits the events of a session, each with the chain of hooks that caused it. It never waits for the receivers.

use std::{collections::HashMap, sync::Arc};

use cordboard_core::{
    agent::PromptId,
    event::{CausationChain, EventKind, SessionEvent, StartKind},
    turn::Turn,
    types::{Phase, Place, SessionView, Timestamp},
};

/// Receives session events.
pub trait EventSink: Send + Sync {
    /// Queues the event. Does not block.
    fn tell(&self, happening: SessionEvent);
    /// Returns the receivers to which queued events have not been delivered, sorted.
    fn waiting(&self) -> Vec<String>;
}

/// Tracks what caused the events of a session. A turn has the causation chain of its prompt; all other events have the
/// chain of the latest order or prompt.
pub struct Chronicle {
    herald: Arc<dyn EventSink>,
    last: CausationChain,
    prompts: HashMap<PromptId, CausationChain>,
    pub start: StartKind,
}

impl Chronicle {
    pub fn new(herald: Arc<dyn EventSink>) -> Self {
        Self { herald, last: CausationChain::default(), prompts: HashMap::new(), start: StartKind::New }
    }

    /// Records an order.
    pub fn ordered(&mut self, causes: CausationChain) {
        self.last = causes;
    }

    /// Records a prompt, which may have to wait for its turn.
    pub fn prompted(&mut self, prompt: &PromptId, causes: CausationChain) {
        if !causes.is_empty() {
            self.prompts.insert(prompt.clone(), causes.clone());
        }
        self.last = causes;
    }

    pub fn changed(&self, kind: EventKind, view: SessionView, at: Timestamp) {
        self.herald.tell(SessionEvent::of(kind, view, at, self.last.clone()));
    }

    /// Records that the agent now works on a prompt.
    pub fn prompt_sent(&mut self, prompt: &PromptId) {
        self.last = self.causes(prompt);
    }

    /// Gives a turn that the agent started itself the causation chain of the last prompt.
    pub fn began_by_itself(&mut self, turn: &PromptId) {
        let last = self.last.clone();
        self.prompted(turn, last);
    }

    pub fn began(&self, place: &Place, view: SessionView, at: Timestamp) {
        self.herald.tell(SessionEvent::turn_started(place, view, at, self.last.clone()));
    }

    pub fn finished(&mut self, turn: &Turn, view: SessionView, at: Timestamp) {
        let causes = self.causes(&turn.prompt);
        self.settled(&turn.prompt);
        self.herald.tell(SessionEvent::turn_finished(turn, view, at, causes));
    }

    /// Removes a prompt that causes no further events.
    pub fn settled(&mut self, prompt: &PromptId) {
        self.prompts.remove(prompt);
    }

    /// Returns the event for a change of phase, if there is one.
    pub const fn between(&self, before: Phase, after: Phase) -> Option<EventKind> {
        EventKind::between(before, after, self.start)
    }

    fn causes(&self, prompt: &PromptId) -> CausationChain {
        self.prompts.get(prompt).cloned().unwrap_or_default()
    }
}
