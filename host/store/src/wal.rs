//! Syncs the write-ahead log to disk outside the writer thread, so that write requests don't wait for the disk.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// SQLite's write-ahead log. Only SQLite writes to it. The file exists as long as the store is open.
#[derive(Debug)]
pub(super) struct Wal {
    file: File,
    /// Whether the last sync failed. The kernel reports a failure only once, and then treats the lost data as written.
    /// Another sync is therefore not enough; the data must be written again.
    has_lost_data: AtomicBool,
}

impl Wal {
    /// Opens the log. The database must have been read or written before, because SQLite creates the log only then.
    /// Closing this file doesn't release SQLite's locks, because SQLite locks the database file and the shared-memory
    /// file instead.
    pub fn open(database: &Path) -> io::Result<Self> {
        Ok(Self::of(File::open(log_path(database))?))
    }

    pub(super) const fn of(file: File) -> Self {
        Self { file, has_lost_data: AtomicBool::new(false) }
    }

    pub fn has_lost_data(&self) -> bool {
        self.has_lost_data.load(Ordering::Relaxed)
    }

    /// Syncs all commits that are in the log. Earlier commits are already in the database file, which SQLite has
    /// synced.
    pub fn sync(&self) -> io::Result<()> {
        let synced = self.file.sync_data();
        self.has_lost_data.store(synced.is_err(), Ordering::Relaxed);
        synced
    }
}

/// Returns the path of a database's write-ahead log.
pub(super) fn log_path(database: &Path) -> PathBuf {
    with_suffix(database, "-wal")
}

/// Returns the path of the shared-memory file, which contains only an index of the log.
pub(super) fn shared_memory_path(database: &Path) -> PathBuf {
    with_suffix(database, "-shm")
}

fn with_suffix(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
