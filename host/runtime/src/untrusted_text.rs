//! Prepares untrusted text from plugins for messages of the host.

use cordboard_core::render;

/// Shortens untrusted text from a plugin to one line that fits into a message of the host.
pub fn shorten(text: &str) -> String {
    render::one_line(text, render::UNTRUSTED_LENGTH)
}
