//! Prepares untrusted text from plugins for the host's messages.

use cordboard_core::render;

/// Shortens untrusted text from a plugin to one line that fits into a host message.
pub fn shorten(text: &str) -> String {
    render::one_line(text, render::UNTRUSTED_LENGTH)
}
