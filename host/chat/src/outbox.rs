//! The outbox: one worker per place sends stored posts in order and, between posts, shows the newest frame of each
//! running turn.
//!
//! Final answers take priority over frames. A post stays in the store until it is shown or dropped. Frames aren't
//! stored; only the messages that show them are. The outbox works with any front-end, and a place that is waiting
//! doesn't delay the others.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fs::File,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use cordboard_core::{
    agent_event::PromptId,
    language::Language,
    turn::TurnFrame,
    types::{ChatFile, DeliveryIssue, Place},
    updates_and_posts::{ButtonAction, Delivery, OutboxRow, PostId},
};
use tokio::{
    sync::{Notify, watch},
    task::{Id, JoinError, JoinSet},
};

use super::{Chat, DownloadError, Menus, MessageId, StorageError, Streaming};

mod chat_call;
mod compose;
mod documents;
mod live_turn;
mod mailbox;
mod menu;
mod pace;
mod post_delivery;
mod topics;
mod turn_draft;
mod worker;

pub use compose::reply as messages;
use mailbox::Mailbox;
use pace::Paces;
use worker::Worker;

#[derive(Debug, Clone, PartialEq)]
pub enum Post {
    /// The newest frame of a running turn. It replaces older frames that are not shown yet. An empty frame only shows
    /// that the agent is working.
    ///
    /// `stop` is the stop button's action, used only where frames are shown as drafts. `None` means that a request to
    /// the user is open. Some clients don't let the user type while a draft is shown, so the turn is shown as a message
    /// from then on.
    Frame { place: Place, turn: PromptId, frame: TurnFrame, stop: Option<ButtonAction> },
    /// A stored post. No frames of a turn are shown after the turn's first post.
    Final(OutboxRow),
    /// The turn is being stopped. Later posts to this place wait briefly for the turn to end.
    Stopping { place: Place, turn: PromptId },
    /// The turn's prompt is back in its session's queue. The turn's messages are deleted. Later frames may show the
    /// turn again.
    Requeued { place: Place, turn: PromptId },
    /// The turn ended without a post. Its messages stay in the chat.
    Ended { place: Place, turn: PromptId },
}

impl Post {
    const fn place(&self) -> &Place {
        match self {
            Self::Frame { place, .. } | Self::Stopping { place, .. } => place,
            Self::Requeued { place, .. } | Self::Ended { place, .. } => place,
            Self::Final(row) => &row.place,
        }
    }
}

/// Stores how far each post has been delivered.
#[async_trait]
pub trait DeliveryStore: Send + Sync {
    /// Returns the language of the outbox's own texts in a place.
    fn language(&self, place: &Place) -> Option<Language>;

    /// Records that the turn streams into this message. The final answer then replaces the message; if the host ends
    /// first, the next host process marks the message as interrupted or deletes it. `text` is the shown part of the
    /// answer, as Markdown.
    async fn save_placeholder(
        &self,
        turn: &PromptId,
        place: &Place,
        message: &MessageId,
        text: &str,
    ) -> Result<(), StorageError>;

    /// Returns the message that the turn answers, or `None` if the message is unknown or the turn is over.
    async fn answered_message(&self, _turn: &PromptId) -> Option<MessageId> {
        None
    }

    /// Records that the message was deleted, so that no answer replaces it.
    async fn forget_placeholder(&self, place: &Place, message: &MessageId) -> Result<(), StorageError>;

    /// Stores how far a post has been delivered.
    async fn save_progress(&self, post: PostId, delivery: Delivery) -> Result<(), StorageError>;

    /// Records that the post was sent or dropped. `messages` show it and may be edited later. `issues` are delivery
    /// problems for the delivery log. Returns posts that update these messages and must be sent now.
    async fn complete(
        &self,
        post: PostId,
        messages: Vec<MessageId>,
        issues: Vec<DeliveryIssue>,
    ) -> Result<Vec<OutboxRow>, StorageError>;

    /// Records that the post is undeliverable, because its topic was deleted. It is sent again only after
    /// [`resend_undeliverable`](Self::resend_undeliverable).
    async fn record_undeliverable(&self, post: PostId, _why: &str) -> Result<(), StorageError> {
        self.complete(post, Vec::new(), Vec::new()).await.map(drop)
    }

    /// Returns the undeliverable posts of a place, to be sent again. The default implementation returns none.
    async fn resend_undeliverable(&self, _place: &Place) -> Result<Vec<OutboxRow>, StorageError> {
        Ok(Vec::new())
    }

