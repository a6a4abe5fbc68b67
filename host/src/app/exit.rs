//! The reasons for which a host shuts down.

use super::AppError;

/// The reason for the shutdown.
#[derive(Debug)]
pub enum ExitReason {
    /// SIGTERM, SIGINT, SIGHUP, a user of the console who quits, or a closed standard output.
    Requested,
    /// The input of the console has ended. Open turns are finished before the shutdown.
    InputEnded,
    Failed(AppError),
}
