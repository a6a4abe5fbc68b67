//! Decodes the output of a plain program, in pieces that end at a newline or anywhere else.

use cordboard_core::config::AgentKind;

use super::agent_script::AgentScript;

/// A piece that ends with this byte has no newline.
const NO_NEWLINE: u8 = b'\\';

pub fn check(data: &[u8]) {
    AgentScript::new(AgentKind::Plain).play(data, |line| match line.split_last() {
        Some((&NO_NEWLINE, piece)) => piece.to_vec(),
        Some(_) | None => [line, b"\n"].concat(),
    });
}
