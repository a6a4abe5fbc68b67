//! Starts an agent: requests the persona's settings, launches the process, and handles failures. No agent is started
//! while the previous one may be running.

use super::{
    Effect, Launch, Machine, PersonaSettings, Run, Ticket,
    state::{AfterStop, Blocked, ExitInfo, LiveProcess, START_BACKOFFS, Shutdown, StartStage, State, StopStage},
};
use crate::{
    config::AgentFeature,
    messages::{self, SessionNotice},
    types::{Choice, ConversationStart, ProcessId, Request, Timestamp},
};

impl Machine {
    /// Starts an agent, except during shutdown and while a terminal holds the session. The previous agent must have
    /// exited. Every start goes through this function.
    pub(super) fn start(&mut self, now: Timestamp) {
        debug_assert!(self.live.is_none(), "two agents for one session");
        if self.shutdown != Shutdown::No || self.record.terminal.is_some() {
            self.state = State::Suspended;
            return;
        }
        match self.record.persona.clone() {
            Some(persona) => {
                let ticket = self.next_ticket();
                self.emit(Effect::LoadPersona { ticket, persona });
                self.state = State::Starting(StartStage::Persona { ticket, since: now });
            }
            None => self.launch(now),
        }
    }

    /// Starts an agent because of a message or a command, and resets the count of failed starts.
    pub(super) fn start_anew(&mut self, now: Timestamp) {
        self.failed_starts = 0;
        self.start(now);
    }

    pub(super) fn handle_persona_settings(
        &mut self,
        ticket: Ticket,
        settings: Result<PersonaSettings, String>,
        now: Timestamp,
    ) {
        match &self.state {
            State::Starting(StartStage::Persona { ticket: pending, .. }) if *pending == ticket => {}
            State::Starting(_) | State::Suspended | State::Idle(_) | State::Busy(_) => return,
            State::Stopping(_) | State::Asking(_) | State::Broken(_) | State::Archived => return,
        }
        match settings {
            Ok(settings) => {
                if self.record.conversation.is_none() && self.record.turns == 0 && !self.record.greeted {
                    self.greeting.clone_from(&settings.greeting);
                }
                self.persona_settings = self.record.persona.clone().map(|persona| (persona, settings));
                self.launch(now);
            }
            Err(why) => self.persona_failed(why),
        }
    }

    /// Marks the session as broken, because an agent without its persona's instructions would behave unexpectedly.
    pub(super) fn persona_failed(&mut self, why: String) {
        self.break_session(why, |failure, why| SessionNotice::PersonaFailed { failure, why });
    }

    /// Returns the conversation that the next agent process begins with.
    pub(super) fn conversation_start(&self) -> ConversationStart {
        if self.lacks(AgentFeature::Resume) { ConversationStart::New } else { self.record.conversation_start() }
    }

    /// Returns whether the session's kind of agent lacks a feature.
    pub(super) fn lacks(&self, feature: AgentFeature) -> bool {
        self.settings.agent.as_ref().is_some_and(|agent| agent.kind.lacks(feature))
    }

    /// Applies the configured folder, if there is one. Returns whether it differs from the folder in the record.
    pub(super) fn change_folder(&mut self) -> bool {
        let Some(folder) = &self.settings.folder else { return false };
        let is_new = *folder != self.record.folder;
        self.record.folder.clone_from(folder);
        is_new
    }

    fn launch(&mut self, now: Timestamp) {
        let in_new_folder = self.change_folder();
        let conversation = self.conversation_start();
        let resumes = conversation.id().is_some();
        if !resumes {
            // The agent's cost counter restarts with each conversation.
            self.record.reset_usage();
        }
        if matches!(conversation, ConversationStart::Fork(_))
            && let Some(fork) = &mut self.record.fork
            && !std::mem::take(&mut fork.is_cost_current)
        {
            // The cost of the first turn is unknown, because the agent's total includes turns of the other session.
            self.record.tokens = None;
            self.record.begun_elsewhere = true;
        }
        let run = self.next_run();
        let has_lost_state = self.record.conversation.is_some() && self.lacks(AgentFeature::Resume);
        let live = LiveProcess { resumes, in_new_folder, has_lost_state, ..self.new_live(run) };
        self.live = Some(live);
        let instructions = self.persona_settings().map(|settings| settings.instructions.clone()).unwrap_or_default();
        let (model, permission_mode) = (self.model(), self.permission_mode());
        let launch = Launch { conversation, model, permission_mode, instructions };
        self.emit(Effect::Spawn { run, launch });
        self.state = State::Starting(StartStage::Agent { since: now });
    }

    pub(super) fn handle_spawned(&mut self, process: ProcessId) {
        self.record.process = Some(process);
        if self.live.as_ref().is_some_and(|live| live.has_lost_state) {
            // Clear the conversation so that the loss is reported only once: until another prompt is sent, later starts
            // have no state to lose.
            self.record.conversation = None;
            self.post_to_affected_places(&SessionNotice::StateLost);
        }
        if self.live.as_ref().is_some_and(|live| live.in_new_folder) {
            self.post_to_affected_places(&SessionNotice::FolderChanged { folder: self.record.folder.clone() });
        }
    }

