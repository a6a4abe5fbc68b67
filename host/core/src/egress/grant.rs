//! Parses the operator's grants, such as `"https://pbs.lan:8007/api2/*"`, `"POST https://…"` and `"host:port"`, and
//! decides whether they cover a request.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

use super::{
    AddressKind, Host, HostError, HostNameError, HttpGrantError, HttpGrantFault, MethodError, Scheme, Target,
    TargetError, TcpGrantError,
    path::{self, PathForm},
    target::{address_of, host_of, split},
};

/// A set of HTTP requests that a plugin may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpGrant {
    /// The grant as the operator wrote it.
    text: String,
    methods: Methods,
    scheme: Scheme,
    host: Host,
    port: u16,
    paths: Paths,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Methods {
    /// GET and HEAD, which apply if the grant doesn't name a method.
    Reading,
    One(String),
    /// `*`: all methods that can be granted.
    Any,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Paths {
    Exactly(Vec<u8>),
    /// All paths with this prefix.
    Below(Vec<u8>),
}

/// A host and a TCP port that a plugin may connect to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TcpGrant {
    pub host: String,
    pub port: u16,
}

/// Methods that can't be granted. CONNECT turns the connection into a tunnel, and TRACE echoes the request.
const NEVER: [&str; 2] = ["CONNECT", "TRACE"];

/// The methods that an error message may suggest for a misspelled one.
const COMMON: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl HttpGrant {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    fn covers_host(&self, target: &Target) -> bool {
        self.scheme == target.scheme && self.host == target.host && self.port == target.port
    }

    fn covers(&self, method: &str, target: &Target) -> bool {
        let method = match &self.methods {
            Methods::Reading => matches!(method, "GET" | "HEAD"),
            Methods::One(granted) => granted == method,
            Methods::Any => true,
        };
        method && self.covers_host(target) && self.paths.cover(&target.path)
    }
}

impl Paths {
    fn cover(&self, path: &PathForm) -> bool {
        match (self, path) {
            (Self::Exactly(exact), PathForm::Plain(path)) => exact == path,
            (Self::Below(prefix), PathForm::Plain(path)) => path.starts_with(prefix),
            (Self::Below(prefix), PathForm::Ambiguous) => prefix == b"/",
            (Self::Exactly(_), PathForm::Ambiguous) => false,
        }
    }
}

/// Returns whether one of the grants covers the request.
#[must_use]
pub fn may_request(grants: &[HttpGrant], method: &str, target: &Target) -> bool {
    !NEVER.contains(&method) && grants.iter().any(|grant| grant.covers(method, target))
}

/// Checks that a grant may name this method.
///
/// # Errors
/// The method can't be granted. The error states the reason.
pub fn check_method(method: &str) -> Result<(), MethodError> {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    if NEVER.contains(&method) {
        Err(MethodError::Forbidden(method.to_owned()))
    } else if !(1..=20).contains(&method.len()) || !method.bytes().all(plain) {
        Err(MethodError::Malformed)
    } else {
        Ok(())
    }
}

/// Returns the configuration line that lists the existing grants and a new grant that covers the request.
#[must_use]
pub fn suggested_grant(plugin: &str, grants: &[HttpGrant], method: &str, target: &Target) -> String {
    let method = if matches!(method, "GET" | "HEAD") { String::new() } else { format!("{method} ") };
    let wanted = format!("{method}{target}{}", target.path.granted());
    grant_line(plugin, "http", grants.iter().map(|grant| &grant.text), wanted)
}

/// Returns the configuration line that sets `key` to the existing entries `listed` plus `wanted`.
#[must_use]
pub fn grant_line(
    plugin: &str,
    key: &str,
    listed: impl IntoIterator<Item = impl Display>,
    wanted: impl Display,
) -> String {
    let listed: String = listed.into_iter().map(|item| format!("{:?}, ", item.to_string())).collect();
    format!("[plugins.{plugin}] in the configuration: {key} = [{listed}{:?}]", wanted.to_string())
}

/// Normalizes a host name for comparison.
///
/// # Errors
/// The text is not a host name.
pub fn read_host(text: &str) -> Result<String, HostNameError> {
    match host_of(text) {
        Ok(url::Host::Domain(name)) => Ok(name),
        Ok(url::Host::Ipv4(_) | url::Host::Ipv6(_)) => Err(HostNameError::Address(text.to_owned())),
        Err(_) => Err(HostNameError::Malformed(text.to_owned())),
    }
}

