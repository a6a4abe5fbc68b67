//! A value letter by letter, each as itself or in a code of its own: `%68`, `\u0068`, `&#104;`, `\h` of a sign that Markdown or JSON
//! escapes. Which letters are coded is the writer's choice, so there are too many forms to list them.

use memchr::memchr3;

/// `text` with `instead` for each such spelling of `value`; none where there is none.
pub fn without(text: &[u8], value: &str, instead: &[u8]) -> Option<Vec<u8>> {
    let first_code = memchr3(b'%', b'\\', b'&', text)?;
    let (value, mut next, mut from) = (value.as_bytes(), Vec::new(), 0);
    // A spelling may begin with plain letters, fewer than the value has.
    let mut at = first_code.saturating_sub(value.len());
    while at < text.len() {
        let end = end_of(text, at, value);
        if let Some(end) = end {
            next.extend_from_slice(&text[from..at]);
            next.extend_from_slice(instead);
            from = end;
        }
        at = end.unwrap_or(at + 1);
    }
    (from > 0).then(|| {
        next.extend_from_slice(&text[from..]);
        next
    })
}

/// Where the spelling of `value` that begins at `at` ends.
fn end_of(text: &[u8], at: usize, value: &[u8]) -> Option<usize> {
    let (mut rest, mut wanted) = (&text[at..], value);
    while !wanted.is_empty() {
        let (letter, length) = letter(rest, wanted[0])?;
        wanted = wanted.strip_prefix(letter.as_slice())?;
        rest = &rest[length..];
    }
    Some(text.len() - rest.len())
}

/// The bytes that the first letter of `text` stands for, and how long it is; `wanted` decides whether a sign is a code.
fn letter(text: &[u8], wanted: u8) -> Option<(Vec<u8>, usize)> {
    let one = |byte: u8, length| Some((vec![byte], length));
    match text {
        [b'%', high, low, ..] if hex(&[*high, *low]) == Some(u32::from(wanted)) => one(wanted, 3),
        [b'\\', b'u' | b'U', code @ ..] => utf16(code),
        [b'\\', sign, ..] if *sign == wanted && sign.is_ascii_punctuation() => one(*sign, 2),
        [b'&', b'#', ..] => reference(text),
        [byte, ..] if *byte == wanted => one(*byte, 1),
        _ => None,
    }
}

/// Behind `\u`: four digits, and four more where they are half a letter.
fn utf16(code: &[u8]) -> Option<(Vec<u8>, usize)> {
    let high = hex(code.get(..4)?)?;
    if let Some(plain) = char::from_u32(high) {
        return Some((plain.to_string().into_bytes(), 6));
    }
    let low = code.get(4..10)?.strip_prefix(b"\\u").and_then(hex)?;
    let units = [u16::try_from(high).ok()?, u16::try_from(low).ok()?];
    Some((String::from_utf16(&units).ok()?.into_bytes(), 12))
}

/// `&#104;` or `&#x68;`.
fn reference(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let end = text.iter().take(10).position(|byte| *byte == b';')?;
    let code = match text.get(2..end)? {
        [b'x' | b'X', digits @ ..] => hex(digits)?,
        digits => std::str::from_utf8(digits).ok()?.parse().ok()?,
    };
    Some((char::from_u32(code)?.to_string().into_bytes(), end + 1))
}

fn hex(digits: &[u8]) -> Option<u32> {
    let digits = digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "hünter2/=&%x";

    fn each(code: impl Fn(char) -> String) -> String {
        VALUE.chars().map(code).collect()
    }

    fn bytes(code: impl Fn(u8) -> String) -> String {
        VALUE.bytes().map(code).collect()
    }

    #[test]
    fn each_letter_may_be_coded() {
        let escaped = |c: char| if c.is_ascii_punctuation() { format!("\\{c}") } else { c.to_string() };
        let some = |c: char| if c == 'n' { "\\u006E".to_owned() } else { c.to_string() };
        for spelling in [
            bytes(|byte| format!("%{byte:02x}")),
            bytes(|byte| format!("%{byte:02X}")),
            each(|c| format!("\\u{:04x}", u32::from(c))),
            each(|c| format!("\\u{:04X}", u32::from(c))),
            each(|c| format!("&#{};", u32::from(c))),
            each(|c| format!("&#x{:X};", u32::from(c))),
            each(escaped),
            each(some),
        ] {
            let text = format!("100% \\ & so: {spelling}, {spelling}.");
            let veiled = without(text.as_bytes(), VALUE, b"***").map(|text| String::from_utf8(text).unwrap());
            assert_eq!(veiled.as_deref(), Some("100% \\ & so: ***, ***."), "{spelling}");
        }
        let face = "\\ud83d\\ude00secret";
        assert_eq!(without(face.as_bytes(), "😀secret", b"*").as_deref(), Some(&b"*"[..]));
    }

    #[test]
    fn what_is_another_value_stays() {
        for text in ["", "hunter", "%", "%6", "%zz", "\\u", "\\u00", "&#;", "&#x;", "&#99999999;", "\\ud83d", "h%C3"] {
            assert_eq!(without(text.as_bytes(), VALUE, b"***"), None, "{text}");
        }
    }
}
