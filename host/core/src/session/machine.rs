//! The state machine's data and its entry points for inputs, commands and queries. The transitions are in the other
//! modules. The machine never reads the clock.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use super::{
    ApiError, Effect, Input, PersonaSettings, Prompt, Run, SessionCommand, Settings, Ticket,
    background_work::BackgroundWork,
    state::{AfterStop, Blocked, LastPress, LiveProcess, Shutdown, State, Stop, StopStage, TimeoutReason},
};
use crate::{
    agent_event::{AgentEvent, PromptId},
    config::Busy,
    messages::{self, SessionNotice},
    turn::Turn,
    types::{
        AgentCommand, PermissionMode, Phase, Place, QueuedPrompt, SessionRecord, SessionView, Timestamp, UsageEntry,
    },
};

/// A session's state machine. The caller passes inputs and commands, performs the effects in order, and passes
/// `Input::Timeout` at the time that `poll_timeout` returns.
#[derive(Debug)]
pub struct Machine {
    pub(super) record: SessionRecord,
    /// The record as of the last `Persist`.
    pub(super) persisted: SessionRecord,
    pub(super) settings: Settings,
    pub(super) state: State,
    /// The agent process. Set while the process may be running.
    pub(super) live: Option<LiveProcess>,
    /// The prompts waiting to be sent to an agent, in sending order.
    pub(super) queue: VecDeque<Prompt>,
    /// The waiting urgent prompts. May also contain dropped prompts.
    pub(super) urgent: Vec<PromptId>,
    /// The most recently received persona settings, with the persona's name.
    pub(super) persona_settings: Option<(String, PersonaSettings)>,
    /// The greeting to post when the agent is ready.
    pub(super) greeting: Option<String>,
    pub(super) models: Vec<String>,
    /// The most recent notice that the agent is too old.
    pub(super) outdated_agent: Option<String>,
    /// The commands that the agent most recently reported.
    pub(super) commands: Option<Arc<[AgentCommand]>>,
    /// The new id of the most recently retried prompt.
    pub(super) retried_prompt: Option<PromptId>,
    /// The number of the failed start that users are currently being asked about.
    pub(super) open_failure: Option<u64>,
    /// The start of the silence that users are currently being asked about.
    pub(super) open_stall: Option<Timestamp>,
    /// The times of the last `/retry` and `/leave`, for recognizing repeated commands.
    pub(super) last_press: LastPress,
    /// The number of consecutive failed starts.
    pub(super) failed_starts: usize,
    /// The pending query for a resume notice, and the place where the notice will be posted.
    pub(super) resume_notice: Option<(Ticket, Place)>,
    /// The places already notified that their prompts wait until the terminal is closed.
    pub(super) notified_of_terminal: Vec<Place>,
    pub(super) shutdown: Shutdown,
    last_run: Run,
    last_ticket: Ticket,
    effects: Vec<Effect>,
    /// The usage of the turn that has just finished, to be stored with the record.
    pub(super) usage: Option<UsageEntry>,
}

impl Machine {
    /// Creates the machine of a new or stored session, which is suspended or archived. If the record names a process,
    /// the session is stopping instead: the process is the agent of a previous host that was killed. This process has
    /// the run [`Run::LEFT_OVER`], and its `Exit` has to arrive before another agent is started.
    #[must_use]
    pub fn new(record: SessionRecord, settings: Settings) -> Self {
        let state = if record.archived { State::Archived } else { State::Suspended };
        let mut machine = Self {
            persisted: record.clone(),
            settings,
            state,
            live: None,
            queue: VecDeque::new(),
            urgent: Vec::new(),
            persona_settings: None,
            greeting: None,
            models: Vec::new(),
            outdated_agent: None,
            commands: None,
            retried_prompt: None,
            open_failure: None,
            open_stall: None,
            last_press: LastPress::default(),
            failed_starts: 0,
            resume_notice: None,
            notified_of_terminal: Vec::new(),
            shutdown: Shutdown::No,
            last_run: Run::LEFT_OVER,
            last_ticket: Ticket(0),
            effects: Vec::new(),
            usage: None,
            record,
        };
        if machine.record.process.is_some() {
            let then = if machine.record.archived { AfterStop::Archive } else { AfterStop::Suspend };
            // The cleanup at host startup ends this process, so the earlier stop stages are skipped.
            let stop = Stop::new(StopStage::Killed, machine.record.last_active, then);
            machine.state = State::Stopping(Stop { work: machine.record.background.clone(), ..stop });
            machine.live = Some(machine.new_live(Run::LEFT_OVER));
        }
        machine
    }