    /// Records that the place can't be written to, so that a restarted host doesn't report it again. `why` is the
    /// front-end's error message.
    async fn set_unreachable(&self, _place: &Place, _why: &str) -> Result<(), StorageError> {
        Ok(())
    }

    /// Records that the place can be written to again.
    async fn set_reachable(&self, _place: &Place) -> Result<(), StorageError> {
        Ok(())
    }
}

/// A handle to the outbox. All clones refer to the same outbox.
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

impl Outbox {
    /// Creates an outbox, and a future that runs the outbox until [`close`](Self::close) is called.
    pub fn new(
        chat: Arc<dyn Chat>,
        store: Arc<dyn DeliveryStore>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let shared = Arc::new(Shared {
            chat,
            store,
            state: Mutex::default(),
            paces: Mutex::default(),
            unreachable_added: Notify::new(),
            new_places: Notify::new(),
            post_done: Notify::new(),
            menus: watch::Sender::new(Menus::default()),
            closing: watch::Sender::new(false),
        });
        (Self { shared: Arc::clone(&shared) }, run_workers(shared))
    }

    /// Restores the state that the previous host process stored: the unsent posts, and the places that can't be written
    /// to. These places are not reported again.
    pub fn restore(&self, unreachable: Vec<Place>, unsent: Vec<OutboxRow>) {
        self.shared.state().reported.extend(unreachable);
        self.post_all(unsent.into_iter().map(Post::Final).collect());
    }

    /// Queues a post and returns immediately. The queue is unbounded: every final post is already in the store, and
    /// each turn has at most one frame.
    pub fn post(&self, post: Post) {
        self.post_all(vec![post]);
    }

    /// Like [`post`](Self::post), but queues several posts without other posts in between.
    pub fn post_all(&self, posts: Vec<Post>) {
        let places: Vec<Place> = posts.iter().map(|post| post.place().clone()).collect();
        let mut state = self.shared.state();
        let State { mailboxes, new_places, .. } = &mut *state;
        for post in posts {
            let place = post.place().clone();
            let mailbox = mailboxes.entry(place.clone()).or_insert_with(|| {
                new_places.push(place);
                self.shared.new_places.notify_one();
                Mailbox::default()
            });
            mailbox.put(post);
        }
        for place in places {
            if let Some(mailbox) = mailboxes.get_mut(&place) {
                mailbox.notify();
            }
        }
    }

    /// Records that a user has written in the place: messages of running turns are no longer the newest, and if the
    /// place is blocked, the outbox tries it again. The place's undeliverable posts are resent, because the message
    /// proves that the topic exists.
    pub fn on_user_message(&self, place: &Place) {
        let mut state = self.shared.state();
        if let Some(mailbox) = state.mailboxes.get_mut(place) {
            mailbox.user_wrote = true;
            mailbox.notify();
        }
        if state.reported.contains(place) {
            tokio::spawn(self.clone().resend_undeliverable(place.clone()));
        }
    }

    /// Stops the answer that is partly shown in the place. If there is none, stops the next answer if it needs more
    /// than one message.
    #[must_use]
    pub fn stop_answer(&self, place: &Place) -> AnswerStop {
        let longest = self.shared.chat.limits(place).text_units;
        let mut state = self.shared.state();
        let Some(mailbox) = state.mailboxes.get_mut(place) else { return AnswerStop::NotSending };
        let Some(turn) = mailbox.long_answer(longest) else { return AnswerStop::NotSending };
        mailbox.stop_answer_of = Some(turn);
        mailbox.notify();
        AnswerStop::Stopped
    }

    /// Returns the way in which the front-end shows frames in this place.
    #[must_use]
    pub fn streaming(&self, place: &Place) -> Streaming {
        self.shared.chat.streaming(place)
    }

    /// Waits until another place can't be written to, and returns that place. Its posts are kept.
    pub async fn next_unreachable(&self) -> Unreachable {
        loop {
            let unreachable_added = self.shared.unreachable_added.notified();
            let next = self.shared.state().unreachable.pop_front();
            match next {
                Some(next) => return next,
                None => unreachable_added.await,
            }
        }
    }

    /// Marks a user's message as accepted and waiting. See [`Chat::acknowledge`].
    pub async fn acknowledge(&self, place: &Place, message: Option<&MessageId>) -> bool {
        self.shared.chat.acknowledge(place, message).await
    }

    /// Downloads a file that a user has sent in `place`, as [`Chat::download`] does.
    ///
    /// # Errors
    /// As [`Chat::download`].
    pub async fn download(&self, place: &Place, file: &ChatFile, to: File) -> Result<(), DownloadError> {
        self.shared.chat.download(place, file, to).await
    }

