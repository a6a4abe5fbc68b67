//! `[plugins.kuma-metrics.config]`: the address of Uptime Kuma and the name of the secret that contains its API key.

use homelab::{Server, kuma, server::check_url};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: Option<String>,
    secret: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Table")]
pub struct Config {
    url: String,
    /// The name of the secret that contains the API key.
    pub secret: String,
}

impl TryFrom<Table> for Config {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        let url = check_url("kuma-metrics", "url", table.url.as_deref(), "https://kuma.lan")?.to_owned();
        Ok(Self { url, secret: table.secret.unwrap_or_else(|| "kuma".to_owned()) })
    }
}

impl Config {
    #[must_use]
    pub fn server(&self) -> Server<'_> {
        let hint = "Create an API key in Uptime Kuma (Settings, API Keys).";
        let keys = kuma::ServerKeys { location: "url", login: "the API key that `secret` names" };
        kuma::server("kuma-metrics", &self.url, keys, hint)
    }
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::config::parse_text;

    use super::*;

    #[test]
    fn omitted_keys_have_defaults_or_are_required() {
        let config = Config { url: "http://kuma".into(), secret: "kuma".into() };
        assert_eq!(parse_text::<Config>(r#"{"url":"http://kuma"}"#), Ok(config));
        let missing = "url is missing: set [plugins.kuma-metrics.config] url = \"https://kuma.lan\"";
        assert_eq!(parse_text::<Config>("{}"), Err(missing.to_owned()));
        assert!(
            parse_text::<Config>(r#"{"page":"a"}"#)
                .expect_err("it is unknown")
                .starts_with("unknown field `page`, expected `url`")
        );
    }
}
