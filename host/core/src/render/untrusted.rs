//! Words of others inside a sentence of the host: one line, of bounded length, that cannot pass for the host's own or turn it around.

use super::terminal::neutral;

/// The most characters of others' words in a sentence of the host: a panic's message and its place, and no essay.
pub const FOREIGN: usize = 500;

/// `text` on one line of at most `most` characters, without what moves a cursor, turns the direction of writing, or is not seen at all.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let flat: String = text.chars().map(|c| if is_break(c) { ' ' } else { c }).collect();
    let plain: String = neutral(&flat).chars().filter(|c| !is_unseen(*c)).collect();
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
    !text.contains(is_unseen)
}

/// `text` with each character that acts without being seen spelt out, as `\u{202e}`: for names, of which no two may look alike.
#[must_use]
pub fn spelt_out(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut spelt, c| {
        if is_unseen(c) {
            spelt.extend(c.escape_unicode())
        } else {
            spelt.push(c)
        }
        spelt
    })
}

/// Whether `c` acts on a terminal or on its neighbours without being seen itself.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    is_break(c) || c.is_control() || turns(c) || hides(c)
}

/// Whether `c` acts on whatever shows an answer: it drives a terminal, or shows letters in another order than they are in. Lines and
/// tabs are an answer's own.
pub(super) fn acts(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t' || turns(c)
}

/// `text` with something visible where a character stands that acts, of the same length: entities keep their places. References as
/// `&#27;` become such characters only when they are rendered.
#[must_use]
pub(super) fn visible(text: String) -> String {
    if text.contains(acts) { text.replace(acts, "\u{fffd}") } else { text }
}

const fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Embeddings, overrides and isolates: with them the end of a sentence is shown before its beginning.
const fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// No room, no sign: with them, words that look alike are not the same. What joins letters (U+200C, U+200D) and marks of right-to-left
/// writing, which turn nothing but themselves (U+200E, U+200F), belong to the words; of flags, those of parts of countries are shown plain.
const fn hides(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{2060}'..='\u{2064}'
            | '\u{206a}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e007f}'
    )
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
        for bad in ["a\nb", "\u{1b}", "\u{202e}x", "\u{2069}", "\t", "\u{9b}", "\u{200b}", "\u{e0041}"] {
            assert!(!is_one_line(bad), "{bad:?}");
        }
    }

    #[test]
    fn what_is_not_seen_is_no_part_of_others_words() {
        assert_eq!(one_line("gr\u{200b}ant\u{ad}ed\u{2060}\u{feff}\u{e0041}\u{3164}", 99), "granted");
        for whole in ["👩\u{200d}💻 ❤\u{fe0f}", "می\u{200c}خواهم", "שלום\u{200f}! (a)\u{200e}"] {
            assert_eq!(one_line(whole, 99), whole);
        }
    }

    #[test]
    fn names_are_spelt_out_and_never_become_another() {
        assert_eq!(spelt_out("he\u{202e}llo\n\u{1b}"), "he\\u{202e}llo\\u{a}\\u{1b}");
        assert_eq!(spelt_out("größer 🎉"), "größer 🎉");
    }
}
