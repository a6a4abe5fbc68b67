//! The stand-in for Telegram: delivers the users' messages, injects failures, and records what the host sends.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::{
    agent,
    botapi::{BotApi, Call, Fault, message},
    oracle::{SendCall, SendOutcome},
    plan::{Arrival, Delivery, Faults, Injected, Kind, Message},
};

/// The `retry_after` of a rate limit, in seconds: the shortest that the Bot API supports.
const RETRY_AFTER: u64 = 1;

/// The Bot API returns at most this many updates at once. With more unconfirmed updates, ids out of order could make the
/// stand-in itself drop an update that it has not delivered.
const BATCH: i64 = 100;

pub struct Telegram {
    pub api: BotApi,
    journal: Arc<Mutex<Journal>>,
    polled: watch::Sender<usize>,
}

/// The record of the host's calls, and the updates sent so far.
pub struct Journal {
    pub run: usize,
    pub sends: Vec<SendCall>,
    pub injected: BTreeMap<Injected, usize>,
    listeners: HashMap<i64, mpsc::UnboundedSender<ShownText>>,
    /// `None` while no calls fail.
    faults: Option<Faults>,
    /// The highest offset that the host has passed to `getUpdates`.
    confirmed: i64,
    last_update: i64,
}

/// A text that a chat shows.
pub struct ShownText {
    pub at: Instant,
    pub kind: PostKind,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostKind {
    New,
    /// A new text of an earlier message.
    Edit,
}

impl Telegram {
    pub async fn start() -> Self {
        let api = BotApi::start().await;
        let journal = Arc::new(Mutex::new(Journal {
            run: 0,
            sends: Vec::new(),
            injected: BTreeMap::new(),
            listeners: HashMap::new(),
            faults: None,
            confirmed: 0,
            last_update: 0,
        }));
        let polled = watch::Sender::new(0);
        let (calls, notify) = (Arc::clone(&journal), polled.clone());
        api.inject_faults(Box::new(move |call| {
            let mut journal = lock(&calls);
            if call.method == "getupdates" {
                notify.send_replace(journal.run);
            }
            journal.record(call)
        }));
        Self { api, journal, polled }
    }

    pub fn journal(&self) -> MutexGuard<'_, Journal> {
        lock(&self.journal)
    }

    /// Returns the texts that a chat shows from now on. Replaces the chat's previous listener.
    pub fn listen(&self, chat: i64) -> mpsc::UnboundedReceiver<ShownText> {
        let (sender, shown) = mpsc::unbounded_channel();
        self.journal().listeners.insert(chat, sender);
        shown
    }

    /// Begins a run of the host. Without `faults`, no calls fail.
    pub fn begin(&self, run: usize, faults: Option<Faults>) {
        let mut journal = self.journal();
        journal.run = run;
        journal.faults = faults;
    }

    /// Waits until the host of this run has polled.
    pub async fn until_polled(&self) {
        let run = self.journal().run;
        // The sender lives as long as `self`.
        drop(self.polled.subscribe().wait_for(|polled| *polled == run).await);
    }

    /// Queues the messages of an arrival.
    pub fn deliver(&self, arrival: &Arrival) {
        let mut ids: Vec<i64> = {
            let mut journal = self.journal();
            let first = journal.last_update + 1;
            journal.last_update += i64::try_from(arrival.messages.len()).unwrap_or_default();
            let can_reorder = journal.last_update - journal.confirmed < BATCH / 2;
            let mut ids: Vec<i64> = (first..=journal.last_update).collect();
            if arrival.delivery == Delivery::IdsOutOfOrder && can_reorder {
                ids.rotate_right(1);
            }
            ids
        };
        let mut updates: Vec<Value> = arrival.messages.iter().map(update).collect();
        if arrival.delivery == Delivery::Duplicate {
            ids.push(ids[0]);
            updates.push(updates[0].clone());
        }
        for (update, id) in updates.iter_mut().zip(ids) {
            update["update_id"] = id.into();
        }
        self.api.push_all(updates);
    }

    /// Queues a user's text that is not part of the plan.
    pub fn says(&self, user: i64, text: &str) {
        let id = {
            let mut journal = self.journal();
            journal.last_update += 1;
            journal.last_update
        };
        let mut update = text_message(user, text, id);
        update["update_id"] = id.into();
        self.api.push_all(vec![update]);
    }

    /// Returns whether the host has confirmed all updates.
    pub fn is_confirmed(&self) -> bool {
        let journal = self.journal();
        journal.confirmed > journal.last_update
    }
}

fn lock(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    /// Records a call. Returns the failure to inject.
    fn record(&mut self, call: &Call) -> Option<Fault> {
        if call.method == "getupdates" {
            self.confirmed = self.confirmed.max(call.params["offset"].as_i64().unwrap_or_default());
        }
        let injected = self.faults.as_mut().and_then(|faults| faults.next(&call.method));
        if let Some(injected) = injected {
            *self.injected.entry(injected).or_default() += 1;
        }
        if injected.is_none_or(Injected::takes_effect) {
            self.notify_listener(call);
        }
        if call.method == "sendmessage" {
            let outcome = match injected {
                None => SendOutcome::Taken,
                Some(injected) if injected.takes_effect() => SendOutcome::TakenWithoutResponse,
                Some(_) => SendOutcome::NotTaken,
            };
            let chat = call.params["chat_id"].as_i64().unwrap_or_default();
            self.sends.push(SendCall { run: self.run, chat, text: call.text().to_owned(), outcome });
        }
        injected.map(|injected| match injected {
            Injected::RateLimit => Fault::Flood(RETRY_AFTER),
            Injected::ServerError => Fault::Error(500, "Internal Server Error"),
            Injected::Garbage => Fault::Garbage(502),
            Injected::ResetBefore => Fault::Reset,
            Injected::ResetAfter => Fault::TakenThenReset,
            Injected::LostResponse => Fault::Lost,
        })
    }

    fn notify_listener(&self, call: &Call) {
        let kind = match call.method.as_str() {
            "sendmessage" => PostKind::New,
            "editmessagetext" => PostKind::Edit,
            _ => return,
        };
        let listener = call.params["chat_id"].as_i64().and_then(|chat| self.listeners.get(&chat));
        if let Some(listener) = listener {
            // The listener may have ended.
            drop(listener.send(ShownText { at: Instant::now(), kind, text: call.text().to_owned() }));
        }
    }
}

fn update(sent: &Message) -> Value {
    let text = match sent.kind {
        Kind::Prompt { work } => agent::prompt(sent, work),
        Kind::Command => format!("/echo {}", sent.number),
    };
    text_message(sent.chat, &text, i64::try_from(sent.number).unwrap_or_default())
}

fn text_message(user: i64, text: &str, id: i64) -> Value {
    let mut content = json!({ "text": text, "message_id": USER_MESSAGES + id });
    if text.starts_with('/') {
        let length = text.find(' ').unwrap_or(text.len());
        content["entities"] = json!([{ "type": "bot_command", "offset": 0, "length": length }]);
    }
    json!({ "message": message(user, user, content) })
}

/// The ids of the users' messages are above those of the bot's messages.
const USER_MESSAGES: i64 = 1_000_000;
