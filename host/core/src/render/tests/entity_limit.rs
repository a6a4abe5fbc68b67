//! Tests which entities are kept if a message has too many.

use proptest::prelude::*;

use super::{assert_sound, random_markdown::assert_nested_as_telegram_can};
use crate::render::{Entity, KeepFrom, MAX_ENTITIES, Message, Style, limit_entities, render, units};

fn span(offset: usize, length: usize, style: Style) -> Entity {
    Entity { offset, length, style }
}

fn limited(markdown: &str, keep: KeepFrom) -> Vec<Entity> {
    let message = render(markdown);
    limit_entities(&message.text, message.entities, keep)
}

#[test]
fn few_entities_are_unchanged() {
    let touching = vec![span(0, 1, Style::Bold), span(1, 1, Style::Bold)];
    assert_eq!(limit_entities("ab", touching.clone(), KeepFrom::Start), touching);
}

#[test]
fn entities_that_look_like_one_are_joined() {
    let text = "ab ".repeat(60);
    let pieces = |style: &Style, gap: usize| -> Vec<Entity> {
        (0..120).map(|at| span(at / 2 * 3 + at % 2 * (2 - gap), 1, style.clone())).collect()
    };
    let joined = |style: Style, gap: usize| limit_entities(&text, pieces(&style, gap), KeepFrom::Start);
    assert_eq!(joined(Style::Bold, 1), [span(0, 179, Style::Bold)], "spaces don't show whether they are bold");
    assert_eq!(joined(Style::Strike, 1).len(), 60);
    let link = Style::Link { url: "https://a.example".to_owned() };
    assert_eq!(joined(link.clone(), 1)[1], span(3, 2, link));
    let block = Style::Pre { language: None };
    assert_eq!(joined(block, 1).len(), MAX_ENTITIES, "two blocks stay two blocks");
    let inside = (0..150).map(|at| span(at, 150 - at, Style::Bold)).collect();
    assert_eq!(limit_entities(&text, inside, KeepFrom::Start), [span(0, 150, Style::Bold)]);
}

#[test]
fn code_and_links_are_kept_first() {
    let markdown = format!("{}||secret|| {}", "**b** x ".repeat(200), "`c` x [l](https://a.example) ".repeat(25));
    let count = |entities: &[Entity], style: Style| entities.iter().filter(|entity| entity.style == style).count();
    for keep in [KeepFrom::Start, KeepFrom::End] {
        let kept = limited(&markdown, keep);
        let link = Style::Link { url: "https://a.example".to_owned() };
        assert_eq!((count(&kept, Style::Code), count(&kept, link), count(&kept, Style::Spoiler)), (25, 25, 1));
        assert_eq!(count(&kept, Style::Bold), 49);
        assert_eq!(kept[0].offset, if keep == KeepFrom::Start { 0 } else { (200 - 49) * 4 });
    }
    let codes = limited(&"`c` x ".repeat(150), KeepFrom::End);
    assert_eq!((codes.len(), codes[0].offset), (MAX_ENTITIES, 50 * 4));
}

/// Generates Markdown with many nested styles.
fn markdown() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(
        &[
            "**",
            "*",
            "~~",
            "||",
            " ||",
            "|| ",
            "`c`",
            " ",
            "a",
            "b ",
            "[l](https://a.example)",
            "[",
            "](https://b.example)",
            "\n> ",
            "\n\n",
            "😀",
        ][..],
    );
    prop::collection::vec(piece, 0..1500).prop_map(|pieces| pieces.concat())
}

fn is_important(entity: &&Entity) -> bool {
    matches!(entity.style, Style::Code | Style::Pre { .. } | Style::Link { .. })
}

/// Returns the code and link styles that cover each code unit.
fn covered(text: &str, entities: &[Entity]) -> Vec<Vec<Style>> {
    let mut covered = vec![Vec::new(); units(text)];
    for entity in entities.iter().filter(is_important) {
        covered[entity.offset..entity.end()].iter_mut().for_each(|styles| styles.push(entity.style.clone()));
    }
    covered
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn limited_entities_are_valid(markdown in markdown()) {
        let Message { text, entities } = render(&markdown);
        for keep in [KeepFrom::Start, KeepFrom::End] {
            let kept = limit_entities(&text, entities.clone(), keep);
            prop_assert!(kept.len() <= MAX_ENTITIES);
            if entities.iter().filter(is_important).count() <= MAX_ENTITIES {
                prop_assert_eq!(covered(&text, &kept), covered(&text, &entities));
            }
            let message = Message { text: text.clone(), entities: kept };
            assert_sound(&message);
            assert_nested_as_telegram_can(&message);
        }
    }
}
