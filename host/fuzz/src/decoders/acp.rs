//! Decodes the lines of the Agent Client Protocol.

use cordboard_core::config::AgentKind;

use super::agent_script::AgentScript;

pub fn check(data: &[u8]) {
    AgentScript::new(AgentKind::Acp).play(data, <[u8]>::to_vec);
}
