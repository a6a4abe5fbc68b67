//! For tests: a policy that lets go of an agent after a second, whatever its session's timeout is, so that a policy can be
//! seen to be swapped.

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
