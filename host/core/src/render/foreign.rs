//! Words of others inside a sentence of the host: one line, of bounded length, that cannot pass for the host's own or turn it around.

use super::terminal::neutral;

/// The most characters of others' words in a sentence of the host: a panic's message and its place, and no essay.
pub const FOREIGN: usize = 500;

/// `text` on one line of at most `most` characters, without what moves a cursor or turns the direction of writing.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let flat: String = text.chars().map(|c| if is_break(c) { ' ' } else { c }).collect();
    let plain: String = neutral(&flat).chars().filter(|c| !turns(*c)).collect();
    let mut letters = plain.trim().chars();
    let mut short: String = letters.by_ref().take(most).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}

/// Whether `text` is as [`one_line`] would leave it, but for its length.
#[must_use]
pub fn is_one_line(text: &str) -> bool {
    !text.chars().any(|c| is_break(c) || c.is_control() || turns(c))
}

/// `text` with something visible where a control character stands, of the same length: entities keep their places.
#[must_use]
pub(super) fn visible(text: String) -> String {
    let harmful = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.contains(harmful) { text.replace(harmful, "\u{fffd}") } else { text }
}

const fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Embeddings, overrides and isolates: with them the end of a sentence is shown before its beginning.
const fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_words_stay_on_one_line_and_short() {
        assert_eq!(one_line(" a\nb\r\u{1b}[2J\u{202e}c\u{2066}\u{2028}d\u{0} ", 99), "a b [2Jc d");
        assert_eq!(one_line("abcdef", 3), "abc…");
        assert_eq!(one_line("abc", 3), "abc");
        assert!(is_one_line("/trick WHAT — naïve 🎉") && is_one_line(&one_line("a\n\u{202e}\u{7}", 9)));
        for bad in ["a\nb", "\u{1b}", "\u{202e}x", "\u{2069}", "\t", "\u{9b}"] {
            assert!(!is_one_line(bad), "{bad:?}");
        }
    }
}
