//! One session per chat: passes inputs to the session's machine through its witness, and performs the effects.

use std::time::Duration;

use cordboard_chat::outbox::Post;
use cordboard_core::{
    turn::{TurnFrame, TurnPart, TurnState},
    updates_and_posts::NewPost,
};

use super::{
    Simulation,
    agenda::{Event, Query, between},
    agents::Agent,
    people,
    session_witness::{Witness, step_log::Cause},
};
use crate::{
    agent_event::PromptId,
    config::{AgentKind, Busy},
    messages::SessionNotice,
    session::{
        Decision, DecisionOutcome, Effect, Input, PersonaSettings, Run, SessionCommand, Settings, Ticket, Verdict,
    },
    turn::Turn,
    types::{Authorship, Phase, Place, Reply, SessionRecord, UserId},
};

pub struct Session {
    pub number: u64,
    pub witness: Witness,
    /// The running agent, unless a previous host has started it.
    pub agent: Option<Agent>,
    is_retired: bool,
}

impl Simulation {
    pub fn new_session(&mut self) -> Session {
        self.sessions += 1;
        let name = format!("session-{}", self.sessions).parse().expect("a name");
        let owner = UserId("telegram:100".to_owned());
        let mut record = SessionRecord::new(name, owner, "/session".into(), "demo", self.now());
        record.persona = self.dice.one_in(4).then(|| "planner".to_owned());
        let busy = self.dice.pick(&[Busy::Queue, Busy::Interrupt, Busy::Steer]);
        let mut agent = self.shipped_agent.clone();
        if busy == Busy::Steer {
            agent.kind = AgentKind::Claude;
        }
        let settings = Settings {
            idle_timeout: Duration::from_secs(3600),
            busy,
            max_queued: 5,
            max_interrupted: 5,
            stall: Duration::from_secs(600),
            request_expiry: Duration::from_secs(1800),
            deny_tools: Vec::new(),
            home: None,
            model: None,
            folder: None,
            agent: Some(agent),
        };
        let witness = Witness::new(self.seed, record, settings);
        Session { number: self.sessions, witness, agent: None, is_retired: false }
    }

    pub fn new_prompt_id(&mut self) -> PromptId {
        self.messages += 1;
        PromptId(format!("retry {}", self.messages))
    }

    // ---- Steps ----

    /// Lets the session take a step, and performs its effects. Sometimes the host is killed after a part of them.
    pub fn act<T>(&mut self, chat: usize, step: impl FnOnce(&mut Witness) -> T) -> T {
        let now = self.now();
        let is_killed = self.dice.one_in(3_000) && !people::is_calm(now);
        let (performed, continues) = (self.dice.roll(4), !self.dice.one_in(3));
        let witness = &mut self.chats[chat].session.witness;
        witness.now = now;
        let before = witness.log.count;
        if is_killed {
            witness.continues = continues;
            witness.doom(performed);
        }
        let result = step(witness);
        witness.spare();
        for (cause_kills, effects) in self.steps_since(chat, before) {
            if cause_kills {
                self.restart_during_step(chat);
            }
            self.perform_all(chat, effects);
        }
        result
    }

    /// Restores the session of a host that was killed.
    pub fn restore_session(&mut self, chat: usize) {
        let (now, continues) = (self.now(), !self.dice.one_in(3));
        let session = &mut self.chats[chat].session;
        session.agent = None;
        session.witness.now = now;
        session.witness.continues = continues;
        let before = session.witness.log.count;
        session.witness.host_dies();
        for (_, effects) in self.steps_since(chat, before) {
            self.perform_all(chat, effects);
        }
    }

    /// Returns the effects of each step, and whether the step begins with a kill of the host.
    fn steps_since(&self, chat: usize, before: usize) -> Vec<(bool, Vec<Effect>)> {
        let log = &self.chats[chat].session.witness.log;
        let new = log.latest().rev().take(log.count - before);
        let mut steps: Vec<_> =
            new.map(|step| (matches!(step.cause, Cause::Kill), step.performed().to_vec())).collect();
        steps.reverse();
        steps
    }

