//! Remembers which chats the Bot API has rate-limited, and until when.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use tokio::time::Instant;

use super::locked;

#[derive(Default)]
pub(super) struct RateLimitedChats(Mutex<HashMap<i64, Instant>>);

impl RateLimitedChats {
    pub fn set(&self, chat: i64, span: Duration) {
        let now = Instant::now();
        let mut rate_limits = locked(&self.0);
        rate_limits.retain(|_, until| *until > now);
        rate_limits.insert(chat, now + span);
    }

    /// Returns the remaining time of the chat's rate limit, if any.
    pub fn remaining(&self, chat: i64) -> Option<Duration> {
        let until = locked(&self.0).get(&chat).copied()?;
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}
