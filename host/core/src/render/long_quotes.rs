//! Decides which quotes to collapse.

use super::{Message, Style, units};

/// The minimum length, in UTF-16 units, at which a quote is collapsed: about eight lines on a phone. Telegram shows
/// three lines of a collapsed quote.
pub const LONG_QUOTE: usize = 300;

/// States whether a message is complete, or may still grow at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageEnd {
    Final,
    Growing,
}

/// Collapses the long quotes in a message, except for a quote at the end of a growing message, whose new text would be
/// hidden.
pub fn collapse_long_quotes(message: &mut Message, end: MessageEnd) {
    let growing = (end == MessageEnd::Growing).then(|| units(&message.text));
    for entity in &mut message.entities {
        if entity.style == Style::Quote && entity.length >= LONG_QUOTE && Some(entity.end()) != growing {
            entity.style = Style::ExpandableQuote;
        }
    }
}
