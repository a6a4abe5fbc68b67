//! The host's notices about its database.

use tr::tr;

use super::quote;
use crate::database_damage::{DatabaseDamage, LostRows};

/// Returns the notice that an update or an answer could not be stored. Each place receives it once per store outage.
/// The host retries until the store works again.
#[must_use]
pub fn not_stored_yet(why: impl std::fmt::Display) -> String {
    tr!("Not stored yet; trying again: {why}", why)
}

/// Returns the notice to the owner that the database was damaged.
#[must_use]
pub fn damaged(damage: &DatabaseDamage) -> String {
    match damage {
        DatabaseDamage::Database { why, kept, recovered, lost } => {
            let (why, kept) = (quote(why), kept.display());
            let begin = tr!("Cordboard's database was damaged: {why}", why);
            let recovered = tr!("1 record was recovered." | "{n} records were recovered." % *recovered);
            let lost = if lost.is_empty() { tr!("No record was lost.") } else { tr!("Lost: {}.", list(lost)) };
            let kept = tr!(
                "The damaged database is kept as {kept}. If you have a backup, you can restore it: stop Cordboard and run `cordboard restore`. Check the disk: it may be failing.",
                kept
            );
            format!("⚠ {begin}\n{recovered} {lost}\n{kept}")
        }
        DatabaseDamage::Log { kept, transactions } => {
            let lost = match transactions {
                Some(count) => tr!("1 change was lost." | "{n} changes were lost." % *count),
                None => tr!("The last changes were lost."),
            };
            let kept = tr!(
                "The end of Cordboard's database log was damaged. {lost} A copy of the log is kept as {}. Check the disk: it may be failing.",
                kept.display(),
                lost
            );
            format!("⚠ {kept}")
        }
    }
}

/// Lists the tables that lost rows, such as `session (2), inbox`.
fn list(lost: &[LostRows]) -> String {
    let tables = lost.iter().map(|LostRows { table, rows }| match rows {
        Some(rows) => format!("{table} ({rows})"),
        None => table.clone(),
    });
    tables.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_says_what_was_lost_and_what_to_do() {
        let damage =
            |lost| DatabaseDamage::Database { why: "page 7".into(), kept: "/s/kept".into(), recovered: 1, lost };
        let lost = |table: &str, rows| LostRows { table: table.to_owned(), rows };
        let text = damaged(&damage(vec![lost("session", Some(2)), lost("inbox", None)]));
        assert!(text.contains("1 record was recovered. Lost: session (2), inbox.\n"), "{text}");
        assert!(text.contains("kept as /s/kept") && text.contains("`cordboard restore`"), "{text}");
        assert!(damaged(&damage(Vec::new())).contains("No record was lost."));
        let log = |transactions| damaged(&DatabaseDamage::Log { kept: "/s/log".into(), transactions });
        assert!(log(Some(3)).contains("3 changes were lost. A copy of the log is kept as /s/log."), "{}", log(Some(3)));
        assert!(log(None).contains("The last changes were lost."), "{}", log(None));
    }
}
