//! Creates sessions that continue another session's conversation. The agent copies the conversation when it starts.

use cordboard_core::{
    messages,
    session::{ApiError, ApiErrorCode},
    types::{Caller, Phase, SessionName, SessionRecord, SessionView, Timestamp},
};
use cordboard_runtime::refuse;

use super::{
    HostService,
    new_session::{NameRules, check_new_name, resolve_agent},
};
use crate::hub::topic_creation::SessionOrigin;

impl HostService {
    pub(super) async fn fork_session(
        &self,
        caller: &Caller,
        name: &SessionName,
        to: &str,
    ) -> Result<SessionView, ApiError> {
        let _names = self.sessions.name_lock.write().await;
        if let Some(view) = self.already_created(caller, to) {
            return Ok(view);
        }
        let view = self.visible(caller, name.as_str())?;
        let config = self.config();
        let rules = NameRules { registry: self.registry(), config: &config, caller };
        let record = forked(&rules, &view, to, self.clock.now())?;
        let stored = self.store_session(&record, SessionOrigin::Fork).await;
        self.publish(caller, record, stored)
    }
}

/// Returns the record of a session that forks this one. Forking during a turn is refused: the agent would copy only
/// part of the answer, and the cost of that turn would be counted twice.
///
/// # Errors
/// The session can't be forked now, or the new name can't be used.
pub fn forked(rules: &NameRules<'_>, view: &SessionView, to: &str, now: Timestamp) -> Result<SessionRecord, ApiError> {
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
    resolve_agent(rules.config, Some(record.agent.clone()))?;
    let to = check_new_name(rules, to, &record.folder)?;
    let fork = record.forked(rules.registry.free_id(&to), to, rules.caller.id.clone(), now);
    fork.ok_or_else(|| refuse(ApiErrorCode::Invalid, messages::nothing_to_fork(&record.name)))
}
