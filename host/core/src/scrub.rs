//! Finds and replaces secrets in text: any eight or more consecutive bytes of a secret, and any complete secret of six
//! or seven bytes. A server or a plugin may return a secret in an encoded form, so the search covers common encodings.
//!
//! The covered encodings are percent encoding, the escapes of JSON, JavaScript and HTML, hex, base64, and base64 of
//! base64. Other encodings, such as quoted-printable, base32 and reversed text, are not covered.

mod decoded_escapes;
mod process_secrets;

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    ops::Range,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

use decoded_escapes::Decoded;
pub use process_secrets::{bytes, remember, text};

/// The minimum number of consecutive bytes of a secret to remove. Fewer bytes also occur in unrelated text, so they are
/// removed only if they are a complete secret.
const RUN: usize = 8;

/// The minimum length in bytes of a secret to search for.
pub const MIN_LENGTH: usize = 6;

/// The maximum number of nested encodings to decode. A URL in an HTML page in a JSON string has three levels; the
/// fourth is a safety margin.
const MAX_NESTING: usize = 4;

/// An index for finding secrets in text. It does not implement `Debug`, which would print the secrets.
#[derive(Default)]
pub struct Scrubber {
    /// The secrets as pairs of label and value.
    values: Vec<(String, String)>,
    needles: Vec<Needle>,
    /// The positions in needles at which each sequence of [`MIN_LENGTH`] bytes occurs.
    grams: HashMap<[u8; MIN_LENGTH], Vec<GramPosition>>,
    /// For each pair of bytes, whether a key of `grams` begins with that pair. This rules out most positions in a text
    /// without a lookup in `grams`.
    heads: Vec<bool>,
}

/// A secret or one of its encoded forms.
struct Needle {
    value: usize,
    /// The text in lower case, because the search ignores case.
    text: Vec<u8>,
    /// The minimum number of consecutive bytes of `text` to remove.
    run: usize,
}

#[derive(Debug, Clone, Copy)]
struct GramPosition {
    needle: usize,
    at: usize,
}

/// An occurrence of a secret, or of part of it, in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Match {
    range: Range<usize>,
    value: usize,
    extent: Extent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Whole,
    Part,
}

/// The description of a match, which [`Scrubber::replace`] passes to its callback.
pub struct Found<'s> {
    pub label: &'s str,
    pub extent: Extent,
}

impl Scrubber {
    /// Indexes pairs of label and value. Values shorter than [`MIN_LENGTH`] are ignored.
    #[must_use]
    pub fn new(values: Vec<(String, String)>) -> Self {
        let mut scrubber = Self { values: Vec::new(), heads: vec![false; 1 << 16], ..Self::default() };
        for (index, (_, value)) in values.iter().enumerate().filter(|(_, (_, value))| value.len() >= MIN_LENGTH) {
            let public = public_part(value);
            scrubber.add(Needle { value: index, text: value.to_ascii_lowercase().into(), run: RUN }, public);
            for spaced in [value.replace(' ', "+")].into_iter().filter(|spaced| spaced != value) {
                scrubber.add(Needle { value: index, text: spaced.to_ascii_lowercase().into(), run: RUN }, public);
            }
            let once = base64_forms(&value.as_bytes()[public..], RUN);
            let twice = once.iter().flat_map(|(form, run)| base64_forms(form, *run));
            for (form, run) in twice.chain(once.iter().cloned()).chain([hex_form(&value[public..])]) {
                scrubber.add(Needle { value: index, text: form.to_ascii_lowercase(), run }, 0);
            }
        }
        scrubber.values = values;
        scrubber
    }

    /// Adds a needle to the index. The first `public` bytes of the needle aren't secret, so they don't count as a match
    /// on their own.
    fn add(&mut self, needle: Needle, public: usize) {
        let index = self.needles.len();
        for (at, gram) in needle.text.windows(MIN_LENGTH).enumerate().skip(public) {
            let gram: [u8; MIN_LENGTH] = gram.try_into().expect("each window has this length");
            self.heads[head(&gram)] = true;
            self.grams.entry(gram).or_default().push(GramPosition { needle: index, at });
        }
        let run = needle.run.min(needle.text.len() - public);
        self.needles.push(Needle { run, ..needle });
    }

    /// Returns the secrets as pairs of label and value.
    #[must_use]
    pub fn values(&self) -> &[(String, String)] {
        &self.values
    }

