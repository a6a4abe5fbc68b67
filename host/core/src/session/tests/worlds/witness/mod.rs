//! Observes every input and effect of one session, keeps its own records of processes and prompts, and reports violated
//! invariants. It does not depend on the machine's internals.

mod continuations;
mod effects;
mod questions;
mod steering;
pub mod step_log;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
    time::Duration,
};

use crate::{
    agent_event::{AgentEvent, BackgroundTask, PromptId},
    config::Agent,
    config::Busy,
    messages::SessionNotice,
    session::{
        ApiError, DecisionOutcome, Effect, Exit, Input, Machine, Prompt, Run, SessionCommand, Settings, Ticket,
        TimeoutReason, Verdict,
    },
    turn::Turn,
    types::{
        Phase, Place, ProcessId, RecordedRequest, Request, RequestAnswer, RequestId, SessionName, SessionRecord,
        Timestamp,
    },
};
use continuations::CoveredTurn;
use questions::Asked;
use steering::SteeredPrompt;
use step_log::{Cause, StepLog};

pub struct Witness {
    pub machine: Machine,
    pub now: Timestamp,
    seed: u64,
    pub log: StepLog,
    settings: Settings,
    /// The record as of the last `Persist`.
    stored: SessionRecord,
    processes: BTreeMap<Run, Process>,
    prompts: BTreeMap<PromptId, (Prompt, Fate)>,
    /// The prompts with [`Fate::Sent`].
    sent: BTreeSet<PromptId>,
    /// The waiting prompts, in the order in which they have to be sent.
    queue: VecDeque<PromptId>,
    /// The waiting urgent prompts.
    urgent: BTreeSet<PromptId>,
    open: Option<OpenTurn>,
    /// The prompts of a turn that the shutdown interrupted. The next host keeps them.
    cut_off: Vec<PromptId>,
    /// Interrupted prompts, the latest last. Each may be sent once more, at the user's request.
    interrupted: Vec<PromptId>,
    /// The latest turn that an agent was told to continue.
    continued: Option<CoveredTurn>,
    /// Whether the next host may tell its agent to continue an interrupted turn.
    pub continues: bool,
    last_continuation: u64,
    /// The texts of prompts that may have reached an agent of an earlier host.
    received: BTreeSet<String>,
    /// The new ids of prompts that users have retried.
    retried: BTreeSet<PromptId>,
    /// The prompt of the turn that most recently ended.
    finished_last: Option<PromptId>,
    questions: BTreeMap<Ticket, String>,
    /// The open questions of the host that was killed, until they are logged as withdrawn.
    unclosed: VecDeque<RecordedRequest>,
    asked: Asked,
    /// The pending review, and the time from which its verdict counts.
    review: Option<(Ticket, Timestamp)>,
    resume_notice: Option<Ticket>,
    /// The requests that were posted, open or closed. Their buttons may be pressed at any time.
    pub requests: Vec<Request>,
    /// The number of the failed start that users are currently being asked about.
    failure: Option<u64>,
    /// The start of the silence that users are currently being asked about.
    stall: Option<Timestamp>,
    policy: Option<ReceivedVerdict>,
    idle_since: Timestamp,
    /// Whether the conversation was discarded and no agent has started since.
    fresh: bool,
    /// The process of the terminal that holds the session.
    pub terminal: Option<ProcessId>,
    shutdowns: u32,
    finished: u64,
    /// The number of consecutive failed starts.
    failed_starts: u32,
    /// Whether the session is broken for an external reason, so that a message, a start or a change of persona starts
    /// the agent again.
    is_startable: bool,
    /// The host dies after this many effects of the next step.
    doom: Option<u64>,
    /// While the next host restores the prompts, it dies after this many effects.
    pub second_doom: Option<u64>,
    step: Step,
}

/// The policy's verdict, which arrived at `at`. Its span begins at `from`: the time of the review, rounded down to a
/// whole second of idle time, because the policy received whole seconds.
#[derive(Debug, Clone, Copy)]
struct ReceivedVerdict {
    verdict: Verdict,
    from: Timestamp,
    at: Timestamp,
}

