//! Tests the rendering of Markdown with examples.

use expect_test::{Expect, expect};

use super::*;

mod commonmark;
mod entity_limit;
mod random_markdown;
mod rich;

/// Like [`marked`], for text that contains characters of two UTF-16 units. Code blocks aren't marked.
fn marked_any(message: &Message) -> String {
    let bold = message.entities.iter().filter(|entity| entity.style == Style::Bold);
    let begins = |at: usize| bold.clone().any(|entity| entity.offset == at);
    let ends = |at: usize| bold.clone().any(|entity| entity.end() == at);
    let mut out = String::new();
    let mut at = 0;
    for c in message.text.chars() {
        out.push_str(if ends(at) { "⟩" } else { "" });
        out.push_str(if begins(at) { "⟨" } else { "" });
        out.push(c);
        at += c.len_utf16();
    }
    out
}

/// Returns the text of a message, with each entity in brackets, for example `⟨bold:…⟩`.
fn marked(message: &Message) -> String {
    let units: Vec<u16> = message.text.encode_utf16().collect();
    let mut out = String::new();
    for at in 0..=units.len() {
        let ends = message.entities.iter().rev().filter(|entity| entity.end() == at);
        ends.for_each(|_| out.push('⟩'));
        for entity in message.entities.iter().filter(|entity| entity.offset == at) {
            out.push_str(&format!("⟨{}:", label(&entity.style)));
        }
        if let Some(&unit) = units.get(at) {
            out.push(char::from_u32(u32::from(unit)).expect("these tests use characters of one unit"));
        }
    }
    out
}

fn label(style: &Style) -> String {
    match style {
        Style::Bold => "bold".to_owned(),
        Style::Italic => "italic".to_owned(),
        Style::Strike => "strike".to_owned(),
        Style::Spoiler => "spoiler".to_owned(),
        Style::Code => "code".to_owned(),
        Style::Pre { language } => format!("pre {}", language.as_deref().unwrap_or("-")),
        Style::Link { url } => format!("link {url}"),
        Style::Quote => "quote".to_owned(),
        Style::ExpandableQuote => "expandable quote".to_owned(),
    }
}

fn check(markdown: &str, expected: Expect) {
    expected.assert_eq(&marked(&render(markdown)));
}

/// Asserts that the entities are in order, not empty, inside the text and on character boundaries.
pub fn assert_sound(message: &Message) {
    let mut starts: Vec<usize> =
        message.text.chars().scan(0, |at, c| Some(std::mem::replace(at, *at + c.len_utf16()))).collect();
    starts.push(units(&message.text));
    for entity in &message.entities {
        assert!(entity.length > 0, "{entity:?} is empty");
        for end in [entity.offset, entity.end()] {
            assert!(starts.binary_search(&end).is_ok(), "{entity:?} does not end on a character of {:?}", message.text);
        }
    }
    assert!(message.entities.is_sorted_by_key(|entity| entity.offset));
}

