//! Dispatches one update: a command goes to its plugin, a text to the active session. The reply is stored in the same
//! commit that marks the update as done.

use std::{collections::BTreeSet, sync::Arc};

use cordboard_core::{
    chat::{ButtonAction, CompletedUpdate, InboxRow, InboxState, MessageId, NewPost, Update, UpdateKind},
    config::Sessions,
    message_parts::JoinedUpdate,
    messages::{self, UpdateReply},
    route::{self, ChatInput, Invocation, Resolution},
    session::{ApiErrorCode, Input, Prompt},
    types::{Alert, Phase, Place, Reply, SessionName, SessionView},
};
use cordboard_runtime::{CallContext, CallError, CallOrder, HostApi, Offer, Registry, SessionSpec};
use cordboard_store::{EditedPrompt, Keyboard, Store, StoreError};

use super::{
    button_press::{Came, Press},
    host_api::HostService,
    outbound::Outbound,
    sessions::supervisor::{prompt_of, words_of},
};

pub struct Dispatcher {
    pub plugs: Arc<Registry>,
    pub desk: Arc<HostService>,
    pub posts: Outbound,
    pub store: Store,
}

/// A call of a command, typed or sent by a button.
struct Call<'a> {
    offer: &'a Offer,
    invocation: Invocation,
    purpose: Purpose<'a>,
}

/// The pressed button, and the session and request that it was created for. Empty for a typed command.
#[derive(Default)]
struct Purpose<'a> {
    button: Option<Button<'a>>,
    press: Option<Arc<Press>>,
    keyboard: Option<Keyboard>,
}

/// The button that sent a command, and the message with the button.
#[derive(Clone, Copy)]
struct Button<'a> {
    line: &'a ButtonAction,
    message: Option<&'a MessageId>,
}

impl Dispatcher {
    /// Returns whether an update is a command that bypasses the queue of its place.
    #[must_use]
    pub fn jumps(&self, row: &InboxRow) -> bool {
        let Some(input) = input(&row.update.what) else { return false };
        match route::resolve(input, row.update.caller.role, &*self.plugs.snapshot()) {
            Resolution::Command { command, .. } => command.spec.order == CallOrder::AtOnce,
            Resolution::Prompt | Resolution::OtherBot | Resolution::Rejected(_) => false,
        }
    }

    /// Dispatches an update with the current role of its caller: `[access]` may have changed while the update waited or
    /// the host was down.
    pub async fn serve(&self, one: JoinedUpdate) {
        let mut row = self.whole(one).await;
        tracing::debug!(place = %row.update.place, "serving");
        let Some(caller) = self.desk.now_served(&row.update.caller) else {
            tracing::info!(caller = %row.update.caller.id, "dropped a message: its author is not in [access] any more");
            return self.posts.finish(vec![CompletedUpdate::Update(row.id)], Vec::new()).await;
        };
        row.update.caller = caller;
        match row.update.what {
            UpdateKind::Text(_) | UpdateKind::NotText { .. } => self.posts.heard(&row.update.place),
            // Edits and button presses add no message to the chat.
            UpdateKind::Edited(_) | UpdateKind::Press { .. } => {}
        }
        let Some(input) = input(&row.update.what) else {
            return match &row.update.what {
                UpdateKind::Edited(words) => self.edited(&row, words).await,
                UpdateKind::NotText { .. } | UpdateKind::Text(_) | UpdateKind::Press { .. } => {
                    self.answer(&row, UpdateReply::OnlyText).await;
                }
            };
        };
        let purpose = match self.purpose(&row.update.what).await {
            Ok(purpose) => purpose,
            Err(answer) => return self.answer(&row, answer).await,
        };
        let table = self.plugs.snapshot();
        match (route::resolve(input, row.update.caller.role, &*table), &row.update.what) {
            (Resolution::Command { command: offer, invocation }, _) => {
                self.command(&row, Call { offer, invocation, purpose }).await;
            }
            (Resolution::Rejected(answer), _) => self.answer(&row, answer).await,
            (Resolution::OtherBot, _) => self.posts.finish(vec![CompletedUpdate::Update(row.id)], Vec::new()).await,
            (Resolution::Prompt, UpdateKind::NotText { kind, .. }) => self.caption(&row, kind).await,
            (Resolution::Prompt, UpdateKind::Text(_) | UpdateKind::Edited(_) | UpdateKind::Press { .. }) => {
                self.prompt(&row).await;
            }
        }
    }

