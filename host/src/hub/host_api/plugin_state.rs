//! Implements plugin state on top of the store.

use async_trait::async_trait;
use cordboard_runtime::{PluginState, StateError, Swap};
use cordboard_store::{Limit, StoreError};

use crate::hub::host_api::HostService;

#[async_trait]
impl PluginState for HostService {
    async fn get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.store.state_get(plugin, key).await.map_err(store_error)
    }

    async fn set(&self, plugin: &str, key: &str, value: Option<Vec<u8>>, limit: usize) -> Result<(), StateError> {
        let done = match value {
            Some(value) => self.store.state_set(plugin, key, value, state_limit(plugin, limit)).await,
            None => self.store.state_delete(plugin, key).await,
        };
        done.map_err(store_error)
    }

    async fn keys(&self, plugin: &str, prefix: &str) -> Result<Vec<String>, StateError> {
        self.store.state_keys(plugin, prefix).await.map_err(store_error)
    }

    async fn swap(
        &self,
        plugin: &str,
        key: &str,
        swap: Swap,
        limit: usize,
    ) -> Result<Result<(), Option<Vec<u8>>>, StateError> {
        let Swap { expected, value } = swap;
        let swap = cordboard_store::CompareAndSwap { expected, value };
        self.store.state_swap(plugin, key, swap, state_limit(plugin, limit)).await.map_err(store_error)
    }
}

fn state_limit(plugin: &str, bytes: usize) -> Limit {
    Limit { key: format!("plugins.{plugin}.state"), bytes: bytes as u64 }
}

fn store_error(error: StoreError) -> StateError {
    StateError::Store(Box::new(error))
}
