//! Turns attachments, long answers and long code blocks into files.

use super::compose::{GAP, file_name, mention, path_text};
use crate::{FileContent, OutgoingFile};
use cordboard_core::{
    messages,
    render::{self, Entity, Message},
    types::{Content, Reply},
};

/// The maximum length of the excerpt shown above the file of a long answer, in UTF-16 code units.
const BEGINNING: usize = 1000;

/// The name of the file that contains a long answer.
const ANSWER: &str = "answer.md";

/// Returns the Markdown for a reply's messages, and the files to send. Each text or bytes attachment, and each fenced
/// code block of more than `over` characters, becomes a file.
pub(super) fn split_off(reply: &Reply, over: usize) -> (String, Vec<OutgoingFile>) {
    let text = render::strip_controls(&reply.text);
    let mut source = String::new();
    let mut files = Vec::new();
    let mut end = 0;
    for block in render::find_code_blocks(&text) {
        if block.code.chars().count() > over {
            let name = format!("code-{}.{}", files.len() + 1, extension(&block.language));
            source.push_str(&text[end..block.at.start]);
            // An empty line ends the paragraph, so that the next line can't turn it into a heading.
            source.push_str(&format!("{}\n", mention(&name, &messages::in_file_below())));
            // The block's range may include the final line break.
            end = block.at.start + text[block.at].trim_end_matches('\n').len();
            files.push(OutgoingFile { name, content: FileContent::Bytes(block.code.into()) });
        }
    }
    source.push_str(&text[end..]);
    for attachment in &reply.attachments {
        let name = file_name(attachment).replace(['/', '\\'], "_");
        let remark = match &attachment.content {
            Content::Text(text) if !text.is_empty() => {
                files.push(OutgoingFile { name, content: FileContent::Bytes(text.clone().into()) });
                continue;
            }
            Content::Bytes(bytes) if !bytes.is_empty() => {
                files.push(OutgoingFile { name, content: FileContent::Bytes(bytes.clone().into()) });
                continue;
            }
            Content::SessionFile(file) => {
                files.push(OutgoingFile { name, content: FileContent::SessionFile(file.clone()) });
                continue;
            }
            // Telegram rejects empty files.
            Content::Text(_) | Content::Bytes(_) => "empty".to_owned(),
            Content::File(path) => path_text(path),
        };
        let separator = if source.is_empty() { "" } else { GAP };
        source = format!("{source}{separator}{}", mention(&name, &remark));
    }
    (source, files)
}

/// If the message is longer than `over` characters, returns its beginning, and a file that contains its whole source.
/// Otherwise returns `None`.
pub(super) fn shorten(message: &Message, source: &str, over: usize) -> Option<(Message, OutgoingFile)> {
    if message.text.chars().count() <= over {
        return None;
    }
    let mut beginning = beginning(message);
    beginning.text = format!("{}{GAP}{}", beginning.text, messages::whole_text_in(ANSWER));
    let content = FileContent::Bytes(source.to_owned().into());
    Some((beginning, OutgoingFile { name: ANSWER.to_owned(), content }))
}

/// Returns the beginning of a message, at most [`BEGINNING`] UTF-16 units, cut at white space if there is any.
fn beginning(message: &Message) -> Message {
    let mut length = 0;
    let within = |(_, char): &(usize, char)| {
        length += char.len_utf16();
        length <= BEGINNING
    };
    let end = message.text.char_indices().take_while(within).last().map_or(0, |(at, char)| at + char.len_utf8());
    let cut = message.text[..end].rfind(char::is_whitespace).unwrap_or(end);
    let text = message.text[..cut].trim_end().to_owned();
    let last = render::units(&text);
    let inside = message.entities.iter().filter(|entity| entity.offset < last);
    let clipped = inside.map(|entity| Entity { length: entity.length.min(last - entity.offset), ..entity.clone() });
    Message { entities: clipped.collect(), text }
}

