//! Escapes untrusted text for Markdown by the same rules as the plugin SDK, and removes the escapes where Markdown is
//! shown unrendered. Escaping drops indentation and repeated blank lines, because Markdown ignores them.

use std::ops::Range;

use pulldown_cmark::Event;

use super::{controls::strip_controls, markdown::parser};

#[path = "../../../../plugins/sdk/src/escape.rs"]
mod piece;

pub use piece::{code, literal};

/// Escapes whole lines so that Markdown shows them unchanged. Removes control characters, and white space at the start
/// and end of each line. The SDK's function of the same name also escapes parts of a line, and keeps white space.
#[must_use]
pub fn escape(text: &str) -> String {
    strip_controls(text).split('\n').map(|line| piece::escape(line.trim())).collect::<Vec<_>>().join("\n")
}

/// Removes backslash escapes. All other Markdown is left unchanged.
#[must_use]
pub fn unescape(markdown: &str) -> String {
    if !markdown.contains('\\') {
        return markdown.to_owned();
    }
    let code = code_of(markdown);
    let mut plain = String::with_capacity(markdown.len());
    let mut letters = markdown.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let escapes = letter == '\\' && !code.iter().any(|range| range.contains(&at));
        match letters.next_if(|(_, next)| escapes && next.is_ascii_punctuation()) {
            Some((_, escaped)) => plain.push(escaped),
            None => plain.push(letter),
        }
    }
    plain
}

/// Returns the ranges of code and HTML, in which backslashes are literal.
fn code_of(markdown: &str) -> Vec<Range<usize>> {
    let mut code = Vec::new();
    let mut in_block = false;
    for (event, range) in parser(markdown).into_offset_iter() {
        match event {
            Event::Start(pulldown_cmark::Tag::CodeBlock(_)) => in_block = true,
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => in_block = false,
            Event::Code(_) | Event::Html(_) | Event::InlineHtml(_) => code.push(range),
            Event::Text(_) if in_block => code.push(range),
            Event::Start(_)
            | Event::End(_)
            | Event::Text(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::SoftBreak
            | Event::HardBreak
            | Event::Rule
            | Event::TaskListMarker(_) => {}
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::render::render;

    const NASTY: [&str; 19] = [
        "||a|| b||c|| ||d\ne|| (||f||) |||g||| ||",
        "__x__ died: \\d+ of `a` and *b* ~~c~~",
        "title\n=====",
        "a\n---",
        "1. one\n2) two",
        "a | b\n:--|--:\n1 | 2",
        "[a](http://b) ![c](d) [e]: f",
        "<http://a.b> <me@a.b> <name>\n<name> </name>\n*a*\n\n<a b=*c*> x<y *z*\n\n<!a *b*>\n-\n<!--*c*--> <?*d*?> </e *f*>",
        "# no heading\n> no quote\n- no item\n+ none\n* none",
        "&amp; &#65; a & b",
        "```\nfence",
        "~~~\nfence",
        "    indented\n\ttabbed",
        "-",
        "trailing backslash \\",
        "<&@1> and <1@b.c> and < a@b",
        "  1. one\n  - two\n  # three\n  > four",
        "`a``b` \r\n``` x",
        "[a]\u{202e}(http://b) \u{1b}# c `\u{7}`\u{2066}` \n\u{1b}- d\n1\u{0}. e",
    ];

    /// Returns the lines of a text, except blank ones, without white space at their ends and without characters that
    /// are never shown.
    fn words(text: &str) -> Vec<String> {
        strip_controls(text).lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    }

    #[test]
    fn escaped_text_is_shown_literally_and_unescapes() {
        for text in NASTY {
            let shown = render(&escape(text));
            assert_eq!((words(&shown.text), shown.entities), (words(text), Vec::new()), "{text}");
            assert_eq!(words(&unescape(&escape(text))), words(text), "{text}");
            assert_eq!(words(&render(&literal(text)).text), words(text), "{text}");
        }
    }

    #[test]
    fn text_without_markdown_is_not_escaped() {
        for text in [
            "fix_login",
            "a || b",
            "/new <name> [persona]",
            "→ 🟢 alpha - 5m ago",
            "[agents.demo] command and args",
            "a (b) 1.5",
        ] {
            assert_eq!((escape(text).as_str(), literal(text).as_str()), (text, text));
        }
        assert_eq!(literal("it died\n__x__"), "it died\n`__x__`");
    }

    #[test]
    fn code_keeps_its_backslashes() {
        assert_eq!(unescape(r"\_\_x\_\_ `\_` C:\dir \\"), r"__x__ `\_` C:\dir \");
        assert_eq!(unescape("~~~\n\\*\n~~~\n\\*"), "~~~\n\\*\n~~~\n*");
        assert_eq!(unescape("→ 🟢 `alpha` (brainstorm) - 5m ago"), "→ 🟢 `alpha` (brainstorm) - 5m ago");
    }

    /// Asserts that an escaped fragment is shown unchanged, except for white space. Skips fragments with tabs or
    /// indentation, which Markdown may show as code.
    fn a_piece_is_shown_as_it_is(text: &str) {
        if !text.lines().any(|line| line.starts_with("    ") || line.contains('\t')) {
            let shown = render(&piece::escape(text));
            assert_eq!((words(&shown.text), shown.entities), (words(text), Vec::new()), "{text:?}");
        }
    }

    #[test]
    fn pieces_keep_their_white_space() {
        NASTY.iter().for_each(|text| a_piece_is_shown_as_it_is(text));
        assert_eq!((piece::escape(" *a* "), escape(" *a* ")), (r" \*a\* ".to_owned(), r"\*a\*".to_owned()));
    }

    proptest! {
        #[test]
        fn any_piece_is_shown_literally(text in "[-a1_*`~#>+=|:.)(\\]\\[<>&;!?/\"@ \\\\\n\r\u{1b}\u{202e}\u{2066}]{0,24}") {
            a_piece_is_shown_as_it_is(&text);
        }

        #[test]
        fn any_line_is_shown_literally(text in "[-a1_*`~#>+=|:.)(\\]\\[<>&;!?/\"@ \\\\\n\r\u{1b}\u{202e}\u{2066}]{0,24}") {
            let shown = render(&escape(&text));
            prop_assert_eq!(words(&shown.text), words(&text), "{}", escape(&text));
            prop_assert_eq!(shown.entities, vec![]);
            prop_assert_eq!(words(&unescape(&escape(&text))), words(&text));
        }
    }
}
