//! Caches the linker for the most recent set of capabilities. Filling a linker takes longer than the rest of activating
//! a cached artifact, and the next version to be linked is usually of the same plugin, with the same set. A linker must
//! not contain anything that differs between plugins with the same set. Only one linker is cached, because each takes
//! 0.1 MB.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use cordboard_core::{
    capability::{Capability, GrantKind},
    config::NetworkGrants,
};
use wasmtime::component::{HasSelf, Linker};

use crate::{call::CallState, engine::SharedEngine, imports, network_access};

/// The names of the linked interfaces, and their linker.
type CachedLinker = (Vec<&'static str>, Arc<Linker<CallState>>);

pub struct Linkers {
    engine: SharedEngine,
    latest: Mutex<Option<CachedLinker>>,
}

impl Linkers {
    pub fn new(engine: SharedEngine) -> Self {
        Self { engine, latest: Mutex::default() }
    }

    pub const fn engine(&self) -> &SharedEngine {
        &self.engine
    }

    /// Returns a linker that contains WASI and the granted interfaces. WASI itself gives no access to files,
    /// environment variables or the network.
    pub fn get(&self, grants: &BTreeSet<String>, network: &NetworkGrants) -> wasmtime::Result<Arc<Linker<CallState>>> {
        let granted: Vec<Capability> =
            Capability::ALL.into_iter().filter(|one| is_granted(*one, grants, network)).collect();
        let http = network_access::is_granted(network, network_access::HTTP).then_some(network_access::HTTP);
        let set: Vec<&'static str> = granted.iter().map(|one| one.as_str()).chain(http).collect();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, linker)) = latest.as_ref().filter(|(names, _)| *names == set) {
            return Ok(Arc::clone(linker));
        }
        let linker = Arc::new(self.fill(&granted, network)?);
        *latest = Some((set, Arc::clone(&linker)));
        Ok(linker)
    }

    fn fill(&self, granted: &[Capability], network: &NetworkGrants) -> wasmtime::Result<Linker<CallState>> {
        let mut linker = Linker::new(self.engine.engine());
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        network_access::link(&mut linker, network)?;
        crate::bindings::types::add_to_linker::<_, HasSelf<CallState>>(&mut linker, |state| state)?;
        for capability in granted {
            imports::link(*capability, &mut linker)?;
        }
        Ok(linker)
    }
}

fn is_granted(capability: Capability, grants: &BTreeSet<String>, network: &NetworkGrants) -> bool {
    match capability.grant_kind() {
        GrantKind::Always => true,
        GrantKind::ByName => grants.contains(capability.as_str()),
        GrantKind::ByTargets => network_access::is_granted(network, capability.as_str()),
    }
}
