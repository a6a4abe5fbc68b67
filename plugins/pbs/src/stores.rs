//! The datastores: usage, deduplication, and the estimated time until they are full. Pure: nothing here calls the
//! host.

use cordboard_plugin::{
    Timestamp,
    text::{code, escape, short_span},
    tr,
};
use homelab::{
    Json,
    format::{Light, first_line, gauge, percent, size},
};

/// The maximum estimate to show: two years, in seconds. Anything beyond that would be a guess.
const FORESEEABLE: i64 = 2 * 365 * 86_400;

/// A datastore that will be full within this time causes a warning: 30 days, in seconds.
const SOON: i64 = 30 * 86_400;

#[derive(Debug)]
pub struct Store {
    name: String,
    /// The total, used and free bytes, if the token has permission to see them.
    sizes: Option<[u64; 3]>,
    /// The estimated time at which the datastore will be full, in seconds since the Unix epoch. A time in the past
    /// means that it won't become full.
    full: Option<i64>,
    /// The size without deduplication, and the actual size.
    packed: Option<[u64; 2]>,
    bad_chunks: u64,
    mounted: bool,
    error: Option<String>,
}

/// Reads a list of datastores.
///
/// # Errors
/// A value is missing or has an unexpected type. The text contains its path.
pub fn read(data: &Json) -> Result<Vec<Store>, String> {
    data.items()?.iter().map(store).collect()
}

fn store(item: &Json) -> Result<Store, String> {
    let bytes =
        |json: Option<Json>| json.map_or(Ok(None), |json| json.integer().map(|bytes| u64::try_from(bytes).ok()));
    let sizes = [bytes(item.find("total"))?, bytes(item.find("used"))?, bytes(item.find("avail"))?];
    let garbage = item.find("gc-status");
    let of_garbage = |key| bytes(garbage.as_ref().and_then(|garbage| garbage.find(key)));
    let packed = [of_garbage("index-data-bytes")?, of_garbage("disk-bytes")?];
    Ok(Store {
        name: item.at("store")?.text()?.to_owned(),
        sizes: if let [Some(total), Some(used), Some(free)] = sizes { Some([total, used, free]) } else { None },
        full: item.find("estimated-full-date").map(|date| date.integer()).transpose()?,
        packed: if let [Some(plain), Some(packed)] = packed { Some([plain, packed]) } else { None },
        bad_chunks: of_garbage("still-bad")?.unwrap_or_default(),
        mounted: item.find("mount-status").map(|it| it.text()).transpose()?.is_none_or(|status| status != "notmounted"),
        error: item.find("error").map(|error| error.text().map(|error| first_line(error, 160))).transpose()?,
    })
}

/// Returns a line for each datastore.
pub fn lines(stores: &[Store], warn_at: f64, now: Timestamp) -> Vec<String> {
    stores.iter().map(|store| line(store, warn_at, now)).collect()
}

