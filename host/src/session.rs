//! The actor around one session's machine: it feeds it what happens and performs what it asks. It owns the agent's process and nothing else;
//! it never awaits a plugin nor a chat: it asks an [`PluginQueries`] and hands frames to a [`TurnSink`], and goes on.

mod actor;
mod agent_process;
mod effects;
mod events;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use cordboard_core::{
    agent::PromptId,
    event::CausationChain,
    messages::Notice,
    session::{ApiError, Input, Machine, Order, Prompt, RefusalCode, Settings, Ticket},
    turn::Turn,
    types::{Choice, Place, Request, SessionName, SessionRecord, SessionView},
};
use tokio::sync::{mpsc, oneshot};

pub use events::EventSink;

use crate::{agent::AgentSpec, clock::Clock, process::Environment, session_registry::SessionCell};

/// What waits for an actor: it never waits for whoever sends, so that a full box lasts a moment only.
const BOX: usize = 256;

/// What a session asks of the plugins. The answer comes back as an input, if late then as one that the machine ignores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    Resolve { persona: String },
    Review { idle_for: Duration },
    WordResume { idle_for: Duration },
}

/// Asks plugins on a session's behalf.
pub trait PluginQueries: Send + Sync {
    /// Returns at once.
    fn ask(&self, view: SessionView, question: (Ticket, Question), answer: Handle);
}

/// What a session shows, in this order.
#[derive(Debug, Clone)]
pub enum Scene {
    /// The turn so far. A later one makes it worthless.
    Frame(Arc<Turn>, SessionView),
    /// The prompt waits again, its agent is gone: that it was worked on is taken back, until it is worked on once more.
    Back(Place, PromptId),
    /// The end of a turn, to be stored together with the end of its prompt.
    Final(Turn, SessionView),
    /// The end of a turn that the shutdown interrupted. Its prompt is not done.
    CutOff(Turn, SessionView),
    Tell(Place, Notice),
    /// The request is decided.
    DecisionStore {
        request: Request,
        choice: Choice,
        by: Option<String>,
    },
}

/// Where a session's scenes go.
pub trait TurnSink: Send + Sync {
    /// Returns at once, and never drops anything but a frame that a later one replaces.
    fn show(&self, scene: Scene);
    /// The turn was told to stop: what is said next where it is shown is to come after its end. Returns at once.
    fn stopping(&self, place: &Place, turn: &PromptId);
}

/// What a session stores. Each returns when it is stored.
#[async_trait]
pub trait SessionStore: Send + Sync {
    async fn save(&self, record: &SessionRecord) -> Result<(), String>;
    /// A prompt that goes out again under a new name, and the record, which keeps it no longer: both at once.
    async fn accept(&self, record: &SessionRecord, prompt: &Prompt) -> Result<(), String>;
    async fn hand(&self, prompt: &PromptId) -> Result<(), String>;
    async fn take_back(&self, prompt: &PromptId) -> Result<(), String>;
    async fn settle(&self, prompt: &PromptId) -> Result<(), String>;
}

/// What a session knows of the configuration, read anew at each start of its agent.
pub trait SessionConfig: Send + Sync {
    fn settings(&self, record: &SessionRecord) -> Settings;
    /// None: the configuration has no such agent any more.
    fn agent(&self, name: &str) -> Option<AgentSpec>;
}

/// What the host hands to every actor.
#[derive(Clone)]
pub struct Ports {
    pub clock: Clock,
    pub environment: Environment,
    /// The UUID of the state directory.
    pub host_id: Arc<str>,
    /// The state directory. Only missing folders below it are created.
    pub folders: Arc<Path>,
    pub ledger: Arc<dyn SessionStore>,
    pub advisor: Arc<dyn PluginQueries>,
    pub setup: Arc<dyn SessionConfig>,
    pub herald: Arc<dyn EventSink>,
}

/// What was accepted before the host started.
#[derive(Debug, Default)]
pub struct Past {
    /// Prompts that no agent was given.
    pub queued: Vec<Prompt>,
    /// Prompts of turns that the host's end cut off.
    pub cut_off: Vec<Prompt>,
}

/// The origin of an order.
#[derive(Debug, Default)]
pub struct OrderSource {
    /// The name of the person who gives it.
    pub by: Option<String>,
    /// The chain of hooks that caused it.
    pub trail: CausationChain,
}

impl From<CausationChain> for OrderSource {
    fn from(trail: CausationChain) -> Self {
        Self { by: None, trail }
    }
}

enum Message {
    Input(Input),
    Prompt(Prompt, CausationChain),
    Order((Order, OrderSource), oneshot::Sender<Result<SessionView, ApiError>>),
    Restore(Past),
    /// Answered when everything before it is done and published.
    CatchUp(oneshot::Sender<()>),
}

/// Speaks to one session's actor.
#[derive(Debug, Clone)]
pub struct Handle {
    messages: mpsc::Sender<Message>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Input(_) => "Input",
            Self::Prompt(..) => "Prompt",
            Self::Order(..) => "Order",
            Self::Restore(_) => "Restore",
            Self::CatchUp(_) => "CatchUp",
        })
    }
}

impl Handle {
    /// Returns when the input is in the session's box. After the host's end nobody reads it.
    pub async fn send(&self, input: Input) {
        self.deliver(Message::Input(input)).await;
    }

    /// As [`Self::send`], to an actor that nobody else speaks to yet: its box is empty.
    pub fn send_first(&self, input: Input) {
        drop(self.messages.try_send(Message::Input(input)));
    }

    /// As [`Self::send`] of a prompt, with the hooks that led to it.
    pub async fn prompt(&self, prompt: Prompt, trail: CausationChain) {
        self.deliver(Message::Prompt(prompt, trail)).await;
    }

    /// Returns when the change is stored and published.
    ///
    /// # Errors
    /// What the session refuses, for the user to read.
    pub async fn order(&self, order: Order, source: impl Into<OrderSource>) -> Result<SessionView, ApiError> {
        let (answer, answered) = oneshot::channel();
        self.deliver(Message::Order((order, source.into()), answer)).await;
        answered.await.unwrap_or_else(|_| {
            Err(ApiError { code: RefusalCode::Failed, text: "Cordboard is shutting down.".to_owned() })
        })
    }

    /// Gives back what was accepted before the host started.
    pub async fn restore(&self, past: Past) {
        self.deliver(Message::Restore(past)).await;
    }

    /// Returns when everything that was sent before is done and published.
    pub async fn caught_up(&self) {
        let (answer, answered) = oneshot::channel();
        self.deliver(Message::CatchUp(answer)).await;
        // An actor that has ended has nothing left to do.
        drop(answered.await);
    }

    async fn deliver(&self, message: Message) {
        if self.messages.send(message).await.is_err() {
            tracing::debug!("a session's actor has ended");
        }
    }
}

/// Starts the actor of a session. It ends when every handle is gone.
pub fn spawn(record: SessionRecord, cell: Arc<SessionCell>, stage: Arc<dyn TurnSink>, ports: Ports) -> Handle {
    let (sender, messages) = mpsc::channel(BOX);
    let settings = ports.setup.settings(&record);
    let machine = Machine::new(record, settings);
    let actor = actor::Actor::new(machine, (cell, stage), ports, (messages, sender.downgrade()));
    tokio::spawn(actor.run());
    Handle { messages: sender }
}

/// Where a session works, unless the configuration names a folder of its own.
#[must_use]
pub fn folder(state: &Path, name: &SessionName) -> PathBuf {
    state.join("sessions").join(name.as_str())
}

#[cfg(test)]
mod tests;
