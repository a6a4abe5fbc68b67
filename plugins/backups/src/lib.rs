//! `/backups`: shows the newest backup of each guest on a Proxmox Backup Server, and warns about old ones. Read-only:
//! it changes nothing on the server.

mod config;
mod german;
mod groups;

use cordboard_plugin::{Call, Command, Reply, Timestamp, command::Spec, config::parse, context, tr};
use homelab::{Fetch, Json, refreshable, response::warning_line};

use config::Config;
use groups::Group;

struct Backups;

impl Command for Backups {
    fn specs() -> Result<Vec<Spec>, String> {
        parse::<Config>()?;
        let spec = Spec::new("backups", &tr!("Show the newest backup of each guest"), "/backups").min_role("admin");
        Ok(vec![spec])
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        let config: Config = parse()?;
        let text = config.access.with_fetch(|fetch| report(&config, fetch, context::now()))?;
        Ok(refreshable(text, "/backups"))
    }
}

/// Builds a Markdown report on all datastores. Errors from datastores that can't be read come last.
fn report(config: &Config, fetch: Fetch, now: Timestamp) -> Result<String, String> {
    let stores = match config.datastores.as_slice() {
        [] => config.access.data(fetch, "/status/datastore-usage", |data| mounted_stores(&data))?,
        named => named.to_vec(),
    };
    let (mut groups, mut errors) = (Vec::new(), Vec::new());
    for store in &stores {
        match store_groups(config, fetch, store) {
            Ok(found) => groups.extend(found),
            Err(line) => errors.push(warning_line(&tr!("Datastore {store}: {line}", store, line))),
        }
    }
    if groups.is_empty() && !errors.is_empty() {
        return Ok(errors.join("\n"));
    }
    let mut lines = groups::lines(groups, config, now);
    lines.extend(errors);
    Ok(lines.join("\n"))
}

/// Returns the names of the datastores, excluding removable datastores that aren't mounted.
fn mounted_stores(data: &Json) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for item in data.items()? {
        let status = item.find("mount-status").map(|status| status.text()).transpose()?;
        if status != Some("notmounted") {
            names.push(item.at("store")?.text()?.to_owned());
        }
    }
    Ok(names)
}

/// Returns the groups of all namespaces of a datastore.
fn store_groups(config: &Config, fetch: Fetch, store: &str) -> Result<Vec<Group>, String> {
    let base = format!("/admin/datastore/{store}");
    let namespaces = config.access.data(fetch, &format!("{base}/namespace"), |data| {
        data.items()?.iter().map(|item| item.at("ns")?.text().map(str::to_owned)).collect::<Result<Vec<_>, _>>()
    })?;
    let mut all = Vec::new();
    for namespace in &namespaces {
        // The name needs no encoding: it consists of letters, digits, `-`, `_` and `.`, with slashes between levels.
        let path =
            if namespace.is_empty() { format!("{base}/groups") } else { format!("{base}/groups?ns={namespace}") };
        all.extend(config.access.data(fetch, &path, |data| groups::read(&data, store, namespace))?);
    }
    Ok(all)
}

cordboard_plugin::export!(Backups: command; german::GERMAN, homelab::german::GERMAN);

#[cfg(test)]
mod tests {
    use cordboard_plugin::config::parse_text;
    use cordboard_plugin::http::Response;
    use homelab::testing::response;

    use super::*;

    const NOW: Timestamp = 1_795_268_736_000;

    fn respond(path: &str) -> Result<Response, String> {
        let (status, body) = match path {
            "/api2/json/status/datastore-usage" => (200, include_str!("../tests/data/usage.json")),
            "/api2/json/admin/datastore/main/namespace" => (200, include_str!("../tests/data/namespaces.json")),
            "/api2/json/admin/datastore/main/groups" => (200, include_str!("../tests/data/groups.json")),
            "/api2/json/admin/datastore/main/groups?ns=lab" => (200, include_str!("../tests/data/groups-lab.json")),
            "/api2/json/admin/datastore/offsite/namespace" => (200, r#"{"data":[{"ns":""}]}"#),
            "/api2/json/admin/datastore/offsite/groups" => (403, "permission check failed"),
            _ => (404, "Path not found."),
        };
        Ok(response(status, body))
    }

    fn config(more: &str) -> Config {
        parse_text::<Config>(&format!(r#"{{"url":"https://pbs","token":"a@pbs!b"{more}}}"#)).expect("valid input")
    }

    #[test]
    fn all_mounted_datastores_are_read_and_errors_reported() {
        let report = report(&config(""), &respond, NOW).expect("most responses arrived");
        let lines: Vec<_> = report.lines().collect();
        assert_eq!((lines[0], lines.len()), ("3 of 5 guests without a recent backup:", 7), "{report}");
        assert_eq!(
            lines[6],
            "⚠️ Datastore offsite: Proxmox Backup Server does not allow /api2/json/admin/datastore/offsite/groups (403: \
             permission check failed). Give the token and its user the role Audit on the path / (Access Control, Permissions)."
        );
    }

    #[test]
    fn only_the_named_datastores_are_queried() {
        let only = config(r#","datastores":["nowhere"]"#);
        let text = report(&only, &respond, NOW).expect("the reply reports it");
        assert!(text.starts_with("⚠️ Datastore nowhere: Proxmox Backup Server at https://pbs has no /api2"), "{text}");
        let whole = report(&config(""), &|_| Ok(response(401, "")), NOW);
        let refusal =
            "Proxmox Backup Server refused the login (401). Check token and its secret in [plugins.backups.config].";
        assert_eq!(whole, Err(refusal.to_owned()));
    }
}
