//! Sends files as documents.

use std::time::Duration;

use cordboard_chat::{ChatError, MessageId, Outgoing, OutgoingFile};
use cordboard_core::types::{Alert, Place};
use reqwest::multipart::{Form, Part};

use super::{ApiPlace, BotApiError, SentMessage, Telegram, message_id, message_of};

/// The time for one KiB of an upload over a slow connection.
const UPLOAD_TIME_PER_KIB: Duration = Duration::from_millis(50);

/// Returns whether an error of the Bot API says that the bot may not send files.
fn is_about_files(why: &str) -> bool {
    ["send documents", "SEND_DOCS", "SEND_MEDIA"].iter().any(|words| why.contains(words))
}

impl Telegram {
    pub(super) async fn send_document(
        &self,
        place: &Place,
        message: &Outgoing,
        file: &OutgoingFile,
    ) -> Result<MessageId, ChatError> {
        let (original, mut target) = (ApiPlace::of(place)?, self.current_place(place)?);
        let answered = message.reply_to.as_ref().and_then(|id| message_of(place, id).ok());
        let form_for = |chat: i64| {
            let length = file.content.len() as u64;
            let content = Part::stream_with_length(file.content.clone(), length).file_name(file.name.clone());
            let mut form = Form::new().text("chat_id", chat.to_string()).part("document", content);
            if let Some(topic) = target.topic {
                form = form.text("message_thread_id", topic.to_string());
            }
            if message.alert == Alert::Silent {
                form = form.text("disable_notification", "true");
            }
            // As for a text, a private chat needs no reply reference.
            if let Some((_, number)) = answered.filter(|(of, _)| chat < 0 && of.chat == chat) {
                let reply = serde_json::json!({ "message_id": number.0, "allow_sending_without_reply": true });
                form = form.text("reply_parameters", reply.to_string());
            }
            form
        };
        let time =
            self.settings.timeout + UPLOAD_TIME_PER_KIB * u32::try_from(file.content.len() / 1024).unwrap_or(u32::MAX);
        let sent: Result<SentMessage, BotApiError> = self.calls.upload(target.chat, form_for(target.chat), time).await;
        let sent = match sent {
            Err(BotApiError::Moved { to }) => {
                self.record_move(original.chat, to).await;
                target.chat = to;
                self.calls.upload(to, form_for(to), time).await?
            }
            // The bot may be allowed to send text, but no files. The chat is reachable then.
            Err(BotApiError::Unreachable { why }) if is_about_files(&why) => return Err(ChatError::Rejected { why }),
            sent => sent?,
        };
        Ok(message_id(original.chat, target.chat, sent.message_id))
    }
}
