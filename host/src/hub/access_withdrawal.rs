//! Withdraws the waiting prompts of people who lost the right to a session, both immediately and after a restart.
//! People who still have access are notified.

use std::collections::HashMap;

use cordboard_core::{
    agent::PromptId,
    chat::{Done, InboxRow, InboxState, NewPost, Update},
    messages,
    session::Input,
    types::{Caller, SessionName, UserId},
};

use super::{chat_members, host_api::HostService};

impl HostService {
    /// Returns the caller with the current role. `None` if the caller has no access.
    #[must_use]
    pub fn now_served(&self, caller: &Caller) -> Option<Caller> {
        let role = chat_members::role(&caller.id, &self.config().access)?;
        Some(Caller { role, ..caller.clone() })
    }

    /// Returns whether the author of a prompt may still use its session.
    fn may_prompt(&self, update: &Update, session: &SessionName) -> bool {
        let (caller, view) = (self.now_served(&update.caller), self.lines.roster.view(session.as_str()));
        caller.zip(view).is_some_and(|(caller, view)| caller.may_steer(&view.record.owner))
    }

    /// Must be called after each change of `[access]`. Reads the authors of waiting prompts from the store, so no other
    /// state is needed.
    pub async fn withdraw_revoked(&self) {
        self.forget_people().await;
        let open = match self.store.open_messages().await {
            Ok(open) => open,
            Err(error) => {
                tracing::error!(%error, "failed to drop the queued messages of users who lost access: restart Cordboard to retry");
                return;
            }
        };
        let mut withdrawn: HashMap<SessionName, Vec<PromptId>> = HashMap::new();
        for row in open {
            if let Some(session) = self.revoked(&row) {
                self.tell_withdrawn(&row.update, &session).await;
                withdrawn.entry(session).or_default().push(row.prompt);
            }
        }
        for (session, prompts) in withdrawn {
            tracing::info!(%session, count = prompts.len(), "dropped queued messages: their authors lost access to the session");
            if let Some(line) = self.lines.get(&session) {
                line.send(Input::Withdrawn(prompts)).await;
            }
        }
    }

    /// Must be called right after a prompt is sent to its session: its author may have lost the right after the check
    /// and before the prompt was stored.
    pub(super) async fn withdraw_if_revoked(&self, update: &Update, prompt: PromptId, session: &SessionName) {
        if !self.may_prompt(update, session)
            && let Some(line) = self.lines.get(session)
        {
            line.send(Input::Withdrawn(vec![prompt])).await;
        }
    }

    /// Returns the rows whose authors still have the right, and drops the others. Must run at startup, before the
    /// sessions get their prompts back.
    pub async fn drop_revoked(&self, rows: Vec<InboxRow>) -> Vec<InboxRow> {
        let mut left = Vec::with_capacity(rows.len());
        for row in rows {
            match self.revoked(&row) {
                None => left.push(row),
                Some(session) => {
                    self.tell_withdrawn(&row.update, &session).await;
                    self.posts.finish(vec![Done::Prompt(row.prompt)], Vec::new()).await;
                }
            }
        }
        self.forget_people().await;
        left
    }

    /// Returns the session of a prompt whose author may no longer use it. Updates without a session are checked when
    /// they are dispatched.
    fn revoked(&self, row: &InboxRow) -> Option<SessionName> {
        match &row.state {
            InboxState::New => None,
            InboxState::Waiting { session } | InboxState::Handed { session } => {
                (!self.may_prompt(&row.update, session)).then(|| session.clone())
            }
        }
    }

    async fn tell_withdrawn(&self, update: &Update, session: &SessionName) {
        if self.now_served(&update.caller).is_some() {
            let told = NewPost::new(update.place.clone(), messages::plain(&messages::withdrawn(session)));
            self.posts.finish(Vec::new(), vec![told]).await;
        }
    }

    /// Clears the active sessions of people who no longer have access, and closes the buttons in their private chats.
    async fn forget_people(&self) {
        let access = &self.config().access;
        let gone = |person: &UserId| chat_members::role(person, access).is_none();
        for scope in self.lines.roster.unbind_people(gone) {
            if let Err(error) = self.store.bind(&scope, None).await {
                tracing::warn!(%error, "failed to clear the active session of a user without access");
            }
        }
        let places = self.store.keyboard_places().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "failed to close the buttons of users without access");
            Vec::new()
        });
        for place in places.iter().filter(|place| chat_members::person_of(place).is_some_and(|person| gone(&person))) {
            self.posts.close_keyboards_of(place).await;
        }
    }
}
