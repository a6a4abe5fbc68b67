//! Defines the errors that a step can fail with. Most messages say how to correct the step's line.

use std::{io, path::PathBuf};

use cordboard_core::types::{InvalidName, UnknownRole};
use cordboard_runtime::PluginError;

use crate::dev::{SetupError, error::ConfigFaults};

#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error("unknown directive @{name}: use one of {known}")]
    Directive { name: String, known: &'static str },
    /// A directive with missing or malformed arguments.
    #[error("write {0}")]
    Usage(&'static str),
    #[error("'{given}' is not {what}: use {known}")]
    Unknown { given: String, what: &'static str, known: String },
    #[error("{given}: expected {what}")]
    Value { given: String, what: &'static str },
    #[error("'{0}' is not a duration: write +5m or +1h30m to advance the clock, or a time such as 2026-01-01 09:00")]
    Duration(String),
    #[error("'{0}' is not a property: write key=value (or active, in @session)")]
    Property(String),
    #[error("unknown property '{key}': use one of {known}")]
    PropertyKey { key: String, known: &'static str },
    #[error("unknown session '{0}': add it with @session")]
    Session(String),
    #[error("session '{session}' can't start a turn, because it is {phase}")]
    NoTurnStarts { session: String, phase: &'static str },
    #[error(
        "the agent of session '{session}' can't ask, because it is {phase}: make the session busy, or idle and active"
    )]
    CannotAsk { session: String, phase: &'static str },
    #[error("no turn is running: start one with @turn")]
    NoTurn,
    #[error("there is no button [{0}]: no earlier message has buttons")]
    NoButtons(String),
    #[error("there is no button [{label}]: the last message with buttons has {labels}")]
    NoSuchButton { label: String, labels: String },
    #[error("a host rejects {method}: use {known}")]
    Method { method: String, known: String },
    #[error("a host removes '{0}', because it authenticates the sender: remove that @header")]
    Header(String),
    #[error("'{name}' is not a standard plugin; known plugins: {known}")]
    StandardPlugin { name: String, known: String },
    #[error("the plugin is rejected: {0}")]
    Rejected(PluginError),
    #[error(transparent)]
    OtherRejected(PluginError),
    #[error("failed to create a folder for secrets: {0}")]
    SecretFolder(io::Error),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Config(#[from] ConfigFaults),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error(transparent)]
    Role(#[from] UnknownRole),
}
