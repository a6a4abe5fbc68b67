//! Simulates months of chat in one process: `cargo xtask simulate`. Exits with status 1 if an invariant is violated, and
//! prints the command that repeats the violation.

mod simulation;

// The modules that the simulation shares with the tests of the core refer to these as their own.
use cordboard_core::{agent_event, config, messages, rollout, session, turn, types};
#[path = "../../../core/src/random_worlds.rs"]
#[expect(dead_code, reason = "the tests of the core use more of it")]
mod random_worlds;

use std::{process::ExitCode, time::Instant};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |flag: &str, default: u64| match args.iter().position(|arg| arg == flag) {
        Some(at) => args.get(at + 1).and_then(|value| value.parse().ok()).expect("a number follows the flag"),
        None => default,
    };
    let (seed, days) = (number("--seed", 1), number("--days", 365));
    // A violation is a panic. The report below contains its message.
    std::panic::set_hook(Box::new(|_| {}));
    let began = Instant::now();
    match simulation::run(seed, days) {
        Ok(summary) => {
            println!("{summary}\nThe simulation took {:.1} s.", began.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(violation) => {
            println!("{violation}");
            ExitCode::FAILURE
        }
    }
}
