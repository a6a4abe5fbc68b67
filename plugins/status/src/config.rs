//! `[plugins.status.config.hosts]`: the hosts and their expected responses. Pure except for [`Config::read`].

use std::{collections::BTreeMap, time::Duration};

use cordboard_plugin::config;
use homelab::time::span;
use serde::Deserialize;

/// The maximum number of hosts, which are queried in one call.
const MOST: usize = 30;

/// The number of concurrent requests.
const AT_ONCE: u64 = 8;

/// The default time for all hosts together, in milliseconds: slightly less than a call may wait.
const TOGETHER: u64 = 9_000;

/// The default maximum time for one host, in milliseconds.
const EACH: u64 = 3_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Root {
    #[serde(default)]
    hosts: BTreeMap<String, Entry>,
    wait: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Config {
    pub hosts: Vec<Host>,
    /// The timeout of one host.
    pub wait: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a host is \"https://host/health\", or a table with url, expect and contains")]
enum Entry {
    Address(String),
    Host(Table),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: String,
    expect: Option<u16>,
    contains: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    pub url: String,
    /// The expected status. By default, any status that isn't an error is accepted.
    pub expect: Option<u16>,
    /// A text that the response must contain.
    pub contains: Option<String>,
}

impl Config {
    /// Reads the plugin's configuration.
    ///
    /// # Errors
    /// Names the missing or invalid key.
    pub fn read() -> Result<Self, String> {
        config::parse().and_then(Self::of)
    }

    fn of(root: Root) -> Result<Self, String> {
        let hosts: Vec<_> = root.hosts.into_iter().map(|(name, entry)| host(name, entry)).collect::<Result<_, _>>()?;
        let count = match hosts.len() {
            0 => {
                return Err(
                    "hosts is missing: set [plugins.status.config.hosts] nas = \"https://nas.lan/health\"".to_owned()
                );
            }
            count @ 1..=MOST => count as u64,
            more => return Err(format!("hosts has {more} entries: one call can query {MOST} at most")),
        };
        let wait = match root.wait {
            Some(wait) => Duration::from_secs(span(&wait).map_err(|why| format!("wait = {why}"))?),
            None => Duration::from_millis(EACH.min(TOGETHER / count.div_ceil(AT_ONCE))),
        };
        Ok(Self { hosts, wait })
    }

    #[cfg(test)]
    pub fn parse(json: &str) -> Result<Self, String> {
        config::parse_text(json).and_then(Self::of)
    }
}

fn host(name: String, entry: Entry) -> Result<Host, String> {
    let Table { url, expect, contains } = match entry {
        Entry::Address(url) => Table { url, expect: None, contains: None },
        Entry::Host(table) => table,
    };
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    if rest.is_empty() || rest.starts_with('/') || rest.contains([' ', '#', '@']) {
        return Err(format!("hosts.{name} = \"{url}\" is not a URL: write it as \"https://{name}.lan/health\""));
    }
    Ok(Host { name, url, expect, contains })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_address_or_a_table() {
        let json = r#"{"hosts":{"nas":"https://nas.lan","git":{"url":"http://git.lan:3000/api/healthz","expect":204,"contains":"pass"}}}"#;
        let bare = |name: &str, url: &str| Host { name: name.into(), url: url.into(), expect: None, contains: None };
        let git =
            Host { expect: Some(204), contains: Some("pass".into()), ..bare("git", "http://git.lan:3000/api/healthz") };
        let hosts = vec![git, bare("nas", "https://nas.lan")];
        assert_eq!(Config::parse(json), Ok(Config { hosts, wait: Duration::from_secs(3) }));
    }

    #[test]
    fn many_hosts_share_the_wait_limit_of_a_call() {
        let hosts: Vec<_> = (0..30).map(|host| format!(r#""h{host}":"http://h""#)).collect();
        let wait = |more: &str| {
            Config::parse(&format!(r#"{{"hosts":{{{}}}{more}}}"#, hosts.join(","))).expect("valid input").wait
        };
        assert_eq!(wait(""), Duration::from_millis(2_250));
        assert_eq!(wait(r#","wait":"5s""#), Duration::from_secs(5));
    }

    #[test]
    fn an_invalid_table_is_reported() {
        let refused = |json: &str| Config::parse(json).expect_err(json);
        assert_eq!(
            refused("{}"),
            "hosts is missing: set [plugins.status.config.hosts] nas = \"https://nas.lan/health\""
        );
        let address = "hosts.nas = \"nas.lan\" is not a URL: write it as \"https://nas.lan/health\"";
        assert_eq!(refused(r#"{"hosts":{"nas":"nas.lan"}}"#), address);
        let told = "hosts.nas: a host is \"https://host/health\", or a table with url, expect and contains";
        assert_eq!(refused(r#"{"hosts":{"nas":{"url":"https://nas","code":1}}}"#), told);
        let wait = refused(r#"{"hosts":{"a":"http://a"},"wait":"0s"}"#);
        assert_eq!(wait, "wait = \"0s\" is not a duration; write it as \"90m\", \"26h\" or \"8d\"");
        let many: Vec<_> = (0..31).map(|host| format!(r#""h{host}":"http://h""#)).collect();
        let many = refused(&format!(r#"{{"hosts":{{{}}}}}"#, many.join(",")));
        assert_eq!(many, "hosts has 31 entries: one call can query 30 at most");
    }
}
