//! Repeatedly kills a running host, and counts the failures that its users would notice: `cargo xtask chaos`. Exits
//! with status 1 if a message was lost or answered twice, or if another guarantee was violated.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue panics here")]

mod agent;
#[path = "../../tests/support/botapi.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the tests, which use more of it")]
mod botapi;
#[path = "../../tests/support/components.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod components;
mod host;
mod oracle;
mod plan;
mod report;
mod telegram;
mod world;

use std::{path::Path, process::ExitCode, time::Instant};

use report::Report;
use world::World;

/// The number of kills between two pauses in which the host finishes its work. The pauses reveal orphaned processes and
/// lost messages soon after the kill that caused them. They are rare, so that most kills hit a host that is recovering
/// from the previous kill.
const SETTLED_EVERY: usize = 25;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some([_, record]) = args.windows(2).find(|pair| pair[0] == agent::ROLE) {
        // The agent ends when its host is killed.
        return agent::run(&args, Path::new(record)).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    let number = |flag: &str, default: u64| match args.iter().position(|arg| arg == flag) {
        Some(at) => args.get(at + 1).and_then(|value| value.parse().ok()).expect("a number follows the flag"),
        None => default,
    };
    let (kills, seed) = (number("--kills", 50), number("--seed", 1));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(usize::try_from(kills).unwrap(), seed))
}

async fn run(kills: usize, seed: u64) -> ExitCode {
    let began = Instant::now();
    let plan = plan::Plan::new(seed, kills);
    let mut world = World::create().await;
    let mut report = Report::new(seed);
    for (at, round) in plan.rounds.iter().enumerate() {
        let (run, end) = world.round(round).await;
        report.add_run(run, round.kill, end);
        if (at + 1).is_multiple_of(SETTLED_EVERY) || at + 1 == kills {
            world.settle().await;
            eprintln!("killed {} of {kills} times, {} s", at + 1, began.elapsed().as_secs());
        }
    }
    let verdict = world.judge();
    report.print(&verdict, &world, began.elapsed());
    if report.has_failed(&verdict) {
        eprintln!("the files and logs are in {}", world.home.keep().display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