/// Facts about the current step, which determine the effects that the machine may emit.
#[derive(Debug, Default)]
struct Step {
    phase: Option<Phase>,
    prompts: bool,
    refuses_resume: bool,
    /// The agent reports that it can't work without the user's help.
    fails_start: bool,
    restarts_clock: bool,
    /// The command restarts the idle time, but not the time of silence.
    keeps_silence: bool,
    sent: Option<PromptId>,
    /// The prompts that were forgotten and have to be settled.
    forgotten: Vec<PromptId>,
    /// The prompts that the agent received but did not answer in the turn that has just ended.
    left: Vec<SteeredPrompt>,
    /// The authors of these prompts lost access.
    lost_access: Vec<PromptId>,
    /// The turn ended because the author of its prompt lost access.
    ends_lost_turn: bool,
    /// A user sent `/stop`.
    stops: bool,
    /// The agent reports that the turn with these prompts is over.
    answered: Option<Vec<PromptId>>,
    /// The user decided about a session that is asking or broken.
    user_decided: bool,
    /// The agent that died had background work.
    had_work: bool,
    /// An agent left over from a killed host has exited, and it had background work.
    left_work: bool,
    /// The user agreed to end the background work.
    user_ends_work: bool,
    /// The query that was answered with a resume notice.
    announces_resume: Option<Ticket>,
    /// The request of the button that was pressed.
    pressed: Option<Request>,
    /// A user answers a question of the agent.
    user_answers: bool,
    /// The approval plugin decides about an open question.
    policy_decides: Option<DecisionOutcome>,
    /// A rule of the configuration denied a request.
    configuration_denies: bool,
    /// A request was closed without being shown.
    is_not_shown: bool,
    /// A command opens a terminal.
    opens_terminal: bool,
    /// The agent asks this question.
    asks: Option<RequestId>,
    /// The agent announces this tool use and has not received an answer yet.
    announces: Option<RequestId>,
    /// The approval plugin decides about this announced use. The agent must receive this answer.
    decides_announced: Option<(RequestId, RequestAnswer)>,
    /// The agent cancels this question.
    cancels: Option<RequestId>,
    /// A timer or the lifecycle plugin causes this step.
    is_automatic: bool,
    /// A new host restores the prompts of the previous one.
    restores: bool,
    /// The turn that was interrupted when the previous host died, until it is continued.
    interrupted_turn: Option<CoveredTurn>,
}

#[derive(Debug, Default)]
struct Process {
    began: Timestamp,
    persona: Option<String>,
    model: Option<String>,
    agent: Option<Agent>,
    ready: bool,
    /// The agent reported that it can't work without the user's help.
    needs_user: bool,
    /// The time at which each piece of the agent's background work ends, or `None` if the agent will report the end.
    work: Vec<Option<Timestamp>>,
    interrupted: Option<Timestamp>,
    /// The process has acknowledged the interrupt.
    interrupt_accepted: bool,
    closed: Option<Timestamp>,
    terminated: Option<Timestamp>,
    killed: bool,
    gone: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Queued,
    Sent,
    Answered,
    Completed,
}

impl Process {
    fn forget_past_work(&mut self, now: Timestamp) {
        self.work.retain(|until| until.is_none_or(|until| until > now));
    }

    fn works(&self) -> bool {
        !self.work.is_empty()
    }
}

#[derive(Debug)]
struct OpenTurn {
    /// The id of the prompt, or of the turn that the agent started itself.
    id: PromptId,
    place: Place,
    accepted: bool,
    /// Part of the answer has arrived.
    begun: bool,
    interrupted: bool,
    /// A user sent `/stop` in the place where the answer is shown.
    stopped_here: bool,
    /// The time at which the agent's current unexplained silence began.
    silent_since: Timestamp,
    /// The author of the prompt lost access.
    lost_access: bool,
    /// The prompts that were sent during this turn or an earlier one and haven't been answered.
    steered: Vec<SteeredPrompt>,
}

impl OpenTurn {
    const fn new(id: PromptId, place: Place, silent_since: Timestamp) -> Self {
        let (accepted, begun, interrupted, stopped_here, lost_access) = (false, false, false, false, false);
        let steered = Vec::new();
        Self { id, place, accepted, begun, interrupted, stopped_here, silent_since, lost_access, steered }
    }
}

impl Witness {
    pub fn new(seed: u64, record: SessionRecord, settings: Settings) -> Self {
        Self {
            machine: Machine::new(record.clone(), settings.clone()),
            now: record.created,
            seed,
            log: StepLog::default(),
            settings,
            stored: record,
            processes: BTreeMap::new(),
            prompts: BTreeMap::new(),
            sent: BTreeSet::new(),
            queue: VecDeque::new(),
            urgent: BTreeSet::new(),
            open: None,
            cut_off: Vec::new(),
            interrupted: Vec::new(),
            continued: None,
            continues: false,
            last_continuation: 0,
            received: BTreeSet::new(),
            retried: BTreeSet::new(),
            finished_last: None,
            questions: BTreeMap::new(),
            unclosed: VecDeque::new(),
            asked: Asked::default(),
            review: None,
            resume_notice: None,
            requests: Vec::new(),
            failure: None,
            stall: None,
            policy: None,
            idle_since: Timestamp(0),
            fresh: false,
            terminal: None,
            shutdowns: 0,
            finished: 0,
            failed_starts: 0,
            is_startable: false,
            doom: None,
            second_doom: None,
            step: Step::default(),
        }
    }

