//! The functions of the host that plugins use, as traits. `hub/host_api` and the fake host for plugin tests implement
//! them.
//!
//! Every method that takes a caller checks that caller's rights; the plugin isn't trusted to do so.

use std::{error::Error, sync::Arc};

use async_trait::async_trait;
use cordboard_core::{
    access_entries::{AccessRequest, ListedPerson},
    budget::Budget,
    messages,
    session::{ApiError, SessionCommand},
    types::{
        Caller, Exchange, FolderEntry, FolderPage, OriginUsage, Place, Reply, SessionName, SessionView, Timestamp,
        Urgency, UsagePeriod,
    },
};

pub use super::bindings::{catalog::Choice, session_control::SessionSpec};
use super::{
    context::CallContext,
    outbound_network::FakeNetwork,
    post_permission::PostError,
    rollout_command::{AdminCommand, Outcome},
};

/// Whether to list the current or the archived sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveFilter {
    Current,
    Archived,
}

/// The reason why a plugin's state could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the plugin's state would have {size} bytes, more than its limit (`plugins.{plugin}.state` = {limit})")]
    Full { plugin: String, size: usize, limit: usize },
    #[error(transparent)]
    Store(Box<dyn Error + Send + Sync>),
}

/// The key-value stores of plugins.
#[async_trait]
pub trait PluginState: Send + Sync {
    async fn get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, StateError>;
    async fn set(&self, plugin: &str, key: &str, value: Option<Vec<u8>>, limit: usize) -> Result<(), StateError>;
    async fn keys(&self, plugin: &str, prefix: &str) -> Result<Vec<String>, StateError>;
    /// Replaces the value of `key` if it equals `expected`. The inner error is the actual value.
    async fn swap(
        &self,
        plugin: &str,
        key: &str,
        swap: Swap,
        limit: usize,
    ) -> Result<Result<(), Option<Vec<u8>>>, StateError>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    pub expected: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
}

/// Lists and changes who has access. Only the owner may call these methods. They fail if the call has no caller.
#[async_trait]
pub trait AccessControl: Send + Sync {
    async fn people(&self, caller: Option<&Caller>) -> Result<Vec<ListedPerson>, ApiError>;
    /// Returns the reply for the owner.
    async fn change_access(&self, caller: Option<&Caller>, request: AccessRequest) -> Result<String, ApiError>;
}

#[async_trait]
pub trait HostApi: PluginState + AccessControl {
    fn now(&self) -> Timestamp;
    /// Returns the session that the call acts on: the one that a pressed button is bound to, or else the caller's
    /// active session in the place.
    fn active(&self, caller: &Caller, place: &Place) -> Option<SessionView>;
    /// Returns the caller's active session in the place, even if the call acts on another session.
    fn current(&self, caller: &Caller, place: &Place) -> Option<SessionView> {
        self.active(caller, place)
    }
    fn count(&self, caller: &Caller) -> usize;
    /// Lists sessions, the most recently active first.
    fn page(&self, caller: &Caller, filter: ArchiveFilter, skip: usize, count: usize) -> Vec<SessionView>;
    fn find(&self, caller: &Caller, name: &str) -> Option<SessionView>;
    fn agents(&self) -> Vec<Choice>;
    async fn create(&self, caller: &Caller, spec: SessionSpec) -> Result<SessionView, ApiError>;
    async fn activate(&self, caller: &Caller, place: &Place, name: &SessionName) -> Result<SessionView, ApiError>;
    /// Renames a session, which keeps its folder and its conversation.
    async fn rename(&self, caller: &Caller, name: &SessionName, new_name: &str) -> Result<SessionView, ApiError>;
    /// Creates a session that continues the conversation of another one.
    async fn fork(&self, caller: &Caller, name: &SessionName, new_name: &str) -> Result<SessionView, ApiError>;
    /// Returns the last exchanges of the session's conversation, the oldest first.
    async fn history(&self, caller: &Caller, name: &SessionName, count: usize) -> Result<Vec<Exchange>, ApiError>;
    /// Executes a command on a session.
    async fn control(
        &self,
        caller: &Caller,
        name: &SessionName,
        command: SessionCommand,
    ) -> Result<SessionView, ApiError>;
    /// Sets the view mode for answers to the caller's own prompts.
    async fn set_own_mode(&self, caller: &Caller, mode: Option<String>) -> Result<(), ApiError>;
    async fn own_mode(&self, caller: &Caller) -> Result<Option<String>, ApiError>;
    /// Sends a prompt to a session.
    async fn prompt(&self, caller: &Caller, name: &SessionName, text: String, urgency: Urgency)
    -> Result<(), ApiError>;
    /// Returns the agent usage of all sessions that the caller may see.
    async fn usage(&self, caller: &Caller, period: UsagePeriod) -> Result<Vec<OriginUsage>, ApiError>;
    /// Returns the daily budget, if the configuration has one.
    async fn budget(&self) -> Result<Option<Budget>, ApiError>;
    /// Returns up to `length` bytes of a file in the message that a filter sees. The error is a message for the user.
    async fn read_attachment(&self, _id: &str, _offset: u64, _length: usize) -> Result<Vec<u8>, String> {
        Err(messages::NO_ATTACHMENTS.to_owned())
    }
    /// Lists the contents of a folder inside the session's folder.
    async fn files(&self, caller: &Caller, name: &SessionName, page: &FolderPage)
    -> Result<Vec<FolderEntry>, ApiError>;
    /// Returns the replacement for the network in tests, or `None` to use the real network.
    fn fake_network(&self) -> Option<Arc<dyn FakeNetwork>> {
        None
    }
    /// Checks whether a call with this context may post in `place`.
    async fn check_post(&self, context: &CallContext, place: &Place) -> Result<(), PostError>;
    /// Stores a post and returns its unique id.
    async fn post(&self, place: &Place, reply: Reply) -> Result<String, PostError>;
    /// Executes an admin command, and returns its result or the reason for its failure as text for the caller. Denies
    /// the command if there is no caller.
    async fn run_admin_command(&self, caller: Option<&Caller>, plugin: &str, command: AdminCommand) -> Outcome;
}
