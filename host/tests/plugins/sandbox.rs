//! Tests a plugin that tries to access everything: it can access only what it was granted, and other plugins keep
//! answering calls.

use std::sync::Arc;

use cordboard_runtime::CallError;

use crate::{
    components::bad,
    network::{Mirror, secrets},
    test_host::TestHost,
    thread_log,
};

/// Short limits, so that endless calls fail quickly. The plugin's trial must also succeed within them.
const LIMITS: &str = "time = \"1s\"\nhttp_time = \"300ms\"\nmemory = \"32MiB\"\nlog = 20";

/// Activates two other plugins and `sandbox_escape`, which is granted only its secret and one of `mirror`'s URLs.
async fn sandbox_escape(mirror: &Mirror, limits: &str) -> Arc<TestHost> {
    let secret = secrets::file(secrets::VALUE).into_temp_path().keep().unwrap();
    let http = format!("http = [\"POST {}\"]", mirror.url("/echo"));
    let text =
        format!("[secrets]\ntoken = {secret:?}\n[plugins.sandbox_escape]\nsecrets = [\"token\"]\n{http}\n{limits}\n");
    let test_host = TestHost::of(&text);
    for name in ["echo", "counter", "sandbox_escape"] {
        test_host.plug(name, &bad(name)).await.unwrap_or_else(|refused| panic!("{name}: {refused}"));
    }
    Arc::new(test_host)
}

/// Runs the command line and returns its result. Meanwhile, calls another plugin in a loop on the same thread.
async fn meanwhile(test_host: &Arc<TestHost>, line: &str) -> Result<String, CallError> {
    let calling = tokio::spawn({
        let (test_host, line) = (Arc::clone(test_host), line.to_owned());
        async move { test_host.call(&line).await.map(|reply| reply.text) }
    });
    let mut answered = 0;
    while !calling.is_finished() || answered == 0 {
        assert_eq!(test_host.read("echo hello").await, "v1: hello", "during /{line}");
        answered += 1;
        tokio::task::yield_now().await;
    }
    calling.await.unwrap()
}

fn over(limit: &str) -> String {
    format!("exceeded its {limit} limit (raise `{limit}` in [plugins.sandbox_escape] if the plugin needs more)")
}

