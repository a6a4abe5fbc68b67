//! The reasons for which a host ends.

use super::AppError;

/// The reason for the shutdown.
#[derive(Debug)]
pub enum ExitReason {
    /// SIGTERM, SIGINT, SIGHUP, or a request of the user.
    Requested,
    /// The input has ended. Open turns are finished first.
    InputEnded,
    Failed(AppError),
}
