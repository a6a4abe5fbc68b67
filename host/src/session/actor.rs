//! The event loop of one session: it waits for an event, feeds the machine, performs the effects and publishes the
//! snapshot.

use std::{sync::Arc, time::Instant};

use cordboard_core::{
    agent_event::{AgentEvent, PromptId},
    event::{CausationChain, EventKind},
    language::{self, Language, with_language},
    messages,
    session::{ApiError, ApiErrorCode, Effect, Exit, Input, Machine, SessionCommand},
    types::{Phase, Place, ProcessId, SessionName, SessionView},
};
use cordboard_failpoints::{Failpoint, hit};
use cordboard_metrics::METRICS;
use cordboard_store::StoreError;
use tokio::sync::mpsc;
use tracing::Instrument;

use super::{
    Message, Ports, SessionOutput, TurnSink,
    agent_process::{AgentOutput, AgentProcess},
    event_emitter::EventEmitter,
    terminal_watch::{self, TerminalWatch},
};
use crate::session_registry::SessionCell;

/// The maximum number of agent lines that are processed before other events are handled. This way, a flood of lines
/// causes only a few frames and doesn't delay commands.
const LINES_AT_ONCE: usize = 256;

pub struct Actor {
    pub(super) machine: Machine,
    pub(super) ports: Ports,
    pub(super) sink: Arc<dyn TurnSink>,
    pub(super) agent: Option<AgentProcess>,
    /// The terminal that holds the session.
    pub(super) terminal: Option<TerminalWatch>,
    /// Whether the running turn has changed since it was last shown.
    pub(super) is_frame_due: bool,
    /// The prompt that was sent last, and the place that shows that the agent is working on it.
    pub(super) sent: Option<(PromptId, Place)>,
    pub(super) events: EventEmitter,
    /// Whether an agent was started since the snapshot was last published.
    pub(super) has_started: bool,
    /// When the agent was last started, until it is ready.
    pub(super) last_start: Option<Instant>,
    /// Whether the last agent exited unexpectedly.
    pub(super) has_failed: bool,
    /// The daily budget warning, to be posted after the turn that caused it.
    pub(super) budget_warning: Option<String>,
    /// The name of the person whose command is being performed.
    pub(super) by: Option<String>,
    cell: Arc<SessionCell>,
    channel: Channel,
}

/// The channel of an actor.
pub(super) struct Channel {
    pub messages: mpsc::Receiver<Message>,
    /// The sender for plugins' answers. It is weak, so that an actor doesn't keep itself alive.
    pub sender: mpsc::WeakSender<Message>,
}

enum Event {
    Message(Message),
    Agent(AgentOutput),
    /// The terminal's process has exited.
    TerminalClosed(ProcessId),
    Timeout,
    /// All handles are dropped.
    Closed,
}

impl Actor {
    pub(super) fn new(
        machine: Machine,
        cell: Arc<SessionCell>,
        sink: Arc<dyn TurnSink>,
        ports: Ports,
        channel: Channel,
    ) -> Self {
        let events = EventEmitter::new(Arc::clone(&ports.events));
        let (agent, is_frame_due, sent, budget_warning, by) = (None, false, None, None, None);
        // An earlier host may have handed the session over to a terminal that is still open.
        let terminal = machine.record().terminal.as_ref().map(|open| TerminalWatch::start(open.process.clone()));
        Self {
            machine,
            ports,
            sink,
            agent,
            terminal,
            is_frame_due,
            sent,
            events,
            has_started: false,
            last_start: None,
            has_failed: false,
            budget_warning,
            by,
            cell,
            channel,
        }
    }

    pub(super) async fn run(mut self) {
        let span = tracing::info_span!("session", name = %self.machine.record().name);
        async {
            loop {
                match self.next().await {
                    Event::Closed => break,
                    Event::Message(message) => self.handle_message(message).await,
                    Event::Agent(output) => {
                        self.handle_agent_output(output).await;
                        self.publish();
                    }
                    Event::TerminalClosed(process) => {
                        self.terminal = None;
                        let conversation = self.conversation_of_terminal();
                        self.feed(Input::TerminalClosed { process, conversation }).await;
                        self.publish();
                    }
                    Event::Timeout => {
                        self.feed(Input::Timeout).await;
                        self.publish();
                    }
                }
            }
        }
        .instrument(span)
        .await;
    }

