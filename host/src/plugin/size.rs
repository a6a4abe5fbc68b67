//! What a plugin weighs: for its author, and for who plugs it in.

use wasmtime::component::InstancePre;

use super::{
    call::{self, CallContext, CallError, CallState},
    call_output::Told,
    registry::Registry,
    version::Exports,
};

/// The bytes of linear memory that an instance has.
struct Bytes(usize);

/// A measurement, which doesn't count as part of a reply.
impl Told for Bytes {
    fn bytes(&self) -> usize {
        0
    }

    fn scrubbed(self) -> Self {
        self
    }
}

impl Registry {
    /// The linear memory of a fresh instance of what serves as `name`, in bytes; none where nothing does.
    ///
    /// # Errors
    /// Where no instance can be made of it.
    pub async fn weigh(&self, name: &str) -> Result<Option<usize>, CallError> {
        let table = self.table();
        let Some(generation) = table.generation(name) else { return Ok(None) };
        let Some(pre) = generation.trades.any() else { return Ok(None) };
        let weighed = call::run(self.engine(), generation, (CallContext::default(), None), |mut store| async move {
            let instance = pre.instantiate_async(&mut store).await;
            let used = store.data().meter.memory();
            (store, instance.map(|_| Bytes(used)))
        });
        weighed.await.map(|bytes| Some(bytes.0))
    }
}

impl Exports {
    /// What every trade is an instance of.
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
