//! The outbox: one worker per place sends stored posts in order, and in between shows the newest frame of each
//! running turn.
//!
//! Final answers precede frames. A post is removed only after it is shown or can't be shown; frames are never stored.
//! The outbox doesn't depend on a front-end, and a place that must wait doesn't delay other places.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use cordboard_core::{
    agent::PromptId,
    chat::{Delivery, OutboxRow, PostId},
    turn::TurnFrame,
    types::Place,
};
use tokio::{
    sync::{Notify, watch},
    task::{Id, JoinError, JoinSet},
};

use super::{Chat, MenuEntry, MessageId};

mod compose;
mod delivery;
mod mailbox;
mod menu;
mod pace;
mod reachability;
mod step;
mod streaming;
mod worker;

pub use compose::reply as messages;
use mailbox::Mailbox;
use pace::Paces;
pub use reachability::Reachability;
use worker::Worker;

#[derive(Debug, Clone, PartialEq)]
pub enum Post {
    /// The newest frame of a running turn. It replaces older frames that are not shown yet. An empty frame only shows
    /// that the agent works.
    Live { place: Place, turn: PromptId, frame: TurnFrame },
    /// A stored post. The first post of a turn ends its frames.
    Final(OutboxRow),
    /// The turn is being stopped. Later posts to this place wait for its end, for a short time.
    Stopping { place: Place, turn: PromptId },
    /// The turn is waiting again. Its messages are deleted, and later frames may show it again.
    Back { place: Place, turn: PromptId },
    /// The turn ended without a post. Its messages remain.
    Over { place: Place, turn: PromptId },
}

impl Post {
    const fn place(&self) -> &Place {
        match self {
            Self::Live { place, .. } | Self::Stopping { place, .. } => place,
            Self::Back { place, .. } | Self::Over { place, .. } => place,
            Self::Final(row) => &row.place,
        }
    }
}

/// Stores the progress of posts.
#[async_trait]
pub trait DeliveryStore: Send + Sync {
    /// Stores that the turn streams into this message, so that its final answer replaces the message, even after a
    /// crash. `text` is the shown part of the answer, as Markdown.
    ///
    /// # Errors
    /// The store can't be written.
    async fn placeholder(&self, turn: (&PromptId, &Place), message: &MessageId, text: &str) -> Result<(), LedgerError>;

    /// Returns the message that the turn answers. `None` if it is unknown or the turn is over.
    async fn question(&self, _turn: &PromptId) -> Option<MessageId> {
        None
    }

    /// Stores that the message was deleted, so that no answer replaces it.
    ///
    /// # Errors
    /// The store can't be written.
    async fn deleted(&self, place: &Place, message: &MessageId) -> Result<(), LedgerError>;

    /// Stores the progress of a post.
    ///
    /// # Errors
    /// The store can't be written.
    async fn sending(&self, post: PostId, delivery: Delivery) -> Result<(), LedgerError>;

    /// Records that the post was sent or dropped. `messages` show it and may be edited later. Returns posts that must
    /// be sent now, as updates of these messages.
    ///
    /// # Errors
    /// The store can't be written.
    async fn sent(&self, post: PostId, messages: Vec<MessageId>) -> Result<Vec<OutboxRow>, LedgerError>;