#[tokio::test]
async fn a_plugin_cannot_access_the_machine() {
    let mirror = Mirror::start().await;
    let test_host = sandbox_escape(&mirror, "").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "text").unwrap();
    let attempts = [
        "environment".to_owned(),
        format!("files {} {}", folder.path().display(), file.display()),
        format!("sockets {}", mirror.address),
        "names".to_owned(),
        "input".to_owned(),
    ];
    for line in attempts {
        assert_eq!(meanwhile(&test_host, &line).await, Ok("nothing".to_owned()), "/{line}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(mirror.count(), 0);
}

#[tokio::test]
async fn a_plugin_cannot_read_the_state_of_others() {
    let mirror = Mirror::start().await;
    let test_host = sandbox_escape(&mirror, "").await;
    test_host.read("count").await;
    let stored: Vec<_> = test_host.memory.plugin_state().into_keys().collect();
    assert!(!stored.is_empty() && stored.iter().all(|(plugin, _)| plugin == "counter"), "{stored:?}");
    let names: Vec<_> = stored.iter().map(|(_, key)| key.as_str()).collect();
    assert_eq!(meanwhile(&test_host, &format!("keys {}", names.join(" "))).await, Ok("nothing".to_owned()));
}

#[tokio::test]
async fn a_trial_has_no_network_access() {
    let mirror = Mirror::start().await;
    let test_host = sandbox_escape(&mirror, "").await;
    let table = test_host.registry.snapshot();
    assert_eq!(table.command("files").unwrap().spec.summary, "trials and views have no network");
}

#[tokio::test]
async fn a_plugin_never_sees_its_secret() {
    let mirror = Mirror::start().await;
    let test_host = sandbox_escape(&mirror, "").await;
    let log = thread_log::start();
    let answer = match meanwhile(&test_host, &format!("steal {} token", mirror.url("/echo"))).await {
        Err(CallError::Plugin(answer)) => answer,
        other => panic!("{other:?}"),
    };
    assert!(mirror.last().contains(secrets::VALUE), "the server received the secret");
    let stored =
        format!("{:?}", test_host.memory.plugin_state().get(&("sandbox_escape".to_owned(), "loot".to_owned())));
    let reversed: String = secrets::VALUE.chars().rev().collect();
    let flipped: String = secrets::VALUE.bytes().map(|byte| char::from(byte ^ 1)).collect();
    for text in [&answer, &log.text(), &stored] {
        assert!(!text.is_empty());
        for form in [secrets::VALUE, &reversed, &flipped] {
            assert!(!text.contains(form), "{text}");
        }
    }
    assert!(answer.contains("x-token: secret-"), "{answer}");
}

#[tokio::test]
async fn resource_limits_end_the_call() {
    let mirror = Mirror::start().await;
    let test_host = sandbox_escape(&mirror, "time = \"5m\"\nmemory = \"256MiB\"").await;
    let shown = meanwhile(&test_host, "address_space").await.unwrap();
    assert!(["128 MiB", "192 MiB"].contains(&shown.as_str()), "{shown}");
    assert_eq!(meanwhile(&test_host, "memory").await.unwrap_err().to_string(), over("memory"));
    assert_eq!(meanwhile(&test_host, "reply").await.unwrap_err().to_string(), over("reply"));
    for (line, bound) in [
        ("handles", "held 256 host resources at once (clocks, streams, requests), the maximum for a call"),
        ("bodies", "held 256 host resources at once (clocks, streams, requests), the maximum for a call"),
        ("stack", "exceeded the stack limit of 512KiB"),
        ("randomness", "requested more than 64MiB of random bytes at once"),
        ("fields", "set more than 32KiB of headers in one request"),
        (
            "argument",
            "passed more than 4MiB to the host at once, which exceeds the largest of its limits `reply`, `state` and `http_body` (raise the relevant one in [plugins.sandbox_escape] if the plugin needs more)",
        ),
    ] {
        assert_eq!(meanwhile(&test_host, line).await.unwrap_err().to_string(), bound, "/{line}");
    }
    // The exit code itself is lost: WASI 0.2 distinguishes only success and failure.
    assert_eq!(
        meanwhile(&test_host, "leave").await.unwrap_err().to_string(),
        "exited with an error code before it returned a result"
    );
    assert_eq!(meanwhile(&test_host, "sockets").await, Ok("nothing".to_owned()), "the plugin still answers");
}

#[tokio::test]
async fn endless_calls_end_at_a_limit() {
    let mirror = Mirror::start().await;
    let test_host = sandbox_escape(&mirror, LIMITS).await;
    let log = thread_log::start();
    for line in ["sleep", "refusals"] {
        assert_eq!(meanwhile(&test_host, line).await.unwrap_err().to_string(), over("time"), "/{line}");
    }
    assert_eq!(log.text().lines().filter(|line| line.contains("request denied")).count(), 20, "{}", log.text());
    let endless = meanwhile(&test_host, &format!("requests {}", mirror.url("/echo"))).await.unwrap_err();
    assert_eq!(endless.to_string(), over("time"));
    for line in ["clock", "reads"] {
        let ended = meanwhile(&test_host, line).await.unwrap_err().to_string();
        assert!([over("calls"), over("time")].contains(&ended), "/{line}: {ended}");
    }
}

#[tokio::test]
async fn log_lines_over_the_limit_are_dropped() {
    let mirror = Mirror::start().await;
    let test_host = sandbox_escape(&mirror, "log = 7\ntime = \"5m\"").await;
    for line in ["log_lines", "printed_lines"] {
        let log = thread_log::start();
        assert!(test_host.call(line).await.is_ok(), "/{line}");
        let log = log.text();
        assert_eq!(log.matches("plugin message").count(), 7, "{log}");
        assert_eq!(log.matches("exceeded its `log` limit").count(), 1, "{log}");
    }
}

#[tokio::test]
async fn long_log_lines_are_truncated() {
    let mirror = Mirror::start().await;
    let test_host = sandbox_escape(&mirror, "log = 7\ntime = \"5m\"\nmemory = \"64MiB\"").await;
    let log = thread_log::start();
    assert_eq!(test_host.read("long_lines").await, "logged");
    let log = log.text();
    assert_eq!(log.matches("plugin message").count(), 7);
    assert!(log.len() < 8 * (4096 + 200), "{}", log.len());
}

#[tokio::test]
async fn plugin_output_cannot_imitate_host_log_lines() {
    let mirror = Mirror::start().await;
    let test_host = sandbox_escape(&mirror, "").await;
    let log = thread_log::start();
    assert_eq!(test_host.read("forge").await, "forged");
    let log = log.text();
    for line in log.lines() {
        assert!(line.contains("plugin message") && line.contains("plugin=\"sandbox_escape\""), "{line:?}");
    }
    assert_eq!(log.lines().count(), 8, "eight lines are logged: {log:?}");
    assert!(
        !log.contains(|letter: char| letter != '\n' && letter.is_control()) && !log.contains('\u{202e}'),
        "{log:?}"
    );
    assert!(
        log.contains("version activated plugin=\"sessions\"") && log.contains(" over\\u{1b}[2K\\u{202e}"),
        "{log:?}"
    );
}

/// Sleeping doesn't count as a network wait, no matter how long `http_time` is.
#[tokio::test]
async fn sleeping_counts_towards_the_time_limit() {
    let mirror = Mirror::start().await;
    let test_host = sandbox_escape(&mirror, "time = \"1s\"\nhttp_time = \"5m\"").await;
    let slept = tokio::time::timeout(std::time::Duration::from_mins(2), test_host.call("sleep")).await;
    assert_eq!(slept.expect("the call ends before `http_time` has passed").unwrap_err().to_string(), over("time"));
}

#[tokio::test]
async fn output_is_logged_with_the_plugin_name() {
    let mirror = Mirror::start().await;
    let test_host = sandbox_escape(&mirror, "").await;
    let log = thread_log::start();
    assert_eq!(test_host.read("shout hello").await, "shouted");
    let log = log.text();
    for (level, message) in
        [("INFO", "out: hello"), ("INFO", "second line"), ("WARN", "err: hello"), ("INFO", "no end")]
    {
        let line = log.lines().find(|line| line.contains(message)).unwrap_or_else(|| panic!("{message}: {log}"));
        assert!(line.contains(level) && line.contains("plugin=\"sandbox_escape\""), "{line}");
    }
}
