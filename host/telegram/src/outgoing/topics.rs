//! Creates and changes topics. The Bot API offers a fixed set of icons, which the host reads once.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use cordboard_chat::ChatError;
use cordboard_core::types::{Place, TopicAppearance, TopicEdit, TopicIcon};
use serde::{Deserialize, Serialize};
use teloxide_core::{payloads::GetForumTopicIconStickers, requests::Payload};

use super::{
    super::{Telegram, api::BotApiError, locked},
    ApiPlace, is_group,
};

/// The topic-related state that the host keeps in memory.
#[derive(Default)]
pub(in super::super) struct TopicSupport {
    /// Whether Threaded Mode is on, so that the bot's private chats have topics.
    in_private_chats: AtomicBool,
    /// The ids of the custom emoji that can be used as icons, keyed by the emoji without variation selectors. `None`
    /// until they are read.
    icons: Mutex<Option<HashMap<String, String>>>,
}

impl TopicSupport {
    /// Sets whether the private chats of the bot have topics.
    pub fn set_in_private_chats(&self, has_topics: bool) {
        self.in_private_chats.store(has_topics, Ordering::Relaxed);
    }
}

#[derive(Deserialize)]
struct IconSticker {
    emoji: Option<String>,
    custom_emoji_id: Option<String>,
}

#[derive(Serialize)]
struct CreateForumTopic {
    chat_id: i64,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon_custom_emoji_id: Option<String>,
}

impl Payload for CreateForumTopic {
    type Output = CreatedTopic;

    const NAME: &'static str = "CreateForumTopic";
}

/// The only field of a created topic that the host needs.
#[derive(Deserialize)]
struct CreatedTopic {
    message_thread_id: i32,
}

#[derive(Serialize)]
struct EditForumTopic {
    chat_id: i64,
    message_thread_id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// An empty id removes the icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    icon_custom_emoji_id: Option<String>,
}

impl Payload for EditForumTopic {
    type Output = bool;

    const NAME: &'static str = "EditForumTopic";
}

#[derive(Serialize)]
struct CloseForumTopic {
    chat_id: i64,
    message_thread_id: i32,
}

impl Payload for CloseForumTopic {
    type Output = bool;

    const NAME: &'static str = "CloseForumTopic";
}

#[derive(Serialize)]
struct ReopenForumTopic {
    chat_id: i64,
    message_thread_id: i32,
}

impl Payload for ReopenForumTopic {
    type Output = bool;

    const NAME: &'static str = "ReopenForumTopic";
}

impl Telegram {
    pub(super) fn can_create_topic(&self, place: &Place) -> bool {
        place.topic.is_none() && (is_group(place) || self.topics.in_private_chats.load(Ordering::Relaxed))
    }

    pub(super) async fn create_forum_topic(&self, place: &Place, look: &TopicAppearance) -> Result<Place, ChatError> {
        let target = self.current_place(place)?;
        let icon = self.icon(look.icon).await;
        let payload_for =
            |chat_id| CreateForumTopic { chat_id, name: look.name.clone(), icon_custom_emoji_id: icon.clone() };
        // Topic calls have separate rate limits, which must not delay messages.
        let created =
            match self.calls.make_with_own_limit::<_, CreatedTopic>(target.chat, &payload_for(target.chat)).await {
                Err(BotApiError::Moved { to }) => {
                    self.record_move(ApiPlace::of(place)?.chat, to).await;
                    self.calls.make_with_own_limit::<_, CreatedTopic>(to, &payload_for(to)).await
                }
                created => created,
            };
        Ok(Place { topic: Some(created?.message_thread_id.to_string()), ..place.clone() })
    }

    pub(super) async fn edit_forum_topic(&self, topic: &Place, edit: &TopicEdit) -> Result<(), ChatError> {
        let ApiPlace { chat: chat_id, topic: thread } = self.current_place(topic)?;
        let Some(thread) = thread else {
            return Err(ChatError::Rejected { why: format!("{topic} is not a topic") });
        };
        let message_thread_id = thread.0.0;
        let edited = match edit {
            TopicEdit::Appearance { name, icon } => {
                let icon_custom_emoji_id = match icon {
                    Some(icon) => Some(self.icon(*icon).await.unwrap_or_default()),
                    None => None,
                };
                let payload = EditForumTopic { chat_id, message_thread_id, name: name.clone(), icon_custom_emoji_id };
                self.calls.make_with_own_limit::<_, bool>(chat_id, &payload).await
            }
            TopicEdit::Close => {
                self.calls
                    .make_with_own_limit::<_, bool>(chat_id, &CloseForumTopic { chat_id, message_thread_id })
                    .await
            }
            TopicEdit::Reopen => {
                self.calls
                    .make_with_own_limit::<_, bool>(chat_id, &ReopenForumTopic { chat_id, message_thread_id })
                    .await
            }
        };
        match edited {
            Ok(_) | Err(BotApiError::NotModified) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the id of the custom emoji for an icon, or `None` if the Bot API offers none or the call fails.
    async fn icon(&self, icon: TopicIcon) -> Option<String> {
        let find = |icons: &HashMap<String, String>| emoji(icon).iter().find_map(|emoji| icons.get(*emoji).cloned());
        if let Some(icons) = &*locked(&self.topics.icons) {
            return find(icons);
        }
        match self.api.call::<_, Vec<IconSticker>>(&GetForumTopicIconStickers::new()).await {
            Ok(stickers) => {
                let plain = |emoji: String| emoji.replace('\u{fe0f}', "");
                let pair = |sticker: IconSticker| Some((plain(sticker.emoji?), sticker.custom_emoji_id?));
                let icons: HashMap<String, String> = stickers.into_iter().filter_map(pair).collect();
                let found = find(&icons);
                *locked(&self.topics.icons) = Some(icons);
                found
            }
            Err(error) => {
                tracing::debug!(%error, "failed to read the icons of topics: a topic has no icon");
                None
            }
        }
    }
}

/// Returns the emoji for an icon, without variation selectors, the best first.
const fn emoji(icon: TopicIcon) -> &'static [&'static str] {
    match icon {
        TopicIcon::Suspended => &["☕", "🏖"],
        TopicIcon::Idle => &["💬", "🗣"],
        TopicIcon::Working => &["⚡", "🔥", "💻"],
        TopicIcon::Waiting => &["❓", "⁉"],
        TopicIcon::Failed => &["❗", "‼"],
    }
}

/// Returns the link to a topic of a supergroup, whose id begins with `-100`.
pub(super) fn link(chat: i64, topic: i32) -> Option<String> {
    let id = chat.to_string();
    id.strip_prefix("-100").map(|id| format!("https://t.me/c/{id}/{topic}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_topics_of_supergroups_have_links() {
        assert_eq!(link(-1_002_345, 17).as_deref(), Some("https://t.me/c/2345/17"));
        assert_eq!([link(-42, 17), link(42, 17)], [None, None]);
    }
}
