//! For tests: a lifecycle policy that suspends agents after one second, regardless of the session's timeout, so that
//! tests can tell when it replaces another policy. With `traps = true` in its configuration, every review traps.

use cordboard_plugin::{
    Lifecycle, config,
    lifecycle::{Status, Verdict},
};

struct OneSecondPolicy;

impl Lifecycle for OneSecondPolicy {
    fn review(_status: Status) -> Verdict {
        if config::read().contains("traps") { std::process::abort() } else { Verdict::SuspendAfter(1) }
    }
}

cordboard_plugin::export!(OneSecondPolicy: lifecycle);
