//! Tests that rendering never loses a word of the Markdown source, and that Telegram would accept the entities.

use proptest::prelude::*;

use super::assert_sound;
use crate::render::{Message, Style, render};

/// Generates Markdown with a unique word in place of each `@`, and returns the Markdown and these words.
pub fn source() -> impl Strategy<Value = (String, Vec<String>)> {
    const PIECES: [&str; 49] = [
        "@",
        " @ ",
        "@\n",
        "\n",
        "\n\n",
        " ",
        "    ",
        "**",
        "*",
        "_",
        "~~",
        "||",
        " ||",
        "||@|| ",
        "`@`",
        "`",
        "```\n",
        "```@\n",
        "~~~@ @\n",
        "> ",
        ">",
        "- ",
        "- @\n",
        "  - @\n",
        "1. ",
        "7) @\n",
        "## @\n",
        "[@](@)",
        "[@](https://@.example '@')",
        "![@](@)",
        "[@]: @\n",
        "[@]:\n@ '@'\n",
        "[",
        "]",
        "](",
        "<div>@\n",
        "<https://@.example>",
        "<!-- @",
        "|@|@|\n|-|-|\n",
        "|@|@|@|\n",
        "|",
        "---\n",
        "\\",
        "😀@",
        "é@ ",
        "&amp;",
        "[^@]: @ @\n",
        "[x]",
        "[x]: @ '@'\n",
    ];
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..24).prop_map(|pieces| {
        let mut words = Vec::new();
        let mut text = String::new();
        for (index, part) in pieces.concat().split('@').enumerate() {
            if index > 0 {
                words.push(format!("w{index}w"));
                text.push_str(&format!("w{index}w"));
            }
            text.push_str(part);
        }
        (text, words)
    })
}

fn shown(message: &Message) -> String {
    let carried = message.entities.iter().map(|entity| match &entity.style {
        Style::Pre { language } => language.clone().unwrap_or_default(),
        Style::Link { url } => url.clone(),
        Style::Bold
        | Style::Italic
        | Style::Strike
        | Style::Spoiler
        | Style::Code
        | Style::Quote
        | Style::ExpandableQuote => String::new(),
    });
    std::iter::once(message.text.clone()).chain(carried).collect::<Vec<_>>().join(" ")
}

proptest! {
    #[test]
    fn no_word_is_lost((markdown, words) in source()) {
        let message = render(&markdown);
        assert_sound(&message);
        assert_nested_as_telegram_can(&message);
        let shown = shown(&message);
        let found: Vec<usize> = words.iter().filter_map(|word| message.text.find(word)).collect();
        // A reference link shows the address from its definition, which may be anywhere, so words can change order.
        let has_definitions = markdown.contains("]:");
        prop_assert!(has_definitions || found.is_sorted(), "{markdown:?} is reordered: {shown:?}");
        for word in words {
            prop_assert!(shown.contains(&word), "{word} of {markdown:?} is lost: {shown:?}");
        }
    }

    #[test]
    fn any_text_is_rendered(markdown in "[\\PC\n\t#*_`>\\[\\]()|-]{0,80}") {
        assert_sound(&render(&markdown));
    }

    /// An answer is rendered while it streams, so every prefix of a source must render.
    #[test]
    fn any_prefix_is_rendered((markdown, _) in source(), cut in any::<prop::sample::Index>()) {
        let cut = markdown.char_indices().map(|(at, _)| at).nth(cut.index(markdown.len() + 1)).unwrap_or(markdown.len());
        assert_sound(&render(&markdown[..cut]));
    }
}

/// Asserts that entities don't overlap and are nested only in ways that Telegram allows.
pub fn assert_nested_as_telegram_can(message: &Message) {
    let kind = |style: &Style| match style {
        Style::Quote | Style::ExpandableQuote => 0,
        Style::Bold | Style::Italic | Style::Strike | Style::Spoiler => 1,
        Style::Code | Style::Pre { .. } => 2,
        Style::Link { .. } => 3,
    };
    for (index, a) in message.entities.iter().enumerate() {
        for b in message.entities[index + 1..].iter().take_while(|b| b.offset < a.end()) {
            assert!(b.end() <= a.end(), "{b:?} overlaps {a:?}: {}", message.text);
            let fits = !matches!((kind(&a.style), kind(&b.style)), (0, 0) | (1, 2) | (2, _) | (3, 2 | 3));
            assert!(fits, "{b:?} is inside {a:?}: {}", message.text);
        }
    }
}
