//! Sends files as photos or documents.

use std::{
    fs::File,
    io::{self, Seek as _},
    time::Duration,
};

use cordboard_chat::{ChatError, FileContent, MessageId, Outgoing, OutgoingFile};
use cordboard_core::types::{Alert, Place, model_input};
use futures::Stream;
use reqwest::{
    Body,
    multipart::{Form, Part},
};
use tokio::io::AsyncReadExt as _;

use super::{ApiPlace, BotApiError, SentMessage, Telegram, message_id, message_of};

/// The time to upload one KiB over a slow connection.
const UPLOAD_TIME_PER_KIB: Duration = Duration::from_millis(10);

/// The number of bytes that are read from a file at once.
const PART: usize = 64 << 10;

/// The maximum size of a photo, in bytes. A larger one is sent as a document.
const LARGEST_PHOTO: u64 = 10 << 20;

/// The Bot API method that sends a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum FileKind {
    Photo,
    Document,
}

impl FileKind {
    pub const fn method(self) -> &'static str {
        match self {
            Self::Photo => "SendPhoto",
            Self::Document => "SendDocument",
        }
    }

    const fn field(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Document => "document",
        }
    }
}

/// Returns whether a Bot API error says that the bot may not send files.
fn is_about_files(why: &str) -> bool {
    ["send documents", "send photos", "SEND_DOCS", "SEND_PHOTOS", "SEND_MEDIA"].iter().any(|words| why.contains(words))
}

impl Telegram {
    /// Sends an image as a photo, or as a document if Telegram rejects the photo, and any other file as a document.
    pub(super) async fn send_file(
        &self,
        place: &Place,
        message: &Outgoing,
        file: &OutgoingFile,
    ) -> Result<MessageId, ChatError> {
        let rejected = |error: io::Error| ChatError::Rejected { why: format!("{}: {error}", file.name) };
        if self.file_kind(file).map_err(rejected)? == FileKind::Photo {
            match self.upload(place, message, file, FileKind::Photo).await {
                // Telegram rejects some photos because of their dimensions.
                Err(ChatError::Rejected { why }) => tracing::debug!(why, "sending a photo as a document"),
                sent => return sent,
            }
        }
        self.upload(place, message, file, FileKind::Document).await
    }

    fn file_kind(&self, file: &OutgoingFile) -> io::Result<FileKind> {
        let mut start = [0; 16];
        let (read, size) = match &file.content {
            FileContent::Bytes(bytes) => (io::Read::read(&mut &**bytes, &mut start)?, bytes.len() as u64),
            FileContent::SessionFile(file) => {
                let (mut opened, size) = (self.settings.open_file)(file)?;
                (io::Read::read(&mut opened, &mut start)?, size)
            }
        };
        let is_photo = match model_input::media_type(&start[..read]) {
            Some("image/jpeg" | "image/png" | "image/webp") => size <= LARGEST_PHOTO,
            Some(_) | None => false,
        };
        Ok(if is_photo { FileKind::Photo } else { FileKind::Document })
    }

    async fn upload(
        &self,
        place: &Place,
        message: &Outgoing,
        file: &OutgoingFile,
        kind: FileKind,
    ) -> Result<MessageId, ChatError> {
        let (original, mut target) = (ApiPlace::of(place)?, self.current_place(place)?);
        let answered = message.reply_to.as_ref().and_then(|id| message_of(place, id).ok());
        let form_for = |chat: i64, content: Part| {
            let mut form = Form::new().text("chat_id", chat.to_string()).part(kind.field(), content);
            if let Some(topic) = target.topic {
                form = form.text("message_thread_id", topic.to_string());
            }
            if message.alert == Alert::Silent {
                form = form.text("disable_notification", "true");
            }
            // As with text messages, a private chat needs no reply reference.
            if let Some((_, number)) = answered.filter(|(of, _)| chat < 0 && of.chat == chat) {
                let reply = serde_json::json!({ "message_id": number.0, "allow_sending_without_reply": true });
                form = form.text("reply_parameters", reply.to_string());
            }
            form
        };
        let source = FileSource::open(file, self).map_err(|error| ChatError::Rejected { why: error.to_string() })?;
        let time =
            self.settings.timeout + UPLOAD_TIME_PER_KIB * u32::try_from(source.length() / 1024).unwrap_or(u32::MAX);
        let part = || source.part(&file.name).map_err(|error| ChatError::Rejected { why: error.to_string() });
        let form = form_for(target.chat, part()?);
        let sent: Result<SentMessage, BotApiError> = self.calls.upload(target.chat, kind, form, time).await;
        let sent = match sent {
            Err(BotApiError::Moved { to }) => {
                self.record_move(original.chat, to).await;
                target.chat = to;
                self.calls.upload(to, kind, form_for(to, part()?), time).await?
            }
            // The bot may be allowed to send text but not files. In that case, the chat is still reachable.
            Err(BotApiError::Unreachable { why }) if is_about_files(&why) => return Err(ChatError::Rejected { why }),
            sent => sent?,
        };
        Ok(message_id(original.chat, target.chat, sent.message_id))
    }
}

/// Reads exactly `size` bytes of a file. An agent may be writing to the file, and a longer body would not be valid.
fn exactly(file: tokio::fs::File, size: u64) -> impl Stream<Item = io::Result<Vec<u8>>> {
    futures::stream::try_unfold((file, size), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let mut part = vec![0; usize::try_from(left).unwrap_or(usize::MAX).min(PART)];
        let read = file.read(&mut part).await?;
        if read == 0 {
            return Err(io::Error::other("the file has become shorter"));
        }
        part.truncate(read);
        Ok(Some((part, (file, left - read as u64))))
    })
}

/// The content of a file, open for an upload.
enum FileSource<'a> {
    Bytes(&'a bytes::Bytes),
    /// A file and its size.
    Open(File, u64),
}

impl<'a> FileSource<'a> {
    fn open(file: &'a OutgoingFile, telegram: &Telegram) -> io::Result<Self> {
        Ok(match &file.content {
            FileContent::Bytes(bytes) => Self::Bytes(bytes),
            FileContent::SessionFile(file) => {
                let (file, size) = (telegram.settings.open_file)(file)?;
                Self::Open(file, size)
            }
        })
    }

    const fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Open(_, size) => *size,
        }
    }

    /// Returns the content as a part of a form. A file is read while it is sent.
    fn part(&self, name: &str) -> io::Result<Part> {
        let body = match self {
            Self::Bytes(bytes) => Body::from(bytes::Bytes::clone(bytes)),
            Self::Open(file, size) => {
                let mut file = file.try_clone()?;
                file.rewind()?;
                Body::wrap_stream(exactly(tokio::fs::File::from_std(file), *size))
            }
        };
        Ok(Part::stream_with_length(body, self.length()).file_name(name.to_owned()))
    }
}
