//! The package name, the version and the interface names of the contract in `wit/`.

use std::fmt;

/// The package prefix of the contract's interfaces.
pub const PACKAGE: &str = "cordboard:plugin/";

/// The version of `wit/` in this host, as major, minor and patch.
pub const VERSION: (u64, u64, u64) = (0, 2, 6);

/// Displays the host's own package and its version, such as `cordboard:plugin@0.2.6`.
pub struct OwnPackage;

impl fmt::Display for OwnPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = VERSION;
        write!(f, "{}@{major}.{minor}.{patch}", PACKAGE.trim_end_matches('/'))
    }
}

/// Returns the full name of an interface of the host's own package, such as `cordboard:plugin/types@0.2.6`.
#[must_use]
pub fn interface(name: &str) -> String {
    let (major, minor, patch) = VERSION;
    format!("{PACKAGE}{name}@{major}.{minor}.{patch}")
}

/// Returns the bare name of an interface: `sessions` for `cordboard:plugin/sessions@0.2.0`. The names of interfaces
/// from other packages are returned unchanged.
#[must_use]
pub fn bare_name(name: &str) -> &str {
    let name = name.strip_prefix(PACKAGE).unwrap_or(name);
    name.split('@').next().unwrap_or_default()
}