    async fn next(&mut self) -> Event {
        let due = self.machine.poll_timeout().map(|(deadline, reason)| (self.ports.clock.instant(deadline), reason));
        let timer = async {
            match due {
                Some((instant, reason)) => {
                    tokio::time::sleep_until(instant).await;
                    tracing::debug!(reason = reason.as_str(), "timer");
                }
                None => std::future::pending().await,
            }
        };
        let language = self.language();
        let output = async {
            match &mut self.agent {
                Some(agent) => language::scope(language, agent.next()).await,
                None => std::future::pending().await,
            }
        };
        let terminal = async {
            match &mut self.terminal {
                Some(terminal) => terminal.exited().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            message = self.channel.messages.recv() => message.map_or(Event::Closed, Event::Message),
            () = timer => Event::Timeout,
            process = terminal => Event::TerminalClosed(process),
            output = output => Event::Agent(output),
        }
    }

    async fn handle_message(&mut self, message: Message) {
        match message {
            Message::Input(input) => {
                if let Input::Prompt(prompt) = &input {
                    self.events.record_prompt(&prompt.id, CausationChain::default());
                }
                self.feed(input).await;
            }
            Message::Prompt { prompt, urgency, causes } => {
                self.events.record_prompt(&prompt.id, causes);
                self.feed(Input::prompt(prompt, urgency)).await;
            }
            Message::Command { command, source, language, answer } => {
                self.by = source.by;
                let outcome = language::scope(language, self.command(command, source.causes)).await;
                self.by = None;
                // Publish first, because the caller reads the new snapshot as soon as the answer arrives.
                self.publish();
                drop(answer.send(outcome));
                return;
            }
            Message::Rename { name, source, language, answer } => {
                let outcome = language::scope(language, self.rename(name, source.causes)).await;
                self.publish();
                drop(answer.send(outcome));
                return;
            }
            Message::Restore(restored) => {
                let now = self.ports.clock.now();
                let before = self.machine.phase();
                let effects = self.machine.restore(restored, now);
                drop(self.perform_and_emit(before, effects).await);
            }
            Message::CatchUp(answer) => drop(answer.send(())),
        }
        self.publish();
    }

    async fn command(&mut self, command: SessionCommand, causes: CausationChain) -> Result<SessionView, ApiError> {
        let before = self.machine.phase();
        let agent = self.machine.record().agent.clone();
        let effects = self.machine.command(command, self.ports.clock.now())?;
        // A refused command changes nothing, so it causes no events.
        self.events.record_command(causes);
        let dropped = effects.iter().filter_map(Effect::dropped).map(str::to_owned).collect();
        let performed = self.perform_and_emit(before, effects).await;
        if self.machine.record().agent != agent {
            self.reload_settings().await;
        }
        match performed {
            Ok(()) => Ok(SessionView { dropped, ..self.machine.view() }),
            Err(why) => Err(ApiError { code: ApiErrorCode::Failed, text: messages::done_but_not_stored(why) }),
        }
    }

    /// Stores the new name before passing it to the machine, because all later changes are stored under that name.
    async fn rename(&mut self, name: SessionName, causes: CausationChain) -> Result<SessionView, ApiError> {
        let from = self.machine.record().name.clone();
        let record = self.machine.check_rename(name.clone())?;
        let stored = self.ports.store.rename(&from, &record).await;
        stored.map_err(|error| ApiError { code: ApiErrorCode::Failed, text: messages::not_stored(error) })?;
        self.machine.apply_rename(record);
        tracing::info!(%from, to = %name, "session renamed");
        self.events.record_command(causes);
        self.events.renamed(&from, self.machine.view(), self.ports.clock.now());
        self.reload_settings().await;
        Ok(self.machine.view())
    }

    /// Applies the settings for the session's current name and agent.
    async fn reload_settings(&mut self) {
        let settings = self.ports.config.settings(self.machine.record());
        self.feed(Input::Settings(Box::new(settings))).await;
    }

    /// Processes the lines that the agent has written so far, so that a flood of lines is shown in one frame. Stops
    /// after [`LINES_AT_ONCE`] lines, so that an endless flood does not block other messages; the remaining lines stay
    /// in the channel.
    async fn handle_agent_output(&mut self, first: AgentOutput) {
        let mut next = Some(first);
        for line in 1..=LINES_AT_ONCE {
            let Some(output) = next.take() else { break };
            let Some(run) = self.agent.as_ref().map(|agent| agent.run) else { break };
            match output {
                AgentOutput::Events(events) => {
                    if events.is_empty() {
                        self.feed(Input::Output { run }).await;
                    }
                    for event in events {
                        if matches!(event, AgentEvent::PromptAccepted(_)) {
                            hit(Failpoint::ReceiptSeen);
                        }
                        self.feed(Input::Agent { run, event }).await;
                    }
                }
                AgentOutput::Strays(pids) => self.feed(Input::Strays { pids }).await,
                AgentOutput::Ended(exit) => {
                    self.agent = None;
                    self.has_failed = self.machine.phase() != Phase::Stopping;
                    if let Exit::Ended { status, .. } = &exit {
                        tracing::info!(status, "agent ended");
                    }
                    self.feed(Input::Exit { run, exit }).await;
                }
            }
            // If the last iteration received another line, that line would be lost.
            if line < LINES_AT_ONCE {
                let language = self.language();
                next = with_language(language, || self.agent.as_mut().and_then(AgentProcess::try_next));
            }
        }
    }

    /// Returns the conversation that the agent in the terminal used last, if this session can continue it.
    fn conversation_of_terminal(&self) -> Option<String> {
        let (name, id) = (&self.machine.record().name, self.machine.record().id());
        let conversation = terminal_watch::read_report(&self.ports.state_dir, id)?;
        // A user of the terminal can switch to the conversation of another session, whose agent may be running.
        match self.ports.registry.with_conversation(&conversation).filter(|other| other.record.name != *name) {
            Some(other) => {
                tracing::warn!(other = %other.record.name, "the terminal used the conversation of another session: keeping the previous one");
                None
            }
            None => Some(conversation),
        }
    }

    /// Passes an input to the machine and performs its effects, in the language of the place that shows them.
    async fn feed(&mut self, input: Input) {
        let language = self.language();
        language::scope(language, self.feed_in_language(input)).await;
    }

    /// Returns the language of the place of the running turn, or else of the session.
    fn language(&self) -> Option<Language> {
        let turn = self.machine.turn().map(|turn| &turn.place);
        turn.or(self.machine.record().place.as_ref()).and_then(|place| (self.ports.language)(place))
    }

    async fn feed_in_language(&mut self, input: Input) {
        let before = self.machine.phase();
        let effects: Vec<Effect> = self.machine.handle(input, self.ports.clock.now());
        if let Err(error) = self.perform_and_emit(before, effects).await {
            tracing::error!(%error, "failed to store a change: it is stored with the next one");
        }
    }

    /// Performs the effects, and emits the event for the change from the phase `before`, if there is one.
    async fn perform_and_emit(&mut self, before: Phase, effects: Vec<Effect>) -> Result<(), StoreError> {
        self.emit(self.phase_event(before).filter(|kind| kind.comes_first()));
        let outcome = self.perform(effects).await;
        self.emit(self.phase_event(before).filter(|kind| !kind.comes_first()));
        outcome
    }

    fn phase_event(&self, before: Phase) -> Option<EventKind> {
        self.events.between(before, self.machine.phase())
    }

    fn emit(&mut self, kind: Option<EventKind>) {
        if let Some(kind) = kind {
            if let Some(start) = self.last_start.take_if(|_| kind == EventKind::Resumed) {
                METRICS.session_resumed(start.elapsed());
            }
            self.events.phase_changed(kind, self.machine.view(), self.ports.clock.now());
        }
    }

    fn publish(&mut self) {
        if std::mem::take(&mut self.is_frame_due)
            && let Some(turn) = self.machine.turn()
        {
            self.sink.show(SessionOutput::Frame(Arc::new(turn.clone()), self.machine.view()));
        }
        self.cell.publish(self.machine.view());
        if std::mem::take(&mut self.has_started) {
            self.ports.check_limits.notify_one();
        }
    }

    /// Returns a handle for plugins' answers, or `None` if all other handles have been dropped.
    pub(super) fn handle(&self) -> Option<super::Handle> {
        self.channel.sender.upgrade().map(|messages| super::Handle { messages })
    }
}
