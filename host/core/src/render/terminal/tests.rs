//! Tests the styles of lines, and that the output contains only the host's own escape sequences. Expected lines show
//! the escape character as `^`.

use proptest::prelude::*;

use super::*;

fn lines(colours: Colours, text: &str) -> Vec<String> {
    let mut styler = Styler::new(colours);
    text.lines().map(|line| styler.line(line).replace('\x1b', "^").replace("^[0m", "^")).collect()
}

#[test]
fn spans_are_styled() {
    assert_eq!(lines(Colours::On, "a **b** _c_ ~~d~~ `e`"), ["a ^[1mb^ ^[3mc^ ^[9md^ ^[36me^"]);
    assert_eq!(lines(Colours::On, "# Head\n\n**a _b_**"), ["^[1mHead^", "", "^[1ma ^^[1m^[3mb^"]);
    assert_eq!(lines(Colours::On, "  - **x**\n> q"), ["  • ^[1mx^", "│ ^[2mq^"]);
    assert_eq!(lines(Colours::On, "😀 **b**😀"), ["😀 ^[1mb^😀"]);
}

#[test]
fn a_link_shows_its_target() {
    let text = "[docs](https://a.example) <https://b.example> [m](src/m.rs)";
    assert_eq!(lines(Colours::On, text), ["^[4mdocs^ (https://a.example) ^[4mhttps://b.example^ m (src/m.rs)"]);
    let text = "[https://good.example](https://bad.example)";
    assert_eq!(lines(Colours::On, text), ["^[4mhttps://good.example^ (https://bad.example)"]);
}

#[test]
fn code_blocks_are_unchanged() {
    let text = "```rust\n**x**\n~~~\n``` no end\n\n    y\n````\n**b**";
    let styled =
        ["^[2m```rust^", "^[36m**x**^", "^[36m~~~^", "^[36m``` no end^", "", "^[36m    y^", "^[2m````^", "^[1mb^"];
    assert_eq!(lines(Colours::On, text), styled);
    assert_eq!(lines(Colours::On, "```x``` y\n**b**"), ["^[36mx^ y", "^[1mb^"]);
    assert_eq!(lines(Colours::On, "~~~\n```\n~~~\n_i_"), ["^[2m~~~^", "^[36m```^", "^[2m~~~^", "^[3mi^"]);
}

#[test]
fn lines_are_unchanged_without_colours() {
    assert_eq!(lines(Colours::Off, "# **a**\n```\n\tx  "), ["# **a**", "```", "\tx  "]);
}

#[test]
fn agent_output_cannot_control_the_terminal() {
    for text in [
        "\x1b[2Jx",
        "\x1b]0;title\x07x",
        "\u{9b}2Jx",
        "x\r\x08\x7f",
        "&#27;[2Jx",
        "`\x1b[2J`x",
        "[x](https://a.example/&#27;[2J)",
        "[x](https://a.example/&#8238;b)",
        "[\u{202e}x](https://a.example/)",
        "&#x202e;x&#8294;\u{2066}",
    ] {
        for colours in [Colours::On, Colours::Off] {
            let line = Styler::new(colours).line(text);
            assert!(!ours_removed(&line).contains(crate::render::is_unseen), "{line:?}");
            assert!(line.contains('x'));
        }
    }
    assert_eq!(strip_controls("a\tb\nc\rd\u{202d}e\u{2069}"), "a\tb\ncde");
}

fn ours_removed(line: &str) -> String {
    [RESET, BOLD, DIM, ITALIC, UNDERLINE, STRIKE, CYAN]
        .iter()
        .fold(line.to_owned(), |line, code| line.replace(code, ""))
}

proptest! {
    #[test]
    fn no_control_character_of_the_source_passes(text in prop::collection::vec("[\\x00-\\x1f\\x7f-\\x9f*_`&#0-9;a-z\\[\\]()😀]{0,12}", 0..5)) {
        let mut styler = Styler::new(Colours::On);
        for line in text {
            let styled = styler.line(&line);
            let harmful = |c: char| c.is_control() && c != '\n' && c != '\t';
            prop_assert!(!ours_removed(&styled).contains(harmful), "{styled:?}");
        }
    }
}
