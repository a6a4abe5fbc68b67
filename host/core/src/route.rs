//! Parses a text from a chat as a command, a command for another bot, or a prompt for the agent.
//!
//! It knows the grammar but no commands: plugins define which names exist.

/// The maximum length of a command name in characters. Same as in Telegram's menu.
const LONGEST_NAME: usize = 32;

/// The maximum edit distance between a mistyped name and the suggested one.
const FARTHEST: usize = 2;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routed {
    Command {
        /// In lower case, without the slash and the bot's name.
        name: String,
        /// The words after the name, split as a shell does.
        args: Vec<String>,
        /// The whole text after the name, trimmed.
        text: String,
    },
    /// A command for another bot in the same group, to be ignored.
    OtherBot,
    Text,
}

/// Parses a text. `bot` is this bot's user name without the `@`, or `None` if the front-end has no bot names; then
/// `/new@x` is text.
///
/// A command is `/[a-z0-9_]{1,32}` at the very start, followed by white space, the end of the text or `@botname`. Phone
/// keyboards also write `/New`, `／new` and `/new!`, so capital letters, the full-width slash and punctuation after the
/// name are accepted. Everything else is text: `/etc/hosts is broken`.
#[must_use]
pub fn parse(text: &str, bot: Option<&str>) -> Routed {
    let Some(line) = text.trim_start_matches(is_invisible).strip_prefix(['/', '／']) else { return Routed::Text };
    let (word, rest) = line.split_at(line.find(char::is_whitespace).unwrap_or(line.len()));
    let word = word.trim_matches(is_invisible).trim_end_matches(ends_sentence);
    let (name, addressee) = match word.split_once('@') {
        Some((name, addressee)) => (name, Some(addressee)),
        None => (word, None),
    };
    if !is_name(name) {
        return Routed::Text;
    }
    match (addressee, bot) {
        (None, _) => command(name, rest),
        (Some(addressee), Some(bot)) if addressee.eq_ignore_ascii_case(bot) => command(name, rest),
        (Some(addressee), Some(_)) if is_name(addressee) => Routed::OtherBot,
        (Some(_), _) => Routed::Text,
    }
}

/// Invisible characters that keyboards and copied texts put around a word: direction marks, variation selectors,
/// zero-width spaces.
const fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{fe0e}' | '\u{fe0f}' | '\u{feff}')
}

/// Whether `letter` is punctuation that is stripped from the end of a command's name.
const fn ends_sentence(letter: char) -> bool {
    matches!(
        letter,
        '.' | '!' | '?' | ',' | ';' | ':' | '…' | '。' | '！' | '？' | '，' | '、' | '；' | '：' | '．' | '¡' | '¿'
    ) || is_invisible(letter)
}

/// Telegram's user names have the same alphabet and maximum length as its command names.
fn is_name(word: &str) -> bool {
    (1..=LONGEST_NAME).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn command(name: &str, rest: &str) -> Routed {
    Routed::Command { name: name.to_ascii_lowercase(), args: arguments(rest.trim()), text: rest.trim().to_owned() }
}

/// Splits text with quotes and backslashes as a shell does. If the quotes don't match, splits at white space: in a
/// chat, `don't` is a word.
fn arguments(text: &str) -> Vec<String> {
    // A shell drops the text after a `#`; in a chat `#42` is an argument. The placeholder is a noncharacter, which does
    // not occur in text.
    const HASH: &str = "\u{fdd0}";
    shell_words::split(&as_typed(text).replace('#', HASH)).map_or_else(
        |_unbalanced| text.split_whitespace().map(dashed).collect(),
        |words| words.into_iter().map(|word| word.replace(HASH, "#")).collect(),
    )
}

/// Undoes "smart punctuation": replaces typographic quotes, dashes and spaces with the ASCII ones.
fn as_typed(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let word = word.trim_matches(is_invisible);
        let word = single_quoted(dashed(word));
        word.replace(is_double_quote, "\"")
    });
    let text: String = words.collect();
    text.replace(|letter: char| letter.is_whitespace() && !letter.is_ascii(), " ")
}

/// Restores the ASCII form of a leading dash. Before a letter, keyboards make a long dash from `--` and a short one
/// from `-`; before a number, any dash is a minus.
fn dashed(word: &str) -> String {
    let mut letters = word.chars();
    let (Some(dash), rest) = (letters.next(), letters.as_str()) else { return String::new() };
    let is_option = rest.starts_with(char::is_alphabetic);
    match dash {
        '—' | '―' if is_option => format!("--{rest}"),
        '—' | '―' | '–' | '−' | '‒' | '‐' | '‑' | '－' if is_option || rest.starts_with(char::is_numeric) =>
        {
            format!("-{rest}")
        }
        _ => word.to_owned(),
    }
}

const fn is_double_quote(letter: char) -> bool {
    matches!(letter, '“' | '”' | '„' | '‟' | '«' | '»' | '＂')
}

/// Replaces a curved quote at the start or the end of a word with `'`. Inside a word it is an apostrophe and stays.
fn single_quoted(word: String) -> String {
    let end = word.trim_end().len();
    let (inner, space) = word.split_at(end);
    let opened = inner.strip_prefix(['‘', '‚']).map(|rest| format!("'{rest}"));
    let inner = opened.as_deref().unwrap_or(inner);
    let closed = inner.strip_suffix(['’', '‘']).map(|rest| format!("{rest}'"));
    format!("{}{space}", closed.as_deref().unwrap_or(inner))
}

/// The known name that `name` most likely stands for, if any is similar.
///
/// Prefers the shortest name that begins with `name`; otherwise the name with the smallest edit distance (insertions,
/// deletions, substitutions and transpositions), which must be at most two and at most one per three letters.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.collect();
    // A single letter is not treated as a prefix, because it would match a command almost always.
    let begun = known.iter().filter(|whole| name.len() > 1 && whole.starts_with(name)).min_by_key(|whole| whole.len());
    begun.or_else(|| known.iter().filter(|word| is_near(name, word)).min_by_key(|word| slips(name, word))).copied()
}

fn is_near(typed: &str, word: &str) -> bool {
    let (slips, length) = (slips(typed, word), typed.chars().count().max(word.chars().count()));
    slips <= FARTHEST && slips * 3 <= length
}

fn slips(typed: &str, word: &str) -> usize {
    strsim::osa_distance(typed, word)
}

#[cfg(test)]
mod tests;
