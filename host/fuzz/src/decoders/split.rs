//! Splits messages to fit a chat: each part is valid, and the parts contain all visible text with its styles.

use std::time::Duration;

use cordboard_chat::{Edits, FileContent, Limits, LiveLine, outbox};
use cordboard_core::{
    render::{MAX_ENTITIES, Message, Style, is_blank, render, split, units},
    types::Reply,
};

use super::styled_text::assert_valid;

/// The limits of a chat like Telegram's.
const LIMITS: Limits = Limits {
    text_units: 4096,
    columns: 38,
    live_line: LiveLine::InMessage,
    edits: Edits::Replace,
    ring_after: Duration::ZERO,
    document_over: Some(12_000),
};

/// The first two bytes are the limit, in UTF-16 code units. The others are Markdown.
pub fn check(data: &[u8]) {
    let Some((limit, source)) = data.split_first_chunk() else { return };
    let (limit, source) = (usize::from(u16::from_be_bytes(*limit)), String::from_utf8_lossy(source));
    let message = render(&source);
    check_parts(&message, &split(message.clone(), limit), limit);
    check_reply(&source);
}

fn check_parts(message: &Message, parts: &[Message], limit: usize) {
    for part in parts {
        assert_valid(part);
        // A single character may take two units.
        assert!((1..=limit.max(2)).contains(&units(&part.text)), "{part:?} with the limit {limit}");
        assert!(part.entities.len() <= MAX_ENTITIES, "{part:?}");
        assert!(!is_blank(&part.text), "{part:?}");
    }
    let mut rest = message.text.as_str();
    for part in parts {
        let at = rest.find(&part.text).unwrap_or_else(|| panic!("{part:?} is not in {rest:?}"));
        assert!(is_blank(&rest[..at]), "{:?} is left out", &rest[..at]);
        rest = &rest[at + part.text.len()..];
    }
    assert!(is_blank(rest), "{rest:?} is left out");
    if message.entities.len() <= MAX_ENTITIES {
        let after: Vec<_> = parts.iter().flat_map(styled).collect();
        assert_eq!(after, styled(message), "the styles differ with the limit {limit}");
    }
}

/// Returns each visible character with its styles.
fn styled(message: &Message) -> Vec<(char, Vec<&Style>)> {
    let mut at = 0;
    let mut styled = Vec::new();
    for c in message.text.chars() {
        if !is_blank(c.encode_utf8(&mut [0; 4])) {
            let here = message.entities.iter().filter(|entity| entity.offset <= at && at < entity.end());
            styled.push((c, here.map(|entity| &entity.style).collect()));
        }
        at += c.len_utf16();
    }
    styled
}

/// Checks the messages and files of a complete answer.
fn check_reply(source: &str) {
    for part in outbox::messages(&Reply { text: source.to_owned(), ..Reply::default() }, LIMITS) {
        if let Some(file) = part.file {
            let FileContent::Bytes(bytes) = file.content else { panic!("{} isn't part of the text", file.name) };
            assert!(!bytes.is_empty() && !is_blank(&file.name), "{}", file.name);
        } else {
            assert_valid(&part.message);
            assert!(!is_blank(&part.message.text), "{source:?}");
            assert!(units(&part.message.text) <= LIMITS.text_units, "{:?}", part.message);
            assert!(part.message.entities.len() <= MAX_ENTITIES, "{:?}", part.message);
        }
    }
}
