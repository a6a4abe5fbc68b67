//! Defines why a host exits.

use super::AppError;

/// The reason why the host exits.
#[derive(Debug)]
pub enum ExitReason {
    /// SIGTERM, SIGINT or SIGHUP arrived, a console user quit, or standard output was closed.
    Requested,
    /// Console input ended. The host waits up to `[console] drain` for open turns, then shuts down.
    InputEnded,
    Failed(AppError),
}
