//! The actor that drives one session's state machine: it feeds the machine inputs and performs its effects. It owns the
//! agent process. It must not await a plugin or a chat: it sends queries to [`PluginQueries`] and its outputs to a
//! [`TurnSink`], and neither blocks.

mod actor;
mod agent_process;
mod effects;
mod event_emitter;
mod prompt_outcomes;
mod terminal_watch;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use cordboard_agents::process::{Environment, OwnFiles};
use cordboard_core::{
    agent_event::PromptId,
    budget::Budget,
    config::{Agent, Limits},
    event::CausationChain,
    language::{self, Language},
    messages::{self, SessionNotice},
    session::{ApiError, ApiErrorCode, Input, Machine, Prompt, RestoredPrompts, SessionCommand, Settings, Ticket},
    turn::Turn,
    types::{
        AuditEntry, Choice, Permission, Place, Request, SessionName, SessionRecord, SessionView, Urgency, UsageEntry,
    },
};
use cordboard_store::StoreError;
use tokio::sync::{Notify, mpsc, oneshot};

use actor::{Actor, Channel};
pub use agent_process::{LaunchError, prepare_folder};
pub use event_emitter::EventSink;
pub use prompt_outcomes::{PromptOutcome, PromptOutcomes};
pub use terminal_watch::report_file;

use crate::{
    clock::Clock,
    session_registry::{SessionCell, SessionRegistry},
};

/// The capacity of an actor's channel. An actor never waits for the tasks that send to it, so a full channel delays
/// those tasks but can't cause a deadlock.
const CHANNEL: usize = 256;

/// A query from a session to the plugins. The answer arrives as an input with the same ticket; the machine ignores late
/// answers.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginQuery {
    pub view: SessionView,
    pub ticket: Ticket,
    pub query: Query,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Asks a persona plugin for the settings of an agent.
    Persona { name: String },
    /// Asks the lifecycle plugin whether to stop an idle agent.
    Review { idle_for: Duration },
    /// Asks the lifecycle plugin for the text of a resume notice.
    ResumeNotice { idle_for: Duration },
    /// Asks the approval plugin about a tool call.
    Permission(Box<Permission>),
}

/// Queries plugins on behalf of sessions.
pub trait PluginQueries: Send + Sync {
    /// Starts the query and sends its result to `session`. Does not block.
    fn ask(&self, query: PluginQuery, session: Handle);
}

/// An output of a session. Outputs are shown in the order in which the session emits them.
#[derive(Debug, Clone)]
pub enum SessionOutput {
    /// The turn so far. A later frame replaces it.
    Frame(Arc<Turn>, SessionView),
    /// The prompt was queued again, because its agent exited or refused to resume the conversation. The prompt's
    /// working indicator is removed until an agent works on the prompt again.
    Requeued(Place, PromptId),
    /// The end of a turn, which is stored in the same commit that completes its prompt.
    Finished(Turn, SessionView),
    /// The end of a turn that was interrupted by the shutdown. The turn's prompt is not done.
    Interrupted(Turn, SessionView),
    Notice {
        place: Place,
        notice: SessionNotice,
        /// The prompt that the same commit completes.
        completes: Option<PromptId>,
    },
    /// The request was decided. Its buttons are replaced with the outcome.
    RequestClosed { request: Request, choice: Choice, by: Option<String> },
}

/// Receives the outputs of a session.
pub trait TurnSink: Send + Sync {
    /// Queues an output. Doesn't block, and drops only frames that are replaced by later ones.
    fn show(&self, output: SessionOutput);
    /// Reports that the turn is being interrupted. Later posts in `place` wait briefly for the turn to end. Does not
    /// block.
    fn stopping(&self, place: &Place, turn: &PromptId);
}

/// The storage port of sessions. Each method returns when the change is stored.
#[async_trait]
pub trait SessionStore: Send + Sync {
    async fn save(&self, record: &SessionRecord) -> Result<(), StoreError>;
    /// Stores the session `from` under the name in the record.
    async fn rename(&self, from: &SessionName, record: &SessionRecord) -> Result<(), StoreError>;
    /// Stores the record and the usage of a finished turn in one commit. Returns today's budget if the configuration
    /// sets a daily limit.
    async fn save_turn(&self, record: &SessionRecord, usage: UsageEntry) -> Result<Option<Budget>, StoreError>;
    /// Stores, in one commit, a prompt that is resent under a new id and the record that no longer lists the prompt as
    /// interrupted.
    async fn requeue(&self, record: &SessionRecord, prompt: &Prompt) -> Result<(), StoreError>;
    /// Stores the fact that the prompt was sent to the agent.
    async fn mark_sent(&self, prompt: &PromptId) -> Result<(), StoreError>;
    /// Stores the fact that the prompt is queued again.
    async fn mark_queued(&self, prompt: &PromptId) -> Result<(), StoreError>;
    /// Adds a decision to the audit log.
    async fn audit(&self, entry: AuditEntry) -> Result<(), StoreError>;
    /// Marks the prompt as done in the store.
    async fn complete(&self, prompt: &PromptId) -> Result<(), StoreError>;
}

/// The configuration port of sessions. Its methods return values from the current configuration.
pub trait SessionConfig: Send + Sync {
    fn settings(&self, record: &SessionRecord) -> Settings;
    /// Returns the agent with this name, or `None` if the configuration no longer contains it.
    fn agent(&self, name: &str) -> Option<Agent>;
    /// Returns the limits on the running agents.
    fn limits(&self) -> Limits;
}

/// A function that returns the language of the posts in a place.
pub type PlaceLanguage = Arc<dyn Fn(&Place) -> Option<Language> + Send + Sync>;

