//! The resource limits of plugin calls. `[plugins]` sets the limits for all plugins; `[plugins.NAME]` may override each
//! of them for one plugin.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    section::Section,
    value::{bytes, number, span},
};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// At most five minutes, because a user may be waiting for the result.
const TIME: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(300);
/// The minimum is roughly what a Rust component needs to start; the maximum is the size of a linear memory in the
/// instance pool.
const MEMORY: RangeInclusive<u64> = MIB..=512 * MIB;
const CALLS: RangeInclusive<u32> = 1..=10_000_000;
const LOG: RangeInclusive<u32> = 0..=100_000;
const REPLY: RangeInclusive<u64> = KIB..=64 * MIB;
const STATE: RangeInclusive<u64> = KIB..=GIB;
const HTTP_BODY: RangeInclusive<u64> = KIB..=64 * MIB;
const HTTP_TIME: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallLimits {
    /// The maximum CPU time of a call. The call's wall-clock time, excluding network waits, may be up to twice as long.
    pub time: Duration,
    /// The maximum total size of an instance's memories, in bytes.
    pub memory: usize,
    /// The maximum number of calls to host functions during one plugin call.
    pub calls: u32,
    /// The maximum number of log lines during one plugin call.
    pub log: u32,
    /// The maximum size of the call's result, in bytes. The total size of the call's posts has the same limit; each
    /// post counts as at least 4 KiB.
    pub reply: usize,
    /// The maximum total size of the plugin's stored keys and values in bytes, across all calls.
    pub state: usize,
    /// The maximum size, in bytes, of the body of each HTTP request and response.
    pub http_body: usize,
    /// The maximum total time that a call may wait for the network.
    pub http_time: Duration,
}

/// The limits in `[plugins.NAME]`. `None` selects the limit in `[plugins]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallLimitOverrides {
    pub time: Option<Duration>,
    pub memory: Option<usize>,
    pub calls: Option<u32>,
    pub log: Option<u32>,
    pub reply: Option<usize>,
    pub state: Option<usize>,
    pub http_body: Option<usize>,
    pub http_time: Option<Duration>,
}

impl CallLimits {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        let mut own = CallLimitOverrides::default();
        own.merge(section);
        *self = self.with(&own);
    }

    /// Returns the maximum size in bytes of one transfer between guest and host: the largest of `reply`, `state` and
    /// `http_body`.
    #[must_use]
    pub fn transfer(&self) -> usize {
        self.reply.max(self.state).max(self.http_body)
    }

    #[must_use]
    pub fn with(&self, own: &CallLimitOverrides) -> Self {
        Self {
            time: own.time.unwrap_or(self.time),
            memory: own.memory.unwrap_or(self.memory),
            calls: own.calls.unwrap_or(self.calls),
            log: own.log.unwrap_or(self.log),
            reply: own.reply.unwrap_or(self.reply),
            state: own.state.unwrap_or(self.state),
            http_body: own.http_body.unwrap_or(self.http_body),
            http_time: own.http_time.unwrap_or(self.http_time),
        }
    }
}

impl CallLimitOverrides {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set_some("time", &mut self.time, span(TIME));
        section.set_some("memory", &mut self.memory, bytes(MEMORY));
        section.set_some("calls", &mut self.calls, number(CALLS));
        section.set_some("log", &mut self.log, number(LOG));
        section.set_some("reply", &mut self.reply, bytes(REPLY));
        section.set_some("state", &mut self.state, bytes(STATE));
        section.set_some("http_body", &mut self.http_body, bytes(HTTP_BODY));
        section.set_some("http_time", &mut self.http_time, span(HTTP_TIME));
    }
}
