//! Reads one table of the configuration file. Looking up a key registers it as known, so there is no separate list of
//! known keys that could become outdated.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::{
    fault::{ConfigError, Finding},
    nearest::suggestion,
    value::{Key, Value, ValueError, shorten},
};
use crate::types::{PLUGIN_NAME_RULE, is_plugin_name};

/// The known keys by the pattern of their table, for example `agents.NAME`. The pattern of the root is empty.
pub(super) type Known = BTreeMap<&'static str, BTreeSet<&'static str>>;

/// The known keys, and the faults found so far in the current text.
pub(super) struct Reader {
    known: Known,
    findings: Vec<Finding>,
    /// The unknown keys. They are turned into findings only at the end, because suggestions require the full set of
    /// known keys.
    unknown: Vec<Unknown>,
}

struct Unknown {
    at: Range<usize>,
    key: String,
    /// The name of the table that contains the key, as the operator wrote it.
    table: String,
    pattern: &'static str,
    is_table: bool,
}

/// A table that is being read. Keys that are never looked up are unknown.
pub(super) struct Section<'r, 't> {
    reader: &'r mut Reader,
    name: String,
    pattern: &'static str,
    entries: DeTable<'t>,
}

impl Reader {
    pub fn new(known: Known) -> Self {
        Self { known, findings: Vec::new(), unknown: Vec::new() }
    }

    /// Returns the known keys, or an error if there are findings. `text` is the configuration text that the findings
    /// refer to.
    pub fn into_known(mut self, text: &str) -> Result<Known, ConfigError> {
        let unknown = std::mem::take(&mut self.unknown);
        self.findings.extend(unknown.into_iter().map(|unknown| unknown.finding(&self.known)));
        if self.findings.is_empty() { Ok(self.known) } else { Err(ConfigError::new(text, self.findings)) }
    }
}

impl<'r, 't> Section<'r, 't> {
    pub fn root(reader: &'r mut Reader, entries: DeTable<'t>) -> Self {
        Self { reader, name: String::new(), pattern: "", entries }
    }

    /// Reads `key` into `into`. Returns the position of the value, even if the value is invalid. Returns `None` if the
    /// key is missing, or if its name is used for a table in `[agents]`, `[plugins]` or `[telegram]`.
    pub fn set<T>(
        &mut self,
        key: &'static str,
        into: &mut T,
        read: impl FnOnce(&Value<'t>) -> Result<T, ValueError>,
    ) -> Option<Range<usize>> {
        let value = self.take(key)?;
        if has_named_tables(self.pattern) && matches!(value.get_ref(), DeValue::Table(_)) {
            let table = self.full_name(key);
            let message =
                format!("'{key}' is a key of [{}], so [{table}] can't be a table: choose another name", self.name);
            self.report(value.span(), message);
            return None;
        }
        match read(&value) {
            Ok(read) => *into = read,
            Err(error) => self.report_value(key, value.span(), error),
        }
        Some(value.span())
    }

    /// Like [`Self::set`], for an optional setting. A valid value sets `into` to `Some`.
    pub fn set_some<T>(
        &mut self,
        key: &'static str,
        into: &mut Option<T>,
        read: impl FnOnce(&Value<'t>) -> Result<T, ValueError>,
    ) -> Option<Range<usize>> {
        self.set(key, into, |value| read(value).map(Some))
    }

    /// Reads the top-level table `key` with `read`.
    pub fn table(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'_, 't>)) {
        debug_assert!(self.name.is_empty(), "`inner_table` reads the tables inside a table");
        self.inner_table(key, key, read);
    }

    /// Like [`Self::table`], for a table inside another one. `pattern` is the pattern of the inner table, for example
    /// `plugins.NAME.webhook`.
    pub fn inner_table(&mut self, key: &'static str, pattern: &'static str, read: impl FnOnce(&mut Section<'_, 't>)) {
        let name = self.full_name(key);
        if let Some(entries) = self.take_table(key) {
            let mut section = Section { reader: self.reader, name, pattern, entries };
            read(&mut section);
            section.finish();
        }
    }

    /// Reads the table `key`, whose keys are chosen by the operator, and passes each key and its value to `read`.
    pub fn free_table(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&Key<'t>, &Value<'t>) -> Result<(), ValueError>,
    ) {
        let Some(entries) = self.take_table(key) else { return };
        let table = self.full_name(key);
        for (name, value) in &entries {
            if let Err(error) = read(name, value) {
                let message = error.about(&shorten(name.get_ref()), &table, &value.span());
                self.report(error.at.unwrap_or(value.span()), message);
            }
        }
    }