    fn perform_all(&mut self, chat: usize, effects: Vec<Effect>) {
        for effect in effects {
            self.perform(chat, effect);
        }
        if self.chats[chat].session.witness.alive() == Some(Run::LEFT_OVER) {
            self.exit_agent(chat, Run::LEFT_OVER, 100..=3_000);
        }
    }

    fn perform(&mut self, chat: usize, effect: Effect) {
        match effect {
            Effect::Spawn { run, launch } => self.start_agent(chat, run, &launch),
            Effect::Send { run, prompt } => {
                self.send_to_agent(chat, run, prompt.id);
                self.show_turn(chat);
            }
            Effect::Steer { run, prompt } => self.steer_agent(chat, run, prompt.id),
            Effect::Forget { prompt, .. } => self.make_agent_forget(chat, &prompt),
            Effect::Answer { run, .. } => self.continue_agent(chat, run),
            Effect::Interrupt { run } => self.interrupt_agent(chat, run),
            Effect::CloseInput { run } if !self.dice.one_in(20) => self.exit_agent(chat, run, 50..=1_500),
            Effect::Terminate { run } if !self.dice.one_in(20) => self.exit_agent(chat, run, 20..=800),
            Effect::Kill { run } => self.exit_agent(chat, run, 5..=50),
            Effect::CloseInput { .. } | Effect::Terminate { .. } => {}
            Effect::LoadPersona { ticket, .. } => self.ask_plugin(chat, ticket, Query::Persona),
            Effect::Review { ticket, .. } => self.ask_plugin(chat, ticket, Query::Review),
            Effect::RequestResumeNotice { ticket, .. } => self.ask_plugin(chat, ticket, Query::ResumeNotice),
            Effect::Decide { ticket, .. } => self.ask_plugin(chat, ticket, Query::Decision),
            Effect::ShowTurn | Effect::TurnStarted(_) | Effect::SteeredTurnStarted { .. } => self.show_turn(chat),
            Effect::Finish(turn) => self.finish_turn(chat, &turn),
            Effect::FinishInterrupted(_) => panic!("the host is never shut down"),
            Effect::Post { place, notice } => self.post_notice(chat, place, &notice),
            Effect::CompleteWithNotice { prompt, place, notice, .. } => {
                self.open_prompts.remove(&prompt);
                self.post_notice(chat, place, &notice);
            }
            Effect::Complete { prompt, .. } => {
                self.open_prompts.remove(&prompt);
            }
            Effect::Accept(prompt) => {
                self.open_prompts.insert(prompt.id);
            }
            Effect::MarkQueued(turn) => {
                let place = self.chats[chat].place.clone();
                self.post(Post::Requeued { place, turn });
            }
            Effect::Persist | Effect::PersistTurn(_) | Effect::MarkSent(_) | Effect::WatchTerminal(_) => {}
            Effect::Audit(_) | Effect::AuditUnclosed(_) | Effect::CloseRequest { .. } => {}
            Effect::SetPermissionMode { .. } => {}
        }
    }

    // ---- Plugins ----

    fn ask_plugin(&mut self, chat: usize, ticket: Ticket, query: Query) {
        let at = self.now().after(between(&mut self.dice, 5, 200));
        self.agenda.add(at, Event::Answer { host: self.hosts, chat, ticket, query });
    }

    pub fn answer_query(&mut self, host: u64, chat: usize, ticket: Ticket, query: Query) {
        if self.host.as_ref().is_none_or(|running| running.number != host) {
            return;
        }
        let dice = &mut self.dice;
        let input = match query {
            Query::Persona if dice.one_in(50) => {
                Input::PersonaSettings { ticket, settings: Err("it trapped".to_owned()) }
            }
            Query::Persona => {
                let instructions = self.chats[chat].session.witness.persona_of(ticket);
                Input::PersonaSettings { ticket, settings: Ok(PersonaSettings { instructions, ..Default::default() }) }
            }
            Query::Review => {
                let verdict = dice.pick(&[
                    Verdict::Suspend,
                    Verdict::SuspendAfter(Duration::from_secs(900)),
                    Verdict::ReviewIn(Duration::from_secs(300)),
                    Verdict::Keep,
                    Verdict::Absent,
                ]);
                Input::Verdict { ticket, verdict }
            }
            Query::ResumeNotice => {
                Input::ResumeNotice { ticket, text: dice.pick(&[None, Some("Resuming the session…".to_owned())]) }
            }
            Query::Decision => {
                let outcome = dice.pick(&[
                    DecisionOutcome::Allow,
                    DecisionOutcome::AllowForSession,
                    DecisionOutcome::Deny("a rule".to_owned()),
                    DecisionOutcome::Ask(Vec::new()),
                    DecisionOutcome::Failed,
                ]);
                Input::Decision { ticket, decision: Decision { outcome, rule: None } }
            }
        };
        self.act(chat, |witness| witness.feed(input));
    }

