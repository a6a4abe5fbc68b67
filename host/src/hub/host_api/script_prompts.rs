//! Sends scripts' prompts to sessions. A prompt is stored before the script learns that it was accepted. The chat of the
//! session shows the prompt before its answer, because no user has typed it there.

use cordboard_core::{
    agent_event::PromptId,
    language::with_language,
    messages, scrub,
    session::{ApiError, ApiErrorCode},
    types::{Alert, Place, PromptKind, Reply, SessionName, SessionView, Urgency},
    updates_and_posts::{NewPost, Origin, Update, UpdateKind},
};
use cordboard_runtime::refuse;
use tokio::sync::oneshot;

use super::{HostService, chat_members, send::denied};
use crate::{
    hub::{
        filters::Filtered,
        session_errors::{not_stored, taken, unknown},
    },
    session::PromptOutcome,
};

/// A prompt that was stored and sent to its session.
#[derive(Debug)]
pub struct ScriptedPrompt {
    /// The id of the session.
    pub session: SessionName,
    pub id: PromptId,
    pub outcome: oneshot::Receiver<PromptOutcome>,
}

impl HostService {
    /// Filters, stores and sends a prompt from a script like one that the operator typed. Its text is never dispatched as
    /// a command, because the text may be arbitrary data. Returns once the session has received the prompt.
    ///
    /// # Errors
    /// The session can't receive the prompt, a filter refuses it, the budget is spent, or the store fails.
    pub async fn send_from_script(&self, name: &SessionName, text: String) -> Result<ScriptedPrompt, ApiError> {
        let caller = chat_members::script();
        let view = self.visible(&caller, name.as_str())?;
        if view.record.archived {
            return Err(taken(&view, &caller));
        }
        let place = view.record.place.clone();
        let place = place.ok_or_else(|| refuse(ApiErrorCode::Failed, messages::never_active(name)))?;
        if let Some(budget) = self.usage.spent_budget().await {
            return Err(refuse(ApiErrorCode::Denied, messages::budget_refusal(&budget)));
        }
        let update = Update {
            key: format!("script:{}", uuid::Uuid::new_v4()),
            caller,
            place,
            what: UpdateKind::Text(text),
            at: self.clock.now(),
            locale: None,
            origin: Origin { prompt_kind: Some(PromptKind::Text), ..Origin::default() },
        };
        // The script waits for the filters: until then, it doesn't rely on the prompt, so the prompt need not be stored.
        let filtered = self.filter(&update, &view).await.map_err(|refusal| denied(&refusal))?;
        self.accept_from_script(&update, filtered, &view).await
    }

    /// Stores a prompt that has passed the filters, and sends it.
    async fn accept_from_script(
        &self,
        update: &Update,
        filtered: Filtered,
        view: &SessionView,
    ) -> Result<ScriptedPrompt, ApiError> {
        // From here on, the session must keep its name.
        let names = self.sessions.name_lock.read().await;
        let session = view.record.id().clone();
        let name = self.registry().name_of(&session);
        if self.registry().view(name.as_str()).is_none() {
            return Err(unknown(name.as_str()));
        }
        let post = self.announcement(&update.place, &name, update.what.text());
        let accepted = self.store.accept_announced(filtered.update.clone(), &name, post).await;
        let (id, post) = accepted.map_err(|error| not_stored(&error))?;
        let outcome = self.sessions.outcomes().watch(&id);
        self.outbound.post_stored(vec![post]);
        self.prompt_session(&name, &filtered.update, id.clone(), Urgency::Normal).await;
        let handle = self.sessions.get(&name);
        drop(names);
        let synced = self.store.sync().await;
        self.show_notices(filtered).await;
        synced.map_err(|error| refuse(ApiErrorCode::Failed, messages::done_but_not_stored(error)))?;
        if let Some(session) = handle {
            session.caught_up().await;
        }
        Ok(ScriptedPrompt { session, id, outcome })
    }

    /// Returns the post that shows a script's prompt in the session's chat.
    fn announcement(&self, place: &Place, session: &SessionName, text: &str) -> NewPost {
        let beginning = messages::beginning(&scrub::text(text.to_owned()));
        let text = || messages::script_prompt(session, &beginning);
        let reply = messages::plain(&with_language(self.outbound.language(place), text));
        NewPost::new(place.clone(), Reply { alert: Alert::Silent, ..reply })
    }
}
