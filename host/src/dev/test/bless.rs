//! `--bless`: writes the actual replies into the file as the expected ones. Runs the conversation several times and
//! replaces differing words with `{*}`, so that random values rarely end up in the expected replies.

use std::fs;

use super::{
    Conversation, ConversationRun, actual,
    diff::{DiffLine, diff},
    expected,
    script::{self, ConversationStep, matches_pattern},
};
use crate::{dev::error::DevError, stdout};

/// The number of runs. The chance that a random value is the same in all of them is 1 in 16 for a coin, and 1 in 1296
/// for a die.
pub const RUNS: usize = 5;

/// Rewrites the conversation in `file`. `runs` contains the results of running this text several times.
///
/// # Errors
/// The file can't be written, or a step's number of lines differs between runs. In the latter case, the other steps are
/// written anyway.
pub fn bless(runs: &[ConversationRun], Conversation { file, text }: Conversation<'_>) -> Result<(), DevError> {
    let Some(first) = runs.first() else { return Ok(()) };
    let place = |step: &ConversationStep| format!("{}:{}", file.display(), step.line);
    let (mut steps, mut notes, mut varying) = (Vec::new(), Vec::new(), None);
    for (index, (step, _)) in first.steps.iter().enumerate() {
        let old = expected(step);
        match lines_of(runs, index) {
            Some(lines) => {
                let new = expectations(&old, &lines);
                let differing = new.iter().zip(&lines).filter(|(_, runs)| runs.iter().any(|line| *line != runs[0]));
                notes.extend(differing.map(|(line, _)| format!("  {}: differs between runs: {line}\n", place(step))));
                steps.push((step, new));
            }
            None => {
                varying.get_or_insert(DevError::VaryingLines { place: place(step), step: step.kind.to_string() });
                steps.push((step, old));
            }
        }
    }
    let written = script::rewrite(text, &steps);
    let verdict = if written == text { "unchanged" } else { "rewritten" };
    if written != text {
        fs::write(file, written).map_err(DevError::write(file))?;
    }
    stdout::print(&format!("{}  {verdict}\n{}", file.display(), notes.concat()))?;
    varying.map_or(Ok(()), Err)
}

/// Returns the lines of a step, each with its variants from all runs. `None` if the number of lines differs between
/// runs.
fn lines_of(runs: &[ConversationRun], step: usize) -> Option<Vec<Vec<String>>> {
    let of_run =
        |run: &ConversationRun| run.steps.get(step).map(|(step, output)| actual(step, output)).unwrap_or_default();
    let runs: Vec<Vec<String>> = runs.iter().map(of_run).collect();
    let count = runs.first().map_or(0, Vec::len);
    if runs.iter().any(|lines| lines.len() != count) {
        return None;
    }
    Some((0..count).map(|line| runs.iter().map(|lines| lines[line].clone()).collect()).collect())
}

/// Returns an expected line for each of `lines`: the next line of `old` that matches all runs, or else a new pattern.
/// Lines of `old` that don't match are dropped.
fn expectations(old: &[String], lines: &[Vec<String>]) -> Vec<String> {
    let mut old = old.iter();
    let kept = |runs: &Vec<String>| {
        let mut rest = old.clone();
        let found = rest.find(|old| runs.iter().all(|line| matches_pattern(old, line))).cloned();
        if found.is_some() {
            old = rest;
        }
        found.unwrap_or_else(|| pattern_of(runs))
    };
    lines.iter().map(kept).collect()
}

/// Returns a pattern that matches all of `runs`.
fn pattern_of(runs: &[String]) -> String {
    let Some((first, others)) = runs.split_first() else { return String::new() };
    let pattern = others.iter().fold(first.clone(), |pattern, line| in_common(&pattern, line));
    // If the order of words differs, the pattern may not match all runs.
    if runs.iter().all(|line| matches_pattern(&pattern, line)) { pattern } else { format!("{} {{*}}", &first[..1]) }
}

/// Returns the words that both lines share, with `{*}` in place of the other words.
fn in_common(pattern: &str, line: &str) -> String {
    let mut common = String::new();
    for word in diff(&words(pattern), &words(line), |one, other| one == other) {
        match word {
            DiffLine::Same(word) => common.push_str(&word),
            DiffLine::Missing(_) | DiffLine::Unexpected(_) if common.ends_with(ANY) => {}
            DiffLine::Missing(_) | DiffLine::Unexpected(_) => common.push_str(ANY),
        }
    }
    common
}

const ANY: &str = "{*}";

/// Splits a text into words. A word is a run of letters, digits, `-` and `_`, or any other single character; `{*}`
/// counts as one character. This way, a random token is a single word, so no part of it ends up in the pattern.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut in_word = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if rest.starts_with(ANY) { ANY.len() } else { c.len_utf8() };
        let (one, behind) = rest.split_at(length);
        let is_word = c.is_alphanumeric() || c == '-' || c == '_';
        match words.last_mut() {
            Some(word) if is_word && in_word => word.push_str(one),
            Some(_) | None => words.push(one.to_owned()),
        }
        (in_word, rest) = (is_word, behind);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|&line| line.to_owned()).collect()
    }

    #[test]
    fn differing_words_become_a_star_in_braces() {
        for (runs, pattern) in [
            (&["< same", "< same"][..], "< same"),
            (&["< token ab-12, 3 left", "< token ab-34, 3 left", "< token cd-1, 3 left"], "< token {*}, 3 left"),
            (&["< at 10:31, id 7", "< at 10:32, id 9"], "< at 10:{*}, id {*}"),
            (&["< 5", "< 12"], "< {*}"),
            (&["<   [Again] /x 5", "<   [Again] /x 6"], "<   [Again] /x {*}"),
            (&["< ä", "< ö b"], "< {*}"),
        ] {
            let found = pattern_of(&of(runs));
            assert!(runs.iter().all(|line| matches_pattern(&found, line)), "{found}");
            assert_eq!(found, pattern);
        }
    }

    #[test]
    fn an_old_line_stays_if_it_matches_each_run() {
        let lines = [of(&["< a 1", "< a 2"]), of(&["< b", "< b"])];
        assert_eq!(expectations(&of(&["< {*} {*}", "< {*}"]), &lines), ["< {*} {*}", "< {*}"]);
        assert_eq!(expectations(&of(&["< a 1", "< b"]), &lines), ["< a {*}", "< b"], "it appeared in one run only");
    }
}
