//! Shows running turns as drafts in private chats, and remembers the action of each draft's stop button.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Mutex,
};

use cordboard_chat::{ButtonAction, ChatError, Draft};
use cordboard_core::{agent_event::PromptId, types::Place};
use serde::Serialize;
use teloxide_core::{
    requests::Payload,
    types::{MessageEntity, ThreadId},
};

use super::super::{Telegram, entities::entities, locked};

/// The maximum number of drafts whose stop buttons are remembered.
const MOST_DRAFTS: usize = 256;

/// The actions of stop buttons, by chat and draft id.
#[derive(Default)]
pub(in super::super) struct StopButtons(Mutex<HashMap<(i64, u32), ButtonAction>>);

impl StopButtons {
    fn remember(&self, chat: i64, draft: u32, stop: &ButtonAction) {
        let mut actions = locked(&self.0);
        if actions.len() >= MOST_DRAFTS && !actions.contains_key(&(chat, draft)) {
            // The chats show only the newest drafts, and each shown draft is remembered again when it is updated.
            actions.clear();
        }
        actions.insert((chat, draft), stop.clone());
    }

    /// Returns the action of a draft's stop button. `None` if the draft is old, for example from before a restart.
    pub fn find(&self, chat: i64, draft: u32) -> Option<ButtonAction> {
        locked(&self.0).get(&(chat, draft)).cloned()
    }
}

#[derive(Serialize)]
struct SendMessageDraft {
    chat_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_thread_id: Option<ThreadId>,
    draft_id: u32,
    text: String,
    entities: Vec<MessageEntity>,
    can_stop: bool,
    /// Whether the draft stays visible after a press of the stop button, until the answer arrives.
    keep_on_stop: bool,
}

impl Payload for SendMessageDraft {
    type Output = bool;

    const NAME: &'static str = "SendMessageDraft";
}

impl Telegram {
    pub(super) async fn send_draft(&self, place: &Place, draft: &Draft) -> Result<(), ChatError> {
        let target = self.current_place(place)?;
        let id = draft_id(&draft.turn);
        self.stop_buttons.remember(target.chat, id, &draft.stop);
        let payload = SendMessageDraft {
            chat_id: target.chat,
            message_thread_id: target.topic,
            draft_id: id,
            text: draft.message.text.clone(),
            entities: entities(&draft.message.entities),
            can_stop: true,
            keep_on_stop: true,
        };
        Ok(self.calls.make::<_, serde_json::Value>(target.chat, &payload).await.map(drop)?)
    }
}

/// Returns the id of the draft that shows the turn: always the same positive number, so that Telegram animates changes.
fn draft_id(turn: &PromptId) -> u32 {
    let mut hasher = DefaultHasher::new();
    turn.0.hash(&mut hasher);
    let [.., a, b, c, d] = hasher.finish().to_be_bytes();
    (u32::from_be_bytes([a, b, c, d]) >> 1).max(1)
}
