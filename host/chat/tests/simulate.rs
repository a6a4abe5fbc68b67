//! Runs a short simulation, and checks that the same seed repeats it. `cargo xtask simulate` runs longer ones.

#[path = "../benches/simulate/simulation/mod.rs"]
mod simulation;

// The modules that the simulation shares with the tests of the core refer to these as their own.
use cordboard_core::{agent_event, config, messages, rollout, session, turn, types};
#[path = "../../core/src/random_worlds.rs"]
#[expect(dead_code, reason = "the tests of the core use more of it")]
mod random_worlds;

use std::time::Duration;

use expect_test::expect;
use simulation::{
    report::{Progress, Violation},
    world::BEGIN,
};

#[test]
fn a_seed_repeats_its_days() {
    let run = |seed| simulation::run(seed, 4).unwrap_or_else(|violation| panic!("{violation}"));
    let first = run(1);
    assert_eq!(first, run(1));
    assert_ne!(first, run(2));
}

#[test]
fn a_violation_names_its_step_and_the_command_that_repeats_it() {
    let mut progress = Progress::default();
    progress.record(6, BEGIN, "Poll".to_owned());
    progress.record(7, BEGIN.after(Duration::from_millis(61_000)), "Kill".to_owned());
    let violation = Violation { seed: 3, days: 9, why: "a rule".to_owned(), progress };
    expect![[r#"
        violated in step 7, day 1, 07:01:01, with seed 3: a rule

        The last events:
          6 day 1, 07:00:00 Poll
          7 day 1, 07:01:01 Kill

        To repeat it: cargo xtask simulate --seed 3 --days 9"#]]
    .assert_eq(&violation.to_string());
}
