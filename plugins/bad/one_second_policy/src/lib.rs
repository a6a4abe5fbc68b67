//! For tests: a lifecycle policy that suspends an agent after a second, regardless of the session's timeout, so that
//! tests see when it replaces another policy. With `traps = true` in its configuration, every review traps.

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
