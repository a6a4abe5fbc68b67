//! Formats a reply the way the console prints it, for the plugin development commands. Does no I/O.

use cordboard_core::{render::terminal::Colours, types::Reply};

use super::{LIMITS, OutputStyle, PrintedMessages};
use crate::{MessageId, Outgoing, outbox};

/// Returns all lines of a reply. If `terminal` is `Some`, formats them for a terminal, with or without colors; if it is
/// `None`, keeps the Markdown, as on a pipe.
#[must_use]
pub fn preview(reply: &Reply, terminal: Option<Colours>) -> String {
    let mut printed_messages = PrintedMessages::new(terminal.map_or(OutputStyle::Source, OutputStyle::Styled));
    let messages = outbox::messages(reply, LIMITS);
    let put = |(number, message): (usize, &Outgoing)| printed_messages.put(&MessageId(number.to_string()), message);
    messages.iter().enumerate().map(put).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_printed_with_its_buttons() {
        let reply = Reply::text("**One**\ntwo").button("Again", "/one");
        assert_eq!(preview(&reply, None), "**One**\ntwo\n  [Again] /one\n");
        assert!(preview(&reply, Some(Colours::On)).starts_with("\x1b[1mOne"));
        assert_eq!(preview(&Reply::text(""), None), "");
    }
}
