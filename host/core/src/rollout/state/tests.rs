//! Rollbacks and backoffs, as traces of one plugin over minutes.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::*;

const PROBATION: Duration = Duration::from_secs(300);

fn at(minute: u64) -> Timestamp {
    Timestamp(0).after(Duration::from_secs(60 * minute))
}

/// Each step is a minute, a verb and a digest; the trace shows the result.
fn check(script: &[(u64, &str, &str)], trace: &Expect) {
    let mut standing = RolloutState::default();
    let mut told = String::new();
    for (minute, verb, digest) in script {
        let now = at(*minute);
        let line = match *verb {
            "fall" => {
                standing.on_rolled_back(digest, "trapped", now, PROBATION);
                format!("{digest} falls, due {:?}", standing.retry_at(digest).map(|due| due.0 / 60_000))
            }
            "new" => {
                let admission = standing.admits(digest, now);
                if admission == Admission::Admitted {
                    standing.on_activated();
                }
                match admission {
                    Admission::Admitted => format!("{digest} is let in"),
                    Admission::Backoff { until, falls, .. } => {
                        format!("{digest} waits until {} after {falls} falls", until.0 / 60_000)
                    }
                    Admission::Abandoned { falls, .. } => format!("{digest} is given up after {falls} falls"),
                    Admission::RolledBack => format!("{digest} is held off"),
                    Admission::Disabled(word) => format!("{digest} is not looked at: {} said so", word.who),
                }
            }
            "rollback" => {
                standing.on_rollback(digest);
                format!("{digest} is rolled back")
            }
            "reload" => {
                standing.clear_rollbacks();
                "all is forgiven".to_owned()
            }
            "disable" => {
                standing.disabled = Some(Decision { who: UserId("console:local".to_owned()), at: now });
                format!("disabled, due {:?}", standing.retry_at("a"))
            }
            other => panic!("there is no step {other}"),
        };
        writeln!(told, "{minute:02} {line}").unwrap();
    }
    trace.assert_eq(&told);
}