    pub fn fail(&self, why: &str) -> ! {
        let log = self.log.latest().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let (seed, step, phase) = (self.seed, self.log.count, self.machine.phase());
        panic!("world {seed}, step {step}: {why}\n{log}\nphase {phase:?}, queue {:?}", self.queue);
    }

    fn must(&self, holds: bool, why: &str) {
        if !holds {
            self.fail(why);
        }
    }

    // ---- Queries ----

    pub fn alive(&self) -> Option<Run> {
        // A process is added only after the previous one has exited.
        self.processes.last_key_value().filter(|(_, process)| !process.gone).map(|(run, _)| *run)
    }

    /// Returns the open question about a silence.
    pub fn open_stall(&self) -> Option<Request> {
        self.stall.map(|since| Request::Stall { session: self.machine.record().name.clone(), since })
    }

    pub fn open(&self) -> Option<PromptId> {
        self.open.as_ref().map(|open| open.id.clone())
    }

    fn place(&self) -> Option<&Place> {
        self.machine.record().place.as_ref()
    }

    pub fn latest_ticket(&self) -> u64 {
        self.questions.keys().last().map_or(0, |ticket| ticket.0)
    }

    pub fn persona_of(&self, ticket: Ticket) -> String {
        self.questions.get(&ticket).cloned().unwrap_or_default()
    }

    pub fn is_at_rest(&self) -> bool {
        self.queue.is_empty() && self.open.is_none()
    }

    pub fn advance_to(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
    }

    // ---- Inputs ----

    pub fn feed(&mut self, input: Input) {
        self.log.begin(self.now, Cause::Input(input.clone()));
        self.step = Step { phase: Some(self.machine.phase()), ..Step::default() };
        self.step.is_automatic = matches!(input, Input::Timeout | Input::Verdict { .. } | Input::SuspendIfUnused);
        self.observe(&input);
        let limit = self.settings.max_queued.max(1);
        let full = self.queue.len() + self.count_unaccepted() > limit
            || self.interrupted.len() >= self.settings.max_interrupted.max(1);
        let offered = offered(&input).map(|prompt| prompt.id.clone());
        let is_urgent = self.is_urgent(&input);
        let archived = self.machine.record().archived;
        let remembered = self.machine.record().conversation.is_some();
        let exit = matches!(input, Input::Exit { .. });
        let lost =
            self.open.as_ref().is_some_and(|open| exit && open.accepted && !open.interrupted && self.shutdowns == 0);
        let works = exit && self.step.phase == Some(Phase::Idle) && self.step.had_work && self.place().is_some();
        let lost = lost || works;
        let has_to_steer = !full && !archived && self.has_to_steer(&input);
        let effects: Rc<[Effect]> = self.machine.handle(input, self.now).into();
        self.must(!self.abandons_question(&effects), "an agent that waits for an answer is not stopped");
        self.must(!remembered || self.machine.record().conversation.is_some(), "only /fresh discards the conversation");
        let is_reported = effects.iter().any(|effect| {
            matches!(
                effect,
                Effect::Post { notice: SessionNotice::Died { .. } | SessionNotice::DiedInBackground { .. }, .. }
            )
        });
        self.must(lost == is_reported, "exactly the deaths during a turn are reported");
        if !self.survive(&effects) {
            return;
        }
        self.must(!(lost && exit) || self.keeps_ended(&effects), "a death keeps all prompts that the agent accepted");
        if let Some(id) = offered {
            let is_rejected = self.prompts[&id].1 == Fate::Completed;
            self.must(is_rejected == (full || archived), "a prompt is rejected exactly if a queue is full");
            self.check_steered(Some(&id), has_to_steer);
            self.must(is_rejected || self.is_active_now(), "a prompt counts as activity");
            let runs_on =
                self.step.phase == Some(Phase::Busy) && self.open.as_ref().is_some_and(|open| !open.interrupted);
            self.must(is_rejected || !is_urgent || !runs_on, "an urgent prompt interrupts the turn");
        }
        self.inspect();
    }

    fn is_urgent(&self, input: &Input) -> bool {
        let interrupts = self.settings.busy == Busy::Interrupt && matches!(input, Input::Prompt(_));
        interrupts || matches!(input, Input::UrgentPrompt(_))
    }

