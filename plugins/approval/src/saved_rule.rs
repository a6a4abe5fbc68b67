//! The rules saved by users, as entries in the plugin's state. Pure: nothing here calls the host.
//!
//! The entry of a removed rule is kept with an empty value, so its number is never reused, and a button that removes an
//! old rule can't remove another one.

use cordboard_plugin::{Session, Timestamp, tr};
use serde::{Deserialize, Serialize};

use crate::rule_list::{List, RuleText};

/// The prefix of the rules' keys in the state.
pub const PREFIX: &str = "rule/";

/// The value of a removed rule.
pub const REMOVED: &[u8] = b"";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedRule {
    /// The number of the rule, which is part of its key.
    #[serde(skip)]
    pub number: u32,
    pub list: List,
    pub rule: RuleText,
    /// The name of the session that the rule applies to. `None` if it applies to all sessions.
    pub session: Option<String>,
    /// The name of the person who saved it.
    pub by: String,
    pub by_id: String,
    pub at: Timestamp,
}

impl SavedRule {
    /// Parses an entry of the state. The error contains the command that removes the entry.
    pub fn parse(number: u32, value: &[u8]) -> Result<Self, String> {
        let parsed: Result<Self, _> = serde_json::from_slice(value);
        parsed.map(|rule| Self { number, ..rule }).map_err(|error| {
            tr!(
                "The saved rule {number} can't be read: {error}. Use /permissions remove {number} to remove it.",
                number,
                error
            )
        })
    }

    pub fn value(&self) -> Result<Vec<u8>, String> {
        serde_json::to_vec(self).map_err(|error| error.to_string())
    }

    pub fn applies_to(&self, session: &Session) -> bool {
        self.session.as_ref().is_none_or(|name| *name == session.name)
    }

    /// Returns whether both rules have the same list, text and session.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.list, &self.rule, &self.session) == (other.list, &other.rule, &other.session)
    }

    /// Describes the rule, as in `allow Bash(git push:*) in session 'alpha'`.
    pub fn description(&self) -> String {
        let rule = format!("{} {}", self.list.as_str(), self.rule);
        match &self.session {
            Some(name) => tr!("{rule} in session '{name}'", rule, name),
            None => tr!("{rule} in all sessions", rule),
        }
    }
}

pub fn key(number: u32) -> String {
    format!("{PREFIX}{number:04}")
}

pub fn number(key: &str) -> Option<u32> {
    key.strip_prefix(PREFIX)?.parse().ok()
}

/// Returns a rule that ada, the owner, saved on 2026-11-28, for tests.
#[cfg(test)]
pub fn example(number: u32, list: List, rule: &str, session: Option<&str>) -> SavedRule {
    SavedRule {
        number,
        list,
        rule: RuleText(rule.parse().expect("a valid rule")),
        session: session.map(str::to_owned),
        by: "ada".to_owned(),
        by_id: "console:ada".to_owned(),
        at: 20_785 * 86_400_000,
    }
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing::session;

    use super::*;

    #[test]
    fn a_rule_survives_a_round_trip() {
        let rule = example(12, List::Allow, "Bash(git push:*)", Some("alpha"));
        let value = rule.value().expect("it has a value");
        let json = r#"{"list":"allow","rule":"Bash(git push:*)","session":"alpha","by":"ada","by_id":"console:ada","at":1795824000000}"#;
        assert_eq!(String::from_utf8_lossy(&value), json);
        assert_eq!(SavedRule::parse(12, &value), Ok(rule));
        assert_eq!([key(12), key(12_345)], ["rule/0012", "rule/12345"]);
        assert_eq!(["rule/0012", "rule/12345", "rule/", "place"].map(number), [Some(12), Some(12_345), None, None]);
    }

    #[test]
    fn an_unreadable_entry_is_reported_with_a_remedy() {
        let error = SavedRule::parse(3, br#"{"list":"log"}"#).expect_err("no such list");
        assert!(error.starts_with("The saved rule 3 can't be read: unknown variant `log`"), "{error}");
        assert!(error.ends_with("Use /permissions remove 3 to remove it."), "{error}");
    }

    #[test]
    fn a_rule_applies_to_its_session_or_to_all() {
        let applies = |name| example(1, List::Ask, "Bash", name).applies_to(&session("alpha"));
        assert_eq!([None, Some("alpha"), Some("beta")].map(applies), [true, true, false]);
    }
}
