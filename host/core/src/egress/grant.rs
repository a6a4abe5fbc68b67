//! The operator's grants: `"https://pbs.lan:8007/api2/*"`, `"POST https://…"`, `"host:port"`.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

use super::{
    AddressKind, Host, Scheme, Target,
    path::{self, Reading},
    standing,
    target::{address_of, host_of, shown, split},
};

/// A set of HTTP requests that a plugin may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpGrant {
    /// The grant in the operator's spelling.
    text: String,
    methods: Methods,
    scheme: Scheme,
    host: Host,
    port: u16,
    paths: Paths,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Methods {
    /// GET and HEAD, if no method is written.
    Reading,
    One(String),
    /// `*`.
    Any,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Paths {
    Exactly(Vec<u8>),
    /// All paths with this prefix.
    Below(Vec<u8>),
}

/// A TCP port that a plugin may connect to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TcpGrant {
    pub host: String,
    pub port: u16,
}

/// These turn a connection into a tunnel, or echo the request.
const NEVER: [&str; 2] = ["CONNECT", "TRACE"];

/// The methods to suggest for a typo.
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
    fn cover(&self, path: &Reading) -> bool {
        match (self, path) {
            (Self::Exactly(exact), Reading::Plain(path)) => exact == path,
            (Self::Below(prefix), Reading::Plain(path)) => path.starts_with(prefix),
            (Self::Below(prefix), Reading::Odd) => prefix == b"/",
            (Self::Exactly(_), Reading::Odd) => false,
        }
    }
}

/// Whether one of the grants covers the request.
#[must_use]
pub fn may_request(grants: &[HttpGrant], method: &str, target: &Target) -> bool {
    !NEVER.contains(&method) && grants.iter().any(|grant| grant.covers(method, target))
}

/// Checks that a method can be granted at all.
///
/// # Errors
/// The reason why it cannot.
pub fn check_method(method: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    if NEVER.contains(&method) {
        Err(format!("plugins may not use {method}"))
    } else if !(1..=20).contains(&method.len()) || !method.bytes().all(plain) {
        Err("a method consists of 1 to 20 capital letters".to_owned())
    } else {
        Ok(())
    }
}

/// The configuration line that grants the request and nothing more, including the existing grants.
#[must_use]
pub fn suggested_grant(plugin: &str, grants: &[HttpGrant], (method, target): (&str, &Target)) -> String {
    let method = if matches!(method, "GET" | "HEAD") { String::new() } else { format!("{method} ") };
    grant_line(
        (plugin, "http"),
        grants.iter().map(|grant| &grant.text),
        format!("{method}{target}{}", target.path.granted()),
    )
}

/// The configuration line with `wanted` added to the list of this plugin's key, including the existing entries.
#[must_use]
pub fn grant_line(
    (plugin, key): (&str, &str),
    listed: impl IntoIterator<Item = impl Display>,
    wanted: impl Display,
) -> String {
    let listed: String = listed.into_iter().map(|item| format!("{:?}, ", item.to_string())).collect();
    format!("[plugins.{plugin}] in the configuration: {key} = [{listed}{:?}]", wanted.to_string())
}

/// Normalizes a host name for comparison.
///
/// # Errors
/// The fault, worded to follow the key's name.
pub fn read_host(text: &str) -> Result<String, String> {
    let host =
        host_of(text).map_err(|_| format!("must be a host name, such as \"pbs.lan\", not \"{}\"", shown(text)))?;
    match host {
        url::Host::Domain(name) => Ok(name),
        url::Host::Ipv4(_) | url::Host::Ipv6(_) => Err(format!(
            "must be a host name, not \"{}\": an IP address that is granted needs no entry here",
            shown(text)
        )),
    }
}

