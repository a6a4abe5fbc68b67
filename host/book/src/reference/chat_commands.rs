//! The page about the commands in a chat, from the specs of the plugins.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::Cordboard;

/// The part of the report of `cordboard plugin check --json` that the page needs.
#[derive(Debug, Deserialize)]
struct Report {
    name: String,
    offers: Vec<Offer>,
    rejected: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Offer {
    kind: String,
    name: String,
    text: String,
    terms: String,
}

/// Returns the commands of the plugins in `folder` as Markdown. The configuration `config` contains the values without
/// which a plugin can't be activated.
///
/// # Errors
/// A plugin can't be checked, or wouldn't be activated.
pub fn chat_commands(cordboard: &Cordboard, folder: &Path, config: &Path) -> Result<String> {
    let mut page = String::new();
    for component in components(folder)? {
        let report = check(cordboard, &component, config)?;
        page.push_str(&section(&report));
    }
    Ok(page)
}

fn components(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))?;
    let mut components = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    components.retain(|path| path.extension().is_some_and(|ending| ending == "wasm"));
    components.sort();
    if components.is_empty() {
        bail!("{} contains no plugins: run cargo xtask build", folder.display());
    }
    Ok(components)
}

fn check(cordboard: &Cordboard, component: &Path, config: &Path) -> Result<Report> {
    let (component, config) = (component.display().to_string(), config.display().to_string());
    let output = cordboard.run(&["plugin", "check", &component, "--json", "--config", &config])?;
    // The command fails if a plugin needs approval, but prints the report.
    let report: Report = serde_json::from_slice(&output.stdout).with_context(|| {
        format!("{component} can't be checked: {}", String::from_utf8_lossy(&output.stderr).trim_end())
    })?;
    if !report.rejected.is_empty() {
        bail!("a host would reject {component}: {}", report.rejected.join("; "));
    }
    Ok(report)
}

/// Returns the section of a plugin. Empty if the plugin has no commands.
fn section(report: &Report) -> String {
    let commands = report.offers.iter().filter(|offer| offer.kind == "command");
    let rows = commands.map(|command| {
        let (role, _) = command.terms.split_once(',').unwrap_or((&command.terms, ""));
        format!("| `{}` | {} | {role} |\n", command.name.replace('|', "\\|"), command.text.replace('|', "\\|"))
    });
    let rows: String = rows.collect();
    if rows.is_empty() {
        return rows;
    }
    format!("### {}\n\n| command | effect | minimum role |\n|---|---|---|\n{rows}\n", report.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_lists_only_commands() {
        let report = r#"{"name": "stop", "rejected": [], "more": 1, "offers": [
            {"kind": "command", "name": "/stop [a|b]", "text": "Stop it", "terms": "member, at once"},
            {"kind": "job", "name": "tick", "text": "* * * * *", "terms": ""}]}"#;
        let mut report: Report = serde_json::from_str(report).unwrap();
        let expected = "### stop\n\n| command | effect | minimum role |\n|---|---|---|\n| `/stop [a\\|b]` | Stop it | member |\n\n";
        assert_eq!(section(&report), expected);
        report.offers.remove(0);
        assert_eq!(section(&report), "");
    }
}
