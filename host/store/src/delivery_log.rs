//! The log of failed and degraded deliveries, and the outbox report for the operator.

use std::path::Path;

use cordboard_core::{
    messages,
    render::{UNTRUSTED_LENGTH, is_blank, one_line},
    scrub,
    types::{DeliveryIssue, DeliveryLogEntry, Place, Reply, Timestamp},
    updates_and_posts::{Delivery, PostId},
};
use rusqlite::{Connection, params};

use super::{
    Store,
    error::{OpenError, StoreError, WorkError},
    inbox::{now, to_column},
    rows::{json, read_all},
    snapshot::open_read_only,
};

/// The maximum number of stored entries. Older entries are deleted.
const MAX_ENTRIES: i64 = 200;

/// The posts that haven't been completely sent, including undeliverable ones, and the delivery log.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OutboxReport {
    /// The log entries, oldest first.
    pub log: Vec<DeliveryLogEntry>,
    /// The waiting posts, in the order in which the host sends them.
    pub waiting: Vec<WaitingPost>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct WaitingPost {
    pub place: Place,
    pub reach: PlaceReach,
    /// `None` if an older version of the host stored the post.
    pub stored: Option<Timestamp>,
    pub delivery: Delivery,
    /// The beginning of the post, on one line.
    pub beginning: String,
}

/// The reachability of a place: whether the host can write to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceReach {
    Reachable,
    Unreachable {
        /// The error text of the chat server, or `None` if an older version of the host stored the place.
        why: Option<String>,
    },
}

/// Reads the waiting posts and the delivery log of a state directory. Works even while a host is using the directory.
///
/// # Errors
/// Fails if the database cannot be read, is damaged, or has another schema version. Also fails if no host has used the
/// directory, because an empty report would suggest that everything was sent. The error text contains the reason and
/// the remedy.
pub fn outbox_report(state: &Path) -> Result<OutboxReport, OpenError> {
    let Some(db) = open_read_only(state)? else {
        return Err(OpenError::NeverUsed { what: "the outbox", path: state.to_owned() });
    };
    // A single transaction gives a consistent view while a host is writing.
    let report = db.connection.unchecked_transaction().map_err(WorkError::from).and_then(|tx| read(&tx));
    Ok(report.map_err(|error| error.during("read the outbox", db.file))?)
}

impl Store {
    /// Returns the waiting posts and the delivery log.
    pub async fn outbox_report(&self) -> Result<OutboxReport, StoreError> {
        self.run("read the outbox".to_owned(), read).await
    }
}

pub fn read(db: &Connection) -> Result<OutboxReport, WorkError> {
    let log = read_all(db, "SELECT record FROM delivery_log ORDER BY id", [], |row| json(row, 0))?;
    let sql = "SELECT outbox.place, reply, delivery, stored, unreachable.place IS NOT NULL, why
        FROM outbox LEFT JOIN unreachable ON unreachable.place = outbox.place ORDER BY id";
    let waiting = read_all(db, sql, [], |row| {
        let reach = if row.get(4)? { PlaceReach::Unreachable { why: row.get(5)? } } else { PlaceReach::Reachable };
        let stored = row.get::<_, Option<i64>>(3)?.map(|at| Timestamp(u64::try_from(at).unwrap_or_default()));
        let beginning = beginning(&json(row, 1)?);
        let delivery: Delivery = json(row, 2)?;
        let undeliverable = delivery.undeliverable.as_deref().map(clean_error_text);
        let delivery = Delivery { undeliverable, ..delivery };
        Ok(WaitingPost { place: json(row, 0)?, reach, stored, delivery, beginning })
    })?;
    Ok(OutboxReport { log, waiting })
}

/// Logs a stored post's delivery issues, with secrets removed.
pub fn append(db: &Connection, post: PostId, issues: &[DeliveryIssue]) -> Result<(), WorkError> {
    if issues.is_empty() {
        return Ok(());
    }
    let posts: Vec<(Place, Reply)> = read_all(db, "SELECT place, reply FROM outbox WHERE id = ?", [post.0], |row| {
        Ok((json(row, 0)?, json(row, 1)?))
    })?;
    let Some((place, reply)) = posts.into_iter().next() else { return Ok(()) };
    let (at, beginning) = (now(), beginning(&reply));
    for DeliveryIssue { outcome, why } in issues {
        let issue = DeliveryIssue::new(*outcome, clean_error_text(why));
        let entry = DeliveryLogEntry { at, place: place.clone(), issue, beginning: beginning.clone() };
        db.prepare_cached("INSERT INTO delivery_log (at, record) VALUES (?, ?)")?
            .execute(params![to_column(at), serde_json::to_string(&entry)?])?;
    }
    db.prepare_cached("DELETE FROM delivery_log WHERE id <= ?")?.execute([db.last_insert_rowid() - MAX_ENTRIES])?;
    Ok(())
}

/// Returns the beginning of a post on one line, with secrets removed. For a post without text, returns the name of its
/// first file.
fn beginning(reply: &Reply) -> String {
    let file = reply.attachments.first().filter(|_| is_blank(&reply.text));
    let text = file.map_or(&reply.text, |file| &file.name);
    // Remove secrets before the text is shortened, because a truncated secret may not be recognized.
    messages::beginning(&scrub::text(text.clone()))
}

/// Returns a chat server's error text as one shortened line, with secrets removed.
pub fn clean_error_text(why: &str) -> String {
    one_line(&scrub::text(why.to_owned()), UNTRUSTED_LENGTH)
}
