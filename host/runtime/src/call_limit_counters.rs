//! The limits of one call, and counters of its memory, its host calls and the size of its posts. Each limit carries the
//! name of its configuration key, so that an error can say which key to raise.

use std::fmt;

use cordboard_core::config::CallLimits;
use wasmtime::ResourceLimiter;

use super::engine::fixed_limits::MAX_TABLE_ELEMENTS;

/// A limit, displayed as its key in `[plugins]` and `[plugins.NAME]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    Time,
    Memory,
    Calls,
    Reply,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Time => "time",
            Self::Memory => "memory",
            Self::Calls => "calls",
            Self::Reply => "reply",
        })
    }
}

/// The minimum number of bytes that a post counts as. Even a short post costs a row in the store and a message in a
/// chat.
const MIN_POST: usize = 4 << 10;

/// Counts the memory, host calls and posts of a call.
#[derive(Debug)]
pub struct Meter {
    limits: CallLimits,
    memory: usize,
    calls: u32,
    /// The total size of the call's posts in bytes, at least [`MIN_POST`] per post.
    posted: usize,
    pub exceeded: Option<Limit>,
    /// Whether the call tried to grow a table beyond [`MAX_TABLE_ELEMENTS`].
    pub exceeds_table: bool,
}

impl Meter {
    pub const fn new(limits: CallLimits) -> Self {
        Self { limits, memory: 0, calls: 0, posted: 0, exceeded: None, exceeds_table: false }
    }

    /// Returns the total linear memory of the instance, in bytes. It never shrinks.
    pub const fn memory(&self) -> usize {
        self.memory
    }

    /// Counts one host call. Returns false if the call has made too many.
    pub const fn count_call(&mut self) -> bool {
        self.calls += 1;
        if self.calls > self.limits.calls {
            self.exceeded = Some(Limit::Calls);
        }
        self.calls <= self.limits.calls
    }

    /// Counts a post of `bytes`. If the call's posts would exceed the `reply` limit, returns false and doesn't count
    /// the post.
    pub fn count_post(&mut self, bytes: usize) -> bool {
        let posted = self.posted.saturating_add(bytes.max(MIN_POST));
        // The first post only needs to fit into `reply`, which may be less than `MIN_POST`.
        let fits = posted <= self.limits.reply || (self.posted == 0 && bytes <= self.limits.reply);
        if fits {
            self.posted = posted;
        }
        fits
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.limits.memory {
            self.exceeded = Some(Limit::Memory);
            return Ok(false);
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let fits = desired <= MAX_TABLE_ELEMENTS;
        self.exceeds_table |= !fits;
        Ok(fits)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: CallLimits = CallLimits {
        time: Duration::from_secs(1),
        memory: 1 << 20,
        calls: 10,
        log: 10,
        reply: 1 << 10,
        state: 1 << 10,
        http_body: 1 << 10,
        http_time: Duration::from_secs(1),
    };

    #[test]
    fn posts_share_the_limit_with_a_minimum_size_each() {
        let posts = |reply: usize, sizes: &[usize]| {
            let mut meter = Meter::new(CallLimits { reply, ..LIMITS });
            sizes.iter().map(|bytes| meter.count_post(*bytes)).collect::<Vec<_>>()
        };
        assert_eq!(posts(3 * MIN_POST, &[1, MIN_POST + 1, 1, 1]), [true, true, false, false]);
        assert_eq!(posts(3 * MIN_POST, &[1, 1, 1, 1]), [true, true, true, false]);
        assert_eq!(posts(100, &[101, 100, 1]), [false, true, false]);
        assert_eq!(posts(100, &[usize::MAX, 1]), [false, true]);
    }

    #[test]
    fn memory_is_limited_over_all_memories() {
        let mut meter = Meter::new(CallLimits { memory: 100, ..LIMITS });
        assert!(meter.memory_growing(0, 60, None).expect("counted"));
        assert!(!meter.memory_growing(0, 60, None).expect("counted"), "a second memory adds to the first");
        assert_eq!(meter.exceeded, Some(Limit::Memory));
        assert!(meter.memory_growing(60, 100, None).expect("counted"));
    }

    #[test]
    fn a_table_that_grows_too_large_is_recorded() {
        let mut meter = Meter::new(LIMITS);
        assert!(meter.table_growing(0, MAX_TABLE_ELEMENTS, None).expect("counted") && !meter.exceeds_table);
        assert!(!meter.table_growing(MAX_TABLE_ELEMENTS, MAX_TABLE_ELEMENTS + 1, None).expect("counted"));
        assert!(meter.exceeds_table && meter.exceeded.is_none());
    }
}
