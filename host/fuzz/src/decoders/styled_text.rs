//! Asserts the properties that Telegram requires of a text and its entities.

use cordboard_core::render::{Message, Style, units};

/// Asserts that the entities are within the text and ordered, that none is empty or splits a character, and that they
/// are nested only in ways that Telegram allows.
pub fn assert_valid(message: &Message) {
    let mut starts: Vec<usize> =
        message.text.chars().scan(0, |at, c| Some(std::mem::replace(at, *at + c.len_utf16()))).collect();
    starts.push(units(&message.text));
    assert!(message.entities.is_sorted_by_key(|entity| entity.offset), "{message:?}");
    for entity in &message.entities {
        assert!(entity.length > 0, "{entity:?} is empty");
        for end in [entity.offset, entity.end()] {
            assert!(starts.binary_search(&end).is_ok(), "{entity:?} does not end on a character of {:?}", message.text);
        }
    }
    assert_nested(message);
}

fn assert_nested(message: &Message) {
    for (index, outer) in message.entities.iter().enumerate() {
        for inner in message.entities[index + 1..].iter().take_while(|inner| inner.offset < outer.end()) {
            assert!(inner.end() <= outer.end(), "{inner:?} overlaps {outer:?} in {:?}", message.text);
            let is_allowed = !matches!(
                (Kind::of(&outer.style), Kind::of(&inner.style)),
                (Kind::Quote, Kind::Quote)
                    | (Kind::Inline, Kind::Code)
                    | (Kind::Code, _)
                    | (Kind::Link, Kind::Code | Kind::Link)
            );
            assert!(is_allowed, "{inner:?} is inside {outer:?} in {:?}", message.text);
        }
    }
}

/// The kinds of styles that Telegram treats alike.
enum Kind {
    Quote,
    Inline,
    Code,
    Link,
}

impl Kind {
    fn of(style: &Style) -> Self {
        match style {
            Style::Quote | Style::ExpandableQuote => Self::Quote,
            Style::Bold | Style::Italic | Style::Strike | Style::Spoiler => Self::Inline,
            Style::Code | Style::Pre { .. } => Self::Code,
            Style::Link { .. } => Self::Link,
        }
    }
}