    /// Records the facts of an input before the machine handles it.
    fn observe(&mut self, input: &Input) {
        match input {
            Input::Prompt(prompt) | Input::UrgentPrompt(prompt) => {
                self.step.prompts = true;
                self.step.user_decided = self.is_startable;
                self.prompts.insert(prompt.id.clone(), (prompt.clone(), Fate::Queued));
                let mut at = self.queue.len();
                if self.is_urgent(input) {
                    at = self.queue.iter().take_while(|id| self.urgent.contains(id)).count();
                    self.urgent.insert(prompt.id.clone());
                }
                self.queue.insert(at, prompt.id.clone());
            }
            Input::Agent { run, event } => self.observe_event(*run, event),
            Input::Exit { run, exit } => {
                self.count_failed_start();
                let is_starting = self.step.phase == Some(Phase::Starting);
                let process = self.processes.get_mut(run).expect("a process that was started");
                self.is_startable = process.needs_user || is_starting && matches!(exit, Exit::NotStarted(_));
                process.gone = true;
                self.asked.drop_hidden();
                self.step.had_work = process.works();
                self.step.left_work = *run == Run::LEFT_OVER && !self.machine.record().background.is_empty();
            }
            Input::Verdict { ticket, verdict } => {
                if let Some((_, from)) = self.review.take_if(|(asked, _)| asked == ticket) {
                    self.policy = Some(ReceivedVerdict { verdict: *verdict, from, at: self.now });
                }
            }
            Input::Decision { ticket, decision } => self.observe_decision(*ticket, decision),
            Input::Settings(settings) => self.settings.clone_from(settings),
            Input::NobodyAnswers => self.step.restarts_clock = !self.machine.view().requests.is_empty(),
            Input::Shutdown => self.shutdowns += 1,
            Input::Timeout => {
                let (due, now) = (self.machine.poll_timeout().filter(|(at, _)| *at <= self.now), self.now);
                self.step.restarts_clock = due.is_some_and(|(_, reason)| reason == TimeoutReason::RequestExpired);
                self.is_startable |= due.is_some_and(|(_, reason)| reason == TimeoutReason::Persona);
                let is_due = due.is_some_and(|(_, reason)| reason == TimeoutReason::WorkOver);
                if let Some(process) = self.alive().and_then(|run| self.processes.get_mut(&run)).filter(|_| is_due) {
                    process.forget_past_work(now);
                    self.step.restarts_clock = !process.works();
                }
            }
            Input::Output { .. } => self.end_silence(),
            Input::Spawned { .. } => {}
            Input::PersonaSettings { settings, .. } => {
                let is_starting = self.step.phase == Some(Phase::Starting) && self.alive().is_none();
                self.is_startable |= is_starting && settings.is_err();
            }
            Input::ResumeNotice { ticket, .. } => self.step.announces_resume = Some(*ticket),
            Input::TerminalClosed { process, conversation } => {
                if self.terminal.take_if(|terminal| terminal == process).is_some() {
                    self.step.prompts = true;
                    self.fresh &= conversation.is_none();
                }
            }
            Input::AccessLost(prompts) => {
                self.step.lost_access.clone_from(prompts);
                if let Some(open) = self.open.as_mut().filter(|open| prompts.contains(&open.id)) {
                    open.lost_access = true;
                }
            }
            Input::Edited { .. } | Input::PolicyChanged | Input::SuspendIfUnused | Input::Strays { .. } => {}
        }
    }

    fn count_failed_start(&mut self) {
        let fails = match self.step.phase {
            Some(Phase::Busy) => self.open.as_ref().is_some_and(|open| !open.accepted && !open.interrupted),
            phase => phase == Some(Phase::Starting),
        };
        self.failed_starts += u32::from(fails);
    }

