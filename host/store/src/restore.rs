//! Replaces the database with a backup. The current database is kept under another name.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{
    database_copy::{CopyError, CopyProgress, copy_checked},
    error::{OpenError, StoreError, WorkError},
    integrity, replacement, schema, state_directory,
};

/// The reason why a backup was not restored. The current database is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("read the backup {}: {source}; check the path", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("restore {}: the file is not a backup of Cordboard; name a file that `cordboard backup` wrote", .0.display())]
    NotABackup(PathBuf),
    #[error(
        "restore {}: a newer Cordboard wrote the backup (schema {found}; this version supports up to {known}); install \
         the newer version",
        path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("restore {}: the backup is damaged ({why}); use another backup", path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("replace the database in {}: {source}; check that the disk is healthy and has space", state.display())]
    Replace { state: PathBuf, source: io::Error },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Replaces the database of a state directory with the backup `from`. Returns the file that contains the previous
/// database, or `None` if there was none.
///
/// # Errors
/// A host is running, the backup can't be used, or the state directory can't be written.
pub fn restore(
    state: &Path,
    from: &Path,
    progress: &mut dyn FnMut(CopyProgress),
) -> Result<Option<PathBuf>, RestoreError> {
    let backup = open_backup(from)?;
    let _lock = state_directory::claim(state)?;
    let replace = |source| RestoreError::Replace { state: state.to_owned(), source };
    let folder = replacement::create_work_folder(state).map_err(replace)?;
    let new = folder.path().join("cordboard.db");
    copy_checked(&backup, &new, progress).map_err(|error| match error {
        CopyError::Create(error) => replace(error),
        CopyError::Damaged(why) => RestoreError::Damaged { path: from.to_owned(), why },
        CopyError::Copy(error) => restore_error(error, from),
    })?;
    let current = state_directory::database(state);
    checkpoint_log(&current);
    let kept = current.exists().then(|| replacement::unused_path(&current, "replaced"));
    replacement::replace(&current, &new, kept.as_deref()).map_err(replace)?;
    integrity::clear_check_request(&current);
    Ok(kept)
}

/// Opens a backup for reading, and checks that this version of the program supports it.
fn open_backup(from: &Path) -> Result<Connection, RestoreError> {
    let read = |source| RestoreError::Read { path: from.to_owned(), source };
    if !fs::metadata(from).map_err(read)?.is_file() {
        return Err(RestoreError::NotABackup(from.to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(from, flags).map_err(|error| restore_error(error.into(), from))?;
    let found = schema::version(&opened).map_err(|error| restore_error(error, from))?;
    if found > schema::VERSION {
        return Err(RestoreError::Newer { path: from.to_owned(), found, known: schema::VERSION });
    }
    let has_host = opened.table_exists(None, "host").map_err(|error| restore_error(error.into(), from))?;
    if found < 1 || !has_host {
        return Err(RestoreError::NotABackup(from.to_owned()));
    }
    Ok(opened)
}

fn restore_error(error: WorkError, from: &Path) -> RestoreError {
    if let WorkError::Sql(error) = &error
        && error.sqlite_error_code() == Some(ErrorCode::NotADatabase)
    {
        return RestoreError::NotABackup(from.to_owned());
    }
    let error = error.during("read the backup", from.to_owned());
    if let StoreError::Corrupt { why, .. } = &error {
        return RestoreError::Damaged { path: from.to_owned(), why: why.clone() };
    }
    error.into()
}

/// Writes the log to the current database if possible, so that the kept database is a single file. Otherwise, the log
/// is kept next to it.
fn checkpoint_log(current: &Path) {
    // SQLite would delete the log of an empty file.
    if fs::metadata(current).is_ok_and(|file| file.len() > 0) {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(current, flags);
        // A failure loses nothing: the log is then kept next to the database.
        drop(opened.and_then(|db| db.pragma_update(None, "journal_mode", "DELETE")));
    }
}
