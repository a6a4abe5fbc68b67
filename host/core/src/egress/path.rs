//! Normalizes a request's path. Servers disagree about dot segments, double slashes, backslashes and encoded slashes. A
//! path that contains any of these, a control character, or a malformed or deeply nested escape is *ambiguous*. Only a
//! grant for all paths of the host covers it, because every interpretation of the path stays on that host.

/// The normalized form of a path, without the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PathForm {
    /// All servers interpret this path in the same way. Contains the decoded path.
    Plain(Vec<u8>),
    Ambiguous,
}

impl PathForm {
    /// Returns the path for a grant that covers the request: the path itself, or `/*` if it is ambiguous.
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

/// The maximum number of decoding passes. A path that still changes in the last pass is ambiguous.
const NESTED: usize = 3;

pub(super) fn normalize(path: &str) -> PathForm {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = if path.is_empty() { "/" } else { path };
    let mut now = path.as_bytes().to_vec();
    if is_ambiguous(&now) {
        return PathForm::Ambiguous;
    }
    // Servers disagree about an encoded slash or dot segment, so the path is ambiguous if decoding reveals one.
    for _ in 0..NESTED {
        let Some(next) = decoded(&now) else { return PathForm::Ambiguous };
        if next == now {
            return PathForm::Plain(now);
        }
        if slashes(&next) != slashes(&now) || is_ambiguous(&next) {
            return PathForm::Ambiguous;
        }
        now = next;
    }
    PathForm::Ambiguous
}

fn slashes(path: &[u8]) -> usize {
    path.iter().filter(|byte| **byte == b'/').count()
}

fn is_ambiguous(path: &[u8]) -> bool {
    let dots = |segment: &[u8]| {
        // Some servers strip a segment's parameters before they check for dots.
        let bare = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        bare == b"." || bare == b".."
    };
    let strange = |byte: &u8| *byte == b'\\' || byte.is_ascii_control();
    !path.starts_with(b"/")
        || path.windows(2).any(|pair| pair == b"//")
        || path.iter().any(strange)
        || path.split(|byte| *byte == b'/').any(dots)
}

/// Decodes each `%xx`. Returns `None` if a `%` is not followed by two hex digits.
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
