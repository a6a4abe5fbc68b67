//! Formats the rows of `cordboard outbox`: failed or degraded deliveries first, then posts that haven't been sent yet.

use cordboard_core::types::{DeliveryLogEntry, Timestamp};
use cordboard_store::{OutboxReport, PlaceReach, WaitingPost};
use serde::Serialize;

use super::{ago, table};

/// A post in the JSON output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PostRow {
    pub place: String,
    /// `waiting`, `sending`, `unreachable` or `undeliverable`, or the outcome of the delivery.
    pub state: &'static str,
    /// The time at which a waiting post was stored, if known, or at which a delivery ended, in milliseconds since the
    /// Unix epoch.
    pub at: Option<u64>,
    /// The number of messages already sent. Like `messages`, it is `None` until the host begins to send the post.
    pub sent: Option<u32>,
    pub messages: Option<u32>,
    /// The beginning of the post.
    pub text: String,
    /// The reason: the error text from the chat server or from the host.
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

#[must_use]
pub fn post_rows(report: OutboxReport) -> Vec<PostRow> {
    report.log.into_iter().map(PostRow::from).chain(report.waiting.into_iter().map(PostRow::from)).collect()
}

#[must_use]
pub fn outbox(rows: &[PostRow], now: Timestamp) -> String {
    if rows.is_empty() {
        return "No messages are waiting, and no delivery has failed.\n".to_owned();
    }
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let cells = rows.iter().map(|row| {
        let state = match (row.sent, row.messages) {
            (Some(sent), Some(messages)) => format!("{} {sent}/{messages}", row.state),
            (None, _) | (_, None) => row.state.to_owned(),
        };
        vec![
            row.place.clone(),
            state,
            row.at.map_or_else(|| "-".to_owned(), |at| ago(now, at)),
            or_dash(&row.text),
            row.why.as_deref().map_or_else(|| "-".to_owned(), or_dash),
        ]
    });
    table(&["PLACE", "STATE", "TIME", "TEXT", "REASON"], &cells.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use cordboard_core::{
        types::{DeliveryIssue, DeliveryOutcome, Place},
        updates_and_posts::Delivery,
    };
    use expect_test::expect;

    use super::*;

    fn waiting(reach: PlaceReach, delivery: Delivery) -> WaitingPost {
        let stored = Some(Timestamp(0));
        WaitingPost { place: Place::new("telegram", "42"), reach, stored, delivery, beginning: "Done.".to_owned() }
    }

    #[test]
    fn failed_deliveries_precede_waiting_posts() {
        let issue = DeliveryIssue::new(DeliveryOutcome::SentWithoutStyles, "Bad Request: can't parse entities");
        let entry = DeliveryLogEntry {
            at: Timestamp(0),
            place: Place::new("telegram", "-100"),
            issue,
            beginning: "A table…".to_owned(),
        };
        let begun = Delivery { shown: 2, parts: 5, ..Delivery::default() };
        let deleted = Delivery { undeliverable: Some("message thread not found".to_owned()), ..Delivery::default() };
        let blocked = PlaceReach::Unreachable { why: Some("Forbidden: bot was blocked by the user".to_owned()) };
        let old = waiting(PlaceReach::Unreachable { why: None }, Delivery::default());
        let posts = vec![
            waiting(PlaceReach::Reachable, begun.clone()),
            waiting(PlaceReach::Reachable, Delivery::default()),
            waiting(blocked, begun),
            waiting(PlaceReach::Unreachable { why: None }, deleted),
            WaitingPost { stored: None, beginning: String::new(), ..old },
        ];
        let rows = post_rows(OutboxReport { log: vec![entry], waiting: posts });
        expect![[r#"
            PLACE          STATE                TIME    TEXT      REASON
            telegram:-100  sent without styles  2h ago  A table…  Bad Request: can't parse entities
            telegram:42    sending 2/5          2h ago  Done.     -
            telegram:42    waiting              2h ago  Done.     -
            telegram:42    unreachable 2/5      2h ago  Done.     Forbidden: bot was blocked by the user
            telegram:42    undeliverable        2h ago  Done.     message thread not found
            telegram:42    unreachable          -       -         -
        "#]]
        .assert_eq(&outbox(&rows, Timestamp(7_200_001)));
        assert_eq!(outbox(&[], Timestamp(0)), "No messages are waiting, and no delivery has failed.\n");
    }
}
