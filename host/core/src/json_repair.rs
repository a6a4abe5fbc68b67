//! Parses JSON from other programs, and repairs damage that a strict parser would reject: a leading byte order mark,
//! lone surrogates, bytes that are not UTF-8, invalid numbers and words, unknown escapes, raw control characters,
//! trailing commas, and nesting that is too deep. JSON without such damage is left unchanged.

use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::{Deserializer, Map, Value};

/// The maximum nesting depth, below the 128 levels at which `serde_json` rejects a text. Deeper values are replaced
/// with null.
const DEEPEST: usize = 100;

/// The maximum number of positions in a text at which [`objects`] tries to read an object. Each attempt takes time
/// proportional to the length of the text.
const TRIES: usize = 32;

/// Parses JSON, repairing it if necessary: invalid characters become U+FFFD, and invalid numbers and words become null.
///
/// # Errors
/// The text isn't valid JSON even after the repair, for example because it is truncated or has trailing data.
pub fn parse(bytes: &[u8]) -> serde_json::Result<Value> {
    // A repair copies the text and is rarely needed, so try without it first.
    serde_json::from_slice(bytes).or_else(|_| serde_json::from_str(&repair(bytes)))
}

/// An object in a text.
#[derive(Debug, PartialEq)]
pub struct Object {
    /// The fields up to the point where the text ends or becomes invalid.
    pub fields: Map<String, Value>,
    /// Whether `fields` contains all fields of the object.
    pub is_whole: bool,
}

/// Returns the objects in a text. The text may contain other data before, between and after them. If an object is
/// incomplete, the search continues inside it, because other output may have interrupted it.
#[must_use]
pub fn objects(bytes: &[u8]) -> Vec<Object> {
    let text = String::from_utf8_lossy(bytes);
    let (mut rest, mut objects) = (&*text, Vec::new());
    for _ in 0..TRIES {
        let Some(at) = find_object(rest) else { break };
        rest = &rest[at..];
        let (object, length) = read_object(rest);
        // Objects inside a complete object are part of its value, so continue the search after it.
        rest = &rest[if object.is_whole { length } else { 1 }..];
        objects.extend(Some(object).filter(|object| object.is_whole || !object.fields.is_empty()));
    }
    objects
}

/// Returns the position of the first `{` that is followed by a string.
fn find_object(text: &str) -> Option<usize> {
    text.match_indices('{').map(|(at, _)| at).find(|at| text[at + 1..].trim_start().starts_with('"'))
}

/// Reads the object at the start of `text`. Returns the object and its length in `text`.
fn read_object(text: &str) -> (Object, usize) {
    let mut repair = Repair::new(text);
    while repair.step() && repair.depth > 0 {}
    let mut fields = Map::new();
    // An error marks the end of the valid part. `fields` contains the fields before it.
    let is_whole = Deserializer::from_str(&repair.repaired).deserialize_map(Fields(&mut fields)).is_ok();
    (Object { fields, is_whole }, text.len() - repair.rest.len())
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry()? {
            self.0.insert(name, value);
        }
        Ok(())
    }
}

/// Removes leading control characters and byte order marks, and repairs invalid parts. Replaces values that are nested
/// deeper than [`DEEPEST`]. Leaves everything else unchanged.
fn repair(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches(|char: char| char == '\u{feff}' || char.is_control());
    let mut repair = Repair::new(text);
    while repair.step() {}
    repair.repaired
}

struct Repair<'a> {
    rest: &'a str,
    repaired: String,
    depth: usize,
    /// The position in `repaired` of the value that exceeds the nesting limit.
    too_deep: usize,
}

impl<'a> Repair<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text, repaired: String::with_capacity(text.len()), depth: 0, too_deep: 0 }
    }

    /// Repairs the next token. Returns false at the end of the text.
    fn step(&mut self) -> bool {
        let Some(char) = self.rest.chars().next() else { return false };
        let length = match char {
            '"' => repair_string(self.rest, &mut self.repaired),
            '{' | '[' => {
                self.depth += 1;
                if self.depth == DEEPEST + 1 {
                    self.too_deep = self.repaired.len();
                }
                self.repaired.push(char);
                1
            }
            '}' | ']' => {
                self.close(char);
                1
            }
            char if is_between(char) => {
                self.repaired.push(char);
                char.len_utf8()
            }
            _ => {
                let rest = self.rest;
                let length = rest.find(|char| is_between(char) || "{}[]\"".contains(char)).unwrap_or(rest.len());
                self.repaired.push_str(valid_or_null(&rest[..length], self.depth));
                length
            }
        };
        self.rest = &self.rest[length..];
        true
    }

    fn close(&mut self, bracket: char) {
        if let Some(before) = self.repaired.trim_end().strip_suffix(',') {
            self.repaired.truncate(before.len());
        }
        self.repaired.push(bracket);
        if self.depth == DEEPEST + 1 {
            self.repaired.truncate(self.too_deep);
            self.repaired.push_str("null");
        }
        self.depth = self.depth.saturating_sub(1);
    }
}

fn is_between(char: char) -> bool {
    char == ',' || char == ':' || char.is_ascii_whitespace()
}

/// Keeps a number, `true`, `false` or `null`. Any other word inside an object or array (`1e999`, `NaN`) becomes null;
/// at the top level it stays and the parser rejects it.
fn valid_or_null(word: &str, depth: usize) -> &str {
    if depth > 0 && serde_json::from_str::<Value>(word).is_err() { "null" } else { word }
}

/// Repairs the string at the start of `text`. Returns its length in `text`, including the quotes.
fn repair_string(text: &str, repaired: &mut String) -> usize {
    repaired.push('"');
    let mut at = 1;
    while let Some(char) = text[at..].chars().next() {
        match char {
            '"' => {
                repaired.push('"');
                return at + 1;
            }
            '\\' => at += repair_escape(&text[at..], repaired),
            char if u32::from(char) < 0x20 => {
                repaired.push_str(&format!("\\u{:04x}", u32::from(char)));
                at += 1;
            }
            char => {
                repaired.push(char);
                at += char.len_utf8();
            }
        }
    }
    at
}

/// Repairs the escape at the start of `text`. Returns its length in `text`. The backslash of an unknown escape becomes
/// a literal backslash.
fn repair_escape(text: &str, repaired: &mut String) -> usize {
    let length = match (text.as_bytes().get(1), unit(text)) {
        (Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't'), _) => 2,
        (_, Some(0xd800..=0xdbff)) if matches!(unit(&text[6..]), Some(0xdc00..=0xdfff)) => 12,
        (_, Some(0xd800..=0xdfff)) => {
            repaired.push('\u{fffd}');
            return 6;
        }
        (_, Some(_)) => 6,
        (_, None) => {
            repaired.push_str("\\\\");
            return 1;
        }
    };
    repaired.push_str(&text[..length]);
    length
}

/// Returns the UTF-16 code unit of the `\uXXXX` at the start of `text`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    // `from_str_radix` also accepts a sign.
    if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) { u16::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests;