    /// Stores whether the place can be written to, so that a restart does not report the place again.
    ///
    /// # Errors
    /// The store can't be written.
    async fn set_reachability(&self, _place: &Place, _reachability: Reachability) -> Result<(), LedgerError> {
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LedgerError(pub String);

/// A handle to the outbox. Clones share it.
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

impl Outbox {
    /// Creates an outbox, and the task that does its work until [`close`](Self::close).
    pub fn new(
        chat: Arc<dyn Chat>,
        ledger: Arc<dyn DeliveryStore>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let shared = Arc::new(Shared {
            chat,
            ledger,
            state: Mutex::default(),
            paces: Mutex::default(),
            lost: Notify::new(),
            born: Notify::new(),
            quiet: Notify::new(),
            menu: watch::Sender::new(Vec::new()),
            closing: watch::Sender::new(Run::On),
        });
        (Self { shared: Arc::clone(&shared) }, work(shared))
    }

    /// Takes the state of the last host: the places that can't be written to, which are not reported again, and the
    /// posts that were not sent.
    pub fn restore(&self, unreachable: Vec<Place>, unsent: Vec<OutboxRow>) {
        self.shared.state().reported.extend(unreachable);
        self.post_all(unsent.into_iter().map(Post::Final).collect());
    }

    /// Queues a post and returns immediately. The queue has no limit: the store already holds every final post, and
    /// each turn has at most one frame.
    pub fn post(&self, post: Post) {
        self.post_all(vec![post]);
    }

    /// Queues several posts as [`post`](Self::post) does. No other post goes between them.
    pub fn post_all(&self, posts: Vec<Post>) {
        let places: Vec<Place> = posts.iter().map(|post| post.place().clone()).collect();
        let mut state = self.shared.state();
        let State { boxes, born, .. } = &mut *state;
        for post in posts {
            let place = post.place().clone();
            let mailbox = boxes.entry(place.clone()).or_insert_with(|| {
                born.push(place);
                self.shared.born.notify_one();
                Mailbox::default()
            });
            mailbox.put(post);
        }
        for place in places {
            if let Some(mailbox) = boxes.get_mut(&place) {
                mailbox.ring();
            }
        }
    }

    /// Records that a user has written in the place, so that the messages of running turns are no longer at the
    /// bottom.
    pub fn heard(&self, place: &Place) {
        if let Some(mailbox) = self.shared.state().boxes.get_mut(place) {
            mailbox.heard = true;
            mailbox.ring();
        }
    }

    /// Stops the long answer that is being sent to the place, or that is next.
    #[must_use]
    pub fn cut(&self, place: &Place) -> Cut {
        let longest = self.shared.chat.limits().text_units;
        let mut state = self.shared.state();
        let Some(mailbox) = state.boxes.get_mut(place) else { return Cut::Nothing };
        let Some(turn) = mailbox.long_answer(longest) else { return Cut::Nothing };
        mailbox.cut = Some(turn);
        mailbox.ring();
        Cut::Answer
    }

    /// Waits for the next place that can't be written to. Its posts are kept.
    pub async fn unreachable(&self) -> Unreachable {
        loop {
            let lost = self.shared.lost.notified();
            let next = self.shared.state().unreachable.pop_front();
            match next {
                Some(next) => return next,
                None => lost.await,
            }
        }
    }

    /// Marks a message as waiting. Returns false if a line must say so instead.
    pub async fn acknowledge(&self, place: &Place, message: Option<&MessageId>) -> bool {
        self.shared.chat.acknowledge(place, message).await
    }

    /// Sets the front-end's menu in the background. A newer menu replaces one that is not set yet.
    pub fn menu(&self, commands: Vec<MenuEntry>) {
        self.shared.menu.send_replace(commands);
    }

    /// Waits until no final post is pending, except for places that can't be written to.
    pub async fn drained(&self) {
        loop {
            let quiet = self.shared.quiet.notified();
            if self.shared.state().boxes.values().all(|mailbox| mailbox.count_awaited() == 0) {
                return;
            }
            quiet.await;
        }
    }

    /// Returns the number of pending final posts, except for places that can't be written to.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.state().boxes.values().map(Mailbox::count_awaited).sum()
    }

    /// Ends the task after its current calls. Unsent posts stay stored.
    pub fn close(&self) {
        self.shared.closing.send_replace(Run::Off);
    }
}

/// A place that can't be written to, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    pub place: Place,
    pub why: String,
}

/// The result of [`Outbox::cut`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Answer,
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    On,
    Off,
}

struct Shared {
    chat: Arc<dyn Chat>,
    ledger: Arc<dyn DeliveryStore>,
    state: Mutex<State>,
    paces: Mutex<Paces>,
    /// Notified when a place can't be written to.
    lost: Notify,
    /// Notified when a place has a new mailbox, which needs a worker.
    born: Notify,
    /// Notified when a final post is done.
    quiet: Notify,
    menu: watch::Sender<Vec<MenuEntry>>,
    closing: watch::Sender<Run>,
}

#[derive(Default)]
struct State {
    boxes: HashMap<Place, Mailbox>,
    unreachable: VecDeque<Unreachable>,
    /// Places that can't be written to, as the store knows them.
    reported: HashSet<Place>,
    /// Places whose mailbox has no worker.
    born: Vec<Place>,
}

impl State {
    /// Starts a new worker for a place whose worker has panicked, so that its posts don't get stuck.
    fn recover(&mut self, place: Place) {
        let Some(mailbox) = self.boxes.get_mut(&place) else { return };
        if let Some(post) = mailbox.blame() {
            tracing::error!(%place, post = post.0, "a post is not sent before a restart: its workers keep failing");
        }
        self.born.push(place);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is one step, so a panic elsewhere leaves it consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn paces(&self) -> MutexGuard<'_, Paces> {
        self.paces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreachable(&self, place: Unreachable) {
        self.state().unreachable.push_back(place);
        self.lost.notify_one();
    }
}

/// Starts a worker for each place with a mailbox. Ends when all workers have ended.
async fn work(shared: Arc<Shared>) {
    let mut workers = JoinSet::new();
    let mut places = HashMap::new();
    let mut closing = shared.closing.subscribe();
    workers.spawn(menu::keep(Arc::clone(&shared)));
    loop {
        let born = std::mem::take(&mut shared.state().born);
        for place in born {
            let bell = shared.state().boxes.get(&place).map(|mailbox| Arc::clone(&mailbox.bell));
            if let Some(bell) = bell {
                let task = workers.spawn(Worker::new(Arc::clone(&shared), place.clone(), bell).run());
                places.insert(task.id(), place);
            }
        }
        tokio::select! {
            biased;
            _ = closing.wait_for(|run| *run == Run::Off) => break,
            () = shared.born.notified() => {}
            Some(ended) = workers.join_next_with_id() => {
                let place = places.remove(&id_of(&ended));
                if let (Err(_), Some(place)) = (&ended, place) {
                    shared.state().recover(place);
                    shared.quiet.notify_waiters();
                }
            }
        }
    }
    while let Some(ended) = workers.join_next_with_id().await {
        id_of(&ended);
    }
}

/// Returns the id of the task that has ended, normally or with an error.
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
