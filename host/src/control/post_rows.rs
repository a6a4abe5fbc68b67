//! Defines the rows in the JSON output of `cordboard outbox`.

use cordboard_core::types::DeliveryLogEntry;
use cordboard_store::{OutboxReport, PlaceReach, WaitingPost};
use serde::Serialize;

/// A post in the JSON output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PostRow {
    pub place: String,
    /// `waiting`, `sending`, `unreachable` or `undeliverable`, or the outcome of the delivery.
    pub state: &'static str,
    /// The time at which a waiting post was stored, if known, or at which a delivery ended, in milliseconds since the
    /// Unix epoch.
    pub at: Option<u64>,
    /// The number of messages already sent, of `messages` in total. Both are `None` until the host begins to send the
    /// post.
    pub sent: Option<u32>,
    pub messages: Option<u32>,
    /// The beginning of the post.
    pub text: String,
    /// The reason for the state: an error text from the chat server or the host.
    pub why: Option<String>,
}

impl From<DeliveryLogEntry> for PostRow {
    fn from(entry: DeliveryLogEntry) -> Self {
        Self {
            place: entry.place.to_string(),
            state: entry.issue.outcome.as_str(),
            at: Some(entry.at.0),
            sent: None,
            messages: None,
            text: entry.beginning,
            why: Some(entry.issue.why),
        }
    }
}

impl From<WaitingPost> for PostRow {
    fn from(post: WaitingPost) -> Self {
        let has_begun = post.delivery.parts > 0;
        let (state, why) = match (post.delivery.undeliverable, post.reach) {
            (Some(why), _) => ("undeliverable", Some(why)),
            (None, PlaceReach::Unreachable { why }) => ("unreachable", why),
            (None, PlaceReach::Reachable) if has_begun => ("sending", None),
            (None, PlaceReach::Reachable) => ("waiting", None),
        };
        Self {
            place: post.place.to_string(),
            state,
            at: post.stored.map(|at| at.0),
            sent: has_begun.then_some(post.delivery.shown),
            messages: has_begun.then_some(post.delivery.parts),
            text: post.beginning,
            why,
        }
    }
}

/// Returns the failed or degraded deliveries, followed by the posts that haven't been sent yet.
#[must_use]
pub fn post_rows(report: OutboxReport) -> Vec<PostRow> {
    report.log.into_iter().map(PostRow::from).chain(report.waiting.into_iter().map(PostRow::from)).collect()
}
