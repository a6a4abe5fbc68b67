//! Randomized runs. The agent dies, repeats itself and reports wrong data. Plugins answer late or twice. Users issue
//! any command at any time, and the host is killed. `witness` checks each step.

mod witness;

use std::time::Duration;

use super::{
    super::{
        Decision, DecisionOutcome, Exit, Input, PersonaSettings, QueuedPrompts, Run, SessionCommand, Settings, Ticket,
        Verdict,
    },
    script::{self, process, prompt},
};
use crate::{
    agent_event::{ActionState, AgentEvent, BackgroundTask, Change, Outcome, PromptId},
    config::Busy,
    messages,
    random_worlds::{Dice, seeds},
    types::{ForkPoint, PermissionMode, Phase, Place, RequestId, Timestamp, TurnUsage, Urgency},
};
use witness::Witness;

/// The number of worlds: enough to find every defect that was deliberately inserted to verify this test, but few enough
/// to be fast.
const WORLDS: u64 = 2_000;
/// The number of steps of a world: enough for a session to go through all its phases several times.
const STEPS: usize = 200;
/// The maximum number of steps that a well-behaved run needs to answer all waiting prompts.
const PATIENCE: usize = 400;

// Two tests run on two cores.
#[test]
fn worlds_with_even_seeds_lose_repeat_and_block_nothing() {
    seeds(WORLDS).filter(|seed| seed % 2 == 0).for_each(|seed| World::new(seed).run());
}

#[test]
fn worlds_with_odd_seeds_lose_repeat_and_block_nothing() {
    seeds(WORLDS).filter(|seed| seed % 2 == 1).for_each(|seed| World::new(seed).run());
}