    pub async fn tell_full(&self, one: JoinedUpdate) {
        let row = self.whole(one).await;
        let message = messages::beginning(row.update.what.text());
        self.answer(&row, UpdateReply::QueueFull { message }).await;
    }

    /// Merges the parts of a message in the store.
    async fn whole(&self, one: JoinedUpdate) -> InboxRow {
        let JoinedUpdate { row, absorbed } = one;
        if !absorbed.is_empty()
            && let Err(error) = self.store.join_updates(row.id, absorbed).await
        {
            tracing::error!(%error, "failed to join the parts of a message: some may be handled again after a restart");
        }
        row
    }

    async fn answer(&self, row: &InboxRow, answer: UpdateReply) {
        self.reply(row, answer.reply(), None).await;
    }

    async fn reply(&self, row: &InboxRow, mut reply: Reply, pressed: Option<MessageId>) {
        reply.reply_to.clone_from(&row.update.origin.message);
        let edit = if reply.in_place { pressed } else { None };
        let post = NewPost { edit, ..NewPost::new(row.update.place.clone(), reply) };
        // The caller may have been removed from `[access]` during a long call.
        let is_served = self.desk.now_served(&row.update.caller).is_some();
        let posts = Some(post).filter(|_| is_served).into_iter().collect();
        self.posts.finish(vec![CompletedUpdate::Update(row.id)], posts).await;
    }

    async fn command(&self, row: &InboxRow, call: Call<'_>) {
        let reply = self.call(&row.update, &call).await;
        if !reply.in_place {
            self.close(&row.update, &call).await;
        }
        self.reply(row, reply, call.purpose.button.and_then(|button| button.message.cloned())).await;
    }

