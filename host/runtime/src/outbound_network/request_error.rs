//! The error that a guest gets for a failed request. Only the `wasi:http` error code `internal-error` carries a message
//! for people. Every error therefore uses that code, with its kind as a prefix, so that plugins in all languages get
//! the same message.

use wasmtime_wasi_http::Error;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The request was not granted, or is forbidden to all plugins.
    #[error("{0}")]
    Refused(String),
    /// The host name could not be resolved, or the connection failed.
    #[error("{0}")]
    Unreachable(String),
    #[error("{0}")]
    TimedOut(String),
    #[error("{0}")]
    TooLarge(String),
    /// The request is invalid, or TLS or the HTTP exchange failed.
    #[error("{0}")]
    Protocol(String),
}

impl RequestError {
    pub fn no_network() -> Self {
        Self::Refused("trials and views have no network".to_owned())
    }

    /// Returns the prefix of the message that the guest gets. The SDK parses it.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::TimedOut(_) => "timed out",
            Self::TooLarge(_) => "too large",
            Self::Protocol(_) => "protocol",
        }
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        Self::InternalError(Some(format!("{}: {error}", error.kind())))
    }
}
