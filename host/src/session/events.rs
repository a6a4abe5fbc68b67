//! What an actor tells of its session, and what led to it. It never waits for those who listen.

use std::{collections::HashMap, sync::Arc};

use cordboard_core::{
    agent::PromptId,
    event::{CausationChain, Kind, SessionEvent, Start},
    turn::Turn,
    types::{Phase, Place, SessionView, Timestamp},
};

/// Who is told what happens.
pub trait EventSink: Send + Sync {
    /// Returns at once.
    fn tell(&self, happening: SessionEvent);
    /// Whether all that was told has been heard.
    fn is_quiet(&self) -> bool;
}

/// Which act led to what a session does: that of a turn stays with its prompt, all else goes back to the last act on the session.
pub struct Chronicle {
    herald: Arc<dyn EventSink>,
    last: CausationChain,
    prompts: HashMap<PromptId, CausationChain>,
    pub start: Start,
}

impl Chronicle {
    pub fn new(herald: Arc<dyn EventSink>) -> Self {
        Self { herald, last: CausationChain::default(), prompts: HashMap::new(), start: Start::New }
    }

    /// Somebody gave an order.
    pub fn ordered(&mut self, trail: CausationChain) {
        self.last = trail;
    }

    /// Somebody sent a prompt, which may wait for its turn.
    pub fn prompted(&mut self, prompt: &PromptId, trail: CausationChain) {
        if !trail.is_empty() {
            self.prompts.insert(prompt.clone(), trail.clone());
        }
        self.last = trail;
    }

    pub fn changed(&self, kind: Kind, view: SessionView, at: Timestamp) {
        self.herald.tell(SessionEvent::of(kind, view, at, self.last.clone()));
    }

    /// Records that the agent now works on a prompt.
    pub fn prompt_sent(&mut self, prompt: &PromptId) {
        self.last = self.trail(prompt);
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
        let trail = self.trail(&turn.prompt);
        self.settled(&turn.prompt);
        self.herald.tell(SessionEvent::turn_finished(turn, view, at, trail));
    }

    /// Nothing more comes of a prompt.
    pub fn settled(&mut self, prompt: &PromptId) {
        self.prompts.remove(prompt);
    }

    /// What the step from `before` to `after` means.
    pub const fn between(&self, before: Phase, after: Phase) -> Option<Kind> {
        Kind::between(before, after, self.start)
    }

    fn trail(&self, prompt: &PromptId) -> CausationChain {
        self.prompts.get(prompt).cloned().unwrap_or_default()
    }
}
