//! Shows running turns as drafts in private chats, and remembers the action of each draft's stop button.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Mutex,
    time::{Duration, Instant},
};

use cordboard_chat::{ButtonAction, ChatError, Draft};
use cordboard_core::{agent_event::PromptId, types::Place};
use serde::Serialize;
use teloxide_core::{
    requests::Payload,
    types::{MessageEntity, ThreadId},
};

use super::super::{Telegram, api::BotApiError, entities::entities, locked};

/// The maximum number of drafts whose stop buttons are remembered.
const MOST_DRAFTS: usize = 256;

/// The time after which the host tries drafts again if the Bot API server doesn't support them.
const UNSUPPORTED: Duration = Duration::from_secs(10 * 60);

/// The stop buttons of the running turns' drafts.
#[derive(Default)]
pub(in super::super) struct StopButtons {
    /// The chat, the id of the draft, and the action.
    actions: Mutex<VecDeque<(i64, u32, ButtonAction)>>,
    /// The last time the server rejected drafts as unsupported.
    unsupported_at: Mutex<Option<Instant>>,
}

impl StopButtons {
    fn remember(&self, chat: i64, draft: u32, stop: &ButtonAction) {
        let mut actions = locked(&self.actions);
        actions.retain(|(of, id, _)| (*of, *id) != (chat, draft));
        actions.push_back((chat, draft, stop.clone()));
        if actions.len() > MOST_DRAFTS {
            actions.pop_front();
        }
    }

    fn forget(&self, chat: i64, draft: u32) {
        locked(&self.actions).retain(|(of, id, _)| (*of, *id) != (chat, draft));
    }

    /// Returns the action of a draft's stop button. `None` if the button isn't known, for example because the turn has
    /// ended.
    pub fn find(&self, chat: i64, draft: u32) -> Option<ButtonAction> {
        let actions = locked(&self.actions);
        actions.iter().find(|(of, id, _)| (*of, *id) == (chat, draft)).map(|(_, _, action)| action.clone())
    }

    /// Returns whether the server probably supports drafts.
    pub fn are_supported(&self) -> bool {
        locked(&self.unsupported_at).is_none_or(|at| at.elapsed() > UNSUPPORTED)
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
    /// Keeps the draft visible after the stop button is pressed, until the answer arrives.
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
        match self.calls.make_with_own_limit::<_, serde_json::Value>(target.chat, &payload).await {
            Ok(_) => Ok(()),
            Err(BotApiError::Unauthorised { why }) if why.contains("method not found") => {
                *locked(&self.stop_buttons.unsupported_at) = Some(Instant::now());
                Err(ChatError::Rejected { why })
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn forget_stop_button(&self, place: &Place, turn: &PromptId) {
        if let Ok(target) = self.current_place(place) {
            self.stop_buttons.forget(target.chat, draft_id(turn));
        }
    }
}

/// Returns the id of the draft that shows the turn: always the same positive number, so that Telegram animates changes.
fn draft_id(turn: &PromptId) -> u32 {
    let mut hasher = DefaultHasher::new();
    turn.0.hash(&mut hasher);
    let [.., a, b, c, d] = hasher.finish().to_be_bytes();
    (u32::from_be_bytes([a, b, c, d]) >> 1).max(1)
}