impl FromStr for HttpGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "\"https://pbs.lan:8007/*\" or \"POST https://pbs.lan:8007/*\"";
        let wrong = |why: &str| format!("must look like {example}, not \"{}\": {why}", shown(text));
        let (methods, url) = match text.split_once(' ') {
            Some((method, url)) => (methods(method).map_err(|why| wrong(&why))?, url),
            None => (Methods::Reading, text),
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("it must begin with https:// or http://"))?;
        let scheme = Scheme::read(scheme).map_err(|_| wrong("it must begin with https:// or http://"))?;
        let slash = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(slash);
        if is_template(authority) {
            return Err(wrong("replace HOST with the server's name"));
        }
        let (host, port) = split(authority).map_err(|why| wrong(&why.to_string()))?;
        if path.is_empty() {
            return Err(wrong("add a path, or /* for all paths"));
        }
        if path.contains(['?', '#']) {
            return Err(wrong("remove the query; any query is allowed"));
        }
        check_host(&host).map_err(|why| wrong(&why))?;
        let port = port.unwrap_or(scheme.default_port());
        let paths = paths(path).ok_or_else(|| wrong("the path must be plain, with * only at its end"))?;
        Ok(Self { text: text.to_owned(), methods, scheme, host, port, paths })
    }
}

fn methods(text: &str) -> Result<Methods, String> {
    if text == "*" {
        return Ok(Methods::Any);
    }
    let meant = text.to_ascii_uppercase();
    let slip = |known: &&str| *known != text && strsim::osa_distance(&meant, known) <= 1;
    match COMMON.iter().find(|known| slip(known)) {
        Some(known) if !COMMON.contains(&text) => Err(format!("that is not an HTTP method; did you mean {known}?")),
        Some(_) | None => check_method(text).map(|()| Methods::One(text.to_owned())),
    }
}

fn paths(text: &str) -> Option<Paths> {
    let (stem, is_prefix) = text.strip_suffix('*').map_or((text, false), |stem| (stem, true));
    if stem.contains('*') {
        return None;
    }
    match path::read(stem) {
        Reading::Plain(path) if is_prefix => Some(Paths::Below(path)),
        Reading::Plain(path) => Some(Paths::Exactly(path)),
        Reading::Odd => None,
    }
}

/// Checks a host that is written in a grant. A literal address needs no further permission, unless it is not the address of a host or belongs to a metadata service.
///
/// # Errors
/// The reason why no grant allows it.
pub fn check_host(host: &Host) -> Result<(), String> {
    match address_of(host).map(standing) {
        Some(AddressKind::Invalid(why)) => Err(format!("this address is {why}")),
        Some(AddressKind::Metadata) => Err("this is the metadata address where clouds provide credentials".to_owned()),
        Some(AddressKind::Private(_) | AddressKind::Public) | None => Ok(()),
    }
}

/// The placeholder for a host in suggested lines.
const TEMPLATE: &str = "HOST";

fn is_template(authority: &str) -> bool {
    authority.split(':').next() == Some(TEMPLATE)
}

impl FromStr for TcpGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            |why: &str| format!("must be a host and a port, such as \"pbs.lan:8007\", not \"{}\"{why}", shown(text));
        if is_template(text) {
            return Err(wrong(": replace HOST with the server's name, and its port"));
        }
        match split(text) {
            Ok((host, Some(port))) => {
                check_host(&host).map_err(|why| wrong(&format!(": {why}")))?;
                Ok(Self { host: host.to_string(), port })
            }
            Ok((_, None)) | Err(_) => Err(wrong("")),
        }
    }
}

impl Display for TcpGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl TcpGrant {
    /// The grant that a call for `host` and `port` needs.
    ///
    /// # Errors
    /// `host` is not a host.
    pub fn needed(host: &str, port: u16) -> Result<(Self, Host), String> {
        let named = host.trim_start_matches('[').trim_end_matches(']');
        let read = match named.parse::<core::net::Ipv6Addr>() {
            Ok(address) => url::Host::Ipv6(address),
            Err(_) => host_of(host).map_err(|error| error.to_string())?,
        };
        Ok((Self { host: read.to_string(), port }, read))
    }
}
