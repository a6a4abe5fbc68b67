//! Owns the unsolicited notices about plugins, including approval requests: collects them briefly, merges them into one
//! message and limits the message rate, so that a thousand files cause only a handful of messages. It must not delay
//! answers to commands.

use std::{collections::VecDeque, time::Duration};

use cordboard_core::{
    messages::plugins as messages,
    rollout::{NoticeKind as Kind, RejectReason, short},
    types::Reply,
};
use cordboard_runtime::{PendingApproval, joint_approval_request};
use tokio::time::Instant;

use super::Rollout;

/// The maximum number of pending notices, as a multiple of the number that a message lists. Beyond that, the least
/// important notice is dropped and only counted.
const PENDING_PER_LISTED: usize = 4;

/// The timing and size of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The time that the first notice waits for others to arrive.
    pub gather: Duration,
    /// The maximum number of messages sent within `span`.
    pub most: usize,
    pub span: Duration,
    /// The maximum number of notices listed in a message. Any others are only counted.
    pub listed: usize,
}

impl Default for Pace {
    /// The defaults are fast enough for an author who has just saved a plugin, and respect Telegram's limit of 20
    /// messages a minute in a group.
    fn default() -> Self {
        Self { gather: Duration::from_millis(300), most: 5, span: Duration::from_secs(15), listed: 10 }
    }
}

struct Notice {
    plugin: String,
    kind: Kind,
    text: String,
}

/// A message to the operators.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// Merged notices.
    Changes(String),
    /// Versions that wait for approval, at least one.
    Approvals(Vec<PendingApproval>),
}

pub struct Notices {
    pace: Pace,
    pending: Vec<Notice>,
    /// The number of notices that were dropped and are only counted.
    more: usize,
    /// The time at which the first pending notice arrived.
    since: Option<Instant>,
    /// The versions that the owner will be asked to approve, at most one per plugin.
    approvals: Vec<PendingApproval>,
    /// The time at which the first pending approval arrived.
    approvals_since: Option<Instant>,
    /// The times of the latest messages, at most [`Pace::most`] of them.
    sent: VecDeque<Instant>,
}

impl Notices {
    pub fn new(pace: Pace) -> Self {
        let (pending, approvals, sent) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { pace, pending, more: 0, since: None, approvals, approvals_since: None, sent }
    }

    pub fn add(&mut self, plugin: &str, kind: Kind, text: String, now: Instant) {
        self.drop_progress(plugin);
        self.since.get_or_insert(now);
        self.pending.push(Notice { plugin: plugin.to_owned(), kind, text });
        if self.pending.len() > self.pace.listed.saturating_mul(PENDING_PER_LISTED) {
            let least = (0..self.pending.len()).min_by_key(|at| self.pending[*at].kind).unwrap_or_default();
            self.pending.remove(least);
            self.more += 1;
        }
    }

    /// Adds an approval request, replacing any pending request for another version of the same plugin.
    pub fn add_approval(&mut self, approval: PendingApproval, now: Instant) {
        self.drop_progress(&approval.plugin);
        self.approvals_since.get_or_insert(now);
        self.approvals.retain(|other| other.plugin != approval.plugin);
        self.approvals.push(approval);
    }

    fn drop_progress(&mut self, plugin: &str) {
        self.pending.retain(|other| other.plugin != plugin || other.kind != Kind::Progress);
        self.since.take_if(|_| self.pending.is_empty() && self.more == 0);
    }

    /// Returns the maximum number of approvals that a message lists.
    pub const fn listed(&self) -> usize {
        self.pace.listed
    }

    /// Returns the time at which the next message is due, if there is one.
    pub fn due(&self) -> Option<Instant> {
        let gathered = self.since.into_iter().chain(self.approvals_since).min()? + self.pace.gather;
        let earliest = self.sent.front().filter(|_| self.sent.len() >= self.pace.most);
        Some(earliest.map_or(gathered, |first| gathered.max(*first + self.pace.span)))
    }

