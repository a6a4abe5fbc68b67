//! Measures the latency of a command in a Telegram chat: the time from receiving the update to calling `sendMessage`,
//! including commits to the store. The same Bot API stand-in serves a raw-socket client, which is the floor, and, with
//! `--peers`, bots written with other libraries. All bots run at the same time and take turns, so that other load on
//! the machine affects them equally. A bot's own share is its median minus the floor's.

use std::{thread::sleep, time::Duration};

use crate::{
    bot_program::BotProgram,
    peer_packages::{self, GRAMMY, PEERS},
    raw_client,
    stand_in::{Content, Incoming, StandIn},
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

const FLOOR: &str = "a command in a chat: a client on raw sockets answers at once";

const RAW_WITH_COMMITS: &str = "the same client with two SQLite commits, for the update and the answer";

const HOST: &str = "a command in a chat: update received → sendMessage called, with its commits";

/// A bot that polls its own stand-in.
enum Bot {
    Host(TelegramHost),
    Program(BotProgram),
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
    let raw = |role| Bot::Program(BotProgram::start_role(&[role]));
    let mut contestants = vec![
        Contestant::new(FLOOR, raw(raw_client::ROLE)),
        Contestant::new(RAW_WITH_COMMITS, raw(raw_client::ROLE_WITH_COMMITS)),
        Contestant::new(
            HOST,
            Bot::Host(TelegramHost::start(&format!("[access]\nowner = {OWNER}\n"), StandIn::start(Vec::new()))),
        ),
    ];
    let mut missing = Vec::new();
    for (package, command) in commands {
        match command.and_then(BotProgram::start) {
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
        let of_grammy = grammy.filter(|_| *what != GRAMMY).map(|grammy| own.as_secs_f64() / grammy.as_secs_f64());
        let of_grammy_text = of_grammy.map(|ratio| format!(", {ratio:.2} × grammY's")).unwrap_or_default();
        let measured = format!("{spans}; {ratio:.2} × the floor, own share {}{of_grammy_text}", spell(own));
        match (*what, of_grammy) {
            (FLOOR, _) => Row::floor(what, spans),
            (HOST, Some(ratio)) => {
                Row { what, measured, figure: "own share ≤ 0.5 × grammY's".to_owned(), reached: ratio <= 0.5 }
            }
            (HOST, None) => Row::comparison(what, measured, format!("needs {}", peer_packages::FLAG)),
            (_, _) => Row::comparison(what, measured, "for comparison".to_owned()),
        }
    };
    measured.iter().map(row).collect()
}

fn not_measured(what: &'static str, why: &str) -> Row {
    eprintln!("not measured: {why}");
    Row::comparison(what, format!("not measured: {why}"), "for comparison".to_owned())
}
