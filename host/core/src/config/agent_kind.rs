//! The kinds of agents, and which features each kind supports.

/// The protocol that an agent speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentKind {
    /// An agent that speaks the protocol of the built-in demo agent.
    Demo,
    /// An agent that speaks the protocol of the `claude` command.
    Claude,
    /// An agent that speaks the Agent Client Protocol.
    Acp,
    /// A program that reads lines and prints text, such as a shell.
    Plain,
}

/// A feature that some kinds of agents lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentFeature {
    /// The agent asks before it uses a tool.
    PermissionRequests,
    /// A new process can continue the conversation of an earlier one.
    Resume,
    /// The agent accepts a prompt while working on another, and reports which prompts each turn answers.
    Steering,
    /// The agent has its own commands, which users type with two leading slashes.
    AgentCommands,
    /// The model can be chosen.
    Models,
    /// The permission mode can be set.
    PermissionModes,
    /// The agent follows the instructions of a persona.
    Personas,
    /// The agent reports the cost of each turn.
    Cost,
    /// The conversation can be opened in a terminal.
    Terminal,
    /// The prompt tells the agent which files are attached to a message.
    Files,
}

/// The degree to which agents of a kind support a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    Yes,
    /// Depends on the agent, which reports on startup whether it supports the feature.
    IfOffered,
    No,
}

impl AgentKind {
    pub const ALL: &[Self] = &[Self::Claude, Self::Acp, Self::Plain, Self::Demo];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Claude => "claude",
            Self::Acp => "acp",
            Self::Plain => "plain",
        }
    }

    #[must_use]
    pub const fn support(self, feature: AgentFeature) -> Support {
        use AgentFeature as F;
        match (self, feature) {
            (Self::Claude, _) => Support::Yes,
            (Self::Acp, F::PermissionRequests | F::Files) => Support::Yes,
            (Self::Acp, F::Steering | F::Terminal) => Support::No,
            (Self::Acp, F::Resume | F::AgentCommands | F::Models | F::PermissionModes | F::Personas | F::Cost) => {
                Support::IfOffered
            }
            (Self::Demo, F::PermissionRequests | F::Resume | F::Models | F::Cost | F::Files) => Support::Yes,
            (Self::Demo, F::Steering | F::AgentCommands | F::PermissionModes | F::Personas | F::Terminal) => {
                Support::No
            }
            (Self::Plain, _) => Support::No,
        }
    }

    /// Returns whether the feature is unavailable to all agents of this kind.
    #[must_use]
    pub const fn lacks(self, feature: AgentFeature) -> bool {
        matches!(self.support(feature), Support::No)
    }

    /// Returns whether an agent of this kind accepts a prompt while it works on another, and reports which prompts each
    /// of its turns answers.
    #[must_use]
    pub const fn accepts_prompts_during_turn(self) -> bool {
        !self.lacks(AgentFeature::Steering)
    }
}

impl AgentFeature {
    pub const ALL: [Self; 10] = [
        Self::PermissionRequests,
        Self::Resume,
        Self::Steering,
        Self::AgentCommands,
        Self::Models,
        Self::PermissionModes,
        Self::Personas,
        Self::Cost,
        Self::Terminal,
        Self::Files,
    ];
}
