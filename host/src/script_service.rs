//! Performs the requests that scripts send through the control socket: prompts and commands to sessions.

use std::sync::Arc;

use async_trait::async_trait;
use cordboard_core::{
    messages, render, route, scrub,
    session::{ApiError, ApiErrorCode, Completion, QueuedPrompts, SessionCommand},
    turn::{Turn, TurnState},
    types::{Alert, SessionName, SessionView},
};
use cordboard_runtime::{HostApi as _, refuse};
use futures::FutureExt as _;

use crate::{
    control::{PromptReport, ReportedOutcome, ScriptCommand, ScriptRequests, SentPrompt},
    hub::{self, HostService, ScriptedPrompt},
    session::PromptOutcome,
};

/// The maximum number of similar names in the error for an unknown session.
const MAX_SUGGESTIONS: usize = 3;

const NOT_SHOWN: &str = "The answer could not be shown because of a bug in Cordboard. See the log for details.";
const CANCELED: &str =
    "The prompt was canceled by an interrupt. In the chat, use /retry to send it again or /leave to drop it.";
const INTERRUPTED: &str = "The host stopped before the answer was complete.";
const DROPPED: &str = "A user dropped the prompt from the queue.";

pub struct ScriptService {
    host: Arc<HostService>,
}

impl ScriptService {
    #[must_use]
    pub const fn new(host: Arc<HostService>) -> Self {
        Self { host }
    }

    fn check_exists(&self, name: &SessionName) -> Result<(), ApiError> {
        let views = self.host.sessions.registry.views();
        if views.iter().any(|view| view.record.name == *name) {
            return Ok(());
        }
        let known = views.iter().filter(|view| !view.record.archived).map(|view| view.record.name.as_str());
        Err(refuse(ApiErrorCode::Unknown, unknown_session(name, known.collect())))
    }
}

fn unknown_session(name: &SessionName, mut known: Vec<&str>) -> String {
    let mut similar = Vec::new();
    while similar.len() < MAX_SUGGESTIONS
        && let Some(nearest) = route::nearest(name.as_str(), known.iter().copied())
    {
        known.retain(|other| *other != nearest);
        similar.push(format!("'{nearest}'"));
    }
    let suggestion = match similar.as_slice() {
        [] => ";".to_owned(),
        [only] => format!("; did you mean {only}?"),
        [others @ .., last] => format!("; did you mean {} or {last}?", others.join(", ")),
    };
    format!("session '{name}' doesn't exist{suggestion} `cordboard sessions` lists the sessions")
}

/// Returns the reason why the session rejected the prompt, or `None` if it accepted it.
fn rejection(outcome: &PromptOutcome, session: &SessionName) -> Option<String> {
    match outcome {
        PromptOutcome::NotAnswered(Completion::Rejected(notice)) => Some(render::plain(&notice.reply(session).text)),
        PromptOutcome::NotAnswered(Completion::Dropped(_) | Completion::Interrupted | Completion::Superseded) => None,
        PromptOutcome::TurnEnded(_) | PromptOutcome::TurnInterrupted(_) => None,
    }
}

/// Returns the report for the script that waits for the outcome, without secrets.
fn report(outcome: Option<PromptOutcome>, session: &SessionName) -> PromptReport {
    let without_turn = |outcome, why: &str| PromptReport {
        outcome,
        answer: String::new(),
        why: Some(scrub::text(why.to_owned())),
        cost_usd: None,
    };
    match outcome {
        None => without_turn(ReportedOutcome::Failed, NOT_SHOWN),
        Some(PromptOutcome::TurnEnded(turn)) => match incomplete_reason(&turn) {
            None => turn_report(&turn, ReportedOutcome::Answered, None),
            Some(why) => turn_report(&turn, ReportedOutcome::Failed, Some(why)),
        },
        Some(PromptOutcome::TurnInterrupted(turn)) => {
            let why = incomplete_reason(&turn).unwrap_or_else(|| INTERRUPTED.to_owned());
            turn_report(&turn, ReportedOutcome::Interrupted, Some(why))
        }
        Some(PromptOutcome::NotAnswered(Completion::Interrupted | Completion::Superseded)) => {
            without_turn(ReportedOutcome::Interrupted, CANCELED)
        }
        Some(PromptOutcome::NotAnswered(Completion::Dropped(_))) => without_turn(ReportedOutcome::Failed, DROPPED),
        Some(PromptOutcome::NotAnswered(Completion::Rejected(notice))) => {
            without_turn(ReportedOutcome::Failed, &render::plain(&notice.reply(session).text))
        }
    }
}

fn turn_report(turn: &Turn, outcome: ReportedOutcome, why: Option<String>) -> PromptReport {
    let answer = scrub::text(turn.final_text());
    PromptReport { outcome, answer, why: why.map(scrub::text), cost_usd: turn.cost_usd }
}

