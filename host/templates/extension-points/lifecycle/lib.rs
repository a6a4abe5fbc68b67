//! Decides when to stop idle agents: after their idle timeout, or earlier if memory is scarce.

use cordboard_plugin::{
    Lifecycle, Seconds,
    lifecycle::{Status, Verdict},
    text,
};

/// Memory is scarce if fewer than this many bytes are free.
const SCARCE: u64 = 1 << 30;

/// In seconds: the maximum idle timeout while memory is scarce, the maximum time between reviews, and the minimum idle
/// time for which a resume is announced.
const SHORT: Seconds = 60;

struct Plugin;

impl Lifecycle for Plugin {
    fn review(status: Status) -> Verdict {
        let timeout = status.session.idle_timeout;
        let limit = if status.free_memory < SCARCE { SHORT.min(timeout) } else { timeout };
        match limit.saturating_sub(status.idle_for) {
            0 => Verdict::Suspend,
            // Request another review within `SHORT`, because memory may become scarce.
            left => Verdict::ReviewIn(left.min(SHORT)),
        }
    }

    fn resume_notice(status: Status) -> Option<String> {
        let idle_for = status.idle_for;
        (idle_for >= SHORT).then(|| format!("Good to see you again, after {}.", text::long_span(idle_for)))
    }
}

cordboard_plugin::export!(Plugin: lifecycle);
