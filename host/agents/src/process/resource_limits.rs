//! The limits that the system sets for this process: the number of open files and the size of files.

use std::sync::Arc;

/// Returns the maximum number of files that this process may have open at once, or `None` if there is no limit.
#[must_use]
pub fn open_file_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Makes a write beyond the file size limit (`ulimit -f`) fail with an error, as on a full disk, instead of ending the
/// host. The signal is caught rather than ignored, so that agents start with its default action.
pub fn catch_file_size_signal() {
    // The flag is never read.
    let caught = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    if let Err(error) = caught {
        tracing::warn!(%error, "failed to catch SIGXFSZ: a file size limit can end the host");
    }
}
