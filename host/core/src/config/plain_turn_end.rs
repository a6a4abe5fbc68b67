//! The keys of `[agents.NAME]` that define when a turn of a plain program ends.

use std::{ops::Range, time::Duration};

use regex_lite::Regex;

use super::{
    section::Section,
    value::{Value, ValueError, non_blank, shorten, span},
};

/// The conditions that end a turn. Only agents of kind `plain` use them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnEnd {
    /// A turn ends when the output ends with this prompt.
    pub prompt: Option<PromptPattern>,
    /// A turn ends when the program has produced no output for this long. Without a prompt, `None` selects
    /// [`DEFAULT_SILENCE`]. With a prompt, `None` means that silence ends a turn only if the program appears to be
    /// asking a question.
    pub silence: Option<Duration>,
}

/// The silence that ends a turn if the configuration sets neither `prompt` nor `silence`.
pub const DEFAULT_SILENCE: Duration = Duration::from_secs(2);

const MAX_SILENCE: Duration = Duration::from_secs(60 * 60);
const MIN_SILENCE: Duration = Duration::from_millis(50);

/// The maximum size of a compiled pattern, in bytes. Patterns such as `(.{1000}){1000}` exceed it and are rejected.
const MAX_PATTERN_SIZE: usize = 64 * 1024;

/// A regular expression that matches the prompt of a program at the end of an unfinished line.
#[derive(Debug, Clone)]
pub struct PromptPattern(Regex);

impl PromptPattern {
    /// Parses a regular expression.
    ///
    /// # Errors
    /// Fails if the text is not a valid regular expression, or if the compiled pattern is too large.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parsed = regex_lite::RegexBuilder::new(text).size_limit(MAX_PATTERN_SIZE).build();
        parsed.map(Self).map_err(|error| error.to_string())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the position at which the prompt begins, if the line ends with it.
    #[must_use]
    pub fn start_in(&self, line: &str) -> Option<usize> {
        let at_end = |found: &regex_lite::Match<'_>| found.end() == line.len() && !found.is_empty();
        self.0.find_iter(line).find(at_end).map(|found| found.start())
    }
}

impl PartialEq for PromptPattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for PromptPattern {}

impl TurnEnd {
    pub const NONE: Self = Self { prompt: None, silence: None };

    /// Reads the keys. Returns each key with its position, or `None` if it isn't set.
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) -> [(&'static str, Option<Range<usize>>); 2] {
        let prompt = section.set_some("prompt", &mut self.prompt, pattern);
        let silence = section.set_some("silence", &mut self.silence, span(MIN_SILENCE..=MAX_SILENCE));
        [("prompt", prompt), ("silence", silence)]
    }
}

fn pattern(value: &Value<'_>) -> Result<PromptPattern, ValueError> {
    let text = non_blank(value)?;
    let pattern = PromptPattern::parse(&text).map_err(|error| {
        ValueError::new(format!(
            "must be a regular expression, such as '>>> $': {error}. Put the expression in single quotes, and \
             escape special characters such as ( or + with a backslash"
        ))
    })?;
    if pattern.0.is_match("") {
        let text = shorten(&text);
        return Err(ValueError::new(format!("must match at least one character: \"{text}\" matches any output")));
    }
    Ok(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_found_only_at_the_end() {
        let start = |pattern: &str, line: &str| PromptPattern::parse(pattern).unwrap().start_in(line);
        assert_eq!(start("^>>> $", ">>> "), Some(0));
        assert_eq!(start("^>>> $", "x>>> "), None);
        assert_eq!(start(">>> $", "x>>> "), Some(1));
        assert_eq!(start(">>> ", ">>> >>> "), Some(4));
        assert_eq!(start(">>> ", ">>> 1"), None);
        assert_eq!(start("(>>>|\\.\\.\\.) $", "... "), Some(0));
        assert_eq!(start("[$#] $", "ada@home:~$ "), Some(10));
    }
}
