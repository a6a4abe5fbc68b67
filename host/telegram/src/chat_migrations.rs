//! Maps between the first and the current id of groups that became supergroups. Places keep the first id; calls to the
//! Bot API use the current one.

use std::{collections::HashMap, sync::Mutex};

use cordboard_chat::{Inbox, StorageError};

use super::locked;

/// The current id of each group, by its first id.
#[derive(Default)]
pub(super) struct ChatMigrations(Mutex<HashMap<i64, i64>>);

impl ChatMigrations {
    /// Loads the stored migrations. Call it before reading updates.
    pub async fn load(&self, inbox: &dyn Inbox) -> Result<(), StorageError> {
        let stored = inbox.moved_chats().await?;
        let number = |id: &String| id.parse::<i64>().ok();
        locked(&self.0).extend(stored.iter().filter_map(|(first_id, chat)| Some((number(first_id)?, number(chat)?))));
        Ok(())
    }

    /// Returns the current id of a chat.
    pub fn current_id(&self, first_id: i64) -> i64 {
        locked(&self.0).get(&first_id).copied().unwrap_or(first_id)
    }

    /// Returns the first id of a chat.
    pub fn first_id(&self, chat: i64) -> i64 {
        locked(&self.0).iter().find(|(_, now)| **now == chat).map_or(chat, |(first_id, _)| *first_id)
    }

    /// Records that the group `from` now has the id `to`. Ignores known migrations and chats that are not groups.
    ///
    /// # Errors
    /// The store failed. The map is unchanged.
    pub async fn record(&self, inbox: &dyn Inbox, from: i64, to: i64) -> Result<(), StorageError> {
        let first_id = self.first_id(from);
        if self.current_id(first_id) == to || first_id == to || first_id >= 0 || to >= 0 {
            return Ok(());
        }
        inbox.move_chat(&first_id.to_string(), &to.to_string()).await?;
        tracing::info!(first_id, chat = to, "a group became a supergroup and keeps its place");
        locked(&self.0).insert(first_id, to);
        Ok(())
    }
}
