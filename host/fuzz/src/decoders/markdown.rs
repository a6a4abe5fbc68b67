//! Renders Markdown: no letter is lost, and the result is valid for Telegram.

use cordboard_core::render::{
    Message, RichBlock, Style, escape, is_blank, render, render_rich, render_within, strip_controls, unescape, units,
};

use super::styled_text::assert_valid;

/// The width of a code line on a phone.
const COLUMNS: usize = 38;

/// The maximum length of a rich message, in UTF-16 code units.
const MAX_RICH: usize = 32_768;

pub fn check(data: &[u8]) {
    let source = String::from_utf8_lossy(data);
    for message in [render(&source), render_within(&source, COLUMNS)] {
        assert_valid(&message);
        assert_no_letter_is_lost(&source, &message);
    }
    // A running turn shows each beginning of its answer.
    assert_valid(&render(&source[..source.floor_char_boundary(source.len() / 2)]));
    if let Some(rich) = render_rich(&source) {
        rich.blocks.iter().for_each(assert_valid_block);
    }
    assert_escaped_text_is_literal(&source);
}

/// Asserts that each ASCII letter occurs at least as often in the text, the addresses and the code languages as in the
/// source. Letters of `&name;`, of a finished task's `[x]`, and of labels such as `[a]: https://…` are syntax.
fn assert_no_letter_is_lost(source: &str, message: &Message) {
    let source = strip_controls(source);
    if source.contains('&') || source.contains("]:") || source.to_lowercase().contains("[x]") {
        return;
    }
    // A link whose address equals its text shows the address only once.
    let most = if source.contains("](") { 1 } else { usize::MAX };
    let mut shown = letters(&message.text);
    for entity in &message.entities {
        match &entity.style {
            Style::Link { url } => add(&mut shown, &letters(url)),
            Style::Pre { language: Some(language) } => add(&mut shown, &letters(language)),
            Style::Pre { language: None }
            | Style::Bold
            | Style::Italic
            | Style::Strike
            | Style::Spoiler
            | Style::Code
            | Style::Quote
            | Style::ExpandableQuote => {}
        }
    }
    for (index, (before, after)) in letters(&source).into_iter().zip(shown).enumerate() {
        let letter = char::from(b'a' + u8::try_from(index).expect("there are 26 letters"));
        let before = before.min(most);
        assert!(before <= after, "{} of {before} {letter:?} in {source:?} are lost: {message:?}", before - after);
    }
}

/// Counts the ASCII letters of a text.
fn letters(text: &str) -> [usize; 26] {
    let mut counts = [0; 26];
    for byte in text.bytes().filter(u8::is_ascii_alphabetic) {
        counts[usize::from(byte.to_ascii_lowercase() - b'a')] += 1;
    }
    counts
}

fn add(counts: &mut [usize; 26], more: &[usize; 26]) {
    counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
}

fn assert_valid_block(block: &RichBlock) {
    match block {
        RichBlock::Paragraph(message) => {
            assert_valid(message);
            assert!(!message.text.contains('\n'), "{block:?}");
        }
        RichBlock::Code { code, .. } => assert!(units(code) <= MAX_RICH, "{block:?}"),
        RichBlock::Quote(blocks) => blocks.iter().for_each(assert_valid_block),
        RichBlock::Table(table) => {
            let cells = table.rows.iter().flatten();
            assert!(table.rows.iter().all(|row| row.len() == table.alignments.len()), "{block:?}");
            assert!(cells.clone().all(|cell| !is_blank(cell)), "{block:?}");
        }
    }
}

fn assert_escaped_text_is_literal(text: &str) {
    let escaped = escape(text);
    let shown = render(&escaped);
    assert_eq!(lines(&shown.text), lines(text), "{escaped:?}");
    assert!(shown.entities.is_empty(), "{shown:?} of {escaped:?}");
    assert_eq!(lines(&unescape(&escaped)), lines(text), "{escaped:?}");
}

/// Returns the lines of a text that aren't blank, without white space at their ends and without control characters.
fn lines(text: &str) -> Vec<String> {
    let text = strip_controls(text);
    text.split('\n').map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}
