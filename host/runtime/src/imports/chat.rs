//! `chat`: posts messages to places, in addition to the reply of a call.

use cordboard_core::config::format_size;

use super::super::{
    bindings::{
        chat::Host,
        types::{Place, Reply},
    },
    button_check,
    call::CallState,
    call_output::CallOutput,
    convert,
};

impl Host for CallState {
    async fn post(&mut self, place: Place, message: Reply) -> wasmtime::Result<Result<String, String>> {
        let host = self.host()?;
        let message = message.scrubbed();
        let view = self.call_session();
        let session = view.as_ref().map(|view| view.record.id());
        let message =
            button_check::restrict(convert::reply_of(message), &self.call_settings, &*host.directory, session);
        let place = convert::place_of(place);
        // Check the place before counting the post, so that a refused post doesn't count against the limit.
        if let Err(why) = host.api.check_post(&self.context, &place).await {
            return Ok(Err(why.to_string()));
        }
        if !self.meter.count_post(message.bytes()) {
            return Ok(Err(format!(
                "this call reached its `reply` limit of {} for all posts, each counted as at least 4KiB: post less, or raise `reply` in [plugins.{}]",
                format_size(self.call_settings.limits.reply as u64),
                self.call_settings.name
            )));
        }
        Ok(host.api.post(&place, message).await.map_err(|error| error.to_string()))
    }
}
