//! Fetches the images of messages from the chat before the messages go to a session, so that no session waits for the
//! chat. Keeps them as files in the state directory, so that a message can be sent again after a restart.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
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

/// The maximum size of all images of a message, in bytes. The Messages API accepts requests of at most 32 MB, which
/// contain the images in base64 and the rest of the conversation.
const MAX_TOTAL: usize = 20_000_000;

/// The minimum time for which an image is stored. A message that waits longer may reach the agent without its images.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub struct ChatImages {
    chat: Outbound,
    folder: PathBuf,
}

impl ChatImages {
    #[must_use]
    pub fn new(chat: Outbound, state_dir: &Path) -> Self {
        let images = Self { chat, folder: state_dir.join("images") };
        images.delete_old();
        images
    }

    /// Fetches the images of a message that are not stored yet.
    ///
    /// # Errors
    /// An image can't be fetched or stored, or is of a type that models don't accept. The text is a sentence for the
    /// user.
    pub async fn fetch(&self, images: &[ChatImage]) -> Result<(), String> {
        let all = async {
            let mut total = 0;
            for image in images {
                // Write a stored image again, which renews its retention.
                let bytes = match self.read(image) {
                    Ok(bytes) => bytes,
                    Err(_) => {
                        let downloaded = self.chat.download(&image.file, ChatImage::MAX_SIZE).await;
                        downloaded.map_err(|error| format!("The image could not be downloaded: {error}"))?
                    }
                };
                total += bytes.len();
                if total > MAX_TOTAL {
                    let most = MAX_TOTAL / 1_000_000;
                    return Err(format!("The images of the message exceed {most} MB in total. Send fewer at once."));
                }
                self.store(image, &bytes)?;
            }
            Ok(())
        };
        let late = || Err("The download of the images took longer than a minute.".to_owned());
        timeout(FETCH_WITHIN, all).await.unwrap_or_else(|_| late())
    }

    fn store(&self, image: &ChatImage, bytes: &[u8]) -> Result<(), String> {
        if ChatImage::media_type(bytes).is_none() {
            return Err("The image is not a JPEG, PNG, GIF or WebP file.".to_owned());
        }
        let write = || {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            // Two messages with the same image may arrive at the same time.
            let new = self.folder.join(format!("{}.new", uuid::Uuid::new_v4()));
            fs::write(&new, bytes)?;
            fs::rename(new, self.file(image))
        };
        let failed = |error: io::Error| format!("The image could not be stored in {}: {error}", self.folder.display());
        let stored = write().map_err(failed);
        self.delete_old();
        stored
    }

    /// Deletes the images that are older than [`RETENTION`]. A task for another message may delete them at the same
    /// time.
    fn delete_old(&self) {
        let is_old = |entry: &fs::DirEntry| {
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > RETENTION))
        };
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten().filter(is_old) {
            if let Err(error) = fs::remove_file(entry.path()) {
                tracing::debug!(%error, "failed to delete an old image");
            }
        }
    }

    /// Reads a stored image. A file that doesn't contain an image counts as missing.
    fn read(&self, image: &ChatImage) -> io::Result<Vec<u8>> {
        let bytes = fs::read(self.file(image))?;
        ChatImage::media_type(&bytes).map(|_| bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn file(&self, image: &ChatImage) -> PathBuf {
        self.folder.join(cordboard_runtime::digest(image.file.as_bytes()))
    }
}

impl ImageSource for ChatImages {
    fn get(&self, image: &ChatImage) -> Option<Image> {
        let bytes = self.read(image).inspect_err(|error| {
            tracing::warn!(%error, "failed to read an image of a message: the agent gets the message without it");
        });
        let bytes = bytes.ok()?;
        let media_type = ChatImage::media_type(&bytes)?.to_owned();
        Some(Image { media_type, base64: STANDARD.encode(bytes) })
    }
}
