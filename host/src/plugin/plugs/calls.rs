//! Calls of what is plugged in: each takes the table once, and with it its generation.

use std::sync::Arc;

use cordboard_core::{
    session::{Brief, Verdict},
    turn::Turn,
    types::{Moment, Reply, SessionView},
};

use super::{
    super::{
        board::Board,
        buttons,
        call::{Asked, CallError, Lent},
        table::Offer,
        trades::{Invocation, Load, Screen, ViewLimits},
    },
    Plugs,
};

mod unasked;

impl Plugs {
    pub(super) fn lent(&self, board: &Arc<dyn Board>) -> Option<Lent> {
        Some(Lent { board: Arc::clone(board), table: self.table() })
    }

    pub async fn command(
        &self,
        board: &Arc<dyn Board>,
        (offer, asked): (&Offer, Asked),
        typed: &Invocation,
    ) -> Result<Reply, CallError> {
        let (caller, place) = (asked.caller.clone(), asked.place.clone());
        let reply = self.caller.command(offer, (asked, self.lent(board)), typed).await?;
        // Read after the call, which may have switched the session.
        let active = caller.zip(place).and_then(|(caller, place)| board.active(&caller, &place));
        let session = active.as_ref().map(|view| &view.record.name);
        Ok(buttons::own(reply, (&offer.generation, &self.table()), session))
    }

    /// The verdict of the lifecycle plugin `policy`.
    pub async fn review(
        &self,
        board: &Arc<dyn Board>,
        policy: &str,
        idle: (&SessionView, Load),
    ) -> Result<Verdict, CallError> {
        let table = self.table();
        let generation = table.generation(policy).ok_or(CallError::NotOffered("lifecycle"))?;
        self.caller.review(generation, (about(idle.0), self.lent(board)), idle).await
    }

    pub async fn resume_notice(
        &self,
        board: &Arc<dyn Board>,
        policy: &str,
        idle: (&SessionView, Load),
    ) -> Result<Option<String>, CallError> {
        let table = self.table();
        let generation = table.generation(policy).ok_or(CallError::NotOffered("lifecycle"))?;
        self.caller.resume_notice(generation, (about(idle.0), self.lent(board)), idle).await
    }

    pub async fn resolve(&self, board: &Arc<dyn Board>, persona: &str, view: &SessionView) -> Result<Brief, CallError> {
        let table = self.table();
        let generation =
            table.persona(persona).ok_or_else(|| CallError::Said(format!("there is no persona '{persona}' now")))?;
        self.caller.resolve(generation, (about(view), self.lent(board)), (persona, view)).await
    }

    /// One frame of a turn in the words of the plugin that offers `mode`.
    pub async fn render(
        &self,
        mode: &str,
        shown: (&Turn, &SessionView, Moment),
        limits: &ViewLimits,
    ) -> Result<Screen, CallError> {
        let table = self.table();
        let generation = table.mode(mode).ok_or(CallError::NotOffered("view"))?;
        let mut screen = self.caller.render(generation, shown, (mode, limits)).await?;
        let own = |message| buttons::own(message, (generation, &table), Some(&shown.1.record.name));
        screen.messages = screen.messages.into_iter().map(own).collect();
        Ok(screen)
    }
}

/// A call that nobody asked for, about a session.
pub(super) fn about(view: &SessionView) -> Asked {
    Asked { active: Some(view.clone()), place: view.record.place.clone(), ..Asked::default() }
}
