//! Splits and escapes guest output for the log. Each record has one line, so guest text can't imitate a record of the
//! host.

use cordboard_core::render::is_unseen;

/// The most bytes of a line that are logged. This is enough for a panic message, and multiplied by the `log` limit it
/// is still a small file.
pub const LONGEST: usize = 4096;

/// Splits `text` at every character that a terminal or a log viewer may show as a line break, and skips empty lines.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let ends = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    text.split(ends).map(str::trim_end).filter(|line| !line.is_empty())
}

/// Returns the line with control characters and direction marks escaped, cut after [`LONGEST`] bytes.
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

/// Marks of right-to-left writing. They can make a line read differently from its bytes.
const fn marks(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_break_ends_a_line() {
        let text = "a\nb\r\nc\rd\u{85}e\u{2028}f\n\n \r";
        assert_eq!(lines(text).collect::<Vec<_>>(), ["a", "b", "c", "d", "e", "f"]);
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(shown("a\tb\u{1b}[2Jc\u{202e}d"), "a b\\u{1b}[2Jc\\u{202e}d");
        assert_eq!(shown("größer"), "größer");
    }

    #[test]
    fn a_long_line_is_cut_at_a_character_boundary() {
        let cut = shown(&"ä".repeat(LONGEST));
        assert!(cut.ends_with("ä…") && cut.len() <= LONGEST + "…".len(), "{}", cut.len());
        assert_eq!(shown(&"a".repeat(LONGEST)).len(), LONGEST);
        assert!(shown(&"\0".repeat(LONGEST)).len() < LONGEST + 10);
    }
}
