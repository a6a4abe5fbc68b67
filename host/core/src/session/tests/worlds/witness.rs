//! Sees every input and effect of one session, keeps its own account of processes and prompts, and objects to whatever must
//! never be. It knows nothing of the machine's inside.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::super::super::{
    Effect, Input, Launch, Machine, Order, Prompt, Reason, Refusal, Run, Settings, Settled, Ticket, Verdict,
};
use crate::{
    agent::{AgentEvent, PromptId},
    text::Notice,
    turn::TurnState,
    types::{Moment, Phase, SessionRecord},
};

pub struct Witness {
    pub machine: Machine,
    pub now: Moment,
    seed: u64,
    log: VecDeque<String>,
    settings: Settings,
    /// As the last `Persist` left it.
    stored: SessionRecord,
    processes: BTreeMap<Run, Process>,
    prompts: BTreeMap<PromptId, (Prompt, Fate)>,
    /// In the order in which they must be sent.
    queue: VecDeque<PromptId>,
    open: Option<Open>,
    /// Who was cut off last may go out once more, if the user says so.
    may_retry: bool,
    asked: BTreeMap<Ticket, String>,
    review: Option<Ticket>,
    words: Option<Ticket>,
    policy: Option<(Verdict, Moment)>,
    idle_since: Moment,
    /// The conversation was given up, and no agent started since.
    fresh: bool,
    ending: u32,
    finished: u64,
    step: Step,
}

/// What the step at hand allows.
#[derive(Debug, Default)]
struct Step {
    phase: Option<Phase>,
    prompts: bool,
    refuses_resume: bool,
    restarts_clock: bool,
    handed: Option<PromptId>,
}

#[derive(Debug, Default)]
struct Process {
    began: Moment,
    persona: Option<String>,
    model: Option<String>,
    ready: bool,
    interrupted: Option<Moment>,
    closed: Option<Moment>,
    terminated: Option<Moment>,
    killed: bool,
    gone: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Waiting,
    Handed,
    Answered,
    Settled,
}

#[derive(Debug)]
struct Open {
    id: PromptId,
    taken: bool,
    interrupted: bool,
}

impl Witness {
    pub fn new(seed: u64, record: SessionRecord, settings: Settings) -> Self {
        Self {
            machine: Machine::new(record.clone(), settings.clone()),
            now: record.created,
            seed,
            log: VecDeque::new(),
            settings,
            stored: record,
            processes: BTreeMap::new(),
            prompts: BTreeMap::new(),
            queue: VecDeque::new(),
            open: None,
            may_retry: false,
            asked: BTreeMap::new(),
            review: None,
            words: None,
            policy: None,
            idle_since: Moment(0),
            fresh: false,
            ending: 0,
            finished: 0,
            step: Step::default(),
        }
    }

    pub fn fail(&self, why: &str) -> ! {
        let log = self.log.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
        panic!("world {}: {why}\n{log}\nphase {:?}, queue {:?}", self.seed, self.machine.phase(), self.queue);
    }

    fn must(&self, holds: bool, why: &str) {
        if !holds {
            self.fail(why);
        }
    }

