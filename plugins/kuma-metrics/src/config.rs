//! `[plugins.kuma-metrics.config]`: the address of Uptime Kuma and the secret with its API key. Pure except for
//! [`Config::read`].

use cordboard_plugin::config;
use homelab::{Server, kuma, server::address};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: Option<String>,
    #[serde(default = "secret")]
    secret: String,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Config {
    url: String,
    /// The name of the secret.
    pub secret: String,
}

fn secret() -> String {
    "kuma".to_owned()
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
        let url = address("kuma-metrics", "url", table.url.as_deref(), "https://kuma.lan")?.to_owned();
        Ok(Self { url, secret: table.secret })
    }

    #[must_use]
    pub fn server(&self) -> Server<'_> {
        let rights = "Make an API key in Uptime Kuma (Settings, API Keys).";
        kuma::server("kuma-metrics", &self.url, ["url", "the API key of secret"], rights)
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
    fn omitted_keys_have_defaults_or_are_required() {
        let config = Config { url: "http://kuma".into(), secret: "kuma".into() };
        assert_eq!(Config::parse(r#"{"url":"http://kuma"}"#), Ok(config));
        let missing = "url is missing: set [plugins.kuma-metrics.config] url = \"https://kuma.lan\"";
        assert_eq!(Config::parse("{}"), Err(missing.to_owned()));
        assert!(
            Config::parse(r#"{"page":"a"}"#)
                .expect_err("it is unknown")
                .starts_with("unknown field `page`, expected `url`")
        );
    }
}
