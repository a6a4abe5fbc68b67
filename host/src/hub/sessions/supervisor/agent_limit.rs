//! Suspends idle sessions if more agents run than `[limits] live_agents` allows.

use std::sync::Arc;

use cordboard_core::session::{Input, live_agents};

use super::SessionSupervisor;

impl SessionSupervisor {
    /// Applies the limit after each start of an agent. Never returns.
    pub async fn limit_agents(self: Arc<Self>) {
        let mut is_reported = false;
        loop {
            self.ports.agent_started.notified().await;
            let Some(limit) = self.ports.config.live_agents() else { continue };
            let excess = live_agents::excess(&self.registry.views(), limit);
            let Some(excess) = excess else {
                is_reported = false;
                continue;
            };
            let missing = excess.running - limit - excess.suspend.len();
            if missing > 0 && !std::mem::replace(&mut is_reported, true) {
                let running = excess.running;
                tracing::warn!(running, limit, "more agents run than allowed: too few of their sessions are idle");
            }
            for name in excess.suspend {
                let Some(session) = self.get(&name) else { continue };
                tracing::info!(session = %name, limit, "too many agents run: suspending the least recently used session");
                session.send(Input::SuspendIfUnused).await;
                // The next start has to see the change.
                session.caught_up().await;
            }
        }
    }
}
