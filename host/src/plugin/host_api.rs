//! What the board lends to plugins, as this module needs it: a port that the application implements.
//!
//! Every method takes the caller and checks that caller's rights; a plugin is never asked.

use std::sync::Arc;

use async_trait::async_trait;
use cordboard_core::{
    session::{ApiError, Order},
    types::{Caller, Place, Reply, SessionName, SessionView, Timestamp},
};

use super::{
    admin_command::{AdminCommand, Outcome},
    call::CallContext,
    outbound_http::FakeNetwork,
};

/// Which sessions a plugin asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveFilter {
    Current,
    Archived,
}

/// What a new session is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSpec {
    pub name: String,
    pub agent: Option<String>,
    pub persona: Option<String>,
    pub model: Option<String>,
    pub folder: Option<String>,
}

/// Something to choose from, as a persona or an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub name: String,
    pub description: String,
}

/// The plugin's own keys in the store.
#[async_trait]
pub trait PluginState: Send + Sync {
    async fn get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, String>;
    async fn set(&self, plugin: &str, key: &str, value: Option<Vec<u8>>, limit: usize) -> Result<(), String>;
    async fn keys(&self, plugin: &str, prefix: &str) -> Result<Vec<String>, String>;
    /// The inner error is the value that was found instead of `expected`.
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
    /// The session of the call: that of the pressed button, else the active one of the place.
    fn active(&self, caller: &Caller, place: &Place) -> Option<SessionView>;
    /// The active session of the place, even if the call is for another one.
    fn current(&self, caller: &Caller, place: &Place) -> Option<SessionView> {
        self.active(caller, place)
    }
    fn count(&self, caller: &Caller) -> usize;
    /// Latest active first.
    fn page(&self, caller: &Caller, shelf: ArchiveFilter, skip: usize, count: usize) -> Vec<SessionView>;
    fn find(&self, caller: &Caller, name: &str) -> Option<SessionView>;
    fn agents(&self) -> Vec<Choice>;
    async fn create(&self, caller: &Caller, blueprint: SessionSpec) -> Result<SessionView, ApiError>;
    async fn activate(&self, caller: &Caller, place: &Place, name: &SessionName) -> Result<SessionView, ApiError>;
    async fn order(&self, caller: &Caller, name: &SessionName, order: Order) -> Result<SessionView, ApiError>;
    async fn prompt(&self, caller: &Caller, name: &SessionName, text: String) -> Result<(), ApiError>;
    /// What answers in the place of the network; none: the network itself.
    fn far_side(&self) -> Option<Arc<dyn FakeNetwork>> {
        None
    }
    /// Whether a call of theirs may post there; the error is for people.
    async fn may_post(&self, asked: &CallContext, place: &Place) -> Result<(), String>;
    async fn post(&self, place: &Place, reply: Reply) -> Result<(), String>;
    /// What came of it, for the caller; without one it is denied.
    async fn steer_plugin(&self, caller: Option<&Caller>, plugin: &str, order: AdminCommand) -> Outcome;
}
