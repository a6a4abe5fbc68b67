//! Resolves the session files attached to a reply, so that the front-end can send them.

use cordboard_core::{
    messages, render,
    types::{Attachment, Content, Reply, SessionFile, SessionView},
};

use crate::session_files::SessionFiles;

/// The maximum number of files in a reply.
const MOST_FILES: usize = 10;

/// Resolves attachments that are session files. If a file can't be sent, adds a sentence that gives the reason to the
/// reply's text instead. `largest` is the maximum size of a file, in bytes.
pub fn resolve(reply: Reply, view: &SessionView, files: &SessionFiles, largest: u64) -> Reply {
    let mut text = reply.text;
    let mut attachments = Vec::with_capacity(reply.attachments.len());
    let mut resolved = 0;
    for attachment in reply.attachments {
        let Content::File(path) = &attachment.content else {
            attachments.push(attachment);
            continue;
        };
        let file = SessionFile { folder: view.record.folder.clone(), path: path.clone() };
        resolved += 1;
        let checked = if resolved > MOST_FILES { Err(too_many()) } else { check(files, &file, largest) };
        match checked {
            Ok(()) => attachments.push(Attachment { content: Content::SessionFile(file), ..attachment }),
            Err(why) => {
                let separator = if text.is_empty() { "" } else { "\n\n" };
                text = format!("{text}{separator}{}", render::escape(&messages::file_not_read(path, &why)));
            }
        }
    }
    Reply { text, attachments, ..reply }
}

fn too_many() -> String {
    messages::files::too_many_files(MOST_FILES)
}

fn check(files: &SessionFiles, file: &SessionFile, largest: u64) -> Result<(), String> {
    let (_, size) = files.open(file).map_err(|error| error.to_string())?;
    match size {
        0 => Err(messages::files::empty_file()),
        size if size > largest => Err(messages::files::file_too_large(size, largest)),
        _ => Ok(()),
    }
}
