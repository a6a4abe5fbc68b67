//! The patterns of command rules, such as `git push:*` in `Bash(git push:*)`.

use super::{
    deny_parts::{Part, Start},
    simple_commands::{Simple, lex},
};
use crate::RuleError;

/// A pattern that matches only some commands, stored in one form for allow rules and one for deny rules.
#[derive(Clone, Debug)]
pub struct CommandPattern {
    /// The pattern in the form of [`Simple`]. `None` if the pattern isn't a single simple command, in which case it
    /// covers no commands in an allow list.
    canonical: Option<Text>,
    /// The pattern in the form of [`Part`].
    plain: Text,
}

#[derive(Clone, Debug)]
enum Text {
    Exact(String),
    /// This text, alone or followed by more words.
    Prefix(String),
    /// The texts around the wildcards. There are at least two.
    Wildcards(Vec<String>),
}

impl CommandPattern {
    /// Parses a pattern. Returns `None` for a pattern that matches all commands.
    pub fn parse(pattern: &str) -> Result<Option<Self>, RuleError> {
        if pattern == "*" || pattern == ":*" {
            return Ok(None);
        }
        let prefix = pattern.strip_suffix(":*");
        let text = prefix.unwrap_or(pattern);
        let canonical = lex(text).and_then(|commands| <[Simple; 1]>::try_from(commands).ok());
        let canonical = canonical.map(|[command]| command.text);
        let plain = plain(text);
        if plain.is_empty() {
            return Err(RuleError::EmptyPattern);
        }
        // Quoted asterisks aren't wildcards. Only the canonical text shows which asterisks are quoted.
        let pieces = wildcard_pieces(canonical.as_deref().unwrap_or(&plain));
        if prefix.is_some() {
            return match pieces.len() {
                1 => Ok(Some(Self { canonical: canonical.map(Text::Prefix), plain: Text::Prefix(plain) })),
                _ => Err(RuleError::TwoWildcardForms),
            };
        }
        let plain = match pieces.len() {
            1 => Text::Exact(plain),
            _ => Text::wildcards(wildcard_pieces(&plain)),
        };
        let canonical = canonical.map(|text| match pieces.len() {
            1 => Text::Exact(text),
            _ => Text::wildcards(pieces),
        });
        Ok(Some(Self { canonical, plain }))
    }

    /// Returns whether an allow rule with this pattern covers the command.
    pub fn covers(&self, command: &Simple) -> bool {
        self.canonical.as_ref().is_some_and(|text| text.matches(&command.text))
    }

    /// Returns whether a deny rule with this pattern matches the part.
    pub fn occurs(&self, part: &Part) -> bool {
        match part.start {
            Start::Here => self.plain.matches(&part.text),
            Start::AnyWord => self.plain.matches_inside(&part.text),
        }
    }
}

impl Text {
    /// Creates a text from the pieces of a wildcard pattern. `ls *` becomes the prefix `ls`, so it also matches `ls`
    /// alone.
    fn wildcards(mut pieces: Vec<String>) -> Self {
        if let [first, last] = pieces.as_mut_slice()
            && last.is_empty()
            && let Some(prefix) = first.strip_suffix(' ')
            && !prefix.is_empty()
        {
            return Self::Prefix(prefix.to_owned());
        }
        Self::Wildcards(pieces)
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => text == exact,
            Self::Prefix(prefix) => {
                text.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            }
            Self::Wildcards(pieces) => {
                let [first, middle @ .., last] = pieces.as_slice() else { return false };
                let left = text.strip_prefix(first.as_str()).and_then(|left| skip(left, middle));
                left.is_some_and(|left| left.ends_with(last.as_str()))
            }
        }
    }

    /// Returns whether a match starts at any word of the text. A match of a wildcard pattern may end anywhere.
    fn matches_inside(&self, text: &str) -> bool {
        let after = |start: &str| -> Vec<usize> {
            let ends = text.match_indices(start).map(|(at, _)| (at, at + start.len()));
            ends.filter(|(at, _)| *at == 0 || text[..*at].ends_with(' ')).map(|(_, end)| end).collect()
        };
        match self {
            Self::Exact(exact) => {
                after(exact).into_iter().any(|end| text[end..].is_empty() || text[end..].starts_with(" ;"))
            }
            Self::Prefix(prefix) => {
                after(prefix).into_iter().any(|end| text[end..].is_empty() || text[end..].starts_with(' '))
            }
            Self::Wildcards(pieces) => {
                let [first, rest @ ..] = pieces.as_slice() else { return false };
                after(first).first().is_some_and(|end| skip(&text[*end..], rest).is_some())
            }
        }
    }
}

/// Finds the pieces in order and returns the text after the last one, or `None` if a piece is missing.
fn skip<'a>(text: &'a str, pieces: &[String]) -> Option<&'a str> {
    pieces.iter().try_fold(text, |left, piece| left.find(piece.as_str()).map(|at| &left[at + piece.len()..]))
}

/// Splits at the asterisks that aren't escaped with a backslash.
fn wildcard_pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut is_escaped = false;
    for c in text.chars() {
        if c == '*' && !is_escaped {
            pieces.push(String::new());
        } else if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    pieces
}

/// Returns the text without quotes and backslashes, and with one space between words.
pub fn plain(text: &str) -> String {
    let unquoted = text.replace(['\'', '"', '\\'], "");
    unquoted.split_whitespace().collect::<Vec<_>>().join(" ")
}
