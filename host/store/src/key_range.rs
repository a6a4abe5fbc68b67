//! Ranges of a table's keys. Salvaging splits a range to find the rows between damaged pages.

use rusqlite::types::{ToSqlOutput, Value};

/// The maximum size of an integer range that is split in the middle. From a larger range, [`MAX_HALVED`] keys are split off
/// at the beginning, because the keys in use are close together.
const MAX_HALVED: i64 = 4096;

/// The maximum length of a text key computed by splitting, in bytes. A range that would need a longer one isn't split.
const MAX_SPLIT_KEY_LENGTH: usize = 128;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Integer(i64),
    /// The UTF-8 bytes of a text, or arbitrary bytes that sort between two texts.
    Text(Vec<u8>),
}

/// The keys from `low` up to, but not including, `high`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyRange {
    pub low: Key,
    pub high: Key,
}

impl Key {
    /// Returns the smallest key that is greater than this one.
    pub fn successor(self) -> Self {
        match self {
            Self::Integer(number) => Self::Integer(number.saturating_add(1)),
            Self::Text(mut bytes) => {
                bytes.push(0);
                Self::Text(bytes)
            }
        }
    }
}

impl rusqlite::ToSql for Key {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(match self {
            Self::Integer(number) => Value::Integer(*number),
            // The statement casts it to a text, which may then contain bytes that aren't UTF-8.
            Self::Text(bytes) => Value::Blob(bytes.clone()),
        }))
    }
}

impl KeyRange {
    pub fn all_integers() -> Self {
        Self { low: Key::Integer(i64::MIN), high: Key::Integer(i64::MAX) }
    }

    pub fn all_texts() -> Self {
        // UTF-8 never contains this byte.
        Self { low: Key::Text(Vec::new()), high: Key::Text(vec![0xff]) }
    }

    /// Splits the range into smaller ones. Returns an empty vector if the range contains only one key, or if splitting
    /// would need a key that is too long.
    pub fn split(self) -> Vec<Self> {
        let mut cuts = match (&self.low, &self.high) {
            (Key::Integer(low), Key::Integer(high)) => {
                middle_integer(*low, *high).map(Key::Integer).into_iter().collect()
            }
            (Key::Text(low), Key::Text(high)) => text_cuts(low, high),
            (Key::Integer(_), Key::Text(_)) | (Key::Text(_), Key::Integer(_)) => Vec::new(),
        };
        cuts.retain(|cut| self.low < *cut && *cut < self.high);
        if cuts.is_empty() {
            return Vec::new();
        }
        let ends: Vec<Key> = cuts.iter().cloned().chain([self.high]).collect();
        let starts = [self.low].into_iter().chain(cuts);
        starts.zip(ends).map(|(low, high)| Self { low, high }).collect()
    }
}

/// Returns, for each prefix of `low` and longest first, the smallest text after all texts with that prefix: keys of one
/// table usually share prefixes. If none of these texts is inside the range, returns the range's middle.
fn text_cuts(low: &[u8], high: &[u8]) -> Vec<Key> {
    let after_prefix = |length: usize| {
        let (last, rest) = low[..length].split_last()?;
        Some([rest, &[last.checked_add(1)?]].concat())
    };
    let cuts = (1..=low.len()).rev().filter_map(after_prefix);
    let mut inside: Vec<Vec<u8>> = cuts.filter(|cut| low < &cut[..] && &cut[..] < high).collect();
    if inside.is_empty() {
        inside.extend(middle_text(low, high));
    }
    inside.into_iter().map(Key::Text).collect()
}

fn middle_integer(low: i64, high: i64) -> Option<i64> {
    match high.checked_sub(low) {
        Some(..=1) => None,
        Some(width @ ..=MAX_HALVED) => Some(low + width / 2),
        // The host never uses negative keys.
        Some(_) | None => Some(if low < 0 { 0 } else { low + MAX_HALVED }),
    }
}

/// Returns the mean of two texts, read as fractions in base 256.
fn middle_text(low: &[u8], high: &[u8]) -> Option<Vec<u8>> {
    let length = low.len().max(high.len()) + 1;
    if length > MAX_SPLIT_KEY_LENGTH {
        return None;
    }
    let digit = |text: &[u8], at: usize| u32::from(text.get(at).copied().unwrap_or(0));
    let mut sums: Vec<u32> = (0..length).map(|at| digit(low, at) + digit(high, at)).collect();
    for at in (1..length).rev() {
        sums[at - 1] += sums[at] / 256;
        sums[at] %= 256;
    }
    let mut rest = 0;
    let mut middle = Vec::new();
    for sum in sums {
        let value = rest * 256 + sum;
        middle.push(u8::try_from(value / 2).ok()?);
        rest = value % 2;
    }
    while middle.last() == Some(&0) {
        middle.pop();
    }
    Some(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_splits_end_at_a_single_integer() {
        let mut range = KeyRange { low: Key::Integer(7), high: Key::Integer(i64::MAX) };
        let mut splits = 0;
        while let [first, rest] = &range.clone().split()[..] {
            assert_eq!((&first.low, &first.high, &rest.high), (&range.low, &rest.low, &range.high));
            range = first.clone();
            splits += 1;
        }
        assert_eq!(range, KeyRange { low: Key::Integer(7), high: Key::Integer(8) });
        assert_eq!(splits, 13);
        let halves = KeyRange::all_integers().split();
        assert_eq!((&halves[0].high, &halves[1].low), (&Key::Integer(0), &Key::Integer(0)));
    }

    fn texts(low: &str, high: &str) -> Vec<String> {
        let range = KeyRange { low: Key::Text(low.into()), high: Key::Text(high.into()) };
        let split = range.clone().split();
        let ends: Vec<Key> = split.iter().map(|part| part.high.clone()).collect();
        assert!(ends.is_sorted() && ends.last() == Some(&range.high), "{ends:?}");
        let starts = split.iter().skip(1).map(|part| part.low.clone());
        assert!(starts.eq(ends[..ends.len() - 1].iter().cloned()) && split[0].low == range.low);
        let text = |key: &Key| match key {
            Key::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Key::Integer(_) => panic!("a text stays a text"),
        };
        ends.iter().map(text).collect()
    }

    #[test]
    fn a_range_of_texts_is_split_near_its_beginning() {
        assert_eq!(texts("s029", "t5"), ["s02:", "s03", "s1", "t", "t5"]);
        assert_eq!(texts("s029", "s1"), ["s02:", "s03", "s1"]);
        assert_eq!(texts("alpha", "beta"), ["alphb", "alpi", "alq", "am", "b", "beta"]);
        assert_eq!(texts("s1", "s12"), ["s1\u{19}", "s12"]);
        let empty = KeyRange { low: Key::Text(b"a".to_vec()), high: Key::Text(b"a\0".to_vec()) };
        assert_eq!(empty.split(), []);
    }
}
