//! Calls to active plugins. Each call loads the snapshot once and runs on the version that it finds there.

use std::sync::Arc;

use cordboard_core::{
    session::{PersonaSettings, Verdict},
    turn::{Turn, TurnFrame},
    types::{Reply, SessionView, Timestamp},
};

use super::{
    super::{
        buttons,
        call::HostHandle,
        call_error::CallError,
        context::CallContext,
        exports::{Invocation, Load, ViewLimits},
        host_api::HostApi,
        registry::snapshot::Offer,
    },
    Registry,
};

mod background;

impl Registry {
    pub(super) fn lent(&self, board: &Arc<dyn HostApi>) -> Option<HostHandle> {
        Some(HostHandle { board: Arc::clone(board), directory: self.table() })
    }

    pub async fn command(
        &self,
        board: &Arc<dyn HostApi>,
        (offer, asked): (&Offer, CallContext),
        typed: &Invocation,
    ) -> Result<Reply, CallError> {
        let (caller, place) = (asked.caller.clone(), asked.place.clone());
        let reply = self.caller.command(offer, (asked, self.lent(board)), typed).await?;
        // Read after the call, because the command may have switched the session.
        let active = caller.zip(place).and_then(|(caller, place)| board.active(&caller, &place));
        let session = active.as_ref().map(|view| &view.record.name);
        Ok(buttons::own(reply, (&offer.generation.profile, &*self.table()), session))
    }

    /// Returns the verdict of the lifecycle plugin `policy`.
    pub async fn review(
        &self,
        board: &Arc<dyn HostApi>,
        policy: &str,
        idle: (&SessionView, Load),
    ) -> Result<Verdict, CallError> {
        let table = self.table();
        let generation = table.generation(policy).ok_or(CallError::NotOffered("lifecycle"))?;
        self.caller.review(generation, (about(idle.0), self.lent(board)), idle).await
    }

    pub async fn resume_notice(
        &self,
        board: &Arc<dyn HostApi>,
        policy: &str,
        idle: (&SessionView, Load),
    ) -> Result<Option<String>, CallError> {
        let table = self.table();
        let generation = table.generation(policy).ok_or(CallError::NotOffered("lifecycle"))?;
        self.caller.resume_notice(generation, (about(idle.0), self.lent(board)), idle).await
    }

    pub async fn resolve(
        &self,
        board: &Arc<dyn HostApi>,
        persona: &str,
        view: &SessionView,
    ) -> Result<PersonaSettings, CallError> {
        let table = self.table();
        let generation = table
            .persona(persona)
            .ok_or_else(|| CallError::Plugin(format!("persona '{persona}' does not exist any more")))?;
        self.caller.resolve(generation, (about(view), self.lent(board)), (persona, view)).await
    }

    /// Renders one frame of a turn with the plugin that offers `mode`.
    pub async fn render(
        &self,
        mode: &str,
        shown: (&Turn, &SessionView, Timestamp),
        limits: &ViewLimits,
    ) -> Result<TurnFrame, CallError> {
        let table = self.table();
        let generation = table.mode(mode).ok_or(CallError::NotOffered("view"))?;
        let mut screen = self.caller.render(generation, shown, (mode, limits)).await?;
        let own = |message| buttons::own(message, (&generation.profile, &*table), Some(&shown.1.record.name));
        screen.messages = screen.messages.into_iter().map(own).collect();
        Ok(screen)
    }
}

/// The context of a call that no user made and that concerns a session.
pub(super) fn about(view: &SessionView) -> CallContext {
    CallContext { active: Some(view.clone()), place: view.record.place.clone(), ..CallContext::default() }
}
