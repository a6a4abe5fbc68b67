//! The effects that a rollout requests. The caller performs them in order. `Persist` and `PersistAnswer` come first.

use std::time::Duration;

use super::{CommandId, GrantAnswer, Ticket};
use crate::session::ApiError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Store the state as it is now.
    Persist,
    PersistAnswer(GrantAnswer),
    /// Store the version as the latest one, and the replaced one as the latest but one.
    Store {
        digest: String,
        replaced: Option<String>,
    },
    /// Delete the stored versions, so that a later plugin of this name can't fall back to them.
    DeleteStored,
    /// Compile the version.
    Build {
        ticket: Ticket,
        digest: String,
    },
    /// Link the version with the current settings, and ask it for its offers.
    Try {
        ticket: Ticket,
        digest: String,
        mode: TryMode,
    },
    /// End the build or trial. Its result isn't needed.
    Cancel {
        ticket: Ticket,
    },
    /// Publish the tried version, and report the result before any other input. Running calls of the version that it
    /// replaces have `drain` to finish.
    Activate {
        ticket: Ticket,
        drain: Duration,
    },
    /// Remove the active version. Its running calls have `drain` to finish.
    Deactivate {
        drain: Duration,
    },
    /// Ask the owner about a version that is pending approval.
    RequestApproval {
        digest: String,
        missing: Vec<String>,
    },
    /// Notify the operators.
    Notify {
        kind: NoticeKind,
        text: String,
    },
    /// Tell the caller of a command that the command takes long.
    Progress {
        command: CommandId,
        text: String,
    },
    /// Answer the caller of a command. If `Progress` has answered the caller already, notify all operators instead.
    Answer {
        command: CommandId,
        answer: Result<String, ApiError>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryMode {
    /// Don't try a version that is active with these settings.
    IfChanged,
    Always,
}

/// The kind of a notice, in order of increasing importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeKind {
    /// Something has started. The next notice about the same plugin replaces it.
    Progress,
    Done,
    /// Something that the operator has to fix.
    Trouble,
}