    /// Sets the front-end's menus in the background. Newer menus replace pending ones.
    pub fn set_menus(&self, menus: Menus) {
        self.shared.menus.send_replace(menus);
    }

    /// Waits until no final posts are pending, ignoring those for places that can't be written to.
    pub async fn drained(&self) {
        loop {
            let post_done = self.shared.post_done.notified();
            if self.shared.state().mailboxes.values().all(|mailbox| mailbox.pending_posts() == 0) {
                return;
            }
            post_done.await;
        }
    }

    /// Returns the number of pending final posts, excluding those for places that can't be written to.
    #[must_use]
    pub fn pending_posts(&self) -> usize {
        self.shared.state().mailboxes.values().map(Mailbox::pending_posts).sum()
    }

    /// Ends the future returned by [`new`](Self::new) once its current calls finish. Unsent posts stay in the store.
    pub fn close(&self) {
        self.shared.closing.send_replace(true);
    }
}

/// A place that can't be written to, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    pub place: Place,
    pub why: String,
    pub kind: UnreachableKind,
}

/// Tells whether an unreachable place may become writable again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreachableKind {
    /// The place may become writable again. Its posts are kept.
    Blocked,
    /// The place is a topic that no longer exists. Its posts are undeliverable.
    Deleted,
}

/// The result of [`Outbox::stop_answer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerStop {
    Stopped,
    NotSending,
}

struct Shared {
    chat: Arc<dyn Chat>,
    store: Arc<dyn DeliveryStore>,
    state: Mutex<State>,
    paces: Mutex<Paces>,
    /// Notified when a place can't be written to.
    unreachable_added: Notify,
    /// Notified when a place has a new mailbox, which needs a worker.
    new_places: Notify,
    /// Notified when a final post is done.
    post_done: Notify,
    menus: watch::Sender<Menus>,
    closing: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    mailboxes: HashMap<Place, Mailbox>,
    unreachable: VecDeque<Unreachable>,
    /// Unwritable places that were already reported. They are also recorded in the store.
    reported: HashSet<Place>,
    /// Places whose mailbox has no worker.
    new_places: Vec<Place>,
}

impl State {
    /// Requests a new worker for a place whose worker panicked, so that the place's posts don't get stuck.
    fn recover(&mut self, place: Place) {
        let Some(mailbox) = self.mailboxes.get_mut(&place) else { return };
        if let Some(post) = mailbox.on_worker_failure() {
            tracing::error!(%place, post = post.0, "a post is skipped until a restart: two workers failed to send it");
        }
        self.new_places.push(place);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // The state stays usable after a panic with the lock held: posts stay in their mailbox until they are done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn paces(&self) -> MutexGuard<'_, Paces> {
        self.paces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreachable(&self, place: Unreachable) {
        self.state().unreachable.push_back(place);
        self.unreachable_added.notify_one();
    }
}

/// Starts a worker for each place with a mailbox. After the outbox is closed, ends when all workers have ended.
async fn run_workers(shared: Arc<Shared>) {
    let mut workers = JoinSet::new();
    let mut places = HashMap::new();
    let mut closing = shared.closing.subscribe();
    workers.spawn(menu::keep_up_to_date(Arc::clone(&shared)));
    loop {
        let new_places = std::mem::take(&mut shared.state().new_places);
        for place in new_places {
            let changed = shared.state().mailboxes.get(&place).map(|mailbox| Arc::clone(&mailbox.changed));
            if let Some(changed) = changed {
                let task = workers.spawn(Worker::new(Arc::clone(&shared), place.clone(), changed).run());
                places.insert(task.id(), place);
            }
        }
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => break,
            () = shared.new_places.notified() => {}
            Some(ended) = workers.join_next_with_id() => {
                let place = places.remove(&id_of(&ended));
                if let (Err(_), Some(place)) = (&ended, place) {
                    shared.state().recover(place);
                    shared.post_done.notify_waiters();
                }
            }
        }
    }
    while let Some(ended) = workers.join_next_with_id().await {
        id_of(&ended);
    }
}

/// Returns the id of a task that has ended, and logs its error if it failed.
fn id_of(ended: &Result<(Id, ()), JoinError>) -> Id {
    match ended {
        Ok((id, ())) => *id,
        Err(error) => {
            tracing::error!(%error, "a worker of the outbox failed");
            error.id()
        }
    }
}

#[cfg(test)]
mod tests;
