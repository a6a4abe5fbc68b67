//! One session of the fake host: the host's state machine, and a fake agent that reacts to its effects at once. The
//! agent accepts prompts and never ends a turn by itself.

use std::collections::VecDeque;

use cordboard_core::{
    agent_event::{AgentEvent, Outcome},
    messages::SessionNotice,
    session::{ApiError, Effect, Exit, Input, Machine, Prompt, RestoredPrompts, Run, SessionCommand, Settings, Ticket},
    turn::Turn,
    types::{Place, ProcessId, SessionRecord, SessionView, Timestamp, TurnUsage, UsageEntry},
};

use crate::session::Query;

/// The exit status of every agent.
const EXITED: &str = "exit code 0";

/// The conversation id of every agent.
pub const CONVERSATION: &str = "fake";

/// The behavior of a session's agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Behaviour {
    #[default]
    Normal,
    NeverReady,
    /// The agent keeps running when its input is closed.
    KeepsRunning,
    RefusesResume(String),
    CannotStart(String),
}

pub(super) struct FakeSession {
    pub machine: Machine,
    pub behaviour: Behaviour,
    /// The models that the agent reports.
    pub models: Vec<String>,
    /// The unanswered queries to plugins, in order.
    pub queries: VecDeque<(Ticket, Query)>,
    /// Notices that are not recorded as posts yet.
    pub notices: Vec<(Place, SessionNotice)>,
    /// The usage of finished turns that the host has not collected yet.
    pub usage: Vec<UsageEntry>,
    /// The turn that ended last.
    ended: Option<Turn>,
    run: Run,
    /// Inputs from the agent that the machine hasn't handled yet, in order.
    events: VecDeque<Input>,
}

impl FakeSession {
    pub fn new(record: SessionRecord, settings: Settings) -> Self {
        Self {
            machine: Machine::new(record, settings),
            behaviour: Behaviour::default(),
            models: Vec::new(),
            queries: VecDeque::new(),
            notices: Vec::new(),
            usage: Vec::new(),
            ended: None,
            run: Run::LEFT_OVER,
            events: VecDeque::new(),
        }
    }

    /// Executes a command. As on a real host, the returned view doesn't yet include the agent's reaction.
    pub fn order(&mut self, order: SessionCommand, now: Timestamp) -> Result<SessionView, ApiError> {
        let effects = self.machine.command(order, now)?;
        let dropped = effects.iter().filter_map(Effect::dropped).map(str::to_owned).collect();
        self.perform(effects, now);
        let view = SessionView { dropped, ..self.machine.view() };
        self.react(now);
        Ok(view)
    }

    pub fn handle(&mut self, input: Input, now: Timestamp) {
        let effects = self.machine.handle(input, now);
        self.perform(effects, now);
        self.react(now);
    }

    /// Delivers an event of the running agent.
    pub fn on_agent_event(&mut self, event: AgentEvent, now: Timestamp) {
        self.handle(Input::Agent { run: self.run, event }, now);
    }

    /// Restores prompts whose turns were interrupted when the previous host exited.
    pub fn restore(&mut self, interrupted: Vec<Prompt>, now: Timestamp) {
        let effects = self.machine.restore(RestoredPrompts { interrupted, ..RestoredPrompts::default() }, now);
        self.perform(effects, now);
    }