struct World {
    dice: Dice,
    witness: Witness,
    prompts: u64,
    /// The probability of some of the injected failures is 1 / `calm`.
    calm: u64,
    /// Whether this world's agent is sent prompts during its turns and rarely asks questions.
    steers: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let calm = 2 + dice.roll(30);
        let mut record = script::record();
        if dice.one_in(3) {
            record.conversation = Some("c0".to_owned());
            record.resumable = !dice.one_in(4);
        }
        if dice.one_in(4) {
            record.fork = Some(ForkPoint { conversation: "origin".to_owned(), is_cost_current: true });
        }
        if dice.one_in(3) {
            record.persona = Some("planner".to_owned());
        }
        let steers = dice.one_in(2);
        let stall = Duration::from_secs(if dice.one_in(2) { 20 } else { 0 });
        let settings = if steers { Settings { stall, ..script::steering() } } else { script::settings() };
        Self {
            dice,
            witness: Witness::new(seed, record, Settings { max_interrupted: 20, ..settings }),
            prompts: 0,
            calm,
            steers,
        }
    }

    fn run(mut self) {
        for _ in 0..STEPS {
            self.step();
        }
        self.witness.spare();
        if self.dice.one_in(2) {
            self.settle_all();
        }
        self.shut_down();
    }

    fn step(&mut self) {
        if self.witness.terminal.is_some() && self.dice.one_in(6) {
            return self.close_terminal();
        }
        if !self.witness.machine.phase().is_live() && self.dice.one_in(3) {
            return if self.dice.one_in(2) { self.prompt() } else { self.command() };
        }
        if self.steers && self.dice.one_in(2) && self.witness.open_in().is_some() {
            return self.steer();
        }
        match self.dice.roll(32) {
            0..2 => self.prompt(),
            2..13 => self.agent(),
            13..16 => self.process(),
            16..21 => self.time(),
            21..28 => self.plugin(),
            28 => self.command(),
            29 => self.configuration(),
            30 if self.dice.one_in(6) => self.doom(),
            30 if self.dice.one_in(6) => self.witness.feed(Input::NobodyAnswers),
            30 if self.dice.one_in(2) => self.lose_access(),
            31 if self.dice.one_in(3) => {
                let name = self.dice.pick(&["x", "beta", "gamma"]);
                self.witness.rename(name.parse().expect("a name"));
            }
            _ => self.stale(),
        }
    }

    /// Kills the host during the next step, and sometimes the next host while it restores the prompts.
    fn doom(&mut self) {
        self.witness.continues = !self.dice.one_in(3);
        self.witness.second_doom = self.dice.one_in(2).then(|| self.dice.roll(5));
        self.witness.doom(self.dice.roll(4));
    }

    fn prompt(&mut self) {
        let id = self.new_id();
        let chat = self.dice.pick(&["home", "den"]);
        let urgency = if self.dice.one_in(4) { Urgency::Now } else { Urgency::Normal };
        self.witness.feed(Input::prompt(prompt(&id.0, chat), urgency));
    }

    /// Revokes the access of the authors of two recent prompts.
    fn lose_access(&mut self) {
        let mut recent = || PromptId(format!("p{}", self.prompts.saturating_sub(self.dice.roll(5))));
        let prompts = vec![recent(), recent()];
        self.witness.feed(Input::AccessLost(prompts));
    }

    /// Ends the process of the current or an earlier terminal.
    fn close_terminal(&mut self) {
        let process = script::terminal(self.dice.pick(&["8", "9"]));
        let conversation = self.dice.pick(&[None, Some("c1".to_owned()), Some("c9".to_owned())]);
        self.witness.feed(Input::TerminalClosed { process, conversation });
    }

    fn new_id(&mut self) -> PromptId {
        self.prompts += 1;
        PromptId(format!("p{}", self.prompts))
    }

    fn agent(&mut self) {
        let Some(run) = self.witness.alive() else { return };
        if self.dice.one_in(20) {
            return self.witness.feed(Input::Output { run });
        }
        let event = self.event();
        self.witness.feed(Input::Agent { run, event });
    }

    /// Sends a prompt during the turn, or feeds an event, a command or an exit that affects prompts sent during the
    /// turn.
    fn steer(&mut self) {
        let Some((run, (open, place))) = self.witness.alive().zip(self.witness.open_in()) else { return };
        let steered = self.witness.steered();
        if self.witness.machine.view().queued > 0 && self.dice.one_in(2) {
            // A prompt isn't sent during the turn while others are waiting.
            let (answered, usage) = (vec![open], TurnUsage::default());
            let event = AgentEvent::Finished { answered, outcome: Outcome::Done, usage };
            return self.witness.feed(Input::Agent { run, event });
        }
        if let Some(question) = self.witness.open_stall().filter(|_| self.dice.one_in(3)) {
            let command = SessionCommand::Retry(self.new_id());
            return drop(self.witness.command(SessionCommand::Pressed(question, Box::new(command))));
        }
        if steered.is_empty() || self.dice.one_in(3) {
            let id = self.new_id();
            return self.witness.feed(Input::Prompt(prompt(&id.0, &place.chat)));
        }
        let some = self.dice.pick(&steered);
        let usage = TurnUsage::default();
        let outcome = self.dice.pick(&[Outcome::Done, Outcome::Interrupted, Outcome::Failed("why".to_owned())]);
        let answered = if self.dice.one_in(2) { vec![open] } else { vec![open, some.clone()] };
        let event = match self.dice.roll(20) {
            0..9 => AgentEvent::PromptAccepted(some),
            9..13 => AgentEvent::Finished { answered, outcome, usage },
            13 => {
                let exit = Exit::Ended { status: "exit code 1".to_owned(), last_output: None };
                return self.witness.feed(Input::Exit { run, exit });
            }
            14..16 => {
                let command = SessionCommand::Interrupt { queued: QueuedPrompts::Keep, from: None };
                return drop(self.witness.command(command));
            }
            _ => return self.prompt(),
        };
        self.witness.feed(Input::Agent { run, event });
    }

    fn background(&mut self) -> Vec<BackgroundTask> {
        let span = self.dice.pick(&[0, 500, 70_000, 100_000_000]);
        let until = self.witness.now.after(Duration::from_millis(span));
        let work = |about: &str, until| BackgroundTask { about: about.to_owned(), until };
        let all = [work("build", None), work("nap", Some(until))];
        all.into_iter().filter(|_| self.dice.one_in(2)).collect()
    }

    /// Returns a random event. An event that accepts or finishes a prompt usually names the agent's current prompt, but
    /// sometimes an earlier one or one that the agent never received.
    fn event(&mut self) -> AgentEvent {
        let any = PromptId(format!("p{}", self.dice.roll(self.prompts + 1)));
        let open = if self.dice.one_in(8) { None } else { self.witness.open() };
        let steered = self.witness.steered();
        let steered = if steered.is_empty() || self.dice.one_in(2) { None } else { Some(self.dice.pick(&steered)) };
        let about = open.unwrap_or(any);
        let roll = self.dice.roll(20);
        match if self.steers && (15..19).contains(&roll) && !self.dice.one_in(8) { 5 } else { roll } {
            0..4 => AgentEvent::Ready { models: Vec::new() },
            4 => AgentEvent::PromptAccepted(steered.unwrap_or(about)),
            5 if self.dice.one_in(3) => {
                let state = self.dice.pick(&[ActionState::Running, ActionState::Done]);
                AgentEvent::Part { at: 1, change: Change::Action(script::tool_call(state)) }
            }
            5 => AgentEvent::Part { at: 0, change: Change::Append("word".to_owned()) },
            6..9 => {
                let outcome = self.dice.pick(&[Outcome::Done, Outcome::Interrupted, Outcome::Failed("why".to_owned())]);
                let usage = TurnUsage { total_cost_usd: Some(0.5), ..TurnUsage::default() };
                AgentEvent::Finished { answered: [about].into_iter().chain(steered).collect(), outcome, usage }
            }
            9 => AgentEvent::Conversation { id: format!("c{}", self.dice.roll(4)), resumable: !self.dice.one_in(3) },
            10 if self.dice.one_in(self.calm) => AgentEvent::ResumeRefused("unknown".to_owned()),
            10 if self.dice.one_in(4) => AgentEvent::StartFailed("not signed in".to_owned()),
            10 if self.dice.one_in(4) => AgentEvent::PermissionModeRefused("unknown".to_owned()),
            10 if self.dice.one_in(4) => AgentEvent::PermissionModeChanged(self.dice.pick(PermissionMode::ALL)),
            10 => AgentEvent::Denied { tool: "Bash".to_owned(), detail: String::new() },
            11..13 => AgentEvent::Background(self.background()),
            13 => AgentEvent::TurnStarted(PromptId(format!("own {}", self.dice.roll(1_000)))),
            14 => AgentEvent::InterruptAccepted,
            15 => AgentEvent::Requested(script::agent_request(&self.question())),
            16..18 => AgentEvent::Requested(script::tool_request(&self.question())),
            18 if self.dice.one_in(2) => {
                AgentEvent::ToolAnnounced(script::tool_request(&format!("t{}", self.dice.roll(30))))
            }
            18 if self.dice.one_in(4) => AgentEvent::RequestCanceled(RequestId(format!("t{}", self.dice.roll(30)))),
            18 => AgentEvent::RequestCanceled(RequestId(self.question())),
            _ => AgentEvent::UnpromptedText("news".to_owned()),
        }
    }

    /// Returns the id of a new question or of an earlier one.
    fn question(&mut self) -> String {
        format!("q{}", self.dice.roll(30))
    }

    /// Answers a query to the approval plugin, or repeats the answer to an earlier one.
    fn decide(&mut self, undecided: &[Ticket]) {
        let ticket = if self.dice.one_in(8) { Ticket(self.dice.roll(9)) } else { self.dice.pick(undecided) };
        let outcome = self.dice.pick(&[
            DecisionOutcome::Allow,
            DecisionOutcome::AllowForSession,
            DecisionOutcome::Deny("a rule".to_owned()),
            DecisionOutcome::Ask(Vec::new()),
            DecisionOutcome::Failed,
        ]);
        let rule = self.dice.one_in(2).then(|| "Bash".to_owned());
        self.witness.feed(Input::Decision { ticket, decision: Decision { outcome, rule } });
    }

    fn process(&mut self) {
        let Some(run) = self.witness.alive() else { return };
        if self.dice.one_in(3) && run != Run::LEFT_OVER {
            self.witness.feed(Input::Spawned { run, process: process() });
            return;
        }
        if self.witness.machine.phase() != Phase::Stopping && !self.dice.one_in(self.calm) {
            return;
        }
        let exit = if self.dice.one_in(12) {
            Exit::NotStarted("no such file".to_owned())
        } else {
            Exit::Ended { status: "exit code 1".to_owned(), last_output: None }
        };
        self.witness.feed(Input::Exit { run, exit });
    }

    fn time(&mut self) {
        match self.witness.machine.poll_timeout() {
            Some((at, _)) if !self.dice.one_in(3) => self.witness.advance_to(at),
            Some(_) | None => {
                let span = self.dice.pick(&[1, 500, 3_000, 70_000]);
                self.witness.now = self.witness.now.after(Duration::from_millis(span));
            }
        }
        self.witness.time_out();
    }

    /// Answers one of the latest queries to plugins, which may already have been answered.
    fn plugin(&mut self) {
        let undecided = self.witness.undecided();
        if !undecided.is_empty() && self.dice.one_in(2) {
            return self.decide(&undecided);
        }
        let latest = self.witness.latest_ticket();
        let ticket = Ticket(latest.saturating_sub(if self.dice.one_in(self.calm) { self.dice.roll(3) } else { 0 }));
        let verdict = self.dice.pick(&[
            Verdict::Suspend,
            Verdict::SuspendAfter(Duration::from_secs(30)),
            Verdict::ReviewIn(Duration::ZERO),
            Verdict::ReviewIn(Duration::from_secs(9)),
            Verdict::Keep,
            Verdict::Absent,
        ]);
        let asked = match self.witness.machine.phase() {
            Phase::Idle => 1,
            Phase::Starting => 3,
            Phase::Suspended | Phase::Busy | Phase::Stopping | Phase::Asking | Phase::Broken | Phase::Archived => 0,
        };
        match if self.dice.one_in(3) { self.dice.roll(3) } else { asked } {
            0 => self.witness.feed(Input::ResumeNotice { ticket, text: Some("Resuming session...".to_owned()) }),
            1 => self.witness.feed(Input::Verdict { ticket, verdict }),
            _ => {
                let settings = if self.dice.one_in(self.calm) {
                    Err("trap".to_owned())
                } else {
                    Ok(self.persona_settings(ticket))
                };
                self.witness.feed(Input::PersonaSettings { ticket, settings });
            }
        }
    }

    fn persona_settings(&mut self, ticket: Ticket) -> PersonaSettings {
        PersonaSettings {
            instructions: self.witness.persona_of(ticket),
            model: self.dice.pick(&[None, Some("opus".to_owned())]),
            idle_timeout: self.dice.pick(&[None, Some(Duration::from_secs(5))]),
            greeting: None,
        }
    }

    fn command(&mut self) {
        let (again, answer) = (self.new_id(), self.answer());
        let persona = self.dice.pick(&[None, Some("planner".to_owned()), Some("research".to_owned())]);
        let from = self.dice.pick(&[None, Some(Place::new("test", "home")), Some(Place::new("test", "den"))]);
        let recent = PromptId(format!("p{}", self.prompts.saturating_sub(self.dice.roll(3))));
        let terminal = self.dice.pick(&["8", "9"]);
        let agent = self.dice.pick(&["demo", "other"]);
        let command = self.dice.pick(&[
            SessionCommand::Touch(Place::new("test", "home")),
            SessionCommand::Start,
            SessionCommand::Start,
            SessionCommand::Suspend,
            SessionCommand::ForceSuspend,
            SessionCommand::OpenTerminal(script::terminal(terminal)),
            SessionCommand::OpenTerminal(script::terminal(terminal)),
            SessionCommand::Interrupt { queued: QueuedPrompts::Keep, from: from.clone() },
            SessionCommand::Interrupt { queued: QueuedPrompts::Drop, from },
            SessionCommand::DropQueued(recent),
            SessionCommand::Retry(again.clone()),
            SessionCommand::Retry(again),
            SessionCommand::Fresh,
            SessionCommand::Leave,
            SessionCommand::Archive,
            SessionCommand::Restore,
            SessionCommand::Restore,
            SessionCommand::Restore,
            SessionCommand::SetIdleTimeout(Some(Duration::from_secs(60))),
            SessionCommand::SetModel(Some("haiku".to_owned())),
            SessionCommand::SetModel(None),
            SessionCommand::SetPersona(persona),
            SessionCommand::SetAgent(agent.to_owned()),
            SessionCommand::SetMode(Some("quiet".to_owned())),
            SessionCommand::SetPermissionMode(Some(PermissionMode::Plan)),
            answer.clone(),
            answer,
        ]);
        let _ = self.witness.command(command);
        self.press();
    }

    fn answer(&mut self) -> SessionCommand {
        let open = self.witness.machine.view().requests;
        let numbers = [open.first(), open.last()].map(|open| open.map(|open| open.number));
        let number = self.dice.pick(&[None, numbers[0], numbers[1], Some(1)]);
        let options = self.dice.pick(&[vec!["allow"], vec!["deny"], vec!["other"], vec!["else"], vec![]]);
        let options = options.into_iter().map(str::to_owned).collect();
        SessionCommand::Answer { number, options, text: self.dice.pick(&[None, Some("why".to_owned())]) }
    }

    /// Half of the time, presses a button of a random request, which may be closed.
    fn press(&mut self) {
        if self.witness.requests.is_empty() || self.dice.one_in(2) {
            return;
        }
        let request = self.dice.pick(&self.witness.requests);
        let (again, answer) = (self.new_id(), self.answer());
        let command = self.dice.pick(&[
            SessionCommand::Retry(again.clone()),
            SessionCommand::Retry(again),
            SessionCommand::Leave,
            SessionCommand::Fresh,
            SessionCommand::Interrupt { queued: QueuedPrompts::Keep, from: None },
            SessionCommand::Answer { number: None, options: vec![messages::WAIT.to_owned()], text: None },
            answer.clone(),
            answer,
        ]);
        let _ = self.witness.command(SessionCommand::Pressed(request, Box::new(command)));
    }

    fn configuration(&mut self) {
        let input = if self.dice.one_in(3) {
            Input::SuspendIfUnused
        } else if self.dice.one_in(2) {
            Input::PolicyChanged
        } else {
            Input::Settings(Box::new(Settings {
                idle_timeout: Duration::from_secs(self.dice.pick(&[5, 600])),
                busy: if self.steers {
                    Busy::Steer
                } else {
                    self.dice.pick(&[Busy::Queue, Busy::Interrupt, Busy::Steer])
                },
                max_queued: self.dice.pick(&[0, 1, 3, 8]),
                max_interrupted: self.dice.pick(&[0, 1, 2, 5]),
                stall: Duration::from_secs(self.dice.pick(&[0, 20, 90])),
                request_expiry: Duration::from_secs(self.dice.pick(&[10, 1800])),
                deny_tools: self.dice.pick(&[Vec::new(), vec!["Bash".parse().expect("a rule")]]),
                home: None,
                model: self.dice.pick(&[None, Some("sonnet".to_owned())]),
                folder: self.dice.pick(&[None, Some("/x".into()), Some("/y".into())]),
                agent: if self.steers {
                    script::steering().agent
                } else {
                    self.dice.pick(&[None, Some(script::agent("-x")), script::steering().agent])
                },
            }))
        };
        self.witness.feed(input);
    }

    /// Feeds an event from a past run, or fires a timer too early.
    fn stale(&mut self) {
        let run = Run(self.dice.roll(9));
        if self.witness.alive() == Some(run) || self.dice.one_in(4) {
            return self.witness.time_out();
        }
        let event = self.event();
        let exit = Exit::Ended { status: "signal 9".to_owned(), last_output: None };
        let input = self.dice.pick(&[
            Input::Agent { run, event },
            Input::Exit { run, exit },
            Input::Output { run },
            Input::Spawned { run, process: process() },
        ]);
        self.witness.feed_stale(input);
    }

    /// Continues without faults until every accepted prompt has been answered.
    fn settle_all(&mut self) {
        for _ in 0..PATIENCE {
            if self.witness.is_at_rest() {
                return;
            }
            self.be_good();
        }
        self.witness.fail("a waiting prompt is never answered");
    }

    fn be_good(&mut self) {
        let ticket = Ticket(self.witness.latest_ticket());
        match (self.witness.machine.phase(), self.witness.alive()) {
            (Phase::Asking | Phase::Broken, _) => {
                let again = self.new_id();
                self.witness.command(SessionCommand::Fresh).expect("a blocked session can start a new conversation");
                let _ = self.witness.command(SessionCommand::Retry(again));
            }
            (Phase::Stopping, Some(run)) => {
                let exit = Exit::Ended { status: "exit code 0".to_owned(), last_output: None };
                self.witness.feed(Input::Exit { run, exit });
            }
            (Phase::Starting, Some(run)) => {
                self.witness.feed(Input::Agent { run, event: AgentEvent::Ready { models: Vec::new() } });
            }
            (Phase::Busy, Some(run)) => {
                let answered = vec![self.witness.open().expect("a busy session has a prompt")];
                let event = AgentEvent::Finished { answered, outcome: Outcome::Done, usage: TurnUsage::default() };
                self.witness.feed(Input::Agent { run, event });
            }
            (Phase::Starting, None) => {
                let settings = Ok(self.persona_settings(ticket));
                self.witness.feed(Input::PersonaSettings { ticket, settings });
                if self.witness.alive().is_none() {
                    self.time();
                }
            }
            (Phase::Suspended, None) if self.witness.terminal.is_some() => self.close_terminal(),
            (phase, _) => self.witness.fail(&format!("prompts wait while the session is {}", phase.as_str())),
        }
    }

    /// Shuts the host down. The agent must exit or be killed within the total time of the stop stages.
    fn shut_down(&mut self) {
        let began = self.witness.now;
        self.witness.shut_down();
        let hurried = self.dice.one_in(4);
        if hurried {
            self.witness.shut_down();
        }
        let mut left = 6;
        while let Some((at, _)) = self.witness.machine.poll_timeout() {
            match self.dice.roll(6) {
                0..2 => self.agent(),
                2 => self.command(),
                3 => self.prompt(),
                _ => {}
            }
            self.witness.advance_to(at);
            self.witness.time_out();
            left -= 1;
            assert!(left > 0, "the stop sequence never ends");
        }
        self.witness.check_end(began, Timestamp(if hurried { 0 } else { 9_000 }));
        if let Some(run) = self.witness.alive() {
            self.witness
                .feed(Input::Exit { run, exit: Exit::Ended { status: "signal 9".to_owned(), last_output: None } });
        }
        self.prompt();
        self.witness.check_nothing_runs();
        self.witness.hand_over();
    }
}
