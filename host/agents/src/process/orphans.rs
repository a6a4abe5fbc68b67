//! Ends the agents that a killed host left behind.

use std::time::Duration;

use cordboard_core::types::ProcessId;

use super::{
    cgroup::Cgroup,
    tree::{self, Grace, Owner, TreeQuery},
};

/// The time limits for ending orphans. Their sum is less than the 10 s that [`sweep`] promises, and leaves an agent
/// time to store its data after SIGTERM.
const ORPHANS_GRACE: Grace = Grace { term: Duration::from_secs(3), kill: Duration::from_secs(5) };

/// The result of a sweep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CleanupReport {
    /// Processes that were ended, including descendants.
    pub ended: usize,
    /// Processes that did not exit in time, even after SIGKILL.
    pub left: usize,
}

/// Ends the processes left running by killed host processes of the state directory `host`: sends SIGTERM, then SIGKILL
/// after a grace period. Finds them by their cgroups, their tags and the identities in `known`. Spares the
/// agents of this host process. Takes at most 10 s.
pub async fn sweep(host: &str, known: Vec<ProcessId>) -> CleanupReport {
    let owner = host.to_owned();
    let cgroups = tokio::task::spawn_blocking(move || Cgroup::left_behind(&owner)).await.unwrap_or_default();
    let query = TreeQuery { known, cgroups, ..TreeQuery::new(Owner::Host(host.to_owned())) };
    // The value stays `false`, because a sweep never skips the grace period.
    let (_sender, no_grace) = tokio::sync::watch::channel(false);
    let tree::EndedTree { ended, left } = tree::end(query, ORPHANS_GRACE, &no_grace).await;
    CleanupReport { ended, left }
}
