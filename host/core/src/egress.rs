//! Where a plugin may reach: what the operator granted, what a request asks for, and which addresses a name may stand for.
//!
//! All of it is decided here, on texts and addresses; nothing is resolved or connected. Whatever can be read in two ways is read in the
//! way that is refused.

mod address;
mod grant;
mod path;
mod target;
#[cfg(test)]
mod tests;

pub use address::{AddressKind, standing};
pub use grant::{HttpGrant, TcpGrant, check_host, check_method, grant_line, line_for, may_request, read_host};
pub use target::{Scheme, Target, TargetError};

/// A domain in lower case and ASCII, or an address.
pub type Host = url::Host<String>;
