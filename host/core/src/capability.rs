//! The capabilities that a plugin can import, and how an operator grants each of them.

/// The ways in which an operator grants a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantKind {
    /// Every plugin may import the capability without a grant.
    Always,
    /// The operator lists the capability under `grants` in `[plugins.NAME]`. The owner can also grant `sessions`,
    /// `session-control` and `chat` in the chat.
    ByName,
    /// The operator lists the allowed targets in `[plugins.NAME]`, under the capability's name.
    ByTargets,
}

/// An interface of the package `cordboard:plugin` that plugins can import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    Context,
    Log,
    Config,
    State,
    Catalog,
    Sessions,
    SessionControl,
    Requests,
    Attachments,
    Chat,
    PluginControl,
    AccessControl,
    Secrets,
    Tcp,
}

impl Capability {
    pub const ALL: [Self; 14] = [
        Self::Context,
        Self::Log,
        Self::Config,
        Self::State,
        Self::Catalog,
        Self::Sessions,
        Self::SessionControl,
        Self::Requests,
        Self::Attachments,
        Self::Chat,
        Self::PluginControl,
        Self::AccessControl,
        Self::Secrets,
        Self::Tcp,
    ];

    /// Returns the name of the interface in WIT, which is also the capability's name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Log => "log",
            Self::Config => "config",
            Self::State => "state",
            Self::Catalog => "catalog",
            Self::Sessions => "sessions",
            Self::SessionControl => "session-control",
            Self::Requests => "requests",
            Self::Attachments => "attachments",
            Self::Chat => "chat",
            Self::PluginControl => "plugin-control",
            Self::AccessControl => "access-control",
            Self::Secrets => "secrets",
            Self::Tcp => "tcp",
        }
    }

    #[must_use]
    pub const fn grant_kind(self) -> GrantKind {
        match self {
            Self::Context | Self::Log | Self::Config | Self::State | Self::Catalog => GrantKind::Always,
            Self::Sessions
            | Self::SessionControl
            | Self::Requests
            | Self::Attachments
            | Self::Chat
            | Self::PluginControl
            | Self::AccessControl => GrantKind::ByName,
            Self::Secrets | Self::Tcp => GrantKind::ByTargets,
        }
    }

    pub fn all_of(kind: GrantKind) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |one| one.grant_kind() == kind)
    }
}

/// Returns whether `name` is a capability that is granted by name.
#[must_use]
pub fn is_granted_by_name(name: &str) -> bool {
    Capability::all_of(GrantKind::ByName).any(|one| one.as_str() == name)
}

/// The keys in `[plugins.NAME]` that list the targets of a capability, each with an example. The `http` key is not a
/// [`Capability`]: it grants the `wasi:http/outgoing-handler` interface, which is not in the package
/// `cordboard:plugin`.
pub const TARGET_LISTS: [(&str, &str); 3] = [("http", "https://HOST/*"), ("tcp", "HOST:PORT"), ("secrets", "NAME")];

/// Returns an example line for `[plugins.NAME]` that grants `name`, or `None` if `name` is not granted by a list of
/// targets.
#[must_use]
pub fn target_line(name: &str) -> Option<String> {
    TARGET_LISTS.iter().find(|(key, _)| *key == name).map(|(key, example)| format!("{key} = [{example:?}]"))
}
