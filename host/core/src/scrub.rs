//! Finds secrets in text: runs of eight characters of a value or more, in whatever common spelling a server or a plugin echoes them.

mod layers;

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    ops::Range,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

use layers::Layer;

/// The shortest run of a secret that is removed, in bytes. Shorter ones are found in texts that have nothing to do with it.
const RUN: usize = 8;

/// The shortest secret that is searched for, in bytes.
pub const SHORTEST: usize = 6;

/// How often a text may have been encoded over: a JSON string of an HTML page of an address, and one more.
const LAYERS: usize = 4;

/// Secrets, prepared to be searched for. It has no `Debug`, which would show them.
#[derive(Default)]
pub struct Scrubber {
    /// Label and value.
    values: Vec<(String, String)>,
    needles: Vec<Needle>,
    /// Where the first [`SHORTEST`] bytes of a run may lie, by those bytes.
    grams: HashMap<[u8; SHORTEST], Vec<Start>>,
    /// Which two bytes begin one of them: most places of a text are passed over by that alone.
    heads: Vec<bool>,
}

/// A secret, or what an encoding makes of the whole of it.
struct Needle {
    value: usize,
    /// In lower case, as everything that is compared.
    text: Vec<u8>,
    /// The shortest run of it that is removed.
    run: usize,
}

#[derive(Debug, Clone, Copy)]
struct Start {
    needle: usize,
    at: usize,
}

/// A run of a secret in a text.
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

/// What was found, for the one who words its replacement.
pub struct Found<'s> {
    pub label: &'s str,
    pub extent: Extent,
}

impl Scrubber {
    /// Of values with their labels. Values shorter than [`SHORTEST`] are left out.
    #[must_use]
    pub fn new(values: Vec<(String, String)>) -> Self {
        let mut scrubber = Self { values: Vec::new(), heads: vec![false; 1 << 16], ..Self::default() };
        for (index, (_, value)) in values.iter().enumerate().filter(|(_, (_, value))| value.len() >= SHORTEST) {
            let public = public_part(value);
            scrubber.add(Needle { value: index, text: value.to_ascii_lowercase().into(), run: RUN }, public);
            for spaced in [value.replace(' ', "+")].into_iter().filter(|spaced| spaced != value) {
                scrubber.add(Needle { value: index, text: spaced.to_ascii_lowercase().into(), run: RUN }, public);
            }
            for (form, run) in encodings(&value[public..]) {
                scrubber.add(Needle { value: index, text: form.to_ascii_lowercase(), run }, 0);
            }
        }
        scrubber.values = values;
        scrubber
    }

    /// `public`: how many bytes of it, from the first, are no secret by themselves.
    fn add(&mut self, needle: Needle, public: usize) {
        let index = self.needles.len();
        for (at, gram) in needle.text.windows(SHORTEST).enumerate().skip(public) {
            let gram: [u8; SHORTEST] = gram.try_into().expect("a window has its length");
            self.heads[head(&gram)] = true;
            self.grams.entry(gram).or_default().push(Start { needle: index, at });
        }
        let run = needle.run.min(needle.text.len() - public);
        self.needles.push(Needle { run, ..needle });
    }

    /// The values and their labels.
    #[must_use]
    pub fn values(&self) -> &[(String, String)] {
        &self.values
    }

    /// `text` with what `with` says in the place of each run.
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

    /// In order, and apart from each other.
    fn find(&self, text: &[u8]) -> Vec<Match> {
        if self.needles.is_empty() {
            return Vec::new();
        }
        let mut found = self.search(text);
        let mut layers: Vec<Layer> = Vec::new();
        while layers.len() < LAYERS {
            let Some(layer) = Layer::below(layers.last().map_or(text, |layer| &layer.bytes)) else { break };
            let inner = self.search(&layer.bytes);
            layers.push(layer);
            found.extend(inner.into_iter().map(|one| {
                let range = layers.iter().rev().fold(one.range, |range, layer| layer.above(range));
                Match { range, ..one }
            }));
        }
        apart(found)
    }

