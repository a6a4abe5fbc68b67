//! `[plugins.kuma.config]`: the address of Uptime Kuma and the status page. Pure except for [`Config::read`].

use cordboard_plugin::config;
use homelab::{Server, kuma, server::address};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: Option<String>,
    page: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Config {
    url: String,
    /// The name of a status page, as in its path after `/status/`.
    pub page: String,
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
        let url = address("kuma", "url", table.url.as_deref(), "https://kuma.lan")?.to_owned();
        let missing = "page is missing: set [plugins.kuma.config] page = \"homelab\", the name of a status page as in its URL after /status/; the plugin kuma-metrics needs none";
        Ok(Self { url, page: slug(&table.page.ok_or(missing)?)? })
    }

    #[must_use]
    pub fn server(&self) -> Server<'_> {
        kuma::server("kuma", &self.url, ["url and page", "page"], "Publish the status page.")
    }

    #[cfg(test)]
    pub fn parse(json: &str) -> Result<Self, String> {
        config::parse_text(json).and_then(Self::of)
    }
}

/// Checks the name of a page, because it becomes part of a path.
fn slug(page: &str) -> Result<String, String> {
    let right = !page.is_empty() && page.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let told = || {
        format!(
            "page = \"{page}\" is not the name of a status page: letters, digits and -, as in its URL after /status/"
        )
    };
    if right { Ok(page.to_ascii_lowercase()) } else { Err(told()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_and_page_are_required() {
        let config = Config { url: "http://kuma:3001".into(), page: "home-lab".into() };
        assert_eq!(Config::parse(r#"{"url":"http://kuma:3001/","page":"Home-lab"}"#), Ok(config));
        let refused = |json| Config::parse(json).expect_err(json);
        assert!(refused("{}").starts_with("url is missing: set [plugins.kuma.config] url = \"https://kuma.lan\""));
        assert!(
            refused(r#"{"url":"http://k"}"#)
                .starts_with("page is missing: set [plugins.kuma.config] page = \"homelab\"")
        );
        let slug =
            "page = \"a/b\" is not the name of a status page: letters, digits and -, as in its URL after /status/";
        assert_eq!(refused(r#"{"url":"http://k","page":"a/b"}"#), slug);
    }
}
