//! Tracks the prompts that were sent to one process and have no result yet.

use std::collections::BTreeSet;

use cordboard_core::agent_event::{Outcome, PromptId};
use serde_json::Value;

use super::control::Cancel;

#[derive(Debug, Default)]
pub(super) struct Prompts {
    unanswered: BTreeSet<PromptId>,
    /// The unanswered prompts that the agent has accepted.
    accepted: BTreeSet<PromptId>,
    /// Prompts that the session forgot before the agent accepted them. An interrupt cancels them, unless the agent has
    /// just begun to answer them.
    forgotten: BTreeSet<PromptId>,
}

impl Prompts {
    pub(super) fn add(&mut self, prompt: PromptId) {
        self.unanswered.insert(prompt);
    }

    /// Returns whether all prompts are answered, apart from those that the session has forgotten.
    pub(super) fn is_empty(&self) -> bool {
        self.unanswered.is_empty()
    }

    pub(super) fn is_unanswered(&self, prompt: &PromptId) -> bool {
        self.unanswered.contains(prompt)
    }

    /// Marks an unanswered prompt as accepted. Returns true if it was not marked before.
    pub(super) fn accept(&mut self, prompt: PromptId) -> bool {
        self.accepted.insert(prompt)
    }

    pub(super) fn forget(&mut self, prompt: &PromptId) {
        if self.unanswered.remove(prompt) {
            self.forgotten.insert(prompt.clone());
        }
    }

    /// Removes a forgotten prompt, because the agent has canceled it or begins to answer it. Returns whether the prompt
    /// was forgotten.
    pub(super) fn take_forgotten(&mut self, prompt: &PromptId) -> bool {
        self.forgotten.remove(prompt)
    }

    /// Returns the prompts that an interrupt has to cancel. A single prompt may still be in the CLI's queue, but must
    /// not be canceled, because a canceled prompt never receives a result.
    pub(super) fn to_cancel(&self) -> Cancel {
        if self.unanswered.len() + self.forgotten.len() > 1 { Cancel::Queued } else { Cancel::None }
    }

    /// Removes and returns the prompts that a result answers. A result that names no prompts, as from an older CLI,
    /// answers all accepted prompts, or all unanswered ones if none is accepted. An interrupted turn ends all accepted
    /// prompts too, because the CLI doesn't return to a prompt that it received during the turn.
    pub(super) fn take_answered(&mut self, named: Vec<PromptId>, outcome: &Outcome) -> Vec<PromptId> {
        let mut answered = named;
        if answered.is_empty() {
            let fallback = if self.accepted.is_empty() { &self.unanswered } else { &self.accepted };
            answered.extend(fallback.iter().cloned());
        } else if *outcome == Outcome::Interrupted {
            let unnamed: Vec<_> = self.accepted.iter().filter(|id| !answered.contains(id)).cloned().collect();
            answered.extend(unnamed);
        }
        self.unanswered.retain(|id| !answered.contains(id));
        self.accepted.retain(|id| !answered.contains(id));
        answered
    }
}

/// Returns the ids of the prompts whose turn the message belongs to.
pub(super) fn prompt_ids(message: &Value) -> impl Iterator<Item = PromptId> {
    let ids = message["user_message_uuids"].as_array().into_iter().flatten();
    ids.filter_map(|id| Some(PromptId(id.as_str()?.to_owned())))
}
