//! Writes a consistent copy of the database to a file, even while a host is using the database.

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use tempfile::TempPath;

use super::{
    copy::{CopyProgress, copy},
    error::{OpenError, StoreError, WorkError},
    integrity, snapshot, state_directory,
};

/// The name prefix of the temporary folder, next to the backup, that contains an unfinished backup.
const UNFINISHED: &str = ".cordboard-backup-";

/// The reason why a backup failed. The backup file doesn't exist, unless only syncing its folder failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("write the backup {}: the file already exists; choose another name, or remove the file", .0.display())]
    Exists(PathBuf),
    #[error("write the backup {}: {source}; check that its folder exists and that you may write to it", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(
        "back up {}: the database is damaged ({why}), so a backup of it would be, too; restart the host, which recovers \
         the readable data, and try again",
        database.display()
    )]
    Damaged { database: PathBuf, why: String },
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
    let written = |source| BackupError::Write { path: to.to_owned(), source };
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let Some((source, _)) = snapshot::open_known_version(state)? else {
        return Err(OpenError::NeverUsed { what: "the database", path: state.to_owned() }.into());
    };
    let folder = to.parent().unwrap_or(Path::new("/"));
    // Use a folder, because SQLite may create more files next to the copy. Dropping the handle deletes it.
    let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(folder).map_err(written)?;
    let file = unfinished.path().join("cordboard.db");
    state_directory::create_private(&file).map_err(written)?;
    let failed = |trouble: WorkError| {
        let error = trouble.during("write the backup", to.to_owned());
        if let StoreError::Corrupt { why, .. } = &error {
            return BackupError::Damaged { database: source.file.clone(), why: why.clone() };
        }
        error.into()
    };
    copy(&source.connection, &file, progress).map_err(failed)?;
    let copied = Connection::open(&file).map_err(|error| failed(error.into()))?;
    if let Some(why) = integrity::find_damage(&copied).map_err(failed)? {
        return Err(BackupError::Damaged { database: source.file.clone(), why });
    }
    drop(copied);
    let size = publish(&file, to).map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists { BackupError::Exists(to.to_owned()) } else { written(error) }
    })?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(written)?;
    Ok(size)
}

/// Syncs the complete file and renames it to `to`, unless a file with that name exists. Returns its size in bytes.
fn publish(file: &Path, to: &Path) -> io::Result<u64> {
    let complete = File::open(file)?;
    complete.sync_all()?;
    TempPath::try_from_path(file)?.persist_noclobber(to)?;
    Ok(complete.metadata()?.len())
}
