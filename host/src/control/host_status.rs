//! Defines the report that the status page and `cordboard top` show.

use cordboard_core::{rollout::Rollback, types::Exchange};
use serde::{Deserialize, Serialize};

use super::{PluginRow, PostRow, RequestRow, SessionRow};
use crate::logging::LoggedProblem;

/// The state of a running host. All times are in milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The host's clock, so that a viewer can compute how long ago something happened.
    pub now: u64,
    pub host: HostStatus,
    /// The last turns of a session, if they were requested.
    pub session: Option<SessionExchanges>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostStatus {
    pub version: String,
    /// The resident memory of the host in bytes.
    pub memory: Option<u64>,
    /// The most recently active session is the first.
    pub sessions: Vec<SessionReport>,
    /// The oldest request is the first.
    pub requests: Vec<RequestRow>,
    pub plugins: Vec<PluginReport>,
    pub outbox: QueueReport,
    /// The latest warnings and errors in the log, the latest first.
    pub log: Vec<LoggedProblem>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionReport {
    #[serde(flatten)]
    pub row: SessionRow,
    /// The resident memory of the agent and its children in bytes.
    pub memory: Option<u64>,
    /// The reason for the phase `asking` or `broken`.
    pub why: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginReport {
    #[serde(flatten)]
    pub row: PluginRow,
    pub calls: u64,
    pub failures: u64,
    /// The median duration of a call in seconds.
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    /// The versions that were active since the host was started, the latest last.
    pub activations: Vec<Activation>,
    /// The automatic rollbacks, the latest last.
    pub rollbacks: Vec<Rollback>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    pub digest: String,
    pub generation: u32,
    pub since: u64,
}

/// The host's queues of accepted messages and unsent posts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueReport {
    /// The number of accepted messages that are not completed yet.
    pub inbox: u64,
    /// The number of posts that are not sent yet. Only the oldest of them are in `posts`.
    pub waiting: usize,
    pub posts: Vec<PostRow>,
    /// The latest failed or degraded deliveries, the latest last.
    pub problems: Vec<PostRow>,
    /// The reason why the queues can't be read.
    pub error: Option<String>,
}

/// The last turns of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionExchanges {
    pub name: String,
    /// The latest turn is the last.
    pub turns: Vec<Exchange>,
    /// The reason why the turns can't be read.
    pub error: Option<String>,
}
