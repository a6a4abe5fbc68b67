//! Reports the outcomes of prompts to the tasks that wait for them, such as the connections of scripts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cordboard_core::{agent_event::PromptId, session::Completion, turn::Turn};
use tokio::sync::oneshot;

/// The way in which a prompt was completed.
#[derive(Debug, Clone, PartialEq)]
pub enum PromptOutcome {
    /// The prompt's turn has ended.
    TurnEnded(Turn),
    /// The shutdown interrupted the prompt's turn.
    TurnInterrupted(Turn),
    /// The prompt was completed without a turn.
    NotAnswered(Completion),
}

/// The tasks that wait for prompts. Contains only watched prompts, so it is usually empty.
#[derive(Debug, Clone, Default)]
pub struct PromptOutcomes(Arc<Mutex<HashMap<PromptId, oneshot::Sender<PromptOutcome>>>>);

impl PromptOutcomes {
    /// Watches a prompt. Must be called before the prompt is sent to its session. The receiver fails if the outcome
    /// could not be determined.
    #[must_use]
    pub fn watch(&self, prompt: &PromptId) -> oneshot::Receiver<PromptOutcome> {
        let (sender, outcome) = oneshot::channel();
        let mut watched = self.watched();
        // Remove the prompts of scripts that no longer wait.
        watched.retain(|_, sender| !sender.is_closed());
        watched.insert(prompt.clone(), sender);
        outcome
    }

    /// Reports the end of a turn to the tasks that wait for its prompts.
    pub fn turn_ended(&self, turn: &Turn) {
        for prompt in turn.prompts() {
            self.report(prompt, || PromptOutcome::TurnEnded(turn.clone()));
        }
    }

    /// Does the same as [`Self::turn_ended`] for a turn that the shutdown interrupted.
    pub fn turn_interrupted(&self, turn: &Turn) {
        for prompt in turn.prompts() {
            self.report(prompt, || PromptOutcome::TurnInterrupted(turn.clone()));
        }
    }

    pub fn not_answered(&self, prompt: &PromptId, how: Completion) {
        self.report(prompt, || PromptOutcome::NotAnswered(how));
    }

    /// Lets the task that waits for the prompt fail.
    pub fn forget(&self, prompt: &PromptId) {
        self.watched().remove(prompt);
    }

    fn report(&self, prompt: &PromptId, outcome: impl FnOnce() -> PromptOutcome) {
        let sender = self.watched().remove(prompt);
        if let Some(sender) = sender {
            // The send fails if the task no longer waits.
            drop(sender.send(outcome()));
        }
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<PromptId, oneshot::Sender<PromptOutcome>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::types::{Place, Timestamp};

    use super::*;

    fn id(id: &str) -> PromptId {
        PromptId(id.to_owned())
    }

    #[test]
    fn a_turn_is_reported_for_each_of_its_prompts() {
        let outcomes = PromptOutcomes::default();
        let [mut first, mut steered, mut other] = ["1", "2", "3"].map(|name| outcomes.watch(&id(name)));
        let turn = Turn::new(id("1"), Place::new("test", "home"), Timestamp(0));
        let turn = Turn { also_answers: vec![id("2"), id("9")], ..turn };
        outcomes.turn_ended(&turn);
        assert_eq!(first.try_recv(), Ok(PromptOutcome::TurnEnded(turn.clone())));
        assert_eq!(steered.try_recv(), Ok(PromptOutcome::TurnEnded(turn)));
        assert_eq!(other.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        outcomes.forget(&id("3"));
        assert_eq!(other.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }

    #[test]
    fn abandoned_watches_are_removed() {
        let outcomes = PromptOutcomes::default();
        drop(outcomes.watch(&id("1")));
        let _waits = outcomes.watch(&id("2"));
        assert_eq!(outcomes.watched().keys().collect::<Vec<_>>(), [&id("2")]);
    }
}