/// Returns the usual file extension for a language, given its Markdown name.
fn extension(language: &str) -> &str {
    match language.split([' ', ',']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "rust" | "rs" => "rs",
        "python" | "py" => "py",
        "javascript" | "js" => "js",
        "typescript" | "ts" => "ts",
        "tsx" => "tsx",
        "jsx" => "jsx",
        "bash" | "sh" | "shell" | "zsh" => "sh",
        "c" => "c",
        "cpp" | "c++" => "cpp",
        "csharp" | "cs" => "cs",
        "java" => "java",
        "kotlin" | "kt" => "kt",
        "swift" => "swift",
        "go" => "go",
        "ruby" | "rb" => "rb",
        "php" => "php",
        "html" => "html",
        "css" => "css",
        "json" => "json",
        "yaml" | "yml" => "yaml",
        "toml" => "toml",
        "xml" => "xml",
        "sql" => "sql",
        "diff" | "patch" => "diff",
        "csv" => "csv",
        "markdown" | "md" => "md",
        _ => "txt",
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::types::{Attachment, SessionFile};

    use super::*;

    fn content(file: &OutgoingFile) -> &[u8] {
        match &file.content {
            FileContent::Bytes(bytes) => bytes,
            FileContent::SessionFile(file) => file.path.as_bytes(),
        }
    }

    fn names(files: &[OutgoingFile]) -> Vec<(&str, &[u8])> {
        files.iter().map(|file| (file.name.as_str(), content(file))).collect()
    }

    #[test]
    fn long_blocks_of_code_become_files() {
        let code = "let a = 1;\n".repeat(3);
        let text = format!(
            "Before.\n\n```rust\n{code}```\n\nBetween: `short`.\n\n```\nshort\n```\n\n~~~py\n{code}~~~\nAfter."
        );
        let (source, files) = split_off(&Reply::text(text), 20);
        assert_eq!(
            source,
            "Before.\n\n**code-1.rs** (in the file below)\n\n\nBetween: `short`.\n\n```\nshort\n```\n\n\
             **code-2.py** (in the file below)\n\nAfter."
        );
        assert_eq!(names(&files), [("code-1.rs", code.as_bytes()), ("code-2.py", code.as_bytes())]);
    }

    #[test]
    fn attachments_become_files() {
        let attachment =
            |name: &str, content| Attachment { name: name.to_owned(), media_type: "text/plain".to_owned(), content };
        let reply = Reply {
            attachments: vec![
                attachment("a.txt", Content::Text("text".to_owned())),
                attachment("../b\n.bin", Content::Bytes(vec![0, 255])),
                attachment("c.pdf", Content::File("out/c.pdf".to_owned())),
                attachment("d.txt", Content::Text(String::new())),
                attachment(
                    "e.png",
                    Content::SessionFile(SessionFile { folder: "/s".into(), path: "out/e.png".to_owned() }),
                ),
            ],
            ..Reply::text("See:")
        };
        let (source, files) = split_off(&reply, 100);
        assert_eq!(source, "See:\n\n**c.pdf** (`out/c.pdf`)\n\n**d.txt** (empty)");
        assert_eq!(names(&files), [("a.txt", b"text".as_slice()), (".._b .bin", &[0, 255]), ("e.png", b"out/e.png")]);
    }

    #[test]
    fn a_long_message_is_cut_and_complete_in_the_file() {
        let source = "**word** ".repeat(500);
        let message = render::render(&source);
        assert_eq!(shorten(&message, &source, 10_000), None);
        let (beginning, file) = shorten(&message, &source, 100).unwrap();
        assert!((990..1060).contains(&render::units(&beginning.text)), "{beginning:?}");
        assert!(beginning.text.ends_with("\n\n… The whole text is in answer.md below."), "{}", beginning.text);
        assert!(beginning.entities.iter().all(|entity| entity.end() <= BEGINNING));
        assert_eq!((file.name.as_str(), content(&file)), ("answer.md", source.as_bytes()));
    }
}
