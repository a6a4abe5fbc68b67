//! Performs the hub's dispatches: calls a command's plugin, or sends a prompt to the active session. The reply is
//! stored in the same commit that marks the update as done.

use std::{collections::BTreeSet, sync::Arc};

use cordboard_core::{
    capability::Capability,
    hub::{Action, Call, Dispatch},
    messages::{self, HostReply, UserDecision},
    part_joiner::JoinedUpdate,
    types::{Place, Reply, SessionName},
    updates_and_posts::{CompletedUpdate, InboxId, InboxRow, NewPost, Update, UpdateKind},
};
use cordboard_failpoints::{Failpoint, hit};
use cordboard_metrics::METRICS;
use cordboard_runtime::{CallContext, CallError, HostApi, Offer, Registry};
use cordboard_store::{Keyboard, Store, StoreError};

use super::{
    file_downloads::CommandFiles,
    host_api::HostService,
    outbound::Outbound,
    press_context::{Press, PressEffect},
    session_attachments,
    undispatched_prompts::PromptTaker,
};
use crate::schedule::local_minute;

pub struct Dispatcher {
    pub plugins: Arc<Registry>,
    pub host: Arc<HostService>,
    pub outbound: Outbound,
    pub store: Store,
}

/// The session and request that a pressed button was created for. Empty for a typed command.
#[derive(Default)]
struct ButtonTarget {
    press: Option<Arc<Press>>,
    /// The stored message that contains the button.
    keyboard: Option<Keyboard>,
}

impl ButtonTarget {
    /// Returns the reply that replaces the message with the button. If the message is an open question, only its buttons
    /// change, so that a plugin can't change what users decide about.
    fn keep_question(&self, reply: Reply) -> Reply {
        let Some(question) = self.keyboard.as_ref().map(|keyboard| &keyboard.reply) else { return reply };
        if question.request.is_none() {
            return reply;
        }
        let session = question.buttons.iter().flatten().find_map(|button| button.session.clone());
        let Reply { buttons, in_place, .. } = reply.bound_to(session.as_ref());
        Reply { buttons, in_place, ..question.clone() }
    }
}

impl Dispatcher {
    /// Performs one of the hub's dispatches. The hub doesn't wait for the result. Through `waiting`, a command can
    /// remove prompts that are still waiting in the hub.
    pub async fn perform(&self, dispatch: Dispatch<Offer>, waiting: PromptTaker) {
        let Dispatch { update: JoinedUpdate { row, absorbed, .. }, action, .. } = dispatch;
        self.join(&row, absorbed).await;
        tracing::debug!(place = %row.update.place, "handling an update");
        self.note_message(&row, &action);
        match action {
            Action::Call(call) => self.command(&row, &call, ButtonTarget::default(), waiting).await,
            Action::Press(call) => match (self.button_target(&row.update.what).await, call) {
                (Ok(target), Ok(call)) => self.command(&row, &call, target, waiting).await,
                (Ok(target), Err(answer)) if !self.answer_pressed(&row, target.press.as_ref()).await => {
                    self.answer(&row, answer).await;
                }
                (Ok(_), Err(_)) => {}
                (Err(answer), _) => self.answer(&row, answer).await,
            },
            Action::Prompt => self.prompt(&row).await,
            Action::Edit(text) => self.edit(&row, &text).await,
            Action::Reply(answer) if !self.answer_typed(&row, &answer).await => self.answer(&row, answer).await,
            Action::Reply(_) => {}
            Action::DropWithoutAccess => {
                let caller = &row.update.caller.id;
                tracing::info!(%caller, "dropped a message: its author no longer has access");
                self.finish(&row).await;
            }
            Action::DropStale | Action::DropExcess => self.finish(&row).await,
        }
    }

    /// Merges the parts of a message in the store.
    async fn join(&self, row: &InboxRow, absorbed: Vec<InboxId>) {
        if !absorbed.is_empty()
            && let Err(error) = self.store.join_updates(row.id, absorbed).await
        {
            tracing::error!(%error, "failed to join the parts of a message: some may be handled again after a restart");
        }
    }

    /// Marks an update as done without replying to it.
    pub(super) async fn finish(&self, row: &InboxRow) {
        self.complete(row, Vec::new()).await;
    }

