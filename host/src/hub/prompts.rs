//! Handles prompts: messages for an agent. Each is filtered, assigned to a session in the store, and sent to the
//! session.

use std::{collections::BTreeSet, sync::Arc};

use cordboard_core::{
    config::{Busy, Config},
    messages::{self, HostReply},
    session::{ApiError, ApiErrorCode, Input, Prompt},
    typed_agent_command::AgentCommandLine,
    types::{Alert, Phase, Place, PromptKind, Reply, SessionName, SessionView},
    updates_and_posts::{InboxRow, NewPost, Update},
};
use cordboard_runtime::{HostApi as _, SessionSpec};

use super::{
    Dispatcher, HostService,
    file_downloads::SavedFiles,
    filters::Filtered,
    sessions::supervisor::{prompt_of, prompt_text},
};

/// A prompt that was sent to its session.
struct SentPrompt {
    filtered: Filtered,
    /// The session in which the prompt has to wait, if it does.
    waits_in: Option<Arc<SessionView>>,
}

impl Dispatcher {
    /// Handles a prompt: uses it as the answer to a question that is waiting for text, or else sends it to the active
    /// session. The prompt is assigned to the session in the store first, so that it goes to the same session after a
    /// restart. A prompt from a plugin goes to the session that the plugin has chosen.
    pub(super) async fn prompt(&self, row: &InboxRow) {
        if let Some(addressee) = &row.update.origin.addressee {
            return self.host.filter_again(row, addressee).await;
        }
        if self.answer_with_text(row).await {
            return;
        }
        self.open_default(row).await;
        let not_addressed = || not_addressed(&self.active_in(&row.update.place));
        if self.active_session(row).is_none() {
            return self.answer(row, not_addressed()).await;
        }
        if let Some(budget) = self.host.usage.spent_budget().await {
            let message = messages::beginning(row.update.what.text());
            let refusal = messages::budget_refusal(&budget);
            return self.answer(row, HostReply::BudgetSpent { refusal, message }).await;
        }
        let saved = match self.save_files(row, None).await {
            Ok(saved) => saved,
            Err(answer) => return self.answer(row, answer).await,
        };
        match self.send_prompt(row, saved.as_ref()).await {
            Err(answer) => self.answer(row, answer).await,
            Ok(sent) => {
                self.host.show_notices(sent.filtered).await;
                if let Some(notice) = saved.and_then(|saved| saved.notice) {
                    self.notify(row, &notice).await;
                }
                if let Some(view) = sent.waits_in {
                    self.acknowledge_waiting(row, &view).await;
                }
            }
        }
    }

    /// Filters a prompt, and sends it to the session that stores its files, or else to the active one. The error is the
    /// reply to the author.
    async fn send_prompt(&self, row: &InboxRow, saved: Option<&SavedFiles>) -> Result<SentPrompt, HostReply> {
        let mut update = row.update.clone();
        loop {
            let name = self.session_for(row, saved)?;
            let view = self.host.sessions.registry.view(name.as_str()).ok_or(HostReply::NoActive)?;
            let filtered = match self.host.filter(&update, &view).await {
                Ok(filtered) => filtered,
                Err(refusal) => match self.edited_since(row, &update).await {
                    Some(edited) => {
                        update = edited;
                        continue;
                    }
                    None => return Err(HostReply::MessageRefused(refusal)),
                },
            };
            // The prompt's session must keep its name from here on.
            let _names = self.host.sessions.name_lock.read().await;
            let name = self.session_for(row, saved)?;
            if self.host.sessions.registry.name_of(view.record.id()) != name {
                // Another session has become active, and a filter's decision may depend on the session.
                continue;
            }
            let (kind, text) = prompt_text(&filtered.update).ok_or(HostReply::NoActive)?;
            self.spelled(&name, kind, &text)?;
            match self.store.assign(row.id, &name, &update.what, &filtered.update).await {
                Ok(None) => return Ok(self.hand_over(row, &name, filtered).await),
                // The message was edited in the meantime, so it has to be filtered again.
                Ok(Some(edited)) => update = edited,
                Err(error) => {
                    tracing::error!(%error, "failed to store a prompt");
                    let message = messages::beginning(row.update.what.text());
                    return Err(HostReply::NotStored { why: error.to_string(), message });
                }
            }
        }
    }

    /// Returns the stored message if it was edited since `seen`.
    async fn edited_since(&self, row: &InboxRow, seen: &Update) -> Option<Update> {
        let stored = self.store.accepted_update(row.id).await.ok().flatten()?;
        (stored.what != seen.what).then_some(stored)
    }

    /// Returns the session for a prompt. If there is none, the error contains the reply to the author.
    fn session_for(&self, row: &InboxRow, saved: Option<&SavedFiles>) -> Result<SessionName, HostReply> {
        let name = match saved {
            Some(saved) => self.session_with(saved, row),
            None => self.active_session(row),
        };
        name.ok_or_else(|| not_addressed(&self.active_in(&row.update.place)))
    }

