//! For tests: a lifecycle policy that suspends an agent after a second, regardless of the session's timeout, so that
//! the replacement of a policy is visible. With `traps = true` in its configuration, it traps in every call.

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
