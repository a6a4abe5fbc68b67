//! Measures the host's performance and prints the results as a table: `cargo xtask bench [-- NAME…]`. The benchmark
//! succeeds even if targets are missed, because the machine may be slow. With `--peers`, it also measures other bot
//! libraries.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run may panic")]

#[path = "../../tests/support/components.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod components;
#[path = "../../tests/support/sample_sessions.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod sample_sessions;
#[path = "../../tests/support/test_host.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod test_host;

mod agent_input;
mod agent_stream;
mod agent_to_chat;
mod bot_latency;
mod bot_program;
mod command;
mod concurrent_calls;
mod fake_agent;
mod floor;
mod many_agents;
mod many_chats;
mod peer_packages;
mod plugin_memory;
mod process;
mod python_and_js;
mod raw_client;
mod raw_gateway;
mod recording_agent;
mod reload;
mod stand_in;
mod suspended_sessions;
mod table;
mod telegram_host;
mod telegram_memory;
mod wired_host;

use std::{path::Path, process::Command};

use tokio::runtime::{Builder, Runtime};

use table::Row;

/// The argument that makes this program run a single benchmark in its own process. Without it, this program starts a
/// process per benchmark, because a process that uses a lot of memory spawns agents more slowly.
const ONE: &str = "--one";

/// A benchmark's name on the command line, and its function.
type Measure = (&'static str, fn() -> Vec<Row>);

const MEASURES: [Measure; 15] = [
    ("command", command::measure),
    ("load", concurrent_calls::measure),
    ("memory", plugin_memory::measure),
    ("languages", python_and_js::measure),
    ("reload", reload::measure),
    ("start", process::start),
    ("idle", process::idle),
    ("sessions", suspended_sessions::measure),
    ("turn", agent_to_chat::measure),
    ("input", agent_input::measure),
    ("stream", agent_stream::measure),
    ("many", many_agents::measure),
    ("telegram-latency", bot_latency::measure),
    ("telegram-load", many_chats::measure),
    ("telegram-memory", telegram_memory::measure),
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some(fake_agent::ROLE) => return fake_agent::run(),
        Some(fake_agent::WRITER) => return fake_agent::run_writer(),
        Some(raw_client::ROLE) => return raw_client::run(&args[1]),
        Some(raw_client::ROLE_WITH_COMMITS) => return raw_client::run_with_commits(&args[1]),
        Some(raw_gateway::ROLE) => return raw_gateway::run(Path::new(&args[1]), &args[2]),
        Some(_) | None => {}
    }
    if let Some([_, path]) = args.windows(2).find(|pair| pair[0] == recording_agent::ROLE) {
        return recording_agent::run(Path::new(path));
    }
    if let [flag, wanted, ..] = args.as_slice()
        && flag == ONE
    {
        let (_, measure) = MEASURES.iter().find(|(name, _)| name == wanted).expect("the name of a benchmark");
        return table::print_rows(&measure());
    }
    let wanted: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let chosen =
        MEASURES.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|part| name.contains(*part)));
    table::print_header();
    for (name, _) in chosen {
        eprintln!("measuring: {name}");
        let flags = args.iter().filter(|arg| *arg == peer_packages::FLAG);
        let ended = Command::new(std::env::current_exe().unwrap()).args([ONE, name]).args(flags).status().unwrap();
        assert!(ended.success(), "benchmark {name} failed: {ended}");
    }
}

/// Returns a runtime configured like the host's.
fn runtime() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}
