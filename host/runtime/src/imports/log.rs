//! `log`: writes log records with the plugin's name. The `log` limit bounds the number of lines per call.

use super::super::{
    bindings::log::{Host, Level},
    call::CallState,
};

impl Host for CallState {
    async fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.log.write(level, &message);
        Ok(())
    }
}
