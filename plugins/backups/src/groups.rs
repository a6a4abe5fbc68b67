//! The newest backup of each guest in all datastores. Pure: nothing here calls the host.

use std::collections::BTreeMap;

use cordboard_plugin::{
    Timestamp,
    text::{ago, code, escape},
    tr,
};
use homelab::{Json, format::Light, time::exact_span};

use crate::config::{Config, Guest};

/// The tolerance for clock differences between the machines, in milliseconds.
const CLOCK_TOLERANCE: Timestamp = 10 * 60 * 1000;

/// The maximum number of guests with a recent backup to list on their own line. The rest are only counted.
const MAX_LINES: usize = 40;

/// A backup group: the backups of one guest in one datastore.
#[derive(Debug)]
pub struct Group {
    /// The guest, such as `vm/101`, or `lab:vm/101` if it isn't in the root namespace.
    key: String,
    last: Timestamp,
    count: u64,
    comment: Option<String>,
    store: String,
}

/// Reads the backup groups of a datastore.
///
/// # Errors
/// A value is missing or has an unexpected type. The text contains its path.
pub fn read(data: &Json, store: &str, namespace: &str) -> Result<Vec<Group>, String> {
    let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}:") };
    let group = |item: &Json| {
        Ok(Group {
            key: format!("{prefix}{}/{}", item.at("backup-type")?.text()?, item.at("backup-id")?.text()?),
            last: Timestamp::try_from(item.at("last-backup")?.integer()?).unwrap_or_default().saturating_mul(1000),
            count: u64::try_from(item.at("backup-count")?.integer()?).unwrap_or_default(),
            comment: item.find("comment").map(|comment| comment.text().map(str::to_owned)).transpose()?,
            store: store.to_owned(),
        })
    };
    data.items()?.iter().map(group).collect()
}

/// Returns a line with the number of guests and how many lack a recent backup, then a line for each guest. Guests
/// without any backup come first, then those whose last backup is old or dated in the future, then the others.
pub fn lines(groups: Vec<Group>, config: &Config, now: Timestamp) -> Vec<String> {
    let mut newest: BTreeMap<String, Group> = BTreeMap::new();
    for group in groups.into_iter().filter(|group| !config.is_ignored(&group.key)) {
        let known = newest.get(&group.key);
        if known.is_none_or(|known| known.last < group.last) {
            newest.insert(group.key.clone(), group);
        }
    }
    let mut old: Vec<_> = missing(&newest, config);
    let mut good = Vec::new();
    for group in newest.values() {
        let guest = config.guests.get(&group.key);
        let limit = guest.and_then(|guest| guest.warn_after).unwrap_or(config.warn_after);
        let is_old = now.saturating_sub(group.last) / 1000 > limit;
        let line = line(group, guest, is_old.then_some(limit), now);
        if is_old || is_ahead(group, now) { old.push(line) } else { good.push(line) }
    }
    if old.is_empty() && good.is_empty() {
        return vec![tr!("This token can't see any backups.")];
    }
    let all = old.len() + good.len();
    let head = match old.len() {
        0 => tr!("The backups of {n} guest are recent." | "The backups of {n} guests are recent." % all),
        bad => {
            tr!(
                "{bad} of {n} guest without a recent backup:" | "{bad} of {n} guests without a recent backup:" % all,
                bad
            )
        }
    };
    let more = good.len().saturating_sub(MAX_LINES);
    good.truncate(MAX_LINES);
    let rest = (more > 0).then(|| tr!("…and {more} more with recent backups", more));
    [head].into_iter().chain(old).chain(good).chain(rest).collect()
}

/// Returns lines for the configured guests that have no backup at all.
fn missing(newest: &BTreeMap<String, Group>, config: &Config) -> Vec<String> {
    let gone = config.guests.iter().filter(|(key, _)| !newest.contains_key(*key));
    gone.map(|(key, guest)| {
        let name = display_name(key, guest.name.as_deref());
        format!("{} {}", Light::Bad.symbol(), tr!("{name} has no backup", name))
    })
    .collect()
}

const fn is_ahead(group: &Group, now: Timestamp) -> bool {
    group.last > now + CLOCK_TOLERANCE
}

