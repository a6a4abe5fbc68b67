//! Downloads the files that users send, piece by piece.

use std::{error::Error, fs::File, io, time::Duration};

use serde::Deserialize;
use teloxide_core::{payloads::GetFile, requests::Payload as _, types::FileId};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::{Api, BotApiError, is_local};

/// The HTTP client's time limit, which is longer than the host waits for any download.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// The longest rate limit that a download waits out.
const LONGEST_RATE_LIMIT: Duration = Duration::from_secs(60);

/// The size of the buffer between the connection and the file. By default, tokio buffers up to 2 MiB.
const BUFFER: usize = 64 << 10;

const MIB: u64 = 1 << 20;

/// The reason that a file could not be downloaded. The texts continue a sentence such as "The photo could not be
/// downloaded: ".
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum FileError {
    #[error(transparent)]
    Api(#[from] BotApiError),
    #[error("it has {} MiB, but the limit for files from Telegram is {} MiB", size.div_ceil(MIB), limit / MIB)]
    TooLarge { size: u64, limit: u64 },
    #[error("it has more than {} MiB, the limit for files from Telegram", limit / MIB)]
    LargerThan { limit: u64 },
    #[error("the file of the Bot API server can't be read: {0}")]
    NotReadable(io::Error),
    #[error("it can't be written: {0}")]
    NotWritable(io::Error),
}

impl FileError {
    /// Returns the delay after which another attempt may succeed, or `None` if none can. `usual` is returned for
    /// failures that don't specify a delay.
    pub fn retry_after(&self, usual: Duration) -> Option<Duration> {
        let Self::Api(error) = self else { return None };
        if let BotApiError::RateLimited { after, .. } = error {
            return Some(*after).filter(|after| *after <= LONGEST_RATE_LIMIT);
        }
        matches!(error, BotApiError::Unavailable { .. }).then_some(usual)
    }
}

/// The part of the response to `getFile` that the host reads.
#[derive(Deserialize)]
struct StoredFile {
    file_path: String,
}

impl Api {
    /// Downloads the file with this id if it has at most `limit` bytes, and syncs it to the disk. Overwrites anything
    /// that an earlier attempt wrote to `to`.
    pub async fn download(&self, file: &str, to: &File, limit: u64) -> Result<(), FileError> {
        let get_file = GetFile::new(FileId(file.to_owned()));
        // A server that was started with `--local` responds only once it has the whole file.
        let is_local = is_local(&self.base);
        let time = if is_local { LONGEST } else { self.timeout };
        let StoredFile { file_path } =
            self.request(GetFile::NAME, |request| request.timeout(time).json(&get_file)).await?;
        to.set_len(0).map_err(FileError::NotWritable)?;
        let mut to = tokio::fs::File::from_std(to.try_clone().map_err(FileError::NotWritable)?);
        to.set_max_buf_size(BUFFER);
        // A server started with `--local` returns the path of a file on its machine.
        let copied = if file_path.starts_with('/') && is_local {
            copy(&file_path, &mut to, limit).await
        } else {
            self.download_from_server(&file_path, &mut to, limit).await
        };
        // Flush even after an error, so that no write is pending when the next attempt begins.
        let flushed = to.flush().await;
        copied?;
        flushed.map_err(FileError::NotWritable)?;
        to.sync_data().await.map_err(FileError::NotWritable)
    }

    async fn download_from_server(&self, path: &str, to: &mut tokio::fs::File, limit: u64) -> Result<(), FileError> {
        let url = format!("{}/file/bot{}/{path}", self.base, self.token.secret());
        let stalled = || BotApiError::Unavailable { why: format!("the download from {} stalled", self.base) };
        let unavailable = |error: &dyn Error| BotApiError::Unavailable { why: self.describe(error) };
        let request = self.http.client().get(url).timeout(LONGEST).send();
        let response = timeout(self.timeout, request).await.map_err(|_| stalled())?;
        let mut response = response.map_err(|error| unavailable(&error.without_url()))?;
        match response.status() {
            status if status.is_success() => {}
            status if status.is_server_error() => {
                return Err(BotApiError::Unavailable { why: format!("HTTP {}", status.as_u16()) }.into());
            }
            status => return Err(BotApiError::Rejected { why: format!("HTTP {}", status.as_u16()) }.into()),
        }
        let mut written = 0;
        loop {
            let chunk = timeout(self.timeout, response.chunk()).await.map_err(|_| stalled())?;
            let Some(chunk) = chunk.map_err(|error| unavailable(&error.without_url()))? else { break };
            written += chunk.len() as u64;
            if written > limit {
                return Err(FileError::LargerThan { limit });
            }
            to.write_all(&chunk).await.map_err(FileError::NotWritable)?;
        }
        Ok(())
    }
}

/// Copies a file on this machine.
async fn copy(path: &str, to: &mut tokio::fs::File, limit: u64) -> Result<(), FileError> {
    let from = tokio::fs::File::open(path).await.map_err(FileError::NotReadable)?;
    match tokio::io::copy(&mut from.take(limit + 1), to).await.map_err(FileError::NotWritable)? {
        copied if copied > limit => Err(FileError::LargerThan { limit }),
        _ => Ok(()),
    }
}
