//! Routes each message to the bot that serves its place. The place's front-end identifies the bot.

use std::{collections::BTreeMap, fs::File, sync::Arc};

use async_trait::async_trait;
use cordboard_chat::{
    Chat, ChatError, DownloadError, Draft, Limits, Menus, MessageId, Outgoing, Pacing, RichMessages, Streaming,
};
use cordboard_core::{
    agent_event::PromptId,
    types::{ChatFile, Place, TopicAppearance, TopicEdit},
};

pub struct BotRouter {
    /// The bot whose limits and settings are reported for places that no bot serves. Messages to such places fail.
    main: Arc<dyn Chat>,
    /// All bots, keyed by front-end.
    bots: BTreeMap<String, Arc<dyn Chat>>,
}

impl BotRouter {
    #[must_use]
    pub const fn new(main: Arc<dyn Chat>, bots: BTreeMap<String, Arc<dyn Chat>>) -> Self {
        Self { main, bots }
    }

    /// Returns the bot that serves a place.
    ///
    /// # Errors
    /// No bot serves the place while this host process runs. After a configuration change and a restart, a bot may
    /// serve it again.
    fn bot(&self, place: &Place) -> Result<&Arc<dyn Chat>, ChatError> {
        let unreachable = || ChatError::Unreachable { why: format!("no bot is running for [{}]", place.front_end) };
        self.bots.get(&place.front_end).ok_or_else(unreachable)
    }

    fn bot_or_main(&self, place: &Place) -> &Arc<dyn Chat> {
        self.bot(place).unwrap_or(&self.main)
    }
}

#[async_trait]
impl Chat for BotRouter {
    fn limits(&self, place: &Place) -> Limits {
        self.bot_or_main(place).limits(place)
    }

    fn pacing(&self, place: &Place) -> Pacing {
        self.bot_or_main(place).pacing(place)
    }

    fn streaming(&self, place: &Place) -> Streaming {
        self.bot_or_main(place).streaming(place)
    }

    fn rich_messages(&self, place: &Place) -> RichMessages {
        self.bot_or_main(place).rich_messages(place)
    }

    async fn show_draft(&self, place: &Place, draft: &Draft) -> Result<(), ChatError> {
        self.bot(place)?.show_draft(place, draft).await
    }

    fn forget_draft(&self, place: &Place, turn: &PromptId) {
        if let Ok(bot) = self.bot(place) {
            bot.forget_draft(place, turn);
        }
    }

    async fn send(&self, place: &Place, message: &Outgoing) -> Result<MessageId, ChatError> {
        self.bot(place)?.send(place, message).await
    }

    async fn edit(&self, place: &Place, id: &MessageId, message: &Outgoing) -> Result<(), ChatError> {
        self.bot(place)?.edit(place, id, message).await
    }

    async fn remove_buttons(&self, place: &Place, id: &MessageId) -> Result<(), ChatError> {
        self.bot(place)?.remove_buttons(place, id).await
    }

    async fn delete(&self, place: &Place, id: &MessageId) -> Result<(), ChatError> {
        self.bot(place)?.delete(place, id).await
    }

    async fn show_activity(&self, place: &Place, line: Option<&str>) {
        if let Ok(bot) = self.bot(place) {
            bot.show_activity(place, line).await;
        }
    }

    /// If no bot serves the place, returns true: the caller would otherwise post a message instead of the mark, and
    /// that message couldn't be sent either.
    async fn acknowledge(&self, place: &Place, message: Option<&MessageId>) -> bool {
        match self.bot(place) {
            Ok(bot) => bot.acknowledge(place, message).await,
            Err(_) => true,
        }
    }

    async fn download(&self, place: &Place, file: &ChatFile, to: File) -> Result<(), DownloadError> {
        let bot = self.bot(place).map_err(|error| DownloadError(error.to_string()))?;
        bot.download(place, file, to).await
    }

    /// Sets every bot's menus, even if setting one bot's menus fails. Returns the first error, so that the caller can
    /// retry.
    async fn set_menus(&self, menus: &Menus) -> Result<(), ChatError> {
        let mut outcome = Ok(());
        for (front_end, bot) in &self.bots {
            let own = menus.chats.iter().filter(|(place, _)| place.front_end == *front_end);
            let own = own.map(|(place, menu)| (place.clone(), menu.clone())).collect();
            let set = bot.set_menus(&Menus { everyone: menus.everyone.clone(), chats: own }).await;
            outcome = outcome.and(set);
        }
        outcome
    }

    fn can_create_topic(&self, place: &Place) -> bool {
        self.bot(place).is_ok_and(|bot| bot.can_create_topic(place))
    }

    async fn create_topic(&self, place: &Place, look: &TopicAppearance) -> Result<Place, ChatError> {
        self.bot(place)?.create_topic(place, look).await
    }

    async fn edit_topic(&self, topic: &Place, edit: &TopicEdit) -> Result<(), ChatError> {
        self.bot(topic)?.edit_topic(topic, edit).await
    }

    fn topic_link(&self, topic: &Place) -> Option<String> {
        self.bot(topic).ok()?.topic_link(topic)
    }
}