    fn observe_event(&mut self, run: Run, event: &AgentEvent) {
        self.end_silence();
        match event {
            AgentEvent::Commands(_) => {}
            AgentEvent::Ready { .. } => self.processes.get_mut(&run).expect("a live process").ready = true,
            AgentEvent::PromptAccepted(id) => {
                self.observe_accepted(id);
            }
            AgentEvent::Part { .. } => {
                if let Some(open) = &mut self.open {
                    (open.accepted, open.begun) = (true, true);
                    self.failed_starts = 0;
                }
            }
            AgentEvent::StartFailed(_) => {
                self.step.fails_start = true;
                let is_starting = self.step.phase == Some(Phase::Starting);
                self.processes.get_mut(&run).expect("a live process").needs_user |= is_starting;
            }
            AgentEvent::ResumeRefused(_) => self.step.refuses_resume = true,
            AgentEvent::UnpromptedText(_) => self.step.restarts_clock = true,
            AgentEvent::Finished { answered, .. } => self.step.answered = Some(answered.clone()),
            AgentEvent::Conversation { .. } | AgentEvent::Denied { .. } => {}
            AgentEvent::PermissionModeRefused(_) | AgentEvent::PermissionModeChanged(_) | AgentEvent::Outdated(_) => {}
            AgentEvent::Requested(request) => self.step.asks = Some(request.id.clone()),
            AgentEvent::ToolAnnounced(request) => self.step.announces = Some(request.id.clone()),
            AgentEvent::RequestCanceled(id) => self.observe_canceled(id),
            AgentEvent::Background(work) => self.observe_background(run, work),
            AgentEvent::TurnStarted(id) => {
                if self.step.phase == Some(Phase::Idle) {
                    let now = self.now;
                    let open = |place| OpenTurn { accepted: true, ..OpenTurn::new(id.clone(), place, now) };
                    self.open = self.place().cloned().map(open);
                }
            }
            AgentEvent::InterruptAccepted => {
                self.processes.get_mut(&run).expect("a live process").interrupt_accepted = true;
            }
        }
    }

    fn end_silence(&mut self) {
        let now = self.now;
        self.open.iter_mut().for_each(|open| open.silent_since = now);
    }

    fn observe_background(&mut self, run: Run, work: &[BackgroundTask]) {
        let process = self.processes.get_mut(&run).expect("a live process");
        let before = process.works();
        process.work = work.iter().map(|work| work.until).collect();
        process.forget_past_work(self.now);
        self.step.restarts_clock = before && !process.works();
    }

    /// Feeds an event from a past run. The event must change nothing and have no effects.
    pub fn feed_stale(&mut self, input: Input) {
        self.log.begin(self.now, Cause::StaleInput(input.clone()));
        let before = (self.machine.view(), self.machine.poll_timeout(), self.machine.turn().cloned());
        let effects = self.machine.handle(input, self.now);
        let after = (self.machine.view(), self.machine.poll_timeout(), self.machine.turn().cloned());
        self.must(effects.is_empty() && before == after, "an event of an older process changes nothing");
    }

    pub fn command(&mut self, command: SessionCommand) -> Result<(), ApiError> {
        self.log.begin(self.now, Cause::Command(command.clone()));
        self.step = Step { phase: Some(self.machine.phase()), ..Step::default() };
        let (pressed, given) = if let SessionCommand::Pressed(request, inner) = &command {
            (Some(request.clone()), (**inner).clone())
        } else {
            (None, command.clone())
        };
        self.step.pressed.clone_from(&pressed);
        self.step.prompts = matches!(given, SessionCommand::Retry(_));
        self.step.restarts_clock = matches!(
            given,
            SessionCommand::Touch(_) | SessionCommand::SetIdleTimeout(_) | SessionCommand::Answer { .. }
        );
        self.step.keeps_silence = matches!(given, SessionCommand::Touch(_) | SessionCommand::SetIdleTimeout(_));
        self.step.user_answers = matches!(given, SessionCommand::Answer { .. });
        self.step.stops = matches!(given, SessionCommand::Interrupt { .. });
        let restarts = matches!((&pressed, &given), (Some(Request::Stall { .. }), SessionCommand::Retry(_)));
        self.step.user_ends_work = restarts || given == SessionCommand::ForceSuspend;
        let starts = self.is_startable && matches!(given, SessionCommand::Start | SessionCommand::SetPersona(_));
        self.step.user_decided = starts || matches!(given, SessionCommand::Retry(_) | SessionCommand::Fresh);
        let before = (self.machine.view(), self.machine.poll_timeout());
        let fresh = given == SessionCommand::Fresh;
        let stopped_from = if let SessionCommand::Interrupt { from, .. } = &given { from.clone() } else { None };
        let (leaves, archives, retries) = (
            given == SessionCommand::Leave,
            given == SessionCommand::Archive,
            matches!(given, SessionCommand::Retry(_)),
        );
        let is_open = pressed.as_ref().is_none_or(|request| self.is_open(request));
        let remembered = self.machine.record().conversation.is_some();
        match self.machine.command(command, self.now) {
            Ok(effects) => {
                let effects: Rc<[Effect]> = effects.into();
                self.must(self.shutdowns == 0, "a shutdown accepts no commands");
                self.must(is_open, "a button acts only on its own request, and once");
                let forgot = remembered && self.machine.record().conversation.is_none();
                let unused = matches!(given, SessionCommand::SetAgent(_)) && before.0.record.turns == 0;
                self.must(!forgot || fresh || unused, "only /fresh discards a conversation with turns");
                self.must(self.terminal.is_none() || !needs_conversation(&given), "a terminal is not interfered with");
                if let SessionCommand::OpenTerminal(process) = &given {
                    let rests = self.queue.is_empty() && self.open.is_none();
                    self.must(rests, "a terminal waits for the prompts and the turn");
                    self.terminal = Some(process.clone());
                    self.step.opens_terminal = true;
                }
                self.fresh |= fresh;
                let remembers = self.machine.record().conversation.is_some();
                self.must(!fresh || !remembers, "a discarded conversation is not used again");
                if let Some(open) = &mut self.open {
                    open.stopped_here |= stopped_from.as_ref() == Some(&open.place);
                }
                // A retry before the end of the backoff resets the count of failed starts.
                let starts = retries && !effects.iter().any(|effect| matches!(effect, Effect::Accept(_)));
                if starts && self.step.phase == Some(Phase::Starting) {
                    self.failed_starts = 0;
                }
                if leaves {
                    match &pressed {
                        Some(Request::Prompt(id)) => drop(self.forget_interrupted(id)),
                        Some(Request::Start { .. } | Request::Stall { .. }) => {}
                        Some(Request::Grant { .. } | Request::Agent { .. }) | None => {
                            drop(self.interrupted.pop());
                        }
                    }
                } else if archives {
                    self.interrupted.clear();
                }
                if self.survive(&effects) {
                    self.must(!restarts || self.keeps_ended(&effects), "a restart keeps what the agent accepted");
                    self.inspect();
                }
                Ok(())
            }
            Err(refusal) => {
                self.must(before == (self.machine.view(), self.machine.poll_timeout()), "a refusal changes nothing");
                Err(refusal)
            }
        }
    }

