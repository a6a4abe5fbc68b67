//! Tests that the metrics count and time what the host does.

use rustix::process::{Pid, Signal, kill_process};

use super::{
    super::support::{Home, HttpClient, until},
    Events, LISTEN, row, status_client,
};

/// Returns the value of a series, or `None` if there is no such series.
fn value(client: &HttpClient, series: &str) -> Option<f64> {
    let answer = client.get("/metrics", &[]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

fn await_value(client: &HttpClient, series: &str, wanted: f64) {
    until(&format!("{series} is {wanted}"), || value(client, series) == Some(wanted));
}

#[test]
fn a_turn_is_timed_from_the_message_to_the_answer() {
    let home = Home::with(LISTEN);
    let mut host = home.start();
    let client = status_client(&mut host);
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    host.await_phase("a", "idle");
    await_value(&client, "cordboard_update_to_agent_seconds_count", 1.0);
    await_value(&client, "cordboard_agent_to_chat_seconds_count", 1.0);
    await_value(&client, "cordboard_sessions{phase=\"idle\"}", 1.0);
    await_value(&client, "cordboard_sessions{phase=\"busy\"}", 0.0);
    await_value(&client, "cordboard_inbox_updates", 0.0);
    await_value(&client, "cordboard_outbox_posts{state=\"waiting\"}", 0.0);
    assert!(value(&client, "cordboard_agent_memory_bytes") > Some(100_000.0));
    assert!(value(&client, "process_resident_memory_bytes") > Some(1_000_000.0));
    assert!(value(&client, "cordboard_plugin_call_seconds_count{plugin=\"sessions\"}") >= Some(1.0));
    host.say("run ls");
    host.expect("/answer #1 why\n");
    await_value(&client, "cordboard_open_requests", 1.0);
    await_value(&client, "cordboard_inbox_updates", 1.0);
}

#[test]
fn a_resume_and_a_restart_are_counted() {
    let home = Home::with(LISTEN);
    let mut host = home.start();
    let client = status_client(&mut host);
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    host.ask("/suspend", "Session 'a' suspended. The next message resumes it.");
    host.await_phase("a", "suspended");
    await_value(&client, "cordboard_session_resume_seconds_count", 0.0);
    host.say("again");
    host.expect("You said: again\n");
    await_value(&client, "cordboard_session_resume_seconds_count", 1.0);
    await_value(&client, "cordboard_agent_restarts_total", 0.0);
    host.await_phase("a", "idle");
    let pid = Pid::from_raw(i32::try_from(host.agent("a")).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    host.await_phase("a", "suspended");
    host.say("after");
    host.expect("You said: after\n");
    await_value(&client, "cordboard_agent_restarts_total", 1.0);
}

#[test]
fn traps_rollbacks_and_activations_are_counted() {
    let home = Home::with(&format!("{LISTEN}[plugins]\nprobation_traps = 2\n"));
    home.plug("mine", "echo");
    let mut host = home.start();
    let client = status_client(&mut host);
    host.ask("/echo hi", "v1: hi");
    let activations = value(&client, "cordboard_plugin_activation_seconds_count").unwrap();
    assert!(activations >= 2.0, "{activations}");
    home.plug("mine", "exceeds_limits");
    host.expect("Plugin 'mine' is active: generation 2, ");
    await_value(&client, "cordboard_plugin_activation_seconds_count", activations + 1.0);
    for _ in 0..2 {
        host.say("/trap");
        host.expect("/trap");
    }
    host.expect("is rolled back: ");
    await_value(&client, "cordboard_plugin_failures_total{plugin=\"mine\",reason=\"trap\"}", 2.0);
    await_value(&client, "cordboard_plugin_rollbacks_total{plugin=\"mine\"}", 1.0);
    await_value(&client, "cordboard_plugin_call_seconds_count{plugin=\"mine\"}", 3.0);
    let mut events = Events::open(&client, "/events");
    let shown = events.until("the rollback is shown", |event| {
        row(&event["host"]["plugins"], "mine").is_some_and(|plugin| plugin["health"] == "rolled back")
    });
    let plugin = row(&shown["host"]["plugins"], "mine").unwrap();
    let rollbacks = plugin["rollbacks"].as_array().unwrap();
    assert!(rollbacks.len() == 1 && rollbacks[0]["why"].as_str().unwrap().starts_with("trapped: "), "{plugin}");
    assert!(plugin["failures"] == 2 && plugin["activations"].as_array().unwrap().len() == 3, "{plugin}");
}
