//! Splits and escapes guest output for the log. Each record is a single line, so guest text can't imitate one of the
//! host's records.

use cordboard_core::render::is_unseen;

/// The maximum number of bytes logged per line. This is enough for a panic message, and with the default `log` limit, a
/// call's whole log is less than 1 MB.
pub const MAX_LINE: usize = 4096;

/// Splits `text` at every character that a terminal or a log viewer may show as a line break, and skips empty lines.
pub fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let ends = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    text.split(ends).map(str::trim_end).filter(|line| !line.is_empty())
}

/// Escapes control characters, invisible characters and direction marks, and cuts the line after [`MAX_LINE`] bytes.
pub fn escape_line(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len().min(MAX_LINE));
    for letter in line.chars() {
        if escaped.len() >= MAX_LINE {
            escaped.push('…');
            break;
        }
        match letter {
            '\t' => escaped.push(' '),
            letter if is_unseen(letter) || is_direction_mark(letter) => escaped.extend(letter.escape_unicode()),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Returns whether the character is a left-to-right or right-to-left mark, which can change the order in which a line
/// is displayed.
const fn is_direction_mark(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_break_ends_a_line() {
        let text = "a\nb\r\nc\rd\u{85}e\u{2028}f\n\n \r";
        assert_eq!(split_lines(text).collect::<Vec<_>>(), ["a", "b", "c", "d", "e", "f"]);
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(escape_line("a\tb\u{1b}[2Jc\u{202e}d"), "a b\\u{1b}[2Jc\\u{202e}d");
        assert_eq!(escape_line("größer"), "größer");
    }

    #[test]
    fn a_long_line_is_cut_at_a_character_boundary() {
        let cut = escape_line(&"ä".repeat(MAX_LINE));
        assert!(cut.ends_with("ä…") && cut.len() <= MAX_LINE + "…".len(), "{}", cut.len());
        assert_eq!(escape_line(&"a".repeat(MAX_LINE)).len(), MAX_LINE);
        assert!(escape_line(&"\0".repeat(MAX_LINE)).len() < MAX_LINE + 10);
    }
}
