//! Creates sessions that continue the conversation of another session. The agent copies the conversation when it starts.

use cordboard_core::{
    config::Config,
    messages,
    session::{ApiError, ApiErrorCode},
    types::{Caller, Phase, SessionName, SessionRecord, SessionView, Timestamp},
};
use cordboard_runtime::refuse;

use super::{
    HostService,
    new_session::{NameRules, check_new_name, resolve_agent},
};
use crate::session_snapshots::SessionRegistry;

impl HostService {
    pub(super) async fn fork_session(
        &self,
        caller: &Caller,
        name: &SessionName,
        to: &str,
    ) -> Result<SessionView, ApiError> {
        let _names = self.sessions.name_lock.write().await;
        let view = self.visible(caller, name.as_str())?;
        let config = self.config();
        let rules = ForkRules { registry: self.registry(), config: &config, caller, now: self.clock.now() };
        self.add(caller, rules.record(&view, to)?).await
    }
}

/// The facts that decide whether a session can be forked.
pub struct ForkRules<'a> {
    pub registry: &'a SessionRegistry,
    pub config: &'a Config,
    pub caller: &'a Caller,
    pub now: Timestamp,
}

impl ForkRules<'_> {
    /// Returns the record of the new session. A fork during a turn is refused: the agent would copy a part of the answer,
    /// and the cost of that turn would count twice.
    ///
    /// # Errors
    /// The session can't be forked now, or the new name can't be used.
    pub fn record(&self, view: &SessionView, to: &str) -> Result<SessionRecord, ApiError> {
        let record = &view.record;
        if record.archived {
            return Err(refuse(ApiErrorCode::Archived, messages::session_archived(&record.name)));
        }
        if view.phase == Phase::Busy {
            return Err(refuse(ApiErrorCode::Busy, messages::busy(&record.name)));
        }
        if record.terminal.is_some() {
            return Err(refuse(ApiErrorCode::Busy, messages::open_in_terminal(&record.name)));
        }
        resolve_agent(self.config, Some(record.agent.clone()))?;
        let rules = NameRules { registry: self.registry, config: self.config, caller: self.caller };
        let to = check_new_name(&rules, to, &record.folder)?;
        let fork = record.forked(self.registry.free_id(&to), to, self.caller.id.clone(), self.now);
        fork.ok_or_else(|| refuse(ApiErrorCode::Invalid, messages::nothing_to_fork(&record.name)))
    }
}
