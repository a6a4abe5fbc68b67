//! `[plugins.status.config.hosts]`: the hosts and their expected responses.

use std::{collections::BTreeMap, time::Duration};

use homelab::time::parse_span;
use serde::Deserialize;

/// The maximum number of hosts, limited because one call queries all of them.
const MAX_HOSTS: usize = 30;

/// The number of concurrent requests.
const CONCURRENT: u64 = 8;

/// The default time for all hosts together, in milliseconds: slightly less than the default of `http_time`.
const TOTAL_WAIT: u64 = 9_000;

/// The default timeout of one host, in milliseconds. It is shorter if there are many hosts.
const HOST_WAIT: u64 = 3_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    hosts: BTreeMap<String, Entry>,
    wait: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Table")]
pub struct Config {
    pub hosts: Vec<Host>,
    /// The timeout of each host.
    pub wait: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a host is \"https://host/health\", or a table with url, expect and contains")]
enum Entry {
    Address(String),
    Host(HostTable),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostTable {
    url: String,
    expect: Option<u16>,
    contains: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    pub url: String,
    /// The expected status. By default, 200 to 399, 401 and 403 are accepted.
    pub expect: Option<u16>,
    /// The text that the response must contain.
    pub contains: Option<String>,
}

impl TryFrom<Table> for Config {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        let hosts: Vec<_> =
            table.hosts.into_iter().map(|(name, entry)| parse_host(name, entry)).collect::<Result<_, _>>()?;
        let count = match hosts.len() {
            0 => {
                return Err(
                    "hosts is missing: set [plugins.status.config.hosts] nas = \"https://nas.lan/health\"".to_owned()
                );
            }
            count @ 1..=MAX_HOSTS => count as u64,
            more => return Err(format!("hosts has {more} entries: one call can query {MAX_HOSTS} at most")),
        };
        let wait = match table.wait {
            Some(wait) => Duration::from_secs(parse_span(&wait).map_err(|why| format!("wait = {why}"))?),
            None => Duration::from_millis(HOST_WAIT.min(TOTAL_WAIT / count.div_ceil(CONCURRENT))),
        };
        Ok(Self { hosts, wait })
    }
}

fn parse_host(name: String, entry: Entry) -> Result<Host, String> {
    let HostTable { url, expect, contains } = match entry {
        Entry::Address(url) => HostTable { url, expect: None, contains: None },
        Entry::Host(host) => host,
    };
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    if rest.is_empty() || rest.starts_with('/') || rest.contains([' ', '#', '@']) {
        return Err(format!("hosts.{name} = \"{url}\" is not a URL: write it as \"https://{name}.lan/health\""));
    }
    Ok(Host { name, url, expect, contains })
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::config::parse_text;

    use super::*;

    #[test]
    fn a_host_is_an_address_or_a_table() {
        let json = r#"{"hosts":{"nas":"https://nas.lan","git":{"url":"http://git.lan:3000/api/healthz","expect":204,"contains":"pass"}}}"#;
        let bare = |name: &str, url: &str| Host { name: name.into(), url: url.into(), expect: None, contains: None };
        let git =
            Host { expect: Some(204), contains: Some("pass".into()), ..bare("git", "http://git.lan:3000/api/healthz") };
        let hosts = vec![git, bare("nas", "https://nas.lan")];
        assert_eq!(parse_text::<Config>(json), Ok(Config { hosts, wait: Duration::from_secs(3) }));
    }

    #[test]
    fn many_hosts_share_the_wait_limit_of_a_call() {
        let hosts: Vec<_> = (0..30).map(|host| format!(r#""h{host}":"http://h""#)).collect();
        let wait = |more: &str| {
            parse_text::<Config>(&format!(r#"{{"hosts":{{{}}}{more}}}"#, hosts.join(","))).expect("valid input").wait
        };
        assert_eq!(wait(""), Duration::from_millis(2_250));
        assert_eq!(wait(r#","wait":"5s""#), Duration::from_secs(5));
    }

    #[test]
    fn an_invalid_table_is_reported() {
        let refused = |json: &str| parse_text::<Config>(json).expect_err(json);
        assert_eq!(
            refused("{}"),
            "hosts is missing: set [plugins.status.config.hosts] nas = \"https://nas.lan/health\""
        );
        let address = "hosts.nas = \"nas.lan\" is not a URL: write it as \"https://nas.lan/health\"";
        assert_eq!(refused(r#"{"hosts":{"nas":"nas.lan"}}"#), address);
        let error = "hosts.nas: a host is \"https://host/health\", or a table with url, expect and contains";
        assert_eq!(refused(r#"{"hosts":{"nas":{"url":"https://nas","code":1}}}"#), error);
        let wait = refused(r#"{"hosts":{"a":"http://a"},"wait":"0s"}"#);
        assert_eq!(wait, "wait = \"0s\" is not a duration; write it as \"90m\", \"26h\" or \"8d\"");
        let many: Vec<_> = (0..31).map(|host| format!(r#""h{host}":"http://h""#)).collect();
        let many = refused(&format!(r#"{{"hosts":{{{}}}}}"#, many.join(",")));
        assert_eq!(many, "hosts has 31 entries: one call can query 30 at most");
    }
}
