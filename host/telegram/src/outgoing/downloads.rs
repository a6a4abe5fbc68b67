//! Downloads the files that users send, and retries after failures.

use std::fs::File;

use cordboard_core::types::ChatFile;
use tokio::time::sleep;

use super::Telegram;
use crate::api::FileError;

impl Telegram {
    pub(super) async fn download_file(&self, file: &ChatFile, to: &File) -> Result<(), FileError> {
        let limit = (self.settings.file_limit)();
        if let Some(size) = file.size.filter(|size| *size > limit) {
            return Err(FileError::TooLarge { size, limit });
        }
        let first = self.settings.first_retry;
        for delay in [first, first * 3] {
            let Err(error) = self.api.download(&file.file, to, limit).await else { return Ok(()) };
            let Some(delay) = error.retry_after(delay) else { return Err(error) };
            tracing::debug!(%error, "failed to download a file: trying again");
            sleep(delay).await;
        }
        self.api.download(&file.file, to, limit).await
    }
}
