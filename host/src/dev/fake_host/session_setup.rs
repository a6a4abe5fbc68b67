//! Brings a session of the fake host into the state that a test conversation describes. It uses the inputs and commands
//! that lead to this state on a real host, so it can't produce a state that is impossible there.

use cordboard_core::{
    agent_event::PromptId,
    session::{Decision, Input, PersonaSettings, Prompt, SessionCommand, Settings, Verdict},
    types::{Phase, Place, PromptKind, SessionRecord, Timestamp},
};

use super::session::{Behaviour, CONVERSATION, FakeSession};
use crate::session::Query;

/// The default reason for the `Asking` phase.
const RESUME_REFUSED: &str = "the conversation no longer exists";

/// The default reason for the `Broken` phase.
const NOT_STARTED: &str = "the agent's command does not exist";

/// A session as a test conversation describes it.
#[derive(Debug, Clone)]
pub struct SessionSetup {
    pub record: SessionRecord,
    pub phase: Phase,
    /// The models that the session's agent has reported.
    pub models: Vec<String>,
    /// The reason for the `Asking` or `Broken` phase. `None` selects the default reason.
    pub why: Option<String>,
    /// The number of waiting prompts, excluding the one in progress.
    pub queued: usize,
    /// The number of interrupted prompts.
    pub interrupted: usize,
    /// The place that the session's prompts come from.
    pub place: Place,
}

/// The error for a state that no session can be in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    #[error("queued={count}: a session that is {} has no queued messages: use starting, busy, stopping, asking or broken", phase.as_str())]
    NoQueue { count: usize, phase: Phase },
    #[error("queued={count}: at most {limit} messages can be queued for a session")]
    QueueFull { count: usize, limit: usize },
    #[error("interrupted={count}: an archived session has no interrupted messages")]
    NothingInterrupted { count: usize },
    #[error("why={why}: a session that is {} has no reason: use asking or broken", phase.as_str())]
    NoReason { why: String, phase: Phase },
}

impl SessionSetup {
    /// Describes a suspended session without prompts.
    #[must_use]
    pub fn new(record: SessionRecord, place: Place) -> Self {
        let record = SessionRecord { archived: false, process: None, interrupted: Vec::new(), ..record };
        Self { record, phase: Phase::Suspended, models: Vec::new(), why: None, queued: 0, interrupted: 0, place }
    }

    fn check(&self, settings: &Settings) -> Result<(), SetupError> {
        let (count, phase) = (self.queued, self.phase);
        let has_queue = match phase {
            Phase::Starting | Phase::Busy | Phase::Stopping | Phase::Asking | Phase::Broken => true,
            Phase::Suspended | Phase::Idle | Phase::Archived => false,
        };
        match &self.why {
            Some(why) if !matches!(phase, Phase::Asking | Phase::Broken) => {
                Err(SetupError::NoReason { why: why.clone(), phase })
            }
            _ if self.interrupted > 0 && phase == Phase::Archived => {
                Err(SetupError::NothingInterrupted { count: self.interrupted })
            }
            _ if count > 0 && !has_queue => Err(SetupError::NoQueue { count, phase }),
            _ if count > settings.max_queued => Err(SetupError::QueueFull { count, limit: settings.max_queued }),
            _ => Ok(()),
        }
    }

    /// Creates the session and brings it into the described state.
    pub(super) fn session(mut self, settings: Settings, now: Timestamp) -> Result<FakeSession, SetupError> {
        self.check(&settings)?;
        if self.phase == Phase::Asking {
            self.record.conversation.get_or_insert_with(|| CONVERSATION.to_owned());
            self.record.resumable = true;
        }
        let active = self.record.last_active;
        let mut session = FakeSession::new(self.record.clone(), settings);
        session.models.clone_from(&self.models);
        session.restore((0..self.interrupted).map(|number| self.prompt("interrupted", number)).collect(), now);
        if !self.models.is_empty() {
            drive(&mut session, [SessionCommand::Start, SessionCommand::ForceSuspend], active);
        }
        self.enter_phase(&mut session, active);
        for number in 0..self.queued {
            session.handle(Input::Prompt(self.prompt("queued", number)), active);
        }
        debug_assert_eq!(session.machine.phase(), self.phase, "a set-up reaches its phase");
        session.behaviour = Behaviour::Normal;
        session.notices.clear();
        Ok(session)
    }

    fn enter_phase(&self, session: &mut FakeSession, now: Timestamp) {
        let why = |default: &str| self.why.clone().unwrap_or_else(|| default.to_owned());
        match self.phase {
            Phase::Suspended => {}
            Phase::Idle => drive(session, [SessionCommand::Start], now),
            Phase::Starting => {
                session.behaviour = Behaviour::NeverReady;
                drive(session, [SessionCommand::Start], now);
            }
            Phase::Busy => {
                drive(session, [SessionCommand::Start], now);
                session.handle(Input::Prompt(self.prompt("running", 0)), now);
            }
            Phase::Stopping => {
                session.behaviour = Behaviour::KeepsRunning;
                drive(session, [SessionCommand::Start, SessionCommand::ForceSuspend], now);
            }
            Phase::Asking => {
                session.behaviour = Behaviour::RefusesResume(why(RESUME_REFUSED));
                drive(session, [SessionCommand::Start], now);
            }
            Phase::Broken => {
                session.behaviour = Behaviour::CannotStart(why(NOT_STARTED));
                drive(session, [SessionCommand::Start], now);
            }
            Phase::Archived => drive(session, [SessionCommand::Archive], now),
        }
    }

    fn prompt(&self, what: &str, number: usize) -> Prompt {
        let id = PromptId(format!("{what}-{number}"));
        Prompt {
            id,
            place: self.place.clone(),
            kind: PromptKind::Text,
            text: format!("{what} message {}", number + 1),
            mode: None,
            files: Vec::new(),
        }
    }
}

/// Executes commands. Plugin queries get a default answer, because a session can be set up before any plugin is active.
fn drive(session: &mut FakeSession, orders: impl IntoIterator<Item = SessionCommand>, now: Timestamp) {
    for order in orders {
        let refused = session.order(order, now).err();
        debug_assert_eq!(refused, None, "a set-up gives only commands that are accepted");
        while let Some((ticket, query)) = session.queries.pop_front() {
            let input = match query {
                Query::Persona { .. } => Input::PersonaSettings { ticket, settings: Ok(PersonaSettings::default()) },
                Query::Review { .. } => Input::Verdict { ticket, verdict: Verdict::Absent },
                Query::ResumeNotice { .. } => Input::ResumeNotice { ticket, text: None },
                Query::Permission(_) => Input::Decision { ticket, decision: Decision::ASK },
            };
            session.handle(input, now);
        }
    }
}
