//! `sessions`: lists the sessions that the caller may see. A call without an identity sees none.

use cordboard_core::types::SessionView;

use super::super::{
    bindings::{sessions::Host, types},
    call::CallState,
    convert,
    host_api::ArchiveFilter,
};

impl CallState {
    fn shelf(&mut self, shelf: ArchiveFilter, offset: u32, limit: u32) -> wasmtime::Result<Vec<types::Session>> {
        let lent = self.lend()?;
        let Some(caller) = self.caller() else { return Ok(Vec::new()) };
        let here = self.asked.place.as_ref().and_then(|place| lent.board.current(caller, place));
        let here = here.map(|view| view.record.name);
        let listed = |view: &SessionView| {
            let mut session = convert::session(view);
            if here.as_ref() == Some(&view.record.name) {
                session.facts.push(("active".to_owned(), "here".to_owned()));
            }
            session
        };
        Ok(lent.board.page(caller, shelf, offset as usize, limit as usize).iter().map(listed).collect())
    }
}

impl Host for CallState {
    async fn count(&mut self) -> wasmtime::Result<u32> {
        let lent = self.lend()?;
        let count = self.caller().map_or(0, |caller| lent.board.count(caller));
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    async fn recent(&mut self, offset: u32, limit: u32) -> wasmtime::Result<Vec<types::Session>> {
        self.shelf(ArchiveFilter::Current, offset, limit)
    }

    async fn archived(&mut self, offset: u32, limit: u32) -> wasmtime::Result<Vec<types::Session>> {
        self.shelf(ArchiveFilter::Archived, offset, limit)
    }

    async fn find(&mut self, name: String) -> wasmtime::Result<Option<types::Session>> {
        let lent = self.lend()?;
        let found: Option<SessionView> = self.caller().and_then(|caller| lent.board.find(caller, &name));
        Ok(found.as_ref().map(convert::session))
    }
}
