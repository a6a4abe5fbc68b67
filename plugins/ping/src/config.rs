//! `[plugins.ping.config.hosts]`: the hosts to connect to, by name.

use std::collections::BTreeMap;

use cordboard_plugin::tr;
use serde::Deserialize;

/// The maximum number of hosts. It is limited because a call connects to the hosts one at a time.
const MAX_HOSTS: usize = 30;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    hosts: BTreeMap<String, String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Table")]
pub struct Config {
    hosts: Vec<Host>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    pub address: String,
    pub port: u16,
}

impl TryFrom<Table> for Config {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        if table.hosts.is_empty() {
            return Err("hosts is missing: set [plugins.ping.config.hosts] nas = \"nas.lan:22\"".to_owned());
        }
        if table.hosts.len() > MAX_HOSTS {
            return Err(format!("hosts has {} entries: one call can query {MAX_HOSTS} at most", table.hosts.len()));
        }
        let hosts = table.hosts.into_iter().map(|(name, address)| parse_host(name, &address));
        Ok(Self { hosts: hosts.collect::<Result<_, _>>()? })
    }
}

impl Config {
    /// Returns all hosts, or only the host with that name.
    ///
    /// # Errors
    /// There is no host with that name. The text is for the caller and lists the known names.
    pub fn chosen(&self, name: Option<&str>) -> Result<Vec<&Host>, String> {
        let Some(name) = name else { return Ok(self.hosts.iter().collect()) };
        if let Some(host) = self.hosts.iter().find(|host| host.name == name) {
            return Ok(vec![host]);
        }
        let known: Vec<_> = self.hosts.iter().map(|host| host.name.as_str()).collect();
        Err(tr!("Unknown host '{name}'. Known: {known}.", name, known = known.join(", ")))
    }
}

fn parse_host(name: String, text: &str) -> Result<Host, String> {
    let invalid = || format!("hosts.{name} = \"{text}\" is not a host and port: write it as \"{name}.lan:22\"");
    let (address, port) = text.rsplit_once(':').ok_or_else(invalid)?;
    let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(invalid)?;
    if address.is_empty() || address.contains(['/', '@', ' ']) {
        return Err(invalid());
    }
    let address = address.to_owned();
    Ok(Host { name, address, port })
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::config::parse_text;

    use super::*;

    #[test]
    fn hosts_are_chosen_by_name_or_all() {
        let config =
            parse_text::<Config>(r#"{"hosts":{"pbs":"pbs.lan:8007","nas":"[fd00::1]:22"}}"#).expect("valid input");
        let names =
            |name| config.chosen(name).map(|hosts| hosts.iter().map(|host| host.name.clone()).collect::<Vec<_>>());
        assert_eq!(names(None), Ok(vec!["nas".to_owned(), "pbs".to_owned()]));
        assert_eq!(names(Some("pbs")), Ok(vec!["pbs".to_owned()]));
        assert_eq!(names(Some("x")), Err("Unknown host 'x'. Known: nas, pbs.".to_owned()));
        assert_eq!(config.hosts[0], Host { name: "nas".into(), address: "[fd00::1]".into(), port: 22 });
    }

    #[test]
    fn an_invalid_table_is_reported() {
        let refused = |json: &str| parse_text::<Config>(json).expect_err(json);
        assert_eq!(refused("{}"), "hosts is missing: set [plugins.ping.config.hosts] nas = \"nas.lan:22\"");
        for bad in ["nas.lan", "nas.lan:", "nas.lan:x", "nas.lan:0", ":22", "http://nas.lan:80", "nas.lan:70000"] {
            let error = format!("hosts.nas = \"{bad}\" is not a host and port: write it as \"nas.lan:22\"");
            assert_eq!(refused(&format!(r#"{{"hosts":{{"nas":"{bad}"}}}}"#)), error);
        }
        assert!(refused(r#"{"host":{}}"#).contains("host"));
        let many: Vec<_> = (0..31).map(|host| format!(r#""h{host}":"h:1""#)).collect();
        assert_eq!(
            refused(&format!(r#"{{"hosts":{{{}}}}}"#, many.join(","))),
            "hosts has 31 entries: one call can query 30 at most"
        );
    }
}
