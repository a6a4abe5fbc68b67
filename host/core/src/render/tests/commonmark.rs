//! Renders all examples from the CommonMark Spec, and tests that no visible text is lost and that Telegram would accept
//! each part.

use proptest::prelude::*;
use serde::Deserialize;

use super::{assert_sound, random_markdown::assert_nested_as_telegram_can};
use crate::render::{MAX_ENTITIES, render, render_within, split, units};

#[derive(Deserialize)]
struct Example {
    example: u32,
    markdown: String,
    html: String,
}

fn examples() -> Vec<Example> {
    serde_json::from_str(include_str!("commonmark/examples.json")).unwrap()
}

/// Returns the words of the visible text of HTML. Words end at white space and at tags.
fn words(html: &str) -> Vec<String> {
    let mut text = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        text.push(' ');
        let end = if rest[start..].starts_with("<!--") { "-->" } else { ">" };
        rest = rest[start..].find(end).map_or("", |at| &rest[start + at + end.len()..]);
    }
    text.push_str(rest);
    let decoded = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    decoded.split_whitespace().map(str::to_owned).collect()
}

fn check_parts(markdown: &str, limit: usize) {
    let message = render_within(markdown, 38);
    assert_sound(&message);
    assert_nested_as_telegram_can(&message);
    let whole = message.text.clone();
    let mut rest = whole.as_str();
    for part in split(message, limit) {
        assert!(units(&part.text) <= limit && part.entities.len() <= MAX_ENTITIES, "{part:?}");
        assert_sound(&part);
        assert_nested_as_telegram_can(&part);
        let at = rest.find(&part.text).unwrap_or_else(|| panic!("{:?} is not in {rest:?}", part.text));
        rest = &rest[at + part.text.len()..];
    }
}

#[test]
fn commonmark_examples_keep_their_words_in_order() {
    let examples = examples();
    assert_eq!(examples.len(), 652);
    for Example { example, markdown, html } in examples {
        let message = render(&markdown);
        let mut rest = message.text.as_str();
        for word in words(&html) {
            let Some(at) = rest.find(&word) else {
                panic!("example {example}: {word:?} of {markdown:?} is lost: {:?}", message.text)
            };
            rest = &rest[at + word.len()..];
        }
        for limit in [2, 10, 4096] {
            check_parts(&markdown, limit);
        }
    }
}

proptest! {
    /// Joins examples so that they nest and interrupt each other.
    #[test]
    fn joined_commonmark_examples_are_valid_parts(
        chosen in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(&["", "\n", "> ", "- ", "  ", "||", "**"][..])), 1..40,
        ),
        limit in 2_usize..300,
    ) {
        let examples = examples();
        let markdown: String =
            chosen.iter().map(|(index, before)| format!("{before}{}", index.get(&examples).markdown)).collect();
        check_parts(&markdown, limit);
        check_parts(&markdown, 4096);
    }
}
