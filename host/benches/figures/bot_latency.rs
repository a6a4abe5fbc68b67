//! Measures the latency of a command in a Telegram chat: the time from receiving the update to calling `sendMessage`,
//! including commits to the store. The same Bot API stand-in serves a raw-socket client, which is the floor, and, with
//! `--peers`, bots written with other libraries. All bots run at the same time and take turns, so that other load on
//! the machine affects them equally. A bot's own share is its median minus the floor's.

use std::{
    process::{Child, Command},
    thread::sleep,
    time::Duration,
};

use crate::{
    peer_packages::{self, GRAMMY, PEERS},
    raw_client,
    stand_in::{Content, Incoming, StandIn, TOKEN},
    table::{Row, Spans, spell},
    telegram_host::{OWNER, TelegramHost},
};

const ROUNDS: usize = 1000;

/// The number of warm-up rounds, which aren't counted because JavaScript is compiled and SQL statements are prepared in
/// them.
const WARM_UP: usize = 200;

/// The pause between rounds, which lets a bot finish the work that follows its answer.
const PAUSE: Duration = Duration::from_millis(3);

/// The command, and the text that its answer ends with.
const COMMAND: (&str, &str) = ("/echo ping", raw_client::ANSWER);

const FLOOR: &str = "the same with a client on raw sockets that answers at once";

const HOST: &str = "a command in a chat: update received → sendMessage called, with its commits";

/// A bot that polls its own stand-in.
enum Bot {
    Host(TelegramHost),
    Program(Program),
}

/// A program that is killed when this value is dropped.
struct Program {
    api: StandIn,
    child: Child,
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

struct Contestant {
    what: &'static str,
    bot: Bot,
    spans: Vec<Duration>,
}

pub fn measure() -> Vec<Row> {
    // Fetch all peers' packages before any bot polls, because fetching may outlast a poll.
    let commands: Vec<_> =
        PEERS.iter().filter(|_| peer_packages::are_wanted()).map(|peer| (peer.package, peer.command())).collect();
    let mut contestants = vec![
        Contestant::new(FLOOR, Bot::Program(raw())),
        Contestant::new(HOST, Bot::Host(TelegramHost::start(&format!("[access]\nowner = {OWNER}\n"), api()))),
    ];
    let mut missing = Vec::new();
    for (package, command) in commands {
        match command.and_then(Program::start) {
            Ok(program) => contestants.push(Contestant::new(package, Bot::Program(program))),
            Err(why) => missing.push(not_measured(package, &why)),
        }
    }
    for round in 0..WARM_UP + ROUNDS {
        for contestant in &mut contestants {
            let span = contestant.bot.round();
            if round >= WARM_UP {
                contestant.spans.push(span);
            }
            sleep(PAUSE);
        }
    }
    let mut rows = rows(contestants);
    rows.extend(missing);
    rows
}

fn api() -> StandIn {
    StandIn::start(Vec::new())
}

fn raw() -> Program {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(raw_client::ROLE);
    Program::start(command).unwrap()
}

impl Program {
    /// Starts a stand-in, and runs a command with the stand-in's URL and the token as the last arguments.
    fn start(mut command: Command) -> Result<Self, String> {
        let api = api();
        let child = command.args([api.url.as_str(), TOKEN]).spawn();
        let child = child.map_err(|error| format!("couldn't start {:?}: {error}", command.get_program()))?;
        let program = Self { api, child };
        program.api.until_polling();
        Ok(program)
    }
}

impl Bot {
    /// Sends the command, and returns the time until its answer.
    fn round(&self) -> Duration {
        let api = match self {
            Self::Host(host) => &host.api,
            Self::Program(program) => &program.api,
        };
        let (text, answer) = COMMAND;
        api.until_polling();
        let began = api.deliver([Incoming { user: OWNER, text, content: Content::Text }]);
        api.sent_ending_with(answer).at - began
    }
}

impl Contestant {
    const fn new(what: &'static str, bot: Bot) -> Self {
        Self { what, bot, spans: Vec::new() }
    }
}

fn rows(contestants: Vec<Contestant>) -> Vec<Row> {
    let measured: Vec<_> =
        contestants.into_iter().map(|Contestant { what, spans, .. }| (what, Spans::new(spans))).collect();
    let floor = measured[0].1.p50();
    let own_share = |spans: &Spans| spans.p50().saturating_sub(floor);
    let grammy = measured.iter().find(|(what, _)| *what == GRAMMY).map(|(_, spans)| own_share(spans));
    let row = |(what, spans): &(&'static str, Spans)| {
        let own = own_share(spans);
        let ratio = spans.p50().as_secs_f64() / floor.as_secs_f64();
        let shares = format!("{spans}; {ratio:.2} × the floor, own share {}", spell(own));
        match (*what, grammy) {
            (FLOOR, _) => Row::floor(what, spans),
            (HOST, Some(grammy)) => Row {
                what,
                measured: format!("{shares}, {:.2} × grammY's", own.as_secs_f64() / grammy.as_secs_f64()),
                figure: "own share ≤ 0.5 × grammY's".to_owned(),
                reached: own * 2 <= grammy,
            },
            (HOST, None) => Row::comparison(what, shares, format!("needs {}", peer_packages::FLAG)),
            (_, _) => Row::comparison(what, shares, "for comparison".to_owned()),
        }
    };
    measured.iter().map(row).collect()
}

fn not_measured(what: &'static str, why: &str) -> Row {
    eprintln!("not measured: {why}");
    Row::comparison(what, format!("not measured: {why}"), "for comparison".to_owned())
}
