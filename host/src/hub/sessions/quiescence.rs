//! Waits until the sessions are quiescent: no turn is open, no prompt is queued, everything has been shown, and no
//! event is waiting for a hook. When piped input ends, the host waits for quiescence before it exits.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use cordboard_core::{
    render::{UNTRUSTED_LENGTH, one_line},
    session::Input,
    types::{OpenRequest, Phase, SessionName},
};

use crate::hub::host_api::HostService;

/// The polling interval. Presenters and hooks don't signal when they finish.
const POLL: Duration = Duration::from_millis(20);

/// Work that is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenWork {
    /// A session is starting its agent, or has an open turn, queued prompts that aren't waiting for a person, or an
    /// open question from its agent.
    Turn { session: SessionName, phase: Phase, queued: u32 },
    /// One of the session's outputs is waiting, being rendered or being stored.
    Display(SessionName),
    /// Events are waiting for this plugin's hook.
    Hook(String),
    /// The sessions have not processed all inputs that they received.
    Inputs,
}

impl fmt::Display for OpenWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turn { session, phase, queued } => write!(f, "{session} ({}, {queued} waiting)", phase.as_str()),
            Self::Display(session) => write!(f, "{session} (being shown)"),
            Self::Hook(plugin) => write!(f, "events for plugin '{plugin}'"),
            Self::Inputs => f.write_str("messages on their way to a session"),
        }
    }
}

/// An agent's question that no user has answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnansweredRequest {
    session: SessionName,
    number: u64,
    title: String,
}

impl UnansweredRequest {
    fn new(session: &SessionName, open: &OpenRequest) -> Self {
        Self { session: session.clone(), number: open.number, title: open.request.title.clone() }
    }
}

impl fmt::Display for UnansweredRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, number, title } = self;
        write!(f, "{session}#{number} ({})", one_line(title, UNTRUSTED_LENGTH))
    }
}

pub struct QuiescenceWaiter {
    pub host: Arc<HostService>,
}

impl QuiescenceWaiter {
    /// Waits until the sessions are quiescent, for at most `patience`.
    ///
    /// # Errors
    /// Returns the work that is still open after `patience`. The list is never empty.
    pub async fn wait(&self, patience: Duration) -> Result<(), Vec<OpenWork>> {
        let quiescent = async {
            loop {
                if self.open().is_empty() {
                    // A prompt in an actor's channel isn't visible in the snapshot yet, and the last hook may have sent
                    // one. Let the actors process their channels, then check again.
                    self.host.sessions.caught_up().await;
                    if self.open().is_empty() {
                        break;
                    }
                }
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(patience, quiescent).await.map_err(|_| {
            let open = self.open();
            if open.is_empty() { vec![OpenWork::Inputs] } else { open }
        })
    }

    /// Withdraws all questions to users, including those that agents ask later, because no user can answer them. Adds
    /// each of them to `withdrawn`. Never returns.
    pub async fn withdraw_questions(&self, withdrawn: &mut BTreeSet<UnansweredRequest>) {
        let sessions = &self.host.sessions;
        loop {
            let views = sessions.registry.views();
            for view in views.iter().filter(|view| !view.requests.is_empty()) {
                let name = &view.record.name;
                withdrawn.extend(view.requests.iter().map(|open| UnansweredRequest::new(name, open)));
                if let Some(session) = sessions.get(name) {
                    session.send(Input::NobodyAnswers).await;
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Returns the open work that the snapshots and queues show. Each session is listed once.
    #[must_use]
    pub fn open(&self) -> Vec<OpenWork> {
        let sessions = &self.host.sessions;
        let views = sessions.registry.views();
        let turns = views.iter().filter(|view| match view.phase {
            Phase::Busy | Phase::Starting => true,
            // The prompts are waiting for a person at the terminal.
            Phase::Suspended if view.record.terminal.is_some() => false,
            // An idle agent's question also counts as open work, so that it isn't dropped silently.
            Phase::Idle | Phase::Suspended | Phase::Stopping => view.queued > 0 || !view.requests.is_empty(),
            // These phases wait for a person.
            Phase::Asking | Phase::Broken | Phase::Archived => false,
        });
        let mut with_turns = BTreeSet::new();
        let mut open = Vec::new();
        for view in turns {
            let session = view.record.name.clone();
            with_turns.insert(session.clone());
            open.push(OpenWork::Turn { session, phase: view.phase, queued: view.queued });
        }
        let shown = sessions.showing().into_iter().filter(|session| !with_turns.contains(session));
        open.extend(shown.map(OpenWork::Display));
        open.extend(sessions.waiting_hooks().into_iter().map(OpenWork::Hook));
        open
    }
}
