//! Copies a database into a new file through SQLite's backup API, while a host may be using the database.

use std::{io, path::Path};

use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use super::{
    error::{WorkError, busy_error},
    integrity, state_directory,
};

/// The number of pages to copy before progress is reported: 4 MiB with SQLite's default page size.
const PAGES_PER_STEP: i32 = 1024;

/// The progress of a copy, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyProgress {
    pub copied: u64,
    pub total: u64,
}

/// The reason why a database wasn't copied.
#[derive(Debug)]
pub(super) enum CopyError {
    /// The new file can't be created.
    Create(io::Error),
    /// The source, and therefore the copy, is damaged.
    Damaged(String),
    Copy(WorkError),
}

impl From<WorkError> for CopyError {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Sql(ref why) if integrity::is_damage(why) => Self::Damaged(why.to_string()),
            WorkError::Sql(_) | WorkError::Record(_) | WorkError::Store(_) => Self::Copy(error),
        }
    }
}

impl From<rusqlite::Error> for CopyError {
    fn from(error: rusqlite::Error) -> Self {
        WorkError::from(error).into()
    }
}

/// Copies the database to the new file `target`, with mode 0600, and checks the copy. The copy is a single file without
/// a write-ahead log. The caller must sync it.
pub(super) fn copy_checked(
    source: &Connection,
    target: &Path,
    progress: &mut dyn FnMut(CopyProgress),
) -> Result<(), CopyError> {
    state_directory::create_private(target).map_err(CopyError::Create)?;
    copy_database(source, target, progress)?;
    match integrity::find_damage(&Connection::open(target)?)? {
        Some(why) => Err(CopyError::Damaged(why)),
        None => Ok(()),
    }
}

fn copy_database(source: &Connection, target: &Path, progress: &mut dyn FnMut(CopyProgress)) -> Result<(), WorkError> {
    // Without a read transaction, SQLite would restart the copy whenever the host commits.
    let snapshot = source.unchecked_transaction()?;
    snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let page_size: i64 = snapshot.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let bytes = |pages: i32| u64::from(pages.unsigned_abs()) * page_size.unsigned_abs();
    let mut copy = Connection::open(target)?;
    copy.pragma_update(None, "synchronous", "OFF")?;
    let backup = Backup::new(&snapshot, &mut copy)?;
    loop {
        let step = backup.step(PAGES_PER_STEP)?;
        let pages = backup.progress();
        progress(CopyProgress { copied: bytes(pages.pagecount - pages.remaining), total: bytes(pages.pagecount) });
        if step == StepResult::Done {
            break;
        }
        // The read transaction already holds the source, so it must be the target that another process is using.
        if step != StepResult::More {
            return Err(busy_error().into());
        }
    }
    drop(backup);
    // The copied header selects write-ahead logging, and SQLite can open such a database only in a writable folder.
    Ok(copy.pragma_update(None, "journal_mode", "DELETE")?)
}
