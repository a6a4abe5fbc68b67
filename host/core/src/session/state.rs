//! The states of a session, their data, and the deadlines derived from them. The transitions are in the other modules.

use std::{collections::BTreeMap, time::Duration};

use super::{Exit, Prompt, Run, Ticket, Verdict, background_work::BackgroundWork};
use crate::{
    agent_event::PromptId,
    config::Agent,
    messages::SessionNotice,
    turn::Turn,
    types::{AgentRequest, OpenRequest, Phase, Timestamp},
};

/// The time limit for a new agent to report `Ready`, and for the persona plugin to answer. When the limit is exceeded,
/// the start fails. Real agents need 0.3 to 3 s, and longer with a cold disk cache or with tool servers. Few users wait
/// longer than a minute.
pub const READY_WITHIN: Duration = Duration::from_secs(60);
/// The time from an interrupt to SIGTERM, if the agent doesn't acknowledge the interrupt or if the author of the prompt
/// lost access. A healthy agent acknowledges within milliseconds.
pub const INTERRUPT_WITHIN: Duration = Duration::from_secs(5);
/// The time from an acknowledged interrupt to SIGTERM. The agent may have to wait for a tool to finish.
pub const END_TURN_WITHIN: Duration = Duration::from_secs(30);
/// The time from closing the input to SIGTERM and, at shutdown, from the interrupt to closing the input.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// The time from SIGTERM to SIGKILL.
pub const TERMINATE_WITHIN: Duration = Duration::from_secs(5);
/// The pauses after consecutive failed starts. A start fails if the agent isn't ready in time, or exits before it
/// accepts a prompt. If the start after the last pause fails too, the session is broken.
pub const START_BACKOFFS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(25)];
/// The minimum time from a verdict to the review that it schedules, so that a policy cannot keep the host busy.
pub const MIN_REVIEW_DELAY: Duration = Duration::from_secs(1);

/// The reason for a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutReason {
    /// The persona plugin has not answered.
    Persona,
    /// The agent has not reported that it is ready.
    Ready,
    /// An agent's question has expired.
    RequestExpired,
    /// The agent has been silent for too long during its turn.
    Stalled,
    /// A failed start is retried.
    StartAgain,
    /// The idle timeout has expired.
    Idle,
    /// The lifecycle plugin requested another review.
    Review,
    /// Background work has reached its known end, such as the time of a wake-up.
    WorkOver,
    /// The turn did not end in time after it was interrupted by a user or because of lost access.
    Interrupt,
    /// At shutdown, the interrupted turn did not end in time.
    CloseInput,
    /// The agent did not exit after the end of input.
    Terminate,
    /// The agent did not react to SIGTERM.
    Kill,
}

impl TimeoutReason {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Persona => "persona",
            Self::Ready => "ready",
            Self::RequestExpired => "request expired",
            Self::Stalled => "stalled",
            Self::StartAgain => "start again",
            Self::Idle => "idle",
            Self::Review => "review",
            Self::WorkOver => "work over",
            Self::Interrupt => "interrupt",
            Self::CloseInput => "close input",
            Self::Terminate => "terminate",
            Self::Kill => "kill",
        }
    }
}

#[derive(Debug)]
pub(super) enum State {
    Suspended,
    Starting(StartStage),
    Idle(Idle),
    Busy(OpenTurn),
    Stopping(Stop),
    /// The agent refused to resume or fork a conversation, and the user has to decide.
    Asking(Blocked),
    Broken(Blocked),
    Archived,
}

impl State {
    pub(super) const fn phase(&self) -> Phase {
        match self {
            Self::Suspended => Phase::Suspended,
            Self::Starting(_) => Phase::Starting,
            Self::Idle(_) => Phase::Idle,
            Self::Busy(_) => Phase::Busy,
            Self::Stopping(_) => Phase::Stopping,
            Self::Asking(_) => Phase::Asking,
            Self::Broken(_) => Phase::Broken,
            Self::Archived => Phase::Archived,
        }
    }

    /// Returns the next deadline and its reason. `idle_timeout` is the effective timeout. The state does not contain
    /// the timeout, so a reloaded configuration takes effect immediately.
    pub(super) fn deadline(&self, idle_timeout: Duration) -> Option<(Timestamp, TimeoutReason)> {
        match self {
            Self::Starting(start) => Some(start.deadline()),
            Self::Idle(idle) => idle.deadline(idle_timeout),
            Self::Busy(open) => open.deadline(),
            Self::Stopping(stop) => stop.deadline(),
            Self::Suspended | Self::Asking(_) | Self::Broken(_) | Self::Archived => None,
        }
    }
}

