//! The agents for which `cordboard init` can write the configuration.

use std::path::Path;

use cordboard_agents::process::{self, Environment};

use super::InitError;

/// An agent, and how to start it.
#[derive(Debug, PartialEq, Eq)]
pub struct KnownAgent {
    /// The NAME of `[agents.NAME]`, which is also the name of its program.
    pub name: &'static str,
    pub start: AgentStart,
}

#[derive(Debug, PartialEq, Eq)]
pub enum AgentStart {
    /// The agent is part of the default configuration and built into this binary.
    BuiltIn,
    /// The agent is part of the default configuration.
    Preconfigured,
    /// The program speaks the Agent Client Protocol when started with these arguments.
    Acp(&'static [&'static str]),
}

/// The agents in order of preference. The demo agent comes last, because it is always available.
pub const KNOWN_AGENTS: [KnownAgent; 5] = [
    KnownAgent { name: "claude", start: AgentStart::Preconfigured },
    KnownAgent { name: "opencode", start: AgentStart::Acp(&["acp"]) },
    KnownAgent { name: "gemini", start: AgentStart::Acp(&["--acp"]) },
    KnownAgent { name: "claude-agent-acp", start: AgentStart::Acp(&[]) },
    KnownAgent { name: "demo", start: AgentStart::BuiltIn },
];

impl KnownAgent {
    /// Returns whether the agent's program can be started.
    pub fn is_installed(&self, environment: &Environment) -> bool {
        match self.start {
            AgentStart::BuiltIn => true,
            AgentStart::Preconfigured | AgentStart::Acp(_) => {
                process::locate(Path::new(self.name), &environment.not_secret(), Path::new("/")).is_ok()
            }
        }
    }
}

/// Returns the agents whose programs exist. The list is never empty.
pub fn installed(environment: &Environment) -> Vec<&'static KnownAgent> {
    KNOWN_AGENTS.iter().filter(|agent| agent.is_installed(environment)).collect()
}

/// # Errors
/// The agent is not a known one.
pub fn by_name(name: &str) -> Result<&'static KnownAgent, InitError> {
    KNOWN_AGENTS.iter().find(|agent| agent.name == name).ok_or_else(|| InitError::UnknownAgent {
        name: name.to_owned(),
        known: KNOWN_AGENTS.iter().map(|agent| agent.name).collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn help_and_documentation_list_all_known_agents() {
        let mut command = Cli::command();
        let help = command.find_subcommand_mut("init").unwrap().render_long_help().to_string();
        let page = include_str!("../../../../docs/installation.md");
        for KnownAgent { name, .. } in &KNOWN_AGENTS {
            assert!(help.contains(name), "{name}: {help}");
            assert!(page.contains(&format!("`{name}`")), "{name}");
        }
    }
}
