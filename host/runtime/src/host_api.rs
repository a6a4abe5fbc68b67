//! The host functions that plugins use: a trait that the application implements.
//!
//! Every method that takes a caller checks that caller's rights; the plugin isn't trusted to do so.

use std::sync::Arc;

use async_trait::async_trait;
use cordboard_core::{
    session::{ApiError, SessionCommand},
    types::{Caller, Place, Reply, SessionName, SessionView, Timestamp},
};

use super::{
    admin_command::{AdminCommand, Outcome},
    context::CallContext,
    outbound_http::FakeNetwork,
};

/// The sessions that a plugin lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveFilter {
    Current,
    Archived,
}

/// The settings of a new session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSpec {
    pub name: String,
    pub agent: Option<String>,
    pub persona: Option<String>,
    pub model: Option<String>,
    pub folder: Option<String>,
}

/// An entry of a list to choose from, such as a persona or an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub name: String,
    pub description: String,
}

/// A plugin's key-value store.
#[async_trait]
pub trait PluginState: Send + Sync {
    async fn get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, String>;
    async fn set(&self, plugin: &str, key: &str, value: Option<Vec<u8>>, limit: usize) -> Result<(), String>;
    async fn keys(&self, plugin: &str, prefix: &str) -> Result<Vec<String>, String>;
    /// Replaces the value of `key` if it equals `expected`. The inner error is the actual value.
    async fn swap(
        &self,
        plugin: &str,
        key: &str,
        change: Swap,
        limit: usize,
    ) -> Result<Result<(), Option<Vec<u8>>>, String>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    pub expected: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
}

#[async_trait]
pub trait HostApi: PluginState {
    fn now(&self) -> Timestamp;
    /// The session of the call: the one that a pressed button is bound to, or else the active one of the place.
    fn active(&self, caller: &Caller, place: &Place) -> Option<SessionView>;
    /// The active session of the place, even if the call is for another session.
    fn current(&self, caller: &Caller, place: &Place) -> Option<SessionView> {
        self.active(caller, place)
    }
    fn count(&self, caller: &Caller) -> usize;
    /// Lists sessions, the most recently active first.
    fn page(&self, caller: &Caller, shelf: ArchiveFilter, skip: usize, count: usize) -> Vec<SessionView>;
    fn find(&self, caller: &Caller, name: &str) -> Option<SessionView>;
    fn agents(&self) -> Vec<Choice>;
    async fn create(&self, caller: &Caller, spec: SessionSpec) -> Result<SessionView, ApiError>;
    async fn activate(&self, caller: &Caller, place: &Place, name: &SessionName) -> Result<SessionView, ApiError>;
    async fn order(&self, caller: &Caller, name: &SessionName, order: SessionCommand) -> Result<SessionView, ApiError>;
    async fn prompt(&self, caller: &Caller, name: &SessionName, text: String) -> Result<(), ApiError>;
    /// The replacement for the network in tests, or `None` to use the real network.
    fn far_side(&self) -> Option<Arc<dyn FakeNetwork>> {
        None
    }
    /// Checks whether this call may post in `place`. The error is a message for users.
    async fn may_post(&self, asked: &CallContext, place: &Place) -> Result<(), String>;
    /// Stores a post and returns its id, which no other post gets.
    async fn post(&self, place: &Place, reply: Reply) -> Result<String, String>;
    /// Executes an admin command and returns its result as text for the caller. Without a caller, the command is
    /// denied.
    async fn steer_plugin(&self, caller: Option<&Caller>, plugin: &str, order: AdminCommand) -> Outcome;
}