#[derive(Debug)]
pub(super) enum StartStage {
    /// Waiting for the persona's settings. No agent process is running.
    Persona { ticket: Ticket, since: Timestamp },
    /// The process is being started, or the agent is not ready yet.
    Agent { since: Timestamp },
    /// Waiting for the backoff after a failed start to end. No agent process is running.
    Backoff { at: Timestamp },
}

impl StartStage {
    fn deadline(&self) -> (Timestamp, TimeoutReason) {
        match self {
            Self::Persona { since, .. } => (since.after(READY_WITHIN), TimeoutReason::Persona),
            Self::Agent { since } => (since.after(READY_WITHIN), TimeoutReason::Ready),
            Self::Backoff { at } => (*at, TimeoutReason::StartAgain),
        }
    }
}

#[derive(Debug)]
pub(super) struct Idle {
    pub since: Timestamp,
    pub policy: Policy,
}

/// The lifecycle plugin's decision about an idle session. `from` is the time of the review, rounded down to a whole
/// second of idle time, because the plugin receives whole seconds. A verdict's span begins at `from`, so a span of
/// `idle-timeout - idle-for` ends exactly at the idle timeout.
#[derive(Debug)]
pub(super) enum Policy {
    Pending { ticket: Ticket, from: Timestamp },
    Decided { verdict: Verdict, from: Timestamp, at: Timestamp },
}

impl Idle {
    fn deadline(&self, idle_timeout: Duration) -> Option<(Timestamp, TimeoutReason)> {
        let Policy::Decided { verdict, from, at } = self.policy else { return None };
        match verdict {
            Verdict::Suspend => Some((at, TimeoutReason::Idle)),
            Verdict::SuspendAfter(span) => Some((from.after(span), TimeoutReason::Idle)),
            Verdict::ReviewIn(span) => Some((from.after(span).max(at.after(MIN_REVIEW_DELAY)), TimeoutReason::Review)),
            Verdict::Keep => None,
            Verdict::Absent => Some((self.since.after(idle_timeout), TimeoutReason::Idle)),
        }
    }
}

/// A turn in progress.
#[derive(Debug)]
pub(super) struct OpenTurn {
    /// `None` if the agent started the turn itself.
    pub prompt: Option<Prompt>,
    pub turn: Turn,
    pub receipt: Receipt,
    /// The start of the agent's silence: its last output, the last closed question (including one about its silence),
    /// or the start of the turn.
    pub silent_since: Timestamp,
    pub interrupt: Option<Interrupt>,
    /// The unanswered prompts that were sent to the agent during this turn or an earlier one, in sending order. An
    /// interrupt removes those that the agent has not accepted, unless the shutdown caused the interrupt.
    pub steered: Vec<SteeredPrompt>,
}

/// A prompt that was sent to the agent during a turn. The agent answers it in that turn or in a later one.
#[derive(Debug)]
pub(super) struct SteeredPrompt {
    pub prompt: Prompt,
    pub receipt: Receipt,
}

/// The delivery state of a prompt. Until the agent is known to have received the prompt, resending it can't cause a
/// second answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Receipt {
    Sent,
    Accepted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// A user interrupted the turn with `/stop`, a button or an urgent prompt, or the author of a later prompt of the
    /// turn lost access.
    ByUser { since: Timestamp, acknowledged: Acknowledged, by: InterruptedBy },
    /// The author of the turn's first prompt lost access to the session. The rest of the answer is not shown.
    AccessLost { since: Timestamp },
    /// The host is shutting down.
    ByHost,
}

/// The cause of an [`Interrupt::ByUser`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InterruptedBy {
    Stop,
    /// An urgent prompt.
    Prompt,
    /// The author of a prompt in the turn lost access, but the author of the turn's first prompt still has it.
    AccessLost,
}

/// States whether the agent has acknowledged an interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acknowledged {
    No,
    Yes,
}

impl OpenTurn {
    pub(super) const fn new(prompt: Option<Prompt>, turn: Turn, receipt: Receipt) -> Self {
        Self { prompt, receipt, silent_since: turn.began, turn, interrupt: None, steered: Vec::new() }
    }

    pub(super) fn is(&self, turn: &PromptId) -> bool {
        self.turn.prompt == *turn
    }

    fn deadline(&self) -> Option<(Timestamp, TimeoutReason)> {
        match self.interrupt? {
            Interrupt::ByUser { since, acknowledged: Acknowledged::Yes, .. } => {
                Some((since.after(END_TURN_WITHIN), TimeoutReason::Interrupt))
            }
            Interrupt::ByUser { since, .. } | Interrupt::AccessLost { since } => {
                Some((since.after(INTERRUPT_WITHIN), TimeoutReason::Interrupt))
            }
            Interrupt::ByHost => None,
        }
    }
}

