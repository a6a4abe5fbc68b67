//! `chat`: says something without being asked.

use super::super::{
    bindings::{
        chat::Host,
        types::{Place, Reply},
    },
    buttons,
    call::CallState,
    convert,
    told::Told,
};

impl Host for CallState {
    async fn post(&mut self, place: Place, message: Reply) -> wasmtime::Result<Result<(), String>> {
        let lent = self.lend()?;
        let message = message.scrubbed(&self.egress.vault);
        let message = buttons::own(convert::reply_of(message), &self.generation, &lent.table);
        Ok(lent.board.post(&convert::place_of(place), message).await)
    }
}