/// Returns the reason why the turn's answer is incomplete, or `None` if it is complete. A turn that `/stop` ended in
/// its own chat counts as done, because the chat shows it as finished, but it is silent; it is reported as stopped.
fn incomplete_reason(turn: &Turn) -> Option<String> {
    match (&turn.state, turn.alert) {
        (TurnState::Failed(why), _) => Some(why.clone()),
        (TurnState::Stopped, _) | (TurnState::Running | TurnState::Done, Alert::Silent) => Some(messages::stopped()),
        (TurnState::Running | TurnState::Done, Alert::Ring) => None,
    }
}

#[async_trait]
impl ScriptRequests for ScriptService {
    async fn send(&self, session: &SessionName, text: String) -> Result<SentPrompt, ApiError> {
        self.check_exists(session)?;
        let ScriptedPrompt { session: id, id: prompt, mut outcome } = self.host.send_from_script(session, text).await?;
        let early = outcome.try_recv().ok();
        if let Some(why) = early.as_ref().and_then(|outcome| rejection(outcome, session)) {
            return Err(refuse(ApiErrorCode::Busy, why));
        }
        let name = session.clone();
        let report = async move {
            let outcome = if early.is_some() { early } else { outcome.await.ok() };
            report(outcome, &name)
        };
        Ok(SentPrompt { session: id, prompt: prompt.0, report: report.boxed() })
    }

    async fn control(&self, session: &SessionName, command: ScriptCommand) -> Result<SessionView, ApiError> {
        self.check_exists(session)?;
        let command = match command {
            ScriptCommand::Stop => SessionCommand::Interrupt { queued: QueuedPrompts::Keep, from: None },
            ScriptCommand::Suspend => SessionCommand::Suspend,
            ScriptCommand::Archive => SessionCommand::Archive,
        };
        self.host.control(&hub::script(), session, command).await
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::{
        agent_event::PromptId,
        messages::SessionNotice,
        turn::TurnPart,
        types::{Place, Timestamp},
    };

    use super::*;

    fn name(name: &str) -> SessionName {
        name.parse().unwrap()
    }

    #[test]
    fn an_unknown_session_suggests_up_to_three_names() {
        let text = |typed: &str, known: &[&str]| unknown_session(&name(typed), known.to_vec());
        let found = text("alpah", &["alpha", "beta", "alpine", "gamma"]);
        assert_eq!(
            found,
            "session 'alpah' doesn't exist; did you mean 'alpha'? `cordboard sessions` lists the sessions"
        );
        let found = text("web", &["web1", "web2", "web3", "web4"]);
        assert!(found.contains("did you mean 'web1', 'web2' or 'web3'?"), "{found}");
        assert_eq!(text("x", &[]), "session 'x' doesn't exist; `cordboard sessions` lists the sessions");
    }

    fn turn(state: TurnState) -> Turn {
        let turn = Turn::new(PromptId("1".to_owned()), Place::new("test", "home"), Timestamp(0));
        Turn { state, parts: vec![TurnPart::Text("text".to_owned())], cost_usd: Some(0.5), ..turn }
    }

    #[test]
    fn only_a_complete_answer_counts_as_answered() {
        let outcome = |outcome| report(outcome, &name("a"));
        let ended = |turn| outcome(Some(PromptOutcome::TurnEnded(turn)));
        let answered = ended(turn(TurnState::Done));
        assert_eq!((answered.outcome, answered.answer.as_str()), (ReportedOutcome::Answered, "text"));
        assert_eq!((answered.why, answered.cost_usd), (None, Some(0.5)));
        let failed = ended(turn(TurnState::Failed("it died".to_owned())));
        assert_eq!((failed.outcome, failed.answer.as_str()), (ReportedOutcome::Failed, "text"), "the part is kept");
        assert_eq!(failed.why.as_deref(), Some("it died"));
        let stopped = ended(Turn { alert: Alert::Silent, ..turn(TurnState::Done) });
        assert_eq!((stopped.outcome, stopped.why.as_deref()), (ReportedOutcome::Failed, Some("Stopped.")));
        let interrupted = PromptOutcome::TurnInterrupted(turn(TurnState::Failed("shutdown".to_owned())));
        assert_eq!(outcome(Some(interrupted)).outcome, ReportedOutcome::Interrupted);
        let without_reason = outcome(Some(PromptOutcome::TurnInterrupted(turn(TurnState::Done))));
        assert!(without_reason.why.is_some_and(|why| !why.is_empty()), "a script prints the reason");
        assert_eq!(outcome(None).outcome, ReportedOutcome::Failed);
    }

    #[test]
    fn a_rejection_is_reported_with_its_reason() {
        let notice = SessionNotice::QueueFull { limit: 2, prompt: "p".to_owned() };
        let rejected = PromptOutcome::NotAnswered(Completion::Rejected(Box::new(notice)));
        let why = rejection(&rejected, &name("a")).unwrap();
        assert!(why.starts_with("Not accepted: 2 messages are already queued for session 'a'."), "{why}");
        assert_eq!(rejection(&PromptOutcome::TurnEnded(turn(TurnState::Done)), &name("a")), None);
    }
}
