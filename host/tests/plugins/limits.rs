//! Tests plugins that misbehave during a call: the call fails with a reason, such as the exceeded limit, and the next
//! call succeeds.

use std::sync::Arc;

use cordboard_runtime::CallError;

use crate::{
    components::{bad, standard},
    sample_sessions::session,
    test_host::TestHost,
    thread_log,
};

/// Activates the `exceeds_limits` plugin with `limits`. Each test sets generous values for the limits that aren't its
/// subject.
async fn exceeds_limits(limits: &str) -> TestHost {
    let host = TestHost::of(&format!("[plugins.exceeds_limits]\n{limits}"));
    host.plug("exceeds_limits", &bad("exceeds_limits")).await.unwrap();
    host
}

/// Runs the command line, which must fail, and returns its error. Checks that the plugin still answers afterwards.
async fn call_error(host: &TestHost, line: &str) -> String {
    let error = host.call(line).await.expect_err("the command should fail");
    assert_eq!(host.read("ok").await, "ok", "after /{line}");
    let (health, note) = host.status("exceeds_limits");
    assert_eq!(health, "failing");
    assert!(note.contains(&error.to_string()), "{note}");
    error.to_string()
}

fn over(limit: &str) -> String {
    format!("exceeded its {limit} limit (raise `{limit}` in [plugins.exceeds_limits] if the plugin needs more)")
}

#[tokio::test]
async fn a_trap_ends_only_its_call() {
    let host = exceeds_limits("").await;
    let shown = call_error(&host, "trap").await;
    assert_eq!(shown, "trapped: wasm trap: wasm `unreachable` instruction executed");
    assert_eq!(host.status("exceeds_limits").1, format!("1 failed call, the last one {shown}"));
}

#[tokio::test]
async fn a_panic_is_reported_with_its_message_and_location() {
    let shown = call_error(&exceeds_limits("").await, "panic").await;
    assert!(shown.contains("the command panicked"), "{shown}");
    assert!(shown.contains("exceeds_limits/src/lib.rs:"), "{shown}");
    assert!(!shown.contains('\n') && !shown.contains("RUST_BACKTRACE"), "{shown}");
}

#[tokio::test]
async fn a_panic_message_is_short_and_excludes_other_output() {
    let host = exceeds_limits("").await;
    let log = thread_log::start();
    let shown = call_error(&host, "tirade").await;
    assert!(shown.starts_with("trapped: panicked at ") && shown.contains("exceeds_limits/src/lib.rs:"), "{shown}");
    assert!(!shown.contains("before") && shown.ends_with('…') && shown.len() < 500, "{shown}");
    let log = log.text();
    assert_eq!(log.matches("the end of it").count(), 1, "the log has each line once: {log}");
    assert!(log.contains("printed before"), "{log}");
}

#[tokio::test]
async fn an_endless_loop_ends_at_the_time_limit() {
    let host = Arc::new(exceeds_limits("time = \"1s\"").await);
    let spinning = tokio::spawn({
        let host = Arc::clone(&host);
        async move { host.call("spin").await }
    });
    let mut answers = 0;
    while !spinning.is_finished() {
        assert_eq!(host.read("ok").await, "ok");
        answers += 1;
        tokio::task::yield_now().await;
    }
    // The test is single-threaded, so each of these answers was produced between two time slices of the endless call.
    assert!(answers > 2, "{answers}");
    assert_eq!(spinning.await.unwrap().unwrap_err().to_string(), over("time"));
}

#[tokio::test]
async fn an_allocation_loop_ends_at_the_memory_limit() {
    assert_eq!(call_error(&exceeds_limits("memory = \"16MiB\"\ntime = \"5m\"").await, "grow").await, over("memory"));
}

#[tokio::test]
async fn an_oversized_reply_is_refused() {
    // The plugin may allocate 100 MB, but must not return that much in a reply.
    let host = exceeds_limits("memory = \"256MiB\"\ntime = \"5m\"\nreply = \"64KiB\"").await;
    assert_eq!(call_error(&host, "huge").await, over("reply"));
}

#[tokio::test]
async fn persona_settings_and_errors_count_as_a_reply() {
    let long = "Rhyme. ".repeat(300);
    let table = format!(
        "[plugins.persona]\nreply = \"2KiB\"\n[plugins.persona.config.personas.poet]\ninstructions = \"{long}\""
    );
    let host = TestHost::of(&table);
    host.plug("persona", &standard("persona")).await.unwrap();
    let view = session("alpha", &host.caller);
    let error = host.registry.resolve(&host.host_api, "poet", &view).await.unwrap_err();
    assert_eq!(error.to_string(), over("reply").replace("exceeds_limits", "persona"));
    assert_eq!(host.status("persona").0, "failing");

    let host = TestHost::of("[plugins.any_output]\ngrants = [\"chat\"]\nreply = \"1KiB\"");
    host.plug("any_output", &bad("any_output")).await.unwrap();
    let error = host.call(&format!("any_output fail {long}")).await.unwrap_err();
    assert_eq!(error.to_string(), over("reply").replace("exceeds_limits", "any_output"));
}

#[tokio::test]
async fn too_many_host_calls_end_the_call() {
    assert_eq!(call_error(&exceeds_limits("calls = 1000\ntime = \"5m\"").await, "calls").await, over("calls"));
}

#[tokio::test]
async fn log_lines_over_the_limit_are_dropped() {
    let host = exceeds_limits("log = 7\ntime = \"5m\"").await;
    let log = thread_log::start();
    assert_eq!(host.read("flood").await, "survived");
    let written = log.text();
    assert_eq!(written.matches("plugin message").count(), 7, "{written}");
    assert_eq!(written.matches("exceeded its `log` limit").count(), 1, "{written}");
    assert_eq!(written.lines().count(), 8, "{written}");
}

#[tokio::test]
async fn limits_are_per_plugin_and_change_at_once() {
    let mut host = TestHost::of("[plugins]\ncalls = 10\n[plugins.exceeds_limits]\ncalls = 2000000\ntime = \"5m\"");
    host.plug("exceeds_limits", &bad("exceeds_limits")).await.unwrap();
    assert_eq!(host.read("calls").await, "survived");
    host.configure("[plugins]\ncalls = 10");
    host.registry
        .reconfigure("exceeds_limits", &host.settings("exceeds_limits"), crate::sample_sessions::NOW)
        .await
        .unwrap();
    assert_eq!(host.call("calls").await.unwrap_err().to_string(), over("calls"));
}

#[tokio::test]
async fn calls_over_the_concurrency_limit_wait() {
    let host = Arc::new(TestHost::new());
    host.plug("echo", &bad("echo")).await.unwrap();
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let host = Arc::clone(&host);
            tokio::spawn(async move { host.call(&format!("echo {number}")).await })
        })
        .collect();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().unwrap().text, format!("v1: {number}"));
    }
}

#[tokio::test]
async fn an_error_returned_by_a_plugin_is_not_a_failure() {
    let host = TestHost::standard().await;
    assert!(matches!(host.call("timeout").await, Err(CallError::Plugin(_))));
    assert_eq!(host.status("timeout"), ("ok".to_owned(), String::new()));
}
