//! Asks plugins on behalf of sessions. Each question runs beside the session and comes back as an input.

use std::{
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use cordboard_core::{
    session::{Input, Ticket, Verdict},
    types::SessionView,
};

use super::setup::Live;
use crate::{
    plugin::{Board, Load, Plugs},
    roster::Roster,
    session::{self, Handle, Question},
};

/// What an advisor asks with. The board is weak, since the board owns the sessions that own the advisor.
pub struct Advisor {
    pub plugs: Arc<Plugs>,
    pub config: Live,
    pub roster: Arc<Roster>,
    pub board: OnceLock<Weak<dyn Board>>,
}

impl session::Advisor for Arc<Advisor> {
    fn ask(&self, view: SessionView, (ticket, question): (Ticket, Question), answer: Handle) {
        let advisor = Self::clone(self);
        tokio::spawn(async move {
            if let Some(input) = advisor.answer(&view, (ticket, question)).await {
                answer.send(input).await;
            }
        });
    }
}

impl Advisor {
    async fn answer(&self, view: &SessionView, (ticket, question): (Ticket, Question)) -> Option<Input> {
        let board = self.board.get()?.upgrade()?;
        let policy = self.config.now().plugins.lifecycle.clone();
        Some(match question {
            Question::Resolve { persona } => {
                let brief = self.plugs.resolve(&board, &persona, view).await.map_err(|error| error.to_string());
                Input::Brief { ticket, brief }
            }
            Question::Review { idle_for } => {
                let verdict = self.plugs.review(&board, &policy, (view, self.load(view, idle_for))).await;
                let verdict = verdict.unwrap_or_else(|error| {
                    tracing::warn!(policy, %error, "no verdict: the session is suspended at its idle timeout");
                    Verdict::Absent
                });
                Input::Verdict { ticket, verdict }
            }
            Question::WordResume { idle_for } => {
                let text = self.plugs.resume_notice(&board, &policy, (view, self.load(view, idle_for))).await;
                let text = text.unwrap_or_else(|error| {
                    tracing::warn!(policy, %error, "no words for a resume");
                    None
                });
                Input::ResumeNotice { ticket, text }
            }
        })
    }

    fn load(&self, view: &SessionView, idle_for: Duration) -> Load {
        Load {
            idle_for,
            live_agents: u32::try_from(self.roster.live()).unwrap_or(u32::MAX),
            agent_memory: view.record.process.as_ref().and_then(|process| crate::process::memory(process.pid)),
            free_memory: crate::process::free_memory(),
        }
    }
}
