//! Decodes files that were written by an editor or a shell. They must be UTF-8, with or without a leading byte order
//! mark.

use crate::render::is_unseen;

/// A character that some editors write at the start of a file to mark it as UTF-8.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// The reason why bytes are not accepted as text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    #[error("it is UTF-16, as some Windows editors write it: save it as UTF-8")]
    Utf16,
    /// Contains the number of the first line that is not UTF-8, counted from 1.
    #[error("line {0} is not UTF-8 text")]
    NotUtf8(usize),
    #[error("it contains a byte order mark (U+FEFF), which most editors don't show: type that line again")]
    ByteOrderMark,
    #[error("it contains an invisible character (U+{0:04X}): type that line again")]
    Unseen(u32),
}

/// Decodes a text and strips a leading byte order mark.
///
/// # Errors
/// The bytes are not UTF-8.
pub fn text(bytes: Vec<u8>) -> Result<String, NotText> {
    if is_utf16(&bytes) {
        return Err(NotText::Utf16);
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        NotText::NotUtf8(good.split(|byte| *byte == b'\n').count())
    })?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).map(str::to_owned).unwrap_or(text))
}

/// Decodes a file that holds a single value, such as a token or a secret, and trims white space. Keeps control
/// characters, which the caller must reject.
///
/// # Errors
/// The bytes are not UTF-8, or the value contains an invisible character.
pub fn value(bytes: Vec<u8>) -> Result<String, NotText> {
    let text = text(bytes)?;
    let value = text.trim_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK);
    match value.chars().find(|c| *c == BYTE_ORDER_MARK || is_unseen(*c) && !c.is_control()) {
        None => Ok(value.to_owned()),
        Some(BYTE_ORDER_MARK) => Err(NotText::ByteOrderMark),
        Some(unseen) => Err(NotText::Unseen(unseen.into())),
    }
}

/// Detects UTF-16 by its byte order mark, or by zeros in every other byte at the start.
fn is_utf16(bytes: &[u8]) -> bool {
    let zeros = |first: usize| bytes.iter().skip(first).step_by(2).take(64).all(|byte| *byte == 0);
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.len() > 3 && (zeros(0) || zeros(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn a_leading_byte_order_mark_is_removed() {
        assert_eq!(text("\u{feff}a = 1\n".into()).as_deref(), Ok("a = 1\n"));
        assert_eq!(value("\u{feff} 42:AbC \r\n".into()).as_deref(), Ok("42:AbC"));
        assert_eq!(value(" \u{feff}42:AbC\u{feff}\n".into()).as_deref(), Ok("42:AbC"));
        assert_eq!(value("".into()).as_deref(), Ok(""));
    }

    #[test]
    fn invisible_characters_are_named() {
        assert_eq!(value("42:A\u{feff}bC".into()), Err(NotText::ByteOrderMark));
        assert_eq!(value("42:A\u{200b}bC".into()), Err(NotText::Unseen(0x200b)));
        assert_eq!(value("two\nlines".into()).as_deref(), Ok("two\nlines"));
        assert!(NotText::ByteOrderMark.to_string().contains("byte order mark"));
    }

    #[test]
    fn another_encoding_is_named() {
        for bytes in [utf16("\u{feff}a", u16::to_le_bytes), utf16("\u{feff}a", u16::to_be_bytes)] {
            assert_eq!(text(bytes), Err(NotText::Utf16));
        }
        for bytes in [utf16("a = 1\n", u16::to_le_bytes), utf16("a = 1\n", u16::to_be_bytes)] {
            assert_eq!(text(bytes), Err(NotText::Utf16), "without a mark");
        }
        assert_eq!(text(b"a\ngr\xfcn".to_vec()), Err(NotText::NotUtf8(2)));
    }
}
