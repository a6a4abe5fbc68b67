//! Decides which idle sessions are suspended to keep the running agents within `[limits]`.

use std::{collections::BTreeMap, fmt, sync::Arc};

use crate::{
    config::Limits,
    types::{Phase, SessionName, SessionView},
};

/// A snapshot of used and available memory, in bytes.
#[derive(Debug, Default)]
pub struct MemoryUsage {
    /// The resident memory of each session's agent and its descendants.
    pub agents: BTreeMap<SessionName, u64>,
    /// The machine's available memory.
    pub free: u64,
}

/// A limit that the running agents exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExceededLimit {
    LiveAgents { running: usize, limit: usize },
    AgentMemory { used: u64, limit: u64 },
    FreeMemory { free: u64, limit: u64 },
}

impl fmt::Display for ExceededLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |bytes: u64| bytes >> 20;
        match *self {
            Self::LiveAgents { running, limit } => {
                write!(f, "{running} agents are running, but live_agents is {limit}")
            }
            Self::AgentMemory { used, limit } => {
                write!(f, "the agents use {} MiB, but agent_memory is {} MiB", mebibytes(used), mebibytes(limit))
            }
            Self::FreeMemory { free, limit } => {
                write!(f, "only {} MiB of memory is free, but free_memory is {} MiB", mebibytes(free), mebibytes(limit))
            }
        }
    }
}

/// The sessions to suspend.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Suspensions {
    /// The idle sessions to suspend, least recently used first, each with the limit that requires the suspension.
    pub sessions: Vec<(SessionName, ExceededLimit)>,
    /// The limit that remains exceeded because no other session can be suspended.
    pub unresolved: Option<ExceededLimit>,
}

/// Returns the sessions to suspend. The memory of an agent that is being stopped already counts as free.
#[must_use]
pub fn suspensions(views: &[Arc<SessionView>], limits: &Limits, memory: &MemoryUsage) -> Suspensions {
    let memory_of = |view: &SessionView| memory.agents.get(&view.record.name).copied().unwrap_or_default();
    let sum = |included: fn(Phase) -> bool| {
        views.iter().filter(|view| included(view.phase)).map(|view| memory_of(view)).sum::<u64>()
    };
    let mut running = views.iter().filter(|view| counts_towards_limits(view.phase)).count();
    let mut used = sum(counts_towards_limits);
    let mut free = memory.free.saturating_add(sum(|phase| phase == Phase::Stopping));
    let mut suspendable: Vec<&Arc<SessionView>> = views.iter().filter(|view| is_suspendable(view)).collect();
    suspendable.sort_by_key(|view| view.record.last_active);
    let mut suspendable = suspendable.into_iter();
    let mut sessions = Vec::new();
    loop {
        let Some(exceeded) = exceeded(limits, running, used, free) else {
            return Suspensions { sessions, unresolved: None };
        };
        let Some(view) = suspendable.next() else { return Suspensions { sessions, unresolved: Some(exceeded) } };
        running -= 1;
        used -= memory_of(view);
        free = free.saturating_add(memory_of(view));
        sessions.push((view.record.name.clone(), exceeded));
    }
}

fn exceeded(limits: &Limits, running: usize, used: u64, free: u64) -> Option<ExceededLimit> {
    let too_many = limits.live_agents.filter(|limit| running > *limit);
    let too_much = limits.agent_memory.filter(|limit| used > *limit);
    // If no agent is running, suspending sessions can't free memory.
    let too_little = limits.free_memory.filter(|limit| free < *limit && running > 0);
    too_many
        .map(|limit| ExceededLimit::LiveAgents { running, limit })
        .or_else(|| too_much.map(|limit| ExceededLimit::AgentMemory { used, limit }))
        .or_else(|| too_little.map(|limit| ExceededLimit::FreeMemory { free, limit }))
}

const fn counts_towards_limits(phase: Phase) -> bool {
    match phase {
        Phase::Starting | Phase::Idle | Phase::Busy => true,
        Phase::Suspended | Phase::Stopping | Phase::Asking | Phase::Broken | Phase::Archived => false,
    }
}

/// Returns whether the session can be suspended without interrupting anything.
fn is_suspendable(view: &SessionView) -> bool {
    let record = &view.record;
    let is_free = view.requests.is_empty() && record.background.is_empty() && record.terminal.is_none();
    view.phase == Phase::Idle && is_free
}
