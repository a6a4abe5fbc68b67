//! Implements the plugins' key-value stores on the fake host.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{FakeHost, Inner};
use cordboard_runtime::{PluginState, StateError, Swap};

use crate::dev::recorded_action::RecordedAction;

impl FakeHost {
    /// Returns all plugins' state, keyed by plugin and state key.
    pub fn plugin_state(&self) -> BTreeMap<(String, String), Vec<u8>> {
        self.inner().keys.clone()
    }
}

impl Inner {
    fn set_state(&mut self, plugin: &str, key: &str, value: Option<Vec<u8>>, limit: usize) -> Result<(), StateError> {
        let at = (plugin.to_owned(), key.to_owned());
        let others = self.keys.iter().filter(|(other, _)| other.0 == plugin && **other != at);
        let size: usize = others.map(|((_, key), value)| key.len() + value.len()).sum();
        match &value {
            Some(value) if size + key.len() + value.len() > limit => {
                let size = size + key.len() + value.len();
                return Err(StateError::Full { plugin: plugin.to_owned(), size, limit });
            }
            Some(value) => self.keys.insert(at, value.clone()),
            None => self.keys.remove(&at),
        };
        self.actions.push(RecordedAction::StateSet(key.to_owned(), value));
        Ok(())
    }
}

#[async_trait]
impl PluginState for FakeHost {
    async fn get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.inner().keys.get(&(plugin.to_owned(), key.to_owned())).cloned())
    }

    async fn set(&self, plugin: &str, key: &str, value: Option<Vec<u8>>, limit: usize) -> Result<(), StateError> {
        self.inner().set_state(plugin, key, value, limit)
    }

    async fn keys(&self, plugin: &str, prefix: &str) -> Result<Vec<String>, StateError> {
        let inner = self.inner();
        let own = inner.keys.keys().filter(|(owner, key)| owner == plugin && key.starts_with(prefix));
        Ok(own.map(|(_, key)| key.clone()).collect())
    }

    async fn swap(
        &self,
        plugin: &str,
        key: &str,
        swap: Swap,
        limit: usize,
    ) -> Result<Result<(), Option<Vec<u8>>>, StateError> {
        // Yield, so that concurrent changes conflict as on a real host.
        tokio::task::yield_now().await;
        let mut inner = self.inner();
        let found = inner.keys.get(&(plugin.to_owned(), key.to_owned())).cloned();
        if found != swap.expected {
            return Ok(Err(found));
        }
        inner.set_state(plugin, key, swap.value, limit).map(Ok)
    }
}
