//! The events that end a host.

use super::AppError;

/// The event that ended the host.
#[derive(Debug)]
pub enum ExitReason {
    /// SIGTERM, SIGINT, SIGHUP, a user of the console who quits, or a closed standard output.
    Requested,
    /// The input of the console has ended. The host waits for open turns, at most `[console] drain`, and then shuts
    /// down.
    InputEnded,
    Failed(AppError),
}
