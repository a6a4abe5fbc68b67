//! `state`: the plugin's own key-value store.

use super::super::{
    bindings::state::{Host, SwapError},
    call::CallState,
    call_output::CallOutput,
    host_api::Swap,
};

/// Keys and values are scrubbed, because a plugin may have decoded a secret that a server returned in an encoding that
/// the response filter doesn't recognize.
impl Host for CallState {
    /// Traps if the store can't be read, because the plugin must not treat the key as absent.
    async fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let (lent, key) = (self.lend()?, key.scrubbed());
        lent.board.get(&self.profile.name, &key).await.map_err(wasmtime::Error::msg)
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), String>> {
        let lent = self.lend()?;
        let (key, value) = (key.scrubbed(), value.scrubbed());
        Ok(lent.board.set(&self.profile.name, &key, Some(value), self.profile.limits.state).await)
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), String>> {
        let (lent, key) = (self.lend()?, key.scrubbed());
        Ok(lent.board.set(&self.profile.name, &key, None, self.profile.limits.state).await)
    }

    async fn keys(&mut self, prefix: String) -> wasmtime::Result<Vec<String>> {
        let lent = self.lend()?;
        lent.board.keys(&self.profile.name, &prefix).await.map_err(wasmtime::Error::msg)
    }

    async fn compare_and_swap(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
    ) -> wasmtime::Result<Result<(), SwapError>> {
        let lent = self.lend()?;
        let (key, limit) = (key.scrubbed(), self.profile.limits.state);
        let swap = Swap { expected: expected.scrubbed(), value: value.scrubbed() };
        let swapped = lent.board.swap(&self.profile.name, &key, swap, limit).await;
        Ok(match swapped {
            Ok(outcome) => outcome.map_err(SwapError::Changed),
            Err(why) => Err(SwapError::Failed(why)),
        })
    }
}
