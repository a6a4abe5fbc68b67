//! `tcp`: measures how long a connection to a granted host and port takes. It sends and reads nothing.

use super::super::{bindings::tcp::Host, call::CallState};

impl Host for CallState {
    async fn connect_time(&mut self, host: String, port: u16) -> wasmtime::Result<Result<u64, String>> {
        self.lend()?;
        let took = self.egress.connect_time(&host, port).await;
        Ok(took.map(|took| u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)))
    }
}
