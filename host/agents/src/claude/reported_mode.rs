//! Detects permission mode changes that the host did not request.

use cordboard_core::{agent_event::AgentEvent, types::PermissionMode};
use serde_json::Value;

use super::text;

/// The permission mode that the CLI reported last. Empty before the first report, and after the host has changed the
/// mode with a request or an answer, so that the next report doesn't count as a change.
#[derive(Debug, Default)]
pub(super) struct ReportedMode(Option<PermissionMode>);

impl ReportedMode {
    pub(super) fn on_system(&mut self, message: &Value) -> Option<AgentEvent> {
        let mode = PermissionMode::parse(text(message, "permissionMode"))?;
        let is_change = self.0.replace(mode).is_some_and(|last| last != mode);
        is_change.then_some(AgentEvent::PermissionModeChanged(mode))
    }

    /// Forgets the mode, because the host changes it.
    pub(super) const fn forget(&mut self) {
        self.0 = None;
    }
}
