//! Replaces the database file with another one, and keeps the current one under a name that contains the time. After a
//! crash at any point, the current database is complete, either in place or under the new name.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use cordboard_core::time_zone::utc_stamp;
use tempfile::TempDir;

use super::{inbox::now, wal};

/// The name prefix of the temporary folder that contains a new database. A killed process leaves the folder behind.
const NEW: &str = "new-database-";

/// Creates a folder for a new database, and deletes those that killed processes left behind. The caller holds the lock
/// of the state directory.
pub(super) fn new_folder(state: &Path) -> io::Result<TempDir> {
    for entry in fs::read_dir(state)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(NEW) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    tempfile::Builder::new().prefix(NEW).tempdir_in(state)
}

/// Replaces the database with the complete file `new`, after giving the current one and its log the name `kept`.
pub(super) fn replace(present: &Path, new: &Path, kept: Option<&Path>) -> io::Result<()> {
    File::open(new)?.sync_all()?;
    if let Some(kept) = kept {
        fs::hard_link(present, kept)?;
        if wal::path(present).exists() {
            fs::hard_link(wal::path(present), wal::path(kept))?;
        }
        sync_folder_of(present)?;
    }
    // The log belongs to the current database. SQLite would apply it to the new one.
    for file in [wal::path(present), wal::shared_memory(present)] {
        remove(&file)?;
    }
    fs::rename(new, present)?;
    sync_folder_of(present)
}

/// Copies the log to a file whose name contains the time, because the log is about to be overwritten.
pub(super) fn keep_log(database: &Path) -> io::Result<PathBuf> {
    let kept = free_name(&wal::path(database), "damaged");
    fs::copy(wal::path(database), &kept)?;
    File::open(&kept)?.sync_all()?;
    sync_folder_of(database)?;
    Ok(kept)
}

/// Returns an unused path that consists of the path of the database or its log, the reason and the time.
pub(super) fn free_name(file: &Path, reason: &str) -> PathBuf {
    let stamp = utc_stamp(now());
    let name = |suffix: String| {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".{reason}-{stamp}{suffix}"));
        PathBuf::from(name)
    };
    let mut free = name(String::new());
    let mut number = 1;
    while free.symlink_metadata().is_ok() {
        number += 1;
        free = name(format!("-{number}"));
    }
    free
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn sync_folder_of(file: &Path) -> io::Result<()> {
    File::open(file.parent().unwrap_or(Path::new("/")))?.sync_all()
}
