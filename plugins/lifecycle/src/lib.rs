//! The default lifecycle policy: it suspends an agent after its session's idle timeout. It keeps no timers: the host
//! calls `review` again when a timeout changes, so that the new timeout takes effect at once.

mod german;

use cordboard_plugin::{
    Lifecycle, Seconds,
    lifecycle::{Status, Verdict},
    text::short_span,
    tr,
};

/// A resume notice mentions the idle time only if it is longer than this, in seconds.
const HARDLY_IDLE: Seconds = 60;

struct Policy;

impl Lifecycle for Policy {
    fn review(status: Status) -> Verdict {
        match status.session.idle_timeout.saturating_sub(status.idle_for) {
            0 => Verdict::Suspend,
            left => Verdict::SuspendAfter(left),
        }
    }

    fn resume_notice(status: Status) -> Option<String> {
        Some(notice(status.idle_for))
    }
}

fn notice(idle_for: Seconds) -> String {
    if idle_for > HARDLY_IDLE {
        tr!("Resuming session (idle for {})...", short_span(idle_for))
    } else {
        tr!("Resuming session...")
    }
}

cordboard_plugin::export!(Policy: lifecycle; german::GERMAN);

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing::{session, with_translation};

    use super::*;

    #[test]
    fn an_agent_is_suspended_at_the_timeout() {
        let review = |idle_for| {
            let status = Status { session: session("x"), idle_for, live_agents: 1, agent_memory: None, free_memory: 0 };
            Policy::review(status)
        };
        assert!(matches!(review(0), Verdict::SuspendAfter(600)));
        assert!(matches!(review(599), Verdict::SuspendAfter(1)));
        assert!(matches!(review(600), Verdict::Suspend));
        assert!(matches!(review(601), Verdict::Suspend));
    }

    #[test]
    fn a_resume_notice_mentions_a_long_idle_time() {
        assert_eq!([0, 60].map(notice), ["Resuming session..."; 2]);
        assert_eq!(notice(900), "Resuming session (idle for 15 min)...");
        assert_eq!(notice(3 * 3600 + 5), "Resuming session (idle for 3 h)...");
        assert_eq!(notice(2 * 86_400), "Resuming session (idle for 2 d)...");
        let german = with_translation(&german::GERMAN, || notice(900));
        assert_eq!(german, "Session wird fortgesetzt (Pause: 15 min)...");
    }
}
