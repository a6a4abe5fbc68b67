//! The reasons why a grant is invalid, or why a host or method can't be granted. Messages about grants continue a
//! sentence that starts with the key's name.

use super::{TargetError, target::shorten};

/// The reason why a method can't be granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    #[error("plugins may not use {0}")]
    Forbidden(String),
    #[error("a method consists of 1 to 20 capital letters or dashes")]
    Malformed,
    #[error("that is not an HTTP method; did you mean {0}?")]
    Misspelled(&'static str),
}

/// The reason why an address can't be granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    #[error("this address is {0}")]
    Invalid(&'static str),
    #[error("this is the metadata address where clouds provide credentials")]
    Metadata,
}

/// The reason why a text is not an HTTP grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must look like \"https://pbs.lan:8007/*\" or \"POST https://pbs.lan:8007/*\", not \"{}\": {fault}",
    shorten(text)
)]
pub struct HttpGrantError {
    pub text: String,
    pub fault: HttpGrantFault,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpGrantFault {
    #[error(transparent)]
    Method(#[from] MethodError),
    #[error("the URL must begin with https:// or http://")]
    Scheme,
    /// The host is still the placeholder from the suggested line.
    #[error("replace HOST with the server's name")]
    Template,
    #[error(transparent)]
    Authority(#[from] TargetError),
    #[error("add a path, or /* for all paths")]
    NoPath,
    #[error("remove the query or fragment after the path; a grant covers every query")]
    Query,
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("write a plain path such as /api2/json, with * only at its end")]
    Path,
}

/// The reason why a text is not a TCP grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TcpGrantError {
    #[error("must be a host and a port, such as \"pbs.lan:8007\", not \"{}\"", shorten(.0))]
    Malformed(String),
    #[error(
        "must be a host and a port, such as \"pbs.lan:8007\", not \"{}\": fill in the server's name and port",
        shorten(.0)
    )]
    Template(String),
    #[error("must be a host and a port, such as \"pbs.lan:8007\", not \"{}\": {why}", shorten(text))]
    Host { text: String, why: HostError },
}

/// The reason why a text is not a host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostNameError {
    #[error("must be a host name, such as \"pbs.lan\", not \"{}\"", shorten(.0))]
    Malformed(String),
    #[error("must be a host name, not \"{}\": a granted IP address needs no entry here", shorten(.0))]
    Address(String),
}
