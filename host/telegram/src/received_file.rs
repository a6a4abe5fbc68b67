//! Finds the file attached to a message.

use cordboard_core::types::ChatFile;
use serde_json::{Map, Value};

/// The fields that contain a file, each with a word for its kind and the name to use if the file has no name. A message
/// that contains an animation also has the `document` field, so the order matters.
const FIELDS: [(&str, &str, &str); 6] = [
    ("animation", "animation", "animation.mp4"),
    ("audio", "audio", "audio.mp3"),
    ("document", "file", "file"),
    ("video", "video", "video.mp4"),
    ("video_note", "video", "video.mp4"),
    ("voice", ChatFile::VOICE_MESSAGE, "voice.ogg"),
];

/// Returns the file of a message with this content. For a photo, returns the largest size. `update` is the key of the
/// update.
pub(super) fn find(content: &Map<String, Value>, update: &str) -> Option<ChatFile> {
    // The sizes are sorted, with the largest last.
    let photo = content.get("photo").and_then(Value::as_array).and_then(|sizes| sizes.last());
    let photo = photo.map(|photo| (photo, "photo", "photo.jpg"));
    let others = FIELDS.iter().filter_map(|(field, kind, name)| Some((content.get(*field)?, *kind, *name)));
    photo.into_iter().chain(others).find_map(|(file, kind, name)| {
        let name = file["file_name"].as_str().unwrap_or(name);
        let seconds = file["duration"].as_u64().and_then(|seconds| u32::try_from(seconds).ok());
        let size = file["file_size"].as_u64();
        Some(ChatFile { size, seconds, ..ChatFile::new(file["file_id"].as_str()?, kind, name, update) })
    })
}

#[cfg(test)]
mod tests {
    use cordboard_core::types::FilterInput;
    use serde_json::json;

    use super::*;

    /// Returns the id, the kind and the beginning of the saved name.
    fn found(content: &Value) -> Option<(String, String, String)> {
        let file = find(content.as_object().unwrap(), "1")?;
        let (start, end) = file.saved_as.rsplit_once('-').unwrap();
        let extension = end.split_once('.').map_or_else(String::new, |(_, extension)| format!(".{extension}"));
        Some((file.file, file.kind, format!("{start}{extension}")))
    }

    #[test]
    fn each_kind_of_file_is_found() {
        let file = |id: &str| json!({ "file_id": id, "file_unique_id": "u" });
        let named = |id: &str, name: &str| json!({ "file_id": id, "file_unique_id": "u", "file_name": name });
        for (content, id, kind, name) in [
            (json!({ "photo": [file("small"), file("large")] }), "large", "photo", "photo.jpg"),
            (json!({ "animation": file("a"), "document": named("d", "x.gif") }), "a", "animation", "animation.mp4"),
            (json!({ "document": named("d", "a report.pdf") }), "d", "file", "a_report.pdf"),
            (json!({ "document": file("d") }), "d", "file", "file"),
            (json!({ "voice": file("v") }), "v", "voice message", "voice.ogg"),
            (json!({ "video_note": file("n") }), "n", "video", "video.mp4"),
            (json!({ "audio": named("m", "song.flac") }), "m", "audio", "song.flac"),
            (json!({ "video": named("w", "../../etc/passwd") }), "w", "video", "etc_passwd"),
        ] {
            assert_eq!(found(&content), Some((id.to_owned(), kind.to_owned(), name.to_owned())), "{content}");
        }
    }

    #[test]
    fn a_malformed_file_is_not_found() {
        for content in [
            json!({ "photo": [] }),
            json!({ "photo": "x", "voice": 5, "document": null }),
            json!({ "document": { "file_id": 5 } }),
            json!({ "game": { "title": "x" } }),
        ] {
            assert_eq!(found(&content), None, "{content}");
        }
    }

    #[test]
    fn a_filter_can_ask_for_each_kind_of_file() {
        for kind in FIELDS.map(|(_, kind, _)| kind).into_iter().chain(["photo"]) {
            assert!(FilterInput::KINDS.contains(&kind), "{kind}");
        }
    }
}
