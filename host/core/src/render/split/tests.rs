//! Tests split positions with examples, and tests with random messages that splitting preserves text and styles.

use proptest::prelude::*;

use super::*;
use crate::render::{Entity, blank::shows_nothing, render, tests::assert_sound};

fn texts(markdown: &str, limit: usize) -> Vec<String> {
    split(render(markdown), limit).into_iter().map(|chunk| chunk.text).collect()
}

fn unstyled(text: &str) -> Message {
    Message { text: text.to_owned(), entities: Vec::new() }
}

#[test]
fn text_that_fits_is_not_split() {
    let message = render("**a**\n\nb");
    assert_eq!(split(message.clone(), 4), [message]);
    assert!(split(Message::default(), 10).is_empty());
}

#[test]
fn splits_prefer_blocks_then_lines_then_words() {
    assert_eq!(texts("one two\n\nthree four\nfive six", 22), ["one two", "three four\nfive six"]);
    assert_eq!(texts("one two\nthree four", 14), ["one two", "three four"]);
    assert_eq!(texts("one two three four", 9), ["one two", "three", "four"]);
    assert_eq!(texts("onetwothree", 4), ["onet", "woth", "ree"]);
}

#[test]
fn a_break_just_after_the_limit_is_used() {
    assert_eq!(texts("four\nmore", 4), ["four", "more"]);
    assert_eq!(texts("four more", 4), ["four", "more"]);
    assert_eq!(texts("a b\n\nc d", 3), ["a b", "c d"]);
}

#[test]
fn code_stays_whole_if_it_fits() {
    assert_eq!(texts("text\n```\na\n\nb\n```", 8), ["text", "a\n\nb"]);
    assert_eq!(texts("```\na\n\nb\n```\nmore", 8), ["a\n\nb", "more"]);
}

#[test]
fn code_cut_in_two_keeps_its_language_and_indentation() {
    let chunks = split(render("```rust\nfn f() {\n    1\n}\n```"), 9);
    let texts: Vec<_> = chunks.iter().map(|chunk| chunk.text.as_str()).collect();
    assert_eq!(texts, ["fn f() {", "    1\n}"]);
    for chunk in &chunks {
        let style = Style::Pre { language: Some("rust".to_owned()) };
        assert_eq!(chunk.entities, [Entity { offset: 0, length: units(&chunk.text), style }]);
    }
}

#[test]
fn entities_are_cut_and_moved() {
    let chunks = split(render("> one **two three** four"), 8);
    let spans =
        |chunk: &Message| chunk.entities.iter().map(|entity| (entity.offset, entity.length)).collect::<Vec<_>>();
    assert_eq!(
        chunks.iter().map(spans).collect::<Vec<_>>(),
        [vec![(0, 7), (4, 3)], vec![(0, 5), (0, 5)], vec![(0, 4)]]
    );
}

#[test]
fn grapheme_clusters_are_not_split() {
    assert_eq!(texts("😀😀😀", 3), ["😀", "😀", "😀"]);
    assert_eq!(texts("xxe\u{301}", 3), ["xx", "e\u{301}"]);
    assert_eq!(texts("x👍🏽👍🏽", 6), ["x👍🏽", "👍🏽"]);
    assert_eq!(texts("xx👩\u{200d}💻", 5), ["xx", "👩\u{200d}💻"]);
    assert_eq!(texts("😀", 1), ["😀"]);
}

#[test]
fn only_code_and_links_over_the_limit_split_a_message() {
    let chunks = split(render(&"`x` ".repeat(250)), 4096);
    assert_eq!(chunks.iter().map(|chunk| chunk.entities.len()).collect::<Vec<_>>(), [100, 100, 50]);
    let pile = vec![Entity { offset: 0, length: 4, style: Style::Pre { language: None } }; 150];
    let chunks = split(Message { text: "text".to_owned(), entities: pile }, 10);
    assert_eq!(chunks.iter().map(|chunk| chunk.entities.len()).collect::<Vec<_>>(), [100]);
    let chunks = split(render(&"**x** y `z` ".repeat(100)), 4096);
    assert_eq!(chunks.len(), 1, "bold text doesn't need another message");
    assert!(chunks[0].entities.iter().all(|entity| entity.style == Style::Code));
}

