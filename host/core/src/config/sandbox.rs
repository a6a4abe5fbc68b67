//! The keys of `[agents.NAME]` that confine an agent to a sandbox.

use std::path::PathBuf;

use super::{
    section::Section,
    value::{absolute_path, boolean, list, one_of},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SandboxKind {
    /// The agent runs with the rights of the host.
    #[default]
    None,
    /// The agent runs in namespaces that bubblewrap creates.
    Bwrap,
}

/// The sandbox of an agent. The other fields have no effect if the kind is [`SandboxKind::None`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    pub kind: SandboxKind,
    /// Whether the agent can use the machine's network.
    pub network: bool,
    /// Absolute paths that the agent can read, in addition to system files, the folders in `PATH`, and the agent's own
    /// program.
    pub read: Vec<PathBuf>,
    /// Absolute paths that the agent can read and change, in addition to the session folder and its own home directory.
    pub write: Vec<PathBuf>,
}

impl SandboxKind {
    const ALL: &[Self] = &[Self::None, Self::Bwrap];

    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bwrap => "bwrap",
        }
    }
}

impl Sandbox {
    pub const NONE: Self = Self { kind: SandboxKind::None, network: true, read: Vec::new(), write: Vec::new() };

    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set("sandbox", &mut self.kind, one_of(SandboxKind::ALL, SandboxKind::as_str));
        section.set("sandbox_network", &mut self.network, boolean);
        section.set("sandbox_read", &mut self.read, list(absolute_path));
        section.set("sandbox_write", &mut self.write, list(absolute_path));
    }
}
