//! Withdraws the open prompts of users who lost access to a session, and deletes the partial answers to these prompts
//! from the chats. Notifies the authors who still have access to the host. Also clears the active sessions of users who
//! lost access to the host, and closes the buttons in their private chats. This happens after each change of `[access]`
//! and at startup.

use std::collections::HashMap;

use cordboard_core::{
    agent_event::PromptId,
    messages,
    session::Input,
    types::{Caller, Place, SessionName, UserId},
    updates_and_posts::{CompletedUpdate, InboxRow, InboxState, NewPost, Update},
};

use super::{
    host_api::{HostService, chat_members},
    sessions::presenter::withdrawn_post,
};

impl HostService {
    /// Returns the caller with their current role in a place, or `None` if they have no access there.
    #[must_use]
    pub fn with_current_role(&self, caller: &Caller, place: &Place) -> Option<Caller> {
        let role = chat_members::role(&caller.id, place, &self.config().access)?;
        Some(Caller { role, ..caller.clone() })
    }

    /// Returns whether the author of a prompt may still use the prompt's session.
    pub(super) fn may_prompt(&self, update: &Update, session: &SessionName) -> bool {
        let caller = self.with_current_role(&update.caller, &update.place);
        let view = self.sessions.registry.view(session.as_str());
        caller.zip(view).is_some_and(|(caller, view)| caller.may_control(&view.record.owner))
    }

    /// Withdraws the open prompts whose authors lost access. Must be called after each change of `[access]`. Reads the
    /// open prompts and their authors from the store. The sessions then settle the prompts and end the turns.
    pub async fn withdraw_revoked(&self) {
        let _names = self.sessions.name_lock.read().await;
        let open = match self.store.open_messages().await {
            Ok(open) => open,
            Err(error) => {
                tracing::error!(%error, "failed to drop the queued messages of users who lost access: restart Cordboard to retry");
                Vec::new()
            }
        };
        let (_, revoked) = self.split_revoked(open).await;
        let mut withdrawn: HashMap<SessionName, Vec<PromptId>> = HashMap::new();
        for (prompt, session) in revoked {
            withdrawn.entry(session).or_default().push(prompt);
        }
        for (session, prompts) in withdrawn {
            tracing::info!(%session, count = prompts.len(), "dropped queued messages: their authors lost access to the session");
            if let Some(session) = self.sessions.get(&session) {
                session.send(Input::AccessLost(prompts)).await;
            }
        }
    }

    /// Does the same as [`Self::withdraw_revoked`] at startup. No session has a prompt yet, so this function settles
    /// the prompts itself. It also ends the turns that the previous run of the host left unfinished. Returns the rows
    /// that remain open.
    pub async fn withdraw_at_start(&self, open: Vec<InboxRow>) -> Vec<InboxRow> {
        let (left, revoked) = self.split_revoked(open).await;
        // End the turns first: once a prompt is settled, the messages of its turn can no longer be found.
        self.end_streamed_turns(&left, &revoked).await;
        let revoked: Vec<CompletedUpdate> =
            revoked.into_iter().map(|(prompt, _)| CompletedUpdate::Prompt(prompt)).collect();
        if !revoked.is_empty() {
            self.outbound.finish(revoked, Vec::new()).await;
        }
        left
    }

    /// Deletes the messages of withdrawn turns and of turns whose reader may no longer see the session. Marks the other
    /// turns' answers as interrupted.
    async fn end_streamed_turns(&self, left: &[InboxRow], revoked: &[(PromptId, SessionName)]) {
        let turns = match self.store.streamed_turns().await {
            Ok(turns) => turns,
            // Return without marking any turn: a marked message would stay in the chat even if its reader has lost
            // access.
            Err(error) => return tracing::error!(%error, "failed to end unfinished turns: the next start tries again"),
        };
        for (turn, place) in turns {
            // If the agent started the turn by itself, the session is unknown.
            let session = left.iter().find(|row| row.prompt == turn).and_then(|row| session_of(&row.state));
            let view = session.and_then(|session| self.sessions.registry.view(session.as_str()));
            let is_revoked = revoked.iter().any(|(prompt, _)| *prompt == turn);
            if is_revoked || !chat_members::may_read(&place, view.as_deref(), &self.config().access) {
                self.outbound.finish(Vec::new(), vec![withdrawn_post(&place, &turn)]).await;
            }
        }
        self.outbound.mark_cut_off().await;
    }

    /// Applies the current `[access]` to active sessions, buttons and open prompts. Returns the rows that remain open,
    /// and the prompts that were withdrawn, each with its session.
    async fn split_revoked(&self, open: Vec<InboxRow>) -> (Vec<InboxRow>, Vec<(PromptId, SessionName)>) {
        self.withdraw_people().await;
        let (mut left, mut revoked) = (Vec::with_capacity(open.len()), Vec::new());
        for row in open {
            match self.revoked(&row) {
                None => left.push(row),
                Some(session) => {
                    self.notify_withdrawn(&row.update, &session).await;
                    revoked.push((row.prompt, session));
                }
            }
        }
        (left, revoked)
    }

    /// Withdraws a prompt if its author has lost access to the session. Must be called right after the prompt is sent
    /// to the session, because access may have been withdrawn after the check and before the prompt was stored.
    pub(super) async fn withdraw_if_revoked(&self, update: &Update, prompt: PromptId, session: &SessionName) {
        if !self.may_prompt(update, session)
            && let Some(session) = self.sessions.get(session)
        {
            session.send(Input::AccessLost(vec![prompt])).await;
        }
    }

    /// Returns the prompt's session if the author may no longer use it. Updates without a session are checked when they
    /// are dispatched.
    fn revoked(&self, row: &InboxRow) -> Option<SessionName> {
        let session = session_of(&row.state)?;
        (!self.may_prompt(&row.update, session)).then(|| session.clone())
    }

    async fn notify_withdrawn(&self, update: &Update, session: &SessionName) {
        if self.with_current_role(&update.caller, &update.place).is_some() {
            let post = NewPost::new(update.place.clone(), messages::plain(&messages::session_access_lost(session)));
            self.outbound.finish(Vec::new(), vec![post]).await;
        }
    }

    /// Clears the active sessions of people in places where they no longer have access, and closes the buttons in their
    /// private chats.
    async fn withdraw_people(&self) {
        let access = &self.config().access;
        let lost_access = |person: &UserId, place: &Place| chat_members::role(person, place, access).is_none();
        for scope in self.sessions.registry.unbind_people(lost_access) {
            if let Err(error) = self.store.set_active_session(&scope, None).await {
                tracing::warn!(%error, "failed to clear the active session of a user without access");
            }
        }
        let places = self.store.places_with_open_buttons().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "failed to close the buttons of users without access");
            Vec::new()
        });
        let is_lost = |place: &&Place| chat_members::person_of(place).is_some_and(|person| lost_access(&person, place));
        for place in places.iter().filter(is_lost) {
            self.outbound.close_keyboards_of(place).await;
        }
    }
}

const fn session_of(state: &InboxState) -> Option<&SessionName> {
    match state {
        InboxState::New => None,
        InboxState::Queued { session } | InboxState::Sent { session } => Some(session),
    }
}