/// The dependencies of every actor.
#[derive(Clone)]
pub struct Ports {
    pub clock: Clock,
    pub environment: Environment,
    /// The UUID of the state directory.
    pub host_id: Arc<str>,
    /// The state directory. If a session folder is missing, it is created only if it is the session's default folder in
    /// this directory.
    pub state_dir: Arc<Path>,
    /// A function that returns the host's own files, which sandboxes hide from agents.
    pub own_files: Arc<dyn Fn() -> OwnFiles + Send + Sync>,
    pub store: Arc<dyn SessionStore>,
    pub queries: Arc<dyn PluginQueries>,
    pub config: Arc<dyn SessionConfig>,
    pub language: PlaceLanguage,
    pub events: Arc<dyn EventSink>,
    /// All sessions. The actor uses this to check that no two sessions have the same conversation.
    pub registry: Arc<SessionRegistry>,
    /// Notified when agent limits may have been exceeded: after a snapshot shows that an agent started, and after a
    /// configuration change.
    pub check_limits: Arc<Notify>,
    pub outcomes: PromptOutcomes,
}

/// The origin of a command.
#[derive(Debug, Default)]
pub struct CommandSource {
    /// The name of the person who sent the command.
    pub by: Option<String>,
    /// The hooks that caused the command.
    pub causes: CausationChain,
}

impl From<CausationChain> for CommandSource {
    fn from(causes: CausationChain) -> Self {
        Self { by: None, causes }
    }
}

#[derive(Debug)]
enum Message {
    Input(Input),
    Prompt {
        prompt: Prompt,
        urgency: Urgency,
        causes: CausationChain,
    },
    Command {
        command: SessionCommand,
        source: CommandSource,
        language: Option<Language>,
        answer: oneshot::Sender<Result<SessionView, ApiError>>,
    },
    Rename {
        name: SessionName,
        source: CommandSource,
        language: Option<Language>,
        answer: oneshot::Sender<Result<SessionView, ApiError>>,
    },
    Restore(RestoredPrompts),
    /// Answered when all earlier messages are processed and the snapshot is published.
    CatchUp(oneshot::Sender<()>),
}

/// Sends messages to the actor of one session.
#[derive(Debug, Clone)]
pub struct Handle {
    messages: mpsc::Sender<Message>,
}

impl Handle {
    /// Sends an input, and returns when it is in the actor's channel. If the actor has ended, the input is dropped.
    pub async fn send(&self, input: Input) {
        self.deliver(Message::Input(input)).await;
    }

    /// Sends an input to a new actor that has no other handles. The channel is still empty, so this function doesn't
    /// have to wait.
    pub fn send_first(&self, input: Input) {
        drop(self.messages.try_send(Message::Input(input)));
    }

    /// Sends a prompt with the hooks that caused it. Returns when the prompt is in the actor's channel.
    pub async fn prompt(&self, prompt: Prompt, urgency: Urgency, causes: CausationChain) {
        self.deliver(Message::Prompt { prompt, urgency, causes }).await;
    }

    /// Executes a command, and replies in the current language. Returns when the change is stored and published.
    ///
    /// # Errors
    /// The session refuses the command, or the change could not be stored. The error text is shown to the user.
    pub async fn command(
        &self,
        command: SessionCommand,
        source: impl Into<CommandSource>,
    ) -> Result<SessionView, ApiError> {
        let (answer, answered) = oneshot::channel();
        let (source, language) = (source.into(), language::current());
        self.deliver(Message::Command { command, source, language, answer }).await;
        outcome(answered).await
    }

    /// Renames the session, and replies in the current language. Returns when the new name is stored and the snapshot
    /// shows it.
    ///
    /// # Errors
    /// The session can't be renamed now, or the name could not be stored. The error text is shown to the user.
    pub async fn rename(&self, name: SessionName, source: CommandSource) -> Result<SessionView, ApiError> {
        let (answer, answered) = oneshot::channel();
        self.deliver(Message::Rename { name, source, language: language::current(), answer }).await;
        outcome(answered).await
    }

    /// Sends the session its open prompts from the previous run of the host.
    pub async fn restore(&self, restored: RestoredPrompts) {
        self.deliver(Message::Restore(restored)).await;
    }

    /// Returns when all earlier messages are processed and the snapshot is published.
    pub async fn caught_up(&self) {
        let (answer, answered) = oneshot::channel();
        self.deliver(Message::CatchUp(answer)).await;
        // If the actor has ended, the answer is an error, and no message is left to process.
        drop(answered.await);
    }

    async fn deliver(&self, message: Message) {
        if self.messages.send(message).await.is_err() {
            tracing::debug!("a session's actor has ended");
        }
    }
}

/// Returns the answer of an actor. If the actor has ended, returns the error that the host is shutting down.
async fn outcome(answered: oneshot::Receiver<Result<SessionView, ApiError>>) -> Result<SessionView, ApiError> {
    let ended = || Err(ApiError { code: ApiErrorCode::Failed, text: messages::shutting_down() });
    answered.await.unwrap_or_else(|_| ended())
}

/// Starts the actor of a session. The actor ends when every handle is dropped.
pub fn spawn(record: SessionRecord, cell: Arc<SessionCell>, sink: Arc<dyn TurnSink>, ports: Ports) -> Handle {
    let (sender, messages) = mpsc::channel(CHANNEL);
    let machine = Machine::new(record.clone(), ports.config.settings(&record));
    let channel = Channel { messages, sender: sender.downgrade() };
    tokio::spawn(Actor::new(machine, cell, sink, ports, channel).run());
    Handle { messages: sender }
}

/// Returns the default working folder of the session with this id, for sessions without a configured or requested
/// folder.
#[must_use]
pub fn folder(state: &Path, id: &SessionName) -> PathBuf {
    state.join("sessions").join(id.as_str())
}

#[cfg(test)]
mod tests;
