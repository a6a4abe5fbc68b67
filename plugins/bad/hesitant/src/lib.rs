//! For tests: a lifecycle policy that suspends an agent after a second, whatever its session's timeout is, so that
//! the replacement of a policy is visible.

use cordboard_plugin::{
    Lifecycle,
    lifecycle::{Moment, Verdict},
};

struct Hesitant;

impl Lifecycle for Hesitant {
    fn review(_moment: Moment) -> Verdict {
        Verdict::SuspendAfter(1)
    }
}

cordboard_plugin::export!(Hesitant: lifecycle);
