//! Plugin network access: the operator's grants, request targets, and the addresses that a name may resolve to. This
//! module parses grants and requests, and checks requests against grants. It must not resolve host names or open
//! connections. A request with an ambiguous path needs a grant for all paths of the host.

mod address;
mod grant;
mod grant_error;
mod path;
mod target;
#[cfg(test)]
mod tests;

pub use address::AddressKind;
pub use grant::{HttpGrant, TcpGrant, check_host, check_method, grant_line, may_request, read_host, suggested_grant};
pub use grant_error::{HostError, HostNameError, HttpGrantError, HttpGrantFault, MethodError, TcpGrantError};
pub use target::{Scheme, Target, TargetError};

/// A domain name in lower-case ASCII, or an IP address.
pub type Host = url::Host<String>;
