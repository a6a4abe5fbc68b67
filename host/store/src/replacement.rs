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
const FOLDER_PREFIX: &str = "new-database-";

/// Creates a folder for a new database, and deletes those that killed processes left behind. The caller holds the lock
/// of the state directory.
pub(super) fn create_work_folder(state: &Path) -> io::Result<TempDir> {
    for entry in fs::read_dir(state)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(FOLDER_PREFIX) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    tempfile::Builder::new().prefix(FOLDER_PREFIX).tempdir_in(state)
}

/// Replaces the database with the complete file `new`, after giving the current one and its log the name `kept`.
pub(super) fn replace(current: &Path, new: &Path, kept: Option<&Path>) -> io::Result<()> {
    File::open(new)?.sync_all()?;
    if let Some(kept) = kept {
        fs::hard_link(current, kept)?;
        if wal::log_path(current).exists() {
            fs::hard_link(wal::log_path(current), wal::log_path(kept))?;
        }
        sync_folder_of(current)?;
    }
    // The log belongs to the current database. SQLite would apply it to the new one.
    for file in [wal::log_path(current), wal::shared_memory_path(current)] {
        remove(&file)?;
    }
    fs::rename(new, current)?;
    sync_folder_of(current)
}

/// Copies the log to a file whose name contains the time, because the log is about to be overwritten.
pub(super) fn keep_log(database: &Path) -> io::Result<PathBuf> {
    let kept = unused_path(&wal::log_path(database), "damaged");
    fs::copy(wal::log_path(database), &kept)?;
    File::open(&kept)?.sync_all()?;
    sync_folder_of(database)?;
    Ok(kept)
}

/// Returns an unused path that consists of the path of the database or its log, the reason and the time.
pub(super) fn unused_path(file: &Path, reason: &str) -> PathBuf {
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

pub(super) fn sync_folder_of(file: &Path) -> io::Result<()> {
    File::open(folder_of(file))?.sync_all()
}

/// Returns the folder that contains a file.
pub(super) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => Path::new("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_relative_path_exists() {
        let folders = ["backup.db", "a/backup.db", "/backup.db", "/a/backup.db"].map(|file| folder_of(Path::new(file)));
        assert_eq!(folders, [".", "a", "/", "/a"].map(Path::new));
        sync_folder_of(Path::new("backup.db")).expect("the working directory exists");
    }
}
