//! Tests rollbacks, backoffs and probations. Some tests consist of a script for one plugin and a trace of the results.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::*;

const PROBATION: Duration = Duration::from_secs(300);

fn at(minute: u64) -> Timestamp {
    Timestamp(0).after(Duration::from_secs(60 * minute))
}

/// Runs the steps, each of which is a minute, a verb and a digest, and compares the trace of the results.
fn check(script: &[(u64, &str, &str)], trace: &Expect) {
    let mut state = RolloutState::default();
    let mut lines = String::new();
    for (minute, verb, digest) in script {
        let now = at(*minute);
        let line = match *verb {
            "fail" => {
                state.record_automatic_rollback(digest, "trapped", now, PROBATION);
                format!(
                    "{digest} is rolled back automatically, due {:?}",
                    state.retry_at(digest).map(|due| due.0 / 60_000)
                )
            }
            "new" => {
                let admission = state.admits(digest, now);
                if admission == Admission::Admitted {
                    state.clear_admin_rollbacks();
                }
                match admission {
                    Admission::Admitted => format!("{digest} is admitted"),
                    Admission::Backoff { until, rollbacks, .. } => {
                        format!("{digest} waits until {} after {rollbacks} rollbacks", until.0 / 60_000)
                    }
                    Admission::Abandoned { rollbacks, .. } => {
                        format!("{digest} is abandoned after {rollbacks} rollbacks")
                    }
                    Admission::RolledBack => format!("{digest} is not admitted"),
                    Admission::Disabled(decision) => format!("{digest} is disabled by {}", decision.who),
                }
            }
            "rollback" => {
                state.record_admin_rollback(digest);
                format!("{digest} is rolled back")
            }
            "reload" => {
                state.clear_rollbacks();
                "all rollbacks are cleared".to_owned()
            }
            "disable" => {
                state.disabled = Some(Decision { who: UserId("console:local".to_owned()), at: now });
                format!("disabled, due {:?}", state.retry_at("a"))
            }
            other => panic!("there is no step {other}"),
        };
        writeln!(lines, "{minute:02} {line}").unwrap();
    }
    trace.assert_eq(&lines);
}

