//! Agent processes. They answer, ask, use tools, fall silent, refuse to start, and die.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    Simulation,
    agenda::{AgentAddress, AgentStep, Event, between},
};
use crate::{
    agent_event::{Action, ActionState, AgentEvent, BackgroundTask, Change, Outcome, PromptId},
    session::{Exit, Input, Launch, Run},
    types::{
        AgentRequest, ConversationStart, OptionText, Phase, ProcessId, RequestId, RequestOption, ToolUse, TurnUsage,
    },
};

/// A text longer than a message of the chat.
const LONG: usize = 6_000;

#[derive(Debug)]
pub struct Agent {
    run: Run,
    /// The number of the turn. Events of earlier turns are ignored.
    turn: u64,
    /// The prompts of the turn. Empty while the agent is idle.
    prompts: Vec<PromptId>,
    /// The number of parts that the turn still gets.
    parts_left: u64,
    next_part: u32,
    /// The agent waits for the answer to a question.
    asks: bool,
}

impl Agent {
    fn begin(&mut self, prompt: PromptId, parts: u64) {
        self.turn += 1;
        (self.prompts, self.parts_left, self.next_part, self.asks) = (vec![prompt], parts, 0, false);
    }
}

impl Simulation {
    // ---- Effects ----

    pub fn start_agent(&mut self, chat: usize, run: Run, launch: &Launch) {
        let agent = Agent { run, turn: 0, prompts: Vec::new(), parts_left: 0, next_part: 0, asks: false };
        self.chats[chat].session.agent = Some(agent);
        if self.dice.one_in(200) {
            return self.schedule(chat, run, 1..=5, AgentStep::Exit(Exit::NotStarted("no such file".to_owned())));
        }
        self.schedule(chat, run, 5..=50, AgentStep::Spawned);
        let is_resumed = matches!(launch.conversation, ConversationStart::Resume(_));
        let step = match self.dice.roll(300) {
            0 => AgentStep::Event(AgentEvent::StartFailed("not signed in".to_owned())),
            1..5 => AgentStep::Exit(died()),
            5..9 if is_resumed => AgentStep::Event(AgentEvent::ResumeRefused("unknown conversation".to_owned())),
            _ => AgentStep::Event(AgentEvent::Ready { models: Vec::new() }),
        };
        self.schedule(chat, run, 300..=4_000, step);
    }

    pub fn send_to_agent(&mut self, chat: usize, run: Run, prompt: PromptId) {
        let parts = 1 + self.dice.roll(6);
        let session = &mut self.chats[chat].session;
        let Some(agent) = session.agent.as_mut().filter(|agent| agent.run == run) else { return };
        agent.begin(prompt.clone(), parts);
        let turn = agent.turn;
        let id = format!("c{}", session.number);
        if self.dice.one_in(300) {
            return self.schedule(chat, run, 10..=500, AgentStep::Exit(died()));
        }
        self.schedule(chat, run, 20..=300, AgentStep::Event(AgentEvent::PromptAccepted(prompt)));
        let conversation = AgentEvent::Conversation { id, resumable: true };
        self.schedule(chat, run, 300..=500, AgentStep::Event(conversation));
        self.schedule(chat, run, 800..=20_000, AgentStep::Work(turn));
    }

    pub fn steer_agent(&mut self, chat: usize, run: Run, prompt: PromptId) {
        let session = &mut self.chats[chat].session;
        let Some(agent) = session.agent.as_mut().filter(|agent| agent.run == run) else { return };
        agent.prompts.push(prompt.clone());
        self.schedule(chat, run, 20..=3_000, AgentStep::Event(AgentEvent::PromptAccepted(prompt)));
    }

    pub fn make_agent_forget(&mut self, chat: usize, prompt: &PromptId) {
        if let Some(agent) = &mut self.chats[chat].session.agent {
            agent.prompts.retain(|one| one != prompt);
        }
    }