    #[must_use]
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Vec<Effect> {
        match input {
            Input::Prompt(prompt) => {
                let accept = match self.settings.busy {
                    Busy::Queue => Self::accept,
                    Busy::Interrupt => Self::accept_urgent,
                    Busy::Steer => Self::accept_steering,
                };
                self.handle_prompt(prompt, accept, now);
            }
            Input::UrgentPrompt(prompt) => self.handle_prompt(prompt, Self::accept_urgent, now),
            Input::Edited { prompt, kind, text } => self.handle_edited(&prompt, kind, text),
            Input::Spawned { run, process } if self.is_live(run) => self.handle_spawned(process),
            Input::Agent { run, event } if self.is_live(run) => self.handle_event(event, now),
            Input::Exit { run, exit } if self.is_live(run) => self.handle_exit(&exit, now),
            Input::Output { run } if self.is_live(run) => self.end_silence(now),
            Input::Spawned { .. } | Input::Agent { .. } | Input::Output { .. } | Input::Exit { .. } => {}
            Input::Strays { pids } => self.post_to_affected_places(&SessionNotice::Strays { pids }),
            Input::Timeout => self.handle_timeout(now),
            Input::Verdict { ticket, verdict } => self.handle_verdict(ticket, verdict, now),
            Input::PersonaSettings { ticket, settings } => self.handle_persona_settings(ticket, settings, now),
            Input::ResumeNotice { ticket, text } => self.handle_resume_notice(ticket, text),
            Input::Decision { ticket, decision } => self.handle_decision(ticket, decision, now),
            Input::Settings(settings) => self.handle_settings(*settings, now),
            Input::SuspendIfUnused => self.suspend_if_unused(now),
            Input::PolicyChanged => self.review(now),
            Input::TerminalClosed { process, conversation } => {
                self.handle_terminal_closed(&process, conversation, now);
            }
            Input::AccessLost(prompts) => self.handle_access_lost(&prompts, now),
            Input::NobodyAnswers => self.withdraw_unanswerable(now),
            Input::Shutdown => self.handle_shutdown(now),
        }
        self.flush()
    }

    /// Executes a command and returns its effects.
    ///
    /// # Errors
    /// The command was refused. The error contains a message for the caller, and the session is unchanged.
    pub fn command(&mut self, command: SessionCommand, now: Timestamp) -> Result<Vec<Effect>, ApiError> {
        self.apply_command(command, now)?;
        Ok(self.flush())
    }

    /// Returns the time at which `Input::Timeout` is due, and the reason.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Timestamp, TimeoutReason)> {
        let state = if !matches!(self.state, State::Idle(_)) {
            self.state.deadline(self.idle_timeout())
        } else if let Some(background) = self.background() {
            background.next_end().map(|at| (at, TimeoutReason::WorkOver))
        } else if !self.open_requests().is_empty() {
            None
        } else {
            self.state.deadline(self.idle_timeout())
        };
        let expiry = self.next_expiry().map(|at| (at, TimeoutReason::RequestExpired));
        let stall = self.stall_deadline().map(|at| (at, TimeoutReason::Stalled));
        [state, expiry, stall].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    #[must_use]
    pub fn view(&self) -> SessionView {
        SessionView {
            record: self.record.clone(),
            phase: self.phase(),
            why: match &self.state {
                State::Asking(blocked) | State::Broken(blocked) => Some(blocked.why.clone()),
                State::Suspended | State::Starting(_) | State::Idle(_) | State::Busy(_) => None,
                State::Stopping(_) | State::Archived => None,
            },
            idle_timeout: self.idle_timeout(),
            model: self.model(),
            permission_mode: self.permission_mode(),
            models: self.models.clone(),
            commands: self.commands.clone(),
            requests: self.answerable_requests().cloned().collect(),
            queued: u32::try_from(self.queue.len()).unwrap_or(u32::MAX),
            queue: self.queue.iter().map(QueuedPrompt::of).collect(),
            memory: None,
            dropped: Vec::new(),
        }
    }

