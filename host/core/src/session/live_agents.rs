//! Decides which idle sessions are suspended to keep the number of running agents within `[limits] live_agents`.

use std::sync::Arc;

use crate::types::{Phase, SessionName, SessionView};

/// The agents above the limit.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Excess {
    /// The number of agents that run and are not being stopped.
    pub running: usize,
    /// The idle sessions to suspend, the least recently used first. There may be fewer of them than agents above the
    /// limit.
    pub suspend: Vec<SessionName>,
}

/// Returns the agents above the limit, or `None` if there are none.
#[must_use]
pub fn excess(views: &[Arc<SessionView>], limit: usize) -> Option<Excess> {
    let running = views.iter().filter(|view| is_running(view.phase)).count();
    let count = running.checked_sub(limit).filter(|count| *count > 0)?;
    let mut unused: Vec<&Arc<SessionView>> = views.iter().filter(|view| is_unused(view)).collect();
    unused.sort_by_key(|view| view.record.last_active);
    Some(Excess { running, suspend: unused.into_iter().take(count).map(|view| view.record.name.clone()).collect() })
}

const fn is_running(phase: Phase) -> bool {
    match phase {
        Phase::Starting | Phase::Idle | Phase::Busy => true,
        Phase::Suspended | Phase::Stopping | Phase::Asking | Phase::Broken | Phase::Archived => false,
    }
}

/// Whether suspending the session interrupts nothing.
fn is_unused(view: &SessionView) -> bool {
    let record = &view.record;
    let is_free = view.requests.is_empty() && record.background.is_empty() && record.terminal.is_none();
    view.phase == Phase::Idle && is_free
}
