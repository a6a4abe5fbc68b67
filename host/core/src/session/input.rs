//! The inputs of a session's state machine.

use std::{path::PathBuf, time::Duration};

use cordboard_permission_rules::Rule;

use crate::{
    agent_event::{AgentEvent, PromptId},
    config::{Agent, Busy},
    types::{Button, PermissionMode, Place, ProcessId, Prompt, PromptKind, Request, Urgency},
};

/// The number of an agent process. Events from older runs are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run(pub u64);

impl Input {
    #[must_use]
    pub const fn prompt(prompt: Prompt, urgency: Urgency) -> Self {
        match urgency {
            Urgency::Normal => Self::Prompt(prompt),
            Urgency::Now => Self::UrgentPrompt(prompt),
        }
    }
}

impl Run {
    /// An agent process left over from a previous host. Its `Exit` arrives once the process has been cleaned up.
    pub const LEFT_OVER: Self = Self(0);
}

/// The number of a query to a plugin. Answers to queries that are no longer pending are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    Prompt(Prompt),
    /// A prompt that interrupts the running turn and is sent before the waiting prompts that aren't urgent.
    UrgentPrompt(Prompt),
    /// A prompt's text was edited. The edit is ignored unless the prompt is still waiting.
    Edited {
        prompt: PromptId,
        kind: PromptKind,
        text: String,
    },
    /// The process of this run has started.
    Spawned {
        run: Run,
        process: ProcessId,
    },
    Agent {
        run: Run,
        event: AgentEvent,
    },
    /// The agent has written output that contains no event.
    Output {
        run: Run,
    },
    /// The process and all its descendants have exited or could not be killed, or the process could not be started.
    Exit {
        run: Run,
        exit: Exit,
    },
    /// An agent has exited, and these processes, which can't be attributed to any agent, are still running.
    Strays {
        pids: Vec<i32>,
    },
    /// The deadline returned by `poll_timeout` has been reached.
    Timeout,
    Verdict {
        ticket: Ticket,
        verdict: Verdict,
    },
    /// The persona's settings, or an error for the user.
    PersonaSettings {
        ticket: Ticket,
        settings: Result<PersonaSettings, String>,
    },
    /// The lifecycle plugin's text for the resume notice, if it has one.
    ResumeNotice {
        ticket: Ticket,
        text: Option<String>,
    },
    /// The approval plugin's decision about a tool use.
    Decision {
        ticket: Ticket,
        decision: Decision,
    },
    /// The configuration was loaded, or the session was renamed or switched to another agent. The input is ignored if
    /// the session's settings have not changed.
    Settings(Box<Settings>),
    /// The running agents exceed `[limits]`: the session is suspended if it is idle and has neither background work nor
    /// open questions.
    SuspendIfUnused,
    /// The lifecycle plugin or its configuration changed: an idle session is reviewed again.
    PolicyChanged,
    /// The process that holds the session for a terminal has exited.
    TerminalClosed {
        process: ProcessId,
        /// The conversation that was last used in the terminal. `None` if it is unknown or belongs to another session.
        conversation: Option<String>,
    },
    /// The authors of these prompts lost access to the session. The prompts that are still waiting are dropped, and a
    /// turn that contains one of them is interrupted.
    AccessLost(Vec<PromptId>),
    /// Users can no longer answer, because the chat's input has ended. The agent's open questions are withdrawn.
    NobodyAnswers,
    /// The host is shutting down: the turn is interrupted, then the agent is stopped. A second `Shutdown` kills the
    /// agent.
    Shutdown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// The exit code or signal in words, and the last lines of stdout and stderr that explain the exit, if any.
    Ended { status: String, last_output: Option<String> },
    /// The process could not be started. Contains the reason and the remedy for the user.
    NotStarted(String),
}

impl Exit {
    /// Returns the reason shown to the user: the last output, or the exit status if there is no output. If the process
    /// could not be started, returns why.
    #[must_use]
    pub fn why(&self) -> String {
        match self {
            Self::Ended { last_output: Some(words), .. } => words.clone(),
            Self::Ended { status, last_output: None } => status.clone(),
            Self::NotStarted(why) => why.clone(),
        }
    }

