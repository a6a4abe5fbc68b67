//! Messages about files that users send or receive.

use std::{fmt::Display, path::Path, time::Duration};

use tr::tr;

use crate::types::SessionName;

/// Returns the sentence saying that the folder of a session can't be used for a file.
#[must_use]
pub fn folder_not_prepared(session: &SessionName, why: impl Display) -> String {
    tr!("The file could not be saved for session '{session}': {why}", session, why)
}

#[must_use]
pub fn not_saved(folder: &Path, why: impl Display) -> String {
    tr!("The file could not be saved in {folder}: {why}", folder = folder.display(), why)
}

/// Returns the word for a kind of message or file in the reader's language. Prompts use the English word `kind` itself.
pub(super) fn kind_name(kind: &str) -> String {
    match kind {
        "animation" => tr!("animation"),
        "audio" => tr!("audio"),
        "checklist" => tr!("checklist"),
        "contact" => tr!("contact"),
        "dice" => tr!("dice"),
        "file" => tr!("file"),
        "game" => tr!("game"),
        "location" => tr!("location"),
        "message" => tr!("message"),
        "photo" => tr!("photo"),
        "poll" => tr!("poll"),
        "sticker" => tr!("sticker"),
        "story" => tr!("story"),
        "video" => tr!("video"),
        "voice message" => tr!("voice message"),
        _ => kind.to_owned(),
    }
}

/// Returns the sentence saying that a file could not be downloaded. `kind` is the kind of file, such as `photo`.
#[must_use]
pub fn not_downloaded(kind: &str, why: impl Display) -> String {
    tr!("The {kind} could not be downloaded: {why}", kind = kind_name(kind), why)
}

#[must_use]
pub fn download_too_long(limit: Duration) -> String {
    tr!("The download took longer than {minutes} minutes.", minutes = limit.as_secs() / 60)
}

/// Returns the reason why a reply can't contain another file.
#[must_use]
pub fn too_many_files(most: usize) -> String {
    tr!("a message has at most {most} files", most)
}

/// Returns the reason why the chat doesn't accept a file.
#[must_use]
pub fn file_too_large(size: u64, largest: u64) -> String {
    tr!(
        "it has {size} MiB, and the chat accepts at most {largest} MiB",
        size = size.div_ceil(1 << 20),
        largest = largest >> 20
    )
}

/// Returns the reason why an empty file isn't sent.
#[must_use]
pub fn empty_file() -> String {
    tr!("it is empty")
}
