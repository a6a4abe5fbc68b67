//! `[plugins.persona.config]`: the personas and their instructions for agents.

use std::collections::BTreeMap;

use cordboard_plugin::{
    Seconds,
    persona::{PersonaSettings, Summary},
    text::span,
    tr,
};
use serde::Deserialize;

/// The argument that resets a session's persona. A persona can't have this name.
pub const NONE: &str = "none";

/// The maximum length of a name, in characters, so that a name fits on a button and in a command.
const MAX_NAME: usize = 64;

/// The maximum length, in characters, of the instructions excerpt that replaces a missing description: about a line on
/// a phone.
const MAX_EXCERPT: usize = 60;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    personas: BTreeMap<String, Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "Table")]
pub struct Config {
    personas: BTreeMap<String, Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    description: String,
    instructions: String,
    model: Option<String>,
    idle_timeout: Option<String>,
    greeting: Option<String>,
}

impl TryFrom<Table> for Config {
    type Error = String;

    fn try_from(Table { personas }: Table) -> Result<Self, String> {
        for (name, entry) in &personas {
            entry.check(name).map_err(|what| format!("personas.{name}: {what}"))?;
        }
        Ok(Self { personas })
    }
}

impl Config {
    pub fn summaries(&self) -> Vec<Summary> {
        let summary = |(name, entry): (&String, &Entry)| Summary {
            name: name.clone(),
            description: entry.description_line(name),
        };
        self.personas.iter().map(summary).collect()
    }

    pub fn settings(&self, name: &str) -> Result<PersonaSettings, String> {
        let entry = self.personas.get(name).ok_or_else(|| {
            tr!(
                "Persona '{name}' is no longer configured. Use /persona to choose another one, or /persona {none} for none.",
                name,
                none = NONE
            )
        })?;
        Ok(PersonaSettings {
            instructions: entry.instructions.clone(),
            model: entry.model.clone(),
            idle_timeout: entry.idle_timeout.as_deref().map(parse_duration).transpose()?,
            greeting: entry.greeting.clone(),
        })
    }
}

impl Entry {
    /// Returns one line for lists: the description, or else the beginning of the instructions, or else the name.
    fn description_line(&self, name: &str) -> String {
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (own, first) = (line(&self.description), self.instructions.lines().map(line).find(|line| !line.is_empty()));
        match first {
            _ if !own.is_empty() => own,
            Some(first) if first.chars().count() > MAX_EXCERPT => {
                first.chars().take(MAX_EXCERPT).chain(['…']).collect()
            }
            Some(first) => first,
            None => name.to_owned(),
        }
    }

    fn check(&self, name: &str) -> Result<(), String> {
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !is_plain || !(1..=MAX_NAME).contains(&name.len()) {
            return Err("the name must be 1 to 64 letters, digits, '-' and '_'".to_owned());
        }
        if name == NONE {
            return Err(format!("'/persona {NONE}' removes the persona, so a persona can't have that name"));
        }
        self.idle_timeout.as_deref().map_or(Ok(0), parse_duration).map(|_| ())
    }
}

/// Parses a duration, such as "30s", "10m", "1h30m" or "2d". It must not be zero.
fn parse_duration(text: &str) -> Result<Seconds, String> {
    span(text).ok_or_else(|| {
        format!("idle_timeout = \"{text}\" is not a duration such as \"30s\", \"10m\", \"1h30m\" or \"2d\"")
    })
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::config::parse_text;

    use super::*;

    fn refusal(json: &str) -> String {
        parse_text::<Config>(json).expect_err(json)
    }

    #[test]
    fn a_persona_is_resolved_as_configured() {
        let json = r#"{"personas":{"b":{"instructions":"Be kind.","idle_timeout":"1h30m","description":"Kind"},
            "a":{"instructions":"x","model":"opus","greeting":"Hi"}}}"#;
        let config = parse_text::<Config>(json).expect("valid input");
        let names: Vec<_> = config.summaries().into_iter().map(|summary| summary.name).collect();
        assert_eq!(names, ["a", "b"]);
        let settings = config.settings("b").expect("it exists");
        assert_eq!(
            (settings.instructions.as_str(), settings.idle_timeout, settings.model),
            ("Be kind.", Some(5400), None)
        );
        assert!(config.settings("c").expect_err("it is not there").contains("'c'"));
        assert!(parse_text::<Config>("{}").expect("nothing is required").summaries().is_empty());
    }

    #[test]
    fn a_persona_is_described_on_one_line() {
        let description = |entry: &str| {
            let config = parse_text::<Config>(&format!(r#"{{"personas":{{"poet":{entry}}}}}"#)).expect("valid input");
            config.summaries().remove(0).description
        };
        assert_eq!(description(r#"{"instructions":"x","description":" In\n  verse\n"}"#), "In verse");
        assert_eq!(description(r#"{"instructions":"\n Rhyme.\nAlways."}"#), "Rhyme.");
        assert_eq!(description(r#"{"instructions":""}"#), "poet");
        let long = description(&format!(r#"{{"instructions":"{}"}}"#, "x".repeat(61)));
        assert_eq!(long, format!("{}…", "x".repeat(60)));
    }

    #[test]
    fn an_invalid_configuration_is_reported() {
        assert_eq!(refusal(r#"{"persona":{}}"#), "unknown field `persona`, expected `personas`");
        assert!(!refusal(r#"{"persona":{}}"#).contains("line"));
        assert!(refusal(r#"{"personas":{"a":{}}}"#) == "personas.a: missing field `instructions`");
        let wrong = refusal(r#"{"personas":{"a":{"instructions":"x"},"b":{"instructions":3}}}"#);
        assert_eq!(wrong, "personas.b.instructions: invalid type: integer `3`, expected a string");
        assert!(refusal(r#"{"personas":{"none":{"instructions":"x"}}}"#).starts_with("personas.none: "));
        assert!(refusal(r#"{"personas":{"a b":{"instructions":"x"}}}"#).contains("the name must be"));
        let bad = refusal(r#"{"personas":{"a":{"instructions":"x","idle_timeout":"soon"}}}"#);
        assert!(bad.starts_with("personas.a: idle_timeout = \"soon\" is not a duration"), "{bad}");
    }
}
