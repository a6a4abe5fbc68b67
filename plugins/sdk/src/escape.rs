//! Escapes untrusted text for Markdown. Pure and without dependencies, because the host also includes this file.

use std::borrow::Cow;

/// Escapes `text` so that Markdown shows it unchanged, and removes control characters. Most special characters are
/// escaped only at positions where they have a meaning, so that `fix_login` and `/new <name> [persona]` stay readable
/// even in piped output. The host shows HTML as text.
///
/// ```
/// assert_eq!(cordboard_plugin::text::escape("fix_login *now*"), r"fix_login \*now\*");
/// ```
#[must_use]
pub fn escape(text: &str) -> String {
    // Don't slice or replace strings here: the code for that would make up a fifth of a small component's size.
    let mut escaped = String::with_capacity(text.len());
    for (number, line) in strip_controls(text).split('\n').enumerate() {
        if number > 0 {
            escaped.push('\n');
        }
        escape_line(line, &mut escaped);
    }
    escaped
}

/// Removes control characters except line breaks and tabs, and characters that change the writing direction. The host
/// removes them later. Removing them only there could join characters into Markdown syntax that was not escaped.
fn strip_controls(text: &str) -> Cow<'_, str> {
    let is_control = |letter: char| {
        letter.is_control() && letter != '\n' && letter != '\t'
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.chars().any(is_control) {
        text.chars().filter(|letter| !is_control(*letter)).collect()
    } else {
        text.into()
    }
}

fn escape_line(line: &str, escaped: &mut String) {
    let trimmed = line.trim_ascii_start();
    let start = line.len() - trimmed.len();
    let after_number = start + trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let mut before = '\n';
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        let rest = letters.as_str();
        let at = line.len() - rest.len() - letter.len_utf8();
        let next = rest.chars().next();
        let special = match letter {
            '\\' | '`' | '*' | '~' => true,
            ']' => matches!(next, Some('(' | '[' | ':')),
            '&' => next.is_some_and(|next| next.is_alphanumeric() || next == '#'),
            '_' => !(before.is_alphanumeric() && next.is_some_and(char::is_alphanumeric)),
            // Two bars without white space after them may begin a spoiler.
            '|' => at == start || next == Some('|') && !rest.chars().nth(1).is_some_and(char::is_whitespace),
            '#' | '-' | '+' | '>' | '=' | ':' => at == start,
            '.' | ')' => at > start && at == after_number,
            '<' => {
                let may_begin_html = |next: char| next.is_ascii_alphabetic() || matches!(next, '!' | '?' | '/');
                next.is_some_and(may_begin_html) && (at == start || !is_word(rest)) || is_email(rest)
            }
            _ => false,
        };
        if special {
            escaped.push('\\');
        }
        escaped.push(letter);
        before = letter;
    }
}

/// Returns whether the text after `<` is a single word, as in `<name>`. Other text may be an address, which would lose
/// its brackets, or HTML, in which backslashes would be visible. At the start of a line, even a single word needs a
/// backslash, because it would begin an HTML block that extends to the next blank line.
fn is_word(rest: &str) -> bool {
    let inside = rest.as_bytes().split(|byte| *byte == b'>').next().unwrap_or_default();
    let mut word = inside.iter().skip_while(|byte| **byte == b'/');
    inside.len() < rest.len() && word.all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// Returns whether the text after `<` may be an email address, which would become a link without brackets. An address
/// may begin with a special character, as in `<&@a>`.
fn is_email(rest: &str) -> bool {
    rest.bytes().take_while(|byte| *byte != b'>' && !byte.is_ascii_whitespace()).any(|byte| byte == b'@')
}

/// Formats technical text, such as an error or the last line of a log, for use within other text: formats lines that
/// Markdown would alter as code.
///
/// ```
/// assert_eq!(cordboard_plugin::text::literal("it died:\n__x__"), "it died:\n`__x__`");
/// ```
#[must_use]
pub fn literal(text: &str) -> String {
    let line = |line: &str| if escape(line) == line { line.to_owned() } else { code(line) };
    strip_controls(text).lines().map(|of| line(of.trim())).collect::<Vec<_>>().join("\n")
}

/// Formats `text` as inline code, even if it contains backticks. Line breaks become spaces.
///
/// ```
/// assert_eq!(cordboard_plugin::text::code("a`b"), "``a`b``");
/// ```
#[must_use]
pub fn code(text: &str) -> String {
    let flat = text.replace(['\n', '\r'], " ");
    let text = strip_controls(&flat);
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let gap = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{gap}{text}{gap}{fence}")
}
