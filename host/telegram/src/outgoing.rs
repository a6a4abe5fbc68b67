//! Implements [`Chat`] for the bot: sends, edits and deletes messages, and shows typing and the menu.

mod calls;
mod documents;
mod downloads;
mod drafts;
mod menu;
mod rich;
mod topics;

use std::{
    fmt::Display,
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use cordboard_chat::{
    Chat, ChatError, DownloadError, Draft, Edits, Limits, LiveLine, Menus, MessageId, Outgoing, Pacing, Quota,
    RichMessages, Streaming,
};
use cordboard_core::{
    agent_event::PromptId,
    types::{Alert, ChatFile, Place, TopicAppearance, TopicEdit},
};
use serde::{Deserialize, Serialize};
use teloxide_core::{
    payloads::{
        DeleteMessage, EditMessageReplyMarkup, EditMessageText, EditMessageTextSetters, SendChatAction, SendMessage,
        SendMessageSetters,
    },
    requests::Payload,
    types::{self, ChatAction, ChatId, InlineKeyboardMarkup, LinkPreviewOptions, ReplyParameters, ThreadId},
};

use super::{Telegram, api::BotApiError, entities::entities, locked};
pub(super) use calls::Calls;
pub(super) use drafts::StopButtons;
pub(super) use rich::RichRefusals;
pub(super) use topics::TopicSupport;

/// The maximum length of a message's text, in UTF-16 code units.
pub(super) const TEXT_UNITS: usize = 4096;

/// The number of code characters that fit on a line of a phone in portrait orientation, at the default text size.
const COLUMNS: usize = 38;

/// Telegram allows 20 messages and edits a minute in a group, across all its topics. The pause between two frames is
/// five times as long as in a private chat, and frames wait while the group has had 12 or more calls (sends, edits and
/// deletes) in the last minute. The rest of Telegram's limit is left for answers.
const GROUP_PAUSE: u32 = 5;
const GROUP_QUOTA: Quota = Quota { calls: 12, within: Duration::from_secs(60) };

/// The maximum number of messages whose content hash is remembered.
const MOST_HASHES: usize = 512;

/// Disables link previews, which would appear and disappear while an answer streams.
const NO_PREVIEW: LinkPreviewOptions = LinkPreviewOptions {
    is_disabled: true,
    url: None,
    prefer_small_media: false,
    prefer_large_media: false,
    show_above_text: false,
};

/// The only field of a sent message that the host needs. Other fields are not parsed, because an unexpected value must
/// not turn a sent message into a failure.
#[derive(Deserialize)]
struct SentMessage {
    message_id: i32,
}

/// The reaction that marks a waiting message. It is one of the emoji that all chats offer by default.
const QUEUED_REACTION: Reaction = Reaction { r#type: "emoji", emoji: "👀" };

#[derive(Serialize)]
struct Reaction {
    r#type: &'static str,
    emoji: &'static str,
}

#[derive(Serialize)]
struct SetMessageReaction {
    chat_id: i64,
    message_id: i32,
    reaction: [Reaction; 1],
}

impl Payload for SetMessageReaction {
    type Output = bool;

    const NAME: &'static str = "SetMessageReaction";
}

/// A place as the Bot API addresses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ApiPlace {
    chat: i64,
    topic: Option<ThreadId>,
}

impl ApiPlace {
    fn of(place: &Place) -> Result<Self, BotApiError> {
        let gone = || BotApiError::Unreachable { why: format!("{place} is not a Telegram chat") };
        let chat = place.chat.parse().map_err(|_| gone())?;
        let number = |topic: &String| topic.parse().map(|id| ThreadId(types::MessageId(id)));
        let topic = place.topic.as_ref().map(number).transpose().map_err(|_| gone())?;
        Ok(Self { chat, topic })
    }
}

/// Separates the chat id from the message number in the ids of messages sent to a group's new id. Numbers restart after
/// the move, so a number alone is ambiguous.
const MOVED: char = ':';

/// Returns the id by which the rest of the host knows a message.
pub(super) fn message_id(first_id: i64, chat: i64, number: impl Display) -> MessageId {
    MessageId(if chat == first_id { number.to_string() } else { format!("{chat}{MOVED}{number}") })
}

/// Returns the chat and the number by which the Bot API knows a message.
fn message_of(place: &Place, id: &MessageId) -> Result<(ApiPlace, types::MessageId), ChatError> {
    let refused = |_| ChatError::Rejected { why: format!("{} is not a Telegram message", id.0) };
    let mut target = ApiPlace::of(place)?;
    let number = match id.0.split_once(MOVED) {
        Some((chat, number)) => {
            target.chat = chat.parse().map_err(refused)?;
            number
        }
        None => &id.0,
    };
    Ok((target, number.parse().map(types::MessageId).map_err(refused)?))
}

#[async_trait]
impl Chat for Telegram {
    fn limits(&self, _place: &Place) -> Limits {
        Limits {
            text_units: TEXT_UNITS,
            columns: COLUMNS,
            live_line: LiveLine::InMessage,
            edits: Edits::Replace,
            ring_after: (self.settings.ring_after)(),
            document_over: Some((self.settings.document_over)()),
        }
    }

    fn pacing(&self, place: &Place) -> Pacing {
        let pause = (self.settings.edit_pause)();
        if is_group(place) {
            Pacing { pause: pause * GROUP_PAUSE, quota: Some(GROUP_QUOTA) }
        } else {
            Pacing { pause, quota: None }
        }
    }

    fn rich_messages(&self, place: &Place) -> RichMessages {
        self.rich_messages_in(place)
    }

    /// Drafts exist only in private chats.
    fn streaming(&self, place: &Place) -> Streaming {
        match (self.settings.streaming)() {
            Streaming::Drafts if is_group(place) || !self.stop_buttons.are_supported() => Streaming::Messages,
            streaming @ (Streaming::Drafts | Streaming::Messages | Streaming::Off) => streaming,
        }
    }

    async fn show_draft(&self, place: &Place, draft: &Draft) -> Result<(), ChatError> {
        self.send_draft(place, draft).await
    }

    fn forget_draft(&self, place: &Place, turn: &PromptId) {
        self.forget_stop_button(place, turn);
    }

    async fn send(&self, place: &Place, message: &Outgoing) -> Result<MessageId, ChatError> {
        if let Some(file) = &message.file {
            return self.send_file(place, message, file).await;
        }
        if let Some(rich) = &message.rich {
            return self.send_rich(place, message, rich).await;
        }
        let keyboard = self.keyboard(message).await?;
        let sent = self.send_to_current(place, message, |target, reply_parameters| {
            let mut payload = SendMessage::new(ChatId(target.chat), message.message.text.clone())
                .entities(entities(&message.message.entities))
                .link_preview_options(NO_PREVIEW);
            payload.message_thread_id = target.topic;
            payload.disable_notification = (message.alert == Alert::Silent).then_some(true);
            payload.reply_parameters = reply_parameters;
            payload.reply_markup = keyboard.clone().map(Into::into);
            payload
        });
        let id = sent.await?;
        self.remember_shown(place, &id, message);
        Ok(id)
    }

    async fn edit(&self, place: &Place, id: &MessageId, message: &Outgoing) -> Result<(), ChatError> {
        if message.file.is_some() {
            return Err(ChatError::Rejected { why: "a file can't be edited".to_owned() });
        }
        if self.shown_hash(place, id) == Some(hash(message)) {
            return Ok(());
        }
        let (target, number) = message_of(place, id)?;
        let mut payload = EditMessageText::new(ChatId(target.chat), number, message.message.text.clone())
            .entities(entities(&message.message.entities))
            .link_preview_options(NO_PREVIEW);
        payload.reply_markup = self.keyboard(message).await?;
        // After a failure, such as a lost response, the content that Telegram shows is unknown.
        self.forget_shown(place, id);
        match self.calls.make::<_, serde_json::Value>(target.chat, &payload).await {
            Ok(_) | Err(BotApiError::NotModified) => {
                self.remember_shown(place, id, message);
                Ok(())
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn remove_buttons(&self, place: &Place, id: &MessageId) -> Result<(), ChatError> {
        let (target, number) = message_of(place, id)?;
        let payload = EditMessageReplyMarkup::new(ChatId(target.chat), number);
        self.forget_shown(place, id);
        match self.calls.make::<_, serde_json::Value>(target.chat, &payload).await {
            Ok(_) | Err(BotApiError::NotModified) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn delete(&self, place: &Place, id: &MessageId) -> Result<(), ChatError> {
        let (target, number) = message_of(place, id)?;
        let payload = DeleteMessage::new(ChatId(target.chat), number);
        self.forget_shown(place, id);
        match self.calls.make::<_, serde_json::Value>(target.chat, &payload).await {
            Ok(_) => Ok(()),
            Err(BotApiError::Rejected { why }) if why.contains("message to delete not found") => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn show_activity(&self, place: &Place, line: Option<&str>) {
        let (Some(_), Ok(target)) = (line, self.current_place(place)) else { return };
        if !locked(&self.typing).insert(target) {
            return;
        }
        let mut payload = SendChatAction::new(ChatId(target.chat), ChatAction::Typing);
        payload.message_thread_id = target.topic;
        // Don't wait for this call: it must not delay an answer.
        let (calls, typing, place) = (self.calls.clone(), Arc::clone(&self.typing), place.clone());
        tokio::spawn(async move {
            if let Err(error) = calls.make::<_, serde_json::Value>(target.chat, &payload).await {
                tracing::debug!(%place, %error, "failed to show typing");
            }
            locked(&typing).remove(&target);
        });
    }

    /// Marks the message with a reaction. Returns false if the Bot API rejects the reaction or there is no message id.
    async fn acknowledge(&self, place: &Place, message: Option<&MessageId>) -> bool {
        let Some(Ok((target, number))) = message.map(|message| message_of(place, message)) else { return false };
        let payload = SetMessageReaction { chat_id: target.chat, message_id: number.0, reaction: [QUEUED_REACTION] };
        let Err(error) = self.calls.make::<_, serde_json::Value>(target.chat, &payload).await else { return true };
        tracing::debug!(%place, %error, "failed to mark a queued message");
        // The host posts a line only if the Bot API rejects the reaction. After another failure, posting the line would
        // fail too.
        !matches!(error, BotApiError::Rejected { .. })
    }

    async fn download(&self, _place: &Place, file: &ChatFile, to: File) -> Result<(), DownloadError> {
        self.download_file(file, &to).await.map_err(|error| DownloadError(error.to_string()))
    }

    async fn set_menus(&self, menus: &Menus) -> Result<(), ChatError> {
        self.set_commands(menus).await
    }

    fn can_create_topic(&self, place: &Place) -> bool {
        self.can_create_topic(place)
    }

    async fn create_topic(&self, place: &Place, look: &TopicAppearance) -> Result<Place, ChatError> {
        self.create_forum_topic(place, look).await
    }

    async fn edit_topic(&self, topic: &Place, edit: &TopicEdit) -> Result<(), ChatError> {
        self.edit_forum_topic(topic, edit).await
    }

    fn topic_link(&self, topic: &Place) -> Option<String> {
        let target = self.current_place(topic).ok()?;
        topics::link(target.chat, target.topic?.0.0)
    }
}

impl Telegram {
    async fn keyboard(&self, message: &Outgoing) -> Result<Option<InlineKeyboardMarkup>, ChatError> {
        if message.buttons.is_empty() {
            return Ok(None);
        }
        let failed = |error| ChatError::Unavailable { why: format!("failed to store a button: {error}") };
        self.keyboard.of(&message.buttons).await.map_err(failed)
    }

    /// Sends a message to a place. If the place's group has moved, sends the message again to the group's new id.
    /// `payload` receives the target and a reference to the message being replied to.
    async fn send_to_current<P: Payload + Serialize + Sync>(
        &self,
        place: &Place,
        message: &Outgoing,
        payload: impl Fn(ApiPlace, Option<ReplyParameters>) -> P,
    ) -> Result<MessageId, BotApiError> {
        let (original, mut target) = (ApiPlace::of(place)?, self.current_place(place)?);
        let answered = message.reply_to.as_ref().and_then(|id| message_of(place, id).ok());
        let payload_for = |target: ApiPlace| {
            // A private chat needs no reply reference, and a supergroup lacks the messages from before its migration.
            let answered = answered.filter(|(of, _)| target.chat < 0 && of.chat == target.chat);
            let reply = answered.map(|(_, number)| ReplyParameters::new(number).allow_sending_without_reply());
            payload(target, reply)
        };
        let sent: Result<SentMessage, BotApiError> = self.calls.make(target.chat, &payload_for(target)).await;
        let sent = match sent {
            Err(BotApiError::Moved { to }) => {
                self.record_move(original.chat, to).await;
                target.chat = to;
                self.calls.make(to, &payload_for(target)).await?
            }
            sent => sent?,
        };
        Ok(message_id(original.chat, target.chat, sent.message_id))
    }

    /// Records that a group has the new id `to`.
    async fn record_move(&self, original: i64, to: i64) {
        if let Err(error) = self.migrations.record(&*self.inbox, original, to).await {
            tracing::warn!(%error, "failed to store the new id of a group: the host will detect it again");
        }
    }

    /// Returns the target of a new message, with the current id of a moved group.
    fn current_place(&self, place: &Place) -> Result<ApiPlace, BotApiError> {
        let original = ApiPlace::of(place)?;
        Ok(ApiPlace { chat: self.migrations.current_id(original.chat), ..original })
    }

    fn remember_shown(&self, place: &Place, id: &MessageId, message: &Outgoing) {
        let mut shown_hashes = locked(&self.shown_hashes);
        if shown_hashes.len() >= MOST_HASHES {
            shown_hashes.clear();
        }
        shown_hashes.insert((place.chat.clone(), id.0.clone()), hash(message));
    }

    /// Makes the next edit of the message call the Bot API, even if its content is the same as before.
    fn forget_shown(&self, place: &Place, id: &MessageId) {
        locked(&self.shown_hashes).remove(&(place.chat.clone(), id.0.clone()));
    }

    fn shown_hash(&self, place: &Place, id: &MessageId) -> Option<u64> {
        locked(&self.shown_hashes).get(&(place.chat.clone(), id.0.clone())).copied()
    }
}

/// Returns whether the place is in a group: only private chats have positive ids.
fn is_group(place: &Place) -> bool {
    place.chat.starts_with('-')
}

/// Returns a hash of the visible content of a message.
fn hash(message: &Outgoing) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{:?} {:?}", message.message, message.buttons).hash(&mut hasher);
    hasher.finish()
}

impl From<BotApiError> for ChatError {
    fn from(error: BotApiError) -> Self {
        match error {
            BotApiError::Unauthorised { why } => Self::Unauthorised { why },
            BotApiError::RateLimited { after, why } => Self::RateLimited { after, why },
            BotApiError::Unreachable { why } => Self::Unreachable { why },
            BotApiError::TopicDeleted { why } => Self::Deleted { why },
            BotApiError::Unavailable { why } | BotApiError::Conflict { why } => Self::Unavailable { why },
            BotApiError::Rejected { why } => Self::Rejected { why },
            BotApiError::Moved { .. } | BotApiError::NotModified => Self::Rejected { why: error.to_string() },
        }
    }
}