    /// Returns the mode that applies to the agent: the session's own, else the configured one, else the default.
    pub(super) fn permission_mode(&self) -> PermissionMode {
        self.record.permission_mode.or(self.configured_permission_mode()).unwrap_or(PermissionMode::Default)
    }

    pub(super) fn configured_permission_mode(&self) -> Option<PermissionMode> {
        self.settings.agent.as_ref().and_then(|agent| agent.permission_mode)
    }

    #[must_use]
    pub const fn record(&self) -> &SessionRecord {
        &self.record
    }

    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.state.phase()
    }

    /// Returns the turn in progress.
    #[must_use]
    pub fn turn(&self) -> Option<&Turn> {
        self.open().map(|open| &open.turn)
    }

    fn handle_event(&mut self, event: AgentEvent, now: Timestamp) {
        self.end_silence(now);
        match event {
            AgentEvent::Ready { models } => self.handle_ready(models, now),
            AgentEvent::Commands(commands) => self.commands = Some(commands.into()),
            AgentEvent::Outdated(text) => self.handle_outdated_agent(text),
            AgentEvent::Conversation { id, resumable } => self.handle_conversation(id, resumable),
            AgentEvent::PromptAccepted(prompt) => self.handle_prompt_accepted(&prompt),
            AgentEvent::Part { at, change } => self.handle_part(at, change),
            AgentEvent::Denied { tool, detail } => self.handle_denied(tool, detail),
            AgentEvent::Finished { answered, outcome, usage } => self.handle_finished(&answered, outcome, &usage, now),
            AgentEvent::InterruptAccepted => self.handle_interrupt_accepted(),
            AgentEvent::Background(work) => self.handle_background(work, now),
            AgentEvent::TurnStarted(turn) => self.handle_turn_started(turn, now),
            AgentEvent::UnpromptedText(text) => self.handle_unprompted_text(text, now),
            AgentEvent::StartFailed(why) => self.handle_start_failed(why, now),
            AgentEvent::ResumeRefused(why) => self.handle_resume_refused(why, now),
            AgentEvent::Requested(request) => self.handle_requested(request, now),
            AgentEvent::ToolAnnounced(request) => self.handle_tool_announced(request),
            AgentEvent::RequestCanceled(id) => self.handle_request_canceled(&id, now),
            AgentEvent::PermissionModeRefused(why) => self.handle_permission_mode_refused(why),
            AgentEvent::PermissionModeChanged(mode) => self.handle_permission_mode_changed(mode),
        }
    }

    /// Handles a deadline that has passed. If a later input has moved the deadline, the old timer may fire early and is
    /// ignored.
    fn handle_timeout(&mut self, now: Timestamp) {
        let Some((at, reason)) = self.poll_timeout() else { return };
        if now < at {
            return;
        }
        match reason {
            TimeoutReason::Persona => self.persona_failed(messages::persona_timeout()),
            TimeoutReason::Ready => self.start_overdue(now),
            TimeoutReason::RequestExpired => self.expire_requests(now),
            TimeoutReason::Stalled => self.ask_about_stall(),
            TimeoutReason::StartAgain => self.start(now),
            TimeoutReason::Idle => self.stop(StopStage::Closed, AfterStop::Suspend, now),
            TimeoutReason::Review => self.review(now),
            TimeoutReason::WorkOver => self.end_past_work(now),
            TimeoutReason::Interrupt => self.interrupt_timed_out(now),
            TimeoutReason::CloseInput => self.advance_stop(StopStage::Closed, now),
            TimeoutReason::Terminate => self.advance_stop(StopStage::Terminated, now),
            TimeoutReason::Kill => self.advance_stop(StopStage::Killed, now),
        }
    }

    /// Returns the timeout set by `/timeout`, else the persona's, else the configured one.
    pub(super) fn idle_timeout(&self) -> Duration {
        let persona = self.persona_settings().and_then(|settings| settings.idle_timeout);
        self.record.idle_timeout.or(persona).unwrap_or(self.settings.idle_timeout)
    }

    /// Returns the model set by `/model`, else the persona's, else the configured one.
    pub(super) fn model(&self) -> Option<String> {
        let persona = self.persona_settings().and_then(|settings| settings.model.as_ref());
        self.record.model.as_ref().or(persona).or(self.settings.model.as_ref()).cloned()
    }

    /// Returns the settings of the session's current persona, if they have been received.
    pub(super) fn persona_settings(&self) -> Option<&PersonaSettings> {
        let (persona, settings) = self.persona_settings.as_ref()?;
        (self.record.persona.as_ref() == Some(persona)).then_some(settings)
    }

    pub(super) fn is_live(&self, run: Run) -> bool {
        self.live.as_ref().is_some_and(|live| live.run == run)
    }

    pub(super) fn new_live(&self, run: Run) -> LiveProcess {
        LiveProcess {
            run,
            resumes: false,
            persona: self.record.persona.clone(),
            model: self.model(),
            agent: self.settings.agent.clone(),
            background: BackgroundWork::default(),
            requests: Vec::new(),
            shown_request: None,
            undecided: BTreeMap::new(),
            announced: BTreeMap::new(),
            conversation_discarded: false,
            in_new_folder: false,
            has_lost_state: false,
        }
    }

    pub(super) const fn next_run(&mut self) -> Run {
        self.last_run = Run(self.last_run.0 + 1);
        self.last_run
    }

    pub(super) const fn next_ticket(&mut self) -> Ticket {
        self.last_ticket = Ticket(self.last_ticket.0 + 1);
        self.last_ticket
    }

    pub(super) fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Emits an effect for the agent process, if one may be running.
    pub(super) fn emit_live(&mut self, effect: impl FnOnce(Run) -> Effect) {
        if let Some(live) = &self.live {
            let effect = effect(live.run);
            self.emit(effect);
        }
    }

    pub(super) fn post(&mut self, place: Place, notice: SessionNotice) {
        self.emit(Effect::Post { place, notice });
    }

    /// Sends a notice to all places with waiting prompts or, if no prompt is waiting, to the session's place.
    pub(super) fn post_to_affected_places(&mut self, notice: &SessionNotice) {
        let mut places: Vec<Place> = Vec::new();
        for prompt in &self.queue {
            if !places.contains(&prompt.place) {
                places.push(prompt.place.clone());
            }
        }
        if places.is_empty() {
            places.extend(self.record.place.clone());
        }
        for place in places {
            self.post(place, notice.clone());
        }
    }

    pub(super) fn block(&mut self, blocked: Blocked, state: fn(Blocked) -> State) {
        self.resume_notice = None;
        self.post_to_affected_places(&blocked.notice);
        self.state = state(blocked);
    }

    /// Returns the effects. A changed record is persisted before all other effects except a leading `Accept`. That
    /// effect stores the record and the prompt together, so an interrupted prompt leaves the record only when it is
    /// stored as a waiting prompt.
    pub(super) fn flush(&mut self) -> Vec<Effect> {
        self.record.background = self.recorded_work();
        self.record.open_requests = self.recorded_requests();
        self.close_past_stall();
        let usage = self.usage.take();
        if self.record != self.persisted || usage.is_some() {
            self.persisted.clone_from(&self.record);
            let at = usize::from(matches!(self.effects.first(), Some(Effect::Accept(_))));
            let persist = usage.map_or(Effect::Persist, |usage| Effect::PersistTurn(Box::new(usage)));
            self.effects.insert(at, persist);
        }
        std::mem::take(&mut self.effects)
    }
}
