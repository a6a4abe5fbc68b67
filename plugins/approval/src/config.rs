//! `[plugins.approval.config]`: lists of rules for all sessions, for the sessions with a certain persona, and for
//! individual sessions.

use std::collections::BTreeMap;

use cordboard_plugin::Session;
use serde::Deserialize;

use crate::{
    rule_list::{List, RuleText},
    rule_source::Source,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    allow: Vec<RuleText>,
    #[serde(default)]
    ask: Vec<RuleText>,
    #[serde(default)]
    deny: Vec<RuleText>,
    #[serde(default)]
    personas: BTreeMap<String, Lists>,
    #[serde(default)]
    sessions: BTreeMap<String, Lists>,
}

#[derive(Debug, Deserialize)]
#[serde(from = "Table")]
pub struct Config {
    all: Lists,
    personas: BTreeMap<String, Lists>,
    sessions: BTreeMap<String, Lists>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Lists {
    allow: Vec<RuleText>,
    ask: Vec<RuleText>,
    deny: Vec<RuleText>,
}

impl From<Table> for Config {
    fn from(Table { allow, ask, deny, personas, sessions }: Table) -> Self {
        Self { all: Lists { allow, ask, deny }, personas, sessions }
    }
}

impl Config {
    /// Returns the rules of a list that apply to the session.
    pub fn rules(&self, list: List, session: &Session) -> impl Iterator<Item = (&RuleText, Source)> {
        let persona = session.persona.as_ref().and_then(|name| Some((self.personas.get(name)?, name)));
        let own = self.sessions.get(&session.name);
        let tables = [
            Some((&self.all, Source::Configuration)),
            persona.map(|(lists, name)| (lists, Source::Persona(name.clone()))),
            own.map(|lists| (lists, Source::Session(session.name.clone()))),
        ];
        tables
            .into_iter()
            .flatten()
            .flat_map(move |(lists, source)| lists.of(list).iter().map(move |rule| (rule, source.clone())))
    }
}

impl Lists {
    fn of(&self, list: List) -> &[RuleText] {
        match list {
            List::Deny => &self.deny,
            List::Ask => &self.ask,
            List::Allow => &self.allow,
        }
    }
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::{config::parse_text, testing::session};

    use super::*;

    #[test]
    fn the_lists_of_persona_and_session_are_added() {
        let json = r#"{"allow":["Read"],"personas":{"planner":{"allow":["Grep"]},"poet":{"allow":["Glob"]}},
            "sessions":{"alpha":{"allow":["LS"],"deny":["Bash"]}}}"#;
        let config: Config = parse_text(json).expect("valid input");
        let rules = |name: &str, persona: Option<&str>| -> Vec<String> {
            let session = Session { persona: persona.map(str::to_owned), ..session(name) };
            config.rules(List::Allow, &session).map(|(rule, source)| format!("{rule}, {source}")).collect()
        };
        assert_eq!(rules("beta", None), ["Read, configuration"]);
        assert_eq!(
            rules("alpha", Some("planner")),
            ["Read, configuration", "Grep, configuration of persona 'planner'", "LS, configuration of session 'alpha'"]
        );
        assert_eq!(config.rules(List::Deny, &session("alpha")).count(), 1);
        let empty: Config = parse_text("{}").expect("nothing is required");
        assert_eq!(empty.rules(List::Ask, &session("alpha")).count(), 0);
    }

    #[test]
    fn an_error_names_the_key_and_the_rule() {
        let error = |json: &str| parse_text::<Config>(json).expect_err(json);
        let invalid = error(r#"{"allow":["Read"],"sessions":{"alpha":{"deny":["Bash","Bash(git"]}}}"#);
        let start = "sessions.alpha.deny[1]: “Bash(git” isn't a rule: the closing parenthesis is missing";
        assert!(invalid.starts_with(start), "{invalid}");
        assert!(error(r#"{"allow":["(ls)"]}"#).starts_with("allow[0]: “(ls)” isn't a rule: "));
        assert!(error(r#"{"allow":"Read"}"#).starts_with("allow: invalid type: string"));
        assert!(error(r#"{"permit":[]}"#).starts_with("unknown field `permit`"));
        assert!(
            error(r#"{"personas":{"poet":{"sessions":{}}}}"#).starts_with("personas.poet: unknown field `sessions`")
        );
    }
}
