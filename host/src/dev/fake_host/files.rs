//! Implements access to session files and message attachments on the fake host.

use std::collections::BTreeMap;

use cordboard_core::{
    messages,
    types::{EntryKind, FolderEntry, FolderPage, SessionName},
};

use super::FakeHost;

impl FakeHost {
    /// Lists the contents of a session's folder or one of its subfolders, sorted by name. On the fake host, a subfolder
    /// without files doesn't exist, so listing it fails.
    pub(super) fn entries(&self, session: &SessionName, page: &FolderPage) -> Result<Vec<FolderEntry>, String> {
        let inner = self.inner();
        let folder = page.path.trim_matches('/');
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut entries = BTreeMap::new();
        for (_, path, size) in inner.files.iter().filter(|(of, ..)| of == session) {
            let Some(rest) = path.strip_prefix(&prefix) else { continue };
            let (name, kind, size) = match rest.split_once('/') {
                Some((name, _)) => (name, EntryKind::Folder, 0),
                None => (rest, EntryKind::File, *size),
            };
            entries.insert(name.to_owned(), FolderEntry { name: name.to_owned(), kind, size, modified: inner.now });
        }
        if entries.is_empty() && !folder.is_empty() {
            return Err(messages::file_not_read(&page.path, "it does not exist"));
        }
        Ok(page.of(entries.into_values().collect()))
    }

    pub(super) fn attachment(&self, id: &str, offset: u64, length: usize) -> Result<Vec<u8>, String> {
        if self.attachments.is_empty() {
            return Err(messages::NO_ATTACHMENTS.to_owned());
        }
        let file = self.attachments.iter().find(|attached| attached.file.saved_as == id);
        let file = file.ok_or_else(|| format!("the message has no file '{id}'"))?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(file.content.len());
        Ok(file.content[start..].iter().take(length).copied().collect())
    }
}
