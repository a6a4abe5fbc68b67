//! Reduces a message's entities to the number that Telegram supports.

use super::{Entity, Style};

/// The maximum number of entities in a message. Telegram ignores all entities after about the first hundred.
pub const MAX_ENTITIES: usize = 100;

/// Selects the styles to keep if a message has too many entities: those at its start or those at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepFrom {
    Start,
    End,
}

/// Returns at most [`MAX_ENTITIES`] of the entities, in their order. If there are more, merges entities that can be
/// shown as one. If there are still too many, keeps code and links first, then spoilers, whose text would become
/// visible, and then the other styles from one end of the message.
///
/// `entities` are the entities of `text`, in the order of [`Message::entities`](super::Message::entities).
#[must_use]
pub fn limit_entities(text: &str, entities: Vec<Entity>, keep: KeepFrom) -> Vec<Entity> {
    if entities.len() <= MAX_ENTITIES {
        return entities;
    }
    let entities = joined(text, entities);
    let mut order: Vec<usize> = (0..entities.len()).collect();
    let distance = |index: usize| match keep {
        KeepFrom::Start => index,
        KeepFrom::End => entities.len() - index,
    };
    order.sort_by_key(|&index| (entities[index].style.importance(), distance(index)));
    order.truncate(MAX_ENTITIES);
    order.sort_unstable();
    order.into_iter().map(|index| entities[index].clone()).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Importance {
    /// Code, and links, whose addresses would be lost without an entity.
    High,
    Medium,
    Low,
}

impl Style {
    pub(super) const fn importance(&self) -> Importance {
        match self {
            Self::Code | Self::Pre { .. } | Self::Link { .. } => Importance::High,
            Self::Spoiler => Importance::Medium,
            Self::Bold | Self::Italic | Self::Strike | Self::Quote | Self::ExpandableQuote => Importance::Low,
        }
    }

    /// Returns whether two adjacent spans of this style look like one.
    const fn joins_when_adjacent(&self) -> bool {
        match self {
            Self::Bold | Self::Italic | Self::Strike | Self::Spoiler | Self::Code | Self::Link { .. } => true,
            Self::Pre { .. } | Self::Quote | Self::ExpandableQuote => false,
        }
    }

    /// Returns whether this style doesn't change how a space looks.
    const fn is_invisible_on_spaces(&self) -> bool {
        matches!(self, Self::Bold | Self::Italic)
    }
}

/// The whole message, or a span that may enclose the next one.
struct Level {
    /// The index of the span, or `None` for the whole message.
    span: Option<usize>,
    /// The index of the last span directly inside this one.
    last: Option<usize>,
}

/// Merges adjacent spans of the same style, and drops spans nested in a span of the same style. Merges only spans with
/// the same parent, which preserves the nesting.
fn joined(text: &str, entities: Vec<Entity>) -> Vec<Entity> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut joined: Vec<Entity> = Vec::with_capacity(entities.len());
    let mut levels = vec![Level { span: None, last: None }];
    for entity in entities {
        levels.retain(|level| level.span.is_none_or(|span| joined[span].end() > entity.offset));
        let inside = |level: &Level| level.span.is_some_and(|span| joined[span].style == entity.style);
        if entity.style.joins_when_adjacent() && levels.iter().any(inside) {
            continue;
        }
        let Some(level) = levels.last_mut() else { continue };
        let sibling = level.last.filter(|&last| touches(&units, &joined[last], &entity));
        let span = match sibling {
            Some(last) => {
                joined[last].length = entity.end().max(joined[last].end()) - joined[last].offset;
                last
            }
            None => {
                joined.push(entity);
                joined.len() - 1
            }
        };
        level.last = Some(span);
        levels.push(Level { span: Some(span), last: None });
    }
    joined
}

fn touches(units: &[u16], before: &Entity, entity: &Entity) -> bool {
    let is_space = |gap: &[u16]| gap.iter().all(|&unit| unit == u16::from(b' '));
    before.style == entity.style
        && entity.style.joins_when_adjacent()
        && (before.end() == entity.offset
            || entity.style.is_invisible_on_spaces() && units.get(before.end()..entity.offset).is_some_and(is_space))
}
