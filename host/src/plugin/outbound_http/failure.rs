//! Why there is no answer, as the guest is told it. The standard codes have no room for words, but for one: so each failure goes there,
//! its kind first, and a plugin in any language reads the same.

use std::fmt;

use wasmtime_wasi_http::Error;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The operator did not allow it, or nobody may.
    Refused(String),
    /// No connection came about.
    Unreachable(String),
    TimedOut(String),
    TooLarge(String),
    /// The other side, or the guest, does not keep to HTTP or TLS.
    Protocol(String),
}

impl Failure {
    pub fn no_network() -> Self {
        Self::Refused("there is no network in a trial and in a view".to_owned())
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
