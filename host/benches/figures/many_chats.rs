//! Measures how many messages per second a host can pass from Telegram to agents. 1,000 users write in their private
//! chats, each to their own agent, which is in the middle of a turn and accepts messages immediately (`busy` is set to
//! `steer`). A message therefore causes no answer; Telegram would limit answers to 30 per second anyway. The host, the
//! agents and the Bot API stand-in share the machine's cores.
//!
//! The rate increases in steps until the 99th percentile of the latency exceeds the target. Each step lasts 10 seconds,
//! or the number of seconds that `CORDBOARD_BENCH_SECONDS` specifies. Messages are numbered, and each must reach its
//! agent exactly once, even in a step that misses the target. The floor is a gateway on raw sockets that stores nothing.

use std::{
    collections::HashSet,
    fmt::Write as _,
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    bot_program::BotProgram,
    fake_agent, raw_gateway,
    recording_agent::{self, prompt, recorded},
    stand_in::{Content, Incoming, StandIn},
    table::{Row, Spans, spell},
    telegram_host::{OWNER, TelegramHost},
};

const CHATS: i64 = 1000;

/// The rates to measure, in messages per second across all chats. The last one is the target.
const RATES: [u64; 10] = [100, 250, 500, 1000, 1500, 2000, 3000, 5000, 7000, 10_000];

const TARGET: Duration = Duration::from_millis(50);

/// The interval at which due messages are sent and arrivals are checked.
const TICK: Duration = Duration::from_millis(2);

/// The maximum time without progress. Only a host that has lost messages reaches it.
const STALLED: Duration = Duration::from_secs(20);

const WHAT: &str = "1,000 chats with an agent each: update sent → agent reads the message";

const FLOOR: &str = "the same with a gateway on raw sockets that stores nothing";

pub fn measure() -> Vec<Row> {
    let floor = Steps::measure(Load::start_floor());
    let host = Steps::measure(Load::start());
    let target = RATES[RATES.len() - 1];
    let figure = format!("{target} a second: p99 ≤ {}, none lost, none twice", spell(TARGET));
    vec![
        Row { what: WHAT, measured: host.to_string(), figure, reached: host.missed.is_none() },
        Row::comparison(FLOOR, floor.to_string(), "the floor".to_owned()),
    ]
}

/// The last step that met the target, and the step that didn't.
struct Steps {
    best: Option<Step>,
    missed: Option<Step>,
}

impl Steps {
    /// Increases the rate until the load misses the target.
    fn measure(mut load: Load) -> Self {
        let mut best = None;
        for rate in RATES {
            let step = load.step(rate);
            if !step.is_good() {
                return Self { best, missed: Some(step) };
            }
            best = Some(step);
        }
        Self { best, missed: None }
    }
}

impl std::fmt::Display for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let steps = [&self.best, &self.missed].into_iter().flatten().map(Step::to_string);
        f.write_str(&steps.collect::<Vec<_>>().join("; "))
    }
}

/// The result of measuring one rate.
struct Step {
    rate: u64,
    spans: Spans,
    lost: u64,
    repeated: u64,
}

impl Step {
    fn is_good(&self) -> bool {
        self.lost == 0 && self.repeated == 0 && self.spans.p99() <= TARGET
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rate, spans, lost, repeated } = self;
        write!(f, "{rate} a second: {spans}, {lost} lost, {repeated} twice")
    }
}

/// The program under load.
enum Gateway {
    Host(TelegramHost),
    Raw(BotProgram),
}

impl Gateway {
    const fn api(&self) -> &StandIn {
        match self {
            Self::Host(host) => &host.api,
            Self::Raw(program) => &program.api,
        }
    }
}

struct Load {
    gateway: Gateway,
    /// The file in which the agents record messages.
    records: BufReader<File>,
    /// The part of an incomplete line that has been read so far.
    line: String,
    /// The number of the last message sent.
    last: u64,
    /// The numbers of the messages that have arrived.
    arrived: HashSet<u64>,
    /// The number of repeated messages.
    repeated: u64,
    _folder: TempDir,
}