    /// Merges the pending notices into a message, or the pending approvals if they have been waiting longer. Drops
    /// approvals that are no longer `open`.
    pub fn take(&mut self, now: Instant, open: impl Fn(&PendingApproval) -> bool) -> Option<Message> {
        let approvals_first = self.approvals_since.is_some_and(|at| self.since.is_none_or(|since| since > at));
        let message = if approvals_first {
            self.approvals_since = None;
            self.approvals.retain(open);
            let approvals = std::mem::take(&mut self.approvals);
            (!approvals.is_empty()).then_some(Message::Approvals(approvals))
        } else {
            self.since = None;
            self.merge().map(Message::Changes)
        }?;
        self.sent.push_back(now);
        if self.sent.len() > self.pace.most {
            self.sent.pop_front();
        }
        Some(message)
    }

    fn merge(&mut self) -> Option<String> {
        let mut pending = std::mem::take(&mut self.pending);
        let count = pending.len() + std::mem::take(&mut self.more);
        if count <= 1 {
            return pending.pop().map(|only| only.text);
        }
        // The sort is stable, so notices of one kind keep their order.
        pending.sort_by_key(|notice| std::cmp::Reverse(notice.kind));
        let mut text = messages::several_changes(count);
        let listed = pending.len().min(self.pace.listed);
        for notice in &pending[..listed] {
            text.push_str(&format!("\n- {}", notice.text.replace('\n', "\n  ")));
        }
        if count > listed {
            text.push_str(&messages::more_changes(count - listed));
        }
        Some(text)
    }
}

impl Rollout {
    pub(super) async fn ask(&mut self, approval: PendingApproval) {
        tracing::info!(
            plugin = approval.plugin,
            digest = short(&approval.digest),
            missing = approval.missing.join(", "),
            "version pending approval: asking the owner"
        );
        if let Some(notifier) = self.notifier.clone() {
            notifier.supersede(&approval.request()).await;
        }
        self.notices.add_approval(approval, Instant::now());
    }

    /// Sends the next message.
    pub(super) async fn send_notice(&mut self) {
        let Some(notifier) = self.notifier.clone() else { return };
        let machines = &self.machines;
        let is_open = |approval: &PendingApproval| {
            let rejected = machines.get(&approval.plugin).and_then(|machine| machine.rejected());
            rejected.is_some_and(|one| {
                one.digest == approval.digest && matches!(one.reason, RejectReason::PendingApproval(_))
            })
        };
        match self.notices.take(Instant::now(), is_open) {
            Some(Message::Changes(text)) => notifier.notify(text, None).await,
            Some(Message::Approvals(approvals)) => notifier.ask(self.question(&approvals)).await,
            None => {}
        }
    }

    /// Returns the message that asks the owner to approve these versions.
    fn question(&self, approvals: &[PendingApproval]) -> Reply {
        match approvals {
            [only] => only.approval_request(self.registry.snapshot().version(&only.plugin).map(|one| one.generation)),
            several => joint_approval_request(several, self.notices.listed()),
        }
    }

