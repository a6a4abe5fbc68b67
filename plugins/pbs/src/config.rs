//! `[plugins.pbs.config]`: the server, and the threshold for warnings about datastores.

use homelab::{format::check_percent, pbs::Access};
use serde::Deserialize;

/// The default value of `warn_at`, in percent.
const WARN_AT: f64 = 85.0;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: Option<String>,
    token: Option<String>,
    secret: Option<String>,
    warn_at: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "Table")]
pub struct Config {
    pub access: Access,
    /// The usage in percent at or above which a datastore causes a warning.
    pub warn_at: f64,
}

impl TryFrom<Table> for Config {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        let warn_at = check_percent("warn_at", table.warn_at.unwrap_or(WARN_AT))?;
        let access = Access::read("pbs", table.url.as_deref(), table.token.as_deref(), table.secret)?;
        Ok(Self { access, warn_at })
    }
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::config::parse_text;

    use super::*;

    #[test]
    fn omitted_keys_have_defaults() {
        let config = parse_text::<Config>(r#"{"url":"https://pbs","token":"a@pbs!b"}"#).expect("valid input");
        assert_eq!(config.warn_at, 85.0);
        let refused = |json| parse_text::<Config>(json).expect_err(json);
        assert!(refused("{}").starts_with("url is missing"));
        assert!(refused(r#"{"url":"https://pbs"}"#).starts_with("token is missing"));
        assert!(refused(r#"{"host":"pbs"}"#).starts_with("unknown field `host`, expected one of `url`"));
        let share = r#"{"url":"https://pbs","token":"a@pbs!b","warn_at":0}"#;
        assert_eq!(refused(share), "warn_at = 0 is not a percentage from 1 to 100");
    }
}