    pub fn continue_agent(&mut self, chat: usize, run: Run) {
        let Some(agent) = self.chats[chat].session.agent.as_mut().filter(|agent| agent.run == run) else { return };
        agent.asks = false;
        let turn = agent.turn;
        self.schedule(chat, run, 100..=2_000, AgentStep::Work(turn));
    }

    pub fn interrupt_agent(&mut self, chat: usize, run: Run) {
        self.announce_stop(chat);
        let Some(agent) = self.chats[chat].session.agent.as_ref().filter(|agent| agent.run == run) else { return };
        let turn = agent.turn;
        if !self.dice.one_in(15) {
            self.schedule(chat, run, 5..=50, AgentStep::Event(AgentEvent::InterruptAccepted));
            self.schedule(chat, run, 60..=3_000, AgentStep::StopWorking(turn));
        }
    }

    /// Ends the process after a time in this range, in milliseconds.
    pub fn exit_agent(&mut self, chat: usize, run: Run, millis: RangeInclusive<u64>) {
        self.schedule(chat, run, millis, AgentStep::Exit(died()));
    }

    fn schedule(&mut self, chat: usize, run: Run, millis: RangeInclusive<u64>, step: AgentStep) {
        let at = self.now().after(between(&mut self.dice, *millis.start(), *millis.end()));
        let address = AgentAddress { chat, session: self.chats[chat].session.number, run };
        self.agenda.add(at, Event::Agent { at: address, event: step });
    }

    // ---- Events ----

    pub fn run_agent(&mut self, at: AgentAddress, step: AgentStep) {
        let AgentAddress { chat, session, run } = at;
        if self.host.is_none() || self.chats[chat].session.number != session {
            return;
        }
        let is_alive = self.chats[chat].session.witness.alive() == Some(run);
        match step {
            AgentStep::Spawned if is_alive => {
                let process = ProcessId { boot: "boot".to_owned(), pid: 7, started: session };
                self.act(chat, |witness| witness.feed(Input::Spawned { run, process }));
            }
            AgentStep::Event(event) if is_alive => self.feed_event(chat, run, event),
            AgentStep::Event(event) if run != Run::LEFT_OVER => {
                self.act(chat, |witness| witness.feed_stale(Input::Agent { run, event }));
            }
            AgentStep::Exit(exit) if is_alive => {
                self.chats[chat].session.agent = None;
                self.act(chat, |witness| witness.feed(Input::Exit { run, exit }));
                self.repeat_late(chat, run);
            }
            AgentStep::Exit(exit) if run != Run::LEFT_OVER => {
                self.act(chat, |witness| witness.feed_stale(Input::Exit { run, exit }));
            }
            AgentStep::Work(turn) if is_alive => self.work(chat, run, turn),
            AgentStep::StopWorking(turn) if is_alive => self.end_turn(chat, run, turn, Outcome::Interrupted),
            AgentStep::Spawned | AgentStep::Event(_) | AgentStep::Exit(_) => {}
            AgentStep::Work(_) | AgentStep::StopWorking(_) => {}
        }
    }

    /// Sometimes reports output or the exit of a process again, when the next process may already be running.
    fn repeat_late(&mut self, chat: usize, run: Run) {
        let step = match self.dice.roll(6) {
            0 => AgentStep::Event(AgentEvent::UnpromptedText("late".to_owned())),
            1 => AgentStep::Exit(died()),
            _ => return,
        };
        self.schedule(chat, run, 1_000..=60_000, step);
    }

    fn feed_event(&mut self, chat: usize, run: Run, event: AgentEvent) {
        self.act(chat, |witness| witness.feed(Input::Agent { run, event }));
    }

