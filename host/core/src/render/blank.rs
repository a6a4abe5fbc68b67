//! Detects text without visible characters. Telegram rejects a message that consists of such text. If a button has such
//! a label, Telegram rejects all buttons of the message.

/// Returns whether `text` has no visible characters: it contains only white space, control characters, and characters
/// that Unicode or Telegram ignores.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(shows_nothing)
}

/// Returns whether `c` is invisible by itself. It may still affect adjacent characters, as joiners and variation
/// selectors do.
pub(super) fn shows_nothing(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_ignorable(c) || is_dropped(c)
}

/// Returns whether `c` has Unicode's property `Default_Ignorable_Code_Point`, or is an interlinear annotation character
/// (U+FFF9 to U+FFFB).
pub(crate) const fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Returns whether Telegram's servers treat `c` as white space or delete it from a received text (TDLib's
/// `clean_input_string`). These characters are the blank Braille pattern, the object replacement character, and three
/// combining marks.
const fn is_dropped(c: char) -> bool {
    matches!(c, '\u{2800}' | '\u{fffc}' | '\u{30a}' | '\u{333}' | '\u{33f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Telegram's servers trim exactly these characters before they check whether a message is empty.
    const EMPTY_TO_TELEGRAM: [std::ops::RangeInclusive<u32>; 10] = [
        0x0..=0x20,
        0xa0..=0xa0,
        0x1680..=0x1680,
        0x180e..=0x180e,
        0x2000..=0x200f,
        0x2028..=0x202f,
        0x205f..=0x205f,
        0x2800..=0x2800,
        0x3000..=0x3000,
        0xfffc..=0xfffc,
    ];

    #[test]
    fn text_that_telegram_calls_empty_is_blank() {
        for c in EMPTY_TO_TELEGRAM.into_iter().flatten().filter_map(char::from_u32) {
            assert!(is_blank(&c.to_string()), "{c:?}");
        }
    }

    #[test]
    fn invisible_characters_are_blank() {
        for text in [
            "",
            " \n\t",
            "\u{200b}\u{200d}",
            "\u{202e}\u{2066}\u{2069}\u{61c}",
            "\u{2063}",
            "\u{3164}\u{ffa0}\u{115f}",
            "\u{fe0f}",
            "\u{e0067}\u{e007f}",
            "\u{34f}",
            "\u{9b}\u{7f}\u{85}",
            "\u{333}",
        ] {
            assert!(is_blank(text), "{text:?}");
        }
    }

    #[test]
    fn text_with_one_visible_character_is_not_blank() {
        for text in [
            "a",
            "\u{200b}.\u{200b}",
            "❤\u{fe0f}",
            "👩\u{200d}💻",
            "می\u{200c}خواهم",
            "-",
            "\u{e9}",
            "e\u{301}",
            "\u{301}",
            "\u{fffd}",
        ] {
            assert!(!is_blank(text), "{text:?}");
        }
    }
}
