//! Parses and normalizes the target of a request.

use core::net::IpAddr;
use std::fmt;

use super::{
    Host,
    path::{self, PathForm},
};
use crate::render;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    Http,
    Https,
}

/// The scheme, host, port and path of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub scheme: Scheme,
    pub host: Host,
    pub port: u16,
    pub(super) path: PathForm,
}

/// The reason why a target is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("'{0}' is not a supported scheme: use https or http")]
    Scheme(String),
    #[error("a URL must not contain a user or a password: send them in a header")]
    UserInfo,
    #[error("'{0}' is not a valid host")]
    Host(String),
    #[error("'{0}' is not a valid port: use 1 to 65535")]
    Port(String),
}

impl Scheme {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    pub(super) fn read(text: &str) -> Result<Self, TargetError> {
        match text.to_ascii_lowercase().as_str() {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            _ => Err(TargetError::Scheme(shorten(text))),
        }
    }
}

impl Target {
    /// Parses the parts of a URL.
    ///
    /// # Errors
    /// The scheme, the host or the port is invalid, or the authority contains a user name or a password.
    pub fn new(scheme: &str, authority: &str, path_and_query: &str) -> Result<Self, TargetError> {
        let scheme = Scheme::read(scheme)?;
        let (host, port) = split(authority)?;
        let port = port.unwrap_or(scheme.default_port());
        Ok(Self { scheme, host, port, path: path::normalize(path_and_query) })
    }

    /// Returns the value of the request's `Host` header.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Formats the scheme, the host and the port, without the path. Omits the scheme's default port.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority())
    }
}

/// Splits `host[:port]`.
pub(super) fn split(authority: &str) -> Result<(Host, Option<u16>), TargetError> {
    if authority.contains('@') {
        return Err(TargetError::UserInfo);
    }
    let end = authority.rfind(']').map_or(0, |end| end + 1);
    match authority[end..].rfind(':') {
        Some(at) => {
            let (host, port) = (&authority[..end + at], &authority[end + at + 1..]);
            Ok((host_of(host)?, Some(port_of(port)?)))
        }
        None => Ok((host_of(authority)?, None)),
    }
}

pub(super) fn port_of(text: &str) -> Result<u16, TargetError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.then(|| text.parse().ok()).flatten().filter(|port| *port != 0);
    port.ok_or_else(|| TargetError::Port(shorten(text)))
}

/// Normalizes a host to lower-case punycode without a trailing dot. Numeric forms that resolvers accept as an address,
/// such as `0x7f.1`, become an address.
pub(super) fn host_of(text: &str) -> Result<Host, TargetError> {
    let wrong = || TargetError::Host(shorten(text));
    let bare = text.strip_suffix('.').unwrap_or(text);
    let odd = |c: char| c.is_whitespace() || c.is_control() || "%/\\?#@*".contains(c);
    if bare.is_empty() || bare.ends_with('.') || bare.contains(odd) {
        return Err(wrong());
    }
    let host = Host::parse(bare).map_err(|_| wrong())?;
    match &host {
        // A label must not start with a dash, because another program could mistake the name for an option.
        url::Host::Domain(name) if name.len() > 253 || name.split('.').any(is_no_label) => Err(wrong()),
        url::Host::Domain(_) | url::Host::Ipv4(_) | url::Host::Ipv6(_) => Ok(host),
    }
}

fn is_no_label(label: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    label.is_empty() || label.len() > 63 || label.starts_with('-') || !label.bytes().all(fits)
}

/// Returns the address, or `None` if the host is a name.
pub(super) const fn address_of(host: &Host) -> Option<IpAddr> {
    match host {
        url::Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        url::Host::Ipv6(address) => Some(IpAddr::V6(*address)),
        url::Host::Domain(_) => None,
    }
}

/// Truncates `text` to 80 characters, and replaces control characters with spaces.
pub(super) fn shorten(text: &str) -> String {
    render::shorten(text, 80)
}
