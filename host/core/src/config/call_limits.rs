//! The resource limits of one plugin call. `[plugins]` holds the host-wide values; `[plugins.NAME]` may override each.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    section::Section,
    value::{bytes, number, span},
};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// A chat waits for the result of a call, so longer times are useless.
const TIME: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(300);
/// A Rust component needs a little over 1 MiB to start. The host's instance pool allows 512 MiB for a memory.
const MEMORY: RangeInclusive<u64> = MIB..=512 * MIB;
const CALLS: RangeInclusive<u32> = 1..=10_000_000;
const LOG: RangeInclusive<u32> = 0..=100_000;
const REPLY: RangeInclusive<u64> = KIB..=64 * MIB;
const STATE: RangeInclusive<u64> = KIB..=GIB;
const HTTP_BODY: RangeInclusive<u64> = KIB..=64 * MIB;
const HTTP_TIME: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallLimits {
    /// CPU time of a call. Its wall-clock time may be twice that, not counting waits for the network.
    pub time: Duration,
    /// In bytes, for all memories of an instance together.
    pub memory: usize,
    /// Number of calls to host functions.
    pub calls: u32,
    /// Number of log lines.
    pub log: u32,
    /// Size of the call's result in bytes. Its posts have a second budget of the same size.
    pub reply: usize,
    /// Size of the plugin's stored keys and values in bytes. In total, not per call.
    pub state: usize,
    /// Size of the body of a request or a response in bytes, each.
    pub http_body: usize,
    /// Total time that a call may wait for the network.
    pub http_time: Duration,
}

/// A plugin's overrides of the host-wide limits.
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

    /// The bytes that one transfer between guest and host may copy. No single value of a plugin needs more than the
    /// largest of these limits.
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
