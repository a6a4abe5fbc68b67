//! Tests new versions that keep failing: the host rolls them back automatically, and retries them with an increasing
//! backoff.

use std::time::Duration;

use cordboard::clock::Clock;
use cordboard_core::{rollout::RolloutState, types::Timestamp};
use cordboard_runtime::digest;

use super::{Rig, other, pass, version};
use crate::components::bad;

const MINUTE: Duration = Duration::from_secs(60);

/// Activates a version that answers `/echo`, and then a newer one that can trap.
async fn with_a_bad_version(config: &str) -> Rig {
    let rig = Rig::new(config).await;
    rig.plug("mine", &bad("echo")).await;
    rig.plug("mine", &bad("exceeds_limits")).await;
    rig.clear_notifications();
    rig
}

async fn fail(rig: &Rig, times: usize) {
    for _ in 0..times {
        let answer = rig.say("trap").await;
        assert!(answer.starts_with("it trapped: "), "{answer}");
    }
}

#[tokio::test]
async fn three_traps_roll_a_new_version_back() {
    let rig = with_a_bad_version("").await;
    fail(&rig, 2).await;
    assert_eq!(rig.say("ok").await, "ok");
    assert_eq!(rig.status("mine").0, "failing");
    fail(&rig, 1).await;
    let shown = rig.wait_for("is rolled back").await;
    let (failed, good) = (version(&bad("exceeds_limits")), version(&bad("echo")));
    let trap = "trapped: wasm trap: wasm `unreachable` instruction executed";
    let begun = format!(
        "Plugin 'mine', version {failed}, is rolled back: 3 calls failed within 5m of its activation, the last one {trap}.\n\
         Active now: generation 3, {good}; version {failed} will be tried again in "
    );
    assert!(shown.starts_with(&begun), "{shown}");
    assert!(shown.ends_with("; /plugins reload mine tries it at once."), "{shown}");
    assert_eq!(rig.say("echo x").await, "v1: x");
    let (health, note) = rig.status("mine");
    assert_eq!(health, "rolled back");
    assert!(note.ends_with(&format!("the last of which {trap}; /plugins reload mine tries it at once")), "{note}");
}

#[tokio::test]
async fn errors_returned_by_a_plugin_do_not_count() {
    let rig = Rig::new("[plugins.help]\ngrants = [\"plugin-control\"]").await;
    rig.plug("help", &other(&crate::components::standard("help"), 1)).await;
    let generation = rig.test_host.registry.snapshot().version("help").unwrap().generation;
    for _ in 0..5 {
        rig.say("plugins reload rockets").await;
    }
    assert_eq!(rig.test_host.registry.snapshot().version("help").unwrap().generation, generation);
    assert_eq!(rig.status("help").0, "ok");
}

#[tokio::test]
async fn a_bad_version_is_retried_with_growing_backoff() {
    let rig = with_a_bad_version("[plugins]\nprobation_traps = 1").await;
    for pause in [MINUTE, 5 * MINUTE, 25 * MINUTE] {
        fail(&rig, 1).await;
        rig.wait_for("is rolled back").await;
        rig.serves("mine", &bad("echo")).await;
        pass(pause - Duration::from_secs(20)).await;
        rig.wait_until_caught_up().await;
        rig.serves("mine", &bad("echo")).await;
        pass(Duration::from_secs(20)).await;
        rig.serves("mine", &bad("exceeds_limits")).await;
    }
    fail(&rig, 1).await;
    let shown = rig.wait_for("is rolled back").await;
    assert!(shown.contains("was rolled back 4 times and won't be tried again"), "{shown}");
    pass(600 * MINUTE).await;
    rig.wait_until_caught_up().await;
    rig.serves("mine", &bad("echo")).await;
    // A version with other bytes has its own backoff.
    rig.plug("mine", &other(&bad("exceeds_limits"), 1)).await;
}