    /// Sends all pending messages.
    pub(super) async fn send_notices(&mut self) {
        while self.notifier.is_some() && self.notices.due().is_some() {
            self.send_notice().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn changes(notices: &mut Notices, now: Instant) -> Option<String> {
        notices.take(now, |_| true).map(|message| match message {
            Message::Changes(text) => text,
            Message::Approvals(approvals) => panic!("approvals: {approvals:?}"),
        })
    }

    fn approval(number: u32, digest: &str) -> PendingApproval {
        let missing = vec!["chat".to_owned()];
        PendingApproval { plugin: format!("p{number}"), digest: digest.to_owned(), missing }
    }

    /// Adds `count` notices evenly over `span`. Returns each message and when it was sent.
    fn flood(count: u32, span: Duration) -> Vec<(Duration, String)> {
        let (mut notices, began) = (Notices::new(Pace::default()), Instant::now());
        let mut sent = Vec::new();
        let mut send_until = |notices: &mut Notices, end: Instant| {
            while let Some(due) = notices.due().filter(|due| *due <= end) {
                sent.extend(changes(notices, due).map(|text| (due - began, text)));
            }
        };
        for number in 0..count {
            let now = began + span * number / count;
            send_until(&mut notices, now);
            notices.add(&format!("p{number}"), Kind::Done, format!("Plugin 'p{number}' is active."), now);
        }
        send_until(&mut notices, began + 1000 * SECOND);
        assert!(notices.due().is_none());
        sent
    }

    #[test]
    fn a_single_notice_is_sent_promptly_and_unchanged() {
        assert_eq!(flood(1, SECOND), [(Pace::default().gather, "Plugin 'p0' is active.".to_owned())]);
    }

    #[test]
    fn simultaneous_notices_are_one_message() {
        let sent = flood(3, Duration::from_millis(100));
        let text = "3 plugin changes:\n- Plugin 'p0' is active.\n- Plugin 'p1' is active.\n- Plugin 'p2' is active.";
        assert_eq!(sent, [(Pace::default().gather, text.to_owned())]);
    }

    #[test]
    fn a_thousand_notices_fit_a_few_messages() {
        let sent = flood(1000, 10 * SECOND);
        let Pace { most, span, listed, .. } = Pace::default();
        assert_eq!(sent.len(), most + 1, "{sent:#?}");
        for window in sent.windows(most + 1) {
            assert!(window[most].0 - window[0].0 >= span);
        }
        let last = &sent[most].1;
        let count: usize = last.split_once(' ').unwrap().0.parse().unwrap();
        assert_eq!(last.lines().count(), listed + 2);
        assert!(last.ends_with(&format!("\nand {} more. /plugins lists them.", count - listed)), "{last}");
    }

    #[test]
    fn failures_come_first_and_are_never_only_counted() {
        let (mut notices, now) = (Notices::new(Pace::default()), Instant::now());
        let mut add = |number: usize, kind| notices.add(&format!("p{number}"), kind, format!("{number}\nmore"), now);
        (0..100).for_each(|number| add(number, if number == 3 { Kind::Trouble } else { Kind::Done }));
        let text = changes(&mut notices, now).unwrap();
        assert!(text.starts_with("100 plugin changes:\n- 3\n  more\n- "), "{text}");
        assert!(text.ends_with("\nand 90 more. /plugins lists them."), "{text}");
    }

    #[test]
    fn a_compilation_result_replaces_its_start_notice() {
        let (mut notices, now) = (Notices::new(Pace::default()), Instant::now());
        notices.add("a", Kind::Progress, "a is being compiled".to_owned(), now);
        notices.add("b", Kind::Progress, "b is being compiled".to_owned(), now);
        notices.add("a", Kind::Done, "a is active".to_owned(), now);
        let text = "2 plugin changes:\n- a is active\n- b is being compiled";
        assert_eq!(changes(&mut notices, now).as_deref(), Some(text));
        assert_eq!((changes(&mut notices, now), notices.due()), (None, None));
    }

    #[test]
    fn a_thousand_approvals_and_changes_fit_a_few_messages() {
        let (mut notices, began) = (Notices::new(Pace::default()), Instant::now());
        let (mut asked, mut times) = (Vec::new(), Vec::new());
        let mut send_until = |notices: &mut Notices, end: Instant| {
            while let Some(due) = notices.due().filter(|due| *due <= end) {
                let message = notices.take(due, |_| true).expect("a message is due");
                times.push(due);
                if let Message::Approvals(approvals) = message {
                    asked.extend(approvals);
                }
            }
        };
        for number in 0..1000 {
            let now = began + 10 * SECOND * number / 1000;
            send_until(&mut notices, now);
            notices.add_approval(approval(number, "0123"), now);
            notices.add(&format!("q{number}"), Kind::Done, "active".to_owned(), now);
        }
        send_until(&mut notices, began + 1000 * SECOND);
        assert_eq!(asked, (0..1000).map(|number| approval(number, "0123")).collect::<Vec<_>>(), "each is asked once");
        let Pace { most, span, .. } = Pace::default();
        assert!(times.len() <= most + 2, "{}", times.len());
        assert!(times.windows(most + 1).all(|window| window[most] - window[0] >= span));
    }

    #[test]
    fn only_open_approvals_of_the_newest_versions_are_asked() {
        let (mut notices, now) = (Notices::new(Pace::default()), Instant::now());
        notices.add("p2", Kind::Progress, "p2 is being compiled".to_owned(), now);
        for (number, digest) in [(1, "old"), (2, "old"), (1, "new")] {
            notices.add_approval(approval(number, digest), now);
        }
        let open = |one: &PendingApproval| one.plugin == "p1";
        assert_eq!(notices.take(now, open), Some(Message::Approvals(vec![approval(1, "new")])));
        notices.add_approval(approval(2, "old"), now);
        assert_eq!((notices.take(now, open), notices.due()), (None, None));
    }
}