    /// Sends an assigned prompt to its session.
    async fn hand_over(&self, row: &InboxRow, name: &SessionName, filtered: Filtered) -> SentPrompt {
        let prompt = prompt_of(&filtered.update, &row.prompt);
        let (Some(session), Some(prompt)) = (self.host.sessions.get(name), prompt) else {
            return SentPrompt { filtered, waits_in: None };
        };
        let text = self.spelled(name, prompt.kind, &prompt.text).unwrap_or_else(|_| prompt.text.clone());
        let (config, place) = (self.host.config(), &row.update.place);
        let view = self.host.sessions.registry.view(name.as_str()).filter(|view| waits(view, place, &config));
        let (id, mode) = (prompt.id.clone(), self.host.mode_of(&row.update.caller.id).await);
        session.send(Input::Prompt(Prompt { text, mode, ..prompt })).await;
        self.host.withdraw_if_revoked(&row.update, id, name).await;
        SentPrompt { filtered, waits_in: view }
    }

    /// Shows that a message is waiting. If it is waiting for the answer to a question, posts a text that says so,
    /// because the user may have meant the message as the answer.
    async fn acknowledge_waiting(&self, row: &InboxRow, view: &SessionView) {
        let message = row.update.origin.message.clone();
        let reply = messages::plain(&acknowledgment(view));
        let reply = Reply { alert: Alert::Silent, reply_to: message.clone(), ..reply };
        let post = NewPost::new(row.update.place.clone(), reply);
        if view.requests.is_empty() {
            self.outbound.acknowledge(message, post);
        } else {
            self.outbound.finish(Vec::new(), vec![post]).await;
        }
    }

    /// Returns a prompt's text, spelling the name of an agent command as the agent does. The error is the reply to the
    /// author if the agent doesn't have the command or the host refuses the arguments.
    fn spelled(&self, session: &SessionName, kind: PromptKind, text: &str) -> Result<String, HostReply> {
        match (kind, AgentCommandLine::parse(text)) {
            (PromptKind::AgentCommand, Some(line)) => {
                let view = self.host.sessions.registry.view(session.as_str());
                line.check(session, view.as_ref().and_then(|view| view.commands.as_deref()))
            }
            (PromptKind::AgentCommand | PromptKind::Text, _) => Ok(text.to_owned()),
        }
    }

    /// Activates `[sessions] default` if no session is active in this place. Creates the session if it does not exist.
    async fn open_default(&self, row: &InboxRow) {
        if self.active_session(row).is_none()
            && let Some(name) = self.host.config().sessions.default.clone()
            && let Err(refusal) = self.open(&row.update, &name).await
        {
            tracing::warn!(%name, why = refusal.text, "failed to create the default session");
        }
    }

    /// Returns the session that receives the caller's texts in this place.
    pub(super) fn active_session(&self, row: &InboxRow) -> Option<SessionName> {
        let view = self.host.sessions.registry.active(&row.update.caller, &row.update.place)?;
        Some(view.record.name.clone())
    }

    async fn open(&self, update: &Update, name: &SessionName) -> Result<SessionView, ApiError> {
        let spec = SessionSpec { name: name.to_string(), agent: None, persona: None, model: None, folder: None };
        // The place determines the bot, whose default agent and persona apply.
        let host = HostService { place: Some(update.place.clone()), ..HostService::clone(&self.host) };
        match host.create(&update.caller, spec).await {
            Ok(_) => {}
            Err(refusal) if refusal.code == ApiErrorCode::Exists => {}
            Err(refusal) => return Err(refusal),
        }
        self.host.activate(&update.caller, &update.place, name).await
    }
}

/// Returns the reply to a prompt whose author has no active session. `active` contains other people's sessions that are
/// active in the place.
pub fn not_addressed(active: &BTreeSet<SessionName>) -> HostReply {
    if active.is_empty() { HostReply::NoActive } else { HostReply::NoneOfYours }
}

/// Returns the text that acknowledges a waiting message.
pub fn acknowledgment(view: &SessionView) -> String {
    match view.requests.first() {
        Some(open) => messages::message_waits_for_answer(&view.record.name, open.number),
        None => messages::message_queued(&view.record.name),
    }
}

/// Returns whether a new message from `place` has to wait for the running turn or for earlier messages. Returns false
/// if the session refuses the message or is open in a terminal, because the session then posts its own notice.
pub fn waits(view: &SessionView, place: &Place, config: &Config) -> bool {
    let limits = &config.sessions;
    let has_room = view.queued < limits.queue.max(1) && view.record.interrupted.len() < limits.kept.max(1) as usize;
    let waits_for_turn = match limits.busy {
        Busy::Queue => view.phase == Phase::Busy,
        Busy::Interrupt => false,
        Busy::Steer => view.phase == Phase::Busy && !is_steered(view, place, config),
    };
    has_room && view.record.terminal.is_none() && (waits_for_turn || view.queued > 0)
}

/// Returns whether a busy session sends a new message to its agent during the turn. Compares `place` with the last
/// message's place, which is also the turn's place unless messages are waiting.
fn is_steered(view: &SessionView, place: &Place, config: &Config) -> bool {
    let agent = config.agents.get(&view.record.agent);
    let takes_more = agent.is_some_and(|agent| agent.kind.accepts_prompts_during_turn());
    takes_more && view.requests.is_empty() && view.record.place.as_ref() == Some(place)
}