    /// Marks an update as done, and stores the posts in the same commit.
    async fn complete(&self, row: &InboxRow, posts: Vec<NewPost>) {
        METRICS.update_handled(&row.prompt.0);
        self.outbound.finish(vec![CompletedUpdate::Update(row.id)], posts).await;
    }

    /// Informs the outbox that a user has sent a message in the update's place. Ignores edits and button presses,
    /// because they add no message to the chat. Also ignores messages that are dropped.
    fn note_message(&self, row: &InboxRow, action: &Action<Offer>) {
        let is_message = matches!(row.update.what, UpdateKind::Text(_) | UpdateKind::NotText { .. });
        let is_dropped = matches!(action, Action::DropWithoutAccess | Action::DropStale | Action::DropExcess);
        if is_message && !is_dropped {
            self.outbound.on_user_message(&row.update.place);
        }
    }

    pub(super) async fn answer(&self, row: &InboxRow, answer: HostReply) {
        self.reply(row, answer.reply()).await;
    }

    pub(super) async fn reply(&self, row: &InboxRow, reply: Reply) {
        self.reply_with(row, reply, None).await;
    }

    /// Stores the reply and `other` in one commit.
    async fn reply_with(&self, row: &InboxRow, mut reply: Reply, other: Option<NewPost>) {
        reply.reply_to.clone_from(&row.update.origin.message);
        let edit = match &row.update.what {
            UpdateKind::Press { message, .. } if reply.in_place => message.clone(),
            UpdateKind::Press { .. } | UpdateKind::Text(_) | UpdateKind::NotText { .. } | UpdateKind::Edited(_) => None,
        };
        let post = NewPost { edit, ..NewPost::new(row.update.place.clone(), reply) };
        // The caller may have lost access while a long call was running.
        let has_access = self.host.with_current_role(&row.update.caller, &row.update.place).is_some();
        let posts = Some(post).into_iter().chain(other).filter(|_| has_access).collect();
        self.complete(row, posts).await;
    }

    async fn command(&self, row: &InboxRow, call: &Call<Offer>, target: ButtonTarget, waiting: PromptTaker) {
        let name = call.command.spec.name.as_str();
        let (saved, failure) = match self.save_files(row, Some(name)).await {
            Ok(saved) => (saved, None),
            Err(failure) => (None, Some(failure)),
        };
        let files = CommandFiles::of(saved.as_ref());
        let topic_creation = self.host.topic_creation(row);
        let host = self.host.for_update(&row.update, target.press.clone(), waiting, files.clone());
        let host = HostService { topic_creation: topic_creation.clone(), ..host };
        let mut reply = self.call(&row.update, call, host).await;
        hit(Failpoint::CommandRun);
        if reply.in_place {
            reply = target.keep_question(reply);
        } else {
            self.close_buttons(&row.update, call, &target).await;
        }
        let mut opened = self.open_topic(row, topic_creation.as_deref(), &mut reply).await;
        // One commit, so that a killed host loses neither the reply nor the first message of the topic.
        self.reply_with(row, reply, opened.post.take()).await;
        // Let the outbox send the reply first.
        tokio::task::yield_now().await;
        if let Err(error) = self.store.count_command(name).await {
            tracing::debug!(%error, "failed to count the use of a command");
        }
        self.start_in_topic(row, opened).await;
        let has_files = matches!(&row.update.what, UpdateKind::NotText { files, .. } if !files.is_empty());
        let notice = match (failure, saved) {
            (Some(failure), _) => Some(failure),
            (None, Some(saved)) if files.are_taken() => saved.notice,
            (None, saved) => has_files.then(|| HostReply::FilesNotUsed {
                command: call.command.spec.name.clone(),
                saved: saved.map(|saved| saved.paths()).unwrap_or_default(),
            }),
        };
        if let Some(notice) = notice {
            self.notify(row, &notice).await;
        }
    }

    /// Posts a notice about an update that is still being handled.
    pub(super) async fn notify(&self, row: &InboxRow, notice: &HostReply) {
        let post = NewPost::new(row.update.place.clone(), notice.reply());
        self.outbound.finish(Vec::new(), vec![post]).await;
    }

