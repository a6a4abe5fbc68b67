//! Calls that no user asked for: events, jobs that are due, requests from the net.

use std::sync::Arc;

use cordboard_core::happening::Happening;

use super::{
    super::{bindings::hook::exports::cordboard::plugin::hook, call::CallError, convert, generation::Generation},
    Caller, Context, call,
};

impl Caller {
    pub async fn hook(
        &self,
        generation: &Arc<Generation>,
        context: Context,
        happening: &Happening,
    ) -> Result<(), CallError> {
        let _permit = self.permit().await;
        let event = hook::Event {
            kind: happening.kind.as_str().to_owned(),
            at: happening.at.0,
            session: happening.session.as_ref().map(convert::session),
            data: happening.data.clone(),
        };
        trade_call!(self, generation, hook, context, |guest, store| guest
            .cordboard_plugin_hook()
            .call_on_event(store, &event))
    }
}
