//! `[plugins.pbs.config]`: the server, and the limit for warnings about datastores. Pure except for [`Config::read`].

use cordboard_plugin::config;
use homelab::{pbs::Access, show::share};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: Option<String>,
    token: Option<String>,
    #[serde(default = "secret")]
    secret: String,
    #[serde(default = "warn_at")]
    warn_at: f64,
}

#[derive(Debug)]
pub struct Config {
    pub access: Access,
    /// The name of the token's secret.
    pub secret: String,
    /// The percentage from which on a datastore is shown as full.
    pub warn_at: f64,
}

fn secret() -> String {
    "pbs".to_owned()
}

const fn warn_at() -> f64 {
    85.0
}

impl Config {
    /// Reads the plugin's configuration.
    ///
    /// # Errors
    /// Names the missing or invalid key.
    pub fn read() -> Result<Self, String> {
        config::parse().and_then(Self::of)
    }

    fn of(table: Table) -> Result<Self, String> {
        let warn_at = share("warn_at", table.warn_at)?;
        let access = Access::read("pbs", table.url.as_deref(), table.token.as_deref())?;
        Ok(Self { access, secret: table.secret, warn_at })
    }

    #[cfg(test)]
    pub fn parse(json: &str) -> Result<Self, String> {
        config::parse_text(json).and_then(Self::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn omitted_keys_have_defaults() {
        let config = Config::parse(r#"{"url":"https://pbs","token":"a@pbs!b"}"#).expect("valid input");
        assert_eq!((config.secret.as_str(), config.warn_at), ("pbs", 85.0));
        let refused = |json| Config::parse(json).expect_err(json);
        assert!(refused("{}").starts_with("url is missing"));
        assert!(refused(r#"{"url":"https://pbs"}"#).starts_with("token is missing"));
        assert!(refused(r#"{"host":"pbs"}"#).starts_with("unknown field `host`, expected one of `url`"));
        let share = r#"{"url":"https://pbs","token":"a@pbs!b","warn_at":0}"#;
        assert_eq!(refused(share), "warn_at = 0 is not a percentage from 1 to 100");
    }
}
