//! What time guests read off the clock of WASI: the machine's, or one that stands still, so that a conversation goes the same way each
//! time. The monotonic clock is the machine's always: what waits for it would wait for ever.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cordboard_core::types::Timestamp;
use wasmtime_wasi::{HostWallClock, WasiCtxBuilder};

/// Of all calls on one plug board.
#[derive(Clone)]
pub struct GuestTime(Arc<AtomicU64>);

/// No moment: the machine's clock.
const RUNNING: u64 = u64::MAX;

impl Default for GuestTime {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(RUNNING)))
    }
}

impl GuestTime {
    /// Guests that are called from now on read `at`.
    pub fn stop(&self, at: Timestamp) {
        self.0.store(at.0, Ordering::Release);
    }

    /// Hands it to a guest.
    pub fn give(&self, wasi: &mut WasiCtxBuilder) {
        match self.0.load(Ordering::Acquire) {
            RUNNING => {}
            at => drop(wasi.wall_clock(Still(Duration::from_millis(at)))),
        }
    }
}

/// Since 1970.
struct Still(Duration);

impl HostWallClock for Still {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}
