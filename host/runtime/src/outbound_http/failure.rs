//! The error that a guest gets for a failed request. Of the `wasi:http` error codes, only `internal-error` carries a
//! text. Every failure therefore uses that code, with its kind as a prefix, so that plugins in all languages read the
//! same message.

use std::fmt;

use wasmtime_wasi_http::Error;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The request was not granted, or no plugin may make it.
    Refused(String),
    /// The connection failed.
    Unreachable(String),
    TimedOut(String),
    TooLarge(String),
    /// The server or the guest violated HTTP or TLS.
    Protocol(String),
}

impl Failure {
    pub fn no_network() -> Self {
        Self::Refused("trials and views have no network".to_owned())
    }

    const fn parts(&self) -> (&'static str, &String) {
        match self {
            Self::Refused(text) => ("refused", text),
            Self::Unreachable(text) => ("unreachable", text),
            Self::TimedOut(text) => ("timed out", text),
            Self::TooLarge(text) => ("too large", text),
            Self::Protocol(text) => ("protocol", text),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, text) = self.parts();
        f.write_str(text)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let (kind, text) = failure.parts();
        Self::InternalError(Some(format!("{kind}: {text}")))
    }
}
