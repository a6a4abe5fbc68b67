//! `secrets`: placeholders of what the plugin may send and never see.

use super::super::{bindings::secrets::Host, call::CallState};

impl Host for CallState {
    async fn placeholder(&mut self, name: String) -> wasmtime::Result<Result<String, String>> {
        self.lend()?;
        Ok(self.egress.vault.placeholder(&self.generation.name, &name))
    }
}