#[test]
fn blank_messages_are_not_sent() {
    assert!(split(unstyled(" \n\u{200b}\n "), 10).is_empty());
    assert_eq!(split(unstyled(&format!("a{}b", " ".repeat(50))), 5), [unstyled("a"), unstyled("b")]);
    assert_eq!(split(unstyled(&format!("a\n{}b", " ".repeat(50))), 5), [unstyled("a"), unstyled("b")]);
    assert_eq!(split(unstyled("a\n\n\n  b"), 3), [unstyled("a"), unstyled("  b")]);
}

#[test]
fn a_very_long_line_is_split_completely() {
    let chunks = split(unstyled(&"x".repeat(300_000)), 4096);
    assert_eq!(chunks.iter().map(|chunk| chunk.text.len()).sum::<usize>(), 300_000);
}

/// Generates messages of mixed characters, with entities on character boundaries.
fn message() -> impl Strategy<Value = Message> {
    let text = prop::collection::vec(
        prop::sample::select(
            &["a", "bc ", "\n", "\n\n", " ", "   ", "😀", "é", "word ", "\u{200d}", "👍🏽", "\u{200b}"][..],
        ),
        0..60,
    );
    let spans = prop::collection::vec((any::<prop::sample::Index>(), 1_usize..12, 0_usize..4), 0..150);
    (text, spans).prop_map(|(pieces, spans)| {
        let text = pieces.concat();
        let mut starts: Vec<usize> =
            text.chars().scan(0, |at, c| Some(std::mem::replace(at, *at + c.len_utf16()))).collect();
        starts.push(units(&text));
        let span = |(start, length, style): (prop::sample::Index, usize, usize)| {
            let first = start.index(starts.len());
            let (offset, end) = (starts[first], starts[(first + length).min(starts.len() - 1)]);
            let pre = Style::Pre { language: Some("rs".to_owned()) };
            let style = [Style::Bold, Style::Code, pre, Style::Quote][style].clone();
            Entity { offset, length: end - offset, style }
        };
        let mut entities: Vec<Entity> = spans.into_iter().map(span).filter(|entity| entity.length > 0).collect();
        entities.sort_by_key(|entity| entity.offset);
        Message { text, entities }
    })
}

/// Finds the chunks in the text, in order, and returns the text before, between and after them.
fn left_out<'a>(mut text: &'a str, chunks: &[Message]) -> Result<Vec<&'a str>, TestCaseError> {
    let mut between = Vec::new();
    for chunk in chunks {
        let at = text
            .find(&chunk.text)
            .ok_or_else(|| TestCaseError::fail(format!("{:?} is not in {text:?}", chunk.text)))?;
        between.push(&text[..at]);
        text = &text[at + chunk.text.len()..];
    }
    between.push(text);
    Ok(between)
}

fn check_split(message: &Message, limit: usize) -> Result<(), TestCaseError> {
    let chunks = split(message.clone(), limit);
    for chunk in &chunks {
        assert_sound(chunk);
        prop_assert!((1..=limit.max(MIN_LIMIT)).contains(&units(&chunk.text)), "{chunk:?}");
        prop_assert!(chunk.entities.len() <= MAX_ENTITIES);
        prop_assert!(!is_blank(&chunk.text), "{chunk:?} shows nothing");
        prop_assert_eq!(chunk.text.trim_end(), &chunk.text);
    }
    for between in left_out(&message.text, &chunks)? {
        prop_assert!(is_blank(between), "{between:?} is left out of {:?}", message.text);
    }
    Ok(())
}

/// Returns each visible character with its styles.
fn styled(message: &Message) -> Vec<(char, Vec<Style>)> {
    let mut at = 0;
    let mut out = Vec::new();
    for c in message.text.chars() {
        let here = message.entities.iter().filter(|entity| entity.offset <= at && at < entity.end());
        out.extend((!shows_nothing(c)).then(|| (c, here.map(|entity| entity.style.clone()).collect())));
        at += c.len_utf16();
    }
    out
}

proptest! {
    #[test]
    fn every_cut_keeps_the_text(message in message(), limit in 0_usize..40) {
        check_split(&message, limit)?;
    }

    #[test]
    fn every_character_keeps_its_styles(mut message in message(), limit in 1_usize..40) {
        message.entities.truncate(MAX_ENTITIES);
        let chunks = split(message.clone(), limit);
        let after: Vec<_> = chunks.iter().flat_map(styled).collect();
        prop_assert_eq!(after, styled(&message));
    }

    #[test]
    fn rendered_text_can_be_cut(markdown in "([a-z😀 ]{1,9}|\\*\\*|`|\n|\n\n|\n```rs\n|\n- |\n> |[#_~|]){0,40}", limit in 1_usize..60) {
        check_split(&render(&markdown), limit)?;
    }
}
