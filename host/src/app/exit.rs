//! The reasons for which a host ends.

use super::AppError;

/// The reason for the shutdown.
#[derive(Debug)]
pub enum ExitReason {
    /// SIGTERM, SIGINT, SIGHUP, a request of the user, or a closed standard output.
    Requested,
    /// The input has ended. Open turns are finished first.
    InputEnded,
    Failed(AppError),
}
