//! For tests: one command per kind of misbehavior, and `/ok`, which must keep working. The code itself enforces no
//! limits; the host has to.

use std::hint::black_box;

use cordboard_plugin::{Call, Command, Reply, command::Spec, context, log};

/// The size of `/huge`'s reply in bytes, above the largest possible `reply` limit.
const HUGE: usize = 100 << 20;

/// The number of host calls that `/flood` and `/calls` make, above the default limits.
const MANY: u32 = 1_000_000;

const COMMANDS: [(&str, &str); 9] = [
    ("ok", "Answers"),
    ("trap", "Ends in a trap"),
    ("panic", "Panics"),
    ("tirade", "Prints a line, then panics with a long message"),
    ("spin", "Loops forever"),
    ("grow", "Allocates memory forever"),
    ("flood", "Writes a million log lines"),
    ("huge", "Replies with 100 MB"),
    ("calls", "Calls the host a million times"),
];

struct ExceedsLimits;

impl Command for ExceedsLimits {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(COMMANDS.iter().map(|(name, summary)| Spec::new(name, summary, &format!("/{name}"))).collect())
    }

    fn run(call: &Call) -> Result<Reply, String> {
        match call.command.as_str() {
            "trap" => std::process::abort(),
            "panic" => panic!("the command panicked"),
            "tirade" => {
                eprintln!("printed before");
                panic!("{}, the end of it", "word ".repeat(200))
            }
            "spin" => spin(),
            "grow" => grow(),
            "flood" => (0..MANY).for_each(|line| log::info(&format!("line {line}"))),
            "huge" => return Ok(Reply::text("x".repeat(HUGE))),
            "calls" => _ = (0..MANY).map(|_| context::now()).fold(0, u64::max),
            _ => return Ok(Reply::text("ok")),
        }
        Ok(Reply::text("survived"))
    }
}

fn spin() {
    let mut turns = 0_u64;
    while black_box(true) {
        turns = black_box(turns.wrapping_add(1));
    }
}

fn grow() {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    while black_box(true) {
        hoard.push(vec![1; 1 << 20]);
    }
    black_box(hoard);
}

cordboard_plugin::export!(ExceedsLimits: command);
