//! Chats that must be left alone for a while, because the Bot API said so.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use tokio::time::Instant;

use super::locked;

#[derive(Default)]
pub(super) struct Holds(Mutex<HashMap<i64, Instant>>);

impl Holds {
    pub fn hold(&self, chat: i64, span: Duration) {
        let now = Instant::now();
        let mut holds = locked(&self.0);
        holds.retain(|_, until| *until > now);
        holds.insert(chat, now + span);
    }

    /// How long the chat must still be left alone.
    pub fn left(&self, chat: i64) -> Option<Duration> {
        let until = locked(&self.0).get(&chat).copied()?;
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}