#[tokio::test]
async fn a_fixed_version_is_tried_at_once_after_a_rollback() {
    let rig = with_a_bad_version("[plugins]\nprobation_traps = 1").await;
    fail(&rig, 1).await;
    rig.wait_for("is rolled back").await;
    let mended = other(&bad("echo_v2"), 1);
    rig.plug("mine", &mended).await;
    assert_eq!(rig.say("echo x").await, "v2: x");
    assert_eq!(rig.status("mine"), ("ok".to_owned(), String::new()));
    // The host doesn't try the bad version again when its backoff ends, because a newer version is active.
    pass(MINUTE).await;
    rig.wait_until_caught_up().await;
    rig.serves("mine", &mended).await;
}

#[tokio::test]
async fn each_bad_version_has_its_own_backoff() {
    let rig = with_a_bad_version("[plugins]\nprobation_traps = 1").await;
    let (first, second) = (bad("exceeds_limits"), other(&bad("exceeds_limits"), 1));
    fail(&rig, 1).await;
    rig.wait_for("is rolled back").await;
    rig.plug("mine", &second).await;
    fail(&rig, 1).await;
    let shown = rig.wait_for("is rolled back").await;
    assert!(shown.contains(&format!("version {} will be tried again in ", version(&second))), "{shown}");
    rig.serves("mine", &bad("echo")).await;
    rig.save("mine", &first).await;
    let shown = rig.wait_for(&format!("version {} will be tried again in ", version(&first))).await;
    assert!(shown.contains("rolled back once"), "{shown}");
    pass(MINUTE).await;
    rig.serves("mine", &first).await;
    fail(&rig, 1).await;
    rig.wait_for("is rolled back").await;
    // The first version's second rollback doesn't affect the second version's backoff.
    rig.plug("mine", &second).await;
}

#[tokio::test]
async fn a_fixed_version_is_tried_at_once_after_a_restart() {
    let rig = with_a_bad_version("[plugins]\nprobation_traps = 1").await;
    fail(&rig, 1).await;
    rig.wait_for("is rolled back").await;
    let mended = other(&bad("echo_v2"), 1);
    std::fs::write(rig.file("mine"), &mended).unwrap();
    let rig = rig.restart().await;
    rig.serves("mine", &mended).await;
    rig.save("mine", &bad("exceeds_limits")).await;
    rig.wait_for(&format!("version {} will be tried again in ", version(&bad("exceeds_limits")))).await;
    rig.serves("mine", &mended).await;
}

#[tokio::test]
async fn a_reload_tries_a_bad_version_at_once() {
    let rig = with_a_bad_version("[plugins]\nprobation_traps = 1").await;
    fail(&rig, 1).await;
    rig.wait_for("is rolled back").await;
    rig.serves("mine", &bad("echo")).await;
    let answer = rig.say("plugins reload mine").await;
    assert!(answer.starts_with("Plugin 'mine' is reloaded: "), "{answer}");
    rig.serves("mine", &bad("exceeds_limits")).await;
}

#[tokio::test]
async fn a_file_being_compiled_is_tried_after_a_rollback() {
    let rig = with_a_bad_version(
        "[plugins]\nprobation_traps = 1\n[plugins.mine]\ntime = \"5m\"\n[plugins.mine.config]\nspecs = \"hang\"",
    )
    .await;
    rig.save("mine", &bad("specs_fail")).await;
    rig.wait_for("is being compiled").await;
    fail(&rig, 1).await;
    rig.wait_for("is rolled back").await;
    assert_eq!(rig.say("echo x").await, "v1: x");
    rig.wait_for(&format!("version {}, is being compiled", version(&bad("specs_fail")))).await;
}

#[tokio::test]
async fn a_restart_keeps_the_backoff_of_a_bad_version() {
    let rig = with_a_bad_version("[plugins]\nprobation_traps = 1").await;
    fail(&rig, 1).await;
    rig.wait_for("is rolled back").await;
    let rig = rig.restart().await;
    assert_eq!(rig.say("echo x").await, "v1: x");
    assert!(rig.status("mine").1.contains("will be tried again in "), "{:?}", rig.status("mine"));
    pass(MINUTE).await;
    rig.serves("mine", &bad("exceeds_limits")).await;
}

