//! Suspends idle sessions to enforce the limits that `[limits]` sets on running agents and memory.

use std::{sync::Arc, time::Duration};

use cordboard_agents::process::{ProcessTrees, free_memory};
use cordboard_core::{
    config::Limits,
    session::{
        Input,
        limit_suspensions::{MemoryUsage, suspensions},
    },
    types::{SessionName, SessionView},
};
use tokio::{task::spawn_blocking, time::timeout};

use super::SessionSupervisor;

/// The interval between checks while agents are running. A working agent can allocate another gigabyte within a minute,
/// and an agent that was working at the last check may be idle now.
const CHECK: Duration = Duration::from_secs(10);

impl SessionSupervisor {
    /// Applies the limits whenever an agent starts or the configuration changes, and at regular intervals while agents
    /// are running. Never returns.
    pub async fn limit_agents(&self) {
        let mut is_reported = false;
        loop {
            let limits = self.ports.config.limits();
            let is_limited =
                limits.live_agents.is_some() || limits.agent_memory.is_some() || limits.free_memory.is_some();
            let due = self.ports.check_limits.notified();
            if is_limited && self.registry.live_agents() > 0 {
                timeout(CHECK, due).await.ok();
            } else {
                due.await;
            }
            let limits = self.ports.config.limits();
            let views = self.registry.views();
            let usage = measure(&views, &limits).await;
            let suspensions = suspensions(&views, &limits, &usage);
            for (name, limit) in suspensions.sessions {
                let Some(session) = self.get(&name) else { continue };
                tracing::info!(session = %name, %limit, "suspending the least recently used session");
                session.send(Input::SuspendIfUnused).await;
                // The change must be visible to the next check.
                session.caught_up().await;
            }
            let was_reported = std::mem::replace(&mut is_reported, suspensions.unresolved.is_some());
            if let Some(limit) = suspensions.unresolved.filter(|_| !was_reported) {
                tracing::warn!(%limit, "a limit on agents or memory is exceeded, and no session can be suspended");
            }
        }
    }
}

/// Measures the memory values to compare with the limits.
async fn measure(views: &[Arc<SessionView>], limits: &Limits) -> MemoryUsage {
    if limits.agent_memory.is_none() && limits.free_memory.is_none() {
        return MemoryUsage::default();
    }
    let agent = |view: &Arc<SessionView>| Some((view.record.name.clone(), view.record.process.as_ref()?.pid));
    let agents: Vec<(SessionName, i32)> = views.iter().filter_map(agent).collect();
    // Reading the process table can take milliseconds, and must not delay other tasks.
    let measure = move || {
        let trees = ProcessTrees::read();
        let memory = |(name, pid)| Some((name, trees.resident_memory(pid)?));
        MemoryUsage { agents: agents.into_iter().filter_map(memory).collect(), free: free_memory() }
    };
    spawn_blocking(measure).await.unwrap_or_default()
}
