//! Fetches the images of messages from the chat before the messages go to a session, because a session must not wait for
//! the chat. Keeps them as files in the state directory, so that a message can be sent again after a restart.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cordboard_agents::Image;
use cordboard_core::types::ChatImage;
use tokio::time::timeout;

use super::Outbound;
use crate::session::ImageSource;

/// The time limit for all images of a message.
const FETCH_WITHIN: Duration = Duration::from_secs(60);

/// The time for which an image is kept. A message that waits longer reaches the agent without its images.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub struct ChatImages {
    chat: Outbound,
    folder: PathBuf,
}

impl ChatImages {
    #[must_use]
    pub fn new(chat: Outbound, state_dir: &Path) -> Self {
        Self { chat, folder: state_dir.join("images") }
    }

    /// Fetches the images of a message that are not stored yet.
    ///
    /// # Errors
    /// An image can't be fetched or stored, or is of a type that models don't accept. The text says why.
    pub async fn fetch(&self, images: &[ChatImage]) -> Result<(), String> {
        let all = async {
            for image in images.iter().filter(|image| !self.file(image).exists()) {
                let bytes = self.chat.download(&image.file, ChatImage::MAX_SIZE).await;
                self.store(image, &bytes.map_err(|error| error.to_string())?)?;
            }
            Ok(())
        };
        timeout(FETCH_WITHIN, all).await.unwrap_or_else(|_| Err("the chat did not send it within a minute".to_owned()))
    }

    fn store(&self, image: &ChatImage, bytes: &[u8]) -> Result<(), String> {
        if ChatImage::media_type(bytes).is_none() {
            return Err("it is not a JPEG, PNG, GIF or WebP image".to_owned());
        }
        let write = || {
            fs::create_dir_all(&self.folder)?;
            self.delete_old()?;
            let new = self.file(image).with_extension("new");
            fs::write(&new, bytes)?;
            fs::rename(new, self.file(image))
        };
        write().map_err(|error| format!("it could not be stored in {}: {error}", self.folder.display()))
    }

    fn delete_old(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.metadata()?.modified()?.elapsed().is_ok_and(|age| age > KEPT_FOR) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn file(&self, image: &ChatImage) -> PathBuf {
        self.folder.join(cordboard_runtime::digest(image.file.as_bytes()))
    }
}

impl ImageSource for ChatImages {
    fn get(&self, image: &ChatImage) -> Option<Image> {
        let bytes = fs::read(self.file(image)).inspect_err(|error| {
            tracing::warn!(%error, "failed to read an image of a message: the agent is told that it can't see it");
        });
        let bytes = bytes.ok()?;
        let media_type = ChatImage::media_type(&bytes)?.to_owned();
        Some(Image { media_type, base64: STANDARD.encode(bytes) })
    }
}
