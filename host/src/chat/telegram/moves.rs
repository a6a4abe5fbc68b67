//! Groups that became supergroups and so have got a new id. Their places keep the first one; only what is sent names the new one.

use std::{collections::HashMap, sync::Mutex};

use super::locked;
use crate::chat::{Inbox, InboxError};

/// By the first id.
#[derive(Default)]
pub(super) struct Moves(Mutex<HashMap<i64, i64>>);

impl Moves {
    /// What is stored of them; called before anything is read.
    pub async fn load(&self, inbox: &dyn Inbox) -> Result<(), InboxError> {
        let stored = inbox.moved_chats().await?;
        let number = |id: &String| id.parse::<i64>().ok();
        locked(&self.0).extend(stored.iter().filter_map(|(home, chat)| Some((number(home)?, number(chat)?))));
        Ok(())
    }

    /// The id of now.
    pub fn now(&self, home: i64) -> i64 {
        locked(&self.0).get(&home).copied().unwrap_or(home)
    }

    /// The first id.
    pub fn home(&self, chat: i64) -> i64 {
        locked(&self.0).iter().find(|(_, now)| **now == chat).map_or(chat, |(home, _)| *home)
    }

    /// The group `from` is now `to`. What is known, or is no group, changes nothing.
    ///
    /// # Errors
    /// The store's: nothing has changed.
    pub async fn learn(&self, inbox: &dyn Inbox, from: i64, to: i64) -> Result<(), InboxError> {
        let home = self.home(from);
        if self.now(home) == to || home == to || home >= 0 || to >= 0 {
            return Ok(());
        }
        inbox.move_chat(&home.to_string(), &to.to_string()).await?;
        tracing::info!(home, chat = to, "a group has become a supergroup and keeps its place");
        locked(&self.0).insert(home, to);
        Ok(())
    }
}
