//! Runs the state machines of the host in a world without processes, files and network: the hub, sessions, plugin
//! rollouts and the outbox. One seeded scheduler decides what happens, and when; the clock is tokio's paused one. The
//! witnesses of the core's random tests check each step of their machines, and [`store`] and [`chat_server`] check the
//! outbox.

mod agenda;
mod agents;
mod chat_server;
mod host;
mod people;
mod plugins;
mod ports;
pub mod report;
#[path = "../../../../core/src/rollout/tests/worlds/witness.rs"]
#[expect(dead_code, reason = "the tests of the core use more of it")]
mod rollout_witness;
#[path = "../../../../core/src/session/tests/worlds/witness/mod.rs"]
#[expect(dead_code, reason = "the tests of the core use more of it")]
mod session_witness;
mod sessions;
mod store;
#[path = "../../../../core/src/hub/tests/arrivals.rs"]
mod update_order;
pub mod world;

use std::{
    any::Any,
    collections::{BTreeSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cordboard_core::updates_and_posts::Update;

use self::{
    agenda::{Agenda, Event, between},
    host::Host,
    plugins::Plugin,
    report::{Progress, Summary, Violation},
    sessions::Session,
    world::{BEGIN, SharedWorld},
};
use crate::{
    agent_event::PromptId,
    config::{self, Agent},
    random_worlds::Dice,
    types::{Place, Timestamp},
};

/// The number of chats, each with a session of its own.
const CHATS: usize = 3;

/// Simulates this many days.
///
/// # Errors
/// An invariant is violated.
pub fn run(seed: u64, days: u64) -> Result<Summary, Violation> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without I/O can be created");
    let progress = Arc::new(Mutex::new(Progress::default()));
    let shared = Arc::clone(&progress);
    let result = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let mut simulation = Simulation::new(seed, shared);
            simulation.run(BEGIN.after(Duration::from_millis(days * people::DAY))).await;
            simulation.summary(seed, days)
        })
    }));
    result.map_err(|panic| {
        let progress = std::mem::take(&mut *progress.lock().unwrap_or_else(PoisonError::into_inner));
        Violation { seed, days, why: text_of(&*panic), progress }
    })
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message").to_owned()
}

pub struct Simulation {
    seed: u64,
    dice: Dice,
    world: SharedWorld,
    agenda: Agenda,
    chats: Vec<Chat>,
    plugins: Vec<Plugin>,
    /// `None` after a kill, until the next host starts.
    host: Option<Host>,
    hosts: u64,
    sessions: u64,
    /// The settings of the shipped agent. Parsing the shipped configuration takes longer than many steps.
    shipped_agent: Agent,
    messages: u64,
    /// The prompts that were accepted, but neither answered nor reported.
    open_prompts: BTreeSet<PromptId>,
    progress: Arc<Mutex<Progress>>,
}

pub struct Chat {
    place: Place,
    session: Session,
    /// The updates that the host hasn't confirmed.
    unconfirmed: VecDeque<Update>,
}

impl Simulation {
    fn new(seed: u64, progress: Arc<Mutex<Progress>>) -> Self {
        let shipped = config::load("").expect("a configuration without lines");
        let mut simulation = Self {
            seed,
            dice: Dice(seed),
            // The outbox has dice of its own, because it runs between the steps of the simulation.
            world: SharedWorld::new(!seed),
            agenda: Agenda::default(),
            chats: Vec::new(),
            plugins: Vec::new(),
            host: None,
            hosts: 0,
            sessions: 0,
            shipped_agent: shipped.agents.get("demo").expect("the shipped agent").clone(),
            messages: 0,
            open_prompts: BTreeSet::new(),
            progress,
        };
        for number in 0..CHATS {
            let place = Place::new("telegram", &format!("{}", 100 + number));
            let session = simulation.new_session();
            simulation.chats.push(Chat { place, session, unconfirmed: VecDeque::new() });
            let first = BEGIN.after(between(&mut simulation.dice, 1000, 3_600_000));
            simulation.agenda.add(first, Event::Write { chat: number });
        }
        for (number, name) in ["status", "note"].into_iter().enumerate() {
            simulation.plugins.push(Plugin::new(seed, name, BEGIN));
            simulation.plan_change(number);
        }
        simulation.plan_kill();
        simulation.plan_disconnect();
        for (time, event) in [(people::INSPECTION, Event::Inspect), (people::REPLACEMENT, Event::Replace)] {
            simulation.agenda.add(people::next_time(BEGIN, time), event);
        }
        for chat in 0..CHATS {
            simulation.plan_last_stop(chat, BEGIN);
        }
        simulation
    }

    fn now(&self) -> Timestamp {
        self.world.lock().now()
    }

    async fn run(&mut self, end: Timestamp) {
        self.start_host(None);
        loop {
            let next = self.next_at();
            if next > end {
                return;
            }
            if next > self.now() {
                let instant = self.world.lock().instant(next);
                tokio::time::sleep_until(instant).await;
            } else {
                // Let the outbox work.
                tokio::task::yield_now().await;
            }
            self.step();
            let violation = self.world.lock().violation.take();
            if let Some(rule) = violation {
                panic!("{rule}");
            }
        }
    }

