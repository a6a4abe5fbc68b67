//! Converts styles to Telegram's message entities. Offsets are in UTF-16 units on both sides.

use cordboard_core::render::{Entity, Style};
use teloxide_core::types::{MessageEntity, MessageEntityKind};

/// Converts all valid entities. A link whose URL is invalid, which the renderer never produces, is dropped, but its
/// text remains.
pub(super) fn entities(of: &[Entity]) -> Vec<MessageEntity> {
    of.iter().filter_map(entity).collect()
}

fn entity(entity: &Entity) -> Option<MessageEntity> {
    let kind = match &entity.style {
        Style::Bold => MessageEntityKind::Bold,
        Style::Italic => MessageEntityKind::Italic,
        Style::Strike => MessageEntityKind::Strikethrough,
        Style::Spoiler => MessageEntityKind::Spoiler,
        Style::Code => MessageEntityKind::Code,
        Style::Pre { language } => MessageEntityKind::Pre { language: language.clone() },
        Style::Link { url } => MessageEntityKind::TextLink { url: url.parse().ok()? },
        Style::Quote => MessageEntityKind::Blockquote,
        Style::ExpandableQuote => MessageEntityKind::ExpandableBlockquote,
    };
    Some(MessageEntity::new(kind, entity.offset, entity.length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_style_has_its_entity() {
        let styles = [
            (Style::Bold, "bold"),
            (Style::Italic, "italic"),
            (Style::Strike, "strikethrough"),
            (Style::Spoiler, "spoiler"),
            (Style::Code, "code"),
            (Style::Pre { language: Some("rust".into()) }, "pre"),
            (Style::Link { url: "https://example.org/a".into() }, "text_link"),
            (Style::Quote, "blockquote"),
            (Style::ExpandableQuote, "expandable_blockquote"),
        ];
        for (style, name) in styles {
            let made = entities(&[Entity { offset: 3, length: 4, style }]);
            let json = serde_json::to_value(&made[0]).unwrap();
            assert_eq!((&json["type"], &json["offset"], &json["length"]), (&name.into(), &3.into(), &4.into()));
        }
    }

    #[test]
    fn a_link_without_a_valid_target_is_text() {
        assert!(entities(&[Entity { offset: 0, length: 1, style: Style::Link { url: "no url".into() } }]).is_empty());
    }
}
