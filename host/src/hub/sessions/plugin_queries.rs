//! Queries plugins on behalf of sessions. Each query runs on its own task, and its answer is sent to the session as an
//! input.

use std::{
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use cordboard_agents::process::{ProcessTrees, free_memory};
use cordboard_core::{
    config::Config,
    language,
    session::{Decision, Input, Ticket, Verdict},
    types::SessionView,
};

use cordboard_runtime::{HostApi, Load, Registry};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::{
    hub::{live_config::LiveConfig, place_languages::PlaceLanguages},
    session::{Handle, PluginQueries, PluginQuery, Query},
    session_registry::SessionRegistry,
};

/// Runs the queries. `host` is a weak reference because the host service owns the sessions, which own this value.
pub struct QueryRunner {
    pub plugins: Arc<Registry>,
    pub config: LiveConfig,
    pub registry: Arc<SessionRegistry>,
    pub languages: PlaceLanguages,
    pub host: OnceLock<Weak<dyn HostApi>>,
}

impl PluginQueries for Arc<QueryRunner> {
    fn ask(&self, query: PluginQuery, session: Handle) {
        let runner = Self::clone(self);
        let failed = unanswered(query.ticket, &query.query);
        let language = query.view.record.place.as_ref().and_then(|place| runner.languages.of(place));
        let answer = tokio::spawn(language::scope(language, async move { runner.answer(query).await }));
        tokio::spawn(async move { session.send(answer_or(answer, failed).await).await });
    }
}

/// Returns the answer, or `failed` if there is no answer or the task panicked, so that a waiting session always gets
/// one.
async fn answer_or(answer: JoinHandle<Option<Input>>, failed: Input) -> Input {
    match answer.await {
        Ok(answer) => answer.unwrap_or(failed),
        Err(error) => {
            tracing::error!(%error, "a plugin query ended without an answer: treating it as failed");
            failed
        }
    }
}

/// Returns the input for a session whose query was not answered.
fn unanswered(ticket: Ticket, query: &Query) -> Input {
    match query {
        Query::Persona { name } => {
            Input::PersonaSettings { ticket, settings: Err(format!("persona '{name}' failed; see the log")) }
        }
        Query::Review { .. } => Input::Verdict { ticket, verdict: Verdict::Absent },
        Query::ResumeNotice { .. } => Input::ResumeNotice { ticket, text: None },
        Query::Permission(_) => Input::Decision { ticket, decision: Decision::FAILED },
    }
}

/// The plugins that answer the sessions' queries.
pub struct QueriedPlugins<'a> {
    pub plugins: &'a Registry,
    pub host: &'a Arc<dyn HostApi>,
    pub config: &'a Config,
}

impl QueriedPlugins<'_> {
    /// Queries the plugin and returns its answer as an input for the session. `load` returns the load to report to a
    /// lifecycle plugin.
    pub async fn answer(&self, query: PluginQuery, load: impl AsyncFnOnce(&SessionView, Duration) -> Load) -> Input {
        let Self { plugins, host, config } = *self;
        let policy = config.plugins.lifecycle.as_str();
        let PluginQuery { view, ticket, query } = query;
        match query {
            Query::Persona { name } => {
                let settings = plugins.resolve(host, &name, &view).await.map_err(|error| error.to_string());
                Input::PersonaSettings { ticket, settings }
            }
            Query::Review { idle_for } => {
                let load = load(&view, idle_for).await;
                let verdict = plugins.review(host, policy, &view, load).await.unwrap_or_else(|error| {
                    tracing::warn!(policy, %error, "lifecycle review failed: the session will be suspended at its idle timeout");
                    Verdict::Absent
                });
                Input::Verdict { ticket, verdict }
            }
            Query::ResumeNotice { idle_for } => {
                let load = load(&view, idle_for).await;
                let text = plugins.resume_notice(host, policy, &view, load).await.unwrap_or_else(|error| {
                    tracing::warn!(policy, %error, "no resume notice from the lifecycle plugin");
                    None
                });
                Input::ResumeNotice { ticket, text }
            }
            Query::Permission(_) if !plugins.snapshot().has_approval(&config.requests.approval) => {
                Input::Decision { ticket, decision: Decision::ASK }
            }
            Query::Permission(permission) => {
                let policy = config.requests.approval.as_str();
                let decision = plugins.decide(host, policy, &view, &permission).await.unwrap_or_else(|error| {
                    tracing::warn!(policy, %error, "the approval plugin failed: a user decides");
                    Decision::FAILED
                });
                Input::Decision { ticket, decision }
            }
        }
    }
}

impl QueryRunner {
    async fn answer(&self, query: PluginQuery) -> Option<Input> {
        let host = self.host.get()?.upgrade()?;
        let config = self.config.now();
        let plugins = QueriedPlugins { plugins: &self.plugins, host: &host, config: &config };
        Some(plugins.answer(query, async |view, idle_for| self.load(view, idle_for).await).await)
    }

    async fn load(&self, view: &SessionView, idle_for: Duration) -> Load {
        let live_agents = u32::try_from(self.registry.live_agents()).unwrap_or(u32::MAX);
        let pid = view.record.process.as_ref().map(|process| process.pid);
        // Reading the process table can take milliseconds, and must not delay other tasks.
        let measure = move || (pid.and_then(|pid| ProcessTrees::read().resident_memory(pid)), free_memory());
        let (agent_memory, free_memory) = spawn_blocking(measure).await.unwrap_or_default();
        Load { idle_for, live_agents, agent_memory, free_memory }
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::types::{Permission, ToolUse};

    use super::*;

    const TICKET: Ticket = Ticket(7);

    /// Returns the input for a session whose query panics.
    async fn after_a_panic(query: Query) -> Input {
        let failed = unanswered(TICKET, &query);
        answer_or(tokio::spawn(async { panic!("the simulated bug") }), failed).await
    }

    #[tokio::test]
    async fn a_panic_counts_as_a_failed_plugin() {
        let verdict = after_a_panic(Query::Review { idle_for: Duration::ZERO }).await;
        assert_eq!(verdict, Input::Verdict { ticket: TICKET, verdict: Verdict::Absent });
        let notice = after_a_panic(Query::ResumeNotice { idle_for: Duration::ZERO }).await;
        assert_eq!(notice, Input::ResumeNotice { ticket: TICKET, text: None });
        let tool_use = ToolUse {
            tool: "Bash".to_owned(),
            input: "{}".to_owned(),
            command: None,
            paths: Vec::new(),
            url: None,
            home: None,
        };
        let decision = after_a_panic(Query::Permission(Box::new(Permission { number: Some(1), tool_use }))).await;
        assert_eq!(decision, Input::Decision { ticket: TICKET, decision: Decision::FAILED });
        let settings = after_a_panic(Query::Persona { name: "planner".to_owned() }).await;
        assert!(
            matches!(settings, Input::PersonaSettings { ticket: TICKET, settings: Err(why) } if why.contains("'planner'"))
        );
    }

    #[tokio::test]
    async fn a_plugin_answer_is_returned() {
        let keep = Input::Verdict { ticket: TICKET, verdict: Verdict::Keep };
        let answer = keep.clone();
        let failed = unanswered(TICKET, &Query::Review { idle_for: Duration::ZERO });
        assert_eq!(answer_or(tokio::spawn(async { Some(answer) }), failed).await, keep);
    }
}
