//! Finds code, links and headings in Markdown.

use std::{collections::HashMap, ops::Range};

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

/// A block of code.
#[derive(Debug, PartialEq, Eq)]
pub struct CodeBlock {
    /// The language after the fence. Empty if there is none.
    pub language: String,
    /// The number of the first line of `text`.
    pub line: usize,
    pub text: String,
}

/// Code in a paragraph, heading or table.
#[derive(Debug, PartialEq, Eq)]
pub struct CodeSpan {
    pub line: usize,
    pub text: String,
}

/// A link or an image whose target is in parentheses.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    pub line: usize,
    pub target: String,
    /// The place of the target in the text.
    pub place: Range<usize>,
}

fn events(text: &str) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
    Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).into_offset_iter()
}

fn line_at(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

#[must_use]
pub fn code_blocks(text: &str) -> Vec<CodeBlock> {
    let mut blocks = Vec::new();
    let mut open: Option<CodeBlock> = None;
    for (event, place) in events(text) {
        if let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) = &event {
            let language = info.split([' ', ',']).next().unwrap_or_default().to_owned();
            open = Some(CodeBlock { language, line: line_at(text, place.start) + 1, text: String::new() });
        } else if let Event::End(TagEnd::CodeBlock) = event {
            blocks.extend(open.take());
        } else if let (Event::Text(code), Some(block)) = (event, &mut open) {
            block.text.push_str(&code);
        }
    }
    blocks
}

#[must_use]
pub fn code_spans(text: &str) -> Vec<CodeSpan> {
    let spans = events(text).filter_map(|(event, place)| {
        let Event::Code(code) = event else { return None };
        Some(CodeSpan { line: line_at(text, place.start), text: code.into_string() })
    });
    spans.collect()
}

/// Returns the inline links and images, in the order of the text.
#[must_use]
pub fn links(text: &str) -> Vec<Link> {
    let links = events(text).filter_map(|(event, place)| {
        let (Event::Start(Tag::Link { link_type: LinkType::Inline, dest_url, .. })
        | Event::Start(Tag::Image { link_type: LinkType::Inline, dest_url, .. })) = event
        else {
            return None;
        };
        // The label can contain an image, so the link's own target is the last one.
        let start = place.start + text[place.clone()].rfind("](")? + 2;
        let target = dest_url.into_string();
        Some(Link { line: line_at(text, start), place: start..start + target.len(), target })
    });
    let mut links: Vec<Link> = links.collect();
    links.sort_by_key(|link| link.place.start);
    links
}

/// Returns the anchors of the headings, as GitHub and mdBook generate them.
#[must_use]
pub fn anchors(text: &str) -> Vec<String> {
    let mut heading: Option<String> = None;
    let mut uses: HashMap<String, usize> = HashMap::new();
    let mut anchors = Vec::new();
    for (event, _) in events(text) {
        if let Event::Start(Tag::Heading { .. }) = event {
            heading = Some(String::new());
        } else if let Event::End(TagEnd::Heading(_)) = event {
            let anchor = anchor(&heading.take().unwrap_or_default());
            let earlier = uses.entry(anchor.clone()).or_default();
            anchors.push(if *earlier == 0 { anchor } else { format!("{anchor}-{earlier}") });
            *earlier += 1;
        } else if let (Event::Text(part) | Event::Code(part), Some(heading)) = (event, &mut heading) {
            heading.push_str(&part);
        }
    }
    anchors
}

fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_their_language_and_line() {
        let text = "One.\n\n```sh\na\nb\n```\n\n1. List\n   ```toml\n   c = 1\n   ```\n\n```\nd\n```\n";
        let block = |language: &str, line, text: &str| CodeBlock { language: language.into(), line, text: text.into() };
        assert_eq!(code_blocks(text), [block("sh", 4, "a\nb\n"), block("toml", 10, "c = 1\n"), block("", 14, "d\n")]);
    }

    #[test]
    fn spans_are_found_outside_blocks() {
        let text = "Type `a b`.\n\n| x |\n|---|\n| `c \\| d` |\n\n```\n`e`\n```\n";
        let spans = [(1, "a b"), (5, "c | d")].map(|(line, text)| CodeSpan { line, text: text.into() });
        assert_eq!(code_spans(text), spans);
    }

    #[test]
    fn the_place_of_a_link_is_that_of_its_target() {
        let text = "See [a](one.md#x) and\n[![i](two.png)](three.md), not `[b](four.md)` or <https://five>.\n";
        let found = links(text);
        let targets: Vec<_> = found.iter().map(|link| (link.line, link.target.as_str())).collect();
        assert_eq!(targets, [(1, "one.md#x"), (2, "two.png"), (2, "three.md")]);
        for link in found {
            assert_eq!(&text[link.place.clone()], link.target);
        }
    }

    #[test]
    fn repeated_headings_get_numbers() {
        let text = "# `cordboard` run\n\n## What's *new*?\n\n## Limits\n\n```\n# no\n```\n\n## Limits\n";
        assert_eq!(anchors(text), ["cordboard-run", "whats-new", "limits", "limits-1"]);
    }
}
