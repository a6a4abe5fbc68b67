//! Network access of plugins: the operator's grants, the target of a request, and the addresses that a name may resolve
//! to.
//!
//! The module only decides about texts and addresses: it resolves no names and opens no connections. Ambiguous input is
//! interpreted in the way that leads to rejection.

mod address;
mod error;
mod grant;
mod path;
mod target;
#[cfg(test)]
mod tests;

pub use address::AddressKind;
pub use error::{HostError, HostNameError, HttpGrantError, HttpGrantFault, MethodError, TcpGrantError};
pub use grant::{HttpGrant, TcpGrant, check_host, check_method, grant_line, may_request, read_host, suggested_grant};
pub use target::{Scheme, Target, TargetError};

/// A domain in lower case and ASCII, or an IP address.
pub type Host = url::Host<String>;
