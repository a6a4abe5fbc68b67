//! The owner's answers about the capabilities that a plugin requested.

use std::collections::{BTreeMap, BTreeSet};

use super::Decision;

/// The owner's answer to a plugin's request for capabilities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantAnswer {
    pub plugin: String,
    /// Sorted.
    pub capabilities: Vec<String>,
    pub granted: bool,
    pub decision: Decision,
}

/// The answers about one plugin, one for each set of capabilities.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants(BTreeMap<Vec<String>, GrantAnswer>);

impl Grants {
    #[must_use]
    pub fn new(answers: Vec<GrantAnswer>) -> Self {
        Self(answers.into_iter().map(|one| (one.capabilities.clone(), one)).collect())
    }

    pub fn add(&mut self, answer: GrantAnswer) {
        self.0.insert(answer.capabilities.clone(), answer);
    }

    /// Returns the answers that granted capabilities.
    pub(super) fn granted_answers(&self) -> impl Iterator<Item = &GrantAnswer> {
        self.0.values().filter(|one| one.granted)
    }

    /// Returns the granted capabilities.
    #[must_use]
    pub fn granted(&self) -> BTreeSet<String> {
        self.granted_answers().flat_map(|one| &one.capabilities).cloned().collect()
    }

    /// Returns whether a single answer refused all of these capabilities.
    #[must_use]
    pub fn are_refused(&self, missing: &[String]) -> bool {
        let covers = |one: &GrantAnswer| missing.iter().all(|name| one.capabilities.contains(name));
        self.0.values().any(|one| !one.granted && covers(one))
    }
}
