//! The event loop of one session: it waits for an event, feeds the machine, performs the effects and publishes the
//! snapshot.

use std::sync::Arc;

use cordboard_core::{
    agent::PromptId,
    event::{CausationChain, EventKind},
    messages,
    session::{ApiError, ApiErrorCode, Effect, Exit, Input, Machine, SessionCommand},
    types::{Phase, Place, SessionView},
};
use tokio::sync::mpsc;
use tracing::Instrument;

use super::{
    Message, Ports, TurnSink,
    agent_process::{Running, Told},
    events::Chronicle,
};
use crate::session_registry::SessionCell;

/// The maximum number of agent lines that are processed before other events get a turn. A flood of lines is shown in
/// few frames and does not delay orders.
const LINES_AT_ONCE: usize = 256;

pub struct Actor {
    pub(super) machine: Machine,
    pub(super) ports: Ports,
    pub(super) stage: Arc<dyn TurnSink>,
    pub(super) running: Option<Running>,
    /// Whether the running turn has changed since it was last shown.
    pub(super) unshown: bool,
    /// The prompt that was sent last, and the place that shows that the agent works on it.
    pub(super) sent: Option<(PromptId, Place)>,
    pub(super) chronicle: Chronicle,
    /// The name of the person whose order is being carried out.
    pub(super) by: Option<String>,
    cell: Arc<SessionCell>,
    messages: mpsc::Receiver<Message>,
    /// The sender for the answers of plugins. Weak, so that an actor does not keep itself alive.
    myself: mpsc::WeakSender<Message>,
}

enum Event {
    Message(Message),
    Told(Told),
    Due,
    Abandoned,
}

impl Actor {
    pub(super) fn new(
        machine: Machine,
        (cell, stage): (Arc<SessionCell>, Arc<dyn TurnSink>),
        ports: Ports,
        (messages, myself): (mpsc::Receiver<Message>, mpsc::WeakSender<Message>),
    ) -> Self {
        let chronicle = Chronicle::new(Arc::clone(&ports.herald));
        Self {
            machine,
            ports,
            stage,
            running: None,
            unshown: false,
            sent: None,
            chronicle,
            by: None,
            cell,
            messages,
            myself,
        }
    }

    pub(super) async fn run(mut self) {
        let span = tracing::info_span!("session", name = %self.machine.record().name);
        async {
            loop {
                match self.next().await {
                    Event::Abandoned => break,
                    event => self.on(event).await,
                }
            }
        }
        .instrument(span)
        .await;
    }

    async fn next(&mut self) -> Event {
        let due = self.machine.poll_timeout().map(|(moment, reason)| (self.ports.clock.instant(moment), reason));
        let timer = async {
            match due {
                Some((instant, reason)) => {
                    tokio::time::sleep_until(instant).await;
                    tracing::debug!(reason = reason.as_str(), "timer");
                }
                None => std::future::pending().await,
            }
        };
        let told = async {
            match &mut self.running {
                Some(running) => running.told().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            message = self.messages.recv() => message.map_or(Event::Abandoned, Event::Message),
            () = timer => Event::Due,
            told = told => Event::Told(told),
        }
    }

    async fn on(&mut self, event: Event) {
        match event {
            Event::Message(Message::Input(input)) => {
                if let Input::Prompt(prompt) = &input {
                    self.chronicle.prompted(&prompt.id, CausationChain::default());
                }
                self.feed(input).await;
            }
            Event::Message(Message::Prompt(prompt, causes)) => {
                self.chronicle.prompted(&prompt.id, causes);
                self.feed(Input::Prompt(prompt)).await;
            }
            Event::Message(Message::SessionCommand((order, source), answer)) => {
                self.by = source.by;
                let outcome = self.obey(order, source.causes).await;
                self.by = None;
                self.publish();
                drop(answer.send(outcome));
                return;
            }
            Event::Message(Message::Restore(past)) => {
                let now = self.ports.clock.now();
                let before = self.machine.phase();
                let effects = self.machine.restore(past.queued, past.cut_off, now);
                drop(self.go(before, effects).await);
            }
            Event::Message(Message::CatchUp(answer)) => drop(answer.send(())),
            Event::Told(told) => self.on_told(told).await,
            Event::Due => self.feed(Input::Timeout).await,
            Event::Abandoned => {}
        }
        self.publish();
    }

    async fn obey(&mut self, order: SessionCommand, causes: CausationChain) -> Result<SessionView, ApiError> {
        let before = self.machine.phase();
        let effects = self.machine.command(order, self.ports.clock.now())?;
        // A refused order changes nothing, so it causes no events.
        self.chronicle.ordered(causes);
        let dropped = effects.iter().filter_map(Effect::dropped).map(str::to_owned).collect();
        match self.go(before, effects).await {
            Ok(()) => Ok(SessionView { dropped, ..self.machine.view() }),
            Err(why) => Err(ApiError { code: ApiErrorCode::Failed, text: messages::done_but_not_stored(why) }),
        }
    }

    /// Processes the lines that the agent has written so far, so that a flood is shown in one frame. Stops after
    /// [`LINES_AT_ONCE`] lines, so that an endless flood does not block other messages; the remaining lines stay in the
    /// channel.
    async fn on_told(&mut self, first: Told) {
        let mut next = Some(first);
        for line in 1..=LINES_AT_ONCE {
            let Some(told) = next.take() else { break };
            let Some(run) = self.running.as_ref().map(|running| running.run) else { break };
            match told {
                Told::Events(events) => {
                    for event in events {
                        self.feed(Input::Agent { run, event }).await;
                    }
                }
                Told::Strays(pids) => self.feed(Input::Strays { pids }).await,
                Told::Ended(exit) => {
                    self.running = None;
                    if let Exit::Ended { status, .. } = &exit {
                        tracing::info!(status, "agent ended");
                    }
                    self.feed(Input::Exit { run, exit }).await;
                }
            }
            // A line that is received after the last iteration would be lost.
            if line < LINES_AT_ONCE {
                next = self.running.as_mut().and_then(Running::told_already);
            }
        }
    }

    pub(super) async fn feed(&mut self, input: Input) {
        let before = self.machine.phase();
        let effects: Vec<Effect> = self.machine.handle(input, self.ports.clock.now());
        if let Err(error) = self.go(before, effects).await {
            tracing::error!(%error, "failed to store a change: it is stored with the next one");
        }
    }

    /// Performs the effects, and emits the event for the change from the phase `before`, if there is one.
    async fn go(&mut self, before: Phase, effects: Vec<Effect>) -> Result<(), String> {
        self.tell(self.step(before).filter(|kind| kind.comes_first()));
        let outcome = self.perform(effects).await;
        self.tell(self.step(before).filter(|kind| !kind.comes_first()));
        outcome
    }

    fn step(&self, before: Phase) -> Option<EventKind> {
        self.chronicle.between(before, self.machine.phase())
    }

    fn tell(&self, kind: Option<EventKind>) {
        if let Some(kind) = kind {
            self.chronicle.changed(kind, self.machine.view(), self.ports.clock.now());
        }
    }

    fn publish(&mut self) {
        if std::mem::take(&mut self.unshown) {
            self.show_frame();
        }
        self.cell.publish(self.machine.view());
    }

    /// Returns a handle that plugins answer to. `None` if all other handles are dropped.
    pub(super) fn handle(&self) -> Option<super::Handle> {
        self.myself.upgrade().map(|messages| super::Handle { messages })
    }
}
