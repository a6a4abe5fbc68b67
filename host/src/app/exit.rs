//! The reasons for which a host ends.

/// The reason for the shutdown.
#[derive(Debug)]
pub enum End {
    /// SIGTERM, SIGINT, SIGHUP, or a request of the user.
    Asked,
    /// The input has ended. Open turns are finished first.
    Input,
    Failed(String),
}
