//! Maps groups that became supergroups, and so got a new id, to their first id. Places keep the first id; only calls to
//! the Bot API use the new one.

use std::{collections::HashMap, sync::Mutex};

use cordboard_chat::{Inbox, InboxError};

use super::locked;

/// Current ids by first id.
#[derive(Default)]
pub(super) struct Moves(Mutex<HashMap<i64, i64>>);

impl Moves {
    /// Loads the stored moves. Call it before reading updates.
    pub async fn load(&self, inbox: &dyn Inbox) -> Result<(), InboxError> {
        let stored = inbox.moved_chats().await?;
        let number = |id: &String| id.parse::<i64>().ok();
        locked(&self.0).extend(stored.iter().filter_map(|(home, chat)| Some((number(home)?, number(chat)?))));
        Ok(())
    }

    /// Returns the current id of a chat.
    pub fn now(&self, home: i64) -> i64 {
        locked(&self.0).get(&home).copied().unwrap_or(home)
    }

    /// Returns the first id of a chat.
    pub fn home(&self, chat: i64) -> i64 {
        locked(&self.0).iter().find(|(_, now)| **now == chat).map_or(chat, |(home, _)| *home)
    }

    /// Records that the group `from` has the id `to` now. Known moves and chats that are not groups are ignored.
    ///
    /// # Errors
    /// The store failed. The map is unchanged.
    pub async fn learn(&self, inbox: &dyn Inbox, from: i64, to: i64) -> Result<(), InboxError> {
        let home = self.home(from);
        if self.now(home) == to || home == to || home >= 0 || to >= 0 {
            return Ok(());
        }
        inbox.move_chat(&home.to_string(), &to.to_string()).await?;
        tracing::info!(home, chat = to, "a group became a supergroup and keeps its place");
        locked(&self.0).insert(home, to);
        Ok(())
    }
}