impl FromStr for HttpGrant {
    type Err = HttpGrantError;

    fn from_str(text: &str) -> Result<Self, HttpGrantError> {
        Self::parse(text).map_err(|fault| HttpGrantError { text: text.to_owned(), fault })
    }
}

impl HttpGrant {
    fn parse(text: &str) -> Result<Self, HttpGrantFault> {
        let (methods, url) = match text.split_once(' ') {
            Some((method, url)) => (methods(method)?, url),
            None => (Methods::Reading, text),
        };
        let (scheme, rest) = url.split_once("://").ok_or(HttpGrantFault::Scheme)?;
        let scheme = Scheme::read(scheme).map_err(|_| HttpGrantFault::Scheme)?;
        let slash = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(slash);
        if is_template(authority) {
            return Err(HttpGrantFault::Template);
        }
        let (host, port) = split(authority)?;
        if path.is_empty() {
            return Err(HttpGrantFault::NoPath);
        }
        if path.contains(['?', '#']) {
            return Err(HttpGrantFault::Query);
        }
        check_host(&host)?;
        let port = port.unwrap_or(scheme.default_port());
        let paths = paths(path).ok_or(HttpGrantFault::Path)?;
        Ok(Self { text: text.to_owned(), methods, scheme, host, port, paths })
    }
}

fn methods(text: &str) -> Result<Methods, MethodError> {
    if text == "*" {
        return Ok(Methods::Any);
    }
    let meant = text.to_ascii_uppercase();
    let is_near = |known: &&str| *known != text && strsim::osa_distance(&meant, known) <= 1;
    match COMMON.iter().find(|known| is_near(known)) {
        Some(known) if !COMMON.contains(&text) => Err(MethodError::Misspelled(known)),
        Some(_) | None => check_method(text).map(|()| Methods::One(text.to_owned())),
    }
}

fn paths(text: &str) -> Option<Paths> {
    let (stem, is_prefix) = text.strip_suffix('*').map_or((text, false), |stem| (stem, true));
    if stem.contains('*') {
        return None;
    }
    match path::normalize(stem) {
        PathForm::Plain(path) if is_prefix => Some(Paths::Below(path)),
        PathForm::Plain(path) => Some(Paths::Exactly(path)),
        PathForm::Ambiguous => None,
    }
}

/// Checks that a grant may name this host. Rejects the addresses of metadata services, and addresses that are reserved
/// or can't belong to a machine, such as multicast addresses. Accepts all other addresses, and all names.
///
/// # Errors
/// No grant may name this host. The error states the reason.
pub fn check_host(host: &Host) -> Result<(), HostError> {
    match address_of(host).map(AddressKind::of) {
        Some(AddressKind::Invalid(why)) => Err(HostError::Invalid(why)),
        Some(AddressKind::Metadata) => Err(HostError::Metadata),
        Some(AddressKind::Private(_) | AddressKind::Public) | None => Ok(()),
    }
}

/// The placeholder for a host in suggested configuration lines.
const TEMPLATE: &str = "HOST";

fn is_template(authority: &str) -> bool {
    authority.split(':').next() == Some(TEMPLATE)
}

impl FromStr for TcpGrant {
    type Err = TcpGrantError;

    fn from_str(text: &str) -> Result<Self, TcpGrantError> {
        if is_template(text) {
            return Err(TcpGrantError::Template(text.to_owned()));
        }
        match split(text) {
            Ok((host, Some(port))) => {
                check_host(&host).map_err(|why| TcpGrantError::Host { text: text.to_owned(), why })?;
                Ok(Self { host: host.to_string(), port })
            }
            Ok((_, None)) | Err(_) => Err(TcpGrantError::Malformed(text.to_owned())),
        }
    }
}

impl Display for TcpGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl TcpGrant {
    /// Returns the grant that a connection to `port` on `host` needs, and the parsed host.
    ///
    /// # Errors
    /// `host` is neither a host name nor an address.
    pub fn needed(host: &str, port: u16) -> Result<(Self, Host), TargetError> {
        let named = host.trim_start_matches('[').trim_end_matches(']');
        let parsed = match named.parse::<core::net::Ipv6Addr>() {
            Ok(address) => url::Host::Ipv6(address),
            Err(_) => host_of(host)?,
        };
        Ok((Self { host: parsed.to_string(), port }, parsed))
    }
}
