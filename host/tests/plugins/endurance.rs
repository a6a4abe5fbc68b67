//! Tests thousands of rollouts: under load, a single version answers each call, and replaced versions don't leak
//! memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use cordboard::{
    clock::Clock,
    rollout::{Resources, Rollout},
};
use cordboard_runtime::{Activation, CallContext, Invocation, digest};
use cordboard_store::Decisions;

use crate::{
    components::{bad, content},
    resource_use::ResourceUse,
    sample_sessions::NOW,
    test_host::TestHost,
};

/// Returns the number of rollouts. There are enough of them for calls to start at many different points in a rollout,
/// and five times as many if `CORDBOARD_WORLDS` is set, as in CI.
fn rollouts() -> usize {
    if std::env::var_os("CORDBOARD_WORLDS").is_some() { 10_000 } else { 2_000 }
}

/// The number of tasks that call the plugin in a tight loop, so that a call is running during every rollout.
const CALLERS: usize = 2;

/// The number of reloads. If each reload leaked, the total would exceed the allowed growth.
const RELOADS: usize = 1_000;

/// The number of warm-up reloads. They complete one-time allocations, such as pools, caches and the store's pages.
const WARM: usize = 200;

/// The allowed growth of the resident memory after warming up, in bytes. A leaked version takes 0.3 MB; if all 800
/// later versions leaked, they would take 240 MB.
const GROWTH: u64 = 32 << 20;

/// The allowed growth in the number of mappings, files and tasks. Small growth isn't a leak: the allocator may add an
/// arena, and a thread or task may be about to end.
const FEW: usize = 100;

/// Calls the current version, and checks that the answer comes from the version that the call looked up. Returns this
/// version's generation.
async fn call(test_host: &TestHost, versions: &BTreeMap<String, &str>, text: String) -> u32 {
    let table = test_host.registry.snapshot();
    let offer = table.command("echo").expect("echo is always active");
    let typed = Invocation { args: Vec::new(), text: text.clone() };
    let context = CallContext { caller: Some(test_host.caller.clone()), ..CallContext::default() };
    let answer = test_host.registry.command(&test_host.host_api, offer, context, &typed).await;
    let answer = answer.unwrap_or_else(|error| panic!("a call was lost: {error}")).text;
    assert_eq!(answer, format!("{}: {text}", versions[&offer.version.digest]));
    offer.version.generation
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_rollouts_lose_no_call() {
    let test_host = Arc::new(TestHost::new());
    let versions = [bad("echo"), bad("echo_v2")].map(|wasm| (digest(&wasm), wasm));
    let tags: Arc<BTreeMap<_, _>> =
        Arc::new(versions.iter().zip(["v1", "v2"]).map(|((digest, _), tag)| (digest.clone(), tag)).collect());
    let settings = test_host.settings("echo");
    let swap =
        async |number: usize| test_host.registry.activate_wasm("echo", &versions[number % 2].1, &settings, NOW).await;
    for number in 0..2 {
        swap(number).await.unwrap();
    }
    let over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (test_host, over, tags) = (Arc::clone(&test_host), Arc::clone(&over), Arc::clone(&tags));
            tokio::spawn(async move {
                let (mut calls, mut met) = (0_usize, BTreeSet::new());
                while !over.load(Ordering::Relaxed) {
                    met.insert(call(&test_host, &tags, format!("{caller}-{calls}")).await);
                    calls += 1;
                }
                (calls, met)
            })
        })
        .collect();
    let (rollouts, began, mut generations) = (rollouts(), Instant::now(), Vec::new());
    for number in 0..rollouts {
        assert_eq!(swap(number).await.unwrap(), Activation::New);
        let generation = Arc::clone(test_host.registry.snapshot().version("echo").unwrap());
        // Call each version here, because it may be replaced before any other task calls it.
        assert_eq!(call(&test_host, &tags, "mine".to_owned()).await, generation.generation);
        generations.push(Arc::downgrade(&generation));
    }
    let took = began.elapsed();
    over.store(true, Ordering::Relaxed);
    let (mut calls, mut met) = (0, BTreeSet::new());
    for caller in callers {
        let (more, others) = caller.await.unwrap();
        calls += more;
        met.extend(others);
    }
    assert_eq!(test_host.registry.snapshot().version("echo").unwrap().generation as usize, rollouts + 2);
    assert!(calls > rollouts / 10, "too little load: {calls} calls");
    assert_eq!(generations.iter().filter(|generation| generation.strong_count() > 0).count(), 1);
    println!(
        "{calls} calls ran on {} of {rollouts} versions; a rollout and a call took {:?}",
        met.len(),
        took / u32::try_from(rollouts).unwrap()
    );
}

/// The number of tasks that the runtime has not finished.
fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Returns whether usage has grown more than allowed. Leaking one item per reload would add hundreds of items.
fn has_grown(before: &ResourceUse, after: &ResourceUse) -> bool {
    after.resident > before.resident + GROWTH
        || after.mappings > before.mappings + FEW
        || after.files > before.files + FEW
}

#[tokio::test]
async fn a_thousand_reloads_leak_no_memory() {
    let test_host = TestHost::new();
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = cordboard_store::open(&folder.path().join("state")).unwrap();
    let (settings, versions) = (test_host.settings("echo"), [bad("echo"), bad("echo_v2")]);
    let decisions = Decisions::default();
    let registry = Arc::clone(&test_host.registry);
    let resources = Resources { registry, folder: None, store: Some(store), decisions };
    let mut rollout = Rollout::new(resources, Arc::new(move |_: &str| settings.clone()), Clock::system());
    let mut generations = Vec::new();
    let mut warm = None;
    for number in 0..RELOADS {
        rollout.on_file("echo", content(&versions[number % 2])).await;
        rollout.settle().await;
        generations.push(Arc::downgrade(test_host.registry.snapshot().version("echo").unwrap()));
        let tag = ["v1", "v2"][number % 2];
        assert_eq!(test_host.read("echo x").await, format!("{tag}: x"));
        if number == WARM {
            warm = Some((ResourceUse::of(std::process::id()), tasks()));
        }
    }
    assert_eq!(generations.iter().filter(|generation| generation.strong_count() > 0).count(), 1);
    let ((before, tasks_before), after) = (warm.unwrap(), ResourceUse::of(std::process::id()));
    println!("before {before:?}, after {} more reloads {after:?}", RELOADS - WARM);
    assert!(!has_grown(&before, &after), "before {before:?}, after {} more reloads {after:?}", RELOADS - WARM);
    assert!(tasks() <= tasks_before + FEW, "{tasks_before} tasks before, {} after", tasks());
}
