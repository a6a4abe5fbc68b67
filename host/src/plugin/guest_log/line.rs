//! What a guest wrote, as it may stand in a log: one line a record, so that no text of a guest can look like a line of the host's.

use cordboard_core::render::is_unseen;

/// The most of one line that is logged, in bytes: enough for a panic's message, and times `log` still a small file.
pub const LONGEST: usize = 4096;

/// The lines of `text` that hold something. Whatever a terminal or a viewer takes for a line's end ends one.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let ends = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    text.split(ends).map(str::trim_end).filter(|line| !line.is_empty())
}

/// A line without what moves a cursor or turns the order of letters around, and not the whole of a long one.
pub fn shown(line: &str) -> String {
    let mut plain = String::with_capacity(line.len().min(LONGEST));
    for letter in line.chars() {
        if plain.len() >= LONGEST {
            plain.push('…');
            break;
        }
        match letter {
            '\t' => plain.push(' '),
            letter if is_unseen(letter) || marks(letter) => plain.extend(letter.escape_unicode()),
            letter => plain.push(letter),
        }
    }
    plain
}

/// Marks of right-to-left writing: a line with one can be read as another than it is.
const fn marks(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_s_end_is_whatever_looks_like_one() {
        let text = "a\nb\r\nc\rd\u{85}e\u{2028}f\n\n \r";
        assert_eq!(lines(text).collect::<Vec<_>>(), ["a", "b", "c", "d", "e", "f"]);
    }

    #[test]
    fn what_is_no_letter_is_spelt_out() {
        assert_eq!(shown("a\tb\u{1b}[2Jc\u{202e}d"), "a b\\u{1b}[2Jc\\u{202e}d");
        assert_eq!(shown("größer"), "größer");
    }

    #[test]
    fn a_long_line_is_cut_where_a_letter_ends() {
        let cut = shown(&"ä".repeat(LONGEST));
        assert!(cut.ends_with("ä…") && cut.len() <= LONGEST + "…".len(), "{}", cut.len());
        assert_eq!(shown(&"a".repeat(LONGEST)).len(), LONGEST);
        assert!(shown(&"\0".repeat(LONGEST)).len() < LONGEST + 10);
    }
}
