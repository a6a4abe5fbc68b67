//! The text form of rules in the configuration and in the plugin's state, and the three lists of rules.

use std::fmt;

use cordboard_permission_rules::Rule;
use cordboard_plugin::tr;
use serde::{Deserialize, Serialize};

use crate::rule_error;

/// The list that contains a rule. The list determines what happens to the tool uses that the rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum List {
    Deny,
    Ask,
    Allow,
}

impl List {
    /// The lists in the order of precedence.
    pub const ALL: [Self; 3] = [Self::Deny, Self::Ask, Self::Allow];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Ask => "ask",
            Self::Allow => "allow",
        }
    }

    /// Parses the name of a list. Ignores case, because phone keyboards capitalize words.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.as_str().eq_ignore_ascii_case(word))
    }
}

/// A rule that serde reads and writes as a string. The error for an invalid rule quotes the string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RuleText(pub Rule);

impl TryFrom<String> for RuleText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|error| tr!("“{text}” isn't a rule: {error}", text, error = rule_error::text(error)))
    }
}

impl From<RuleText> for String {
    fn from(rule: RuleText) -> Self {
        rule.to_string()
    }
}

impl fmt::Display for RuleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_rule_is_named_in_the_error() {
        let error = RuleText::try_from("Bash(git".to_owned()).expect_err("it has no end");
        assert!(error.starts_with("“Bash(git” isn't a rule: the closing parenthesis is missing"), "{error}");
    }

    #[test]
    fn a_list_is_named_in_any_case() {
        assert_eq!(
            ["allow", "Deny", "ASK", "allowed"].map(List::parse),
            [Some(List::Allow), Some(List::Deny), Some(List::Ask), None]
        );
    }
}
