//! Answers the sessions' plugin queries. As on a real host, a query is answered after the command that caused it.

use std::{sync::Arc, time::Duration};

use cordboard_core::{
    config::Config,
    session::{Decision, Input, PersonaSettings},
    types::{Permission, SessionName, SessionView},
};

use cordboard_runtime::{HostApi, Load, Registry};

use super::FakeHost;
use crate::{
    hub::QueriedPlugins,
    session::{PluginQuery, Query},
};

/// The free memory of the fake host, in bytes. It is large, so that policies don't stop agents to free memory.
const FREE_MEMORY: u64 = 4 << 30;

impl FakeHost {
    /// Returns the load that is reported to lifecycle plugins.
    pub fn load(&self, idle_for: Duration) -> Load {
        let live_agents = u32::try_from(self.shared.sessions.live_agents()).unwrap_or(u32::MAX);
        Load { idle_for, live_agents, agent_memory: None, free_memory: FREE_MEMORY }
    }

    /// Returns the next query of any session, with the session's name.
    fn next_query(&self) -> Option<(SessionName, PluginQuery)> {
        let mut inner = self.inner();
        inner.sessions.iter_mut().find_map(|(name, entry)| {
            let (ticket, query) = entry.session.queries.pop_front()?;
            Some((name.clone(), PluginQuery { view: entry.session.machine.view(), ticket, query }))
        })
    }
}

/// Answers all session queries, including those that the answers cause. `subject` is the plugin under test.
pub async fn settle(registry: &Registry, host: &FakeHost, subject: &str) {
    let host_api = Arc::new(host.clone()) as Arc<dyn HostApi>;
    let config = host.config();
    let plugins = QueriedPlugins { plugins: registry, host: &host_api, config: &config };
    while let Some((session, query)) = host.next_query() {
        let input = match query.query {
            // If the list of known personas isn't set, any name is accepted, and it's possible that no plugin exports
            // the persona.
            Query::Persona { .. } if host.shared.personas.get().is_none() => {
                Input::PersonaSettings { ticket: query.ticket, settings: Ok(PersonaSettings::default()) }
            }
            Query::Permission(permission) => {
                let decision = match approval_plugin(registry, subject, &config) {
                    Some(policy) => decide(registry, host, policy, &query.view, &permission).await,
                    None => Decision::ASK,
                };
                Input::Decision { ticket: query.ticket, decision }
            }
            Query::Persona { .. } | Query::Review { .. } | Query::ResumeNotice { .. } => {
                plugins.answer(query, async |_, idle_for| host.load(idle_for)).await
            }
        };
        host.change(&session, |session, now| session.handle(input, now));
        host.advance();
    }
}

/// Returns the plugin that decides about permissions: the plugin under test if it exports `approval`, or else the
/// configured one if it is active.
fn approval_plugin<'a>(registry: &Registry, subject: &'a str, config: &'a Config) -> Option<&'a str> {
    let snapshot = registry.snapshot();
    [subject, config.requests.approval.as_str()].into_iter().find(|name| snapshot.has_approval(name))
}

/// Asks the approval plugin and stores its answer, so that the conversation can show the decision or the failure.
async fn decide(
    registry: &Registry,
    host: &FakeHost,
    policy: &str,
    view: &SessionView,
    permission: &Permission,
) -> Decision {
    let host_api = Arc::new(host.clone()) as Arc<dyn HostApi>;
    let answer = registry.decide(&host_api, policy, view, permission).await;
    let decision = answer.as_ref().map_or(Decision::FAILED, Decision::clone);
    host.inner().decision = Some(answer);
    decision
}
