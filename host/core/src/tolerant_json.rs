//! Reads JSON that other programs print. Repairs what a strict parser refuses and a reader can do without: half a surrogate pair,
//! bytes that are not UTF-8, numbers out of range, raw control characters, nesting without end.

use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::{Deserializer, Map, Value};

/// `serde_json` refuses 128 levels. Deeper values are replaced by null.
const DEEPEST: usize = 100;

/// Characters, numbers and values that cannot be kept become U+FFFD or null.
///
/// # Errors
/// The text is not JSON, even when repaired: it breaks off, or something else follows the value.
pub fn parse(bytes: &[u8]) -> serde_json::Result<Value> {
    // Repairs cost a copy, and are hardly ever needed.
    serde_json::from_slice(bytes).or_else(|_| serde_json::from_str(&repair(bytes)))
}

/// The fields of an object that are complete before the text breaks off or stops being JSON; empty where it is no object.
#[must_use]
pub fn beginning(bytes: &[u8]) -> Map<String, Value> {
    let mut fields = Map::new();
    // The error says where the text breaks off: all fields before that have been read.
    drop(Deserializer::from_str(&repair(bytes)).deserialize_map(Fields(&mut fields)));
    fields
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

/// Valid JSON stays as it is.
fn repair(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches(|char: char| char == '\u{feff}' || char.is_control());
    let mut repaired = String::with_capacity(text.len());
    let (mut rest, mut depth, mut too_deep) = (text, 0_usize, 0);
    while let Some(char) = rest.chars().next() {
        let length = match char {
            '"' => repair_string(rest, &mut repaired),
            '{' | '[' => {
                depth += 1;
                if depth == DEEPEST + 1 {
                    too_deep = repaired.len();
                }
                repaired.push(char);
                1
            }
            '}' | ']' => {
                repaired.push(char);
                if depth == DEEPEST + 1 {
                    repaired.truncate(too_deep);
                    repaired.push_str("null");
                }
                depth = depth.saturating_sub(1);
                1
            }
            char if is_between(char) => {
                repaired.push(char);
                char.len_utf8()
            }
            _ => {
                let length = rest.find(|char| is_between(char) || "{}[]\"".contains(char)).unwrap_or(rest.len());
                repaired.push_str(word(&rest[..length], depth));
                length
            }
        };
        rest = &rest[length..];
    }
    repaired
}

fn is_between(char: char) -> bool {
    char == ',' || char == ':' || char.is_ascii_whitespace()
}

/// A number, `true`, `false`, `null`; what is none of these inside of a value (`1e999`, `NaN`) becomes null. Outside of one it is
/// no JSON and stays so.
fn word(word: &str, depth: usize) -> &str {
    if depth > 0 && serde_json::from_str::<Value>(word).is_err() { "null" } else { word }
}

/// Repairs the string at the beginning of `text`; its length there, with its quotes.
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

/// Repairs the escape at the beginning of `text`; its length there. An unknown one is a backslash that was not escaped.
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

/// The UTF-16 unit of a `\uXXXX` at the beginning of `text`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    // The parser of numbers takes a sign as well.
    if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) { u16::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests;