    /// Returns the session and request of the button. The error is the answer to the user: the button is outdated, its
    /// message already shows a decision, or the store failed.
    async fn button_target(&self, what: &UpdateKind) -> Result<ButtonTarget, HostReply> {
        let UpdateKind::Press { line, .. } = what else { return Ok(ButtonTarget::default()) };
        let keyboard = match line.keyboard {
            Some(id) => {
                let stored = self.store.keyboard(id).await;
                let not_stored = |error: StoreError| HostReply::NotStored {
                    why: error.to_string(),
                    message: messages::beginning(&line.command),
                };
                let stored = stored.map_err(not_stored)?;
                Some(stored.ok_or(HostReply::OldButton)?)
            }
            // The button belongs to a running turn's frame, and frames aren't stored.
            None if line.session.is_some() => None,
            None => return Err(HostReply::OldButton),
        };
        if let Some(outcome) = keyboard.as_ref().and_then(|keyboard| keyboard.outcome.clone()) {
            return Err(HostReply::AlreadyDecided { outcome });
        }
        let request = keyboard.as_ref().and_then(|keyboard| keyboard.reply.request.clone());
        let session = line.session.as_ref().map(|id| self.host.sessions.registry.name_of(id));
        let press = Arc::new(Press::new(session, request));
        Ok(ButtonTarget { press: Some(press), keyboard })
    }

    /// Closes the buttons of a message if a press has made them obsolete. If the press changed the session, the message
    /// shows the decision and who made it. If the button's request was already closed, the message shows only that the
    /// request is closed. If the press decided the request, the session itself reports the decision.
    async fn close_buttons(&self, update: &Update, call: &Call<Offer>, target: &ButtonTarget) {
        let ButtonTarget { press: Some(press), keyboard: Some(keyboard) } = target else { return };
        match (press.effect(), &press.request) {
            (PressEffect::SessionChanged, None) => {
                let mut buttons = keyboard.reply.buttons.iter().flatten();
                let label = buttons.find(|shown| shown.command == update.what.text());
                let label = label.map_or(call.command.spec.name.as_str(), |shown| shown.label.as_str());
                let (label, by) = (label.to_owned(), update.caller.name.clone());
                let at = local_minute(self.host.clock.wall());
                let outcome = move || messages::request_decided(Some(UserDecision { by: &by, at: &at }), Some(&label));
                self.outbound.close_keyboard(keyboard.id, outcome).await;
            }
            (PressEffect::RequestClosed, Some(request)) => {
                self.outbound.decide(request, || messages::request_decided(None, None)).await
            }
            (PressEffect::SessionChanged | PressEffect::None | PressEffect::RequestClosed, _) => {}
        }
    }

    async fn call(&self, update: &Update, call: &Call<Offer>, host: HostService) -> Reply {
        let context = CallContext {
            caller: Some(update.caller.clone()),
            place: Some(update.place.clone()),
            active: None,
            locale: self.host.config().language.texts.locale(update.locale.as_deref()),
        };
        let host: Arc<dyn HostApi> = Arc::new(host);
        let offer = &call.command;
        match self.plugins.command(&host, offer, context, &call.invocation).await {
            Ok(reply) if reply.attachments.is_empty() => reply,
            Ok(reply) => match host.active(&update.caller, &update.place) {
                Some(view) if offer.version.uses(Capability::Sessions) => {
                    let largest = self.host.config().telegram_of(&update.place).largest_upload();
                    session_attachments::resolve(reply, &view, &self.host.session_files, largest)
                }
                Some(_) | None => reply,
            },
            Err(error) => {
                let (command, plugin) = (&offer.spec.name, &offer.version.name);
                if !matches!(error, CallError::Plugin(_)) {
                    tracing::warn!(command, plugin, %error, "command failed");
                }
                messages::plain(&error_text(&error, offer, &self.active_in(&update.place)))
            }
        }
    }

    /// Returns the sessions that are active in a place, for any person.
    pub(super) fn active_in(&self, place: &Place) -> BTreeSet<SessionName> {
        self.host.sessions.registry.active_in(place)
    }
}

/// Returns the reply text for a command whose call failed. `active` contains the sessions that are active in the place
/// of the call.
pub fn error_text(error: &CallError, offer: &Offer, active: &BTreeSet<SessionName>) -> String {
    let CallError::Plugin(why) = error else {
        let (name, plugin) = (offer.spec.name.clone(), offer.version.name.clone());
        return HostReply::CommandFailed { name, plugin, why: error.to_string() }.text();
    };
    // The plugin can't see other people's sessions, so its error text says that no session is active.
    let is_of_others = messages::says_no_active(why) && !active.is_empty();
    if is_of_others { messages::none_active_of_yours() } else { why.clone() }
}
