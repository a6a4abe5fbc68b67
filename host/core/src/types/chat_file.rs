//! The files that users send.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// The name of the folder for these files in each session's working folder.
pub const FILES_FOLDER: &str = "inbox";

/// The maximum lengths of a saved file's stem and extension, in bytes. Linux limits file names to 255 bytes.
const MAX_STEM_LENGTH: usize = 120;
const MAX_EXTENSION_LENGTH: usize = 10;

/// A file that a user sent, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatFile {
    /// The front-end's id for the file.
    pub file: String,
    /// The kind of file in words, such as `voice message`, for messages to the user and the agent.
    pub kind: String,
    /// The name under which the host saves the file in the folder [`FILES_FOLDER`]. No file in any other message has
    /// this name.
    pub saved_as: String,
    /// The size in bytes, if the front-end reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The duration of a recording, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
}

impl ChatFile {
    /// The `kind` of a recorded voice message.
    pub const VOICE_MESSAGE: &str = "voice message";

    /// Creates a file without a size or duration. `name` is the name that the sender gave the file, or another suitable
    /// one. `update` is the key of the update, which makes the saved name unique.
    #[must_use]
    pub fn new(file: &str, kind: &str, name: &str, update: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (update, file).hash(&mut hasher);
        let saved_as = safe_name(name, &format!("{:012x}", hasher.finish() >> 16));
        Self { file: file.to_owned(), kind: kind.to_owned(), saved_as, size: None, seconds: None }
    }

    /// Returns the saved file's path, relative to the session folder.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        Path::new(FILES_FOLDER).join(&self.saved_as)
    }
}

/// Returns `name` with `unique` inserted before its extension. Keeps only letters, digits and `.-_`, because other
/// characters may have a special meaning in a shell, a path or a prompt.
fn safe_name(name: &str, unique: &str) -> String {
    let is_extension = |text: &str| {
        (1..=MAX_EXTENSION_LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if is_extension(extension) => (stem, format!(".{extension}")),
        Some(_) | None => (name, String::new()),
    };
    let is_safe = |char: char| char.is_alphanumeric() || matches!(char, '.' | '-' | '_');
    let mut safe: String = stem.chars().map(|char| if is_safe(char) { char } else { '_' }).collect();
    safe.truncate(safe.floor_char_boundary(MAX_STEM_LENGTH));
    // A name that begins with a dot is hidden, and one that begins with a hyphen looks like an option.
    let safe = safe.trim_matches(['.', '-', '_']);
    let stem = if safe.is_empty() { "file" } else { safe };
    format!("{stem}-{unique}{extension}")
}

/// Files whose content can be included in a message to a model.
pub mod model_input {
    /// The maximum size in bytes. The Messages API accepts at most 5 MB of base64 per image.
    pub const MAX_SIZE: u64 = 3_750_000;

    /// The maximum total size of the files in one message, in bytes. The Messages API accepts requests of at most 32
    /// MB, which contain the files in base64 and the rest of the conversation.
    pub const MAX_TOTAL: u64 = 20_000_000;

    pub const PDF: &str = "application/pdf";

    /// Detects a file's media type from its first bytes. Returns `None` if models don't accept that type. With a wrong
    /// type, the Messages API would reject not only this request but every later one in the conversation.
    #[must_use]
    pub fn media_type(bytes: &[u8]) -> Option<&'static str> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
            [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
            [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(PDF),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_saved_files_are_safe() {
        for (name, saved) in [
            ("report.pdf", "report-1.pdf"),
            ("a.tar.gz", "a.tar-1.gz"),
            ("Ünïcode 日本.txt", "Ünïcode_日本-1.txt"),
            ("../../etc/passwd", "etc_passwd-1"),
            ("/etc/shadow.", "etc_shadow-1"),
            ("..", "file-1"),
            ("", "file-1"),
            (".bashrc", "file-1.bashrc"),
            ("-rf", "rf-1"),
            ("a\0b\nc.sh", "a_b_c-1.sh"),
            ("$(rm -rf ~).sh", "rm_-rf-1.sh"),
            ("photo\u{202e}gpj.exe", "photo_gpj-1.exe"),
            ("no.extension at all", "no.extension_at_all-1"),
            (".gitignore", "file-1.gitignore"),
        ] {
            assert_eq!(safe_name(name, "1"), saved, "{name:?}");
        }
        for letter in ["x", "é", "𝐁"] {
            assert_eq!(safe_name(&letter.repeat(5000), "1").len(), MAX_STEM_LENGTH + 2);
        }
    }

    #[test]
    fn each_message_saves_its_files_under_new_names() {
        let saved = |file: &str, update: &str| ChatFile::new(file, "photo", "photo.jpg", update).saved_as;
        assert_eq!(saved("f", "1"), saved("f", "1"));
        assert_ne!(saved("f", "1"), saved("f", "2"));
        assert_ne!(saved("f", "1"), saved("g", "1"));
    }
}