    /// Renames the session, if it can be renamed, and checks that nothing else changes.
    pub fn rename(&mut self, name: SessionName) {
        self.log.begin(self.now, Cause::Rename(name.clone()));
        let before = (self.machine.view(), self.machine.poll_timeout());
        match self.machine.check_rename(name.clone()) {
            Ok(record) => {
                self.must(self.shutdowns == 0, "a shutdown accepts no commands");
                self.must(self.terminal.is_none(), "a terminal is not interfered with");
                self.must(record.id() == before.0.record.id(), "the id never changes");
                self.must(record.name == name, "the session has its new name");
                self.stored = record.clone();
                self.machine.apply_rename(record);
                let mut after = self.machine.view();
                self.must(after.record == self.stored, "the machine has the stored record");
                after.record.clone_from(&before.0.record);
                self.must(before == (after, self.machine.poll_timeout()), "a rename changes only the name");
            }
            Err(_) => self.must(before.0.record == *self.machine.record(), "a refusal changes nothing"),
        }
    }

    fn is_open(&self, request: &Request) -> bool {
        match request {
            Request::Prompt(id) => self.interrupted.contains(id),
            Request::Start { failure, .. } => self.failure == Some(*failure),
            Request::Stall { since, .. } => self.stall == Some(*since),
            Request::Grant { .. } => false,
            Request::Agent { id, .. } => self.asked.is_open(id),
        }
    }

    pub fn time_out(&mut self) {
        let before = (self.machine.poll_timeout(), self.machine.phase());
        let doomed = self.doom.is_some();
        self.feed(Input::Timeout);
        let due = before.0.is_some_and(|(at, _)| at <= self.now);
        let moved = before != (self.machine.poll_timeout(), self.machine.phase());
        self.must(doomed || due == moved, "a timer advances the session exactly when it is due");
    }

    pub fn shut_down(&mut self) {
        self.feed(Input::Shutdown);
    }

    /// Kills the host during the next step, after `count` of its effects.
    pub fn doom(&mut self, count: u64) {
        self.doom = Some(count);
    }

    pub fn spare(&mut self) {
        (self.doom, self.second_doom) = (None, None);
    }

    /// Performs the effects. Returns whether the host survives all of them.
    fn survive(&mut self, effects: &Rc<[Effect]>) -> bool {
        let Some(count) = self.doom.take() else {
            self.perform_all(effects);
            self.must(self.stored == *self.machine.record(), "a changed record is stored");
            return true;
        };
        self.perform(effects, count);
        self.host_dies();
        false
    }

