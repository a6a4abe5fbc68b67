//! Ends the agents that a killed host left running.

use std::{collections::HashSet, sync::Arc};

use cordboard_agents::process;
use cordboard_core::{
    session::{Exit, Input, Run},
    types::{ProcessId, SessionName, SessionRecord},
};

use crate::hub::HostService;

/// Returns the agents that a killed host may have left running.
pub fn from_records(sessions: &[SessionRecord]) -> Vec<(SessionName, ProcessId)> {
    sessions.iter().filter_map(|one| Some((one.id().clone(), one.process.clone()?))).collect()
}

/// Ends the agents that a killed host left running. A session whose agent is still running queues its prompts until the
/// agent has ended; other sessions don't wait.
pub async fn sweep(host: Arc<HostService>, host_id: String, known: Vec<(SessionName, ProcessId)>) {
    let processes = known.iter().map(|(_, process)| process.clone()).collect();
    let report = process::sweep(&host_id, processes).await;
    if report.ended + report.left > 0 {
        tracing::warn!(ended = report.ended, left = report.left, "found agents that a killed host left behind");
    }
    let left: HashSet<SessionName> = known.into_iter().map(|(id, _)| id).collect();
    // Sessions may have been renamed since the list was made. The lock prevents renames during the lookup.
    let _names = host.sessions.name_lock.read().await;
    for id in left {
        if let Some(session) = host.sessions.get(&host.sessions.registry.name_of(&id)) {
            let exit = Exit::Ended { status: "left behind by a killed host".to_owned(), last_output: None };
            session.send(Input::Exit { run: Run::LEFT_OVER, exit }).await;
        }
    }
}
