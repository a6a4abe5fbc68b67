//! The capabilities that a plugin can import, and how each is granted.

/// The way an operator grants a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    ToAll,
    /// By `grants` in `[plugins.NAME]`.
    ByName,
    /// By a list of allowed targets in `[plugins.NAME]`, whose key is the capability's name.
    ByList,
}

/// An interface of the package `cordboard:plugin` that plugins can import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    Context,
    Log,
    Config,
    State,
    Catalog,
    Sessions,
    SessionControl,
    Chat,
    PluginControl,
    Secrets,
    Tcp,
}

impl Capability {
    pub const ALL: [Self; 11] = [
        Self::Context,
        Self::Log,
        Self::Config,
        Self::State,
        Self::Catalog,
        Self::Sessions,
        Self::SessionControl,
        Self::Chat,
        Self::PluginControl,
        Self::Secrets,
        Self::Tcp,
    ];

    /// The name of the interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Log => "log",
            Self::Config => "config",
            Self::State => "state",
            Self::Catalog => "catalog",
            Self::Sessions => "sessions",
            Self::SessionControl => "session-control",
            Self::Chat => "chat",
            Self::PluginControl => "plugin-control",
            Self::Secrets => "secrets",
            Self::Tcp => "tcp",
        }
    }

    pub const fn granted(self) -> Granted {
        match self {
            Self::Context | Self::Log | Self::Config | Self::State | Self::Catalog => Granted::ToAll,
            Self::Sessions | Self::SessionControl | Self::Chat | Self::PluginControl => Granted::ByName,
            Self::Secrets | Self::Tcp => Granted::ByList,
        }
    }
}

/// Whether it is a capability that must be granted by name.
pub fn is_to_be_granted(name: &str) -> bool {
    Capability::ALL.iter().any(|one| one.name() == name && one.granted() == Granted::ByName)
}
