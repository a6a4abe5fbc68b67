//! `chat`: says something without being asked.

use super::super::{
    bindings::{
        chat::Host,
        types::{Place, Reply},
    },
    call::CallState,
    convert,
};

impl Host for CallState {
    async fn post(&mut self, place: Place, message: Reply) -> wasmtime::Result<Result<(), String>> {
        let lent = self.lend()?;
        Ok(lent.board.post(&convert::place_of(place), convert::reply_of(message)).await)
    }
}
