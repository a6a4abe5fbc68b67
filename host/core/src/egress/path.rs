//! What a request's path means. Servers disagree about dots, doubled slashes and encodings of them; such a path is *odd*, and only a
//! grant of the whole host covers it, which cannot be left by any reading.

/// A path without its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading {
    /// Every server reads it so.
    Plain(Vec<u8>),
    Odd,
}

impl Reading {
    /// As a grant of it is written: of this path alone, or of the whole host where it can be read in two ways.
    pub(super) fn granted(&self) -> String {
        let Self::Plain(path) = self else { return "/*".to_owned() };
        let mut text = String::with_capacity(path.len());
        for byte in path {
            let plain = byte.is_ascii_alphanumeric() || b"/-._~!$&'()+,;=:@".contains(byte);
            if plain { text.push(char::from(*byte)) } else { text.push_str(&format!("%{byte:02X}")) }
        }
        text
    }
}

/// How often encodings may be nested before nobody knows what is meant.
const NESTED: usize = 3;

pub(super) fn read(path: &str) -> Reading {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = if path.is_empty() { "/" } else { path };
    let mut now = path.as_bytes().to_vec();
    if is_odd(&now) {
        return Reading::Odd;
    }
    // An encoded slash is odd where it is encoded, a second decoding included.
    for _ in 0..NESTED {
        let Some(next) = decoded(&now) else { return Reading::Odd };
        if next == now {
            return Reading::Plain(now);
        }
        if slashes(&next) != slashes(&now) || is_odd(&next) {
            return Reading::Odd;
        }
        now = next;
    }
    Reading::Odd
}

fn slashes(path: &[u8]) -> usize {
    path.iter().filter(|byte| **byte == b'/').count()
}

fn is_odd(path: &[u8]) -> bool {
    let dots = |segment: &[u8]| {
        // Some servers cut a segment's parameters off before they look at its dots.
        let bare = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        bare == b"." || bare == b".."
    };
    let strange = |byte: &u8| *byte == b'\\' || byte.is_ascii_control();
    !path.starts_with(b"/")
        || path.windows(2).any(|pair| pair == b"//")
        || path.iter().any(strange)
        || path.split(|byte| *byte == b'/').any(dots)
}

/// With each `%xx` as the byte it stands for; none where a `%` stands for nothing.
fn decoded(path: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let [high, low, after @ ..] = after else { return None };
            plain.push(hex(*high)? << 4 | hex(*low)?);
            rest = after;
        } else {
            plain.push(*first);
            rest = after;
        }
    }
    Some(plain)
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