    pub(super) fn handle_ready(&mut self, models: Vec<String>, now: Timestamp) {
        if !models.is_empty() {
            self.models = models;
        }
        if !matches!(self.state, State::Starting(StartStage::Agent { .. })) {
            return;
        }
        self.close_failure(Choice::Withdrawn);
        if let (Some(greeting), Some(place)) = (self.greeting.take(), self.record.place.clone()) {
            self.record.greeted = true;
            self.post(place, SessionNotice::Greeting(greeting));
        }
        self.next_prompt(now);
    }

    pub(super) fn handle_conversation(&mut self, id: String, resumable: bool) {
        if self.live.as_ref().is_some_and(|live| live.conversation_discarded || live.run == Run::LEFT_OVER) {
            return;
        }
        // An unstored conversation does not replace a resumable one, because the agent can only resume stored
        // conversations.
        if resumable || !self.record.resumable {
            self.record.conversation = Some(id);
            self.record.resumable = resumable;
        }
        if resumable {
            self.record.fork = None;
        }
    }

    pub(super) fn start_overdue(&mut self, now: Timestamp) {
        let why = messages::start_timeout();
        self.stop(StopStage::Killed, AfterStop::Fail(ExitInfo { details: why.clone(), why }), now);
    }

    /// Opens a request about a failed start, and closes any earlier one that is still open. Returns the new request's
    /// number.
    fn ask_about_failure(&mut self) -> u64 {
        self.close_failure(Choice::Withdrawn);
        self.record.failures += 1;
        self.open_failure = Some(self.record.failures);
        self.record.failures
    }

    pub(super) fn close_failure(&mut self, choice: Choice) {
        if let Some(failure) = self.open_failure.take() {
            let request = Request::Start { session: self.record.id().clone(), failure };
            self.emit(Effect::CloseRequest { request, choice });
        }
    }

    /// Handles a failed start: the agent exited before it accepted a prompt, or wasn't ready in time. Of several
    /// consecutive failures, only the first and the last are reported.
    pub(super) fn start_failed(&mut self, exit_info: ExitInfo, now: Timestamp) {
        let wait = START_BACKOFFS.get(self.failed_starts).copied();
        self.failed_starts += 1;
        match wait {
            _ if self.shutdown != Shutdown::No => self.state = State::Suspended,
            Some(wait) => {
                if self.failed_starts == 1 {
                    let (failure, agent) = (self.ask_about_failure(), self.record.agent.clone());
                    self.post_to_affected_places(&SessionNotice::StartFailed {
                        failure,
                        agent,
                        details: exit_info.details,
                    });
                }
                self.state = State::Starting(StartStage::Backoff { at: now.after(wait) });
            }
            None => self.break_session(exit_info.why, |failure, why| SessionNotice::Broken { failure, why }),
        }
    }

    /// Marks the session as broken and doesn't retry, because retrying doesn't fix a missing command.
    pub(super) fn start_impossible(&mut self, why: String) {
        self.break_session(why, |failure, why| SessionNotice::NotStarted { failure, why });
    }

    fn break_session(&mut self, why: String, notice: impl FnOnce(u64, String) -> SessionNotice) {
        let notice = notice(self.ask_about_failure(), why.clone());
        self.block(Blocked { why, notice }, State::Broken);
    }

    /// Handles an agent process that is running but can't work without the user's help: stops the process and doesn't
    /// retry.
    pub(super) fn handle_start_failed(&mut self, why: String, now: Timestamp) {
        if matches!(self.state, State::Starting(StartStage::Agent { .. })) {
            let notice = SessionNotice::NotStarted { failure: self.ask_about_failure(), why: why.clone() };
            self.stop(StopStage::Closed, AfterStop::Ask(Blocked { why, notice }), now);
        }
    }

    /// Handles an agent that refused to resume or fork its conversation. The prompts and the record are kept until the
    /// user decides.
    pub(super) fn handle_resume_refused(&mut self, why: String, now: Timestamp) {
        let untouched = self.open().is_none_or(|open| open.prompt.is_some() && open.turn.parts.is_empty());
        if !untouched || !self.live.as_ref().is_some_and(|live| live.resumes) {
            return;
        }
        self.requeue_open_prompts(now);
        if !matches!(self.state, State::Stopping(_)) {
            let failure = self.ask_about_failure();
            let notice = match self.conversation_start() {
                ConversationStart::Fork(_) => SessionNotice::ForkRefused { failure, why: why.clone() },
                ConversationStart::New | ConversationStart::Resume(_) => {
                    SessionNotice::ResumeRefused { failure, why: why.clone() }
                }
            };
            self.stop(StopStage::Closed, AfterStop::Ask(Blocked { why, notice }), now);
        }
    }
}