    /// Replaces each occurrence of a secret in `text` with the bytes that `with` returns.
    pub fn replace<'t>(&self, text: &'t [u8], with: impl Fn(&Found<'_>) -> Vec<u8>) -> Cow<'t, [u8]> {
        let found = self.find(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let (mut clean, mut from) = (Vec::with_capacity(text.len()), 0);
        for one in found {
            clean.extend_from_slice(&text[from..one.range.start]);
            clean.extend(with(&Found { label: &self.values[one.value].0, extent: one.extent }));
            from = one.range.end;
        }
        clean.extend_from_slice(&text[from..]);
        Cow::Owned(clean)
    }

    /// Finds secrets in `text` and in its decoded forms, up to [`MAX_NESTING`] levels deep. The matches are sorted and
    /// don't overlap.
    fn find(&self, text: &[u8]) -> Vec<Match> {
        if self.needles.is_empty() {
            return Vec::new();
        }
        let mut found = self.search(text);
        let mut levels: Vec<Decoded> = Vec::new();
        while levels.len() < MAX_NESTING {
            let encoded = levels.last().map_or(text, |level| &level.bytes);
            let Some(level) = Decoded::new(encoded) else { break };
            let inner = self.search(&level.bytes);
            levels.push(level);
            found.extend(inner.into_iter().map(|one| {
                let range = levels.iter().rev().fold(one.range, |range, level| level.encoded_range(range));
                Match { range, ..one }
            }));
        }
        merge_overlaps(found)
    }

    /// Finds secrets in a text without decoding it.
    fn search(&self, text: &[u8]) -> Vec<Match> {
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(gram) = text.get(at..at + MIN_LENGTH) {
            let gram: [u8; MIN_LENGTH] = std::array::from_fn(|index| gram[index].to_ascii_lowercase());
            let starts = if self.heads[head(&gram)] { self.grams.get(&gram) } else { None };
            let runs = starts.into_iter().flatten().filter_map(|start| self.run(text, at, *start));
            let longest = runs.max_by_key(|run| run.range.len());
            at = match longest {
                // Another match may begin within the last bytes of this one.
                Some(run) => {
                    let next = (run.range.end + 1).saturating_sub(MIN_LENGTH).max(at + 1);
                    found.push(run);
                    next
                }
                None => at + 1,
            };
        }
        found
    }

    /// Extends the match at `at` in both directions. Returns `None` if the result is too short.
    fn run(&self, text: &[u8], at: usize, start: GramPosition) -> Option<Match> {
        let needle = &self.needles[start.needle];
        let same = |(a, b): &(&u8, &u8)| a.to_ascii_lowercase() == **b;
        let before = text[..at].iter().rev().zip(needle.text[..start.at].iter().rev()).take_while(same).count();
        let after = text[at..].iter().zip(&needle.text[start.at..]).take_while(same).count();
        let extent = if before + after == needle.text.len() { Extent::Whole } else { Extent::Part };
        let range = at - before..at + after;
        (range.len() >= needle.run).then_some(Match { range, value: needle.value, extent })
    }
}

fn head(gram: &[u8; MIN_LENGTH]) -> usize {
    usize::from(gram[0]) << 8 | usize::from(gram[1])
}

/// Merges overlapping matches. The merged match keeps the label of the longest one.
fn merge_overlaps(mut found: Vec<Match>) -> Vec<Match> {
    found.sort_by_key(|one| (one.range.start, std::cmp::Reverse(one.range.end)));
    let mut merged: Vec<Match> = Vec::with_capacity(found.len());
    for next in found {
        match merged.last_mut().filter(|last| next.range.start < last.range.end) {
            Some(last) => {
                let both = last.range.start..last.range.end.max(next.range.end);
                let longest = if next.range.len() > last.range.len() { next } else { last.clone() };
                *last = Match { range: both, ..longest };
            }
            None => merged.push(next),
        }
    }
    merged
}

/// Returns the number of bytes at the start of a value that are not secret: the scheme of a URL, or the bot id before
/// the colon of a bot token.
fn public_part(value: &str) -> usize {
    let end = |mark: &str| value.find(mark).map(|at| at + mark.len());
    let scheme = end("://").filter(|end| value[..end - 3].bytes().all(|byte| byte.is_ascii_alphabetic()));
    let number = end(":").filter(|end| value[..end - 1].bytes().all(|byte| byte.is_ascii_digit()));
    scheme.or(number).filter(|public| value.len() - public >= MIN_LENGTH).unwrap_or(0)
}

/// Returns the hex form of a value, and the length of [`RUN`] bytes in hex.
fn hex_form(value: &str) -> (Vec<u8>, usize) {
    (value.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(), 2 * RUN)
}

/// Returns the base64 forms of a value at each of the three alignments, each with the length of `run` bytes in base64.
/// Encodings that work character by character, such as percent encoding, need no forms in the index, because
/// [`Decoded`] decodes them.
fn base64_forms(value: &[u8], run: usize) -> Vec<(Vec<u8>, usize)> {
    let digits = [STANDARD_NO_PAD, URL_SAFE_NO_PAD].into_iter().flat_map(|engine| {
        let placed = move |before| digits_of(&engine, value, before);
        (0..3).map(placed).collect::<Vec<_>>()
    });
    let digits: BTreeSet<Vec<u8>> = digits.filter(|digits| digits.len() >= MIN_LENGTH).collect();
    digits.into_iter().map(|digits| (digits, (8 * run).div_ceil(6))).collect()
}

/// Returns the base64 digits that depend only on `value` when `before` bytes precede it.
fn digits_of(engine: &impl Engine, value: &[u8], before: usize) -> Vec<u8> {
    let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(value.iter().copied()).collect();
    let digits = engine.encode(&padded).into_bytes();
    let (first, end) = ((8 * before).div_ceil(6), 8 * padded.len() / 6);
    digits[first..end].to_vec()
}

#[cfg(test)]
mod tests;
