//! The end of processes that have no handle: those of a killed host at the next start, and those a session left anywhere.
//! Never touches a process that this host process started, but by its session's name.

use std::{collections::BTreeMap, time::Duration};

use cordboard_core::types::{ProcessId, SessionName};
use tokio::sync::watch;

use super::{
    Mark,
    tree::{self, Grace, Member, Target, Wanted},
};

/// At the start all must be gone within 10 s: an agent gets time to store what it has, then the rest is forced.
const ORPHANS: Grace = Grace { term: Duration::from_secs(3), kill: Duration::from_secs(5) };

/// A session's leftovers come after its agent's own grace.
const LEFTOVERS: Grace = Grace { term: Duration::from_millis(500), kill: Duration::from_secs(5) };

/// The agents that a killed host left behind, not yet ended.
#[derive(Debug)]
pub struct Orphans {
    target: Target,
    members: Vec<Member>,
}

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Processes that are gone, descendants counted.
    pub ended: usize,
    /// Processes that even SIGKILL did not end in time.
    pub left: usize,
    /// Of both, how many each session had, as far as they could be told apart.
    pub sessions: BTreeMap<SessionName, usize>,
}

/// Looks for what a killed host left behind: by the marker of its state directory, and by the stored identities.
pub async fn orphans(host: &str, known: &[(SessionName, ProcessId)]) -> Orphans {
    let target = Target { known: known.to_vec(), ..Target::new(Wanted::Host(host.to_owned())) };
    let looked = target.clone();
    let members = tokio::task::spawn_blocking(move || tree::members(&looked)).await.unwrap_or_default();
    Orphans { target, members }
}

impl Orphans {
    /// The sessions whose old agent still lives: nothing may be started for them until the sweep is done.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionName> {
        count(&self.members).into_keys().collect()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// SIGTERM, SIGKILL after a grace, whole trees; within 10 s.
    pub async fn end(self) -> Swept {
        run(self.target, ORPHANS).await
    }
}

/// `orphans` and their `end` in one.
pub async fn sweep(host: &str, known: &[(SessionName, ProcessId)]) -> Swept {
    orphans(host, known).await.end().await
}

/// Ends all processes that carry this session's mark, this host's among them. Only while the session has no agent.
pub async fn sweep_session(mark: Mark) -> Swept {
    run(Target::new(Wanted::Session(mark)), LEFTOVERS).await
}

async fn run(target: Target, grace: Grace) -> Swept {
    let (_never, hurried) = watch::channel(false);
    let end = tree::end(target, grace, &hurried).await;
    let all: Vec<Member> = end.ended.iter().chain(&end.left).cloned().collect();
    Swept { ended: end.ended.len(), left: end.left.len(), sessions: count(&all) }
}

fn count(members: &[Member]) -> BTreeMap<SessionName, usize> {
    let mut sessions = BTreeMap::new();
    for session in members.iter().filter_map(|member| member.session.clone()) {
        *sessions.entry(session).or_default() += 1;
    }
    sessions
}
