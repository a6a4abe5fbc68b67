//! Sends the prompts of plugins to sessions.

use std::time::Duration;

use cordboard_core::{
    messages,
    session::{ApiError, ApiErrorCode, Prompt},
    types::{Caller, PromptKind, SessionName, SessionView, Urgency},
    updates_and_posts::{NewPost, Origin, Update, UpdateKind},
};
use cordboard_runtime::refuse;
use tokio::time::timeout;

use super::HostService;
use crate::hub::{
    session_errors::{not_stored, unknown},
    sessions::supervisor::prompt_text,
};

/// The time that a call of a plugin waits for filters. After it, the call returns, and the host sends the prompt in the
/// background. Otherwise, the time limit of the call would cancel the prompt.
const CALL_WAIT: Duration = Duration::from_secs(1);

impl HostService {
    /// Filters, stores and sends a prompt from a plugin like one that a person typed. It is stored as assigned to this
    /// session, so that its text is never dispatched as a command, not even after a restart.
    pub(super) async fn send(
        &self,
        caller: &Caller,
        name: &SessionName,
        text: String,
        urgency: Urgency,
    ) -> Result<(), ApiError> {
        if self.filtered_files.is_some() {
            return Err(refuse(ApiErrorCode::Denied, messages::FILTER_CANNOT_SEND.to_owned()));
        }
        let view = self.visible(caller, name.as_str())?;
        // The answer to an urgent prompt is shown in the place where the user gave the command.
        let place = self.place.clone().filter(|_| urgency == Urgency::Now).or_else(|| view.record.place.clone());
        let place = place.ok_or_else(|| refuse(ApiErrorCode::Failed, messages::never_active(name)))?;
        if let Some(budget) = self.usage.spent_budget().await {
            return Err(refuse(ApiErrorCode::Denied, messages::budget_refusal(&budget)));
        }
        let update = Update {
            key: format!("plugin:{}", uuid::Uuid::new_v4()),
            caller: caller.clone(),
            place,
            what: UpdateKind::prompt(text, self.files.take(view.record.id())),
            at: self.clock.now(),
            locale: None,
            origin: Origin { prompt_kind: Some(PromptKind::Text), ..Origin::default() },
        };
        let (host, place) = (self.clone(), update.place.clone());
        let task = tokio::spawn(async move { host.filter_and_send(update, &view, urgency).await });
        let panicked = || Err(refuse(ApiErrorCode::Failed, messages::NOT_SENT_BUG.to_owned()));
        let mut sending = Box::pin(async move { task.await.unwrap_or_else(|_| panicked()) });
        match timeout(CALL_WAIT, &mut sending).await {
            Ok(sent) => sent,
            Err(_) => {
                let outbound = self.outbound.clone();
                tokio::spawn(async move {
                    if let Err(refusal) = sending.await {
                        let post = NewPost::new(place, messages::plain(&refusal.text));
                        outbound.finish(Vec::new(), vec![post]).await;
                    }
                });
                Ok(())
            }
        }
    }

    async fn filter_and_send(&self, update: Update, view: &SessionView, urgency: Urgency) -> Result<(), ApiError> {
        let filtered = self.filter(&update, view).await;
        let filtered = filtered.map_err(|refusal| refuse(ApiErrorCode::Denied, refusal.text()))?;
        // From here on, the session must keep its name.
        let names = self.sessions.name_lock.read().await;
        let name = self.registry().name_of(view.record.id());
        let update = filtered.update.clone();
        let (Some(session), Some((kind, text))) = (self.sessions.get(&name), prompt_text(&update)) else {
            return Err(unknown(name.as_str()));
        };
        let files = match &update.what {
            UpdateKind::NotText { files, .. } => files.clone(),
            UpdateKind::Text(_) | UpdateKind::Edited(_) | UpdateKind::Press { .. } => Vec::new(),
        };
        let id = self.store.accept_for(update.clone(), &name).await.map_err(|error| not_stored(&error))?;
        let mode = self.mode_of(&update.caller.id).await;
        let prompt = Prompt { id: id.clone(), place: update.place.clone(), kind, text, mode, files };
        session.prompt(prompt, urgency, self.causes.clone()).await;
        self.withdraw_if_revoked(&update, id, &name).await;
        drop(names);
        self.show_notices(filtered).await;
        Ok(())
    }
}
