//! The timestamp that the store, the plugins and the core share.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Parses an RFC 3339 timestamp. Returns `None` if `text` is invalid or the time is before 1970.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        u64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()).ok().map(Self)
    }

    /// Formats the timestamp as RFC 3339 in UTC, to the second. Returns an empty string after the year 9999.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let seconds = i64::try_from(self.0 / 1000).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        seconds.map(|time| time.to_string()).unwrap_or_default()
    }

    /// Returns the time from `earlier` to this timestamp, or zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Returns the timestamp that is `span` later, or the maximum if that overflows.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

/// A function that returns the current time. The host's clock provides it.
pub type TimeSource = Arc<dyn Fn() -> Timestamp + Send + Sync>;
