//! Converts the options of `cordboard plugin call` to the equivalent configuration.

use std::{collections::BTreeSet, path::absolute};

use cordboard_core::config::{Config, NetworkGrants};

use crate::{
    cli::ConfigOptions,
    dev::{
        error::DevError,
        harness::{ConfigLines, configured},
    },
};

/// Returns the configuration for calling the plugin `name`.
///
/// # Errors
/// An option is invalid.
pub fn config(name: &str, options: &ConfigOptions) -> Result<Config, DevError> {
    let (mut secrets, mut names) = (Vec::new(), Vec::new());
    for secret in &options.secrets {
        let (name, path) = split("--secret", secret, "NAME=FILE")?;
        let path = absolute(path).map_err(DevError::read(path.as_ref()))?;
        secrets.push(format!("{} = {}", quoted(name), quoted(&path.display().to_string())));
        names.push(name.to_owned());
    }
    let lists = [
        ("grants", &options.grants),
        ("http", &options.http),
        ("private", &options.private),
        ("tcp", &options.tcp),
        ("secrets", &names),
    ];
    let line = |(key, values): (&str, &Vec<String>)| {
        let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
        (!values.is_empty()).then(|| format!("{key} = [{}]", values.join(", ")))
    };
    let lines: Vec<String> = lists.into_iter().filter_map(line).collect();
    let keys = options.set.iter().map(|pair| config_line(pair)).collect::<Result<Vec<_>, _>>()?;
    let config = configured(name, ConfigLines { plugin: &lines, config: &keys, secrets: &secrets })?;
    check_private(&config.plugins.network_grants_of(name))?;
    Ok(config)
}

/// Checks that each host in `--private` is also in `--http` or `--tcp`. For other hosts, `--private` would have no
/// effect.
fn check_private(reach: &NetworkGrants) -> Result<(), DevError> {
    let http = reach.http.iter().map(|grant| grant.host().to_string());
    let hosts: BTreeSet<String> = http.chain(reach.tcp.iter().map(|grant| grant.host.clone())).collect();
    match reach.private.iter().find(|host| !hosts.contains(*host)) {
        Some(host) => Err(wrong("--private", host, "HOST, a host of --http or --tcp")),
        None => Ok(()),
    }
}

/// Returns the options that add the missing grants.
pub fn options(missing: &[String]) -> String {
    let option = |name: &String| match name.as_str() {
        "http" => "--http 'https://HOST/*'".to_owned(),
        "tcp" => "--tcp HOST:PORT".to_owned(),
        "secrets" => "--secret NAME=FILE".to_owned(),
        name => format!("--grant {name}"),
    };
    missing.iter().map(option).collect::<Vec<_>>().join(" ")
}

/// Converts a `KEY=VALUE` argument of `--set` to a line in `[plugins.NAME.config]`.
fn config_line(pair: &str) -> Result<String, DevError> {
    let (key, value) = split("--set", pair, "KEY=VALUE")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !key.chars().all(fits) {
        return Err(wrong("--set", pair, "KEY=VALUE"));
    }
    let table = toml::from_str::<toml::Table>(&format!("value = {value}"));
    let parsed = table.ok().filter(|table| table.len() == 1).and_then(|mut table| table.remove("value"));
    Ok(format!("{key} = {}", parsed.map_or_else(|| quoted(value), |parsed| parsed.to_string())))
}

fn split<'a>(option: &'static str, pair: &'a str, shape: &'static str) -> Result<(&'a str, &'a str), DevError> {
    let (name, value) = pair.split_once('=').ok_or_else(|| wrong(option, pair, shape))?;
    if name.is_empty() || value.is_empty() { Err(wrong(option, pair, shape)) } else { Ok((name, value)) }
}

fn wrong(option: &'static str, given: &str, shape: &'static str) -> DevError {
    DevError::Option { option, given: given.to_owned(), shape }
}

/// Formats text as a TOML string, using JSON escapes, which are also valid in TOML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_not_toml_is_a_string() {
        for (pair, line) in [
            ("at=90", "at = 90"),
            ("url=https://nas.lan/a?b=c", "url = \"https://nas.lan/a?b=c\""),
            ("on=true", "on = true"),
            ("name=\"x\"", "name = \"x\""),
            ("hosts.nas=[1, 2]", "hosts.nas = [1, 2]"),
            ("text=1\n[secrets]", "text = \"1\\n[secrets]\""),
        ] {
            assert_eq!(config_line(pair).expect("valid input"), line);
        }
        for bad in ["at", "=1", "at=", "a b=1", "[x]\na=1"] {
            assert!(config_line(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn options_become_configuration_lines() {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let options = ConfigOptions {
            grants: texts(&["chat"]),
            http: texts(&["POST https://nas.lan/*"]),
            private: texts(&["nas.lan"]),
            tcp: texts(&["nas.lan:22"]),
            secrets: texts(&["key=/etc/key"]),
            set: texts(&["user=ada"]),
        };
        let config = config("mine", &options).expect("valid input");
        let plugin = &config.plugins.by_name["mine"];
        assert_eq!((plugin.grants.len(), plugin.network.http.len(), plugin.network.tcp.len()), (1, 1, 1));
        assert!(plugin.network.has_secret("key") && config.secrets.contains_key("key"));
        let wrong = ConfigOptions { http: texts(&["nas.lan"]), ..options };
        assert!(super::config("mine", &wrong).unwrap_err().to_string().starts_with("use the configuration: "));
    }
}
