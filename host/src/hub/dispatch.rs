//! Dispatches one update: a command goes to its plugin, a text to the active session. The reply is stored in the same
//! commit that marks the update as done.

use std::sync::Arc;

use cordboard_core::{
    chat::{ButtonLine, Done, InboxRow, InboxState, MessageId, NewPost, Update, UpdateKind},
    config::Sessions,
    gather::Gathered,
    messages::{self, Answer},
    route::{self, Routed},
    session::{Input, Prompt, RefusalCode},
    types::{Alert, Phase, Reply, SessionName, SessionView},
};
use cordboard_runtime::{CallContext, CallError, CallOrder, HostApi, Invocation, Offer, Registry, SessionSpec};
use cordboard_store::{Keyboard, Revised, Store, StoreError};

use super::{
    button_press::{Came, Press},
    command_lookup::find_command,
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

/// A parsed command, either typed or sent by a button.
struct CommandLine {
    name: String,
    invocation: Invocation,
    pressed: Option<Pressed>,
}

/// The button that sent a command, and the message with the button.
struct Pressed {
    line: ButtonLine,
    message: Option<MessageId>,
}

/// The session and request that the pressed button was created for. Empty for a typed command.
#[derive(Default)]
struct Purpose {
    press: Option<Arc<Press>>,
    keyboard: Option<Keyboard>,
}

impl Dispatcher {
    /// Returns whether an update is a command that bypasses the queue of its place.
    #[must_use]
    pub fn jumps(&self, row: &InboxRow) -> bool {
        let Some(typed) = self.typed(&row.update) else { return false };
        self.plugs.table().command(&typed.name).is_some_and(|offer| offer.spec.order == CallOrder::AtOnce)
    }

    fn typed(&self, update: &Update) -> Option<CommandLine> {
        let (routed, pressed) = match &update.what {
            UpdateKind::Text(text) | UpdateKind::NotText { caption: Some(text), .. } => {
                (route::parse(text, None), None)
            }
            UpdateKind::Press { line, message } => {
                let pressed = Pressed { line: line.clone(), message: message.clone() };
                (route::parse_button(&line.command), Some(pressed))
            }
            UpdateKind::NotText { caption: None, .. } | UpdateKind::Edited(_) => return None,
        };
        match routed {
            Routed::Command { name, args, text } => {
                Some(CommandLine { name, invocation: Invocation { args, text }, pressed })
            }
            Routed::OtherBot | Routed::Text => None,
        }
    }

    /// Dispatches an update with the current role of its caller: `[access]` may have changed while the update waited or
    /// the host was down.
    pub async fn serve(&self, one: Gathered) {
        let mut row = self.whole(one).await;
        tracing::debug!(place = %row.update.place, "serving");
        let Some(caller) = self.desk.now_served(&row.update.caller) else {
            tracing::info!(caller = %row.update.caller.id, "dropped a message: its author is not in [access] any more");
            return self.posts.finish(vec![Done::Update(row.id)], Vec::new()).await;
        };
        row.update.caller = caller;
        match row.update.what {
            UpdateKind::Text(_) | UpdateKind::NotText { .. } => self.posts.heard(&row.update.place),
            // Edits and button presses add no message to the chat.
            UpdateKind::Edited(_) | UpdateKind::Press { .. } => {}
        }
        match (&row.update.what, self.typed(&row.update)) {
            (_, Some(typed)) => self.command(&row, typed).await,
            (UpdateKind::Text(_), None) => self.prompt(&row).await,
            (UpdateKind::NotText { caption: None, .. }, None) => self.answer(&row, Answer::OnlyText).await,
            (UpdateKind::NotText { kind, caption: Some(_) }, None) => self.caption(&row, kind).await,
            (UpdateKind::Edited(words), None) => self.edited(&row, words).await,
            // The text of the button doesn't parse as a command.
            (UpdateKind::Press { .. }, None) => self.answer(&row, Answer::NoActive).await,
        }
    }

    pub async fn tell_full(&self, one: Gathered) {
        let row = self.whole(one).await;
        let message = messages::beginning(row.update.what.text());
        self.answer(&row, Answer::QueueFull { message }).await;
    }

    /// Merges the parts of a message in the store.
    async fn whole(&self, one: Gathered) -> InboxRow {
        let Gathered { row, absorbed } = one;
        if !absorbed.is_empty()
            && let Err(error) = self.store.join(row.id, absorbed).await
        {
            tracing::error!(%error, "failed to join the parts of a message: some may be handled again after a restart");
        }
        row
    }

    async fn answer(&self, row: &InboxRow, answer: Answer) {
        self.reply(row, answer.reply(), None).await;
    }

    async fn reply(&self, row: &InboxRow, mut reply: Reply, pressed: Option<MessageId>) {
        reply.answers.clone_from(&row.update.origin.message);
        let edit = if reply.in_place { pressed } else { None };
        let post = NewPost { edit, ..NewPost::new(row.update.place.clone(), reply) };
        // The caller may have been removed from `[access]` during a long call.
        let is_served = self.desk.now_served(&row.update.caller).is_some();
        let posts = Some(post).filter(|_| is_served).into_iter().collect();
        self.posts.finish(vec![Done::Update(row.id)], posts).await;
    }

    async fn command(&self, row: &InboxRow, typed: CommandLine) {
        let purpose = match self.purpose(typed.pressed.as_ref()).await {
            Ok(purpose) => purpose,
            Err(answer) => return self.answer(row, answer).await,
        };
        let table = self.plugs.table();
        let of = typed.pressed.as_ref().and_then(|pressed| pressed.line.of.as_deref());
        let offer = match find_command(&table, (&typed.name, of), row.update.caller.role) {
            Ok(offer) => offer,
            Err(answer) => return self.answer(row, answer).await,
        };
        let reply = self.call(&row.update, offer, (&typed, &purpose)).await;
        if !reply.in_place {
            self.close(&row.update, &typed, &purpose).await;
        }
        self.reply(row, reply, typed.pressed.and_then(|pressed| pressed.message)).await;
    }

    /// Returns the session and request of the button. The error is the answer to a button that is outdated or already
    /// decided.
    async fn purpose(&self, pressed: Option<&Pressed>) -> Result<Purpose, Answer> {
        let Some(Pressed { line, .. }) = pressed else { return Ok(Purpose::default()) };
        let keyboard = match line.keyboard {
            Some(id) => {
                let stored = self.store.keyboard(id).await;
                let not_stored = |error: StoreError| Answer::NotStored {
                    why: error.to_string(),
                    message: messages::beginning(&line.command),
                };
                let stored = stored.map_err(not_stored)?;
                Some(stored.ok_or(Answer::OldButton)?)
            }
            // The button belongs to a frame of a running turn, which isn't stored.
            None if line.session.is_some() => None,
            None => return Err(Answer::OldButton),
        };
        if let Some(outcome) = keyboard.as_ref().and_then(|keyboard| keyboard.outcome.clone()) {
            return Err(Answer::AlreadyDecided { outcome });
        }
        let request = keyboard.as_ref().and_then(|keyboard| keyboard.reply.request.clone());
        Ok(Purpose { press: Some(Arc::new(Press::new(line.session.clone(), request))), keyboard })
    }

    /// Replaces the buttons of a message with the decision and the name of the person, if the button took effect.
    async fn close(&self, update: &Update, typed: &CommandLine, purpose: &Purpose) {
        let (Some(press), Some(keyboard)) = (&purpose.press, &purpose.keyboard) else { return };
        match (press.came(), &press.request) {
            (Came::Changed, None) => {
                let command = typed.pressed.as_ref().map(|pressed| pressed.line.command.as_str());
                let mut buttons = keyboard.reply.buttons.iter().flatten();
                let label = buttons.find(|button| Some(button.command.as_str()) == command);
                let label = label.map_or(typed.name.as_str(), |button| button.label.as_str());
                let outcome = messages::decided(Some(&update.caller.name), Some(label));
                self.posts.close_keyboard(keyboard.id, &outcome).await;
            }
            (Came::NotOpen, Some(request)) => self.posts.decide(request, &messages::decided(None, None)).await,
            (Came::Changed | Came::Nothing | Came::NotOpen, _) => {}
        }
    }

    async fn call(&self, update: &Update, offer: &Offer, (typed, purpose): (&CommandLine, &Purpose)) -> Reply {
        let asked = CallContext {
            caller: Some(update.caller.clone()),
            place: Some(update.place.clone()),
            active: None,
            locale: update.locale.clone(),
        };
        let board = match &purpose.press {
            Some(press) => Arc::new(self.desk.pressed(Arc::clone(press))) as Arc<dyn HostApi>,
            None => Arc::clone(&self.desk) as Arc<dyn HostApi>,
        };
        match self.plugs.command(&board, (offer, asked), &typed.invocation).await {
            Ok(reply) => reply,
            // A plugin sees no session of others, so it can't tell.
            Err(CallError::Plugin(why)) if why == messages::NO_ACTIVE && self.has_active(update) => {
                messages::plain(messages::NONE_ACTIVE_OF_YOURS)
            }
            Err(CallError::Plugin(why)) => messages::plain(&why),
            Err(error) => {
                let plugin = offer.generation.name.clone();
                tracing::warn!(command = typed.name, plugin, %error, "command failed");
                Answer::CommandFailed { name: typed.name.clone(), plugin, why: error.to_string() }.reply()
            }
        }
    }

    /// Whether a session is active in the place of an update, for any person.
    fn has_active(&self, update: &Update) -> bool {
        !self.desk.lines().roster.active_in(&update.place).is_empty()
    }

    async fn caption(&self, row: &InboxRow, kind: &str) {
        if self.addressee(row).await.is_some() {
            let told = Answer::CaptionTaken { kind: kind.to_owned() }.reply();
            self.posts.finish(Vec::new(), vec![NewPost::new(row.update.place.clone(), told)]).await;
        }
        self.prompt(row).await;
    }

    /// Applies an edit to a message that still waits. If the agent has already received the message, the edit is
    /// ignored.
    async fn edited(&self, row: &InboxRow, words: &str) {
        if let Some(message) = &row.update.origin.message {
            match self.store.revise(&row.update.place, message, words).await {
                Ok(Some(revised)) => self.replace(revised).await,
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "failed to store an edited message"),
            }
        }
        self.posts.finish(vec![Done::Update(row.id)], Vec::new()).await;
    }

    async fn replace(&self, revised: Revised) {
        let line = self.desk.lines().get(&revised.session);
        if let (Some(line), Some(text)) = (line, words_of(&revised.update)) {
            line.send(Input::Edited { prompt: revised.prompt, text }).await;
        }
    }

    /// Sends a text to its session. The store assigns the prompt to the session first, so that after a restart it goes
    /// to the same session.
    async fn prompt(&self, row: &InboxRow) {
        let Some(session) = self.addressee(row).await else {
            let answer = if self.has_active(&row.update) { Answer::NoneOfYours } else { Answer::NoActive };
            return self.answer(row, answer).await;
        };
        let (Some(prompt), Some(line)) = (prompt_of(row), self.desk.lines().get(&session)) else {
            return self.answer(row, Answer::NoActive).await;
        };
        if let Err(error) = self.store.assign(row.id, &session).await {
            tracing::error!(%error, "failed to store a prompt");
            let message = messages::beginning(row.update.what.text());
            return self.answer(row, Answer::NotStored { why: error.to_string(), message }).await;
        }
        let id = prompt.id.clone();
        // The message may have been edited before it was assigned. Later edits are sent to the session.
        let stored = self.store.accepted(row.id).await.ok().flatten();
        let text = stored.as_ref().and_then(words_of).unwrap_or(prompt.text);
        let limits = &self.desk.config().sessions;
        let waits = self.desk.lines().roster.view(session.as_str()).is_some_and(|view| waits(&view, limits));
        line.send(Input::Prompt(Prompt { text, ..prompt })).await;
        if waits {
            let message = row.update.origin.message.clone();
            let line = messages::plain(&messages::waits(&session));
            let line = Reply { alert: Alert::Silent, answers: message.clone(), ..line };
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
        let blueprint = SessionSpec { name: name.to_string(), agent: None, persona: None, model: None, folder: None };
        match self.desk.create(&update.caller, blueprint).await {
            Ok(_) => {}
            Err(refusal) if refusal.code == RefusalCode::Exists => {}
            Err(refusal) => return Err(refusal),
        }
        self.desk.activate(&update.caller, &update.place, name).await
    }

    /// Marks commands that bypass the queue as done, because they no longer apply after a restart. Returns the other
    /// updates, which are dispatched again.
    pub async fn drop_stale(&self, rows: Vec<InboxRow>) -> Vec<InboxRow> {
        let (stale, anew): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| self.jumps(row));
        for row in &stale {
            self.posts.finish(vec![Done::Update(row.id)], Vec::new()).await;
        }
        debug_assert!(anew.iter().all(|row| row.state == InboxState::New || prompt_of(row).is_none()));
        anew
    }
}

/// Returns whether a new message has to wait: it is neither answered at once nor refused.
fn waits(view: &SessionView, limits: &Sessions) -> bool {
    let has_room = view.queued < limits.queue.max(1) && view.record.kept.len() < limits.kept.max(1) as usize;
    has_room && (view.phase == Phase::Busy || view.queued > 0)
}