    /// Returns the session and request of the button. The error is the answer to a button that is outdated or already
    /// decided.
    async fn purpose<'a>(&self, what: &'a UpdateKind) -> Result<Purpose<'a>, UpdateReply> {
        let UpdateKind::Press { line, message } = what else { return Ok(Purpose::default()) };
        let keyboard = match line.keyboard {
            Some(id) => {
                let stored = self.store.keyboard(id).await;
                let not_stored = |error: StoreError| UpdateReply::NotStored {
                    why: error.to_string(),
                    message: messages::beginning(&line.command),
                };
                let stored = stored.map_err(not_stored)?;
                Some(stored.ok_or(UpdateReply::OldButton)?)
            }
            // The button belongs to a frame of a running turn, which isn't stored.
            None if line.session.is_some() => None,
            None => return Err(UpdateReply::OldButton),
        };
        if let Some(outcome) = keyboard.as_ref().and_then(|keyboard| keyboard.outcome.clone()) {
            return Err(UpdateReply::AlreadyDecided { outcome });
        }
        let request = keyboard.as_ref().and_then(|keyboard| keyboard.reply.request.clone());
        let press = Arc::new(Press::new(line.session.clone(), request));
        Ok(Purpose { button: Some(Button { line, message: message.as_ref() }), press: Some(press), keyboard })
    }

    /// Replaces the buttons of a message with the decision and the name of the person, if the button took effect.
    async fn close(&self, update: &Update, call: &Call<'_>) {
        let Purpose { button: Some(button), press: Some(press), keyboard: Some(keyboard) } = &call.purpose else {
            return;
        };
        match (press.came(), &press.request) {
            (Came::Changed, None) => {
                let mut buttons = keyboard.reply.buttons.iter().flatten();
                let label = buttons.find(|shown| shown.command == button.line.command);
                let label = label.map_or(call.offer.spec.name.as_str(), |shown| shown.label.as_str());
                let outcome = messages::request_decided(Some(&update.caller.name), Some(label));
                self.posts.close_keyboard(keyboard.id, &outcome).await;
            }
            (Came::NotOpen, Some(request)) => self.posts.decide(request, &messages::request_decided(None, None)).await,
            (Came::Changed | Came::Nothing | Came::NotOpen, _) => {}
        }
    }

    async fn call(&self, update: &Update, call: &Call<'_>) -> Reply {
        let asked = CallContext {
            caller: Some(update.caller.clone()),
            place: Some(update.place.clone()),
            active: None,
            locale: update.locale.clone(),
        };
        let board = match &call.purpose.press {
            Some(press) => Arc::new(self.desk.pressed(Arc::clone(press))) as Arc<dyn HostApi>,
            None => Arc::clone(&self.desk) as Arc<dyn HostApi>,
        };
        match self.plugs.command(&board, call.offer, asked, &call.invocation).await {
            Ok(reply) => reply,
            Err(error) => {
                let (command, plugin) = (&call.offer.spec.name, &call.offer.version.name);
                if !matches!(error, CallError::Plugin(_)) {
                    tracing::warn!(command, plugin, %error, "command failed");
                }
                messages::plain(&error_text(&error, call.offer, &self.active_in(&update.place)))
            }
        }
    }

    /// The sessions that are active in a place, for any person.
    fn active_in(&self, place: &Place) -> BTreeSet<SessionName> {
        self.desk.lines().roster.active_in(place)
    }

    async fn caption(&self, row: &InboxRow, kind: &str) {
        if self.addressee(row).await.is_some() {
            let told = UpdateReply::CaptionTaken { kind: kind.to_owned() }.reply();
            self.posts.finish(Vec::new(), vec![NewPost::new(row.update.place.clone(), told)]).await;
        }
        self.prompt(row).await;
    }

    /// Applies an edit to a message that still waits. If the agent has already received the message, the edit is
    /// ignored.
    async fn edited(&self, row: &InboxRow, words: &str) {
        if let Some(message) = &row.update.origin.message {
            match self.store.edit_message(&row.update.place, message, words).await {
                Ok(Some(revised)) => self.replace(revised).await,
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "failed to store an edited message"),
            }
        }
        self.posts.finish(vec![CompletedUpdate::Update(row.id)], Vec::new()).await;
    }

    async fn replace(&self, revised: EditedPrompt) {
        let line = self.desk.lines().get(&revised.session);
        if let (Some(line), Some(text)) = (line, words_of(&revised.update)) {
            line.send(Input::Edited { prompt: revised.prompt, text }).await;
        }
    }

    /// Sends a text to its session. The store assigns the prompt to the session first, so that after a restart it goes
    /// to the same session.
    async fn prompt(&self, row: &InboxRow) {
        let Some(session) = self.addressee(row).await else {
            return self.answer(row, not_addressed(&self.active_in(&row.update.place))).await;
        };
        let (Some(prompt), Some(line)) = (prompt_of(row), self.desk.lines().get(&session)) else {
            return self.answer(row, UpdateReply::NoActive).await;
        };
        if let Err(error) = self.store.assign(row.id, &session).await {
            tracing::error!(%error, "failed to store a prompt");
            let message = messages::beginning(row.update.what.text());
            return self.answer(row, UpdateReply::NotStored { why: error.to_string(), message }).await;
        }
        let id = prompt.id.clone();
        // The message may have been edited before it was assigned. Later edits are sent to the session.
        let stored = self.store.accepted_update(row.id).await.ok().flatten();
        let text = stored.as_ref().and_then(words_of).unwrap_or(prompt.text);
        let limits = &self.desk.config().sessions;
        let waits = self.desk.lines().roster.view(session.as_str()).is_some_and(|view| waits(&view, limits));
        line.send(Input::Prompt(Prompt { text, ..prompt })).await;
        if waits {
            let message = row.update.origin.message.clone();
            let line = messages::plain(&messages::message_queued(&session));
            let line = Reply { alert: Alert::Silent, reply_to: message.clone(), ..line };
            self.posts.acknowledge(message, NewPost::new(row.update.place.clone(), line));
        }
        self.desk.withdraw_if_revoked(&row.update, id, &session).await;
    }

    /// Returns the session that receives a text sent in this place: the active session, or `[sessions] default`, which
    /// is created if it does not exist.
    async fn addressee(&self, row: &InboxRow) -> Option<SessionName> {
        let Update { caller, place, .. } = &row.update;
        if let Some(active) = self.desk.active(caller, place) {
            return Some(active.record.name);
        }
        let name = self.desk.config().sessions.default.clone()?;
        if let Err(refusal) = self.open(&row.update, &name).await {
            tracing::warn!(%name, why = refusal.text, "failed to create the default session");
        }
        self.desk.active(caller, place).map(|view| view.record.name)
    }

    async fn open(
        &self,
        update: &Update,
        name: &SessionName,
    ) -> Result<SessionView, cordboard_core::session::ApiError> {
        let spec = SessionSpec { name: name.to_string(), agent: None, persona: None, model: None, folder: None };
        match self.desk.create(&update.caller, spec).await {
            Ok(_) => {}
            Err(refusal) if refusal.code == ApiErrorCode::Exists => {}
            Err(refusal) => return Err(refusal),
        }
        self.desk.activate(&update.caller, &update.place, name).await
    }

    /// Marks commands that bypass the queue as done, because they no longer apply after a restart. Returns the other
    /// updates, which are dispatched again.
    pub async fn drop_stale(&self, rows: Vec<InboxRow>) -> Vec<InboxRow> {
        let (stale, anew): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| self.jumps(row));
        for row in &stale {
            self.posts.finish(vec![CompletedUpdate::Update(row.id)], Vec::new()).await;
        }
        debug_assert!(anew.iter().all(|row| row.state == InboxState::New || prompt_of(row).is_none()));
        anew
    }
}

