//! What one call of a plugin may use. The host-wide values stand in `[plugins]`, and `[plugins.NAME]` may replace each.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    section::Section,
    value::{bytes, number, span},
};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// A chat waits for a call: minutes are no answer any more.
const TIME: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(300);
/// A Rust component needs a little over 1 MiB to begin; the host's pool has room for 512 MiB a memory.
const MEMORY: RangeInclusive<u64> = MIB..=512 * MIB;
const CALLS: RangeInclusive<u32> = 1..=10_000_000;
const LOG: RangeInclusive<u32> = 0..=100_000;
const REPLY: RangeInclusive<u64> = KIB..=64 * MIB;
const STATE: RangeInclusive<u64> = KIB..=GIB;
const HTTP_BODY: RangeInclusive<u64> = KIB..=64 * MIB;
const HTTP_TIME: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// What a call may take of the processor; and twice of it may pass, waiting for the network left out.
    pub time: Duration,
    /// Bytes, of all memories of an instance together.
    pub memory: u64,
    /// Calls of the host's functions.
    pub calls: u32,
    /// Lines written to the log.
    pub log: u32,
    /// Bytes of what the call gives back.
    pub reply: u64,
    /// Bytes of keys and values that the plugin may keep, in all and not by call.
    pub state: u64,
    /// Bytes of the body of one request, and of one response.
    pub http_body: u64,
    /// What a call may wait for the network, in all.
    pub http_time: Duration,
}

/// What one plugin has instead of the host-wide limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimitOverrides {
    pub time: Option<Duration>,
    pub memory: Option<u64>,
    pub calls: Option<u32>,
    pub log: Option<u32>,
    pub reply: Option<u64>,
    pub state: Option<u64>,
    pub http_body: Option<u64>,
    pub http_time: Option<Duration>,
}

impl Limits {
    pub(super) const fn blank() -> Self {
        Self {
            time: Duration::ZERO,
            memory: 0,
            calls: 0,
            log: 0,
            reply: 0,
            state: 0,
            http_body: 0,
            http_time: Duration::ZERO,
        }
    }

    pub(super) fn lay(&mut self, section: &mut Section<'_, '_>) {
        let mut own = LimitOverrides::default();
        own.lay(section);
        *self = self.with(&own);
    }

    #[must_use]
    pub fn with(&self, own: &LimitOverrides) -> Self {
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

impl LimitOverrides {
    pub(super) fn lay(&mut self, section: &mut Section<'_, '_>) {
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
