//! Foreign words in Markdown, so that they are shown as they are, and the way back for who reads Markdown as it stands. What cannot be
//! written so is white space: an indentation, and more than one blank line.
//!
//! The SDK has these functions as well, for authors' crates cannot depend on this one; a test holds that they agree. They differ in one
//! thing: here a text is whole lines, of which the white space around each is dropped; an author's may be a piece of one, and keeps it.

use std::ops::Range;

use pulldown_cmark::Event;

use super::{markdown::parser, terminal::neutral};

/// `text` as Markdown that shows it as it is. What means nothing to Markdown where it stands is left alone, so that `fix_login`
/// and `/new <name> [persona]` read well as a source, too.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // What is not shown is dropped first: it would stand between two letters that mean something together.
    for (number, line) in neutral(text).split('\n').enumerate() {
        if number > 0 {
            escaped.push('\n');
        }
        escape_line(line.trim(), &mut escaped);
    }
    escaped
}

fn escape_line(line: &str, escaped: &mut String) {
    let start = line.len() - line.trim_start().len();
    let numbered = start + line[start..].bytes().take_while(u8::is_ascii_digit).count();
    let mut before = '\n';
    for (at, letter) in line.char_indices() {
        let rest = &line[at + letter.len_utf8()..];
        let next = rest.chars().next();
        let special = match letter {
            '\\' | '`' | '*' | '~' => true,
            ']' => matches!(next, Some('(' | '[' | ':')),
            '&' => next.is_some_and(|next| next.is_alphanumeric() || next == '#'),
            '_' => !(before.is_alphanumeric() && next.is_some_and(char::is_alphanumeric)),
            '#' | '-' | '+' | '>' | '=' | '|' | ':' => at == start,
            '.' | ')' => at > start && at == numbered,
            '<' => {
                next.is_some_and(|next| next.is_ascii_alphabetic() || "!?/".contains(next))
                    && (at == start || !is_word(rest))
            }
            _ => false,
        };
        if special {
            escaped.push('\\');
        }
        escaped.push(letter);
        before = letter;
    }
}

/// Whether what stands behind `<` is a single word, as in `<name>`. Anything else may be an address, which would lose its brackets, or
/// HTML, which shows the backslashes in it; and at the beginning of a line a word is HTML up to the next blank line.
fn is_word(rest: &str) -> bool {
    let inside = rest.split_once('>').map(|(inside, _)| inside.trim_start_matches('/'));
    inside.is_some_and(|inside| inside.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

/// The same text where it becomes part of somebody else's Markdown, which nobody unescapes: a line that Markdown would change is code.
#[must_use]
pub fn literal(text: &str) -> String {
    let line = |line: &str| if escape(line) == line { line.to_owned() } else { code(line) };
    neutral(text).lines().map(|of| line(of.trim())).collect::<Vec<_>>().join("\n")
}

/// `text` as inline code, whatever backticks are in it; line breaks become spaces.
#[must_use]
pub fn code(text: &str) -> String {
    let text = neutral(&text.replace(['\n', '\r'], " ")).into_owned();
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let gap = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{gap}{text}{gap}{fence}")
}

/// Markdown without the backslashes that only escape; everything else stays as it is written.
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

/// Where a backslash is one.
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
    use cordboard_plugin::text as sdk;
    use proptest::prelude::*;

    use super::*;
    use crate::render::render;

    const NASTY: [&str; 17] = [
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
        "  1. one\n  - two\n  # three\n  > four",
        "`a``b` \r\n``` x",
        "[a]\u{202e}(http://b) \u{1b}# c `\u{7}`\u{2066}` \n\u{1b}- d\n1\u{0}. e",
    ];

    /// But for white space at the ends of lines, blank lines, and what is never shown.
    fn words(text: &str) -> Vec<String> {
        neutral(text).lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    }

    #[test]
    fn what_is_escaped_is_shown_as_it_is_and_comes_back() {
        for text in NASTY {
            let shown = render(&escape(text));
            assert_eq!((words(&shown.text), shown.entities), (words(text), Vec::new()), "{text}");
            assert_eq!(words(&unescape(&escape(text))), words(text), "{text}");
            assert_eq!(words(&render(&literal(text)).text), words(text), "{text}");
        }
    }

    #[test]
    fn what_means_nothing_to_markdown_is_left_alone() {
        for text in
            ["fix_login", "/new <name> [persona]", "→ 🟢 alpha - 5m ago", "[agents.demo] command and args", "a (b) 1.5"]
        {
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

    /// What authors' crates make of the same text.
    fn agrees_with_the_sdk(text: &str) {
        let pieces: Vec<_> = neutral(text).split('\n').map(|line| sdk::escape(line.trim())).collect();
        assert_eq!(pieces.join("\n"), escape(text), "{text:?}");
        assert_eq!(sdk::literal(text), literal(text), "{text:?}");
        assert_eq!(sdk::code(text), code(text), "{text:?}");
        // With its white space, it is shown as the same words, but where that alone makes code of them.
        if !text.lines().any(|line| line.starts_with("    ") || line.contains('\t')) {
            let shown = render(&sdk::escape(text));
            assert_eq!((words(&shown.text), shown.entities), (words(text), Vec::new()), "{text:?}");
        }
    }

    #[test]
    fn authors_have_the_same() {
        NASTY.iter().for_each(|text| agrees_with_the_sdk(text));
        assert_eq!(
            (sdk::escape(" *a* "), escape(" *a* ")),
            (r" \*a\* ".to_owned(), r"\*a\*".to_owned()),
            "a piece keeps its ends"
        );
    }

    proptest! {
        #[test]
        fn authors_have_the_same_of_any_text(text in "[-a1_*`~#>+=|:.)(\\]\\[<>&;!?/\"@ \\\\\n\r\u{1b}\u{202e}\u{2066}]{0,24}") {
            agrees_with_the_sdk(&text);
        }

        #[test]
        fn any_line_is_shown_as_it_is(text in "[-a1_*`~#>+=|:.)(\\]\\[<>&;!?/\"@ \\\\\n\r\u{1b}\u{202e}\u{2066}]{0,24}") {
            let shown = render(&escape(&text));
            prop_assert_eq!(words(&shown.text), words(&text), "{}", escape(&text));
            prop_assert_eq!(shown.entities, vec![]);
            prop_assert_eq!(words(&unescape(&escape(&text))), words(&text));
        }
    }
}
