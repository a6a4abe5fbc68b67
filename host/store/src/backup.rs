//! Writes a consistent copy of the database to a file, even while a host is using the database.

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use tempfile::TempPath;

use super::{
    database_copy::{CopyError, CopyProgress, copy_checked},
    error::{OpenError, StoreError},
    replacement, snapshot,
};

/// The name prefix of the temporary folder, next to the backup, that contains an unfinished backup.
const FOLDER_PREFIX: &str = ".cordboard-backup-";

/// The reason why a backup failed. Except for [`NotSynced`](Self::NotSynced), no file was created.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("write the backup {}: the file already exists; choose another name, or remove the file", .0.display())]
    Exists(PathBuf),
    #[error("write the backup {}: {source}; check that its folder exists and that you may write to it", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(
        "back up {}: the database is damaged ({why}), so the backup would be damaged, too; restart the host, which \
         recovers the readable data, and try again",
        database.display()
    )]
    Damaged { database: PathBuf, why: String },
    #[error(
        "sync the folder of the backup {}: {source}; the backup is complete, but a power failure may delete it: check \
         that the disk is healthy",
        path.display()
    )]
    NotSynced { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Copies the database of a state directory to the new file `to`, with mode 0600, and returns the size of the file in
/// bytes. The file appears under this name only once it is complete, checked and synced.
///
/// # Errors
/// The database can't be read or is damaged, or the file exists or can't be written.
pub fn back_up(state: &Path, to: &Path, progress: &mut dyn FnMut(CopyProgress)) -> Result<u64, BackupError> {
    let write_error = |source| BackupError::Write { path: to.to_owned(), source };
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let Some((source, _)) = snapshot::open_any_version(state)? else {
        return Err(OpenError::NeverUsed { what: "the database", path: state.to_owned() }.into());
    };
    let folder = replacement::folder_of(to);
    let opened_folder = File::open(folder).map_err(write_error)?;
    // Use a folder, because SQLite may create more files next to the copy. Dropping the handle deletes it.
    let unfinished = tempfile::Builder::new().prefix(FOLDER_PREFIX).tempdir_in(folder).map_err(write_error)?;
    let file = unfinished.path().join("cordboard.db");
    copy_checked(&source.connection, &file, progress).map_err(|error| match error {
        CopyError::Create(error) => write_error(error),
        CopyError::Damaged(why) => BackupError::Damaged { database: source.file.clone(), why },
        CopyError::Copy(error) => error.during("write the backup", to.to_owned()).into(),
    })?;
    let size = publish(&file, to).map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists { BackupError::Exists(to.to_owned()) } else { write_error(error) }
    })?;
    sync_folder(&opened_folder, to)?;
    Ok(size)
}

fn sync_folder(folder: &File, backup: &Path) -> Result<(), BackupError> {
    folder.sync_all().map_err(|source| BackupError::NotSynced { path: backup.to_owned(), source })
}

/// Syncs the complete file and renames it to `to`, unless a file with that name exists. Returns its size in bytes.
fn publish(file: &Path, to: &Path) -> io::Result<u64> {
    let complete = File::open(file)?;
    complete.sync_all()?;
    TempPath::try_from_path(file)?.persist_noclobber(to)?;
    Ok(complete.metadata()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsynced_backup_is_reported_as_complete() {
        // Syncing a device file fails.
        let broken = File::open("/dev/null").expect("the device exists");
        let error = sync_folder(&broken, Path::new("/b/backup.db")).expect_err("it can't be synced").to_string();
        assert!(error.starts_with("sync the folder of the backup /b/backup.db: "), "{error}");
        assert!(error.contains("; the backup is complete, but "), "{error}");
    }
}
