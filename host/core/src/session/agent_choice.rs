//! Selects the agent of a session, as long as the session has no conversation, because another
//! agent can't continue it.

use super::{ApiError, ApiErrorCode, Machine, commands::refusal, state::State};
use crate::{
    messages,
    types::{Choice, Timestamp},
};

impl Machine {
    /// Selects another agent and resets the model, because agents have different models. A running agent is replaced.
    pub(super) fn set_agent(&mut self, agent: String, now: Timestamp) -> Result<(), ApiError> {
        if self.record.agent == agent {
            return Ok(());
        }
        // An agent that has answered nothing may have opened a conversation already.
        let is_begun = self.record.fork.is_some() || self.record.conversation.is_some() && self.record.turns > 0;
        if is_begun || self.record.begun_elsewhere {
            let text = messages::agent_is_fixed(&self.record.name, &self.record.agent);
            return Err(refusal(ApiErrorCode::Exists, &text));
        }
        if matches!(self.state, State::Busy(_)) {
            return Err(self.busy());
        }
        self.check_no_waiting_prompts()?;
        if matches!(self.state, State::Asking(_) | State::Broken(_)) {
            // Don't start yet: the new agent's settings arrive next.
            self.close_failure(Choice::Withdrawn);
            self.state = State::Suspended;
        }
        self.start_fresh(now)?;
        self.record.agent = agent;
        self.record.model = None;
        self.models = Vec::new();
        self.commands = None;
        Ok(())
    }
}
