//! Tests rollouts during calls: no call is lost, a single version answers each call, and plugin state survives.

use std::{collections::BTreeSet, sync::Arc};

use cordboard_runtime::Activation;

use crate::components::bad;
use crate::test_host::TestHost;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_in_a_rollout() {
    let host = Arc::new(TestHost::new());
    let versions = [bad("echo"), bad("echo_v2")];
    host.plug("echo", &versions[0]).await.unwrap();
    let callers: Vec<_> = (0..4)
        .map(|caller| {
            let host = Arc::clone(&host);
            tokio::spawn(async move {
                let mut answers = BTreeSet::new();
                for number in 0..250 {
                    let text = host.call(&format!("echo {caller}-{number}")).await.unwrap().text;
                    let (version, echoed) = text.split_once(": ").unwrap();
                    assert_eq!(echoed, format!("{caller}-{number}"));
                    answers.insert(version.to_owned());
                }
                answers
            })
        })
        .collect();
    let mut swaps = 1;
    while callers.iter().any(|caller| !caller.is_finished()) {
        assert_eq!(host.plug("echo", &versions[swaps % 2]).await.unwrap(), Activation::New);
        swaps += 1;
    }
    let mut answers = BTreeSet::new();
    for caller in callers {
        answers.extend(caller.await.unwrap());
    }
    assert!(answers.iter().all(|version| version == "v1" || version == "v2"), "{answers:?}");
    assert_eq!(host.registry.snapshot().version("echo").unwrap().generation as usize, swaps);
}

#[tokio::test]
async fn only_new_calls_run_the_new_version() {
    let host = Arc::new(TestHost::of("[plugins.exceeds_limits]\ntime = \"1s\""));
    host.plug("exceeds_limits", &bad("exceeds_limits")).await.unwrap();
    let running = tokio::spawn({
        let host = Arc::clone(&host);
        async move { host.call("spin").await }
    });
    tokio::task::yield_now().await;
    // Replace the plugin with a different one that has the same name. The running call finishes in the old plugin.
    host.plug("exceeds_limits", &bad("echo")).await.unwrap();
    assert_eq!(host.read("echo now").await, "v1: now");
    assert!(host.registry.snapshot().command("ok").is_none());
    assert!(running.await.unwrap().unwrap_err().to_string().contains("`time`"));
    assert_eq!(host.status("exceeds_limits").0, "ok", "failures of the old version don't count for the new one");
}

#[tokio::test]
async fn the_same_bytes_cause_no_rollout() {
    let host = TestHost::new();
    assert_eq!(host.plug("echo", &bad("echo")).await.unwrap(), Activation::New);
    assert_eq!(host.plug("echo", &bad("echo")).await.unwrap(), Activation::Unchanged);
    assert_eq!(host.registry.snapshot().version("echo").unwrap().generation, 1);
}

#[tokio::test]
async fn state_survives_calls_and_rollouts() {
    let host = TestHost::new();
    for count in 1..=3 {
        host.plug("counter", &bad("counter")).await.unwrap();
        assert_eq!(host.read("count").await, format!("Counted to {count}."));
        host.plug("counter", &bad("echo")).await.unwrap();
    }
}

#[tokio::test]
async fn concurrent_state_updates_are_all_counted() {
    let host = Arc::new(TestHost::new());
    host.plug("counter", &bad("counter")).await.unwrap();
    let counts: Vec<_> = (0..20)
        .map(|_| {
            let host = Arc::clone(&host);
            tokio::spawn(async move { host.read("count").await })
        })
        .collect();
    let mut shown = BTreeSet::new();
    for count in counts {
        shown.insert(count.await.unwrap());
    }
    assert_eq!(shown, (1..=20).map(|count| format!("Counted to {count}.")).collect());
}
