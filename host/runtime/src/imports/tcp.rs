//! `tcp`: measures how long it takes to connect to a granted host and port. It doesn't send or read any data.

use super::super::{bindings::tcp::Host, call::CallState};

impl Host for CallState {
    async fn connect_time(&mut self, host: String, port: u16) -> wasmtime::Result<Result<u64, String>> {
        self.host()?;
        let measured = self.http.connect_time(&host, port).await;
        let nanos = measured.map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        Ok(nanos.map_err(|error| error.to_string()))
    }
}
