//! Tests the blocks of rich messages.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{assert_sound, marked, random_markdown};
use crate::render::{CellAlignment, RichBlock, RichMessage, render_rich, units};

/// Returns each block on a separate line.
fn shown(blocks: &[RichBlock]) -> String {
    let line = |block: &RichBlock| match block {
        RichBlock::Paragraph(message) => format!("p {}", marked(message)),
        RichBlock::Code { language, code } => format!("code {} {code:?}", language.as_deref().unwrap_or("-")),
        RichBlock::Quote(blocks) => format!("quote\n  {}", shown(blocks).replace('\n', "\n  ")),
        RichBlock::Table(table) => {
            let rows: Vec<String> = table.rows.iter().map(|row| row.join(" | ")).collect();
            let align = |alignment: &CellAlignment| match alignment {
                CellAlignment::Left => 'l',
                CellAlignment::Center => 'c',
                CellAlignment::Right => 'r',
            };
            format!("table {}\n  {}", table.alignments.iter().map(align).collect::<String>(), rows.join("\n  "))
        }
    };
    blocks.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn check(markdown: &str, expected: Expect) {
    expected.assert_eq(&shown(&render_rich(markdown).unwrap().blocks));
}

#[test]
fn blocks_keep_their_kind_and_order() {
    check(
        "# Head\n\na **b\nc** `d`\n- e\n  - f\n\n```rust\nx\n\ny\n```\n| n | *v* | |\n|:-:|--:|-|\n| 1 | `2` |\n| 3 | 4 | 5 | 6 |\n\nend",
        expect![[r#"
            p ⟨bold:Head⟩
            p a ⟨bold:b⟩
            p ⟨bold:c⟩ ⟨code:d⟩
            p • e
            p   • f
            code rust "x\n\ny"
            table crll
              n | v | – | –
              1 | 2 | – | –
              3 | 4 | 5 | 6
            p end"#]],
    );
}

#[test]
fn a_quote_contains_code_and_tables() {
    check(
        "> a\n> ```\n> b\n> ```\n> |c|\n> |-|\n> |d|\n>\n> > e\n\nf",
        expect![[r#"
        quote
          p a
          code - "b"
          table l
            c
            d
          p > e
        p f"#]],
    );
}

#[test]
fn too_large_messages_are_not_rich() {
    let columns = |count: usize| format!("{}|\n{}|\n{}|", "|a".repeat(count), "|-".repeat(count), "|b".repeat(count));
    assert!(render_rich(&columns(20)).is_some() && render_rich(&columns(21)).is_none());
    assert!(render_rich(&"😀".repeat(16_384)).is_some() && render_rich(&"😀".repeat(16_385)).is_none());
}

#[test]
fn tables_and_long_code_are_found() {
    let has = |markdown: &str| render_rich(markdown).unwrap().has_table_or_code_over(4);
    assert!(has("|a|\n|-|\n|b|") && has("> |a|\n> |-|\n> |b|") && has("```\n12345\n```"));
    assert!(!has("```\n1234\n```\n`12345`") && !has("text"));
}

/// Returns all text of the blocks.
fn text(message: &RichMessage) -> String {
    fn of(blocks: &[RichBlock]) -> String {
        let text = |block: &RichBlock| match block {
            RichBlock::Paragraph(message) => message.text.clone(),
            RichBlock::Code { code, .. } => code.clone(),
            RichBlock::Quote(blocks) => of(blocks),
            RichBlock::Table(table) => table.rows.concat().join(" "),
        };
        blocks.iter().map(text).collect::<Vec<_>>().join(" ")
    }
    of(&message.blocks)
}

fn assert_valid(blocks: &[RichBlock]) {
    for block in blocks {
        match block {
            RichBlock::Paragraph(message) => {
                assert_sound(message);
                random_markdown::assert_nested_as_telegram_can(message);
                assert!(!message.text.trim().is_empty() && !message.text.contains('\n'), "{message:?}");
                assert!(message.entities.iter().all(|entity| entity.end() <= units(&message.text)));
            }
            RichBlock::Code { code, .. } => assert!(!code.trim().is_empty()),
            RichBlock::Quote(blocks) => assert_valid(blocks),
            RichBlock::Table(table) => {
                assert!(table.rows.iter().all(|row| row.len() == table.alignments.len()));
                assert!(table.rows.iter().flatten().all(|cell| !cell.trim().is_empty()));
            }
        }
    }
}

proptest! {
    #[test]
    fn rich_messages_keep_the_words((markdown, _) in random_markdown::source()) {
        let message = render_rich(&markdown).unwrap();
        assert_valid(&message.blocks);
        let words = |text: &str| {
            let plain = text.replace(['─', '–', '\u{a0}'], " ");
            plain.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        prop_assert_eq!(words(&text(&message)), words(&crate::render::plain(&markdown)));
    }
}