    /// Continues a turn with another part of the answer, a tool call, a question, silence, or the end.
    fn work(&mut self, chat: usize, run: Run, turn: u64) {
        let Some(agent) = self.chats[chat].session.agent.as_mut() else { return };
        if agent.turn != turn || agent.prompts.is_empty() || agent.asks {
            return;
        }
        if agent.parts_left == 0 {
            return self.end_turn(chat, run, turn, Outcome::Done);
        }
        agent.parts_left -= 1;
        let at = agent.next_part;
        agent.next_part += 1;
        let part = |change| AgentEvent::Part { at, change };
        let event = match self.dice.roll(400) {
            0 | 1 => return self.exit_agent(chat, run, 1..=10),
            // The agent never continues by itself.
            2 => return,
            3..9 => {
                agent.asks = true;
                AgentEvent::Requested(question(format!("q{turn}-{at}"), self.dice.one_in(2)))
            }
            9..100 => part(Change::Action(tool(at, ActionState::Done))),
            100 => part(Change::Text("long text ".repeat(LONG / 10))),
            101..150 => part(Change::Text(format!("**Part {at}** of the answer."))),
            150..154 => AgentEvent::Denied { tool: "Bash".to_owned(), detail: "rm".to_owned() },
            154..158 => AgentEvent::UnpromptedText("A background task has ended.".to_owned()),
            _ => part(Change::Text(format!("Part {at} of the answer."))),
        };
        let asks = matches!(event, AgentEvent::Requested(_));
        self.feed_event(chat, run, event);
        if !asks {
            self.schedule(chat, run, 300..=20_000, AgentStep::Work(turn));
        }
    }

    fn end_turn(&mut self, chat: usize, run: Run, turn: u64, outcome: Outcome) {
        let now = self.now();
        let Some(agent) = self.chats[chat].session.agent.as_mut().filter(|agent| agent.turn == turn) else { return };
        let answered = std::mem::take(&mut agent.prompts);
        if answered.is_empty() {
            return;
        }
        if self.dice.one_in(30) {
            let until = Some(now.after(Duration::from_secs(60 + self.dice.roll(1_800))));
            let task = BackgroundTask { about: "build".to_owned(), until };
            self.feed_event(chat, run, AgentEvent::Background(vec![task]));
        }
        let outcome = if self.dice.one_in(100) { Outcome::Failed("overloaded".to_owned()) } else { outcome };
        if self.chats[chat].session.witness.alive() == Some(run) {
            self.feed_event(chat, run, AgentEvent::Finished { answered, outcome, usage: TurnUsage::default() });
        }
        if self.dice.one_in(50) && self.chats[chat].session.witness.alive() == Some(run) {
            self.begin_own_turn(chat, run);
        }
    }

    /// Lets an idle agent start a turn by itself.
    fn begin_own_turn(&mut self, chat: usize, run: Run) {
        self.messages += 1;
        let own = PromptId(format!("own {}", self.messages));
        let session = &mut self.chats[chat].session;
        let Some(agent) = session.agent.as_mut().filter(|_| session.witness.machine.phase() == Phase::Idle) else {
            return;
        };
        agent.begin(own.clone(), 2);
        let turn = agent.turn;
        self.feed_event(chat, run, AgentEvent::TurnStarted(own));
        self.schedule(chat, run, 300..=20_000, AgentStep::Work(turn));
    }
}

fn died() -> Exit {
    Exit::Ended { status: "exit code 1".to_owned(), last_output: None }
}

fn tool(at: u32, state: ActionState) -> Action {
    let (id, kind) = (at.to_string(), "tool".to_owned());
    Action { id, kind, title: "ls".to_owned(), detail: String::new(), state }
}

fn question(id: String, is_tool: bool) -> AgentRequest {
    let option = |id: &str, label: &str, text| RequestOption { id: id.to_owned(), label: label.to_owned(), text };
    let tool_use = ToolUse {
        tool: "Bash".to_owned(),
        input: "{}".to_owned(),
        command: Some("ls".to_owned()),
        paths: Vec::new(),
        url: None,
        home: None,
    };
    AgentRequest {
        kind: "permission",
        options: vec![option("allow", "Allow once", OptionText::No), option("deny", "Deny", OptionText::Optional)],
        tool_use: is_tool.then(|| Box::new(tool_use)),
        ..AgentRequest::new(RequestId(id), "Run ls?".to_owned())
    }
}
