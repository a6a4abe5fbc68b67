//! Truncates a message, keeping only its end.

use super::{Entity, KeepFrom, Message, limit_entities, units};

/// Returns the last part of a message, at most `limit` UTF-16 units long, with the entities that [`limit_entities`]
/// keeps. The part starts at the beginning of a line if its first half contains a line break.
#[must_use]
pub fn tail(message: &Message, limit: usize) -> Message {
    let start = start(&message.text, limit);
    let text = message.text[start..].to_owned();
    let skipped = units(&message.text[..start]);
    let shift = |entity: &Entity| {
        let offset = entity.offset.max(skipped);
        let length = entity.end().checked_sub(offset).filter(|length| *length > 0)?;
        Some(Entity { offset: offset - skipped, length, ..entity.clone() })
    };
    let entities = limit_entities(&text, message.entities.iter().filter_map(shift).collect(), KeepFrom::End);
    Message { text, entities }
}

/// Returns the byte position at which the last part of a text begins.
fn start(text: &str, limit: usize) -> usize {
    let excess = units(text).saturating_sub(limit);
    if excess == 0 {
        return 0;
    }
    let mut unit = 0;
    let is_within = |c: char| {
        let is_within = unit >= excess;
        unit += c.len_utf16();
        is_within
    };
    let first = text.find(is_within).unwrap_or(text.len());
    let line = text[first..].find('\n').filter(|at| *at < (text.len() - first) / 2);
    line.map_or(first, |at| text.len() - text[first + at..].trim_start_matches('\n').len())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{MAX_ENTITIES, Style},
        *,
    };

    fn bold(offset: usize, length: usize) -> Entity {
        Entity { offset, length, style: Style::Bold }
    }

    #[test]
    fn the_end_of_a_message_keeps_its_styles() {
        let message =
            Message { text: "👋 one\n\ntwo three".to_owned(), entities: vec![bold(0, 2), bold(3, 8), bold(12, 5)] };
        assert_eq!(tail(&message, 100), message);
        let last = |limit| {
            let Message { text, entities } = tail(&message, limit);
            (text, entities.iter().map(|entity| (entity.offset, entity.length)).collect::<Vec<_>>())
        };
        for limit in 9..=16 {
            let expected = ("two three".to_owned(), vec![(0, 3), (4, 5)]);
            assert_eq!(last(limit), expected, "it begins with a whole line: {limit}");
        }
        assert_eq!(last(4), ("hree".to_owned(), vec![(0, 4)]));
        assert_eq!(last(0), (String::new(), vec![]));
        let emoji = Message { text: "👋👋".to_owned(), entities: vec![bold(0, 4)] };
        assert_eq!(tail(&emoji, 3), Message { text: "👋".to_owned(), entities: vec![bold(0, 2)] });
    }

    #[test]
    fn the_last_entities_are_kept() {
        let text = "x".repeat(300);
        let message = Message { text, entities: (0..300).step_by(2).map(|at| bold(at, 1)).collect() };
        let end = tail(&message, 250);
        assert_eq!((end.entities.len(), end.entities[0].offset), (MAX_ENTITIES, 50));
    }
}
