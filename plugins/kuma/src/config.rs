//! `[plugins.kuma.config]`: the address of Uptime Kuma and the status page.

use homelab::{Server, kuma, server::check_url};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: Option<String>,
    page: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Table")]
pub struct Config {
    url: String,
    /// The name of the status page: the part of its address after `/status/`.
    pub page: String,
}

impl TryFrom<Table> for Config {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        let url = check_url("kuma", "url", table.url.as_deref(), "https://kuma.lan")?.to_owned();
        let missing = "page is missing: set [plugins.kuma.config] page = \"homelab\", the name of a status page as in its URL after /status/; the plugin kuma-metrics needs no page";
        Ok(Self { url, page: check_page(&table.page.ok_or(missing)?)? })
    }
}

impl Config {
    #[must_use]
    pub fn server(&self) -> Server<'_> {
        let keys = kuma::ServerKeys { location: "url and page", login: "page" };
        kuma::server("kuma", &self.url, keys, "Publish the status page.")
    }
}

/// Checks the name of a page, because the name becomes part of a request's path.
fn check_page(page: &str) -> Result<String, String> {
    let is_valid = !page.is_empty() && page.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let error = || {
        format!(
            "page = \"{page}\" is not the name of a status page: use the letters, digits and dashes after /status/ in its URL"
        )
    };
    if is_valid { Ok(page.to_ascii_lowercase()) } else { Err(error()) }
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::config::parse_text;

    use super::*;

    #[test]
    fn url_and_page_are_required() {
        let config = Config { url: "http://kuma:3001".into(), page: "home-lab".into() };
        assert_eq!(parse_text::<Config>(r#"{"url":"http://kuma:3001/","page":"Home-lab"}"#), Ok(config));
        let refused = |json| parse_text::<Config>(json).expect_err(json);
        assert!(refused("{}").starts_with("url is missing: set [plugins.kuma.config] url = \"https://kuma.lan\""));
        assert!(
            refused(r#"{"url":"http://k"}"#)
                .starts_with("page is missing: set [plugins.kuma.config] page = \"homelab\"")
        );
        let slug = "page = \"a/b\" is not the name of a status page: use the letters, digits and dashes after /status/ in its URL";
        assert_eq!(refused(r#"{"url":"http://k","page":"a/b"}"#), slug);
    }
}