    /// The runs in a text as it stands.
    fn search(&self, text: &[u8]) -> Vec<Match> {
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(gram) = text.get(at..at + SHORTEST) {
            let gram: [u8; SHORTEST] = std::array::from_fn(|index| gram[index].to_ascii_lowercase());
            let starts = if self.heads[head(&gram)] { self.grams.get(&gram) } else { None };
            let runs = starts.into_iter().flatten().filter_map(|start| self.run(text, at, *start));
            let longest = runs.max_by_key(|run| run.range.len());
            at = match longest {
                // A run of another secret may begin in the last bytes of this one.
                Some(run) => {
                    let next = (run.range.end + 1).saturating_sub(SHORTEST).max(at + 1);
                    found.push(run);
                    next
                }
                None => at + 1,
            };
        }
        found
    }

    /// The run around `at`, where it is long enough.
    fn run(&self, text: &[u8], at: usize, start: Start) -> Option<Match> {
        let needle = &self.needles[start.needle];
        let same = |(a, b): &(&u8, &u8)| a.to_ascii_lowercase() == **b;
        let before = text[..at].iter().rev().zip(needle.text[..start.at].iter().rev()).take_while(same).count();
        let after = text[at..].iter().zip(&needle.text[start.at..]).take_while(same).count();
        let extent = if before + after == needle.text.len() { Extent::Whole } else { Extent::Part };
        let range = at - before..at + after;
        (range.len() >= needle.run).then_some(Match { range, value: needle.value, extent })
    }
}

fn head(gram: &[u8; SHORTEST]) -> usize {
    usize::from(gram[0]) << 8 | usize::from(gram[1])
}

/// Runs that touch become one, under the name of the longest.
fn apart(mut found: Vec<Match>) -> Vec<Match> {
    found.sort_by_key(|one| (one.range.start, std::cmp::Reverse(one.range.end)));
    let mut apart: Vec<Match> = Vec::with_capacity(found.len());
    for next in found {
        match apart.last_mut().filter(|last| next.range.start < last.range.end) {
            Some(last) => {
                let both = last.range.start..last.range.end.max(next.range.end);
                let longest = if next.range.len() > last.range.len() { next } else { last.clone() };
                *last = Match { range: both, ..longest };
            }
            None => apart.push(next),
        }
    }
    apart
}

/// How many bytes of a value, from its first, tell nothing: the scheme of an address, the number of a bot before its token.
fn public_part(value: &str) -> usize {
    let end = |mark: &str| value.find(mark).map(|at| at + mark.len());
    let scheme = end("://").filter(|end| value[..end - 3].bytes().all(|byte| byte.is_ascii_alphabetic()));
    let number = end(":").filter(|end| value[..end - 1].bytes().all(|byte| byte.is_ascii_digit()));
    scheme.or(number).filter(|public| value.len() - public >= SHORTEST).unwrap_or(0)
}

/// What becomes of a value in hex and, wherever it begins, in base64; with the length of what [`RUN`] characters become. The other
/// spellings write letter by letter, and are read by [`Layer`].
fn encodings(value: &str) -> Vec<(Vec<u8>, usize)> {
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let digits = [STANDARD_NO_PAD, URL_SAFE_NO_PAD].into_iter().flat_map(|engine| {
        let placed = move |before| based(&engine, value.as_bytes(), before);
        (0..3).map(placed).collect::<Vec<_>>()
    });
    let digits: BTreeSet<Vec<u8>> = digits.filter(|digits| digits.len() >= SHORTEST).collect();
    let base64 = digits.into_iter().map(|digits| (digits, (8 * RUN).div_ceil(6)));
    base64.chain([(hex.into_bytes(), 2 * RUN)]).collect()
}

/// The digits of base64 that `value` alone decides, where `before` bytes precede it.
fn based(engine: &impl Engine, value: &[u8], before: usize) -> Vec<u8> {
    let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(value.iter().copied()).collect();
    let digits = engine.encode(&padded).into_bytes();
    let (first, end) = ((8 * before).div_ceil(6), 8 * padded.len() / 6);
    digits[first..end].to_vec()
}

#[cfg(test)]
mod tests;
