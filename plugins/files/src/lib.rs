//! `/files [folder]` lists a folder in the active session, and `/get <path>` sends a file.

mod german;
mod listing;

use cordboard_plugin::{
    Call, Command, Reply,
    command::Spec,
    context,
    sessions::{self, FileEntry},
    tr,
};

use listing::Listing;

/// The maximum number of entries that the host returns in one call.
const PER_CALL: u32 = 1000;

/// The maximum number of folder entries to read.
const MOST: u32 = 10_000;

struct Files;

impl Command for Files {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![
            Spec::new("files", &tr!("List the files of the active session"), &tr!("/files [folder]")),
            Spec::new("get", &tr!("Send a file of the active session"), &tr!("/get <path>")),
        ])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let session = context::session()?;
        let argument = unquoted(call.text.trim());
        if call.command == "get" {
            return if argument.is_empty() {
                Err(tr!("Name a file, as in /get src/main.rs. /files lists the files."))
            } else {
                Ok(Reply::text("").attach_file(argument))
            };
        }
        let (skip, path) = listing::parse(argument);
        let (entries, is_complete) = read(&session.name, path)?;
        Ok(Listing { session: &session.name, path, entries: &entries, is_complete, skip }.reply())
    }
}

/// Returns a folder's entries, and whether the list is complete.
fn read(session: &str, path: &str) -> Result<(Vec<FileEntry>, bool), String> {
    let mut entries = Vec::new();
    for offset in (0..MOST).step_by(PER_CALL as usize) {
        let page = sessions::files(session, path, offset, PER_CALL)?;
        let is_last = page.len() < PER_CALL as usize;
        entries.extend(page);
        if is_last {
            return Ok((entries, true));
        }
    }
    Ok((entries, false))
}

/// Removes the quotes around a path. All other characters, such as spaces, are kept as typed.
fn unquoted(text: &str) -> &str {
    let inside = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

cordboard_plugin::export!(Files: command; german::GERMAN);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_around_a_path_are_removed() {
        for (typed, path) in [("\"a b.txt\"", "a b.txt"), ("'a'", "a"), ("a b", "a b"), ("\"a", "\"a"), ("", "")] {
            assert_eq!(unquoted(typed), path);
        }
    }
}