#[test]
fn a_clock_that_was_set_back_extends_no_backoff() {
    check(
        &[(1440, "fail", "a"), (1440, "new", "a"), (0, "new", "a"), (1, "fail", "a"), (2, "new", "a")],
        &expect![[r"
            1440 a is rolled back automatically, due Some(1441)
            1440 a waits until 1441 after 1 rollbacks
            00 a is admitted
            01 a is rolled back automatically, due Some(6)
            02 a waits until 6 after 2 rollbacks
        "]],
    );
}

#[test]
fn backoff_grows_until_only_other_bytes_are_tried() {
    check(
        &[
            (0, "fail", "a"),
            (0, "new", "a"),
            (1, "new", "a"),
            (2, "fail", "a"),
            (6, "new", "a"),
            (7, "new", "a"),
            (8, "fail", "a"),
            (32, "new", "a"),
            (33, "new", "a"),
            (34, "fail", "a"),
            (99, "new", "a"),
            (99, "new", "b"),
        ],
        &expect![[r#"
            00 a is rolled back automatically, due Some(1)
            00 a waits until 1 after 1 rollbacks
            01 a is admitted
            02 a is rolled back automatically, due Some(7)
            06 a waits until 7 after 2 rollbacks
            07 a is admitted
            08 a is rolled back automatically, due Some(33)
            32 a waits until 33 after 3 rollbacks
            33 a is admitted
            34 a is rolled back automatically, due None
            99 a is abandoned after 4 rollbacks
            99 b is admitted
        "#]],
    );
}

#[test]
fn each_version_has_its_own_backoff() {
    check(
        &[
            (0, "fail", "a"),
            (0, "new", "b"),
            (0, "fail", "b"),
            (0, "new", "c"),
            (1, "new", "a"),
            (1, "fail", "a"),
            (2, "new", "b"),
            (2, "fail", "b"),
            (3, "new", "a"),
            (3, "new", "c"),
            (6, "new", "a"),
            (6, "new", "b"),
            (7, "new", "b"),
        ],
        &expect![[r#"
            00 a is rolled back automatically, due Some(1)
            00 b is admitted
            00 b is rolled back automatically, due Some(1)
            00 c is admitted
            01 a is admitted
            01 a is rolled back automatically, due Some(6)
            02 b is admitted
            02 b is rolled back automatically, due Some(7)
            03 a waits until 6 after 2 rollbacks
            03 c is admitted
            06 a is admitted
            06 b waits until 7 after 2 rollbacks
            07 b is admitted
        "#]],
    );
}

#[test]
fn distant_rollbacks_of_a_version_are_not_consecutive() {
    check(
        &[(0, "fail", "a"), (1, "new", "a"), (12, "fail", "a"), (17, "new", "a"), (33, "fail", "a")],
        &expect![[r#"
            00 a is rolled back automatically, due Some(1)
            01 a is admitted
            12 a is rolled back automatically, due Some(13)
            17 a is admitted
            33 a is rolled back automatically, due Some(34)
        "#]],
    );
}

#[test]
fn a_completed_probation_makes_a_version_good_again() {
    let mut state = RolloutState::default();
    state.record_automatic_rollback("a", "trapped", at(0), PROBATION);
    state.begin_probation("a", at(1), PROBATION);
    let mut early = state.clone();
    early.begin_probation("b", at(5), PROBATION);
    state.begin_probation("b", at(6), PROBATION);
    assert!(state.is_rollback_target("a") && !early.is_rollback_target("a"));
    state.record_automatic_rollback("b", "trapped", at(7), PROBATION);
    state.begin_probation("c", at(30), PROBATION);
    assert!(!state.is_rollback_target("b"), "it was rolled back after its activation");
}

#[test]
fn the_oldest_rollback_is_dropped_first() {
    let mut state = RolloutState::default();
    for number in 0..=MAX_ROLLBACKS {
        state.record_automatic_rollback(&number.to_string(), "trapped", at(0), PROBATION);
    }
    assert_eq!(state.rollbacks.len(), MAX_ROLLBACKS);
    assert!(state.is_rollback_target("0") && !state.is_rollback_target("1"));
}

#[test]
fn a_manual_rollback_holds_until_other_bytes_or_a_reload() {
    check(
        &[
            (0, "rollback", "c"),
            (0, "rollback", "b"),
            (9, "new", "c"),
            (9, "new", "b"),
            (9, "new", "d"),
            (9, "new", "c"),
            (9, "rollback", "c"),
            (9, "reload", ""),
            (9, "new", "c"),
            (9, "fail", "c"),
            (9, "reload", ""),
            (9, "new", "c"),
        ],
        &expect![[r#"
            00 c is rolled back
            00 b is rolled back
            09 c is not admitted
            09 b is not admitted
            09 d is admitted
            09 c is admitted
            09 c is rolled back
            09 all rollbacks are cleared
            09 c is admitted
            09 c is rolled back automatically, due Some(10)
            09 all rollbacks are cleared
            09 c is admitted
        "#]],
    );
}

#[test]
fn a_disabled_plugin_has_no_due_retry() {
    check(
        &[(0, "fail", "a"), (0, "disable", ""), (5, "new", "a"), (5, "new", "b")],
        &expect![[r#"
            00 a is rolled back automatically, due Some(1)
            00 disabled, due None
            05 a is disabled by console:local
            05 b is disabled by console:local
        "#]],
    );
}

#[test]
fn rolled_back_versions_are_not_rollback_targets() {
    let mut state = RolloutState::default();
    assert!(state.is_default() && state.is_rollback_target("a"));
    state.record_admin_rollback("a");
    state.record_automatic_rollback("b", "trapped", at(0), PROBATION);
    assert!(!state.is_rollback_target("a") && !state.is_rollback_target("b") && state.is_rollback_target("c"));
    for number in 0..20 {
        state.record_admin_rollback(&number.to_string());
    }
    assert_eq!(state.rolled_back.len(), MAX_ROLLED_BACK);
    assert!(!state.is_rollback_target("19"));
}

#[test]
fn reactivation_clears_the_rolled_back_mark() {
    let mut state = RolloutState::default();
    state.begin_probation("b", at(0), PROBATION);
    assert!(!state.was_rolled_back("b"));
    state.record_automatic_rollback("b", "trapped", at(1), PROBATION);
    assert!(state.was_rolled_back("b") && !state.was_rolled_back("a"));
    state.begin_probation("b", at(2), PROBATION);
    assert!(!state.was_rolled_back("b"), "it was activated since");
}

#[test]
fn the_remaining_probation_survives_a_restart() {
    let mut state = RolloutState::default();
    state.begin_probation("a", at(10), PROBATION);
    state.count_failed_calls("a", 2);
    state.count_failed_calls("b", 7);
    let stored: RolloutState = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    let remaining = |minute| {
        stored.remaining_probation("a", at(minute), PROBATION).map(|(span, failed)| (span.as_secs() / 60, failed))
    };
    assert_eq!([10, 13, 14, 15, 99].map(remaining), [Some((5, 2)), Some((2, 2)), Some((1, 2)), None, None]);
    // In the first case, the clock was set back; in the second, the operator disabled the probation.
    assert_eq!((remaining(3), stored.remaining_probation("a", at(11), Duration::ZERO)), (Some((5, 2)), None));
    assert_eq!(stored.remaining_probation("b", at(11), PROBATION), None);
}

#[test]
fn a_record_of_the_first_release_is_parsed() {
    let old = r#"{"disabled":null,"rolled_back":["a"],"fall":null}"#;
    let state: RolloutState = serde_json::from_str(old).unwrap();
    assert_eq!((state.rolled_back, state.probation, state.rollbacks), (vec!["a".to_owned()], None, Vec::new()));
}

#[test]
fn a_record_with_a_single_rollback_is_parsed() {
    let rollback = r#"{"digest":"b","count":2,"at":60000,"why":"trapped","waits":true,"instead":"a"}"#;
    let old = format!(r#"{{"disabled":null,"rolled_back":[],"fall":{rollback},"proving":null}}"#);
    let state: RolloutState = serde_json::from_str(&old).unwrap();
    assert_eq!(state.retry_at("b"), Some(at(6)));
    assert!(matches!(state.admits("b", at(5)), Admission::Backoff { rollbacks: 2, .. }));
    assert_eq!(state.admits("c", at(5)), Admission::Admitted);
    let stored: RolloutState = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    assert_eq!(stored, state);
}
