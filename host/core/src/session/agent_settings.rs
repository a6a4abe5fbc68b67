//! The session's agent and the agent settings that users change with commands: model, permission mode and persona. The
//! agent can be changed only until the conversation has its first turn, because another agent can't continue it.

use super::{
    ApiError, ApiErrorCode, Effect, Machine,
    commands::refusal,
    state::{AfterStop, StartStage, State, StopStage},
};
use crate::{
    config::{Agent, AgentFeature, AgentKind},
    messages::{self, SessionNotice},
    types::{Choice, PermissionMode, Timestamp, is_model_name},
};

impl Machine {
    /// Selects another agent and resets the model, because agents have different models. A running agent is replaced.
    pub(super) fn set_agent(&mut self, agent: String, now: Timestamp) -> Result<(), ApiError> {
        if self.record.agent == agent {
            return Ok(());
        }
        // A conversation without turns doesn't count: an agent may open one before its first answer.
        let has_begun = self.record.fork.is_some() || self.record.conversation.is_some() && self.record.turns > 0;
        if has_begun || self.record.begun_elsewhere {
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

    pub(super) fn set_model(&mut self, model: Option<String>, now: Timestamp) -> Result<(), ApiError> {
        self.check_has(AgentFeature::Models, model.as_ref(), messages::no_models)?;
        if let Some(name) = &model
            && !is_model_name(name)
        {
            return Err(refusal(ApiErrorCode::Invalid, messages::invalid_model(name)));
        }
        if let Some(name) = &model
            && !self.models.is_empty()
            && !self.models.contains(name)
        {
            return Err(refusal(ApiErrorCode::Invalid, messages::unknown_model(name, &self.models)));
        }
        self.record.model = model;
        self.restart_if_outdated(now);
        Ok(())
    }

    /// Rejects a value for a setting that plain programs don't have. The value would have no effect, and a new model or
    /// persona would restart the program, losing its state. The demo agent accepts all settings.
    fn check_has<T>(
        &self,
        feature: AgentFeature,
        value: Option<&T>,
        text: impl FnOnce(&str) -> String,
    ) -> Result<(), ApiError> {
        let lacks = |agent: &Agent| agent.kind == AgentKind::Plain && agent.kind.lacks(feature);
        if value.is_some() && self.settings.agent.as_ref().is_some_and(lacks) {
            return Err(refusal(ApiErrorCode::Invalid, text(&self.record.agent)));
        }
        Ok(())
    }

    /// Sets the permission mode. The change applies to a running agent immediately. `BypassPermissions` is refused
    /// unless the agent is configured with it.
    pub(super) fn set_permission_mode(&mut self, mode: Option<PermissionMode>) -> Result<(), ApiError> {
        self.check_has(AgentFeature::PermissionModes, mode.as_ref(), messages::no_permission_modes)?;
        if mode.is_some_and(|mode| self.is_forbidden(mode)) {
            return Err(refusal(ApiErrorCode::Denied, messages::bypass_not_configured(&self.record.agent)));
        }
        self.record.permission_mode = mode;
        let mode = self.permission_mode();
        match self.state {
            State::Starting(StartStage::Agent { .. }) | State::Idle(_) | State::Busy(_) => {
                self.emit_live(|run| Effect::SetPermissionMode { run, mode });
            }
            State::Suspended | State::Starting(_) | State::Stopping(_) => {}
            State::Asking(_) | State::Broken(_) | State::Archived => {}
        }
        Ok(())
    }

    /// Clears the mode that a user set. If the agent refuses a configured mode, no notice is posted, because every
    /// start sends that mode again.
    pub(super) fn handle_permission_mode_refused(&mut self, why: String) {
        let is_set = self.record.permission_mode.take().is_some();
        if let Some(place) = self.record.place.clone().filter(|_| is_set) {
            self.post(place, SessionNotice::PermissionModeRefused { why });
        }
    }

    /// Records the mode that the agent switched to, so that its next process starts in that mode.
    pub(super) fn handle_permission_mode_changed(&mut self, mode: PermissionMode) {
        if self.is_forbidden(mode) {
            return;
        }
        let configured = self.configured_permission_mode().unwrap_or(PermissionMode::Default);
        self.record.permission_mode = (mode != configured).then_some(mode);
    }

    /// Returns whether the mode is forbidden because only the configuration may select it.
    fn is_forbidden(&self, mode: PermissionMode) -> bool {
        mode == PermissionMode::BypassPermissions && self.configured_permission_mode() != Some(mode)
    }

    /// Notifies the user that the agent is too old. Later processes report this too, but the user is notified only
    /// once.
    pub(super) fn handle_outdated_agent(&mut self, text: String) {
        if self.outdated_agent.as_ref() != Some(&text) {
            self.post_to_affected_places(&SessionNotice::AboutAgent(text.clone()));
            self.outdated_agent = Some(text);
        }
    }

    pub(super) fn set_persona(&mut self, persona: Option<String>, now: Timestamp) -> Result<(), ApiError> {
        if self.record.persona == persona {
            return Ok(());
        }
        self.check_has(AgentFeature::Personas, persona.as_ref(), messages::no_personas)?;
        self.record.persona = persona;
        self.greeting = None;
        self.record.greeted = false;
        match &self.state {
            State::Starting(StartStage::Persona { .. }) => self.start(now),
            State::Suspended | State::Starting(_) | State::Idle(_) | State::Busy(_) => self.restart_if_outdated(now),
            State::Broken(blocked) if blocked.is_startable() && !self.queue.is_empty() => self.start_anew(now),
            State::Stopping(_) | State::Asking(_) | State::Broken(_) | State::Archived => {}
        }
        Ok(())
    }

    /// Restarts an idle agent silently if its persona, model or configuration is outdated. An agent with background
    /// work keeps running, and the user is notified.
    fn restart_if_outdated(&mut self, now: Timestamp) {
        if !self.is_outdated() {
            return;
        }
        if self.background().is_some() {
            self.post_applies_later();
        } else if matches!(self.state, State::Idle(_)) {
            self.stop(StopStage::Closed, AfterStop::Start, now);
        }
    }
}