    /// Kills the host and starts another one from the stored state. If the store names a process, its cleanup has not
    /// finished yet.
    pub fn host_dies(&mut self) {
        self.log.begin(self.now, Cause::Kill);
        self.processes.clear();
        self.unclosed = self.stored.open_requests.clone().into();
        self.must(self.unclosed.is_empty() || self.stored.process.is_some(), "only an agent has open questions");
        if self.stored.process.is_some() {
            self.processes.insert(Run::LEFT_OVER, Process { killed: true, ..Process::default() });
        }
        let interrupted = self.sent.iter().map(|id| self.prompts[id].0.clone()).collect();
        self.cut_off.clear();
        (self.open, self.review, self.resume_notice, self.policy) = (None, None, None, None);
        self.asked.clear();
        self.urgent.clear();
        self.failure = None;
        self.stall = None;
        self.failed_starts = 0;
        self.questions.clear();
        self.fresh &= self.stored.conversation.is_none() && self.stored.fork.is_none();
        let terminal = self.stored.terminal.as_ref().map(|terminal| terminal.process.clone());
        // A terminal opens only after the commit, so a terminal requested in this step isn't open yet.
        let is_open = self.terminal.is_some() && !self.step.opens_terminal;
        self.must(!is_open || terminal == self.terminal, "the next host knows the terminal");
        self.terminal = terminal;
        let stored: Vec<PromptId> = self.stored.interrupted.iter().map(|prompt| prompt.id.clone()).collect();
        self.must(self.interrupted.iter().all(|id| stored.contains(id)), "interrupted prompts survive a shutdown");
        self.interrupted = stored;
        self.restore(interrupted);
    }

    pub(super) fn is_active_now(&self) -> bool {
        self.machine.record().last_active == self.now
    }

    // ---- Invariants ----

    fn inspect(&mut self) {
        self.begin_steered_turn();
        self.check_sent();
        if self.shutdowns > 0 && self.alive().is_none() {
            self.must(
                self.open.is_none(),
                "after a shutdown, a turn is finished, interrupted, or queued for the next start",
            );
        }
        let view = self.machine.view();
        let timer = self.machine.poll_timeout();
        let is_left_over = self.alive() == Some(Run::LEFT_OVER);
        self.must(is_left_over || self.unclosed.is_empty(), "open questions of a killed host are withdrawn");
        self.must(view.queued as usize == self.queue.len(), "the queue length is correct");
        self.must(
            view.record.interrupted.iter().map(|kept| &kept.id).eq(&self.interrupted),
            "interrupted prompts are kept in order",
        );
        self.must(view.record.turns >= self.finished, "every finished turn counts");
        let turn = self.machine.turn().map(|turn| turn.prompt.clone());
        self.must(turn == self.open(), "a prompt with an agent has a turn");
        let away = matches!(view.phase, Phase::Archived | Phase::Stopping);
        self.must(!view.record.archived || away, "an archived session is inactive");
        self.must(self.alive().is_none() || view.phase.is_live(), "a live process is visible");
        let is_blocked = matches!(view.phase, Phase::Asking | Phase::Broken);
        self.must(is_blocked == view.why.is_some(), "a blocked session gives a reason");
        let idles_on = self.step.phase == Some(Phase::Idle) && view.phase == Phase::Idle;
        let restarted = self.step.restarts_clock && idles_on;
        self.must(!restarted || self.idle_since == self.now, "activity restarts the idle clock");
        let rests = matches!(view.phase, Phase::Idle | Phase::Suspended | Phase::Asking | Phase::Broken);
        if rests || view.phase == Phase::Archived {
            self.failed_starts = 0;
        }
        self.observe_waiting_question();
        self.inspect_questions(&view);
        if self.step.restarts_clock && !self.step.keeps_silence {
            self.end_silence();
        }
        let silent = self.open.as_ref().filter(|open| !open.interrupted).map(|open| open.silent_since);
        let is_past = self.stall.is_some() && self.stall != silent;
        self.must(!is_past, "a question about a silence is closed when the silence ends");
        let terminal = view.record.terminal.as_ref().map(|terminal| &terminal.process);
        self.must(terminal == self.terminal.as_ref(), "the terminal is recorded");
        let is_stopping = matches!(view.phase, Phase::Suspended | Phase::Stopping);
        self.must(self.terminal.is_none() || is_stopping, "no agent runs while a terminal holds the session");
        let works = self.alive().is_some_and(|run| self.processes[&run].works());
        let recorded = !view.record.background.is_empty();
        self.must(view.phase == Phase::Stopping || recorded == works, "a killed host's work is known to the next one");
        let waits = !self.queue.is_empty();
        let holds = match view.phase {
            Phase::Suspended => !waits || self.shutdowns > 0 || self.terminal.is_some(),
            Phase::Starting => {
                let soon = self.now.after(Duration::from_secs(60));
                self.shutdowns == 0 && self.failed_starts < 4 && timer.is_some_and(|(at, _)| at <= soon)
            }
            Phase::Idle => !waits && self.alive().is_some() && timer == self.idle_deadline(view.idle_timeout),
            Phase::Busy => {
                let interrupted = self.open.as_ref().is_some_and(|open| open.interrupted);
                let asks = self.next_expiry().map(|_| TimeoutReason::RequestExpired);
                let stall = self.stall_deadline().map(|_| TimeoutReason::Stalled);
                let expected = if interrupted { Some(TimeoutReason::Interrupt) } else { asks.or(stall) };
                self.open.is_some() && timer.map(|(_, reason)| reason) == expected
            }
            Phase::Stopping => {
                let killed = self.alive().is_some_and(|run| self.processes[&run].killed);
                self.alive().is_some() && killed == timer.is_none()
            }
            Phase::Asking | Phase::Broken => timer.is_none(),
            Phase::Archived => timer.is_none() && !waits && view.record.archived,
        };
        if !holds {
            let phase = view.phase.as_str();
            self.fail(&format!("in phase {phase}, the timer, the process and the queue fit together: {timer:?}"));
        }
    }