#[tokio::test]
async fn a_restart_keeps_the_failure_count() {
    let rig = with_a_bad_version("").await;
    fail(&rig, 2).await;
    rig.wait_until_caught_up().await;
    let rig = rig.restart().await;
    rig.serves("mine", &bad("exceeds_limits")).await;
    assert_eq!(rig.say("ok").await, "ok");
    fail(&rig, 1).await;
    let shown = rig.wait_for("is rolled back").await;
    assert!(shown.contains("3 calls failed within 5m of its activation"), "{shown}");
    assert_eq!(rig.say("echo x").await, "v1: x");
}

#[tokio::test]
async fn a_due_rollback_is_done_at_the_next_start() {
    let rig = with_a_bad_version("").await;
    // Simulate a host that exits between the last failure and the rollback.
    let mut state = RolloutState::default();
    state.begin_probation(&digest(&bad("exceeds_limits")), Clock::system().now(), 5 * MINUTE);
    state.count_failed_calls(&digest(&bad("exceeds_limits")), 3);
    rig.store.save_rollout_state("mine", &state).await.unwrap();
    let rig = rig.restart().await;
    let shown = rig.wait_for("is rolled back").await;
    assert!(
        shown.contains("3 calls failed within 5m of its activation, the last one before the host's last restart"),
        "{shown}"
    );
    rig.serves("mine", &bad("echo")).await;
    let rig = rig.restart().await;
    assert_eq!(rig.say("echo x").await, "v1: x");
}

#[tokio::test]
async fn a_version_past_probation_stays_trusted_after_a_restart() {
    let rig = with_a_bad_version("[plugins]\nprobation_traps = 1").await;
    let mut state = RolloutState::default();
    state.begin_probation(&digest(&bad("exceeds_limits")), Timestamp(Clock::system().now().0 - 300_001), 5 * MINUTE);
    rig.store.save_rollout_state("mine", &state).await.unwrap();
    let rig = rig.restart().await;
    fail(&rig, 3).await;
    rig.wait_until_caught_up().await;
    rig.serves("mine", &bad("exceeds_limits")).await;
}

#[tokio::test]
async fn a_version_can_be_rolled_back_manually_after_a_restart() {
    let rig = Rig::new("").await;
    for name in ["echo", "echo_v2"] {
        rig.plug("mine", &bad(name)).await;
    }
    let rig = rig.restart().await;
    assert_eq!(rig.say("echo x").await, "v2: x");
    let answer = rig.say("plugins rollback mine").await;
    assert!(answer.contains(", is rolled back. Active now: "), "{answer}");
    assert_eq!(rig.say("echo x").await, "v1: x");
}

#[tokio::test]
async fn a_version_failing_after_probation_stays_active() {
    let rig = with_a_bad_version("[plugins]\nprobation = \"1m\"\nprobation_traps = 2").await;
    fail(&rig, 1).await;
    pass(MINUTE).await;
    fail(&rig, 5).await;
    rig.wait_until_caught_up().await;
    rig.serves("mine", &bad("exceeds_limits")).await;
    assert_eq!(rig.status("mine").0, "failing");
}

#[tokio::test]
async fn a_version_restored_by_a_rollback_is_trusted() {
    let rig = Rig::new("[plugins]\nprobation_traps = 1").await;
    rig.plug("mine", &bad("exceeds_limits")).await;
    rig.plug("mine", &other(&bad("exceeds_limits"), 1)).await;
    fail(&rig, 1).await;
    rig.serves("mine", &bad("exceeds_limits")).await;
    rig.clear_notifications();
    fail(&rig, 5).await;
    rig.wait_until_caught_up().await;
    rig.serves("mine", &bad("exceeds_limits")).await;
}

#[tokio::test]
async fn a_failing_first_version_stays_active_and_is_reported_once() {
    let rig = Rig::new("").await;
    rig.plug("mine", &bad("exceeds_limits")).await;
    fail(&rig, 6).await;
    let shown = rig.wait_for("There is no earlier version").await;
    assert!(shown.ends_with("Use /plugins disable mine to disable it."), "{shown}");
    assert!(!rig.notifications.lines.lock().unwrap().iter().any(|line| line.contains("There is no earlier version")));
    assert_eq!(rig.say("ok").await, "ok");
}
