//! A session as seen by the store and other parts of the host.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    AgentCommand, ContextUse, InterruptedPrompt, OpenRequest, PermissionMode, Place, QueuedPrompt, RecordedRequest,
    SessionName, Timestamp, Tokens, UserId,
};
use crate::agent_event::PromptId;

/// The state of a session as seen from outside its state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Suspended,
    Starting,
    Idle,
    Busy,
    Stopping,
    /// The agent refused to resume or fork a conversation, and the user has to decide how to continue.
    Asking,
    /// The agent could not be started, or exited too often.
    Broken,
    Archived,
}

impl Phase {
    pub const ALL: [Self; 8] = [
        Self::Suspended,
        Self::Starting,
        Self::Idle,
        Self::Busy,
        Self::Stopping,
        Self::Asking,
        Self::Broken,
        Self::Archived,
    ];

    /// Returns whether an agent process can be running in this phase.
    #[must_use]
    pub const fn is_live(self) -> bool {
        match self {
            Self::Starting | Self::Idle | Self::Busy | Self::Stopping => true,
            Self::Suspended | Self::Asking | Self::Broken | Self::Archived => false,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::Starting => "starting",
            Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Stopping => "stopping",
            Self::Asking => "asking",
            Self::Broken => "broken",
            Self::Archived => "archived",
        }
    }
}

/// Identifies a process, even if a later process gets the same pid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    pub boot: String,
    pub pid: i32,
    /// The start time in clock ticks since boot: field 22 of `/proc/PID/stat`.
    pub started: u64,
}

/// The terminal in which an operator has opened a session's conversation. While it is open, the host starts no agent
/// for the session, because two processes must not write to one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    /// The process that holds the session. The session is released when it exits.
    pub process: ProcessId,
    pub since: Timestamp,
}

/// The conversation that an agent begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConversationStart {
    /// A new one, whose id the agent or the host chooses.
    New,
    /// The stored conversation with this id.
    Resume(String),
    /// A copy of the stored conversation with this id. The copy gets its own id.
    Fork(String),
}

impl ConversationStart {
    /// Returns the id of the stored conversation, if there is one.
    #[must_use]
    pub const fn id(&self) -> Option<&String> {
        match self {
            Self::New => None,
            Self::Resume(id) | Self::Fork(id) => Some(id),
        }
    }

    /// Returns the id that the agent's conversation has from the start, or `None` if the conversation gets a new id.
    #[must_use]
    pub const fn resumed(&self) -> Option<&String> {
        match self {
            Self::Resume(id) => Some(id),
            Self::New | Self::Fork(_) => None,
        }
    }
}

/// The conversation of another session, from which a new one branches off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkPoint {
    pub conversation: String,
    /// Whether the record's `cost_usd` and `tokens` are those of the original conversation at the fork point. False
    /// after the first start, because the original may have continued since then. Also false if the fork point was
    /// copied from another fork that had no conversation of its own yet.
    pub is_cost_current: bool,
}

/// An interrupted turn that the host told the agent to continue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContinuedTurn {
    /// The prompts of the turn.
    pub prompts: Vec<InterruptedPrompt>,
    /// The prompt that tells the agent to continue.
    pub note: PromptId,
    /// The number of such notes so far, each after another interruption.
    pub notes: u32,
}

/// The cost and the tokens of a conversation, as its agent reported them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationUsage {
    pub cost_usd: Option<f64>,
    pub tokens: Option<Tokens>,
}

