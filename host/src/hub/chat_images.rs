//! Fetches the images of messages from the chat before the messages go to a session, because a session must not wait for
//! the chat.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cordboard_agents::Image;
use cordboard_core::types::ChatImage;
use tokio::time::timeout;

use super::Outbound;
use crate::session::{ImageSource, RestoredPrompts};

/// The maximum size of the cached images, in bytes of base64.
const MAX_CACHED: usize = 16 << 20;

/// The time limit for the images of messages that the previous run of the host accepted. The host starts without the
/// others.
const RESTORE_WITHIN: Duration = Duration::from_secs(10);

pub struct ChatImages {
    chat: Outbound,
    /// The images that were fetched last, the oldest first, by the id of the file. They stay here until newer ones need
    /// the space, because an interrupted message can be sent again.
    cache: Mutex<VecDeque<(String, Image)>>,
}

impl ChatImages {
    #[must_use]
    pub fn new(chat: Outbound) -> Self {
        Self { chat, cache: Mutex::default() }
    }

    /// Fetches the images of a message.
    ///
    /// # Errors
    /// The chat doesn't provide an image. The text says why.
    pub async fn prefetch(&self, images: impl IntoIterator<Item = &ChatImage>) -> Result<(), String> {
        for image in images {
            let bytes = self.chat.download(&image.file, ChatImage::MAX_SIZE).await;
            let base64 = STANDARD.encode(bytes.map_err(|error| error.to_string())?);
            let mut cache = self.cache();
            cache.push_back((image.file.clone(), Image { media_type: image.media_type.clone(), base64 }));
            while cache.iter().map(|(_, image)| image.base64.len()).sum::<usize>() > MAX_CACHED {
                cache.pop_front();
            }
        }
        Ok(())
    }

    /// Fetches the images of messages that the previous run of the host accepted. Logs a failure.
    pub async fn prefetch_restored(&self, sessions: impl IntoIterator<Item = &RestoredPrompts>) {
        let prompts = sessions.into_iter().flat_map(|session| session.queued.iter().chain(&session.interrupted));
        let fetched = timeout(RESTORE_WITHIN, self.prefetch(prompts.flat_map(|prompt| &prompt.images))).await;
        let why = fetched.unwrap_or_else(|_| Err("the chat did not answer in time".to_owned())).err();
        if let Some(why) = why {
            tracing::warn!(why, "failed to fetch an image of a stored message: the agent won't see it");
        }
    }

    fn cache(&self) -> MutexGuard<'_, VecDeque<(String, Image)>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ImageSource for ChatImages {
    fn get(&self, image: &ChatImage) -> Option<Image> {
        let cache = self.cache();
        cache.iter().find(|(file, _)| *file == image.file).map(|(_, image)| image.clone())
    }
}
