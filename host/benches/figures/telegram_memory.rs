//! Measures the memory usage of a host that uses Telegram: while idle, and while downloading a large file.

use std::{thread::sleep, time::Duration};

use crate::{
    stand_in::{Content, Incoming, StandIn},
    table::Row,
    telegram_host::{OWNER, TelegramHost},
};

/// The size of the file in bytes. Telegram lets bots download at most 20 MiB.
const SIZE: usize = 20_000_000;

const IDLE: f64 = 25.0;

const GROWTH: f64 = 2.0;

pub fn measure() -> Vec<Row> {
    let settings = format!("[access]\nowner = {OWNER}\n[agents]\ndefault = \"demo\"\n");
    let mut host = TelegramHost::start(&settings, StandIn::start(vec![b'x'; SIZE]));
    host.restart();
    ask(&host, "/echo ping", Content::Text, "ping");
    sleep(Duration::from_secs(3));
    let idle = megabytes(host.memory("VmRSS:"));
    ask(&host, "/new bench", Content::Text, "");
    // The first download loads code that later downloads reuse.
    ask(&host, "first", Content::Document, "");
    sleep(Duration::from_secs(3));
    let before = host.memory("VmRSS:");
    host.reset_peak_memory();
    ask(&host, "second", Content::Document, "");
    let growth = megabytes(host.memory("VmHWM:").saturating_sub(before));
    vec![
        row("resident memory idle, with Telegram, all standard plugins, warm cache", idle, IDLE),
        row(
            "peak of the resident memory while a user's file of 20 MB is downloaded, above that before",
            growth,
            GROWTH,
        ),
    ]
}

/// Sends a message, and waits for the answer.
fn ask(host: &TelegramHost, text: &str, content: Content, answer: &str) {
    host.api.deliver([Incoming { user: OWNER, text, content }]);
    host.api.sent_ending_with(answer);
}

fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1000.0
}

fn row(what: &'static str, megabytes: f64, most: f64) -> Row {
    let (measured, figure) = (format!("{megabytes:.1} MB"), format!("≤ {most} MB"));
    Row { what, measured, figure, reached: megabytes <= most }
}
