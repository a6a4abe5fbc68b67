//! Measures the memory of a plugin, as a report for its author.

use wasmtime::component::InstancePre;

use super::{
    call::{self, CallState},
    call_error::CallError,
    call_output::CallOutput,
    context::CallContext,
    registry::{Registry, version::Exports},
};

/// Linear memory of an instance, in bytes.
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
    pub async fn weigh(&self, name: &str) -> Result<Option<usize>, CallError> {
        let table = self.table();
        let Some(generation) = table.generation(name) else { return Ok(None) };
        let Some(pre) = generation.exports.any() else { return Ok(None) };
        let weighed =
            call::run(self.engine(), &generation.profile, (CallContext::default(), None), |mut store| async move {
                let instance = pre.instantiate_async(&mut store).await;
                let used = store.data().meter.memory();
                (store, instance.map(|_| Bytes(used)))
            });
        weighed.await.map(|bytes| Some(bytes.0))
    }
}

impl Exports {
    /// A pre-instance of the component. All extension points share the component, so any of them will do.
    pub(super) fn any(&self) -> Option<&InstancePre<CallState>> {
        None.or_else(|| self.command.as_ref().map(|pre| pre.instance_pre()))
            .or_else(|| self.lifecycle.as_ref().map(|pre| pre.instance_pre()))
            .or_else(|| self.persona.as_ref().map(|pre| pre.instance_pre()))
            .or_else(|| self.view.as_ref().map(|pre| pre.instance_pre()))
            .or_else(|| self.hook.as_ref().map(|pre| pre.instance_pre()))
            .or_else(|| self.schedule.as_ref().map(|pre| pre.instance_pre()))
            .or_else(|| self.webhook.as_ref().map(|pre| pre.instance_pre()))
    }
}
