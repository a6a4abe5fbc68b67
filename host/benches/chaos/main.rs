//! Repeatedly kills a running host, or activates plugin versions, and counts the failures that users would notice:
//! `cargo xtask chaos`. Exits with status 1 if a guarantee was violated, for example because a message was lost.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue panics here")]

mod activation_report;
mod activations;
mod agent;
#[path = "../../tests/support/botapi.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the tests, which use more of it")]
mod botapi;
#[path = "../../tests/support/components.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod components;
mod host;
mod load;
mod oracle;
mod plan;
mod report;
#[path = "../../tests/support/resource_use.rs"]
mod resource_use;
mod stream;
#[path = "../figures/table.rs"]
#[expect(dead_code, reason = "shared with the benchmarks, which use more of it")]
mod table;
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
    let number = |flag: &str| -> Option<u64> {
        let at = args.iter().position(|arg| arg == flag)?;
        Some(args.get(at + 1).and_then(|value| value.parse().ok()).expect("a number follows the flag"))
    };
    let count = |number: u64| usize::try_from(number).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Some(activations) = number("--activations") {
        return runtime.block_on(activations::run(count(activations)));
    }
    runtime.block_on(kill(count(number("--kills").unwrap_or(50)), number("--seed").unwrap_or(1)))
}

async fn kill(kills: usize, seed: u64) -> ExitCode {
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
