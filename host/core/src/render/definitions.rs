//! What the Markdown parser takes for syntax and never reports, though it is text to a reader: `[ERROR]: disk` is a link
//! definition that nothing refers to. It finds such text in the source, and decides nothing else.

use std::{collections::HashSet, ops::Range};

use pulldown_cmark::{Event, Parser, Tag};

/// Where the definitions stand that links do refer to; they need not be shown.
#[derive(Debug)]
pub struct Definitions {
    /// In the order of the source.
    used: Vec<Range<usize>>,
}

impl Definitions {
    /// Parses once more for the labels in use, but only where there is a definition at all.
    pub fn of(markdown: &str, parser: &Parser<'_>) -> Self {
        let mut known = parser.reference_definitions().iter().peekable();
        if known.peek().is_none() {
            return Self { used: Vec::new() };
        }
        let labels: HashSet<String> = super::markdown::parser(markdown).filter_map(label).collect();
        let used = known.filter(|(name, _)| labels.contains(&folded(name)));
        let mut used: Vec<Range<usize>> = used.map(|(_, definition)| definition.span.clone()).collect();
        used.sort_by_key(|span| span.start);
        Self { used }
    }

    /// The definitions in a stretch of source between two blocks that nothing refers to, line by line, with their places.
    pub fn unused<'a>(&self, markdown: &'a str, gap: Range<usize>) -> Vec<(usize, &'a str)> {
        let mut found = Vec::new();
        let mut inside = false;
        let mut start = gap.start;
        for line in markdown.get(gap).unwrap_or_default().split_inclusive('\n') {
            // A definition begins behind the marks of its containers; its further lines may begin with a number of its own.
            let shown = line.trim_start_matches(|c| if inside { is_quote_mark(c) } else { is_container_mark(c) });
            let place = start + (line.len() - shown.len());
            start += line.len();
            inside = !shown.trim().is_empty() && (inside || shown.starts_with('[')) && !self.is_used(place);
            if inside {
                found.push((place, shown.trim_end()));
            }
        }
        found
    }

    fn is_used(&self, place: usize) -> bool {
        let next = self.used.partition_point(|span| span.start <= place);
        next.checked_sub(1).is_some_and(|before| self.used[before].contains(&place))
    }
}

fn label(event: Event<'_>) -> Option<String> {
    match event {
        Event::Start(Tag::Link { id, .. } | Tag::Image { id, .. }) if !id.is_empty() => Some(folded(&id)),
        _ => None,
    }
}

/// Labels are the same whatever their case and white space.
fn folded(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// What may stand before a definition inside quotes and lists.
const fn is_container_mark(c: char) -> bool {
    is_quote_mark(c) || c.is_ascii_digit() || matches!(c, '-' | '+' | '*' | '.' | ')')
}

const fn is_quote_mark(c: char) -> bool {
    c.is_whitespace() || c == '>'
}