    /// Returns the time of the next event or deadline.
    fn next_at(&self) -> Timestamp {
        // The hub has no deadlines, because nobody sends a message in several parts.
        let deadlines = self.host.iter().flat_map(|_| {
            let sessions = self.chats.iter().filter_map(|chat| chat.session.witness.machine.poll_timeout());
            sessions.map(|(at, _)| at).chain(self.plugins.iter().filter_map(Plugin::poll_timeout))
        });
        deadlines.chain(self.agenda.next_at()).min().expect("the next inspection is planned")
    }

    /// Handles one deadline or event.
    fn step(&mut self) {
        let now = self.now();
        if self.host.is_some() {
            let is_due = |chat: &Chat| chat.session.witness.machine.poll_timeout().is_some_and(|(at, _)| at <= now);
            if let Some(chat) = self.chats.iter().position(is_due) {
                self.note(&format_args!("deadline of the session in {}", self.chats[chat].place));
                return self.act(chat, session_witness::Witness::time_out);
            }
            if let Some(plugin) =
                self.plugins.iter().position(|plugin| plugin.poll_timeout().is_some_and(|at| at <= now))
            {
                self.note(&format_args!("deadline of the plugin {}", self.plugins[plugin].name));
                return self.time_out_plugin(plugin);
            }
        }
        if let Some(event) = self.agenda.take_due(now) {
            self.note(&format_args!("{event:?}"));
            self.handle(event);
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Write { chat } => self.write(chat),
            Event::Say { chat, text } => self.say(chat, text),
            Event::Poll => self.poll(),
            Event::Handled { host, update } => self.finish_update(host, update),
            Event::Agent { at, event } => self.run_agent(at, event),
            Event::Answer { host, chat, ticket, query } => self.answer_query(host, chat, ticket, query),
            Event::ChangePlugin { plugin } => self.change_plugin(plugin),
            Event::Kill => self.kill(),
            Event::Start => self.start_host(None),
            Event::Disconnect => self.disconnect(),
            Event::Inspect => self.inspect(),
            Event::Replace => self.replace_sessions(),
        }
    }

    /// Records a step, for the digest and for the report of a violation.
    fn note(&self, what: &std::fmt::Arguments<'_>) {
        let mut world = self.world.lock();
        let line = what.to_string();
        world.step(&line);
        let (step, now) = (world.tally.steps, world.now());
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).record(step, now, line);
    }

    // ---- People ----

    /// Sends one message, or several within a few seconds, and plans the next ones.
    fn write(&mut self, chat: usize) {
        let now = self.now();
        let count = if self.dice.one_in(4) { 2 + self.dice.roll(4) } else { 1 };
        for number in 0..count {
            self.messages += 1;
            let text = match self.dice.roll(12) {
                0 | 1 => "/status".to_owned(),
                2 => format!("/note {}", self.messages),
                3 => self.dice.pick(&["/suspend", "/model", "/stop", "/stop"]).to_owned(),
                _ => format!("message {}", self.messages),
            };
            let at = now.after(between(&mut self.dice, number * 500, number * 1_500));
            self.agenda.add(at, Event::Say { chat, text });
        }
        let next = people::next_message(&mut self.dice, now);
        self.agenda.add(next, Event::Write { chat });
    }

    /// Plans the message with which a user ends the day.
    fn plan_last_stop(&mut self, chat: usize, now: Timestamp) {
        let event = Event::Say { chat, text: "/stop all".to_owned() };
        self.agenda.add(people::next_time(now, people::LAST_STOP), event);
    }

    fn disconnect(&mut self) {
        let until = self.now().after(between(&mut self.dice, 5_000, 1_200_000));
        if !people::is_calm(until) {
            self.world.lock().server.disconnected_until = until;
            self.agenda.add(until, Event::Poll);
        }
        self.plan_disconnect();
    }

    fn plan_disconnect(&mut self) {
        let at = self.now().after(between(&mut self.dice, people::DAY / 8, 3 * people::DAY));
        self.agenda.add(at, Event::Disconnect);
    }

    // ---- Inspection ----

    /// Checks in the night that everything was handled: nothing has failed for two hours, and nothing was written for five
    /// hours, except for the last command of the day.
    fn inspect(&mut self) {
        let now = self.now();
        for chat in &mut self.chats {
            if !chat.session.witness.is_at_rest() {
                chat.session.witness.fail("a waiting prompt is never answered");
            }
            assert!(chat.unconfirmed.is_empty(), "each update is confirmed");
        }
        let host = self.host.as_ref().expect("a host runs at night");
        for (place, order) in &host.order {
            assert!(order.all_have_started() && order.running.is_empty(), "each update in {place} is handled");
        }
        if let Some(prompt) = self.open_prompts.first() {
            panic!("prompt {} is answered or reported", prompt.0);
        }
        let mut world = self.world.lock();
        world.store.inspect().unwrap_or_else(|rule| panic!("{rule}"));
        let copies = world.server.inspect().unwrap_or_else(|rule| panic!("{rule}"));
        world.tally.copies += copies;
        drop(world);
        self.retire_sessions();
        for chat in 0..CHATS {
            self.plan_last_stop(chat, now);
        }
        self.agenda.add(people::next_time(now, people::INSPECTION), Event::Inspect);
    }

    fn summary(&self, seed: u64, days: u64) -> Summary {
        Summary::new(seed, days, &self.world.lock().tally)
    }
}
