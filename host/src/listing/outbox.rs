//! Formats the rows of `cordboard outbox`: failed or degraded deliveries first, then posts that haven't been sent yet.

use cordboard_core::types::Timestamp;

use super::{ago, table};
use crate::control::PostRow;

#[must_use]
pub fn outbox(rows: &[PostRow], now: Timestamp) -> String {
    if rows.is_empty() {
        return "No messages are waiting, and no delivery has failed.\n".to_owned();
    }
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let cells = rows.iter().map(|row| {
        vec![
            row.place.clone(),
            post_state(row),
            row.at.map_or_else(|| "-".to_owned(), |at| ago(now, at)),
            or_dash(&row.text),
            row.why.as_deref().map_or_else(|| "-".to_owned(), or_dash),
        ]
    });
    table(&["PLACE", "STATE", "TIME", "TEXT", "REASON"], &cells.collect::<Vec<_>>())
}

/// Returns the state of a post. If the host sends it in parts, the number of sent parts follows.
#[must_use]
pub fn post_state(row: &PostRow) -> String {
    match (row.sent, row.messages) {
        (Some(sent), Some(messages)) => format!("{} {sent}/{messages}", row.state),
        (None, _) | (_, None) => row.state.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::{
        types::{DeliveryIssue, DeliveryLogEntry, DeliveryOutcome, Place},
        updates_and_posts::Delivery,
    };
    use cordboard_store::{OutboxReport, PlaceReach, WaitingPost};
    use expect_test::expect;

    use super::*;
    use crate::control::post_rows;

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
