//! Generates configuration tables for the personas that imported sessions use but the configuration doesn't define.

use std::collections::{BTreeMap, BTreeSet};

use cordboard_core::config::{Config, format_duration};
use toml::{Table, Value};

use super::bot_files::BotPersona;

/// The plugin whose settings contain the personas.
const PLUGIN: &str = "persona";

/// The personas that the configuration lacks.
#[derive(Debug, Clone)]
pub struct PersonaTables {
    configured: BTreeSet<String>,
    missing: BTreeMap<String, Table>,
}

impl PersonaTables {
    pub(super) fn new(config: &Config) -> Self {
        let settings = config.plugins.by_name.get(PLUGIN).and_then(|plugin| plugin.config.get("personas"));
        let configured = settings.and_then(|personas| personas.as_object()).into_iter().flat_map(|map| map.keys());
        Self { configured: configured.cloned().collect(), missing: BTreeMap::new() }
    }

    /// Adds a session's persona unless the configuration contains it. Returns the note for the user, if there is one.
    pub(super) fn add_missing(&mut self, name: &str, persona: Option<&BotPersona>) -> Option<String> {
        if self.configured.contains(name) {
            return None;
        }
        let Some(table) = persona.and_then(persona_table) else {
            return Some(format!(
                "persona '{name}' is not configured, and persona.json has no instructions: add the persona to the configuration"
            ));
        };
        let added = self.missing.entry(name.to_owned()).or_insert_with(|| table.clone());
        if *added == table {
            Some(format!("add persona '{name}' to the configuration before the first message"))
        } else {
            Some(format!("persona '{name}' differs from that of an earlier session; the earlier one is printed"))
        }
    }

    /// Returns the tables to add to the configuration file, or an empty text if no persona is missing.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let tables = self.missing.iter().map(|(name, table)| {
            let nest = |key: &str, inner: Value| Value::Table(Table::from_iter([(key.to_owned(), inner)]));
            let named = nest(name, Value::Table(table.clone()));
            let nested =
                ["personas", "config", PLUGIN, "plugins"].into_iter().fold(named, |inner, key| nest(key, inner));
            toml::to_string_pretty(&nested).unwrap_or_default()
        });
        tables.collect::<Vec<_>>().join("\n")
    }
}

/// Returns the settings of a persona, or `None` if it has no instructions.
fn persona_table(persona: &BotPersona) -> Option<Table> {
    let entries = [
        ("description", persona.description.clone()),
        ("model", persona.model.clone()),
        ("idle_timeout", persona.idle_timeout.map(format_duration)),
        ("instructions", Some(persona.instructions.clone()?)),
    ];
    let entries = entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::String(value?))));
    Some(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_persona_becomes_a_table_that_the_host_accepts() {
        let config = Config::defaults();
        let mut tables = PersonaTables::new(&config);
        let persona = |text: &str| BotPersona {
            name: None,
            description: Some("Watches \"servers\"".to_owned()),
            instructions: Some(text.to_owned()),
            model: None,
            idle_timeout: Some(std::time::Duration::from_secs(90)),
        };
        assert_eq!(tables.add_missing("planner", None), None);
        assert_eq!(tables.to_toml(), "");
        assert!(tables.add_missing("none", None).unwrap().contains("has no instructions: add the persona"));
        assert!(
            tables.add_missing("on call", Some(&persona("Be\nbrief."))).unwrap().starts_with("add persona 'on call'")
        );
        assert!(tables.add_missing("on call", Some(&persona("Be\nlong."))).unwrap().contains("differs"));
        let merged = cordboard_core::config::load(&tables.to_toml()).unwrap();
        let added = &merged.plugins.by_name[PLUGIN].config["personas"]["on call"];
        assert_eq!(added["instructions"], "Be\nbrief.");
        assert_eq!((&added["idle_timeout"], &added["description"]), (&"1m30s".into(), &"Watches \"servers\"".into()));
    }
}