fn line(store: &Store, warn_at: f64, now: Timestamp) -> String {
    let name = code(&store.name);
    if let Some(error) = &store.error {
        return format!("{} {name} {}", Light::Bad.symbol(), escape(error));
    }
    let Some([total, used, free]) = store.sizes else {
        let why = if store.mounted {
            tr!("{name} is not visible to this token: give the token and its user the role DatastoreAudit", name)
        } else {
            tr!("{name} is not mounted", name)
        };
        return format!("{} {why}", Light::Inactive.symbol());
    };
    // Calculate the percentage as df does: blocks reserved for root count as neither used nor free.
    let share = if used + free == 0 { 0.0 } else { used as f64 * 100.0 / (used + free) as f64 };
    let left = store.full.map(|full| full.saturating_sub(i64::try_from(now / 1000).unwrap_or(i64::MAX)));
    let left = left.filter(|left| (1..FORESEEABLE).contains(left));
    let light = if share >= warn_at || store.bad_chunks > 0 || left.is_some_and(|left| left < SOON) {
        Light::Warning
    } else {
        Light::Good
    };
    let mut parts = vec![format!(
        "{} {name} {} {}, {}",
        light.symbol(),
        gauge(share),
        percent(share),
        tr!("{} of {}", size(used), size(total))
    )];
    if let Some([plain, packed]) = store.packed.filter(|[plain, packed]| *plain > 0 && *packed > 0) {
        parts.push(tr!("deduplicated {} to 1", format!("{:.1}", plain as f64 / packed as f64)));
    }
    if let Some(left) = left {
        parts.push(tr!("full in {}", short_span(left.unsigned_abs())));
    }
    if store.bad_chunks > 0 {
        parts.push(tr!(
            "{n} bad chunk (verify the datastore)" | "{n} bad chunks (verify the datastore)" % store.bad_chunks
        ));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = 1_795_268_736_000;

    fn shown(text: &str) -> Vec<String> {
        let value = serde_json::from_str(text).expect("it is JSON");
        lines(&read(&Json::root(&value).at("data").expect("data")).expect("a known format"), 85.0, NOW)
    }

    #[test]
    fn each_datastore_is_shown_with_its_usage() {
        assert_eq!(
            shown(include_str!("../tests/data/usage.json")),
            [
                "🟢 `main` ▓▓▓▓▓▓░░░░ 61%, 4.9 TB of 8.0 TB, deduplicated 12.4 to 1, full in 150 d",
                "🟡 `archive` ▓▓▓▓▓▓▓▓▓░ 93%, 1.9 TB of 2.0 TB, full in 5 d, 3 bad chunks (verify the datastore)",
                "🟢 `cold` ▓░░░░░░░░░ 10%, 100 GB of 1.0 TB",
                "⚪ `usb` is not mounted",
                "🔴 `broken` datastore 'broken' is in offline maintenance mode: new disks",
                "⚪ `theirs` is not visible to this token: give the token and its user the role DatastoreAudit",
            ]
        );
    }

    #[test]
    fn negative_sizes_are_ignored() {
        assert_eq!(
            shown(include_str!("../tests/data/usage-old.json")),
            [
                "🔴 `main` unable to open chunk store 'main' at \"/mnt/main/.chunks\" - No such file or directory (os error 2)",
                "🟢 `two` ▓▓▓░░░░░░░ 25%, 1.0 TB of 4.0 TB",
            ]
        );
    }

    #[test]
    fn a_full_or_failing_store_is_a_warning() {
        let one = |more: &str| {
            shown(&format!(r#"{{"data":[{{"store":"a","total":100,"used":10,"avail":90{more}}}]}}"#)).remove(0)
        };
        assert_eq!(one(""), "🟢 `a` ▓░░░░░░░░░ 10%, 10 B of 100 B");
        assert_eq!(one(r#","estimated-full-date":1795355136"#), "🟡 `a` ▓░░░░░░░░░ 10%, 10 B of 100 B, full in 1 d");
        assert_eq!(one(r#","estimated-full-date":1995355136"#), "🟢 `a` ▓░░░░░░░░░ 10%, 10 B of 100 B");
        let bad = one(r#","gc-status":{"still-bad":1}"#);
        assert_eq!(bad, "🟡 `a` ▓░░░░░░░░░ 10%, 10 B of 100 B, 1 bad chunk (verify the datastore)");
    }

    #[test]
    fn invalid_fields_name_their_path() {
        let error = |json| read(&Json::root(&json)).map(|_| ()).expect_err("invalid input");
        assert_eq!(error(serde_json::json!([{}])), "`[0].store` is missing");
        assert_eq!(
            error(serde_json::json!([{"store": "a", "used": "5"}])),
            "`[0].used` is not a whole number but \"5\""
        );
        assert_eq!(error(serde_json::json!({})), "the response is not a list but {}");
    }
}
