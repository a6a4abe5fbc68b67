//! `attachments`: reads the files of the message that a filter sees.

use super::super::{bindings::attachments::Host, call::CallState};

/// The maximum number of bytes that one call to `read` returns.
const LONGEST_READ: u32 = 1 << 20;

impl Host for CallState {
    async fn read(&mut self, id: String, offset: u64, length: u32) -> wasmtime::Result<Result<Vec<u8>, String>> {
        let host = self.host()?;
        Ok(host.api.read_attachment(&id, offset, length.min(LONGEST_READ) as usize).await)
    }
}
