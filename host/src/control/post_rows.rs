//! Defines the rows in the JSON output of `cordboard outbox`.

use std::borrow::Cow;

use cordboard_core::types::DeliveryLogEntry;
use cordboard_store::{OutboxReport, PlaceReach, WaitingPost};
use serde::{Deserialize, Serialize};

/// A post in the JSON output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostRow {
    pub place: String,
    /// The text of a [`PostState`], or the outcome of the delivery.
    pub state: Cow<'static, str>,
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

/// The state of a post that is not sent yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostState {
    Waiting,
    Sending,
    /// The place can't be written to.
    Unreachable,
    /// The post's topic was deleted.
    Undeliverable,
}

impl PostState {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Sending, Self::Unreachable, Self::Undeliverable];

    #[must_use]
    pub fn of(post: &WaitingPost) -> Self {
        match (&post.delivery.undeliverable, &post.reach) {
            (Some(_), _) => Self::Undeliverable,
            (None, PlaceReach::Unreachable { .. }) => Self::Unreachable,
            (None, PlaceReach::Reachable) if has_begun(post) => Self::Sending,
            (None, PlaceReach::Reachable) => Self::Waiting,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Unreachable => "unreachable",
            Self::Undeliverable => "undeliverable",
        }
    }
}

const fn has_begun(post: &WaitingPost) -> bool {
    post.delivery.parts > 0
}

impl From<DeliveryLogEntry> for PostRow {
    fn from(entry: DeliveryLogEntry) -> Self {
        Self {
            place: entry.place.to_string(),
            state: entry.issue.outcome.as_str().into(),
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
        let (state, has_begun) = (PostState::of(&post).as_str(), has_begun(&post));
        let why = match (post.delivery.undeliverable, post.reach) {
            (Some(why), _) => Some(why),
            (None, PlaceReach::Unreachable { why }) => why,
            (None, PlaceReach::Reachable) => None,
        };
        Self {
            place: post.place.to_string(),
            state: state.into(),
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
