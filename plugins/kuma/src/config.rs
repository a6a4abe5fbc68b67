//! `[plugins.kuma.config]`: where Uptime Kuma is, and which of its two doors is used. Pure but for [`Config::read`].

use cordboard_plugin::config;
use homelab::{Server, server::address};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: Option<String>,
    page: Option<String>,
    secret: Option<String>,
}

#[derive(Debug)]
pub struct Config {
    url: String,
    pub door: Door,
}

/// Where the monitors are read.
#[derive(Debug, PartialEq, Eq)]
pub enum Door {
    /// The status page of that slug, which everybody may read.
    Page(String),
    /// `/metrics`, with an API key: the secret of that name.
    Metrics(String),
}

impl Config {
    /// # Errors
    /// Which key is missing or wrong.
    pub fn read() -> Result<Self, String> {
        config::parse().and_then(Self::of)
    }

    fn of(table: Table) -> Result<Self, String> {
        let url = address("kuma", "url", table.url.as_deref(), "https://kuma.lan")?.to_owned();
        let door = match (table.page, table.secret) {
            (Some(page), None) => Door::Page(slug(&page)?),
            (None, Some(secret)) => Door::Metrics(secret),
            (None, None) | (Some(_), Some(_)) => {
                let told = "set one of the two in [plugins.kuma.config]: page = \"homelab\", the name of a status page as it stands \
                            behind /status/, or secret = \"kuma\", the secret that is an API key";
                return Err(told.to_owned());
            }
        };
        Ok(Self { url, door })
    }

    #[must_use]
    pub fn server(&self) -> Server<'_> {
        let (place, login, rights) = match self.door {
            Door::Page(_) => ("url and page", "page", "Publish the status page."),
            Door::Metrics(_) => {
                ("url", "the API key behind secret", "Make an API key in Uptime Kuma (Settings, API Keys).")
            }
        };
        Server {
            title: "Uptime Kuma",
            plugin: "kuma",
            url: &self.url,
            known: "Uptime Kuma 1.23 to 2",
            place,
            login,
            rights,
        }
    }

    #[cfg(test)]
    pub fn parse(json: &str) -> Result<Self, String> {
        config::parse_text(json).and_then(Self::of)
    }
}

/// The name of a status page, which becomes a part of a path.
fn slug(page: &str) -> Result<String, String> {
    let right = !page.is_empty() && page.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let told = || format!("page = \"{page}\" is no name of a status page: letters, digits and -, as behind /status/");
    if right { Ok(page.to_ascii_lowercase()) } else { Err(told()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_door_is_chosen() {
        let read = |json| Config::parse(json).map(|config| config.door);
        assert_eq!(read(r#"{"url":"http://kuma:3001","page":"Home-lab"}"#), Ok(Door::Page("home-lab".into())));
        assert_eq!(read(r#"{"url":"http://kuma:3001","secret":"kuma"}"#), Ok(Door::Metrics("kuma".into())));
        let refused = |json| Config::parse(json).expect_err(json);
        assert!(refused("{}").starts_with("url is missing: set [plugins.kuma.config] url = \"https://kuma.lan\""));
        assert!(refused(r#"{"url":"http://k"}"#).starts_with("set one of the two in [plugins.kuma.config]: page ="));
        assert!(refused(r#"{"url":"http://k","page":"a","secret":"b"}"#).starts_with("set one of the two"));
        let slug = "page = \"a/b\" is no name of a status page: letters, digits and -, as behind /status/";
        assert_eq!(refused(r#"{"url":"http://k","page":"a/b"}"#), slug);
    }
}
