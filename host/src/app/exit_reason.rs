//! The events that end a host.

use super::AppError;

/// The event that ended the host.
#[derive(Debug)]
pub enum ExitReason {
    /// SIGTERM, SIGINT, SIGHUP, a user of the console who quits, or a closed standard output.
    Requested,
    /// The input of the console has ended. Open turns are finished before the shutdown.
    InputEnded,
    Failed(AppError),
}