fn line(group: &Group, guest: Option<&Guest>, limit: Option<u64>, now: Timestamp) -> String {
    let name = guest.and_then(|guest| guest.name.as_deref()).or(group.comment.as_deref());
    let ahead = is_ahead(group, now);
    let light = if limit.is_some() || ahead { Light::Warning } else { Light::Good };
    let late = limit.map_or(String::new(), |limit| tr!(", older than {}", exact_span(limit)));
    let when = if ahead { tr!("last backup is dated in the future (check the clocks)") } else { ago(now, group.last) };
    let count = tr!("{n} backup in {store}" | "{n} backups in {store}" % group.count, store = code(&group.store));
    format!("{} {} {when}{late}, {count}", light.symbol(), display_name(&group.key, name))
}

fn display_name(key: &str, name: Option<&str>) -> String {
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    format!("{}{}", code(key), name.map_or(String::new(), |name| format!(" ({})", escape(name))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_plugin::config::parse_text;

    const NOW: Timestamp = 1_795_268_736_000;

    fn config(more: &str) -> Config {
        parse_text::<Config>(&format!(r#"{{"url":"https://pbs","token":"a@pbs!b"{more}}}"#)).expect("valid input")
    }

    fn groups(text: &str, store: &str, namespace: &str) -> Vec<Group> {
        let value = serde_json::from_str(text).expect("it is JSON");
        read(&Json::root(&value).at("data").expect("data"), store, namespace).expect("a known format")
    }

    fn all() -> Vec<Group> {
        let mut all = groups(include_str!("../tests/data/groups.json"), "main", "");
        all.extend(groups(include_str!("../tests/data/groups-lab.json"), "main", "lab"));
        all.extend(groups(include_str!("../tests/data/groups-offsite.json"), "offsite", ""));
        all
    }

    #[test]
    fn the_newest_backup_of_each_guest_is_shown_oldest_first() {
        assert_eq!(
            lines(all(), &config(""), NOW),
            [
                "3 of 5 guests without a recent backup:",
                "🟡 `ct/102` 1d ago, older than 26 h, 4 backups in `offsite`",
                "🟡 `host/nas` 3d ago, older than 26 h, 52 backups in `main`",
                "🟡 `vm/900` 1102d ago, older than 26 h, 1 backup in `main`",
                "🟢 `lab:vm/101` 2h ago, 3 backups in `main`",
                "🟢 `vm/101` (nextcloud) 3h ago, 14 backups in `main`",
            ]
        );
    }

    #[test]
    fn guests_can_be_named_limited_and_ignored() {
        let config = config(
            r#","warn_after":"2d","ignore":["vm/900"],"guests":{"host/nas":{"warn_after":"8d"},
            "vm/101":{"name":"cloud"},"vm/103":{"name":"git"}}"#,
        );
        assert_eq!(
            lines(all(), &config, NOW),
            [
                "1 of 5 guests without a recent backup:",
                "🔴 `vm/103` (git) has no backup",
                "🟢 `ct/102` 1d ago, 4 backups in `offsite`",
                "🟢 `host/nas` 3d ago, 52 backups in `main`",
                "🟢 `lab:vm/101` 2h ago, 3 backups in `main`",
                "🟢 `vm/101` (cloud) 3h ago, 14 backups in `main`",
            ]
        );
    }

    #[test]
    fn a_backup_from_the_future_is_a_warning() {
        let group = |last| Group { key: "vm/1".into(), last, count: 1, comment: None, store: "main".into() };
        assert_eq!(
            [NOW + 60_000, NOW + 86_400_000].map(|last| lines(vec![group(last)], &config(""), NOW)[1].clone()),
            [
                "🟢 `vm/1` just now, 1 backup in `main`",
                "🟡 `vm/1` last backup is dated in the future (check the clocks), 1 backup in `main`"
            ]
        );
    }

    #[test]
    fn recent_backups_are_summarized() {
        let many = (0..45).map(|id| Group {
            key: format!("vm/{id}"),
            last: NOW,
            count: 1,
            comment: None,
            store: "main".into(),
        });
        let many = lines(many.collect(), &config(""), NOW);
        assert_eq!((many[0].as_str(), many.len()), ("The backups of 45 guests are recent.", MAX_LINES + 2));
        assert_eq!(many[MAX_LINES + 1], "…and 5 more with recent backups");
        assert_eq!(lines(Vec::new(), &config(""), NOW), ["This token can't see any backups."]);
    }

    #[test]
    fn invalid_fields_name_their_path() {
        let error = |json| read(&Json::root(&json), "main", "").map(|_| ()).expect_err("invalid input");
        assert_eq!(error(serde_json::json!([{"backup-type": "vm"}])), "`[0].backup-id` is missing");
        let never = serde_json::json!([{"backup-type": "vm", "backup-id": "1", "last-backup": null}]);
        assert_eq!(error(never), "`[0].last-backup` is missing");
    }
}
