//! The host's notices about its database.

use tr::tr;

use super::quote;
use crate::database_damage::{DatabaseDamage, LostRecords, RecordKind};

/// Returns the notice that an update or an answer could not be stored. Each place receives it once per store outage.
/// The host retries until the store works again.
#[must_use]
pub fn not_stored_yet(why: impl std::fmt::Display) -> String {
    tr!("Not stored yet; trying again: {why}", why)
}

/// Returns the notice to the operators that the database was damaged.
#[must_use]
pub fn damaged(damage: &DatabaseDamage) -> String {
    match damage {
        DatabaseDamage::Database { why, kept, recovered, lost } => {
            let (why, kept) = (quote(why), kept.display());
            let begin = tr!("Cordboard's database was damaged: {why}", why);
            let recovered = tr!("1 record was recovered." | "{n} records were recovered." % *recovered);
            let lost = if lost.is_empty() { tr!("No record was lost.") } else { tr!("Lost: {}.", list_lost(lost)) };
            let kept = tr!(
                "The damaged database is kept as {kept}. If you have a backup, you can restore it: stop Cordboard and run `cordboard restore`. Check the disk: it may be failing.",
                kept
            );
            format!("⚠ {begin}\n{recovered} {lost}\n{kept}")
        }
        DatabaseDamage::Log { kept, lost_transactions } => {
            let lost = match lost_transactions {
                Some(count) => tr!("1 change was lost." | "{n} changes were lost." % *count),
                None => tr!("The most recent changes were lost."),
            };
            let kept = tr!(
                "The end of Cordboard's database log was damaged. {lost} A copy of the log is kept as {}. A power failure can cause this. If there was none, check the disk: it may be failing.",
                kept.display(),
                lost
            );
            format!("⚠ {kept}")
        }
    }
}

/// Lists the lost records, such as `sessions (2), topics`.
fn list_lost(lost: &[LostRecords]) -> String {
    let kinds = lost.iter().map(|LostRecords { kind, count }| match count {
        Some(count) => format!("{} ({count})", name(*kind)),
        None => name(*kind),
    });
    kinds.collect::<Vec<_>>().join(", ")
}

fn name(kind: RecordKind) -> String {
    match kind {
        RecordKind::Sessions => tr!("sessions"),
        RecordKind::Topics => tr!("topics"),
        RecordKind::ReceivedMessages => tr!("received messages"),
        RecordKind::UnsentMessages => tr!("unsent messages"),
        RecordKind::Buttons => tr!("buttons"),
        RecordKind::PluginVersions => tr!("plugin versions"),
        RecordKind::PluginDecisions => tr!("decisions about plugins"),
        RecordKind::PluginData => tr!("plugin data"),
        RecordKind::Access => tr!("people with access"),
        RecordKind::Audit => tr!("audit log entries"),
        RecordKind::Usage => tr!("usage records"),
        RecordKind::Other => tr!("other records"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_says_what_was_lost_and_what_to_do() {
        let damage =
            |lost| DatabaseDamage::Database { why: "page 7".into(), kept: "/s/kept".into(), recovered: 1, lost };
        let lost = |kind, count| LostRecords { kind, count };
        let text = damaged(&damage(vec![lost(RecordKind::Sessions, Some(2)), lost(RecordKind::PluginVersions, None)]));
        assert!(text.contains("1 record was recovered. Lost: sessions (2), plugin versions.\n"), "{text}");
        assert!(text.contains("kept as /s/kept") && text.contains("`cordboard restore`"), "{text}");
        assert!(damaged(&damage(Vec::new())).contains("No record was lost."));
        let log = |lost_transactions| damaged(&DatabaseDamage::Log { kept: "/s/log".into(), lost_transactions });
        assert!(log(Some(3)).contains("3 changes were lost. A copy of the log is kept as /s/log."), "{}", log(Some(3)));
        assert!(log(None).contains("The most recent changes were lost."), "{}", log(None));
        assert!(log(None).contains("A power failure can cause this."), "{}", log(None));
    }
}