    /// Removes `key` from the unread keys, and returns its table. Reports a fault if its value is not a table.
    fn take_table(&mut self, key: &'static str) -> Option<DeTable<'t>> {
        let value = self.take(key)?;
        if !matches!(value.get_ref(), DeValue::Table(_)) {
            let table = self.full_name(key);
            let text = format!("[{table}] must be a table: write [{table}] on its own line and the keys below it");
            // The value may be a secret or the environment of an agent.
            let error = ValueError::hidden(text, &value);
            self.report(error.at.unwrap_or_default(), error.text);
            return None;
        }
        let DeValue::Table(entries) = value.into_inner() else { return None };
        Some(entries)
    }

    /// Reads all remaining tables, which the operator has named. `pattern` is their common pattern, for example
    /// `agents.NAME`.
    pub fn named_tables(
        &mut self,
        pattern: &'static str,
        mut read: impl FnMut(&str, Range<usize>, &mut Section<'_, 't>),
    ) {
        let (tables, rest) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition::<DeTable<'t>, _>(|(_, value)| matches!(value.get_ref(), DeValue::Table(_)));
        self.entries = rest;
        for (key, value) in tables {
            let at = value.span();
            let DeValue::Table(entries) = value.into_inner() else { continue };
            let name = key.get_ref().as_ref();
            if let Err(rule) = check_name(pattern, name) {
                let message = format!("'{}' is not a valid name in [{}]: use {rule}", shorten(name), self.name);
                self.report(key.span(), message);
                continue;
            }
            let mut section = Section { name: self.full_name(name), reader: self.reader, pattern, entries };
            read(name, at, &mut section);
            section.finish();
        }
    }

    /// Records the unread keys as unknown.
    pub fn finish(self) {
        for (key, value) in self.entries {
            self.reader.unknown.push(Unknown {
                at: key.span(),
                key: key.get_ref().to_string(),
                table: self.name.clone(),
                pattern: self.pattern,
                is_table: matches!(value.get_ref(), DeValue::Table(_)),
            });
        }
    }

    pub fn has_table(&self, key: &str) -> bool {
        matches!(self.entries.get(key).map(Spanned::get_ref), Some(DeValue::Table(_)))
    }

    /// Returns the table's name, for example `plugins.timeout`.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn report(&mut self, at: Range<usize>, message: String) {
        self.reader.findings.push(Finding::new(at, message));
    }

    fn report_value(&mut self, key: &str, at: Range<usize>, error: ValueError) {
        let message = error.about(key, &self.name, &at);
        self.report(error.at.unwrap_or(at), message);
    }

    fn take(&mut self, key: &'static str) -> Option<Spanned<DeValue<'t>>> {
        self.reader.known.entry(self.pattern).or_default().insert(key);
        self.entries.remove(key)
    }

    fn full_name(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

/// Returns whether the table contains both fixed keys and tables that the operator names.
fn has_named_tables(pattern: &str) -> bool {
    matches!(pattern, "agents" | "plugins" | "telegram")
}

/// Checks a table name against the rules for this pattern. The error describes the rule that `name` breaks.
fn check_name(pattern: &str, name: &str) -> Result<(), &'static str> {
    match pattern {
        // A plugin with any other name cannot exist, so its table would have no effect. The same rule applies to bots,
        // because their names become part of places and URLs.
        "plugins.NAME" | "telegram.NAME" if is_plugin_name(name) => Ok(()),
        "plugins.NAME" | "telegram.NAME" => Err(PLUGIN_NAME_RULE),
        _ if is_plain(name) => Ok(()),
        _ => Err("1 to 64 letters, digits, '-' and '_'"),
    }
}

/// Returns whether `name` can be used as a folder name, a file stem and a part of a key without escaping.
pub(super) fn is_plain(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl Unknown {
    fn finding(self, known: &Known) -> Finding {
        let key = shorten(&self.key);
        let here = match (self.table.as_str(), self.is_table) {
            ("", true) => format!("unknown table [{key}]"),
            ("", false) => format!("unknown key '{key}' outside of any table"),
            (table, _) => format!("unknown key '{key}' in [{table}]"),
        };
        let remedy = self.remedy(known);
        Finding::new(self.at, format!("{here}{remedy}"))
    }

    fn remedy(&self, known: &Known) -> String {
        let tables: Vec<_> = known
            .iter()
            // Tables inside a named table, such as `plugins.NAME.webhook`, are too specific to suggest.
            // `[telegram.NAME]` is omitted in favor of `[telegram]`, which has most of its keys.
            .filter(|(table, keys)| !table.is_empty() && !table.contains(".NAME.") && keys.contains(self.key.as_str()))
            .filter(|(table, _)| **table != "telegram.NAME")
            .map(|(table, _)| format!("[{table}]"))
            .collect();
        let here = || known.get(self.pattern).into_iter().flatten().copied();
        // If a key of this table begins with the unknown key, the operator probably meant that key, even if another
        // table has a key with exactly this name.
        let is_prefix = here().any(|key| key.starts_with(self.key.as_str()));
        if !tables.is_empty() && !is_prefix {
            return format!("; it belongs in {}", tables.join(" or "));
        }
        let suggestion = suggestion(&self.key, here());
        if !suggestion.is_empty() {
            return suggestion;
        }
        let known = here().collect::<Vec<_>>().join(", ");
        if has_named_tables(self.pattern) && is_plain(&self.key) {
            return format!("; known keys: {known}, and tables such as [{}.{}]", self.table, self.key);
        }
        format!("; known keys: {known}")
    }
}
