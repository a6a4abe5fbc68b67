//! Tests calls that are still running in a replaced version: they may finish within the drain period, but the host
//! cancels them immediately if the version's grants are revoked.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cordboard_runtime::{AdminCommands, CallError};

use crate::{
    components::{bad, standard},
    sample_sessions::NOW,
    test_host::TestHost,
};

async fn calling(host: &Arc<TestHost>, line: &'static str) -> tokio::task::JoinHandle<Result<(), CallError>> {
    let host = Arc::clone(host);
    tokio::spawn(async move { host.call(line).await.map(|_| ()) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_call_is_canceled_after_the_drain() {
    let host = Arc::new(TestHost::of("[plugins]\ndrain = \"200ms\"\n[plugins.mine]\ntime = \"5m\""));
    host.plug("mine", &bad("exceeds_limits")).await.unwrap();
    // A running call holds a reference to its version's call settings.
    let old = Arc::downgrade(&host.registry.snapshot().version("mine").unwrap().call_settings);
    let at_rest = old.strong_count();
    let running = calling(&host, "spin").await;
    while old.strong_count() == at_rest {
        tokio::task::yield_now().await;
    }
    let (began, drain) = (Instant::now(), Duration::from_millis(200));
    host.plug("mine", &bad("echo")).await.unwrap();
    assert!(!running.is_finished() || began.elapsed() >= drain, "the call ended before the drain period was over");
    assert_eq!(host.read("echo now").await, "v1: now");
    let cut = running.await.unwrap().unwrap_err();
    assert_eq!(cut, CallError::Drained { drain });
    assert_eq!(
        cut.to_string(),
        "was stopped: its version is no longer active, and calls in progress had only 200ms to finish (raise `drain` in [plugins] if they need more)"
    );
    let nothing_left = async {
        while old.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(super::LIMIT, nothing_left).await.expect("nothing of the old version is left");
    assert_eq!(host.status("mine"), ("ok".to_owned(), String::new()));
}

#[tokio::test]
async fn a_call_waiting_in_the_host_is_canceled_too() {
    let host = Arc::new(TestHost::of("[plugins.help]\ntime = \"5m\"\ngrants = [\"plugin-control\"]"));
    // The test receives the admin commands and never executes them.
    let (orders, mut given) = AdminCommands::channel();
    host.memory.set_admin_commands(orders);
    host.plug("help", &standard("help")).await.unwrap();
    let running = calling(&host, "plugins reload help").await;
    let order = given.recv().await.unwrap();
    host.plug("help", &super::other(&standard("help"), 1)).await.unwrap();
    tokio::task::yield_now().await;
    // Real time counts, too, so stay well below the 30 s limit.
    super::pass(Duration::from_secs(15)).await;
    assert!(!running.is_finished(), "the default is 30 s");
    super::pass(Duration::from_secs(16)).await;
    let cut = running.await.unwrap().unwrap_err();
    assert_eq!(cut, CallError::Drained { drain: Duration::from_secs(30) });
    drop(order);
}

#[tokio::test]
async fn the_drain_time_is_that_of_the_replacement() {
    let host = Arc::new(TestHost::of("[plugins.help]\ntime = \"5m\"\ngrants = [\"plugin-control\"]"));
    let (orders, mut given) = AdminCommands::channel();
    host.memory.set_admin_commands(orders);
    host.plug("help", &standard("help")).await.unwrap();
    let running = calling(&host, "plugins reload help").await;
    let order = given.recv().await.unwrap();
    let mut settings = host.settings("help");
    settings.rollout.drain = Duration::from_secs(5);
    host.registry.activate_wasm("help", &super::other(&standard("help"), 1), &settings, NOW).await.unwrap();
    tokio::task::yield_now().await;
    super::pass(Duration::from_secs(6)).await;
    assert_eq!(running.await.unwrap().unwrap_err(), CallError::Drained { drain: settings.rollout.drain });
    drop(order);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_a_revoked_version_are_canceled_at_once() {
    let mut host = TestHost::of("[plugins.help]\ntime = \"5m\"\ngrants = [\"plugin-control\"]");
    let (orders, mut given) = AdminCommands::channel();
    host.memory.set_admin_commands(orders.clone());
    host.plug("help", &standard("help")).await.unwrap();
    let (registry, shared) =
        (Arc::clone(&host.registry), Arc::new(TestHost { registry: Arc::clone(&host.registry), ..TestHost::new() }));
    shared.memory.set_admin_commands(orders);
    let running = calling(&shared, "plugins reload help").await;
    let order = given.recv().await.unwrap();
    host.configure("[plugins.help]\ntime = \"5m\"\ngrants = []");
    registry.reconfigure("help", &host.settings("help"), NOW).await.unwrap_err();
    assert!(matches!(running.await.unwrap(), Err(CallError::Drained { .. })));
    drop(order);
}
