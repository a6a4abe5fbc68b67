//! Answers the questions of sessions to plugins as the host does: after the command that raised them.

use std::{sync::Arc, time::Duration};

use cordboard_core::{
    session::{Input, PersonaSettings, Ticket},
    types::{SessionName, SessionView},
};

use cordboard_runtime::{HostApi, Load, Registry};

use super::FakeHost;
use crate::{hub::Query, session::Question};

/// The free memory of the fake host, in bytes. It is enough that no policy needs to stop agents.
const FREE_MEMORY: u64 = 4 << 30;

struct PendingQuestion {
    session: SessionName,
    view: SessionView,
    ticket: Ticket,
    question: Question,
}

impl FakeHost {
    /// Returns the load that a lifecycle plugin sees.
    pub fn load(&self, idle_for: Duration) -> Load {
        let live_agents = u32::try_from(self.shared.sessions.live()).unwrap_or(u32::MAX);
        Load { idle_for, live_agents, agent_memory: None, free_memory: FREE_MEMORY }
    }

    fn next_question(&self) -> Option<PendingQuestion> {
        let mut inner = self.inner();
        inner.sessions.iter_mut().find_map(|(name, entry)| {
            let (ticket, question) = entry.session.questions.pop_front()?;
            Some(PendingQuestion { session: name.clone(), view: entry.session.machine.view(), ticket, question })
        })
    }
}

/// Answers all questions of sessions, and those that follow from the answers.
pub async fn settle(plugs: &Registry, host: &FakeHost) {
    let board = Arc::new(host.clone()) as Arc<dyn HostApi>;
    let config = host.config();
    let query = Query { plugs, board: &board, policy: &config.plugins.lifecycle };
    while let Some(PendingQuestion { session, view, ticket, question }) = host.next_question() {
        let input = match question {
            // Without a list of personas, each name is accepted, and its plugin need not be active.
            Question::Resolve { .. } if host.shared.personas.get().is_none() => {
                Input::PersonaSettings { ticket, settings: Ok(PersonaSettings::default()) }
            }
            question => query.answer(&view, ticket, question, |idle_for| host.load(idle_for)).await,
        };
        host.change(&session, |session, now| session.handle(input, now));
        host.advance();
    }
}
