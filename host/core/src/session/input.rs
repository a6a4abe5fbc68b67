//! Everything that can happen to a session.

use std::{path::PathBuf, time::Duration};

use crate::{
    agent::{AgentEvent, PromptId},
    config::Agent,
    types::{Place, ProcessId, Prompt, Request},
};

/// One start of an agent process; what comes from an older run is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run(pub u64);

impl Run {
    /// The agent that a host before this one left behind. Its `Exit` is to be told when it is swept.
    pub const LEFT_OVER: Self = Self(0);
}

/// One question to a plugin; an answer to an older one is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    Prompt(Prompt),
    /// The text of a prompt was edited. Ignored unless the prompt still waits.
    Edited {
        prompt: PromptId,
        text: String,
    },
    /// The process of this run lives.
    Spawned {
        run: Run,
        process: ProcessId,
    },
    Agent {
        run: Run,
        event: AgentEvent,
    },
    /// The process and all its descendants are gone, or never came up.
    Exit {
        run: Run,
        exit: Exit,
    },
    /// An agent ended and these processes of an unknown agent are left.
    Strays {
        pids: Vec<i32>,
    },
    /// `poll_timeout` is due.
    Timeout,
    Verdict {
        ticket: Ticket,
        verdict: Verdict,
    },
    /// The persona's brief; the error is for the user.
    PersonaSettings {
        ticket: Ticket,
        brief: Result<PersonaSettings, String>,
    },
    /// The lifecycle's words for a resume, if any.
    ResumeNotice {
        ticket: Ticket,
        text: Option<String>,
    },
    /// The configuration changed; what is the same as before is ignored.
    Settings(Settings),
    /// The lifecycle plugin or its configuration changed: an idle session is reviewed again.
    PolicyChanged,
    /// The authors of these prompts may no longer use the session: waiting prompts are dropped, and the running one is
    /// interrupted.
    Withdrawn(Vec<PromptId>),
    /// The host ends: interrupt, then stop. A second one hurries.
    Shutdown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// With its exit code or signal in words, and the last line of its stderr.
    Ended { status: String, last_words: Option<String> },
    /// It could not be started; for the user to read, with what to do.
    NotStarted(String),
}

impl Exit {
    /// For the user to read: the agent's own last words, where it had some.
    #[must_use]
    pub fn why(&self) -> String {
        match self {
            Self::Ended { last_words: Some(words), .. } => words.clone(),
            Self::Ended { status, last_words: None } => status.clone(),
            Self::NotStarted(why) => why.clone(),
        }
    }

    /// As [`Self::why`], and with how it ended: for who has to find out why it did.
    #[must_use]
    pub fn account(&self) -> String {
        match self {
            Self::Ended { status, last_words: Some(words) } => format!("it ended ({status}): {words}"),
            Self::Ended { status, last_words: None } => format!("it ended ({status}) and said nothing"),
            Self::NotStarted(why) => why.clone(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Suspend,
    /// Suspend this long after the review.
    SuspendAfter(Duration),
    /// Review again this long after the review, but at least a second after the verdict.
    ReviewIn(Duration),
    Keep,
    /// There is no policy, or it failed. The session is suspended at the idle timeout.
    Absent,
}

/// What a persona makes of an agent's start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonaSettings {
    pub instructions: String,
    pub model: Option<String>,
    pub idle_timeout: Option<Duration>,
    /// Said once, when the session is new.
    pub greeting: Option<String>,
}

/// What comes from the configuration as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `[sessions] idle_timeout`.
    pub idle_timeout: Duration,
    /// `[sessions] queue`: how many prompts may wait.
    pub queue: usize,
    /// `[sessions] kept`: with so many prompts of turns that were cut off, no new one is taken. An agent that dies over each of them,
    /// all unread, must not fill the store.
    pub kept: usize,
    /// `[agents.NAME] model`.
    pub model: Option<String>,
    /// `[sessions.folders] NAME`. Without it, the session stays in the folder of its record.
    pub folder: Option<PathBuf>,
    /// `[agents.NAME]` without its model. `None` if there is no such table. A change restarts a running agent before
    /// its next prompt.
    pub agent: Option<Agent>,
}

/// What a caller asks of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// It was switched to: counts as activity.
    Touch(Place),
    /// An agent is wanted, without a prompt.
    Start,
    Suspend,
    /// Like `Suspend`, but also ends background work.
    SuspendAnyway,
    /// The answer to this order is read at `from`; none: nowhere.
    Interrupt {
        waiting: Waiting,
        from: Option<Place>,
    },
    /// Tries a refused resume or a failed start again; else sends the prompt of a turn that was cut off once more, under this
    /// new name, since agents drop a prompt whose name they have seen.
    Retry(PromptId),
    /// Gives up the agent's memory.
    Fresh,
    /// Gives up the prompt of a turn that was cut off.
    Leave,
    /// `Retry`, `Fresh` or `Leave` by a button. It decides the button's request, and is refused if that is closed.
    Pressed(Request, Box<Order>),
    Archive,
    Restore,
    SetIdleTimeout(Option<Duration>),
    SetModel(Option<String>),
    SetPersona(Option<String>),
    SetMode(Option<String>),
}

/// What becomes of the prompts that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    Keep,
    Drop,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ApiError {
    pub code: RefusalCode,
    /// For the user to read.
    pub text: String,
}

/// The codes of `session-control.error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCode {
    Unknown,
    Exists,
    Archived,
    Invalid,
    Busy,
    /// The command would end background work.
    Background,
    Denied,
    Failed,
}

impl RefusalCode {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Exists => "exists",
            Self::Archived => "archived",
            Self::Invalid => "invalid",
            Self::Busy => "busy",
            Self::Background => "background",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}