    fn note(&mut self, line: String) {
        if self.log.len() == 40 {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }

    // ---- what the world asks -------------------------------------------------------------------------------------

    pub fn alive(&self) -> Option<Run> {
        self.processes.iter().find(|(_, process)| !process.gone).map(|(run, _)| *run)
    }

    pub fn open(&self) -> Option<PromptId> {
        self.open.as_ref().map(|open| open.id.clone())
    }

    pub fn latest_ticket(&self) -> u64 {
        self.asked.keys().last().map_or(0, |ticket| ticket.0)
    }

    pub fn persona_of(&self, ticket: Ticket) -> String {
        self.asked.get(&ticket).cloned().unwrap_or_default()
    }

    pub fn is_at_rest(&self) -> bool {
        self.queue.is_empty() && self.open.is_none()
    }

    pub fn advance_to(&mut self, at: Moment) {
        self.now = self.now.max(at);
    }

    // ---- what happens --------------------------------------------------------------------------------------------

    pub fn feed(&mut self, input: Input) {
        self.note(format!("{} {input:?}", self.now.0));
        self.step = Step { phase: Some(self.machine.phase()), ..Step::default() };
        self.observe(&input);
        let limit = self.settings.queue.max(1);
        let full = self.queue.len() > limit;
        let offered = match &input {
            Input::Prompt(prompt) => Some(prompt.id.clone()),
            _ => None,
        };
        let archived = self.machine.record().archived;
        let exit = matches!(input, Input::Exit { .. });
        let lost = self.open.as_ref().is_some_and(|open| exit && open.taken && !open.interrupted && self.ending == 0);
        let effects = self.machine.handle(input, self.now);
        let mourned = effects.iter().any(|effect| matches!(effect, Effect::Tell { notice: Notice::Died { .. }, .. }));
        self.must(lost == mourned, "a death in mid-turn is told, and no other");
        self.perform(&effects);
        if let Some(id) = offered {
            let turned_away = self.prompts[&id].1 == Fate::Settled;
            self.must(
                turned_away == (full || archived),
                "a prompt is turned away where the queue is full, and only there",
            );
        }
        self.inspect();
    }

    /// The account of what the input itself changes.
    fn observe(&mut self, input: &Input) {
        match input {
            Input::Prompt(prompt) => {
                self.step.prompts = true;
                self.prompts.insert(prompt.id.clone(), (prompt.clone(), Fate::Waiting));
                self.queue.push_back(prompt.id.clone());
            }
            Input::Agent { run, event } => self.observe_event(*run, event),
            Input::Exit { run, .. } => {
                self.processes.get_mut(run).expect("a process that was started").gone = true;
            }
            Input::Verdict { ticket, verdict } if self.review == Some(*ticket) => {
                self.review = None;
                self.policy = Some((*verdict, self.now));
            }
            Input::Settings(settings) => self.settings = settings.clone(),
            Input::Shutdown => self.ending += 1,
            Input::Spawned { .. } | Input::Timeout | Input::Verdict { .. } | Input::Brief { .. } => {}
            Input::ResumeNotice { .. } | Input::PolicyChanged => {}
        }
    }

    fn observe_event(&mut self, run: Run, event: &AgentEvent) {
        match event {
            AgentEvent::Ready { .. } => self.processes.get_mut(&run).expect("a live process").ready = true,
            AgentEvent::Taken(id) => {
                if let Some(open) = self.open.as_mut().filter(|open| open.id == *id) {
                    open.taken = true;
                }
            }
            AgentEvent::Part { .. } => {
                if let Some(open) = &mut self.open {
                    open.taken = true;
                }
            }
            AgentEvent::ResumeRefused(_) => self.step.refuses_resume = true,
            AgentEvent::Unasked(_) => self.step.restarts_clock = true,
            AgentEvent::Conversation { .. } | AgentEvent::Denied { .. } | AgentEvent::Finished { .. } => {}
        }
    }

    /// What comes of a run that is over changes nothing and leads to nothing.
    pub fn feed_stale(&mut self, input: Input) {
        self.note(format!("{} stale {input:?}", self.now.0));
        let before = (self.machine.view(), self.machine.poll_timeout(), self.machine.turn().cloned());
        let effects = self.machine.handle(input, self.now);
        let after = (self.machine.view(), self.machine.poll_timeout(), self.machine.turn().cloned());
        self.must(effects.is_empty() && before == after, "an older run has something to say");
    }

    pub fn order(&mut self, order: Order) -> Result<(), Refusal> {
        self.note(format!("{} {order:?}", self.now.0));
        self.step = Step { phase: Some(self.machine.phase()), ..Step::default() };
        self.step.prompts = matches!(order, Order::Retry(_));
        self.step.restarts_clock = matches!(order, Order::Touch | Order::SetIdleTimeout(_));
        let before = (self.machine.view(), self.machine.poll_timeout());
        let fresh = order == Order::Fresh;
        match self.machine.order(order, self.now) {
            Ok(effects) => {
                self.fresh |= fresh;
                self.perform(&effects);
                self.inspect();
                Ok(())
            }
            Err(refusal) => {
                self.must(before == (self.machine.view(), self.machine.poll_timeout()), "a refusal changes nothing");
                Err(refusal)
            }
        }
    }

    pub fn time_out(&mut self) {
        let before = (self.machine.poll_timeout(), self.machine.phase());
        self.feed(Input::Timeout);
        let due = before.0.is_some_and(|(at, _)| at <= self.now);
        let moved = before != (self.machine.poll_timeout(), self.machine.phase());
        self.must(due == moved, "a timer leads on when it is due, and only then");
    }

    pub fn shut_down(&mut self) {
        self.feed(Input::Shutdown);
    }

    /// The host is killed, and another one takes over what is stored. Where the store names a process, its sweep has yet to
    /// end.
    pub fn host_dies(&mut self) {
        self.note(format!("{} the host is killed", self.now.0));
        self.processes.clear();
        if self.stored.process.is_some() {
            self.processes.insert(Run::LEFT_OVER, Process { killed: true, ..Process::default() });
        }
        let of_fate = |fate| {
            let prompts = self.prompts.values().filter(move |(_, one)| *one == fate);
            prompts.map(|(prompt, _)| prompt.clone()).collect::<Vec<_>>()
        };
        let mut cut_off = of_fate(Fate::Handed);
        self.must(cut_off.len() <= 1, "one prompt at a time is with the agent");
        let cut_off = cut_off.pop();
        let queued: Vec<Prompt> = self.queue.iter().map(|id| self.prompts[id].0.clone()).collect();
        (self.open, self.review, self.words, self.policy) = (None, None, None, None);
        self.asked.clear();
        self.may_retry = cut_off.is_some();
        self.machine = Machine::new(self.stored.clone(), self.settings.clone());
        self.step = Step { phase: Some(self.machine.phase()), prompts: true, ..Step::default() };
        let effects = self.machine.restore(queued, cut_off.clone(), self.now);
        let told = effects.iter().filter(|effect| matches!(effect, Effect::Tell { notice: Notice::CutOff { .. }, .. }));
        self.must(told.count() == usize::from(cut_off.is_some()), "what was cut off is told once");
        self.perform(&effects);
        self.inspect();
    }

    // ---- what the machine wants ----------------------------------------------------------------------------------

    fn perform(&mut self, effects: &[Effect]) {
        for effect in effects {
            self.note(format!("    {effect:?}"));
            if *effect == Effect::Persist {
                self.stored = self.machine.record().clone();
            }
            self.must(self.stored == *self.machine.record(), "a changed record is stored before anything else");
            self.perform_one(effect);
        }
        self.must(self.stored == *self.machine.record(), "a changed record is stored");
    }

    fn perform_one(&mut self, effect: &Effect) {
        match effect {
            Effect::Persist => {}
            Effect::Hand(id) => {
                let first = self.queue.pop_front();
                self.must(first.as_ref() == Some(id), "prompts go out in the order of their acceptance");
                self.turn_fate(id, Fate::Waiting, Fate::Handed);
                self.step.handed = Some(id.clone());
            }
            Effect::TakeBack(id) => {
                let open = self.open.take();
                let fits = open.is_some_and(|open| open.id == *id && (!open.taken || self.step.refuses_resume));
                self.must(fits, "what an agent has taken is not sent again by itself");
                self.turn_fate(id, Fate::Handed, Fate::Waiting);
                self.queue.push_front(id.clone());
            }
            Effect::Accept(prompt) => {
                self.must(self.may_retry && self.step.prompts, "only the user sends a prompt again, once");
                self.may_retry = false;
                let before = self.prompts.insert(prompt.id.clone(), (prompt.clone(), Fate::Waiting));
                self.must(before.is_none(), "a prompt that goes out again has a new name");
                self.queue.push_front(prompt.id.clone());
            }
            Effect::Settle { prompt, how: Settled::Dropped } => {
                self.turn_fate(prompt, Fate::Waiting, Fate::Settled);
                self.queue.retain(|id| id != prompt);
            }
            Effect::Settle { prompt, how: Settled::CutOff } => self.turn_fate(prompt, Fate::Handed, Fate::Settled),
            Effect::Resolve { ticket, persona } => {
                self.ask(*ticket, persona);
                self.must(self.ending == 0, "nothing is started at the end");
            }
            Effect::Review { ticket, idle_for } => self.perform_review(*ticket, *idle_for),
            Effect::WordResume { ticket, .. } => self.perform_words(*ticket),
            Effect::Spawn { run, launch } => self.perform_spawn(*run, launch),
            Effect::Send { run, prompt } => self.perform_send(*run, prompt),
            Effect::Interrupt { .. } | Effect::CloseInput { .. } | Effect::Terminate { .. } | Effect::Kill { .. } => {
                self.perform_end(effect);
            }
            Effect::Show => self.must(self.machine.turn().is_some(), "only a turn is shown"),
            Effect::Finish(turn) => {
                self.must(turn.state != TurnState::Running, "a finished turn does not run");
                self.must(self.open() == Some(turn.prompt.clone()), "only the open turn is finished");
                self.turn_fate(&turn.prompt, Fate::Handed, Fate::Answered);
                self.open = None;
                self.finished += 1;
            }
            Effect::Tell { notice, .. } => self.perform_tell(notice),
        }
    }

    fn turn_fate(&mut self, id: &PromptId, from: Fate, to: Fate) {
        let fate = self.prompts.get(id).map(|(_, fate)| *fate);
        self.must(fate == Some(from), &format!("{} becomes {to:?} from {fate:?}", id.0));
        if let Some((_, fate)) = self.prompts.get_mut(id) {
            *fate = to;
        }
    }

    fn ask(&mut self, ticket: Ticket, about: &str) {
        self.must(ticket.0 > self.latest_ticket(), "each question has a ticket of its own");
        self.asked.insert(ticket, about.to_owned());
    }

    fn perform_review(&mut self, ticket: Ticket, idle_for: Duration) {
        self.ask(ticket, "review");
        if self.step.phase != Some(Phase::Idle) || self.step.restarts_clock {
            self.idle_since = self.now;
        }
        self.must(idle_for == self.now.since(self.idle_since), "the policy hears how long the session is idle");
        self.review = Some(ticket);
        self.policy = None;
    }

    fn perform_words(&mut self, ticket: Ticket) {
        self.ask(ticket, "words");
        let away = matches!(self.step.phase, Some(Phase::Suspended | Phase::Stopping));
        self.must(self.step.prompts && away, "only a message to a session that is away tells its resume");
        self.must(self.machine.record().conversation.is_some(), "only what has run before is resumed");
        self.words = Some(ticket);
    }

    fn perform_tell(&mut self, notice: &Notice) {
        match notice {
            Notice::Resuming(_) => {
                let asked = self.words.take();
                self.must(asked.is_some(), "a resume is told once");
            }
            Notice::Died { .. } | Notice::CutOff { .. } => self.may_retry = true,
            Notice::Greeting(_) | Notice::Unasked(_) | Notice::QueueFull { .. } | Notice::ResumeRefused { .. } => {}
            Notice::Broken { .. } | Notice::Ended { .. } | Notice::Denied { .. } | Notice::PersonaFailed { .. } => {}
            Notice::NotStarted { .. } | Notice::Archived { .. } => {}
        }
    }

    fn perform_spawn(&mut self, run: Run, launch: &Launch) {
        let record = self.machine.record().clone();
        self.must(self.alive().is_none(), "two processes for a session");
        self.must(self.ending == 0 && !record.archived, "nothing is started at the end, nor archived");
        self.must(!self.processes.contains_key(&run), "each run has a number of its own");
        let conversation = record.conversation.filter(|_| record.resumable);
        self.must(launch.resume == conversation, "what can be resumed is resumed, and nothing else");
        self.must(!self.fresh || launch.resume.is_none(), "what was given up is resumed");
        self.must(
            launch.instructions == record.persona.clone().unwrap_or_default(),
            "an agent has its persona's rules",
        );
        self.must(record.model.is_none() || launch.model == record.model, "an agent has its session's model");
        self.fresh = false;
        let (persona, model) = (record.persona, record.model);
        self.processes.insert(run, Process { began: self.now, persona, model, ..Process::default() });
    }

    fn perform_send(&mut self, run: Run, prompt: &Prompt) {
        let record = self.machine.record();
        self.must(self.alive() == Some(run), "a prompt for a dead process");
        let process = &self.processes[&run];
        self.must(process.ready, "a prompt before the agent is ready");
        let leaves = process.closed.is_some() || process.terminated.is_some() || process.killed;
        self.must(!leaves && self.ending == 0, "a prompt after the end has begun");
        let fits = process.persona == record.persona && process.model == record.model;
        self.must(fits, "a new persona or model comes before the next prompt");
        self.must(self.open.is_none(), "two prompts with an agent");
        let handed = self.step.handed.take();
        self.must(handed.as_ref() == Some(&prompt.id), "a prompt is stored as handed before it is sent");
        self.open = Some(Open { id: prompt.id.clone(), taken: false, interrupted: false });
    }

    fn perform_end(&mut self, effect: &Effect) {
        let (now, ending, open) = (self.now, self.ending > 0, self.open.is_some());
        let (Effect::Interrupt { run } | Effect::CloseInput { run } | Effect::Terminate { run } | Effect::Kill { run }) =
            effect
        else {
            return;
        };
        self.must(self.alive() == Some(*run), "a signal for another process");
        let past = |since: Option<Moment>, seconds| {
            since.is_some_and(|since| now.since(since) >= Duration::from_secs(seconds))
        };
        let process = self.processes.get_mut(run).expect("it is alive");
        let fits = match effect {
            Effect::Interrupt { .. } => {
                process.interrupted = Some(now);
                open && process.closed.is_none() && !self.open.as_ref().is_some_and(|open| open.interrupted)
            }
            Effect::CloseInput { .. } => {
                let first = process.closed.replace(now).is_none() && process.terminated.is_none();
                first && (!open || ending && past(process.interrupted, 2))
            }
            Effect::Terminate { .. } => {
                let unheard = past(process.closed, 2) || past(process.interrupted, 5);
                process.terminated.replace(now).is_none() && unheard
            }
            _ => {
                let unheard = past(process.terminated, 5) || past(Some(process.began), 60) && !process.ready;
                !std::mem::replace(&mut process.killed, true) && (unheard || self.ending > 1)
            }
        };
        if let (Effect::Interrupt { .. }, Some(open)) = (effect, &mut self.open) {
            open.interrupted = true;
        }
        self.must(fits, "the ladder is climbed a step at a time, and not while a turn is open");
    }

    // ---- what always holds ---------------------------------------------------------------------------------------

    fn inspect(&mut self) {
        if self.ending > 0 && self.alive().is_none() {
            // It was cut off: the next host tells it.
            self.open = None;
        }
        let view = self.machine.view();
        let timer = self.machine.poll_timeout();
        self.must(view.queued as usize == self.queue.len(), "the queue is as long as it says");
        self.must(view.record.turns >= self.finished, "every finished turn counts");
        let turn = self.machine.turn().map(|turn| turn.prompt.clone());
        self.must(turn == self.open(), "a prompt with an agent has a turn");
        self.must(self.alive().is_none() || view.phase.is_live(), "a live process shows");
        let held = matches!(view.phase, Phase::Asking | Phase::Broken);
        self.must(held == view.why.is_some(), "who waits for a word says why");
        let waits = !self.queue.is_empty();
        let holds = match view.phase {
            Phase::Suspended => !waits || self.ending > 0,
            Phase::Starting => timer.is_some() && self.ending == 0,
            Phase::Idle => !waits && self.alive().is_some() && timer == self.idle_deadline(view.idle_timeout),
            Phase::Busy => {
                let interrupted = self.open.as_ref().is_some_and(|open| open.interrupted);
                self.open.is_some() && timer.map(|(_, reason)| reason) == interrupted.then_some(Reason::Interrupt)
            }
            Phase::Stopping => {
                let killed = self.alive().is_some_and(|run| self.processes[&run].killed);
                self.alive().is_some() && killed == timer.is_none()
            }
            Phase::Asking | Phase::Broken => timer.is_none(),
            Phase::Archived => timer.is_none() && !waits && view.record.archived,
        };
        self.must(holds, &format!("no way out of {}, or a wrong one: {timer:?}", view.phase.as_str()));
    }

    fn idle_deadline(&self, idle_timeout: Duration) -> Option<(Moment, Reason)> {
        let (verdict, at) = self.policy?;
        match verdict {
            Verdict::Suspend => Some((at, Reason::Idle)),
            Verdict::SuspendAfter(span) => Some((self.idle_since.after(span), Reason::Idle)),
            Verdict::ReviewIn(span) => Some((at.after(span.max(Duration::from_secs(1))), Reason::Review)),
            Verdict::Keep => None,
            Verdict::Absent => Some((self.idle_since.after(idle_timeout), Reason::Idle)),
        }
    }

    /// `grace` is what the ladder may take from the host's signal on, in milliseconds.
    pub fn check_end(&self, began: Moment, grace: Moment) {
        let killed = self.alive().is_none_or(|run| self.processes[&run].killed);
        self.must(killed, "at the end of the ladder stands SIGKILL");
        self.must(self.now.since(began) <= Duration::from_millis(grace.0), "the ladder takes too long");
    }

    pub fn check_nothing_runs(&self) {
        self.must(self.alive().is_none() && !self.machine.phase().is_live(), "something outlives the host");
        let waiting = self.prompts.iter().filter(|(_, (_, fate))| *fate == Fate::Waiting);
        self.must(waiting.count() == self.queue.len(), "what waits is stored");
        let handed = self.prompts.values().filter(|(_, fate)| *fate == Fate::Handed);
        self.must(handed.count() <= 1, "one prompt at most was cut off");
    }
}