/// A process that is being stopped.
#[derive(Debug)]
pub(super) struct Stop {
    pub stage: StopStage,
    /// The time at which the current stage began.
    pub since: Timestamp,
    pub then: AfterStop,
    /// The interrupted turn. Set only at shutdown.
    pub open: Option<OpenTurn>,
    /// The background work that ends because the host was shut down or killed.
    pub work: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopStage {
    Interrupted,
    Closed,
    Terminated,
    /// SIGKILL was sent, but the exit has not been reported yet.
    Killed,
}

/// The transition to make once the process has exited.
#[derive(Debug)]
pub(super) enum AfterStop {
    /// Suspends the session, or starts another agent if prompts are waiting.
    Suspend,
    Start,
    /// The start has failed: the session waits for the backoff to end, or is broken.
    Fail(ExitInfo),
    /// The session is waiting for the user's decision.
    Ask(Blocked),
    Archive,
}

impl Stop {
    pub(super) const fn new(stage: StopStage, since: Timestamp, then: AfterStop) -> Self {
        Self { stage, since, then, open: None, work: Vec::new() }
    }

    fn deadline(&self) -> Option<(Timestamp, TimeoutReason)> {
        match self.stage {
            StopStage::Interrupted => Some((self.since.after(CLOSE_WITHIN), TimeoutReason::CloseInput)),
            StopStage::Closed => Some((self.since.after(CLOSE_WITHIN), TimeoutReason::Terminate)),
            StopStage::Terminated => Some((self.since.after(TERMINATE_WITHIN), TimeoutReason::Kill)),
            StopStage::Killed => None,
        }
    }
}

/// Details about an agent that exited, or that did not become ready in time.
#[derive(Debug)]
pub(super) struct ExitInfo {
    /// The reason shown to the user, such as the agent's last output or exit status.
    pub why: String,
    /// Like `why`, but with the exit status, for diagnosis.
    pub details: String,
}

impl ExitInfo {
    pub(super) fn of(exit: &Exit) -> Self {
        Self { why: exit.why(), details: exit.details() }
    }
}

/// A session that is waiting for the user's decision. A new prompt either restarts the agent or causes the notice to be
/// posted again.
#[derive(Debug, Clone)]
pub(super) struct Blocked {
    pub why: String,
    pub notice: SessionNotice,
}

impl Blocked {
    /// Returns whether the next message starts the agent again. It does if the cause is outside the session, such as
    /// a missing folder or a failing persona plugin, because a user may have fixed it in the meantime.
    pub(super) const fn is_startable(&self) -> bool {
        matches!(self.notice, SessionNotice::NotStarted { .. } | SessionNotice::PersonaFailed { .. })
    }
}

/// An agent process that may be running.
#[derive(Debug)]
pub(super) struct LiveProcess {
    pub run: Run,
    /// Whether the process was started to resume or fork a conversation.
    pub resumes: bool,
    /// `persona`, `model` and `agent` are the settings that the process was started with. If they have changed, the
    /// agent restarts between turns, unless it has background work.
    pub persona: Option<String>,
    pub model: Option<String>,
    pub agent: Option<Agent>,
    pub background: BackgroundWork,
    /// The agent's questions that are waiting for an answer.
    pub requests: Vec<OpenRequest>,
    /// The number of the currently shown question.
    pub shown_request: Option<u64>,
    /// The numbers of the questions that the approval plugin has not decided yet.
    pub undecided: BTreeMap<Ticket, u64>,
    /// The announced tool uses that the approval plugin has not decided yet.
    pub announced: BTreeMap<Ticket, AgentRequest>,
    /// Whether `/fresh` or `/agent` has discarded the process's conversation. Later events about that conversation are
    /// ignored.
    pub conversation_discarded: bool,
    /// Whether the process starts in a different folder than the previous process. The user is notified once the
    /// process has started, because a wrong folder may prevent the start.
    pub in_new_folder: bool,
    /// Whether an earlier process has answered prompts in a conversation that this process can't continue. The user is
    /// notified once the process has started.
    pub has_lost_state: bool,
}

/// A `/retry` or `/leave` repeated within this time is refused, because the user means the same prompt as before, not
/// the next interrupted one.
const REPEAT_WITHIN: Duration = Duration::from_secs(2);

/// The times of the last retry that started or restarted the agent, and of the last `/leave`.
#[derive(Debug, Default)]
pub(super) struct LastPress {
    pub retry: Option<Timestamp>,
    pub leave: Option<Timestamp>,
}

impl LastPress {
    pub(super) fn is_recent(at: Option<Timestamp>, now: Timestamp) -> bool {
        at.is_some_and(|at| now.since(at) < REPEAT_WITHIN)
    }
}

/// The progress of a host shutdown. The second `Input::Shutdown` forces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shutdown {
    No,
    Requested,
    Forced,
}
