//! Shortens texts of plugins for messages of the host.

use cordboard_core::render;

/// Untrusted text from a plugin, shortened to one line so that it fits into a host message.
pub fn shorten(text: &str) -> String {
    render::one_line(text, render::UNTRUSTED_LENGTH)
}
