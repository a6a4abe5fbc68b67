//! `[plugins.backups.config]`: the server, and the maximum age of backups.

use std::collections::BTreeMap;

use cordboard_plugin::Seconds;
use homelab::{pbs::Access, time::parse_span};
use serde::Deserialize;

/// The default maximum age of a backup: a day, and two hours for the run itself.
const WARN_AFTER: &str = "26h";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: Option<String>,
    token: Option<String>,
    secret: Option<String>,
    #[serde(default)]
    datastores: Vec<String>,
    warn_after: Option<String>,
    #[serde(default)]
    ignore: Vec<String>,
    #[serde(default)]
    guests: BTreeMap<String, GuestTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GuestTable {
    name: Option<String>,
    warn_after: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "Table")]
pub struct Config {
    pub access: Access,
    /// The datastores to check. If empty, all datastores that the token can see are checked.
    pub datastores: Vec<String>,
    pub warn_after: Seconds,
    /// Ignored guests, such as `vm/900` or `lab:vm/900`.
    ignore: Vec<String>,
    /// The guests that must have a backup, by key. Keys have the same form as in `ignore`.
    pub guests: BTreeMap<String, Guest>,
}

#[derive(Debug, Default)]
pub struct Guest {
    pub name: Option<String>,
    pub warn_after: Option<Seconds>,
}

impl TryFrom<Table> for Config {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        let access = Access::read("backups", table.url.as_deref(), table.token.as_deref(), table.secret)?;
        let warn_after = table.warn_after.as_deref().unwrap_or(WARN_AFTER);
        let warn_after = parse_span(warn_after).map_err(|why| format!("warn_after = {why}"))?;
        let mut guests = BTreeMap::new();
        for (key, guest) in table.guests {
            check_guest(&key)?;
            let warn_after = guest.warn_after.as_deref().map(parse_span).transpose();
            let warn_after = warn_after.map_err(|why| format!("guests.\"{key}\": warn_after = {why}"))?;
            guests.insert(key, Guest { name: guest.name, warn_after });
        }
        table.ignore.iter().try_for_each(|key| check_guest(key))?;
        Ok(Self { access, datastores: table.datastores, warn_after, ignore: table.ignore, guests })
    }
}

impl Config {
    pub fn is_ignored(&self, key: &str) -> bool {
        self.ignore.iter().any(|ignored| ignored == key)
    }
}

/// Checks that `key` names a guest, such as `vm/101`, or a guest in a namespace, such as `lab:vm/101`.
fn check_guest(key: &str) -> Result<(), String> {
    let group = key.rsplit_once(':').map_or(key, |(_, group)| group);
    let is_valid =
        group.split_once('/').is_some_and(|(kind, id)| ["vm", "ct", "host"].contains(&kind) && !id.is_empty());
    let error = || {
        format!("\"{key}\" is not a guest; write it as \"vm/101\", \"ct/102\", \"host/nas\" or \"namespace:vm/101\"")
    };
    if is_valid { Ok(()) } else { Err(error()) }
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::config::parse_text;

    use super::*;

    fn refused(more: &str) -> String {
        parse_text::<Config>(&format!(r#"{{"url":"https://pbs","token":"a@pbs!b"{more}}}"#)).expect_err(more)
    }

    #[test]
    fn omitted_keys_have_defaults() {
        let config = parse_text::<Config>(r#"{"url":"https://pbs","token":"a@pbs!b"}"#).expect("valid input");
        assert_eq!(config.warn_after, 93_600);
        assert!(
            parse_text::<Config>("{}")
                .expect_err("empty")
                .starts_with("url is missing: set [plugins.backups.config] url")
        );
    }

    #[test]
    fn a_wrong_key_is_reported_with_a_valid_example() {
        let spans = "is not a duration; write it as \"90m\", \"26h\" or \"8d\"";
        assert_eq!(refused(r#","warn_after":"soon""#), format!("warn_after = \"soon\" {spans}"));
        let guest = refused(r#","guests":{"vm/1":{"warn_after":"8"}}"#);
        assert_eq!(guest, format!("guests.\"vm/1\": warn_after = \"8\" {spans}"));
        let names = "is not a guest; write it as \"vm/101\", \"ct/102\", \"host/nas\" or \"namespace:vm/101\"";
        assert_eq!(refused(r#","guests":{"101":{}}"#), format!("\"101\" {names}"));
        assert_eq!(refused(r#","ignore":["lab:qemu/1"]"#), format!("\"lab:qemu/1\" {names}"));
        assert!(
            refused(r#","guests":{"vm/1":{"age":"8d"}}"#)
                .starts_with("guests.vm/1: unknown field `age`, expected `name` or")
        );
    }
}
