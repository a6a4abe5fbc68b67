//! Serves requests from scripts: prompts for sessions, with or without waiting for the answer, and commands that
//! control sessions. A script that waits receives several responses on its connection: the acceptance, the reasons why
//! the session can't continue, and the outcome.

use std::io;

use async_trait::async_trait;
use cordboard_core::{
    scrub,
    session::ApiError,
    types::{Phase, SessionName, SessionView},
};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;

use super::{ClientConnection, ControlAnswer, ControlServices};

/// The maximum length of a prompt from a script, in bytes. Agents read larger texts better from a file.
pub const LONGEST_PROMPT: usize = 1024 * 1024;

/// A prompt from a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptPrompt {
    pub session: SessionName,
    pub text: String,
    pub then: AfterAcceptance,
}

/// Selects whether the host reports the prompt's outcome on the same connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AfterAcceptance {
    Close,
    ReportOutcome,
}

/// A command from a script to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScriptCommand {
    /// Interrupts the running turn.
    Stop,
    Suspend,
    Archive,
}

/// A prompt that the host has stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedPrompt {
    pub session: SessionName,
    /// The id of the prompt.
    pub prompt: String,
}

/// The outcome of a prompt, as reported to the waiting script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptReport {
    pub outcome: ReportedOutcome,
    /// The agent's final text as Markdown. If the turn failed, the text may be incomplete.
    pub answer: String,
    /// The reason why the prompt was not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportedOutcome {
    Answered,
    /// The turn failed, the agent exited, or a user stopped the turn or dropped the prompt.
    Failed,
    /// The host was stopped, or another message interrupted the turn. The chat asks what to do with the prompt.
    Interrupted,
}

/// A prompt that was stored and sent to its session.
pub struct SentPrompt {
    /// The id of the session.
    pub session: SessionName,
    /// The id of the prompt.
    pub prompt: String,
    pub report: BoxFuture<'static, PromptReport>,
}

/// Performs the requests of scripts.
#[async_trait]
pub trait ScriptRequests: Send + Sync {
    /// Stores a prompt and sends it to its session.
    async fn send(&self, session: &SessionName, text: String) -> Result<SentPrompt, ApiError>;
    async fn control(&self, session: &SessionName, command: ScriptCommand) -> Result<SessionView, ApiError>;
}

impl ControlServices {
    /// Sends a prompt to its session and returns the last response. If the script waits, this is the outcome. The
    /// acceptance and the reasons why the session can't continue are sent to the client before.
    ///
    /// # Errors
    /// The script has closed the connection. The prompt is handled anyway.
    pub(super) async fn send_prompt(
        &self,
        prompt: ScriptPrompt,
        client: &mut ClientConnection,
    ) -> io::Result<ControlAnswer> {
        let ScriptPrompt { session: name, text, then } = prompt;
        let sent = match self.scripts.send(&name, text).await {
            Ok(sent) => sent,
            Err(refusal) => return Ok(ControlAnswer::Refused(refusal.text)),
        };
        let accepted = ControlAnswer::Accepted(AcceptedPrompt { session: name, prompt: sent.prompt });
        if then == AfterAcceptance::Close {
            return Ok(accepted);
        }
        client.respond(&accepted).await?;
        let mut report = sent.report;
        let mut changes = self.rows.sessions.changes();
        let (mut reported, mut unexpected) = (None, [0_u8]);
        loop {
            let view = self.rows.sessions.with_id(&sent.session);
            let blocked = view.as_deref().and_then(blocked_by).map(scrub::text);
            if let Some(why) = blocked.clone().filter(|_| blocked != reported) {
                client.respond(&ControlAnswer::Blocked(why)).await?;
            }
            reported = blocked;
            tokio::select! {
                report = &mut report => return Ok(ControlAnswer::Ended(report)),
                _ = changes.changed() => {}
                // The script sends nothing after its request, so it has closed the connection.
                _ = client.read.read(&mut unexpected) => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
        }
    }

    /// Executes a command of a script.
    pub(super) async fn control_session(&self, session: &SessionName, command: ScriptCommand) -> ControlAnswer {
        match self.scripts.control(session, command).await {
            Ok(view) => ControlAnswer::Session(self.rows.session(&view)),
            Err(refusal) => ControlAnswer::Refused(refusal.text),
        }
    }
}

/// Returns the reason why a session can't continue without a user.
fn blocked_by(view: &SessionView) -> Option<String> {
    if let Some(open) = view.requests.first() {
        return Some(format!("waits for an answer to question #{}: {}", open.number, open.request.title));
    }
    if view.record.terminal.is_some() {
        return Some("is open in a terminal; the prompt waits until the terminal is closed".to_owned());
    }
    match view.phase {
        Phase::Asking | Phase::Broken => {
            let why = view.why.as_deref().unwrap_or_default();
            Some(format!("waits for a decision in the chat: {why}"))
        }
        Phase::Suspended | Phase::Starting | Phase::Idle | Phase::Busy | Phase::Stopping | Phase::Archived => None,
    }
}
