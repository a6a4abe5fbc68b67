//! `chat`: posts messages that no user asked for.

use cordboard_core::config::format_size;

use super::super::{
    bindings::{
        chat::Host,
        types::{Place, Reply},
    },
    buttons,
    call::CallState,
    call_output::CallOutput,
    convert,
};

impl Host for CallState {
    async fn post(&mut self, place: Place, message: Reply) -> wasmtime::Result<Result<String, String>> {
        let lent = self.lend()?;
        let message = message.scrubbed();
        let about = self.call_session();
        let session = about.as_ref().map(|view| &view.record.name);
        let message = buttons::own(convert::reply_of(message), (&self.profile, &*lent.directory), session);
        let place = convert::place_of(place);
        // Check the place before counting the post, so that a refused post doesn't use up the limit.
        if let Err(why) = lent.board.may_post(&self.asked, &place).await {
            return Ok(Err(why));
        }
        if !self.meter.post(message.bytes()) {
            return Ok(Err(format!(
                "this call reached its `reply` limit of {} for all posts, each counted as at least 4KiB: post less, or raise `reply` in [plugins.{}]",
                format_size(self.meter.limits().reply as u64),
                self.profile.name
            )));
        }
        Ok(lent.board.post(&place, message).await)
    }
}
