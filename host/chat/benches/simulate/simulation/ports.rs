//! Connects the outbox of one host with the world. After the host was killed, its calls never return.

use std::{future, time::Duration};

use async_trait::async_trait;
use cordboard_chat::{
    Chat, ChatError, Completeness, Limits, Menus, Outgoing, Pacing, StorageError, Streaming, outbox::DeliveryStore,
};
use cordboard_core::{
    language::Language,
    updates_and_posts::{Delivery, MessageId, OutboxRow, PostId},
};
use tokio::time::sleep;

use super::{
    chat_server::{Call, CallFacts, Fate, PAUSE},
    world::{SharedWorld, World},
};
use crate::{
    agent_event::PromptId,
    types::{DeliveryIssue, Place},
};

pub struct Ports {
    pub world: SharedWorld,
    /// The number of the host.
    pub host: u64,
}

impl Ports {
    /// Calls `act` with the world, unless the host was killed.
    async fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let done = {
            let mut world = self.world.lock();
            (world.host == self.host).then(|| act(&mut world))
        };
        match done {
            Some(done) => done,
            None => future::pending().await,
        }
    }

    async fn call(&self, place: &Place, call: Call<'_>, message: Option<&Outgoing>) -> Result<MessageId, ChatError> {
        let is_frame = message.is_some_and(|message| message.completeness == Completeness::Partial);
        let has_styles = message.is_some_and(|message| !message.message.entities.is_empty());
        let (fate, half) = self
            .with(|world| {
                world.step((&place.chat, &call));
                let facts = CallFacts { now: world.now(), is_frame, has_styles };
                let World { server, dice, .. } = world;
                let fate = server.begin(place, &facts, dice);
                let half = Duration::from_millis(20 + dice.roll(60));
                let fate = fate.unwrap_or_else(|rule| {
                    world.violate(rule);
                    Fate::Success
                });
                world.tally.failed_calls += u64::from(!matches!(fate, Fate::Success));
                (fate, half)
            })
            .await;
        sleep(half).await;
        let lost = || ChatError::Unavailable { why: "the connection was closed".to_owned() };
        let result = match &fate {
            Fate::LostRequest => Err(lost()),
            Fate::Refused(error) => Err(error.clone()),
            Fate::Success | Fate::LostResponse => self.with(|world| world.server.perform(place, &call)).await,
        };
        sleep(half).await;
        self.with(|world| match (result, fate) {
            (_, Fate::LostResponse) => Err(lost()),
            (Ok(id), _) => {
                world.server.confirm(place, &id);
                Ok(id)
            }
            (Err(error), _) => {
                if let Call::Delete(id) = &call {
                    // The outbox leaves a message in the chat if it isn't allowed to delete it.
                    world.server.excuse(place, id);
                }
                Err(error)
            }
        })
        .await
    }
}

#[async_trait]
impl Chat for Ports {
    fn limits(&self, _place: &Place) -> Limits {
        self.world.lock().server.limits()
    }

    fn pacing(&self, _place: &Place) -> Pacing {
        Pacing { pause: PAUSE, quota: None }
    }

    fn streaming(&self, _place: &Place) -> Streaming {
        Streaming::Messages
    }

    async fn send(&self, place: &Place, message: &Outgoing) -> Result<MessageId, ChatError> {
        self.call(place, Call::Send(&message.message.text), Some(message)).await
    }

    async fn edit(&self, place: &Place, id: &MessageId, message: &Outgoing) -> Result<(), ChatError> {
        self.call(place, Call::Edit(id, &message.message.text), Some(message)).await.map(drop)
    }

    async fn delete(&self, place: &Place, id: &MessageId) -> Result<(), ChatError> {
        self.call(place, Call::Delete(id), None).await.map(drop)
    }

    async fn show_activity(&self, _place: &Place, _line: Option<&str>) {}

    async fn acknowledge(&self, _place: &Place, _message: Option<&MessageId>) -> bool {
        true
    }

    async fn set_menus(&self, _menus: &Menus) -> Result<(), ChatError> {
        Ok(())
    }
}

#[async_trait]
impl DeliveryStore for Ports {
    fn language(&self, _place: &Place) -> Option<Language> {
        None
    }

    async fn save_placeholder(
        &self,
        turn: &PromptId,
        place: &Place,
        message: &MessageId,
        text: &str,
    ) -> Result<(), StorageError> {
        self.with(|world| {
            world.step(("placeholder", &message.0));
            if !world.store.save_placeholder(turn, place, message, text) {
                // The turn's post replaces the message, but a host that is killed before that can't know it.
                world.server.excuse(place, message);
            }
        })
        .await;
        Ok(())
    }

    async fn forget_placeholder(&self, place: &Place, message: &MessageId) -> Result<(), StorageError> {
        self.with(|world| world.store.forget_placeholder(place, message)).await;
        Ok(())
    }

    async fn save_progress(&self, post: PostId, delivery: Delivery) -> Result<(), StorageError> {
        self.with(|world| world.store.save_progress(post, delivery)).await;
        Ok(())
    }

    async fn complete(
        &self,
        post: PostId,
        messages: Vec<MessageId>,
        issues: Vec<DeliveryIssue>,
    ) -> Result<Vec<OutboxRow>, StorageError> {
        self.with(|world| {
            world.step(("complete", post));
            world.tally.posts += 1;
            let World { store, server, .. } = world;
            if let Err(rule) = store.complete_post(post, &messages, &issues, server) {
                world.violate(rule);
            }
        })
        .await;
        Ok(Vec::new())
    }

    async fn set_unreachable(&self, place: &Place, _why: &str) -> Result<(), StorageError> {
        self.with(|world| world.store.unreachable.insert(place.clone())).await;
        Ok(())
    }

    async fn set_reachable(&self, place: &Place) -> Result<(), StorageError> {
        self.with(|world| world.store.unreachable.remove(place)).await;
        Ok(())
    }
}