impl Load {
    /// Starts a host and an agent for each chat, and begins a turn in each agent.
    fn start() -> Self {
        let load =
            Self::new(|records| Gateway::Host(TelegramHost::start(&settings(records), StandIn::start(Vec::new()))));
        for chat in 1..=CHATS {
            let text = format!("/new agent-{chat}");
            load.gateway.api().deliver([Incoming { user: chat, text: &text, content: Content::Text }]);
            load.gateway.api().next_sent();
        }
        load.warm_up()
    }

    /// Starts the raw gateway and an agent for each chat.
    fn start_floor() -> Self {
        let load = Self::new(|records| {
            let records = records.to_str().expect("the path is UTF-8");
            Gateway::Raw(BotProgram::start_role(&[raw_gateway::ROLE, records]))
        });
        load.warm_up()
    }

    fn new(start: impl FnOnce(&Path) -> Gateway) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        drop(File::create(&path).unwrap());
        let records = BufReader::new(File::open(&path).unwrap());
        let (line, arrived) = (String::new(), HashSet::new());
        Self { gateway: start(&path), records, line, last: 0, arrived, repeated: 0, _folder: folder }
    }

    /// Sends a message to each chat. The first message starts the agent, which takes longer than later messages, so it
    /// doesn't count.
    fn warm_up(mut self) -> Self {
        for chat in 1..=CHATS {
            self.send(chat, fake_agent::now());
            self.arrivals();
        }
        self
    }

    fn send(&mut self, chat: i64, due: u128) {
        self.last += 1;
        let text = prompt(self.last, due);
        self.gateway.api().deliver([Incoming { user: chat, text: &text, content: Content::Text }]);
    }

    /// Sends messages to the chats in turn at this rate, and waits until all messages have arrived.
    fn step(&mut self, rate: u64) -> Step {
        eprintln!("measuring: {rate} messages a second");
        let count = rate * seconds();
        let (first, began, wall) = (self.last, Instant::now(), fake_agent::now());
        while self.last - first < count {
            let due = (began.elapsed().as_nanos() * u128::from(rate) / 1_000_000_000).min(u128::from(count));
            while u128::from(self.last - first) < due {
                let sent = u128::from(self.last - first);
                let chat = i64::try_from(self.last).unwrap() % CHATS + 1;
                self.send(chat, wall + sent * 1_000_000_000 / u128::from(rate));
            }
            sleep(TICK);
        }
        let spans = Spans::new(self.arrivals());
        Step { rate, spans, lost: self.last - self.arrived.len() as u64, repeated: self.repeated }
    }

    /// Waits until all messages have arrived, or until none has arrived for [`STALLED`]. Returns the latencies of the
    /// messages that have arrived since the last call.
    fn arrivals(&mut self) -> Vec<Duration> {
        let (mut spans, mut progress) = (Vec::new(), Instant::now());
        while (self.arrived.len() as u64) < self.last && progress.elapsed() < STALLED {
            while self.records.read_line(&mut self.line).unwrap() > 0 && self.line.ends_with('\n') {
                progress = Instant::now();
                let (number, span) = recorded(&self.line);
                self.repeated += u64::from(!self.arrived.insert(number));
                spans.push(Duration::from_nanos(span));
                self.line.clear();
            }
            sleep(TICK);
        }
        spans
    }
}

fn settings(records: &Path) -> String {
    let agent = std::env::current_exe().unwrap();
    let mut members = String::new();
    for user in (1..=CHATS).filter(|user| *user != OWNER) {
        write!(members, "{user}, ").unwrap();
    }
    format!(
        "stream = \"off\"\n[access]\nowner = {OWNER}\nmembers = [{members}]\n[sessions]\nbusy = \"steer\"\nqueue = 1000\n\
         [agents]\ndefault = \"recorder\"\n[agents.recorder]\nkind = \"claude\"\ncommand = {agent:?}\nargs = [{:?}, {records:?}]\n",
        recording_agent::ROLE,
    )
}

fn seconds() -> u64 {
    std::env::var("CORDBOARD_BENCH_SECONDS").ok().map_or(10, |seconds| seconds.parse().expect("a number of seconds"))
}
