//! A session as it is stored, and as it is seen.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{InterruptedPrompt, Place, SessionName, Timestamp, UserId};

/// What a session is doing, as everybody outside its machine sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Suspended,
    Starting,
    Idle,
    Busy,
    Stopping,
    /// A resume was refused, and the user has the word.
    Asking,
    /// The agent keeps dying.
    Broken,
    Archived,
}

impl Phase {
    /// Whether a process may be alive.
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

/// A process that cannot be mistaken for a later one of the same pid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    pub boot: String,
    pub pid: i32,
    /// Clock ticks after boot, field 22 of `/proc/PID/stat`.
    pub started: u64,
}

/// What outlives a process, a swap and a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionRecord {
    pub name: SessionName,
    /// Who made it.
    pub owner: UserId,
    pub folder: PathBuf,
    /// The name of an `[agents.NAME]`.
    pub agent: String,
    /// What the agent calls this conversation; none before the first start and after `/fresh`.
    pub conversation: Option<String>,
    /// Whether the agent has stored the conversation, so that resuming it can work.
    pub resumable: bool,
    /// Set by `/model`; none: the persona's, else the agent's.
    pub model: Option<String>,
    pub persona: Option<String>,
    /// Whether the persona has said its greeting, which it says once.
    #[serde(default)]
    pub greeted: bool,
    pub mode: Option<String>,
    /// Set by `/timeout`; none: the persona's, else `[sessions] idle_timeout`.
    pub idle_timeout: Option<Duration>,
    /// Where it was prompted last.
    pub place: Option<Place>,
    pub created: Timestamp,
    pub last_active: Timestamp,
    pub turns: u64,
    pub cost_usd: Option<f64>,
    pub archived: bool,
    /// The agent's process, while one may be alive.
    pub process: Option<ProcessId>,
    /// Prompts whose turns were cut off and told, the latest last. Each goes out again at the user's word alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<InterruptedPrompt>,
    /// The number of requests about failed starts so far. It numbers the next one.
    #[serde(default)]
    pub failures: u64,
}

impl SessionRecord {
    #[must_use]
    pub fn new(name: SessionName, owner: UserId, folder: PathBuf, agent: &str, now: Timestamp) -> Self {
        Self {
            name,
            owner,
            folder,
            agent: agent.to_owned(),
            conversation: None,
            resumable: false,
            model: None,
            persona: None,
            greeted: false,
            mode: None,
            idle_timeout: None,
            place: None,
            created: now,
            last_active: now,
            turns: 0,
            cost_usd: None,
            archived: false,
            process: None,
            kept: Vec::new(),
            failures: 0,
        }
    }
}

/// A snapshot: true when it was taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionView {
    pub record: SessionRecord,
    pub phase: Phase,
    /// Why it is asking or broken.
    pub why: Option<String>,
    /// The effective one.
    pub idle_timeout: Duration,
    /// The effective one; none: the agent's own default.
    pub model: Option<String>,
    /// The models that the agent named, where it did.
    pub models: Vec<String>,
    /// Prompts that wait, without the one at work.
    pub queued: u32,
    /// In the answer to a command: the beginning of each prompt that the command dropped.
    #[serde(skip)]
    pub dropped: Vec<String>,
    /// The background work of the agent, as the agent describes it. While the list is not empty, the agent is not
    /// suspended.
    pub background: Vec<String>,
}
