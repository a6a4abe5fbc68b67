//! Derives the plan from a seed: when each run of the host is killed, which messages arrive, and which Bot API calls
//! fail. Does no I/O, so a seed always produces the same plan.

use std::{collections::HashMap, time::Duration};

use cordboard_failpoints::Failpoint;

/// The users, each with a private chat and a session.
pub const CHATS: std::ops::RangeInclusive<i64> = 1..=4;

/// The maximum time from the start of the process to a random kill, in milliseconds. Startup takes half of this time,
/// so random kills hit both startup and normal work.
const LATEST_KILL: u64 = 1500;

/// The minimum time from the start of the process to a random kill, in milliseconds. By then, the host has opened its
/// store.
const EARLIEST_KILL: u64 = 100;

pub struct Plan {
    pub rounds: Vec<Round>,
}

/// One run of the host, until it is killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    pub kill: Kill,
    pub arrivals: Vec<Arrival>,
    pub plugin: PluginChange,
    /// The seed of [`Faults`].
    pub faults: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// The host kills itself when it reaches the point for the `nth` time.
    At { point: Failpoint, nth: u32 },
    /// The host is killed after this time.
    After(Duration),
}

/// Messages that arrive together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The time since the host's first poll. `None` if the messages arrived while no host was running.
    pub delay: Option<Duration>,
    pub messages: Vec<Message>,
    pub delivery: Delivery,
}

/// The order in which Telegram delivers the updates of an arrival, and whether it repeats them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    InOrder,
    /// The update with the highest id comes first.
    IdsOutOfOrder,
    /// The first update is delivered twice.
    Duplicate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Identifies the message in the whole run. Numbers grow in the order of delivery.
    pub number: u64,
    pub chat: i64,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A message to the agent, which works on it for this time.
    Prompt {
        work: Duration,
    },
    Command,
}

/// A change to the plugin's file while the host is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginChange {
    None,
    Replaced,
}

impl Plan {
    /// Creates a plan in which every second kill is at a failpoint, taking each failpoint in turn. The other kills are
    /// at random times.
    pub fn new(seed: u64, kills: usize) -> Self {
        let mut random = Random(seed);
        let mut last = 0;
        let rounds = (0..kills).map(|at| round(&mut random, at, &mut last)).collect();
        Self { rounds }
    }
}

fn round(random: &mut Random, at: usize, last: &mut u64) -> Round {
    let kill = if at.is_multiple_of(2) {
        let point = Failpoint::ALL[at / 2 % Failpoint::ALL.len()];
        // Kill at the first hit of each point, and later also at the second. A run receives too few messages for higher
        // numbers.
        let is_first = at / 2 < Failpoint::ALL.len();
        Kill::At { point, nth: if is_first || random.chance(50) { 1 } else { 2 } }
    } else {
        Kill::After(random.millis(EARLIEST_KILL, LATEST_KILL))
    };
    let needs_change = matches!(kill, Kill::At { point: Failpoint::PluginActivated | Failpoint::DecisionStored, .. });
    let plugin = if needs_change || random.chance(20) { PluginChange::Replaced } else { PluginChange::None };
    let mut arrivals = vec![arrival(random, None)];
    for _ in 0..2 {
        let delay = random.millis(0, 500);
        arrivals.push(arrival(random, Some(delay)));
    }
    arrivals.sort_by_key(|arrival| arrival.delay);
    reach_failpoints(&mut arrivals);
    number(&mut arrivals, last);
    Round { kill, arrivals, plugin, faults: random.next() }
}

/// Makes sure that a run has a command and a short prompt, so that it reaches each failpoint. The prompt is in the
/// first chat. In the last one, the session waits until its previous agent's stubborn process is gone.
fn reach_failpoints(arrivals: &mut [Arrival]) {
    let first = |chat, kind| Message { number: 0, chat, kind };
    arrivals[0].messages[0] = first(*CHATS.start(), Kind::Command);
    arrivals[1].messages[0] = first(*CHATS.start(), Kind::Prompt { work: Duration::ZERO });
}

fn arrival(random: &mut Random, delay: Option<Duration>) -> Arrival {
    let messages: Vec<Message> = (0..1 + random.below(4)).map(|_| message(random)).collect();
    let delivery = match random.below(10) {
        0 | 1 if messages.len() > 1 => Delivery::IdsOutOfOrder,
        2 => Delivery::Duplicate,
        _ => Delivery::InOrder,
    };
    Arrival { delay, messages, delivery }
}

/// Returns a message that has no number yet.
fn message(random: &mut Random) -> Message {
    let last = u64::try_from(CHATS.end() - CHATS.start()).unwrap_or_default();
    let chat = CHATS.start() + i64::try_from(random.below(last + 1)).unwrap_or_default();
    let kind = match random.below(10) {
        0..3 => Kind::Command,
        // Long enough for the chat to show a frame of the turn.
        3 => Kind::Prompt { work: random.millis(1200, 1800) },
        _ => Kind::Prompt { work: random.millis(0, 150) },
    };
    Message { number: 0, chat, kind }
}

fn number(arrivals: &mut [Arrival], last: &mut u64) {
    for message in arrivals.iter_mut().flat_map(|arrival| &mut arrival.messages) {
        *last += 1;
        message.number = *last;
    }
}

/// A failure that the stand-in for Telegram injects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Injected {
    /// Status 429.
    RateLimit,
    ServerError,
    /// The body of the response isn't JSON.
    Garbage,
    /// The connection closes before the call takes effect.
    ResetBefore,
    /// The call takes effect, then the connection closes.
    ResetAfter,
    /// The call takes effect, but the response has status 502.
    LostResponse,
}

impl Injected {
    /// Returns whether the call takes effect although the host receives an error.
    pub const fn takes_effect(self) -> bool {
        match self {
            Self::ResetAfter | Self::LostResponse => true,
            Self::RateLimit | Self::ServerError | Self::Garbage | Self::ResetBefore => false,
        }
    }
}

/// Decides which calls fail. The decision about a call depends on the seed, the method, and the number of the call.
pub struct Faults {
    seed: u64,
    calls: HashMap<String, u64>,
}

impl Faults {
    pub fn new(seed: u64) -> Self {
        Self { seed, calls: HashMap::new() }
    }

    /// Returns the failure of the next call of `method`, given in lower case.
    pub fn next(&mut self, method: &str) -> Option<Injected> {
        let call = self.calls.entry(method.to_owned()).or_default();
        *call += 1;
        let name = method.bytes().fold(0_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        let mut random = Random(self.seed ^ name ^ call.wrapping_mul(0x2545_f491_4f6c_dd1d));
        match (method, random.below(100)) {
            ("sendmessage" | "editmessagetext", 0..3) => Some(Injected::RateLimit),
            ("sendmessage" | "editmessagetext" | "deletemessage", 3..6) => Some(Injected::ServerError),
            ("sendmessage" | "editmessagetext", 6..8) => Some(Injected::ResetBefore),
            ("sendmessage" | "editmessagetext" | "deletemessage", 8..11) => Some(Injected::ResetAfter),
            ("sendmessage" | "editmessagetext", 11..13) => Some(Injected::LostResponse),
            ("getupdates", 0..2) => Some(Injected::ServerError),
            ("getupdates", 2..4) => Some(Injected::Garbage),
            ("getupdates", 4..6) => Some(Injected::ResetBefore),
            ("getupdates", 6..9) => Some(Injected::ResetAfter),
            _ => None,
        }
    }
}

/// SplitMix64, implemented here because a library's generator could change and produce other plans.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}