    /// Returns the reason for diagnosis, including the exit status if there is one.
    #[must_use]
    pub fn details(&self) -> String {
        match self {
            Self::Ended { status, last_output: Some(words) } => format!("it exited ({status}): {words}"),
            Self::Ended { status, last_output: None } => format!("it exited ({status}) without output"),
            Self::NotStarted(why) => why.clone(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Suspend,
    /// Suspend the session this long after the review.
    SuspendAfter(Duration),
    /// Review again this long after the previous review, but no sooner than a second after the verdict.
    ReviewIn(Duration),
    Keep,
    /// There is no policy, or it failed. The session is suspended at the idle timeout.
    Absent,
}

/// The approval plugin's decision. `rule` describes the rule that it is based on, if any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub outcome: DecisionOutcome,
    pub rule: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecisionOutcome {
    Allow,
    /// Also allow similar uses for the rest of the agent's conversation, if the agent offers that.
    AllowForSession,
    /// Contains the reason for the agent and the user.
    Deny(String),
    /// A user decides. The question shows these plugin buttons in addition to the answer buttons. This is also the
    /// outcome if there is no approval plugin.
    Ask(Vec<Button>),
    /// The plugin failed, so a user decides.
    Failed,
}

impl Decision {
    pub const ASK: Self = Self { outcome: DecisionOutcome::Ask(Vec::new()), rule: None };
    pub const FAILED: Self = Self { outcome: DecisionOutcome::Failed, rule: None };
}

/// The persona settings for starting an agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonaSettings {
    pub instructions: String,
    pub model: Option<String>,
    pub idle_timeout: Option<Duration>,
    /// A greeting to post once, when the session is new.
    pub greeting: Option<String>,
}

/// The open prompts of a session from the previous run of the host.
#[derive(Debug, Clone, Default)]
pub struct RestoredPrompts {
    /// The prompts that were not sent to an agent.
    pub queued: Vec<Prompt>,
    /// The prompts whose turn was interrupted when the previous run of the host ended.
    pub interrupted: Vec<Prompt>,
    /// Set if the session may tell its agent to continue the interrupted turn. Otherwise, users decide.
    pub continuation: Option<Continuation>,
}

/// The data for telling an agent to continue an interrupted turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    /// The id of the note to the agent.
    pub note: PromptId,
    /// The part of the answer that the chat shows, if it is known.
    pub shown: Option<String>,
}

/// The parts of the current configuration that apply to the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `[sessions] idle_timeout`.
    pub idle_timeout: Duration,
    /// `[sessions] busy`: how a prompt that arrives during a turn is handled.
    pub busy: Busy,
    /// `[sessions] queue`: the maximum number of waiting prompts.
    pub max_queued: usize,
    /// `[sessions] kept`: the maximum number of interrupted prompts. When it is reached, new prompts are rejected, so
    /// that an agent that crashes on every prompt can't fill the store.
    pub max_interrupted: usize,
    /// `[sessions] stall`: the time after which users are asked about an agent that is silent during a turn. Zero
    /// disables the question.
    pub stall: Duration,
    /// `[requests] expire`: the time limit for answering an agent's question.
    pub request_expiry: Duration,
    /// `[access] deny_tools`.
    pub deny_tools: Vec<Rule>,
    /// The agents' home folder.
    pub home: Option<String>,
    /// `[agents.NAME] model`.
    pub model: Option<String>,
    /// `[sessions.folders] NAME`. If it is unset, the session stays in the folder stored in its record.
    pub folder: Option<PathBuf>,
    /// `[agents.NAME]`, except for its model. `None` if there is no such table. A change restarts a running agent
    /// before its next prompt, unless the agent has background work.
    pub agent: Option<Agent>,
}

/// A command to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionCommand {
    /// A place switched to the session, which counts as activity.
    Touch(Place),
    /// Starts the agent without a prompt.
    Start,
    /// Stops the agent. The command is refused during a turn, while prompts wait for the agent to start, and while the
    /// agent has background work.
    Suspend,
    /// Like `Suspend`, but also ends background work.
    ForceSuspend,
    /// Stops an idle agent and holds the session for this process's terminal until the process's exit is reported. The
    /// terminal may use the conversation once no agent process is left. The command is refused during a turn, while
    /// prompts wait, and while the agent has background work or an open question.
    OpenTerminal(ProcessId),
    /// Interrupts the turn. The reply to this command is shown in `from`, or not at all if `from` is `None`.
    Interrupt {
        queued: QueuedPrompts,
        from: Option<Place>,
    },
    /// Drops a waiting prompt.
    DropQueued(PromptId),
    /// Retries a refused resume or a failed start; otherwise resends the latest interrupted prompt. Contains the new id
    /// for that prompt, because agents ignore a prompt whose id they have already seen.
    Retry(PromptId),
    /// Starts a new conversation, so that the agent forgets the old one.
    Fresh,
    /// Drops the latest interrupted prompt.
    Leave,
    /// A button for `Retry`, `Fresh`, `Leave` or `Answer` was pressed, or the `Interrupt` button of a question about a
    /// silent agent. The command decides the button's request, and is refused if that request is closed.
    Pressed(Request, Box<SessionCommand>),
    /// Answers an open question of the agent: the question with this number, or the only one if `number` is `None`.
    Answer {
        number: Option<u64>,
        options: Vec<String>,
        text: Option<String>,
    },
    Archive,
    Restore,
    SetIdleTimeout(Option<Duration>),
    SetModel(Option<String>),
    SetPersona(Option<String>),
    /// Selects another agent. The caller has checked that it is configured, and sends the session's new settings next.
    /// The command is refused if the conversation has begun, during a turn, while prompts wait, and while the agent has
    /// background work.
    SetAgent(String),
    SetMode(Option<String>),
    /// Sets how the agent handles tools that need permission. `None` selects the agent's configured mode.
    SetPermissionMode(Option<PermissionMode>),
}

/// Selects whether an interrupt keeps or drops the waiting prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueuedPrompts {
    /// Keeps the prompts, except for the next one if it is waiting for an agent to start or for a terminal to close.
    Keep,
    Drop,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ApiError {
    pub code: ApiErrorCode,
    /// The message for the user.
    pub text: String,
}

/// The values of `error.code` in the plugin interfaces, for example in `session-control`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiErrorCode {
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

impl ApiErrorCode {
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
