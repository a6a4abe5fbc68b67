//! Copies a database into a new file through SQLite's backup API, while a host may be using the database.

use std::path::Path;

use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use super::error::{WorkError, busy};

/// The number of pages to copy before progress is reported: 4 MiB with SQLite's default page size.
const PAGES_PER_STEP: i32 = 1024;

/// The progress of a copy, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyProgress {
    pub copied: u64,
    pub total: u64,
}

/// Copies the database to `target`, an empty file. The copy is a single file without a write-ahead log. The caller must
/// sync it.
pub(super) fn copy(
    source: &Connection,
    target: &Path,
    progress: &mut dyn FnMut(CopyProgress),
) -> Result<(), WorkError> {
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
            return Err(busy().into());
        }
    }
    drop(backup);
    // The copied header selects write-ahead logging, and SQLite can open such a database only in a writable folder.
    Ok(copy.pragma_update(None, "journal_mode", "DELETE")?)
}
