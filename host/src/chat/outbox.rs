//! The way out: one worker a place sends stored posts in order, and shows the newest frame of each running turn in between.
//!
//! Final answers go before frames. A post is forgotten only when it is shown, or can never be; a frame is never stored. Nothing
//! here knows a front-end, and a place that must wait holds no other one up.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use cordboard_core::{
    agent::PromptId,
    chat::{Delivery, OutboxRow, PostId},
    types::{Place, Reply},
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
mod streaming;
mod worker;

pub(super) use compose::reply as messages;
use mailbox::Mailbox;
use pace::Paces;
use worker::Worker;

/// What a turn looks like at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// Message i replaces message i of the frame before.
    pub messages: Vec<Reply>,
    /// What the agent is doing, in a line of Markdown.
    pub live: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Post {
    /// The newest frame of a running turn; older ones that are not shown yet are dropped. An empty one shows that somebody works.
    Live { place: Place, turn: PromptId, screen: Frame },
    /// A stored post. The first one of a turn ends its frames.
    Final(OutboxRow),
    /// The turn was told to stop: what is said here next waits for its end, for a moment.
    Stopping { place: Place, turn: PromptId },
    /// The turn waits again: what it has shown is taken back, and it may be shown anew.
    Back { place: Place, turn: PromptId },
    /// The turn ends without a post; what it has shown stays.
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

/// Where it is stored how far posts have come.
#[async_trait]
pub trait DeliveryStore: Send + Sync {
    /// Stores that the turn is streamed into this message, so that its final answer replaces the message, even after a
    /// crash. `text` is the shown part of the answer, as Markdown.
    ///
    /// # Errors
    /// The store's.
    async fn placeholder(&self, turn: (&PromptId, &Place), message: &MessageId, text: &str) -> Result<(), LedgerError>;

    /// The message that the turn answers. `None` if it is unknown or the turn is over.
    async fn question(&self, _turn: &PromptId) -> Option<MessageId> {
        None
    }

    /// The message was deleted: no answer takes its place.
    ///
    /// # Errors
    /// The store's.
    async fn deleted(&self, place: &Place, message: &MessageId) -> Result<(), LedgerError>;

    /// The post has come so far.
    ///
    /// # Errors
    /// The store's.
    async fn sending(&self, post: PostId, delivery: Delivery) -> Result<(), LedgerError>;

    /// The post was sent, or is given up. `messages` show it and may be edited later. Returns what is to be told in them at once.
    ///
    /// # Errors
    /// The store's.
    async fn sent(&self, post: PostId, messages: Vec<MessageId>) -> Result<Vec<OutboxRow>, LedgerError>;
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LedgerError(pub String);

/// A handle; clones share the outbox.
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

impl Outbox {
    /// An outbox, and the task that does its work until [`close`](Self::close).
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

    /// Takes a post and returns at once. What waits here is not bounded: every final post is held by the store already, and of a
    /// turn there is one frame.
    pub fn post(&self, post: Post) {
        self.post_all(vec![post]);
    }

    /// As [`post`](Self::post), of several that belong together: nothing comes between them.
    pub fn post_all(&self, posts: Vec<Post>) {
        let places: Vec<Place> = posts.iter().map(|post| post.place().clone()).collect();
        let mut state = self.shared.state();
        let State { boxes, born, unreachable: _ } = &mut *state;
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

    /// Records that a user has written in the place, so that the messages of running turns are no longer at the bottom.
    pub fn heard(&self, place: &Place) {
        if let Some(mailbox) = self.shared.state().boxes.get_mut(place) {
            mailbox.heard = true;
            mailbox.ring();
        }
    }

    /// Stops the answer of several messages that is being sent to the place or is next.
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

    /// Marks a message as waiting. Best effort: nothing depends on it.
    pub fn acknowledge(&self, place: &Place, message: &MessageId) {
        let (chat, place, message) = (Arc::clone(&self.shared.chat), place.clone(), message.clone());
        tokio::spawn(async move { chat.acknowledge(&place, &message).await });
    }

    /// Sets the front-end's menu, however long it takes; a newer menu replaces one that is not set yet.
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

    /// The number of pending final posts, except for places that can't be written to.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.state().boxes.values().map(Mailbox::count_awaited).sum()
    }

    /// Ends the work after the calls that are under way. Posts that are not sent stay stored.
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
    /// A place can't be written to.
    lost: Notify,
    /// A place has got its mailbox and wants a worker.
    born: Notify,
    /// A final post is done.
    quiet: Notify,
    menu: watch::Sender<Vec<MenuEntry>>,
    closing: watch::Sender<Run>,
}

#[derive(Default)]
struct State {
    boxes: HashMap<Place, Mailbox>,
    unreachable: VecDeque<Unreachable>,
    /// Mailboxes without a worker.
    born: Vec<Place>,
}

impl State {
    /// A place whose worker a bug has ended gets another one: its posts wait for nobody else.
    fn recover(&mut self, place: Place) {
        let Some(mailbox) = self.boxes.get_mut(&place) else { return };
        if let Some(post) = mailbox.blame() {
            tracing::error!(%place, post = post.0, "a post is left, and sent after a restart: no worker survives it");
        }
        self.born.push(place);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is one step, so a panic elsewhere leaves it whole.
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

/// Starts a worker for each place that has something, and ends when all have ended.
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

/// The task that has ended, however.
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
