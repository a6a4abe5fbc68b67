//! The plugins that are embedded in the binary. `cargo xtask build` builds them before the host.

pub struct StandardPlugin {
    pub name: &'static str,
    /// SHA-256 in hex, computed when the binary is built.
    pub digest: &'static str,
    pub wasm: &'static [u8],
}

/// The embedded plugins. Empty if the binary was built before the plugins.
pub static STANDARD: &[StandardPlugin] = EMBEDDED;

include!(concat!(env!("OUT_DIR"), "/standard.rs"));

/// The error message for a binary without embedded plugins.
pub const NO_STANDARD: &str = "built without standard plugins: run cargo xtask build";

/// Returns the embedded plugin of that name.
#[must_use]
pub fn built_in(name: &str) -> Option<&'static StandardPlugin> {
    STANDARD.iter().find(|standard| standard.name == name)
}
