//! The wall clock that guests read through WASI: the machine's clock, or a fixed time that makes test conversations
//! reproducible. The monotonic clock is always the machine's, because a guest that waits on a stopped clock would never
//! wake up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cordboard_core::types::Timestamp;
use wasmtime_wasi::{HostWallClock, WasiCtxBuilder};

/// The wall clock of all guests of an engine: a fixed time in milliseconds since the Unix epoch, or [`RUNNING`].
#[derive(Clone)]
pub struct GuestTime(Arc<AtomicU64>);

/// The special value that selects the machine's clock.
const RUNNING: u64 = u64::MAX;

impl Default for GuestTime {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(RUNNING)))
    }
}

impl GuestTime {
    /// Fixes the wall clock at `at` for all calls that start later.
    pub fn fix(&self, at: Timestamp) {
        self.0.store(at.0, Ordering::Release);
    }

    /// Sets the wall clock of one guest.
    pub fn set_clock(&self, wasi: &mut WasiCtxBuilder) {
        match self.0.load(Ordering::Acquire) {
            RUNNING => {}
            at => drop(wasi.wall_clock(FixedClock(Duration::from_millis(at)))),
        }
    }
}

/// A wall clock with a fixed time since the Unix epoch.
struct FixedClock(Duration);

impl HostWallClock for FixedClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}
