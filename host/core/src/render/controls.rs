//! Detects characters that control a terminal, reorder text, or are invisible. Removes or replaces the first two kinds.

use std::borrow::Cow;

/// Removes control characters except line breaks and tabs, so that the text cannot move the cursor, set a title or
/// query the terminal. Also removes characters that change the writing direction (U+202A to U+202E, U+2066 to U+2069),
/// so that the text and its surroundings appear in logical order. Right-to-left scripts don't need these characters.
#[must_use]
pub fn strip_controls(text: &str) -> Cow<'_, str> {
    if has_altering(text) { Cow::Owned(text.replace(alters_display, "")) } else { Cow::Borrowed(text) }
}

/// Returns whether `c` is a line break, a control character, a character that changes the writing direction, or an
/// invisible character that makes different words look the same.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    is_break(c) || c.is_control() || changes_direction(c) || is_zero_width(c)
}

/// Returns whether a character of the text [`alters_display`].
fn has_altering(text: &str) -> bool {
    // Checking bytes is faster than decoding characters, and most texts are printable ASCII.
    let is_harmless = |byte| matches!(byte, b'\n' | b'\t' | b' '..=b'~');
    !text.bytes().all(is_harmless) && text.contains(alters_display)
}

/// Returns whether `c` controls a terminal or changes the order in which text appears. Excludes line breaks and tabs,
/// which are allowed in answers.
fn alters_display(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t' || changes_direction(c)
}

/// Replaces each control character in rendered text with a visible character of the same length in UTF-16 units, so
/// that entities stay valid. This catches references such as `&#27;`, which become control characters only during
/// rendering.
#[must_use]
pub(super) fn replace_controls(text: String) -> String {
    if has_altering(&text) { text.replace(alters_display, "\u{fffd}") } else { text }
}

pub(super) const fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Returns whether `c` is a bidirectional embedding, override or isolate, which can show the end of a sentence before
/// its beginning.
const fn changes_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns whether `c` is an invisible character that can make different words look the same. Most of these characters
/// have zero width. Joiners (U+200C, U+200D) and directional marks (U+200E, U+200F) are not included, because ordinary
/// text needs them. Tag characters are included, so regional flags, such as Scotland's, become black flags.
const fn is_zero_width(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{2060}'..='\u{2064}'
            | '\u{206a}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e007f}'
    )
}