/// The stored part of a session. It survives the session's agent process and a restart of the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionRecord {
    pub name: SessionName,
    /// Set only if the id differs from the name; see [`Self::id`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<SessionName>,
    /// The user who created the session.
    pub owner: UserId,
    pub folder: PathBuf,
    /// The NAME in `[agents.NAME]`.
    pub agent: String,
    /// The id of the conversation to continue: reported by the agent, or given to `cordboard adopt`. `None` until the
    /// id is known, after `/fresh`, and after a stopped agent has lost its state.
    pub conversation: Option<String>,
    /// Whether the agent has stored the conversation, so that a new process can resume the conversation.
    pub resumable: bool,
    /// The conversation to fork. Cleared by `/fresh`, and once the session has its own stored conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<ForkPoint>,
    /// Set by `/model`, or when the session is created. `None` selects the persona's model, or else the agent's.
    pub model: Option<String>,
    pub persona: Option<String>,
    /// Whether the current persona's greeting was sent. A fork counts as greeted. Reset when the persona changes.
    #[serde(default)]
    pub greeted: bool,
    pub mode: Option<String>,
    /// Set by `/permissions`, or by the agent when it changes its mode itself. `None` selects the configured mode.
    #[serde(default)]
    pub permission_mode: Option<PermissionMode>,
    /// Set by `/timeout`. `None` selects the persona's timeout, or else `[sessions] idle_timeout`.
    pub idle_timeout: Option<Duration>,
    /// The place of the last prompt or, before the first prompt, the first place in which the session became active.
    pub place: Option<Place>,
    pub created: Timestamp,
    pub last_active: Timestamp,
    pub turns: u64,
    /// The conversation's cost, as last reported by the agent.
    pub cost_usd: Option<f64>,
    /// The conversation's tokens, as last reported by the agent, if the agent counts them per conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// The usage at the last orderly exit of one of the agent's processes. The agent stores its counters only on an
    /// orderly exit, so if a process was killed or is still running, the next process or a fork counts from this usage.
    #[serde(default)]
    pub saved_usage: ConversationUsage,
    /// Whether the conversation was begun elsewhere and no turn has finished since then. The cost of its next turn is
    /// unknown, because the agent reports the cost of the whole conversation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub begun_elsewhere: bool,
    /// The number of the agent's last request. Stored so that an answer typed for a request from before a restart isn't
    /// applied to a different request.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub last_request: u64,
    /// The agent's open questions. If the host is killed, it reports at its next start that they were withdrawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_requests: Vec<RecordedRequest>,
    /// The size of the conversation's context after the last turn, if the agent reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextUse>,
    pub archived: bool,
    /// The agent's process, while it may be running.
    pub process: Option<ProcessId>,
    /// The terminal that holds the session. Its process may have exited while no host was running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<Terminal>,
    /// The agent's background work, as described by the agent. While the list is not empty, the host does not suspend
    /// the agent automatically. If the host is killed, it reports at its next start that this work has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub background: Vec<String>,
    /// Prompts whose turns were interrupted, latest last. The user was notified of each. A prompt is sent again only at
    /// the user's request.
    #[serde(default, rename = "kept", skip_serializing_if = "Vec::is_empty")]
    pub interrupted: Vec<InterruptedPrompt>,
    /// The latest turn that the host told the agent to continue. Cleared when a later turn has ended, because the end of
    /// this turn may not be stored yet when the record is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continued_turn: Option<ContinuedTurn>,
    /// The number of requests about failed starts so far, which is also the number of the latest such request.
    #[serde(default)]
    pub failures: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl SessionRecord {
    /// Returns the session's id, which is unique and never changes: the name it was created with, or that name with a
    /// number. The session's default folder, its processes and its buttons use the id, because they outlive a rename.
    #[must_use]
    pub fn id(&self) -> &SessionName {
        self.id.as_ref().unwrap_or(&self.name)
    }

    /// Changes the name, but not the id.
    pub fn rename(&mut self, name: SessionName) {
        let old = std::mem::replace(&mut self.name, name);
        let id = self.id.take().unwrap_or(old);
        self.id = (id != self.name).then_some(id);
    }

    /// Returns the conversation that the agent's next process begins with.
    #[must_use]
    pub fn conversation_start(&self) -> ConversationStart {
        match (&self.conversation, &self.fork) {
            (Some(own), _) if self.resumable => ConversationStart::Resume(own.clone()),
            (_, Some(fork)) => ConversationStart::Fork(fork.conversation.clone()),
            (_, None) => ConversationStart::New,
        }
    }

    /// Returns a new session that forks this session's conversation. The new session starts with the cost that the
    /// agent has stored with that conversation, because the agent's counter includes it. Returns `None` if there is no
    /// conversation to continue.
    #[must_use]
    pub fn forked(&self, id: SessionName, name: SessionName, owner: UserId, now: Timestamp) -> Option<Self> {
        let (conversation, is_cost_current) = match self.conversation_start() {
            ConversationStart::New => return None,
            ConversationStart::Resume(id) => (id, true),
            ConversationStart::Fork(id) => (id, false),
        };
        let fork = ForkPoint { conversation, is_cost_current };
        let new = Self::new(name, owner, self.folder.clone(), &self.agent, now);
        let usage = if self.process.is_some() { self.saved_usage } else { self.usage() };
        Some(Self {
            id: Some(id).filter(|id| *id != new.name),
            fork: Some(fork),
            model: self.model.clone(),
            persona: self.persona.clone(),
            greeted: true,
            mode: self.mode.clone(),
            permission_mode: self.permission_mode,
            idle_timeout: self.idle_timeout,
            cost_usd: usage.cost_usd,
            tokens: usage.tokens,
            saved_usage: self.saved_usage,
            begun_elsewhere: self.begun_elsewhere,
            context: self.context,
            ..new
        })
    }

    #[must_use]
    pub const fn usage(&self) -> ConversationUsage {
        ConversationUsage { cost_usd: self.cost_usd, tokens: self.tokens }
    }

    /// Clears the conversation's cost, tokens and context, because the agent's counters restart with the next
    /// conversation.
    pub fn reset_usage(&mut self) {
        self.saved_usage = ConversationUsage::default();
        self.cost_usd = None;
        self.tokens = None;
        self.begun_elsewhere = false;
        self.context = None;
    }

    #[must_use]
    pub fn new(name: SessionName, owner: UserId, folder: PathBuf, agent: &str, now: Timestamp) -> Self {
        Self {
            name,
            id: None,
            owner,
            folder,
            agent: agent.to_owned(),
            conversation: None,
            resumable: false,
            fork: None,
            model: None,
            persona: None,
            greeted: false,
            mode: None,
            permission_mode: None,
            idle_timeout: None,
            place: None,
            created: now,
            last_active: now,
            turns: 0,
            cost_usd: None,
            tokens: None,
            saved_usage: ConversationUsage::default(),
            begun_elsewhere: false,
            last_request: 0,
            open_requests: Vec::new(),
            context: None,
            archived: false,
            process: None,
            terminal: None,
            background: Vec::new(),
            interrupted: Vec::new(),
            continued_turn: None,
            failures: 0,
        }
    }
}

/// A snapshot of a session for other parts of the host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionView {
    pub record: SessionRecord,
    pub phase: Phase,
    /// The reason for the phase `Asking` or `Broken`.
    pub why: Option<String>,
    /// The effective idle timeout.
    pub idle_timeout: Duration,
    /// The effective model. `None` means the agent's default.
    pub model: Option<String>,
    /// The effective permission mode.
    pub permission_mode: PermissionMode,
    /// The models that the agent reported, if any.
    pub models: Vec<String>,
    /// The commands that the agent most recently reported, or `None` if it has not reported a list yet.
    #[serde(skip)]
    pub commands: Option<Arc<[AgentCommand]>>,
    /// The number of waiting prompts, not counting the one in progress.
    pub queued: u32,
    /// The waiting prompts, in order.
    #[serde(skip)]
    pub queue: Vec<QueuedPrompt>,
    /// The agent's questions that a user can answer, oldest first.
    pub requests: Vec<OpenRequest>,
    /// The resident memory of the agent and its descendants, in bytes, if the agent is running. Set only in lists.
    #[serde(skip)]
    pub memory: Option<u64>,
    /// The beginning of each prompt that the command dropped. Set only in the reply to the command.
    #[serde(skip)]
    pub dropped: Vec<String>,
}