    /// Returns the time at which users are asked about a silent agent that neither runs a tool nor waits for an answer.
    pub(super) fn stall_deadline(&self) -> Option<Timestamp> {
        let open = self.open.as_ref().filter(|open| !open.interrupted)?;
        let waits = !self.asked.is_empty() || self.machine.turn().is_some_and(Turn::runs_tool);
        let asks = !self.settings.stall.is_zero() && !waits && self.stall.is_none();
        asks.then(|| open.silent_since.after(self.settings.stall))
    }

    fn idle_deadline(&self, idle_timeout: Duration) -> Option<(Timestamp, TimeoutReason)> {
        let process = &self.processes[&self.alive()?];
        let expiry = self.next_expiry().map(|at| (at, TimeoutReason::RequestExpired));
        if process.works() || expiry.is_some() {
            let end = process.work.iter().flatten().min().map(|at| (*at, TimeoutReason::WorkOver));
            return end.into_iter().chain(expiry).min_by_key(|(at, _)| *at);
        }
        let ReceivedVerdict { verdict, from, at } = self.policy?;
        match verdict {
            Verdict::Suspend => Some((at, TimeoutReason::Idle)),
            Verdict::SuspendAfter(span) => Some((from.after(span), TimeoutReason::Idle)),
            Verdict::ReviewIn(span) => {
                Some((from.after(span).max(at.after(Duration::from_secs(1))), TimeoutReason::Review))
            }
            Verdict::Keep => None,
            Verdict::Absent => Some((self.idle_since.after(idle_timeout), TimeoutReason::Idle)),
        }
    }

    /// Checks that the process has exited or been killed in time. `grace` is the maximum duration of the shutdown in
    /// milliseconds.
    pub fn check_end(&self, began: Timestamp, grace: Timestamp) {
        let killed = self.alive().is_none_or(|run| self.processes[&run].killed);
        self.must(killed, "the stop sequence ends with SIGKILL");
        self.must(self.now.since(began) <= Duration::from_millis(grace.0), "the stop sequence ends in time");
    }

    /// Simulates the start of another host after this one has ended.
    pub fn hand_over(&mut self) {
        let sent = self.sent.clone();
        self.shutdowns = 0;
        self.host_dies();
        self.must(sent.iter().all(|id| self.is_taken_care_of(id)), "an interrupted prompt is never lost");
    }

    pub fn check_nothing_runs(&self) {
        self.must(self.alive().is_none() && !self.machine.phase().is_live(), "no agent outlives the host");
        let waiting = self.prompts.iter().filter(|(_, (_, fate))| *fate == Fate::Queued);
        self.must(waiting.count() == self.queue.len(), "queued prompts are stored");
    }
}

fn offered(input: &Input) -> Option<&Prompt> {
    if let Input::Prompt(prompt) | Input::UrgentPrompt(prompt) = input { Some(prompt) } else { None }
}

/// Returns whether the command starts or stops the agent, or discards its conversation.
fn needs_conversation(command: &SessionCommand) -> bool {
    use SessionCommand::{Archive, ForceSuspend, Fresh, OpenTerminal, Start, Suspend};
    matches!(command, Start | Suspend | ForceSuspend | Fresh | Archive | OpenTerminal(_))
}
