//! The effects that a rollout requests. The caller performs them in order. `Persist` and `PersistAnswer` come first.

use std::time::Duration;

use super::{CommandId, GrantAnswer, Ticket};
use crate::session::ApiError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Store the state as it is now.
    Persist,
    PersistAnswer(GrantAnswer),
    /// Store the version as the latest one, and `replaced` as the one before it.
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
    /// Link the version with the current settings, and ask it for the commands and other extensions that it offers.
    Try {
        ticket: Ticket,
        digest: String,
        mode: TryMode,
    },
    /// End the build or trial. The result is no longer needed.
    Cancel {
        ticket: Ticket,
    },
    /// Publish the tried version, and report the result to the machine before any other input. Running calls of the
    /// replaced version have up to `drain` to finish.
    Activate {
        ticket: Ticket,
        drain: Duration,
    },
    /// Remove the active version. Its running calls have up to `drain` to finish.
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
    /// Send this text to the caller of a command and to the other operators, because the command's build is slow.
    Progress {
        command: CommandId,
        text: String,
    },
    /// Answer the caller of a command, and notify the other operators if the command succeeded. If `Progress` has
    /// already answered the caller, notify all operators instead.
    Answer {
        command: CommandId,
        answer: Result<String, ApiError>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryMode {
    /// Skip the trial if the version is already active with the current settings.
    IfChanged,
    Always,
}

/// The kind of a notice, in order of increasing importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeKind {
    /// Something has started. If this notice hasn't been sent yet, the next one about the same plugin replaces it.
    Progress,
    Done,
    /// Something that the operator has to fix.
    Trouble,
}
