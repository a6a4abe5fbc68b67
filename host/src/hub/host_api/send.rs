//! Sends plugins' prompts to sessions. A prompt is stored before the plugin's call returns, so that a killed host
//! doesn't lose it.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use cordboard_core::{
    agent_event::PromptId,
    language,
    messages::{self, FilterRefusal},
    session::{ApiError, ApiErrorCode, Prompt},
    types::{Caller, PromptKind, SessionName, SessionView, Urgency},
    updates_and_posts::{Addressee, CompletedUpdate, InboxRow, NewPost, Origin, Update, UpdateKind},
};
use cordboard_runtime::refuse;
use tokio::{sync::oneshot, time::timeout};

use super::HostService;
use crate::hub::{
    filters::Filtered,
    session_errors::{not_stored, unknown},
    sessions::supervisor::prompt_of,
};

/// The maximum time that a plugin's call waits for filters. After that, the host stores the prompt, and the call
/// returns while the filters are still running. Otherwise, the call's time limit could cancel the prompt.
const CALL_WAIT: Duration = Duration::from_secs(1);

/// Creates the keys of the prompts sent while one update is handled. If the host is killed, the update is handled again
/// and its prompts get the same keys, so prompts that were already accepted aren't accepted twice.
#[derive(Clone, Default)]
pub struct PromptKeys(Option<Arc<KeysOfUpdate>>);

struct KeysOfUpdate {
    update: String,
    next: AtomicU32,
}

impl PromptKeys {
    pub(super) fn of(update: &Update) -> Self {
        let update = format!("{}:{}", update.place.front_end, update.key);
        Self(Some(Arc::new(KeysOfUpdate { update, next: AtomicU32::new(1) })))
    }

    fn next(&self) -> String {
        match &self.0 {
            Some(keys) => format!("plugin:{}:{}", keys.update, keys.next.fetch_add(1, Ordering::Relaxed)),
            None => format!("plugin:{}", uuid::Uuid::new_v4()),
        }
    }
}

