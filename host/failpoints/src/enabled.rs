//! Counts the hits of the armed point, and kills the process on the specified one.

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

use rustix::process::{Signal, getpid, kill_process};

use super::{Failpoint, VARIABLE};

static ARMED: OnceLock<Armed> = OnceLock::new();

struct Armed {
    point: Failpoint,
    /// The number of hits until the kill.
    left: AtomicU32,
}

/// Arms the point that [`VARIABLE`] names, if it is set.
///
/// # Panics
/// The variable is set, but its value doesn't have the form `NAME:COUNT` with an existing name.
pub fn arm() {
    let Some(value) = std::env::var_os(VARIABLE) else { return };
    let parsed = value.to_str().and_then(Failpoint::parse);
    let Some((point, nth)) = parsed else { panic!("{VARIABLE} must be NAME:COUNT, not {}", value.display()) };
    ARMED.get_or_init(|| Armed { point, left: AtomicU32::new(nth) });
}

pub(super) fn hit(point: Failpoint) {
    let armed = ARMED.get().filter(|armed| armed.point == point);
    // SIGKILL gives the process no chance to clean up, as if the kernel had run out of memory.
    if armed.is_some_and(|armed| armed.left.fetch_sub(1, Ordering::Relaxed) == 1)
        && let Err(error) = kill_process(getpid(), Signal::KILL)
    {
        panic!("failed to kill this process at {}: {error}", point.name());
    }
}
