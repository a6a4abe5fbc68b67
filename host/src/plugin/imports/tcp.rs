//! `tcp`: how long it takes to connect to a port that was granted. Nothing is sent or read.

use super::super::{bindings::tcp::Host, call::CallState};

impl Host for CallState {
    async fn connect_time(&mut self, host: String, port: u16) -> wasmtime::Result<Result<u64, String>> {
        self.lend()?;
        let took = self.egress.connect_time(&host, port).await;
        Ok(took.map(|took| u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)))
    }
}