#[test]
fn backoff_grows_until_only_other_bytes_are_tried() {
    check(
        &[
            (0, "fall", "a"),
            (0, "new", "a"),
            (1, "new", "a"),
            (2, "fall", "a"),
            (6, "new", "a"),
            (7, "new", "a"),
            (8, "fall", "a"),
            (32, "new", "a"),
            (33, "new", "a"),
            (34, "fall", "a"),
            (99, "new", "a"),
            (99, "new", "b"),
        ],
        &expect![[r#"
            00 a falls, due Some(1)
            00 a waits until 1 after 1 falls
            01 a is let in
            02 a falls, due Some(7)
            06 a waits until 7 after 2 falls
            07 a is let in
            08 a falls, due Some(33)
            32 a waits until 33 after 3 falls
            33 a is let in
            34 a falls, due None
            99 a is given up after 4 falls
            99 b is let in
        "#]],
    );
}

#[test]
fn each_version_has_its_own_backoff() {
    check(
        &[
            (0, "fall", "a"),
            (0, "new", "b"),
            (0, "fall", "b"),
            (0, "new", "c"),
            (1, "new", "a"),
            (1, "fall", "a"),
            (2, "new", "b"),
            (2, "fall", "b"),
            (3, "new", "a"),
            (3, "new", "c"),
            (6, "new", "a"),
            (6, "new", "b"),
            (7, "new", "b"),
        ],
        &expect![[r#"
            00 a falls, due Some(1)
            00 b is let in
            00 b falls, due Some(1)
            00 c is let in
            01 a is let in
            01 a falls, due Some(6)
            02 b is let in
            02 b falls, due Some(7)
            03 a waits until 6 after 2 falls
            03 c is let in
            06 a is let in
            06 b waits until 7 after 2 falls
            07 b is let in
        "#]],
    );
}

#[test]
fn distant_rollbacks_of_a_version_are_not_consecutive() {
    check(
        &[(0, "fall", "a"), (1, "new", "a"), (12, "fall", "a"), (17, "new", "a"), (33, "fall", "a")],
        &expect![[r#"
            00 a falls, due Some(1)
            01 a is let in
            12 a falls, due Some(13)
            17 a is let in
            33 a falls, due Some(34)
        "#]],
    );
}

#[test]
fn a_completed_probation_makes_a_version_good_again() {
    let mut standing = RolloutState::default();
    standing.on_rolled_back("a", "trapped", at(0), PROBATION);
    standing.on_activation("a", at(1), PROBATION);
    let mut early = standing.clone();
    early.on_activation("b", at(5), PROBATION);
    standing.on_activation("b", at(6), PROBATION);
    assert!(standing.is_good("a") && !early.is_good("a"));
    standing.on_rolled_back("b", "trapped", at(7), PROBATION);
    standing.on_activation("c", at(30), PROBATION);
    assert!(!standing.is_good("b"), "it was rolled back after its activation");
}

#[test]
fn the_oldest_rollback_is_dropped_first() {
    let mut standing = RolloutState::default();
    for number in 0..=FALLEN {
        standing.on_rolled_back(&number.to_string(), "trapped", at(0), PROBATION);
    }
    assert_eq!(standing.falls.len(), FALLEN);
    assert!(standing.is_good("0") && !standing.is_good("1"));
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
            (9, "fall", "c"),
            (9, "reload", ""),
            (9, "new", "c"),
        ],
        &expect![[r#"
            00 c is rolled back
            00 b is rolled back
            09 c is held off
            09 b is held off
            09 d is let in
            09 c is let in
            09 c is rolled back
            09 all is forgiven
            09 c is let in
            09 c falls, due Some(10)
            09 all is forgiven
            09 c is let in
        "#]],
    );
}

#[test]
fn a_disabled_plugin_has_no_due_retry() {
    check(
        &[(0, "fall", "a"), (0, "disable", ""), (5, "new", "a"), (5, "new", "b")],
        &expect![[r#"
            00 a falls, due Some(1)
            00 disabled, due None
            05 a is not looked at: console:local said so
            05 b is not looked at: console:local said so
        "#]],
    );
}

#[test]
fn rolled_back_versions_are_not_rollback_targets() {
    let mut standing = RolloutState::default();
    assert!(standing.is_clear() && standing.is_good("a"));
    standing.on_rollback("a");
    standing.on_rolled_back("b", "trapped", at(0), PROBATION);
    assert!(!standing.is_good("a") && !standing.is_good("b") && standing.is_good("c"));
    for number in 0..20 {
        standing.on_rollback(&number.to_string());
    }
    assert_eq!(standing.rolled_back.len(), ROLLED_BACK);
    assert!(!standing.is_good("19"));
}

#[test]
fn reactivation_clears_the_rolled_back_mark() {
    let mut standing = RolloutState::default();
    standing.on_activation("b", at(0), PROBATION);
    assert!(!standing.was_rolled_back("b"));
    standing.on_rolled_back("b", "trapped", at(1), PROBATION);
    assert!(standing.was_rolled_back("b") && !standing.was_rolled_back("a"));
    standing.on_activation("b", at(2), PROBATION);
    assert!(!standing.was_rolled_back("b"), "a restart gives no further attempt");
}

#[test]
fn the_remaining_probation_survives_a_restart() {
    let mut standing = RolloutState::default();
    standing.on_activation("a", at(10), PROBATION);
    standing.on_failed("a", 2);
    standing.on_failed("b", 7);
    let kept: RolloutState = serde_json::from_str(&serde_json::to_string(&standing).unwrap()).unwrap();
    let left = |minute| kept.left_of("a", at(minute), PROBATION).map(|(left, failed)| (left.as_secs() / 60, failed));
    assert_eq!([10, 13, 14, 15, 99].map(left), [Some((5, 2)), Some((2, 2)), Some((1, 2)), None, None]);
    // The clock was set back, and the operator disabled the probation.
    assert_eq!((left(3), kept.left_of("a", at(11), Duration::ZERO)), (Some((5, 2)), None));
    assert_eq!(kept.left_of("b", at(11), PROBATION), None);
}

#[test]
fn a_record_of_the_first_release_is_parsed() {
    let old = r#"{"disabled":null,"rolled_back":["a"],"fall":null}"#;
    let standing: RolloutState = serde_json::from_str(old).unwrap();
    assert_eq!((standing.rolled_back, standing.proving, standing.falls), (vec!["a".to_owned()], None, Vec::new()));
}

#[test]
fn a_record_with_a_single_rollback_is_parsed() {
    let fall = r#"{"digest":"b","count":2,"at":60000,"why":"trapped","waits":true,"instead":"a"}"#;
    let old = format!(r#"{{"disabled":null,"rolled_back":[],"fall":{fall},"proving":null}}"#);
    let standing: RolloutState = serde_json::from_str(&old).unwrap();
    assert_eq!(standing.retry_at("b"), Some(at(6)));
    assert!(matches!(standing.admits("b", at(5)), Admission::Backoff { falls: 2, .. }));
    assert_eq!(standing.admits("c", at(5)), Admission::Admitted);
    let kept: RolloutState = serde_json::from_str(&serde_json::to_string(&standing).unwrap()).unwrap();
    assert_eq!(kept, standing);
}