/// Returns what a person sent as a text or with a button. `None` for everything else.
fn input(what: &UpdateKind) -> Option<ChatInput<'_>> {
    match what {
        // The front-end has removed the bot's name.
        UpdateKind::Text(text) | UpdateKind::NotText { caption: Some(text), .. } => {
            Some(ChatInput::Text { text, bot: None })
        }
        UpdateKind::Press { line, .. } => {
            Some(ChatInput::Button { command: &line.command, plugin: line.plugin.as_deref() })
        }
        UpdateKind::NotText { caption: None, .. } | UpdateKind::Edited(_) => None,
    }
}

/// Returns the text of the reply to a command whose call failed. `active` are the sessions that are active in its place.
pub fn error_text(error: &CallError, offer: &Offer, active: &BTreeSet<SessionName>) -> String {
    let CallError::Plugin(why) = error else {
        let (name, plugin) = (offer.spec.name.clone(), offer.version.name.clone());
        return UpdateReply::CommandFailed { name, plugin, why: error.to_string() }.text();
    };
    // A plugin can't see the sessions of others.
    let is_of_others = why == messages::NO_ACTIVE && !active.is_empty();
    if is_of_others { messages::NONE_ACTIVE_OF_YOURS } else { why }.to_owned()
}

/// Returns the answer to a prompt if its author has no active session. `active` are those of others in the place.
pub fn not_addressed(active: &BTreeSet<SessionName>) -> UpdateReply {
    if active.is_empty() { UpdateReply::NoActive } else { UpdateReply::NoneOfYours }
}

/// Returns whether a new message has to wait: it is neither answered at once nor refused.
pub fn waits(view: &SessionView, limits: &Sessions) -> bool {
    let has_room = view.queued < limits.queue.max(1) && view.record.interrupted.len() < limits.kept.max(1) as usize;
    has_room && (view.phase == Phase::Busy || view.queued > 0)
}
