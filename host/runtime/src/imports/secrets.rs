//! `secrets`: returns placeholders for secrets that the plugin may send but not read.

use super::super::{bindings::secrets::Host, call::CallState};

impl Host for CallState {
    async fn placeholder(&mut self, name: String) -> wasmtime::Result<Result<String, String>> {
        self.host()?;
        Ok(self.http.secrets.placeholder(&self.call_settings.name, &name).map_err(|error| error.to_string()))
    }
}
