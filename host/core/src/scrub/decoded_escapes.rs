//! Decodes one level of percent encoding or escapes. A program may encode only some of the characters, so each
//! character is decoded separately.

use std::ops::Range;

/// A text with one level of encoding removed.
pub struct Decoded {
    pub bytes: Vec<u8>,
    /// The decoded codes, sorted by position.
    codes: Vec<Code>,
}

/// A decoded code, such as `%41`, which encodes one byte or character.
struct Code {
    /// The range of the decoded bytes in [`Decoded::bytes`].
    decoded: Range<usize>,
    /// The range of the code in the encoded text.
    encoded: Range<usize>,
}

impl Decoded {
    /// Decodes `text`. Returns `None` if it contains no code.
    pub fn new(text: &[u8]) -> Option<Self> {
        let mut at = text.iter().position(begins_code)?;
        let mut level = Self { bytes: text[..at].to_vec(), codes: Vec::new() };
        while at < text.len() {
            let next = match decode(&text[at..]) {
                Some((bytes, length)) => {
                    let start = level.bytes.len();
                    level.bytes.extend_from_slice(&bytes);
                    level.codes.push(Code { decoded: start..level.bytes.len(), encoded: at..at + length });
                    at + length
                }
                None => {
                    level.bytes.push(text[at]);
                    at + 1
                }
            };
            let plain = text[next..].iter().position(begins_code).unwrap_or(text.len() - next);
            level.bytes.extend_from_slice(&text[next..next + plain]);
            at = next + plain;
        }
        (!level.codes.is_empty()).then_some(level)
    }

    /// Maps a range of the decoded bytes to a range of the encoded text.
    pub fn encoded_range(&self, range: Range<usize>) -> Range<usize> {
        // `range` is never empty, so `end - 1` is its last byte.
        self.encoded_letter(range.start).start..self.encoded_letter(range.end - 1).end
    }

    fn encoded_letter(&self, at: usize) -> Range<usize> {
        let before = self.codes.partition_point(|code| code.decoded.start <= at);
        let Some(code) = before.checked_sub(1).map(|index| &self.codes[index]) else { return at..at + 1 };
        if code.decoded.contains(&at) {
            return code.encoded.clone();
        }
        let plain = code.encoded.end + (at - code.decoded.end);
        plain..plain + 1
    }
}

const fn begins_code(byte: &u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&')
}

/// Decodes the code at the start of a text: `%41`, `%u0041`, `\u0041`, `\x41`, `\/`, `&#65;`, `&#65`, `&#x41;` or
/// `&amp;`. Returns the decoded bytes and the length of the code.
fn decode(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    match text {
        [b'%', b'u' | b'U', code @ ..] => utf16(code),
        [b'%', code @ ..] => byte(code).map(|byte| (vec![byte], 3)),
        [b'\\', b'u' | b'U', code @ ..] => utf16(code),
        [b'\\', b'x' | b'X', code @ ..] => byte(code).map(|byte| (vec![byte], 4)),
        [b'\\', sign, ..] if sign.is_ascii_punctuation() => Some((vec![*sign], 2)),
        [b'&', ..] => reference(text),
        _ => None,
    }
}

fn byte(code: &[u8]) -> Option<u8> {
    u8::try_from(hex(code.get(..2)?)?).ok()
}

/// Decodes the digits after `\u`: four digits, or a surrogate pair.
fn utf16(code: &[u8]) -> Option<(Vec<u8>, usize)> {
    let high = hex(code.get(..4)?)?;
    if let Some(plain) = char::from_u32(high) {
        return Some((plain.to_string().into_bytes(), 6));
    }
    let low = code.get(4..10)?.strip_prefix(b"\\u").and_then(hex)?;
    let units = [u16::try_from(high).ok()?, u16::try_from(low).ok()?];
    Some((String::from_utf16(&units).ok()?.into_bytes(), 12))
}

/// Decodes `&#104;`, `&#x68;` or a named reference such as `&amp;`. Also decodes `&#104` without a semicolon, as
/// browsers do.
fn reference(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    const NAMES: [(&[u8], u8); 5] =
        [(b"&amp;", b'&'), (b"&lt;", b'<'), (b"&gt;", b'>'), (b"&quot;", b'"'), (b"&apos;", b'\'')];
    let (start, radix) = match text {
        [b'&', b'#', b'x' | b'X', ..] => (3, 16),
        [b'&', b'#', ..] => (2, 10),
        _ => {
            let (name, letter) = NAMES.iter().find(|(name, _)| text.starts_with(name))?;
            return Some((vec![*letter], name.len()));
        }
    };
    let digits = text[start..].iter().take(8).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let end = start + digits;
    let code = u32::from_str_radix(std::str::from_utf8(&text[start..end]).ok()?, radix).ok()?;
    let end = end + usize::from(text.get(end) == Some(&b';'));
    Some((char::from_u32(code)?.to_string().into_bytes(), end))
}

fn hex(digits: &[u8]) -> Option<u32> {
    let digits = digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_maps_to_its_source_range() {
        let text = b"a%62\\u00e9&#x64;&amp;z%";
        let level = Decoded::new(text).unwrap();
        assert_eq!(level.bytes, "abéd&z%".as_bytes());
        let encoded = |range| String::from_utf8(text[level.encoded_range(range)].to_vec()).unwrap();
        assert_eq!(encoded(0..1), "a");
        assert_eq!(encoded(1..2), "%62");
        assert_eq!(encoded(2..3), "\\u00e9", "one byte of a character maps to the whole code");
        assert_eq!(encoded(1..8), "%62\\u00e9&#x64;&amp;z%");
        assert_eq!(encoded(6..7), "z");
    }

    #[test]
    fn malformed_escapes_are_unchanged() {
        for text in ["", "plain", "%", "%6", "%zz", "\\u", "\\u00", "&#;", "&#x;", "&#99999999;", "\\ud83d", "a & b"] {
            assert!(Decoded::new(text.as_bytes()).is_none(), "{text}");
        }
        assert_eq!(Decoded::new(b"\\ud83d\\ude00").unwrap().bytes, "😀".as_bytes());
    }
}
