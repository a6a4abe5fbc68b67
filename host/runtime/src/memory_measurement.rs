//! Measures the memory of a fresh instance, for the report of `cordboard plugin check`.

use super::{
    call::{self, CallEnvironment},
    call_error::CallError,
    call_output::CallOutput,
    registry::Registry,
};

/// The size of an instance's linear memory, in bytes.
struct Bytes(usize);

/// A measurement doesn't count against the `reply` limit.
impl CallOutput for Bytes {
    fn bytes(&self) -> usize {
        0
    }

    fn scrubbed(self) -> Self {
        self
    }
}

impl Registry {
    /// Returns the linear memory of a fresh instance of the plugin `name`, in bytes, or `None` if no version is active.
    ///
    /// # Errors
    /// Fails if the instance can't be created.
    pub async fn instance_memory(&self, name: &str) -> Result<Option<usize>, CallError> {
        let snapshot = self.snapshot();
        let Some(version) = snapshot.version(name) else { return Ok(None) };
        let Some(pre) = version.exports.any() else { return Ok(None) };
        let measured =
            call::run(self.engine(), &version.call_settings, CallEnvironment::default(), |mut store| async move {
                let instance = pre.instantiate_async(&mut store).await;
                let used = store.data().meter.memory();
                (store, instance.map(|_| Bytes(used)))
            });
        measured.await.map(|bytes| Some(bytes.0))
    }
}
