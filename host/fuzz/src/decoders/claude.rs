//! Decodes the lines of claude's stream-json protocol.

use cordboard_core::config::AgentKind;

use super::agent_script::AgentScript;

pub fn check(data: &[u8]) {
    AgentScript::new(AgentKind::Claude).play(data, <[u8]>::to_vec);
}
