//! Performs the effects of the machine, in order.

use std::{collections::VecDeque, time::Instant};

use cordboard_core::{
    agent_event::{AgentEvent, PromptId},
    event::StartKind,
    messages::{self, SessionNotice},
    session::{Completion, Effect, Exit, Input, Launch, Prompt, Run, Ticket, WITHDRAWN},
    turn::Turn,
    types::{AuditEntry, DecidedBy, DecidedRequest, Place, ProcessId, RecordedRequest, SessionView, UsageEntry},
};
use cordboard_failpoints::{Failpoint, hit};
use cordboard_metrics::METRICS;
use cordboard_store::StoreError;

use super::{
    PluginQuery, Query, SessionOutput,
    actor::Actor,
    agent_process::AgentProcess,
    terminal_watch::{self, TerminalWatch},
};
use crate::received_files;

impl Actor {
    /// Performs all effects. Returns the first store error, but still performs the remaining effects: a full disk must
    /// not keep an agent waiting for its answer.
    pub(super) async fn perform(&mut self, effects: Vec<Effect>) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        let mut waiting: VecDeque<Effect> = effects.into();
        while let Some(effect) = waiting.pop_front() {
            match self.perform_one(effect).await {
                Ok(more) => more.into_iter().rev().for_each(|effect| waiting.push_front(effect)),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }

    /// Performs one effect. If its outcome is an input for the machine, returns the effects that this input causes.
    async fn perform_one(&mut self, effect: Effect) -> Result<Vec<Effect>, StoreError> {
        match effect {
            Effect::Persist => self.ports.store.save(self.machine.record()).await?,
            Effect::PersistTurn(usage) => self.persist_turn(*usage).await?,
            Effect::Accept(prompt) => self.ports.store.requeue(self.machine.record(), &prompt).await?,
            Effect::MarkSent(prompt) => self.ports.store.mark_sent(&prompt).await?,
            Effect::MarkQueued(prompt) => {
                self.hide_working_indicator(&prompt);
                self.ports.store.mark_queued(&prompt).await?;
            }
            Effect::Complete { prompt, how } => self.complete(&prompt, how).await?,
            Effect::CompleteWithNotice { prompt, how, place, notice } => {
                self.settled(&prompt, how);
                self.sink.show(SessionOutput::Notice { place, notice, completes: Some(prompt) });
            }
            Effect::LoadPersona { ticket, persona } => self.ask(ticket, Query::Persona { name: persona }),
            Effect::Review { ticket, idle_for } => self.ask(ticket, Query::Review { idle_for }),
            Effect::RequestResumeNotice { ticket, idle_for } => self.ask(ticket, Query::ResumeNotice { idle_for }),
            Effect::Decide { ticket, permission } => self.ask(ticket, Query::Permission(permission)),
            Effect::WatchTerminal(process) => self.watch_terminal(process),
            Effect::Spawn { run, launch } => return Ok(self.start(run, &launch)),
            Effect::Send { run, prompt } => {
                self.send(run, &prompt);
                self.turn_started(prompt.id, prompt.place);
            }
            Effect::Steer { run, prompt } => self.send(run, &prompt),
            Effect::Forget { run, prompt } => self.with(run, |agent| agent.forget(&prompt)),
            Effect::SteeredTurnStarted { prompt, place } => self.turn_started(prompt, place),
            Effect::TurnStarted(place) => {
                if let Some(turn) = self.machine.turn() {
                    self.events.agent_started_turn(&turn.prompt);
                }
                self.events.turn_started(&place, self.machine.view(), self.ports.clock.now());
                self.is_frame_due = true;
            }
            Effect::Audit(decided) => self.ports.store.audit(self.audit_entry(*decided)).await?,
            Effect::AuditUnclosed(request) => self.ports.store.audit(self.unclosed_entry(*request)).await?,
            Effect::Answer { run, id, answer } => return Ok(self.decoded(run, |agent| agent.answer(&id, &answer))),
            Effect::SetPermissionMode { run, mode } => {
                return Ok(self.decoded(run, |agent| agent.set_permission_mode(mode)));
            }
            Effect::Interrupt { run } => {
                if let Some(turn) = self.machine.turn() {
                    self.sink.stopping(&turn.place, &turn.prompt);
                }
                self.with(run, AgentProcess::interrupt);
            }
            Effect::CloseInput { run } => self.with(run, |agent| agent.close_input()),
            Effect::Terminate { run } => self.with(run, |agent| agent.terminate()),
            Effect::Kill { run } => self.with(run, |agent| agent.kill()),
            Effect::ShowTurn => self.is_frame_due = true,
            Effect::Finish(turn) => self.end_turn(turn, SessionOutput::Finished),
            Effect::CloseRequest { request, choice } => {
                self.sink.show(SessionOutput::RequestClosed { request, choice, by: self.by.clone() });
            }
            Effect::FinishInterrupted(turn) => self.end_turn(turn, SessionOutput::Interrupted),
            Effect::Post { place, notice } => self.notify(place, notice),
        }
        Ok(Vec::new())
    }

    async fn complete(&mut self, prompt: &PromptId, how: Completion) -> Result<(), StoreError> {
        let completed = self.ports.store.complete(prompt).await;
        self.settled(prompt, how);
        completed
    }

    /// Forgets a prompt that the agent doesn't answer, and reports its outcome.
    fn settled(&mut self, prompt: &PromptId, how: Completion) {
        tracing::debug!(?how, "prompt settled");
        self.events.forget_prompt(prompt);
        METRICS.update_handled(&prompt.0);
        self.ports.outcomes.not_answered(prompt, how);
    }

    fn notify(&self, place: Place, notice: SessionNotice) {
        self.sink.show(SessionOutput::Notice { place, notice, completes: None });
    }

    /// Sends a prompt with its files.
    fn send(&mut self, run: Run, prompt: &Prompt) {
        let files = received_files::prompt_files(&self.machine.record().folder, &prompt.files);
        self.with(run, |agent| agent.send(prompt, &files));
        METRICS.prompt_sent(&prompt.id.0);
    }

    /// Shows that the agent is working on a prompt.
    fn turn_started(&mut self, prompt: PromptId, place: Place) {
        self.events.prompt_sent(&prompt);
        self.events.turn_started(&place, self.machine.view(), self.ports.clock.now());
        self.sent = Some((prompt, place));
        // Show a frame immediately, so that the user sees that the agent is working even if it stays silent for a long
        // time.
        self.is_frame_due = true;
    }

    async fn persist_turn(&mut self, usage: UsageEntry) -> Result<(), StoreError> {
        let cost = usage.cost_usd;
        let budget = self.ports.store.save_turn(self.machine.record(), usage).await?;
        if let Some((budget, _)) = budget.zip(cost).filter(|(budget, cost)| budget.is_warning_due(*cost)) {
            self.budget_warning = Some(messages::budget_warning(&budget));
        }
        Ok(())
    }

    fn watch_terminal(&mut self, process: ProcessId) {
        if let Err(error) = terminal_watch::prepare_report(&self.ports.state_dir, self.machine.record().id()) {
            tracing::warn!(%error, "failed to prepare the report file of a terminal: the conversation may be unknown after it closes");
        }
        tracing::info!(pid = process.pid, "session opened in a terminal");
        self.terminal = Some(TerminalWatch::start(process));
    }

    /// Removes a prompt's working indicator, because the prompt may be sent again, wait for the user's decision, or be
    /// dropped.
    fn hide_working_indicator(&mut self, prompt: &PromptId) {
        if let Some((prompt, place)) = self.sent.take_if(|(sent, _)| sent == prompt) {
            self.is_frame_due = false;
            self.sink.show(SessionOutput::Requeued(place, prompt));
        }
    }

    fn audit_entry(&self, decided: DecidedRequest) -> AuditEntry {
        let DecidedRequest { request, outcome, by, reason } = decided;
        let tool_use = request.tool_use.as_ref();
        AuditEntry {
            at: self.ports.clock.wall(),
            session: self.machine.record().name.clone(),
            kind: request.kind.to_owned(),
            title: request.title,
            tool: tool_use.map(|tool_use| tool_use.tool.clone()),
            input_sha256: tool_use.map(|tool_use| cordboard_runtime::digest(tool_use.input.as_bytes())),
            outcome,
            by,
            user: self.by.clone().filter(|_| by == DecidedBy::User),
            reason,
        }
    }

    fn unclosed_entry(&self, request: RecordedRequest) -> AuditEntry {
        let RecordedRequest { kind, title, tool, place: _ } = request;
        AuditEntry {
            at: self.ports.clock.wall(),
            session: self.machine.record().name.clone(),
            kind,
            title,
            tool,
            input_sha256: None,
            outcome: WITHDRAWN.to_owned(),
            by: DecidedBy::Host,
            user: None,
            reason: None,
        }
    }

    fn end_turn(&mut self, turn: Turn, output: impl FnOnce(Turn, SessionView) -> SessionOutput) {
        hit(Failpoint::TurnEnded);
        METRICS.turn_ended(&turn.prompt.0);
        self.is_frame_due = false;
        self.events.turn_finished(&turn, self.machine.view(), self.ports.clock.now());
        let place = turn.place.clone();
        self.sink.show(output(turn, self.machine.view()));
        if let Some(warning) = self.budget_warning.take() {
            self.notify(place, SessionNotice::Budget(warning));
        }
    }

    fn ask(&self, ticket: Ticket, query: Query) {
        if let Some(session) = self.handle() {
            self.ports.queries.ask(PluginQuery { view: self.machine.view(), ticket, query }, session);
        }
    }

    fn start(&mut self, run: Run, launch: &Launch) -> Vec<Effect> {
        self.last_start = Some(Instant::now());
        if std::mem::take(&mut self.has_failed) {
            METRICS.agent_restarts.inc();
        }
        let input = match AgentProcess::start(run, self.machine.record(), launch, &self.ports) {
            Ok(agent) => {
                let process = agent.id().clone();
                let resumed = launch.conversation.id().is_some();
                self.events.start = if resumed { StartKind::Resumed } else { StartKind::New };
                tracing::info!(pid = process.pid, resumed, "agent started");
                self.agent = Some(agent);
                self.has_started = true;
                Input::Spawned { run, process }
            }
            Err(why) => {
                let why = messages::system_error(why);
                tracing::warn!(%why, "failed to start the agent");
                Input::Exit { run, exit: Exit::NotStarted(why) }
            }
        };
        self.machine.handle(input, self.ports.clock.now())
    }

    /// Calls `act` with the agent if `run` is its current run, and passes the returned events to the machine. Returns
    /// the effects of these events.
    fn decoded(&mut self, run: Run, act: impl FnOnce(&mut AgentProcess) -> Vec<AgentEvent>) -> Vec<Effect> {
        let events = self.agent.as_mut().filter(|agent| agent.run == run).map(act).unwrap_or_default();
        let now = self.ports.clock.now();
        events.into_iter().flat_map(|event| self.machine.handle(Input::Agent { run, event }, now)).collect()
    }

    fn with(&mut self, run: Run, act: impl FnOnce(&mut AgentProcess)) {
        if let Some(agent) = self.agent.as_mut().filter(|agent| agent.run == run) {
            act(agent);
        }
    }
}
