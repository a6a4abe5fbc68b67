//! Decodes one level of encoding. A writer may encode any subset of the letters, so letters are decoded one by one.

use std::ops::Range;

/// Decodes the code at the start of a text: its bytes, and the length of the code.
type Decode = fn(&[u8]) -> Option<(Vec<u8>, usize)>;

/// The encodings that are decoded together.
pub struct Decoder {
    /// Whether a code may begin with this byte.
    is_mark: fn(&u8) -> bool,
    decode: Decode,
}

/// Each decoder reads some plain texts as codes, so the text is decoded by each of them alone.
pub const DECODERS: [Decoder; 3] = [
    // `%41`, `%u0041`, `\u0041`, `\U00000041`, `\x41`, `\/`, `&#65;`, `&#65`, `&#x41;`, `&amp;`.
    Decoder { is_mark: |byte| matches!(byte, b'%' | b'\\' | b'&'), decode: escape },
    // Quoted-printable: `=41`, and an `=` that continues the line.
    Decoder { is_mark: |byte| *byte == b'=', decode: quoted_printable },
    // `41 42`, `41:42`, `41-42` and `0x41, 0x42` become `4142`, which is searched for as it is.
    Decoder { is_mark: is_separator, decode: separator },
];

pub struct Layer {
    pub bytes: Vec<u8>,
    /// Sorted by position.
    codes: Vec<Code>,
}

/// A decoded letter.
struct Code {
    /// The range of the decoded bytes in [`Layer::bytes`].
    here: Range<usize>,
    /// The range of the code in the encoded text.
    above: Range<usize>,
}

impl Layer {
    /// Decodes `text`. Returns `None` if it contains no code.
    pub fn below(text: &[u8], decoder: &Decoder) -> Option<Self> {
        let mut at = text.iter().position(decoder.is_mark)?;
        let mut layer = Self { bytes: text[..at].to_vec(), codes: Vec::new() };
        while at < text.len() {
            let next = match (decoder.decode)(&text[at..]) {
                Some((bytes, length)) => {
                    let start = layer.bytes.len();
                    layer.bytes.extend_from_slice(&bytes);
                    layer.codes.push(Code { here: start..layer.bytes.len(), above: at..at + length });
                    at + length
                }
                None => {
                    layer.bytes.push(text[at]);
                    at + 1
                }
            };
            let plain = text[next..].iter().position(decoder.is_mark).unwrap_or(text.len() - next);
            layer.bytes.extend_from_slice(&text[next..next + plain]);
            at = next + plain;
        }
        (!layer.codes.is_empty()).then_some(layer)
    }

    /// Maps a range of the decoded bytes to a range of the encoded text.
    pub fn above(&self, range: Range<usize>) -> Range<usize> {
        // `range` is never empty, so `end - 1` is its last byte.
        self.letter_above(range.start).start..self.letter_above(range.end - 1).end
    }

    fn letter_above(&self, at: usize) -> Range<usize> {
        let before = self.codes.partition_point(|code| code.here.start <= at);
        let Some(code) = before.checked_sub(1).map(|index| &self.codes[index]) else { return at..at + 1 };
        if code.here.contains(&at) {
            return code.above.clone();
        }
        let plain = code.above.end + (at - code.here.end);
        plain..plain + 1
    }
}

fn escape(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    match text {
        [b'%', b'u' | b'U', code @ ..] => utf16(code),
        [b'%', code @ ..] => byte(code).map(|byte| (vec![byte], 3)),
        [b'\\', b'U', code @ ..] => utf32(code).or_else(|| utf16(code)),
        [b'\\', b'u', code @ ..] => utf16(code),
        [b'\\', b'x' | b'X', code @ ..] => byte(code).map(|byte| (vec![byte], 4)),
        [b'\\', sign, ..] if sign.is_ascii_punctuation() => Some((vec![*sign], 2)),
        [b'&', ..] => reference(text),
        _ => None,
    }
}

fn quoted_printable(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    match text {
        [b'=', b'\r', b'\n', ..] => Some((Vec::new(), 3)),
        [b'=', b'\n', ..] => Some((Vec::new(), 2)),
        [b'=', code @ ..] => byte(code).map(|byte| (vec![byte], 3)),
        _ => None,
    }
}

const fn is_separator(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b':' | b',' | b';' | b'-')
}

/// Drops the separators in front of two hexadecimal digits that are a word, and their `0x`.
fn separator(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let separators = text.iter().take_while(|byte| is_separator(byte)).count();
    let word = &text[separators..];
    let digits = word.strip_prefix(b"0x").or_else(|| word.strip_prefix(b"0X")).unwrap_or(word);
    byte(digits)?;
    let is_word = digits.get(2).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    is_word.then(|| (Vec::new(), text.len() - digits.len()))
}

fn byte(code: &[u8]) -> Option<u8> {
    u8::try_from(hex(code.get(..2)?)?).ok()
}

/// Decodes the eight digits after `\U`.
fn utf32(code: &[u8]) -> Option<(Vec<u8>, usize)> {
    let letter = char::from_u32(hex(code.get(..8)?)?)?;
    Some((letter.to_string().into_bytes(), 10))
}

/// Decodes the digits after `\u`: four, or a surrogate pair.
fn utf16(code: &[u8]) -> Option<(Vec<u8>, usize)> {
    let high = hex(code.get(..4)?)?;
    if let Some(plain) = char::from_u32(high) {
        return Some((plain.to_string().into_bytes(), 6));
    }
    let low = code.get(4..10)?.strip_prefix(b"\\u").and_then(hex)?;
    let units = [u16::try_from(high).ok()?, u16::try_from(low).ok()?];
    Some((String::from_utf16(&units).ok()?.into_bytes(), 12))
}

/// Decodes `&#104;`, `&#x68;` or a named reference such as `&amp;`. Browsers also read `&#104` without a semicolon.
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
        let layer = Layer::below(text, &DECODERS[0]).unwrap();
        assert_eq!(layer.bytes, "abéd&z%".as_bytes());
        let above = |range| String::from_utf8(text[layer.above(range)].to_vec()).unwrap();
        assert_eq!(above(0..1), "a");
        assert_eq!(above(1..2), "%62");
        assert_eq!(above(2..3), "\\u00e9", "half a letter is the whole code");
        assert_eq!(above(1..8), "%62\\u00e9&#x64;&amp;z%");
        assert_eq!(above(6..7), "z");
    }

    #[test]
    fn malformed_escapes_are_unchanged() {
        for text in [
            "",
            "plain",
            "%",
            "%6",
            "%zz",
            "\\u",
            "\\u00",
            "&#;",
            "&#x;",
            "&#99999999;",
            "\\ud83d",
            "a & b",
            "a =",
            "a=b",
            "a: b",
            "on 5 - 7, or 100",
        ] {
            assert!(DECODERS.iter().all(|decoder| Layer::below(text.as_bytes(), decoder).is_none()), "{text}");
        }
        assert_eq!(Layer::below(b"\\ud83d\\ude00", &DECODERS[0]).unwrap().bytes, "😀".as_bytes());
    }
}
