//! Finds text that the Markdown parser treats as syntax and doesn't report. For example, `[ERROR]: disk` is a link
//! definition that no link uses, but a reader expects to see this text.

use std::{collections::HashSet, ops::Range};

use pulldown_cmark::{Event, Parser, Tag};

use super::parser_options::parser;

/// The link definitions that are in use, and therefore don't need to be shown.
#[derive(Debug)]
pub struct Definitions {
    /// The ranges of the definitions, in source order.
    used: Vec<Range<usize>>,
}

impl Definitions {
    /// Parses the source again to find the labels in use, but only if it contains definitions.
    pub fn of(markdown: &str, parsed: &Parser<'_>) -> Self {
        let mut known = parsed.reference_definitions().iter().peekable();
        if known.peek().is_none() {
            return Self { used: Vec::new() };
        }
        let labels: HashSet<String> = parser(markdown).filter_map(label).collect();
        let used = known.filter(|(name, _)| labels.contains(&normalize_label(name)));
        let mut used: Vec<Range<usize>> = used.map(|(_, definition)| definition.span.clone()).collect();
        used.sort_by_key(|span| span.start);
        Self { used }
    }

    /// Returns the unused definitions in the source between two blocks, line by line, with their positions.
    pub fn unused<'a>(&self, markdown: &'a str, gap: Range<usize>) -> Vec<(usize, &'a str)> {
        let mut found = Vec::new();
        let mut inside = false;
        let mut start = gap.start;
        for line in markdown.get(gap).unwrap_or_default().split_inclusive('\n') {
            // A definition starts after the marks of its lists and quotes. In its later lines, skip only quote marks,
            // because a number at the start of such a line is part of the definition.
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
    let Event::Start(Tag::Link { id, .. } | Tag::Image { id, .. }) = event else { return None };
    (!id.is_empty()).then(|| normalize_label(&id))
}

/// Normalizes case and white space, which don't matter in labels.
fn normalize_label(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Returns whether `c` may precede a definition inside quotes and lists.
const fn is_container_mark(c: char) -> bool {
    is_quote_mark(c) || c.is_ascii_digit() || matches!(c, '-' | '+' | '*' | '.' | ')')
}

const fn is_quote_mark(c: char) -> bool {
    c.is_whitespace() || c == '>'
}
