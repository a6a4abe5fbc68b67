//! For tests: a lifecycle policy that traps in every call.

use cordboard_plugin::{
    Lifecycle,
    lifecycle::{Moment, Verdict},
};

struct Grumpy;

impl Lifecycle for Grumpy {
    fn review(_moment: Moment) -> Verdict {
        std::process::abort()
    }

    fn resume_notice(_moment: Moment) -> Option<String> {
        std::process::abort()
    }
}

cordboard_plugin::export!(Grumpy: lifecycle);