#[test]
fn spans_become_entities() {
    check("a **b _c_** ~~d~~ `e*f`", expect!["a ⟨bold:b ⟨italic:c⟩⟩ ⟨strike:d⟩ ⟨code:e*f⟩"]);
    check("**bold `code` bold**", expect!["⟨bold:bold ⟩⟨code:code⟩⟨bold: bold⟩"]);
    check("**a **b** c** and ***both***", expect!["⟨bold:a b c⟩ and ⟨italic:⟨bold:both⟩⟩"]);
    check("snake_case and 2 * 3 \\* 4 &lt;tag&gt;", expect!["snake_case and 2 * 3 * 4 <tag>"]);
    check(
        "<b>html</b> stays<br>\n\n<div>\n*too*\n</div>\n\nend",
        expect![[r#"
            <b>html</b> stays<br>

            <div>
            *too*
            </div>

            end"#]],
    );
}

#[test]
fn links_become_entities_or_show_their_address() {
    check(
        "[docs](https://a.example/x) <https://b.example> https://c.example",
        expect!["⟨link https://a.example/x:docs⟩ ⟨link https://b.example:https://b.example⟩ https://c.example"],
    );
    check(
        "[main.rs](src/main.rs:42), [src](src), [app](http://localhost:80/x.y) <me@a.example>",
        expect!["main.rs (src/main.rs:42), src, app (http://localhost:80/x.y) me@a.example"],
    );
    check(
        "[`f()`](https://a.example) [](https://b.example) [t](https://c.example \"Title\")",
        expect![
            "⟨link https://a.example:f()⟩ ⟨link https://b.example:https://b.example⟩ ⟨link https://c.example:t⟩ (Title)"
        ],
    );
    check(
        "![alt](https://a.example/i.png) [![badge](https://b.example)](https://c.example)",
        expect!["⟨link https://a.example/i.png:alt⟩ ⟨link https://c.example:badge (https://b.example)⟩"],
    );
    check(
        "[one][1] and [ONE]\n\n[1]: https://a.example\n[one]: https://b.example",
        expect!["⟨link https://a.example:one⟩ and ⟨link https://b.example:ONE⟩"],
    );
}

#[test]
fn unused_definitions_are_text() {
    check(
        "[ERROR]: disk\n[WARN]: full\n\nrest",
        expect![[r#"
            [ERROR]: disk
            [WARN]: full

            rest"#]],
    );
    check(
        "- [note]: here\n- b\n\n> [c]: d\n> e\n\n[a]:\n123\n'title'",
        expect![[r#"
            • [note]: here
            • b

            ⟨quote:[c]: d
            e⟩

            [a]:
            123
            'title'"#]],
    );
    check(
        "[x]: https://a.example\n\n[x] is used, [y] not\n\n[y ]: https://b.example\n[x]: again",
        expect![[r#"
            ⟨link https://a.example:x⟩ is used, ⟨link https://b.example:y⟩ not
            [x]: again"#]],
    );
    check("text[^1]\n\n[^1]: note", expect!["text^1 (note)"]);
}

#[test]
fn bars_at_the_ends_of_words_are_spoilers() {
    check(
        "a ||b **c** d||, ||e||\n||f||!",
        expect![[r#"
        a ⟨spoiler:b ⟨bold:c⟩ d⟩, ⟨spoiler:e⟩
        ⟨spoiler:f⟩!"#]],
    );
    check(
        "||`code` and *text*|| **||x||** (||[l](https://a.example)||) ||two\nlines||",
        expect![[r#"
        ⟨spoiler:code and ⟨italic:text⟩⟩ ⟨bold:⟨spoiler:x⟩⟩ (⟨spoiler:⟨link https://a.example:l⟩⟩) ⟨spoiler:two
        lines⟩"#]],
    );
    check(
        "- ||a||\n- b ||c\n  - d||\n\n# ||e||\n\n> ||f\n> g||\n\n这是||秘密||。",
        expect![[r#"
        • ⟨spoiler:a⟩
        • b ||c
          • d||

        ⟨bold:⟨spoiler:e⟩⟩

        ⟨quote:⟨spoiler:f
        g⟩⟩

        这是⟨spoiler:秘密⟩。"#]],
    );
    check(
        "[||a||](src) ![||b||](https://a.example) ~~||c||~~",
        expect!["⟨spoiler:a⟩ (src) ⟨link https://a.example:⟨spoiler:b⟩⟩ ⟨strike:⟨spoiler:c⟩⟩"],
    );
}

#[test]
fn operators_and_unmatched_bars_are_not_spoilers() {
    for text in [
        "a || b || c",
        "a||b||c",
        "x() ||y|| z()",
        "f()||g()||h()",
        "if (a||b) and (c||d)",
        "\"a\"||\"b\"||\"c\"",
        "||a || b||c",
        "|||a|||",
        "||||",
        "|| a||",
        "||a ||",
        "||a",
        "||a\n\nb||",
    ] {
        let message = render(text);
        let wanted = if text.starts_with("x()") { 1 } else { 0 };
        assert_eq!((message.text.as_str(), message.entities.len()), (text.replacen("||y||", "y", 1).as_str(), wanted));
    }
    check(
        "`||a||` \\||b|| *||c* d|| ||[e||](src) \\|\\|f\\|\\| &#124;|g||",
        expect!["⟨code:||a||⟩ ||b|| ⟨italic:||c⟩ d|| ⟨spoiler:e|| (src) ||f|| ||g⟩"],
    );
    check(
        "```\n||a||\n```\n\n    ||b||\n\n<i>||c||</i>\n\n|x|y|\n|-|-|\n|\\|\\|a\\|\\||b|",
        expect![[r#"
        ⟨pre -:||a||⟩

        ⟨pre -:||b||⟩

        <i>⟨spoiler:c⟩</i>

        ⟨pre -:x      y
        ─────  ─
        ||a||  b⟩"#]],
    );
}

#[test]
fn a_link_that_telegram_refuses_shows_its_address_once() {
    check(
        "[a](mailto:me@a.example) [b](ftp://b.example) [c](javascript:alert) [d](http://d.example:99999) \
         [http://localhost](http://localhost) [e](https://exa mple) [f](<https://exa mple.org>) [g](vscode://file/x)",
        expect![
            "a (mailto:me@a.example) b (ftp://b.example) c (javascript:alert) d (http://d.example:99999) http://localhost [e](https://exa mple) f (https://exa mple.org) g (vscode://file/x)"
        ],
    );
}

#[test]
fn long_quotes_are_collapsed_at_their_end() {
    let quote = format!("> {}\n> > inner", "word ".repeat(LONG_QUOTE / 5));
    let styles = |markdown: &str, end: MessageEnd| {
        let mut message = render(markdown);
        collapse_long_quotes(&mut message, end);
        message.entities.into_iter().map(|entity| entity.style).collect::<Vec<_>>()
    };
    assert_eq!(styles(&quote, MessageEnd::Final), [Style::ExpandableQuote]);
    assert_eq!(styles(&quote, MessageEnd::Growing), [Style::Quote]);
    assert_eq!(styles(&format!("{quote}\n\nend"), MessageEnd::Growing), [Style::ExpandableQuote]);
    assert_eq!(styles("> short", MessageEnd::Final), [Style::Quote]);
}

/// Renders a table for a phone.
fn on_phone(table: &str) -> String {
    marked_any(&render_within(table, 38))
}

#[test]
fn a_table_with_wide_characters_is_aligned() {
    let table = "| 項目 | 状態 | 数 |\n|---|:-:|--:|\n| ウェブサーバー | ✅ 正常 | 12 |\n| 数据库 | ❌ 停止 | 3 |";
    expect![[r#"
        項目             状態    数
        ──────────────  ───────  ──
        ウェブサーバー  ✅ 正常  12
        数据库          ❌ 停止   3"#]]
    .assert_eq(&on_phone(table));
}

#[test]
fn a_table_with_long_wide_cells_is_a_list() {
    let table = "| 项目 | 说明 | Link |\n|---|---|---|\n| 网络 🛜 | 这个单元格包含一段很长的中文说明 | [docs](https://a.example/x) |\n\
         | 👩‍💻 | `cargo test` \\| **bold** | |";
    expect![[r#"
        ⟨项目: 网络 🛜⟩
          说明: 这个单元格包含一段很长的中文说明
          Link: docs (https://a.example/x)
        ⟨项目: 👩‍💻⟩
          说明: cargo test | bold
          Link: –"#]]
    .assert_eq(&on_phone(table));
}

#[test]
fn a_table_with_long_cells_is_a_list() {
    let table = "| Flag | Default | Meaning |\n|---|---|---|\n\
         | `--timeout` | 30s | The time after which a request without an answer is given up. |\n| `--retries` | 3 | |";
    expect![[r#"
        ⟨Flag: --timeout⟩
          Default: 30s
          Meaning: The time after which a request without an answer is given up.
        ⟨Flag: --retries⟩
          Default: 3
          Meaning: –"#]]
    .assert_eq(&on_phone(table));
}

#[test]
fn blocks_are_separated_by_blank_lines() {
    check(
        "# Head\nline one\nline two\n\n\n\nnext  \nhard\\\nbreak\n\n---\nend",
        expect![[r#"
            ⟨bold:Head⟩
            line one
            line two

            next
            hard
            break

            ———
            end"#]],
    );
    check(
        "Steps:\n- a\n- b\nDone\n\n## `x` **y**",
        expect![[r#"
            Steps:
            • a
            • b
              Done

            ⟨code:x⟩⟨bold: y⟩"#]],
    );
    check(
        "> quoted\n> more\n> > inner\n> > two\n\nreply\n> again",
        expect![[r#"
            ⟨quote:quoted
            more
            > inner
            > two⟩

            reply
            ⟨quote:again⟩"#]],
    );
}

#[test]
fn lists_keep_their_markers_and_indentation() {
    check(
        "- a\n  more\n  - b\n    1. c\n- d\n\n  para\n\n- e",
        expect![[r#"
            • a
              more
              • b
                1. c
            • d

              para

            • e"#]],
    );
    check(
        "1. a\n1. b\n1. c",
        expect![[r#"
            1. a
            2. b
            3. c"#]],
    );
    check(
        "3) a\n5) b\n9. c",
        expect![[r#"
            3) a
            5) b
            9. c"#]],
    );
    check(
        "- [x] done\n- [ ] open\n-\n- - x\n- > quote\n  > two",
        expect![[r#"
            • ☑ done
            • ☐ open
            • 
            • • x
            • > quote
              > two"#]],
    );
}

#[test]
fn code_blocks_keep_their_text_and_language() {
    check(
        "see\n```rust\nfn main() {\n\n    x\n}\n```\nend",
        expect![[r#"
            see
            ⟨pre rust:fn main() {

                x
            }⟩
            end"#]],
    );
    check(
        "- a\n  ```\n  in a list\n    deep\n  ```\n  b\n- ```\n  first\n  ```",
        expect![[r#"
            • a
            ⟨pre -:in a list
              deep⟩
              b
            • 
            ⟨pre -:first⟩"#]],
    );
    check(
        "```js title=\"a.js\"\nx\n```\n\n```rust,ignore\ny\n```",
        expect![[r#"
            js title="a.js"
            ⟨pre js:x⟩

            rust,ignore
            ⟨pre rust:y⟩"#]],
    );
    check("> ```\n> quoted\n> ```", expect!["⟨quote:⟨pre -:quoted⟩⟩"]);
    check(
        "```rust\n```\n\n    indented\n      more",
        expect![[r#"
            rust

            ⟨pre -:indented
              more⟩"#]],
    );
}

#[test]
fn tables_become_aligned_code_blocks() {
    check(
        "| a | b | n |\n|---|:-:|--:|\n| `one` | **x** | 1 |\n| 二二 | [l](http://u.example) | 1000 | extra | more |\n| z |\nend",
        expect![[r#"
            ⟨pre -:a              b               n
            ────  ────────────────────  ────  ─────  ────
            one            x               1
            二二  l (http://u.example)  1000  extra  more
            z
            end⟩"#]],
    );
}

#[test]
fn a_table_that_is_too_wide_becomes_a_list() {
    let table = "> so:\n>\n> | Name | State | |\n> |-|-|-|\n> | `web` | **runs** since noon | a |\n> | db | | |\n\nend";
    expect![[r#"
        ⟨quote:so:

        ⟨bold:Name: web⟩
          State: runs since noon
          a
        ⟨bold:Name: db⟩
          State: –
          –⟩

        end"#]]
    .assert_eq(&marked(&render_within(table, 23)));
    assert_eq!(render_within(table, 24), render(table));
    // While an answer streams, the header arrives before the rows, so a table without rows is not shown as a list.
    let header = "| a long name | another name |\n|-|-|\n";
    assert_eq!(render_within(header, 10), render(header));
}

#[test]
fn incomplete_markdown_is_shown() {
    check("so **far", expect!["so **far"]);
    check("```rust\nlet x", expect!["⟨pre rust:let x⟩"]);
    check("```ru", expect!["ru"]);
    check("[text](http://a", expect!["[text](http://a"]);
    check(
        "| a | b |\n|--",
        expect![[r#"
            | a | b |
            |--"#]],
    );
    check("", expect![""]);
    check(" \n\n", expect![""]);
}

#[test]
fn entities_count_utf16_units() {
    let message = render("😀 **a😀** `x`");
    assert_eq!(message.text, "😀 a😀 x");
    let spans: Vec<_> = message.entities.iter().map(|entity| (entity.offset, entity.length)).collect();
    assert_eq!(spans, [(3, 3), (7, 1)]);
    assert_eq!(plain("**a** b"), "a b");
}

#[test]
fn deep_nesting_is_rendered_quickly() {
    let deep = 20_000;
    for markdown in [
        format!("{}x\ny\nz", ">".repeat(deep)),
        format!("{}x\ny\nz", "- ".repeat(deep)),
        "*a _b ".repeat(deep),
        "![a ".repeat(deep) + &"](u)".repeat(deep),
        format!("|a|b|\n|-|-|\n{}", format!("|{}|\n", "c|".repeat(9)).repeat(deep / 10)),
        format!("|a|b|\n|-|-|\n|{}|b|\n{}", "c".repeat(deep), "|c|d|\n".repeat(deep / 10)),
    ] {
        let message = render(&markdown);
        assert!(message.text.len() < 40 * markdown.len(), "{} bytes from {}", message.text.len(), markdown.len());
    }
}
