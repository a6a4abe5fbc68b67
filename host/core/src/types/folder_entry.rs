//! The entries of a session folder, as plugins see them.

use super::Timestamp;

/// A page of a folder's entries, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderPage {
    /// The path of the folder, relative to the session's folder. May be empty.
    pub path: String,
    /// The number of entries before this page.
    pub offset: usize,
    /// The maximum number of entries.
    pub limit: usize,
}

impl FolderPage {
    /// The maximum number of entries that one plugin call can return.
    pub const MAX_ENTRIES: usize = 1000;

    /// Returns the entries on this page.
    #[must_use]
    pub fn of<T>(&self, sorted: Vec<T>) -> Vec<T> {
        sorted.into_iter().skip(self.offset).take(self.limit).collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderEntry {
    pub name: String,
    pub kind: EntryKind,
    /// The size in bytes.
    pub size: u64,
    pub modified: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Folder,
    Link,
    Other,
}

impl EntryKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Folder => "folder",
            Self::Link => "link",
            Self::Other => "other",
        }
    }
}
