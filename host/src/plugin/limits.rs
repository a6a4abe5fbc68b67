//! What one call may use: time, memory in total, host calls, log lines, reply size. Each bound has the name of its key, so that an error
//! can say which line of the configuration raises it.

use std::{fmt, time::Duration};

use wasmtime::ResourceLimiter;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLimits {
    pub time: Duration,
    /// Bytes, over all linear memories of the instance.
    pub memory: usize,
    pub calls: u32,
    /// Lines.
    pub log: u32,
    /// Bytes of everything that a call gives back.
    pub reply: usize,
    /// Bytes of keys and values in the store.
    pub state: usize,
    /// Bytes of the body of one request or response.
    pub http_body: usize,
    /// What a call may wait for the network in all.
    pub http_time: Duration,
}

impl CallLimits {
    /// Bytes that one call in either direction may bring over: no text of a plugin need be larger than the largest of these.
    pub fn at_once(&self) -> usize {
        self.reply.max(self.state).max(self.http_body)
    }
}

/// A bound by the name of its key in `[plugins]` and `[plugins.NAME]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    Time,
    Memory,
    Calls,
    Reply,
    State,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Time => "time",
            Self::Memory => "memory",
            Self::Calls => "calls",
            Self::Reply => "reply",
            Self::State => "state",
        })
    }
}

/// How many table elements an instance may have: function pointers, so far more than a plugin has functions.
const TABLE_ELEMENTS: usize = 100_000;

/// Counts what a call has used.
#[derive(Debug)]
pub struct Meter {
    limits: CallLimits,
    memory: usize,
    calls: u32,
    /// Bytes.
    posted: usize,
    pub exceeded: Option<Limit>,
}

impl Meter {
    pub const fn new(limits: CallLimits) -> Self {
        Self { limits, memory: 0, calls: 0, posted: 0, exceeded: None }
    }

    pub const fn limits(&self) -> &CallLimits {
        &self.limits
    }

    /// Bytes of linear memory that it has now; they never get fewer.
    pub const fn memory(&self) -> usize {
        self.memory
    }

    /// Counts one host call; false when there were too many.
    pub const fn call(&mut self) -> bool {
        self.calls += 1;
        if self.calls > self.limits.calls {
            self.exceeded = Some(Limit::Calls);
        }
        self.calls <= self.limits.calls
    }
}

/// What a post counts for at least: each is a row in the store and a message in a chat, however short it is.
const LEAST_POST: usize = 4 << 10;

impl Meter {
    /// Counts a post of so many bytes; false where the posts of this call are more than a reply may be. What was refused
    /// does not count.
    pub const fn post(&mut self, bytes: usize) -> bool {
        let counted = if bytes < LEAST_POST { LEAST_POST } else { bytes };
        let posted = self.posted.saturating_add(counted);
        // One post is always let through that a reply could be.
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
        Ok(desired <= TABLE_ELEMENTS)
    }
}

#[cfg(test)]
mod tests {
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
    fn posts_are_counted_together_each_for_some() {
        let posts = |reply: usize, sizes: &[usize]| {
            let mut meter = Meter::new(CallLimits { reply, ..LIMITS });
            sizes.iter().map(|bytes| meter.post(*bytes)).collect::<Vec<_>>()
        };
        assert_eq!(posts(3 * LEAST_POST, &[1, LEAST_POST + 1, 1, 1]), [true, true, false, false]);
        assert_eq!(posts(3 * LEAST_POST, &[1, 1, 1, 1]), [true, true, true, false]);
        assert_eq!(posts(100, &[101, 100, 1]), [false, true, false]);
        assert_eq!(posts(100, &[usize::MAX, 1]), [false, true]);
    }

    #[test]
    fn memory_is_counted_over_all_memories() {
        let mut meter = Meter::new(CallLimits { memory: 100, ..LIMITS });
        assert!(meter.memory_growing(0, 60, None).expect("counted"));
        assert!(!meter.memory_growing(0, 60, None).expect("counted"), "a second memory counts with the first");
        assert_eq!(meter.exceeded, Some(Limit::Memory));
        assert!(meter.memory_growing(60, 100, None).expect("counted"));
    }
}
