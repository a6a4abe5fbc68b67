//! Wraps a chat and checks access for outgoing messages. It must not send anything to the private chat of a user who
//! has lost access, not even a stored message.

use std::{fs::File, sync::Arc};

use async_trait::async_trait;
use cordboard_chat::{
    Chat, ChatError, DownloadError, Draft, Limits, Menus, MessageId, Outgoing, Pacing, RichMessages, Streaming,
};
use cordboard_core::{
    agent_event::PromptId,
    types::{ChatFile, Place, TopicAppearance, TopicEdit},
};
use cordboard_failpoints::{Failpoint, hit};

use crate::hub::{self, LiveConfig};

pub struct AccessCheckedChat {
    pub chat: Arc<dyn Chat>,
    pub config: LiveConfig,
}

impl AccessCheckedChat {
    fn check_access(&self, place: &Place) -> Result<(), ChatError> {
        let has_access = |id| hub::role(&id, place, &self.config.now().access).is_some();
        if hub::person_of(place).is_none_or(has_access) {
            return Ok(());
        }
        Err(ChatError::Forbidden { why: "the recipient no longer has access".to_owned() })
    }
}

#[async_trait]
impl Chat for AccessCheckedChat {
    fn limits(&self, place: &Place) -> Limits {
        self.chat.limits(place)
    }

    fn pacing(&self, place: &Place) -> Pacing {
        self.chat.pacing(place)
    }

    fn streaming(&self, place: &Place) -> Streaming {
        self.chat.streaming(place)
    }

    fn rich_messages(&self, place: &Place) -> RichMessages {
        self.chat.rich_messages(place)
    }

    async fn show_draft(&self, place: &Place, draft: &Draft) -> Result<(), ChatError> {
        self.check_access(place)?;
        self.chat.show_draft(place, draft).await
    }

    fn forget_draft(&self, place: &Place, turn: &PromptId) {
        self.chat.forget_draft(place, turn);
    }

    async fn send(&self, place: &Place, message: &Outgoing) -> Result<MessageId, ChatError> {
        self.check_access(place)?;
        let sent = self.chat.send(place, message).await?;
        hit(Failpoint::PostSent);
        Ok(sent)
    }

    /// Edits a message. In a removed user's private chat, only removes the message's buttons, which no longer work.
    async fn edit(&self, place: &Place, id: &MessageId, message: &Outgoing) -> Result<(), ChatError> {
        if self.check_access(place).is_err() {
            return self.chat.remove_buttons(place, id).await;
        }
        self.chat.edit(place, id, message).await
    }

    async fn remove_buttons(&self, place: &Place, id: &MessageId) -> Result<(), ChatError> {
        self.chat.remove_buttons(place, id).await
    }

    async fn delete(&self, place: &Place, id: &MessageId) -> Result<(), ChatError> {
        self.chat.delete(place, id).await
    }

    async fn show_activity(&self, place: &Place, line: Option<&str>) {
        if self.check_access(place).is_ok() {
            self.chat.show_activity(place, line).await;
        }
    }

    async fn acknowledge(&self, place: &Place, message: Option<&MessageId>) -> bool {
        self.check_access(place).is_err() || self.chat.acknowledge(place, message).await
    }

    async fn download(&self, place: &Place, file: &ChatFile, to: File) -> Result<(), DownloadError> {
        self.chat.download(place, file, to).await
    }

    async fn set_menus(&self, menus: &Menus) -> Result<(), ChatError> {
        self.chat.set_menus(menus).await
    }

    fn can_create_topic(&self, place: &Place) -> bool {
        self.check_access(place).is_ok() && self.chat.can_create_topic(place)
    }

    async fn create_topic(&self, place: &Place, look: &TopicAppearance) -> Result<Place, ChatError> {
        self.check_access(place)?;
        self.chat.create_topic(place, look).await
    }

    async fn edit_topic(&self, topic: &Place, edit: &TopicEdit) -> Result<(), ChatError> {
        self.check_access(topic)?;
        self.chat.edit_topic(topic, edit).await
    }

    fn topic_link(&self, topic: &Place) -> Option<String> {
        self.chat.topic_link(topic)
    }
}