impl HostService {
    /// Filters, stores and sends a prompt from a plugin like one that a person typed. Its text is never dispatched as a
    /// command, not even after a restart.
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
        // The answer to an urgent prompt is shown in the place where the user sent the command.
        let place = self.place.clone().filter(|_| urgency == Urgency::Now).or_else(|| view.record.place.clone());
        let place = place.ok_or_else(|| refuse(ApiErrorCode::Failed, messages::never_active(name)))?;
        if let Some(budget) = self.usage.spent_budget().await {
            return Err(refuse(ApiErrorCode::Denied, messages::budget_refusal(&budget)));
        }
        let update = Update {
            key: self.prompt_keys.next(),
            caller: caller.clone(),
            place,
            what: UpdateKind::prompt(text, self.files.take(view.record.id())),
            at: self.clock.now(),
            locale: language::current().map(|language| language.tag().to_owned()),
            origin: Origin { prompt_kind: Some(PromptKind::Text), ..Origin::default() },
        };
        let (accepted, is_accepted) = oneshot::channel();
        let host = self.clone();
        // Use a separate task, so that it isn't canceled when the call ends.
        let task = async move { host.filter_and_send(update, &view, urgency, accepted).await };
        tokio::spawn(language::scope(language::current(), task));
        let panicked = |_| Err(refuse(ApiErrorCode::Failed, messages::NOT_SENT_BUG.to_owned()));
        is_accepted.await.unwrap_or_else(panicked)
    }

    /// Filters a prompt and sends it. Reports to `accepted` once the prompt is stored or refused.
    async fn filter_and_send(
        &self,
        update: Update,
        view: &SessionView,
        urgency: Urgency,
        accepted: oneshot::Sender<Result<(), ApiError>>,
    ) {
        let mut filtering = pin!(self.filter(&update, view));
        let Ok(filtered) = timeout(CALL_WAIT, &mut filtering).await else {
            let addressee = Addressee { session: view.record.id().clone(), urgency };
            let (row, outcome) = match self.accept_unfiltered(&update, &addressee).await {
                Ok(row) => (row, Ok(())),
                Err(error) => (None, Err(error)),
            };
            // The send fails if the call was canceled. The prompt is sent anyway.
            drop(accepted.send(outcome));
            if let Some(row) = row {
                self.send_stored(&row, &addressee, filtering.await).await;
            }
            return;
        };
        let sent = match filtered {
            Ok(filtered) => self.accept_and_send(filtered, view, urgency).await,
            Err(refusal) => Err(denied(&refusal)),
        };
        drop(accepted.send(sent));
    }

    /// Stores a prompt that has passed the filters, and sends it.
    async fn accept_and_send(&self, filtered: Filtered, view: &SessionView, urgency: Urgency) -> Result<(), ApiError> {
        // From here on, the session must keep its name.
        let names = self.sessions.name_lock.read().await;
        let name = self.registry().name_of(view.record.id());
        if self.registry().view(name.as_str()).is_none() {
            return Err(unknown(name.as_str()));
        }
        let accepted = self.store.accept_for(filtered.update.clone(), &name).await;
        // The previous run of the host may have accepted the prompt.
        let Some(id) = accepted.map_err(|error| not_stored(&error))? else { return Ok(()) };
        self.prompt_session(&name, &filtered.update, id, urgency).await;
        drop(names);
        self.show_notices(filtered).await;
        Ok(())
    }

    /// Stores a prompt that waits for its filters. Returns `None` if the previous run of the host has accepted it.
    async fn accept_unfiltered(&self, update: &Update, addressee: &Addressee) -> Result<Option<InboxRow>, ApiError> {
        let addressee = Some(addressee.clone());
        let update = Update { origin: Origin { addressee, ..update.origin.clone() }, ..update.clone() };
        let rows = self.store.accept(vec![update], None).await.map_err(|error| not_stored(&error))?;
        Ok(rows.into_iter().next())
    }

    /// Filters and sends a stored prompt whose filtering the previous run of the host didn't finish.
    pub(in crate::hub) async fn filter_again(&self, row: &InboxRow, addressee: &Addressee) {
        match self.registry().with_id(&addressee.session) {
            Some(view) => {
                let filtered = self.filter(&row.update, &view).await;
                self.send_stored(row, addressee, filtered).await;
            }
            None => self.refuse_stored(row, &unknown(addressee.session.as_str())).await,
        }
    }

    /// Sends a stored prompt whose filters have finished. A refusal is shown in the chat, because the plugin's call has
    /// returned.
    async fn send_stored(&self, row: &InboxRow, addressee: &Addressee, filtered: Result<Filtered, FilterRefusal>) {
        let sent = match filtered {
            Ok(filtered) => self.assign_and_send(row, addressee, filtered).await,
            Err(refusal) => Err(denied(&refusal)),
        };
        if let Err(refusal) = sent {
            self.refuse_stored(row, &refusal).await;
        }
    }

    async fn refuse_stored(&self, row: &InboxRow, refusal: &ApiError) {
        let post = NewPost::new(row.update.place.clone(), messages::plain(&refusal.text));
        self.outbound.finish(vec![CompletedUpdate::Update(row.id)], vec![post]).await;
    }

    async fn assign_and_send(&self, row: &InboxRow, to: &Addressee, filtered: Filtered) -> Result<(), ApiError> {
        // From here on, the session must keep its name.
        let names = self.sessions.name_lock.read().await;
        let name = self.registry().name_of(&to.session);
        if self.registry().view(name.as_str()).is_none() {
            return Err(unknown(name.as_str()));
        }
        // The result is never an edited update, because a prompt from a plugin has no message that can be edited.
        let assigned = self.store.assign(row.id, &name, &row.update.what, &filtered.update).await;
        assigned.map_err(|error| not_stored(&error))?;
        self.prompt_session(&name, &filtered.update, row.prompt.clone(), to.urgency).await;
        drop(names);
        self.show_notices(filtered).await;
        Ok(())
    }

    /// Sends an assigned prompt to its session. The caller must hold the name lock.
    pub(super) async fn prompt_session(&self, name: &SessionName, update: &Update, id: PromptId, urgency: Urgency) {
        let (Some(session), Some(prompt)) = (self.sessions.get(name), prompt_of(update, &id)) else { return };
        let mode = self.mode_of(&update.caller.id).await;
        session.prompt(Prompt { mode, ..prompt }, urgency, self.causes.clone()).await;
        self.withdraw_if_revoked(update, id, name).await;
    }
}

pub(super) fn denied(refusal: &FilterRefusal) -> ApiError {
    refuse(ApiErrorCode::Denied, refusal.of_message())
}

#[cfg(test)]
mod tests {
    use cordboard_core::types::{Place, Role, Timestamp, UserId};

    use super::*;

    #[test]
    fn an_update_that_is_handled_again_gets_the_same_keys() {
        let update = Update {
            key: "7".to_owned(),
            caller: Caller { id: UserId("telegram:1".to_owned()), name: "Ann".to_owned(), role: Role::Owner },
            place: Place::new("telegram", "1"),
            what: UpdateKind::Text("/now hello".to_owned()),
            at: Timestamp(0),
            locale: None,
            origin: Origin::default(),
        };
        let keys = || {
            let keys = PromptKeys::of(&update);
            [keys.next(), keys.clone().next()]
        };
        assert_eq!(keys(), ["plugin:telegram:7:1", "plugin:telegram:7:2"]);
        assert_eq!(keys(), keys());
        let other = PromptKeys::default();
        assert_ne!(other.next(), other.next());
    }
}
