//! Tests a host that is stopped by SIGSTOP and continued later, as a paused virtual machine is.

use std::{
    fs,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::host::{CORDBOARD, Home, wait_until};

/// The agent's output is also written to a file, which shows that the agent has finished while the host was stopped.
#[test]
fn a_stopped_host_loses_no_output_and_no_input() {
    let home = Home::new("");
    let copy = home.path("output");
    let run = format!("{CORDBOARD} demo-agent --pace-ms=10 \"$@\" | tee -a {}", copy.display());
    let agent = home.script("agent", &run);
    home.configure(&format!("[agents.demo]\ncommand = {agent:?}\n"));
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    host.exchange("slow 40", "line 1\n");
    host.signal(Signal::STOP);
    host.say("typed while stopped");
    wait_until("the agent has finished", || fs::read_to_string(&copy).unwrap().contains("line 40"));
    host.signal(Signal::CONT);
    host.hear("line 40\n");
    host.hear("You said: typed while stopped");
    let ended = host.end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let lines: String = (1..=40).map(|number| format!("line {number}\n")).collect();
    assert!(ended.out.contains(&lines), "{}", ended.out);
    assert_eq!(ended.out.matches("You said: typed while stopped").count(), 1, "{}", ended.out);
}

#[test]
fn the_time_while_stopped_does_not_count_for_a_plugin() {
    const LIMIT: Duration = Duration::from_millis(600);
    let home = Home::new(&format!("[plugins.exceeds_limits]\ntime = \"{}ms\"\n", LIMIT.as_millis()));
    home.install("exceeds_limits");
    let mut host = home.run();
    host.exchange("/ok", "ok\n");
    let (used, asked) = (host.cpu_time(), Instant::now());
    host.say("/spin");
    wait_until("the plugin runs", || host.cpu_time() > used + LIMIT / 12);
    host.signal(Signal::STOP);
    let (ran, stopped) = (asked.elapsed(), Instant::now());
    // The host ends a call after twice its limit, even if the call doesn't compute.
    wait_until("the limit would be over", || stopped.elapsed() > LIMIT * 5 / 2);
    let continued = Instant::now();
    host.signal(Signal::CONT);
    host.hear("exceeded its time limit");
    let ran = ran + continued.elapsed();
    assert!(ran >= LIMIT, "the call ended after {ran:?}");
    assert_eq!(host.end().code, Some(0));
}
