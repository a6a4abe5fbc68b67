//! `state`: reads and writes the plugin's own key-value store.

use super::super::{
    bindings::state::{Host, SwapError},
    call::CallState,
    call_output::CallOutput,
    host_api::Swap,
};

/// Scrubs keys and values, because a server may have returned a secret in an encoding that the response filter doesn't
/// recognize, and the plugin may have decoded it.
impl Host for CallState {
    /// Traps if the store can't be read, because the plugin must not treat the key as absent.
    async fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let (host, key) = (self.host()?, key.scrubbed());
        host.api.get(&self.call_settings.name, &key).await.map_err(wasmtime::Error::msg)
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), String>> {
        let host = self.host()?;
        let (key, value) = (key.scrubbed(), value.scrubbed());
        let stored = host.api.set(&self.call_settings.name, &key, Some(value), self.call_settings.limits.state).await;
        Ok(stored.map_err(|error| error.to_string()))
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), String>> {
        let (host, key) = (self.host()?, key.scrubbed());
        let deleted = host.api.set(&self.call_settings.name, &key, None, self.call_settings.limits.state).await;
        Ok(deleted.map_err(|error| error.to_string()))
    }

    async fn keys(&mut self, prefix: String) -> wasmtime::Result<Vec<String>> {
        let host = self.host()?;
        host.api.keys(&self.call_settings.name, &prefix).await.map_err(wasmtime::Error::msg)
    }

    async fn compare_and_swap(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
    ) -> wasmtime::Result<Result<(), SwapError>> {
        let host = self.host()?;
        let (key, limit) = (key.scrubbed(), self.call_settings.limits.state);
        let swap = Swap { expected: expected.scrubbed(), value: value.scrubbed() };
        let swapped = host.api.swap(&self.call_settings.name, &key, swap, limit).await;
        Ok(match swapped {
            Ok(outcome) => outcome.map_err(SwapError::Changed),
            Err(error) => Err(SwapError::Failed(error.to_string())),
        })
    }
}
