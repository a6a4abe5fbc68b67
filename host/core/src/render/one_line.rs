//! Makes untrusted text safe for use in a host message: one line of bounded length, without characters that could
//! imitate or reorder the host's own text.

use super::controls::{is_break, is_unseen, strip_controls};

/// The maximum length of untrusted text in a host message, in characters: enough for a panic's message and location.
pub const UNTRUSTED_LENGTH: usize = 500;

/// Returns `text` on one line, without characters that move the cursor, change the writing direction, or are invisible.
/// Truncates text of more than `most` characters and adds an ellipsis.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        // Most texts have nothing to remove, and each view of a session contains such texts.
        let text = text.trim();
        return if text.len() <= most { text.to_owned() } else { format!("{}…", &text[..most]) };
    }
    let flat: String = text.chars().map(|c| if is_break(c) { ' ' } else { c }).collect();
    let plain: String = strip_controls(&flat).chars().filter(|c| !is_unseen(*c)).collect();
    let mut letters = plain.trim().chars();
    let mut short: String = letters.by_ref().take(most).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}

/// Truncates a value for an error message to `most` characters, and replaces each control character with a space.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    let mut short: String = text.chars().take(most).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(most).is_some() {
        short.push('…');
    }
    short
}

/// Returns whether `text` contains neither line breaks nor other invisible characters.
#[must_use]
pub fn is_one_line(text: &str) -> bool {
    !text.contains(is_unseen)
}

/// Escapes invisible characters, for example as `\u{202e}`. Used for names, so that two different names never look the
/// same.
#[must_use]
pub fn escape_invisible(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        if is_unseen(c) {
            escaped.extend(c.escape_unicode())
        } else {
            escaped.push(c)
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_is_one_short_line() {
        assert_eq!(one_line(" a\nb\r\u{1b}[2J\u{202e}c\u{2066}\u{2028}d\u{0} ", 99), "a b [2Jc d");
        assert_eq!(one_line("abcdef", 3), "abc…");
        assert_eq!(one_line("abc", 3), "abc");
        assert_eq!([one_line("  a b ", 3), one_line("  ab  c", 3), one_line("äbc", 3)], ["a b", "ab …", "äbc"]);
        assert!(is_one_line("/trick WHAT — naïve 🎉") && is_one_line(&one_line("a\n\u{202e}\u{7}", 9)));
        for bad in ["a\nb", "\u{1b}", "\u{202e}x", "\u{2069}", "\t", "\u{9b}", "\u{200b}", "\u{e0041}"] {
            assert!(!is_one_line(bad), "{bad:?}");
        }
    }

    #[test]
    fn invisible_characters_are_removed_from_untrusted_text() {
        assert_eq!(one_line("gr\u{200b}ant\u{ad}ed\u{2060}\u{feff}\u{e0041}\u{3164}", 99), "granted");
        for whole in ["👩\u{200d}💻 ❤\u{fe0f}", "می\u{200c}خواهم", "שלום\u{200f}! (a)\u{200e}"] {
            assert_eq!(one_line(whole, 99), whole);
        }
    }

    #[test]
    fn invisible_characters_of_names_are_escaped() {
        assert_eq!(escape_invisible("he\u{202e}llo\n\u{1b}"), "he\\u{202e}llo\\u{a}\\u{1b}");
        assert_eq!(escape_invisible("größer 🎉"), "größer 🎉");
    }
}