    // ---- Posts ----

    fn post(&self, post: Post) {
        self.host.as_ref().expect("a host performs the effect").outbox.post(post);
    }

    fn store_and_post(&self, post: NewPost) {
        let row = self.world.lock().store.insert(post);
        self.post(Post::Final(row));
    }

    fn post_notice(&mut self, chat: usize, place: Place, notice: &SessionNotice) {
        let name = self.chats[chat].session.witness.machine.record().name.clone();
        if let Some((after, text)) = people::reaction(&mut self.dice, &name, notice) {
            self.agenda.add(self.now().after(after), Event::Say { chat, text: text.to_owned() });
        }
        self.store_and_post(NewPost::new(place, notice.reply(&name)));
    }

    fn show_turn(&self, chat: usize) {
        let Some(turn) = self.chats[chat].session.witness.machine.turn() else { return };
        let messages = turn.has_text().then(|| Reply::text(text_of(turn)));
        let frame = TurnFrame { messages: messages.into_iter().collect(), live: Some("Thinking…".to_owned()) };
        self.post(Post::Frame { place: turn.place.clone(), turn: turn.prompt.clone(), frame, stop: None });
    }

    fn finish_turn(&mut self, chat: usize, turn: &Turn) {
        for prompt in turn.prompts() {
            self.open_prompts.remove(prompt);
        }
        self.world.lock().tally.answers += 1;
        let (place, id) = (turn.place.clone(), turn.prompt.clone());
        let mut text = text_of(turn);
        match &turn.state {
            TurnState::Running | TurnState::Done => {}
            TurnState::Failed(why) => text = format!("{text}\n\n{why}"),
            TurnState::Stopped => {
                let mut world = self.world.lock();
                for message in world.store.end_turn(&id) {
                    world.server.own(&self.chats[chat].place, &message);
                }
                drop(world);
                return self.post(Post::Ended { place, turn: id });
            }
        }
        if text.is_empty() {
            "The agent wrote no text.".clone_into(&mut text);
        }
        let reply = Reply { author: Authorship::Agents, alert: turn.alert, ..Reply::text(text) };
        self.store_and_post(NewPost { turn: Some(id), ..NewPost::new(place, reply) });
    }

    /// Stops showing a turn that the agent is being made to end.
    pub fn announce_stop(&self, chat: usize) {
        let Some(turn) = self.chats[chat].session.witness.machine.turn() else { return };
        let (place, turn) = (turn.place.clone(), turn.prompt.clone());
        self.world.lock().store.begin_stopping(place.clone(), turn.clone());
        self.post(Post::Stopping { place, turn });
    }

    // ---- Old sessions ----

    /// Archives some sessions. Their chats get new ones later.
    pub fn retire_sessions(&mut self) {
        for chat in 0..self.chats.len() {
            if self.dice.one_in(3) {
                let archived = self.act(chat, |witness| witness.command(SessionCommand::Archive));
                self.chats[chat].session.is_retired = archived.is_ok();
            }
        }
    }

    pub fn replace_sessions(&mut self) {
        for chat in 0..self.chats.len() {
            let session = &self.chats[chat].session;
            if session.is_retired && session.witness.machine.phase() == Phase::Archived {
                self.chats[chat].session = self.new_session();
            }
        }
        let next = people::next_time(self.now(), people::REPLACEMENT);
        self.agenda.add(next, Event::Replace);
    }
}

fn text_of(turn: &Turn) -> String {
    let texts = turn.parts.iter().filter_map(|part| match part {
        TurnPart::Text(text) => Some(text.trim()),
        TurnPart::Action(_) => None,
    });
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
}
