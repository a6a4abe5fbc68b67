//! Decides at startup whether agents continue the turns that were interrupted when the previous run of the host ended.

use std::collections::HashMap;

use cordboard_core::{agent_event::PromptId, config::Interrupted, session::Continuation};

use super::{host_api::HostService, sessions::supervisor::RestoredInbox};

/// The texts that the chats show of interrupted turns.
#[derive(Debug, Default)]
pub struct ShownAnswers(HashMap<PromptId, String>);

impl HostService {
    /// Returns what the chats show of the interrupted turns, or `None` if users decide about these turns. Must be called
    /// before the turns' messages are marked as interrupted.
    pub async fn answers_to_continue(&self) -> Option<ShownAnswers> {
        if self.config().sessions.interrupted == Interrupted::Ask {
            return None;
        }
        if self.usage.spent_budget().await.is_some() {
            tracing::warn!("interrupted answers are not continued: today's budget is spent");
            return None;
        }
        let shown = self.store.unfinished_answers().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "failed to read the interrupted answers: agents continue without knowing what was shown");
            Vec::new()
        });
        Some(ShownAnswers(shown.into_iter().collect()))
    }
}

impl RestoredInbox {
    /// Lets the sessions tell their agents to continue interrupted turns.
    pub fn continue_turns(&mut self, shown: &ShownAnswers) {
        for prompts in self.prompts.values_mut().filter(|prompts| !prompts.interrupted.is_empty()) {
            let shown = prompts.interrupted.iter().find_map(|prompt| shown.0.get(&prompt.id).cloned());
            let note = PromptId(uuid::Uuid::new_v4().to_string());
            prompts.continuation = Some(Continuation { note, shown });
        }
    }
}
