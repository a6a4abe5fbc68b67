//! Ends processes without a handle: those of a killed host at the next start, and leftovers of a session. Processes
//! that this host process started are only ended by their session's mark.

use std::{collections::BTreeMap, time::Duration};

use cordboard_core::types::{ProcessId, SessionName};
use tokio::sync::watch;

use super::{
    EnvTag,
    cgroup::Cgroup,
    tree::{self, Grace, Member, Target, Wanted},
};

/// At start, all orphans must be ended within 10 s. An agent gets time to store its data before it is killed.
const ORPHANS: Grace = Grace { term: Duration::from_secs(3), kill: Duration::from_secs(5) };

/// A session's leftovers have already had their agent's grace period.
const LEFTOVERS: Grace = Grace { term: Duration::from_millis(500), kill: Duration::from_secs(5) };

/// The agents of a killed host that are still running.
#[derive(Debug)]
pub struct Orphans {
    target: Target,
    members: Vec<Member>,
}

/// The result of a sweep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CleanupReport {
    /// Processes that were ended, including descendants.
    pub ended: usize,
    /// Processes that did not exit in time, even after SIGKILL.
    pub left: usize,
    /// The number of both per session, as far as the session is known.
    pub sessions: BTreeMap<SessionName, usize>,
}

/// Finds the processes of a killed host, by its cgroups, by the mark with its state directory and by the stored
/// identities.
pub async fn orphans(host: &str, known: &[(SessionName, ProcessId)]) -> Orphans {
    let mut target = Target { known: known.to_vec(), ..Target::new(Wanted::Host(host.to_owned())) };
    let host = host.to_owned();
    target.cgroups = tokio::task::spawn_blocking(move || Cgroup::left_behind(&host)).await.unwrap_or_default();
    let looked = target.clone();
    let members = tokio::task::spawn_blocking(move || tree::members(&looked)).await.unwrap_or_default();
    Orphans { target, members }
}

impl Orphans {
    /// The sessions whose previous agent is still running. They must not be started until the sweep has finished.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionName> {
        count(&self.members).into_keys().collect()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Ends the process trees: SIGTERM, then SIGKILL after a grace period. Takes at most 10 s.
    pub async fn end(self) -> CleanupReport {
        run(self.target, ORPHANS).await
    }
}

/// Runs [`orphans`] and [`Orphans::end`].
pub async fn sweep(host: &str, known: &[(SessionName, ProcessId)]) -> CleanupReport {
    orphans(host, known).await.end().await
}

/// Ends all processes with this session's mark, including those of this host. Only for a session without an agent.
pub async fn sweep_session(mark: EnvTag) -> CleanupReport {
    run(Target::new(Wanted::Session(mark)), LEFTOVERS).await
}

async fn run(target: Target, grace: Grace) -> CleanupReport {
    let (_never, hurried) = watch::channel(false);
    let end = tree::end(target, grace, &hurried).await;
    let all: Vec<Member> = end.ended.iter().chain(&end.left).cloned().collect();
    CleanupReport { ended: end.ended.len(), left: end.left.len(), sessions: count(&all) }
}

fn count(members: &[Member]) -> BTreeMap<SessionName, usize> {
    let mut sessions = BTreeMap::new();
    for session in members.iter().filter_map(|member| member.session.clone()) {
        *sessions.entry(session).or_default() += 1;
    }
    sessions
}
