//! `requests`: lists the open questions of agents and answers them with the caller's rights. A call without a caller
//! sees questions only if `acts_as` is set.

use cordboard_core::session::{ApiError, SessionCommand};

use super::super::{
    bindings::requests::{Error, Host, Request},
    call::{CallState, HostHandle},
    call_output::CallOutput,
    convert,
    host_api::ArchiveFilter,
};

impl Host for CallState {
    async fn open(&mut self) -> wasmtime::Result<Vec<Request>> {
        let host = self.host()?;
        let Some(caller) = self.caller() else { return Ok(Vec::new()) };
        let views = host.api.page(caller, ArchiveFilter::Current, 0, usize::MAX);
        let mut open: Vec<Request> = views
            .iter()
            .flat_map(|view| view.requests.iter().map(|open| convert::request(&view.record.name, open)))
            .collect();
        open.sort_by_key(|request| request.since);
        Ok(open)
    }

    async fn answer(
        &mut self,
        session: String,
        number: Option<u64>,
        choices: Vec<String>,
        text: Option<String>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let command = SessionCommand::Answer { number, options: choices, text: text.scrubbed() };
        let answer = |host: HostHandle, caller, name| async move { host.api.control(&caller, &name, command).await };
        let failed = |error: ApiError| Error { code: error.code.as_str().to_owned(), message: error.text };
        Ok(self.on_session(&session, answer).await?.map(drop).map_err(failed))
    }
}
