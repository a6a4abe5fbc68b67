//! The parts of a command that a deny rule may match.

use super::{
    deny_scan::{Quotes, scan},
    pattern::plain,
    simple_commands::split,
    special_words::{base_name, is_assignment, is_interpreter, is_keyword, is_wrapper},
};

/// The number of option groups, from the left, whose parts keep all arguments. The parts of later groups are truncated,
/// so that the total length of all parts is linear in the length of the command.
const MOST_OPTIONS: usize = 8;
/// The maximum number of arguments in a truncated part.
const SHORT: usize = 4;

/// A part of a command, as text with single spaces between words and no quotes.
#[derive(Debug)]
pub struct Part {
    pub text: String,
    pub start: Start,
}

/// The words of a part at which a command may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Only the first word.
    Here,
    /// Any word.
    AnyWord,
}

/// Returns the parts: the whole text, the simple commands in it, and those that wrappers and interpreters run.
pub fn parts(command: &str) -> Vec<Part> {
    let mut commands = scan(command, Quotes::Respect);
    if split(command).is_none() {
        commands.extend(scan(command, Quotes::Ignore));
    }
    let mut parts = vec![Part { text: plain(command), start: Start::Here }];
    let mut runs_text = false;
    for words in &commands {
        let text = plain(&words.join(" "));
        let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
        let before =
            words.iter().take_while(|word| is_keyword(word) && !is_wrapper(word) || is_assignment(word)).count();
        let words = &words[before..];
        let Some(first) = words.first() else { continue };
        let is_wrapper = is_wrapper(first);
        runs_text |= is_interpreter(first) || is_wrapper && words.iter().any(|word| is_interpreter(word));
        add_command(words, &mut parts);
        if is_wrapper {
            add_any_word(&words[1..], &mut parts);
        }
    }
    if runs_text {
        let text = separate_operators(command);
        add_any_word(&text.split_whitespace().collect::<Vec<_>>(), &mut parts);
    }
    parts
}

/// Adds the command in several forms: as is, without the folder in the program's path, and without the options before
/// the subcommand.
fn add_command(words: &[&str], parts: &mut Vec<Part>) {
    let [first, arguments @ ..] = words else { return };
    let name = base_name(first);
    parts.push(Part { text: words.join(" "), start: Start::Here });
    if name != *first {
        parts.push(Part { text: join(name, arguments), start: Start::Here });
    }
    let is_option = |at: usize| arguments.get(at).is_some_and(|word| word.starts_with('-'));
    let (mut at, mut tried) = (0, 0);
    while is_option(at) {
        at += 1;
        if is_option(at) {
            continue;
        }
        // This word is the option's value or the subcommand.
        for start in [at, at + 1].into_iter().filter(|start| *start < arguments.len()) {
            let end = if tried < MOST_OPTIONS { arguments.len() } else { arguments.len().min(start + SHORT) };
            parts.push(Part { text: join(name, &arguments[start..end]), start: Start::Here });
        }
        at += 1;
        tried += 1;
    }
}

fn join(name: &str, arguments: &[&str]) -> String {
    let words: Vec<&str> = [name].into_iter().chain(arguments.iter().copied()).collect();
    words.join(" ")
}

fn add_any_word(words: &[&str], parts: &mut Vec<Part>) {
    let names: Vec<&str> = words.iter().map(|word| base_name(word)).collect();
    parts.push(Part { text: names.join(" "), start: Start::AnyWord });
    parts.push(Part { text: words.join(" "), start: Start::AnyWord });
}

/// Removes quotes and backslashes, replaces `$IFS` with a space, and replaces each operator of the shell with the word
/// `;`.
fn separate_operators(command: &str) -> String {
    let mut text = String::with_capacity(command.len());
    let joined = command.replace("\\\n", "").replace("${IFS}", " ").replace("$IFS", " ");
    for c in joined.chars() {
        match c {
            '\'' | '"' | '\\' => {}
            ';' | '|' | '&' | '(' | ')' | '`' | '{' | '}' | '<' | '>' | '\n' => text.push_str(" ; "),
            _ => text.push(c),
        }
    }
    text
}
