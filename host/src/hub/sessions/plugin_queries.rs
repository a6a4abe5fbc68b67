//! Queries plugins on behalf of sessions. Each query runs on its own task, and its answer is sent to the session as an
//! input.

use std::{
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use cordboard_core::{
    session::{Input, Ticket, Verdict},
    types::SessionView,
};

use cordboard_runtime::{HostApi, Load, Registry};
use tokio::task::JoinHandle;

use crate::{
    hub::live_config::LiveConfig,
    session::{self, Handle, Question},
    session_registry::SessionRegistry,
};

/// The dependencies of a query. `board` is weak because the host API owns the sessions, which own these queries.
pub struct PluginQueries {
    pub plugs: Arc<Registry>,
    pub config: LiveConfig,
    pub roster: Arc<SessionRegistry>,
    pub board: OnceLock<Weak<dyn HostApi>>,
}

impl session::PluginQueries for Arc<PluginQueries> {
    fn ask(&self, view: SessionView, (ticket, question): (Ticket, Question), answer: Handle) {
        let advisor = Self::clone(self);
        let failed = unanswered(ticket, &question);
        let asked = tokio::spawn(async move { advisor.answer(&view, ticket, question).await });
        tokio::spawn(async move { answer.send(answered(asked, failed).await).await });
    }
}

/// Returns the answer, or `failed` if there is none or the task panicked: a session that waits always gets an answer.
async fn answered(asked: JoinHandle<Option<Input>>, failed: Input) -> Input {
    match asked.await {
        Ok(answer) => answer.unwrap_or(failed),
        Err(error) => {
            tracing::error!(%error, "a plugin query ended without an answer: treating it as failed");
            failed
        }
    }
}

/// Returns the input for a session whose query is not answered.
fn unanswered(ticket: Ticket, question: &Question) -> Input {
    match question {
        Question::Resolve { persona } => {
            Input::PersonaSettings { ticket, settings: Err(format!("persona '{persona}' failed; see the log")) }
        }
        Question::Review { .. } => Input::Verdict { ticket, verdict: Verdict::Absent },
        Question::WordResume { .. } => Input::ResumeNotice { ticket, text: None },
    }
}

/// The plugins that answer the questions of sessions.
pub struct Query<'a> {
    pub plugs: &'a Registry,
    pub board: &'a Arc<dyn HostApi>,
    /// The lifecycle plugin.
    pub policy: &'a str,
}

impl Query<'_> {
    /// Returns the input for the session. `load` returns the load for an idle time.
    pub async fn answer(
        &self,
        view: &SessionView,
        ticket: Ticket,
        question: Question,
        load: impl FnOnce(Duration) -> Load,
    ) -> Input {
        let Self { plugs, board, policy } = *self;
        match question {
            Question::Resolve { persona } => {
                let brief = plugs.resolve(board, &persona, view).await.map_err(|error| error.to_string());
                Input::PersonaSettings { ticket, settings: brief }
            }
            Question::Review { idle_for } => {
                let verdict = plugs.review(board, policy, view, load(idle_for)).await;
                let verdict = verdict.unwrap_or_else(|error| {
                    tracing::warn!(policy, %error, "lifecycle review failed: the session is suspended at its idle timeout");
                    Verdict::Absent
                });
                Input::Verdict { ticket, verdict }
            }
            Question::WordResume { idle_for } => {
                let text = plugs.resume_notice(board, policy, view, load(idle_for)).await;
                let text = text.unwrap_or_else(|error| {
                    tracing::warn!(policy, %error, "no resume notice from the lifecycle plugin");
                    None
                });
                Input::ResumeNotice { ticket, text }
            }
        }
    }
}

impl PluginQueries {
    async fn answer(&self, view: &SessionView, ticket: Ticket, question: Question) -> Option<Input> {
        let board = self.board.get()?.upgrade()?;
        let policy = self.config.now().plugins.lifecycle.clone();
        let query = Query { plugs: &self.plugs, board: &board, policy: &policy };
        Some(query.answer(view, ticket, question, |idle_for| self.load(view, idle_for)).await)
    }

    fn load(&self, view: &SessionView, idle_for: Duration) -> Load {
        Load {
            idle_for,
            live_agents: u32::try_from(self.roster.live()).unwrap_or(u32::MAX),
            agent_memory: view
                .record
                .process
                .as_ref()
                .and_then(|process| cordboard_agents::process::resident_memory(process.pid)),
            free_memory: cordboard_agents::process::free_memory(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICKET: Ticket = Ticket(7);

    /// Returns the input for a session whose query panics.
    async fn after_a_panic(question: Question) -> Input {
        let failed = unanswered(TICKET, &question);
        answered(tokio::spawn(async { panic!("the simulated bug") }), failed).await
    }

    #[tokio::test]
    async fn a_panic_counts_as_a_failed_plugin() {
        let verdict = after_a_panic(Question::Review { idle_for: Duration::ZERO }).await;
        assert_eq!(verdict, Input::Verdict { ticket: TICKET, verdict: Verdict::Absent });
        let words = after_a_panic(Question::WordResume { idle_for: Duration::ZERO }).await;
        assert_eq!(words, Input::ResumeNotice { ticket: TICKET, text: None });
        let brief = after_a_panic(Question::Resolve { persona: "planner".to_owned() }).await;
        assert!(
            matches!(brief, Input::PersonaSettings { ticket: TICKET, settings: Err(why) } if why.contains("'planner'"))
        );
    }

    #[tokio::test]
    async fn a_plugin_answer_is_returned() {
        let kept = Input::Verdict { ticket: TICKET, verdict: Verdict::Keep };
        let answer = kept.clone();
        let failed = unanswered(TICKET, &Question::Review { idle_for: Duration::ZERO });
        assert_eq!(answered(tokio::spawn(async { Some(answer) }), failed).await, kept);
    }
}
