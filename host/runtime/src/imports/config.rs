//! `config`: returns the plugin's own configuration table as JSON.

use super::super::{bindings::config::Host, call::CallState};

impl Host for CallState {
    async fn read(&mut self) -> wasmtime::Result<String> {
        self.count_call()?;
        Ok(self.call_settings.config.to_string())
    }
}