    /// Handles all deadlines up to `now`, each as of the time when it was due.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some((at, _)) = self.machine.poll_timeout().filter(|(at, _)| *at <= now) {
            self.handle(Input::Timeout, at);
        }
    }

    /// Returns the running turn, or else the one that ended last.
    pub fn turn(&self) -> Option<&Turn> {
        self.machine.turn().or(self.ended.as_ref())
    }

    /// Returns the turn that ended last.
    pub const fn ended(&self) -> Option<&Turn> {
        self.ended.as_ref()
    }

    fn react(&mut self, now: Timestamp) {
        while let Some(input) = self.events.pop_front() {
            let effects = self.machine.handle(input, now);
            self.perform(effects, now);
        }
    }

    fn perform(&mut self, effects: Vec<Effect>, now: Timestamp) {
        let mut waiting: VecDeque<Effect> = effects.into();
        while let Some(effect) = waiting.pop_front() {
            for effect in self.perform_one(effect, now).into_iter().rev() {
                waiting.push_front(effect);
            }
        }
    }

    /// Performs one effect. If it starts the agent, returns the resulting effects, because the outcome of the start is
    /// known immediately.
    fn perform_one(&mut self, effect: Effect, now: Timestamp) -> Vec<Effect> {
        match effect {
            Effect::Spawn { run, .. } => return self.spawn(run, now),
            Effect::Send { run, prompt } => {
                self.event(run, AgentEvent::PromptAccepted(prompt.id));
                self.event(run, AgentEvent::Conversation { id: CONVERSATION.to_owned(), resumable: true });
            }
            // The fake agent accepts only one prompt at a time.
            Effect::Steer { .. } | Effect::Forget { .. } | Effect::SteeredTurnStarted { .. } => {}
            Effect::Interrupt { run } => {
                self.event(run, AgentEvent::InterruptAccepted);
                if let Some(turn) = self.machine.turn() {
                    let answered = vec![turn.prompt.clone()];
                    self.event(
                        run,
                        AgentEvent::Finished { answered, outcome: Outcome::Interrupted, usage: TurnUsage::default() },
                    );
                }
            }
            Effect::CloseInput { .. } if self.behaviour == Behaviour::KeepsRunning => {}
            Effect::CloseInput { run } | Effect::Terminate { run } | Effect::Kill { run } => {
                let exit = Exit::Ended { status: EXITED.to_owned(), last_output: None };
                self.events.push_back(Input::Exit { run, exit });
            }
            Effect::LoadPersona { ticket, persona } => {
                self.queries.push_back((ticket, Query::Persona { name: persona }))
            }
            Effect::Review { ticket, idle_for } => self.queries.push_back((ticket, Query::Review { idle_for })),
            Effect::RequestResumeNotice { ticket, idle_for } => {
                self.queries.push_back((ticket, Query::ResumeNotice { idle_for }));
            }
            Effect::Decide { ticket, permission } => self.queries.push_back((ticket, Query::Permission(permission))),
            Effect::Post { place, notice } | Effect::CompleteWithNotice { place, notice, .. } => {
                self.notices.push((place, notice))
            }
            Effect::Finish(turn) | Effect::FinishInterrupted(turn) => self.ended = Some(turn),
            Effect::PersistTurn(usage) => self.usage.push(*usage),
            // The fake host stores nothing else.
            Effect::Persist
            | Effect::MarkSent(_)
            | Effect::MarkQueued(_)
            | Effect::Accept(_)
            | Effect::Complete { .. } => {}
            // A test conversation can't open a terminal.
            Effect::WatchTerminal(_) => {}
            // In a test conversation, a turn is shown only when the conversation asks for a frame.
            Effect::TurnStarted(_) | Effect::ShowTurn | Effect::CloseRequest { .. } => {}
            Effect::Audit(_) | Effect::AuditUnclosed(_) | Effect::Answer { .. } | Effect::SetPermissionMode { .. } => {}
        }
        Vec::new()
    }

    fn spawn(&mut self, run: Run, now: Timestamp) -> Vec<Effect> {
        self.run = run;
        let spawned = match &self.behaviour {
            Behaviour::CannotStart(why) => Input::Exit { run, exit: Exit::NotStarted(why.clone()) },
            Behaviour::Normal | Behaviour::KeepsRunning => {
                self.event(run, AgentEvent::Ready { models: self.models.clone() });
                Self::spawned(run)
            }
            Behaviour::RefusesResume(why) => {
                self.event(run, AgentEvent::ResumeRefused(why.clone()));
                Self::spawned(run)
            }
            Behaviour::NeverReady => Self::spawned(run),
        };
        self.machine.handle(spawned, now)
    }

    fn spawned(run: Run) -> Input {
        Input::Spawned { run, process: ProcessId { boot: String::new(), pid: 0, started: 0 } }
    }

    fn event(&mut self, run: Run, event: AgentEvent) {
        self.events.push_back(Input::Agent { run, event });
    }
}
