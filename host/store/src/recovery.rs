//! Opens the database at startup. If it is damaged, replaces it with a new one that contains the readable rows, and
//! keeps the damaged one. If the host crashes during the recovery, the next start repeats it.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use cordboard_core::database_damage::DatabaseDamage;
use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{
    connect, damage_notice,
    error::{OpenError, StoreError, WorkError, counted, is_lock_error},
    integrity, lock_wait,
    log_scan::{self, LostTransactions},
    replacement,
    row_validator::RowValidator,
    salvage::{self, Salvaged},
    schema,
    snapshot::{self, StoreSnapshot},
    state_directory, wal,
};

/// The size of a database header, in bytes.
const HEADER: usize = 100;

/// An open database and its contents.
pub(super) struct Opened {
    pub db: Connection,
    pub contents: StoreSnapshot,
}

/// The check to run before reading a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    Skip,
    Full,
}

/// Opens and migrates the database of a state directory that this process has locked. Creates the database if it does
/// not exist.
pub(super) fn open(state: &Path) -> Result<Opened, OpenError> {
    let file = state_directory::database(state);
    let existed = file.exists();
    state_directory::create_database(state)?;
    let check = if integrity::needs_check(&file) { Check::Full } else { Check::Skip };
    if let Some(lost) = log_scan::scan(&file).map_err(|error| io_error("read the write-ahead log", &file, error))? {
        keep_damaged_log(&file, lost)?;
    }
    let is_locked = |error: &OpenError| matches!(error, OpenError::Store(StoreError::Locked { .. }));
    let open = |check| lock_wait::retry(lock_wait::MAX_WAIT, is_locked, || try_open(state, check));
    // SQLite would delete the log of an empty file.
    let is_empty = existed && fs::metadata(&file).is_ok_and(|file| file.len() == 0);
    let emptied = if is_empty { state_directory::check_emptied(state) } else { Ok(()) };
    let opened = emptied.and_then(|()| open(check));
    let mut opened = match opened.as_ref().err().and_then(describe_damage) {
        Some(why) => {
            tracing::error!(%why, file = %file.display(), "the database is damaged; recovering the readable data");
            // If the host crashes during the recovery, the next start must find the damage again.
            integrity::request_check(&file);
            rebuild(state, &why)?;
            open(Check::Skip)?
        }
        None => opened?,
    };
    integrity::clear_check_request(&file);
    if check == Check::Full {
        // Without this, the next scan could mistake the end of this log for damage. A failure, for example because of a
        // full disk, is harmless.
        drop(opened.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
    }
    opened.contents.damage = damage_notice::read(state);
    Ok(opened)
}

fn try_open(state: &Path, check: Check) -> Result<Opened, OpenError> {
    let file = state_directory::database(state);
    let failed = |error: WorkError| error.during("open the store", file.clone());
    let mut db = connect(&file).map_err(failed)?;
    // Until the database is known to be intact, closing it must not write the log to it.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(|error| failed(error.into()))?;
    if check == Check::Full
        && let Some(why) = integrity::find_damage(&db).map_err(failed)?
    {
        return Err(corrupt_error(&file, why).into());
    }
    let found = schema::version(&db).map_err(failed)?;
    schema::check_known(found, state)?;
    let has_tables = || db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| Ok(row.get::<_, i64>(0)? > 0));
    if found < 1 && has_tables().map_err(|error| failed(error.into()))? {
        return Err(corrupt_error(&file, "its schema version is missing".to_owned()).into());
    }
    schema::migrate(&mut db, found).map_err(failed)?;
    snapshot::create_host_id(&db).map_err(failed)?;
    let contents = snapshot::read(&db).map_err(failed)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(|error| failed(error.into()))?;
    Ok(Opened { db, contents })
}

/// Returns the description of the damage if the error means that the database is damaged.
fn describe_damage(error: &OpenError) -> Option<String> {
    if let OpenError::Emptied { folders, .. } = error {
        return Some(format!("it is empty, but sessions/ contains {}", counted(*folders, "session folder")));
    }
    if let OpenError::Store(StoreError::Corrupt { why, .. }) = error { Some(why.clone()) } else { None }
}

fn corrupt_error(file: &Path, why: String) -> StoreError {
    StoreError::Corrupt { what: "open the store".to_owned(), file: file.to_owned(), why }
}

fn io_error(what: &str, file: &Path, error: impl std::fmt::Display) -> StoreError {
    StoreError::Io { what: what.to_owned(), file: file.to_owned(), why: error.to_string() }
}

/// Copies the log before SQLite overwrites its damaged part, and records the damage.
fn keep_damaged_log(file: &Path, lost: LostTransactions) -> Result<(), StoreError> {
    let failed = |error| io_error("keep the damaged write-ahead log", file, error);
    let kept = replacement::keep_log(file).map_err(failed)?;
    let lost_transactions = match lost {
        LostTransactions::Counted(count) => Some(count),
        LostTransactions::All => None,
    };
    tracing::error!(kept = %kept.display(), ?lost_transactions, "the write-ahead log is damaged; its last changes are lost");
    damage_notice::add(file, DatabaseDamage::Log { kept, lost_transactions }).map_err(failed)
}

/// Replaces the damaged database with a new one that contains the readable rows.
fn rebuild(state: &Path, why: &str) -> Result<(), StoreError> {
    let file = state_directory::database(state);
    let io_failed = |error: io::Error| io_error("recover the database", &file, error);
    let failed = |error: WorkError| error.during("recover the database", file.clone());
    let folder = replacement::create_work_folder(state).map_err(io_failed)?;
    let new = folder.path().join("cordboard.db");
    let source = open_damaged(&file, folder.path()).map_err(failed)?;
    let salvaged = match &source {
        Some(source) => salvage_into(&new, source).map_err(failed)?,
        None => create_empty(&new).map_err(failed)?,
    };
    drop(source);
    let kept = replacement::unused_path(&file, "damaged");
    tracing::error!(kept = %kept.display(), rows = salvaged.rows, lost = ?salvaged.lost, "the readable data was recovered");
    let (why, recovered, lost) = (why.to_owned(), salvaged.rows, salvaged.lost_records());
    let damage = DatabaseDamage::Database { why, kept: kept.clone(), recovered, lost };
    damage_notice::add(&file, damage).map_err(io_failed)?;
    replacement::replace(&file, &new, Some(&kept)).map_err(io_failed)
}

/// A damaged database, opened read-only, and its schema version.
struct DamagedDatabase {
    db: Connection,
    version: i64,
}

/// Opens the damaged database. If its header is unreadable, opens a copy with a new header, in `folder`. Returns `None`
/// if the tables can't be found even then.
fn open_damaged(file: &Path, folder: &Path) -> Result<Option<DamagedDatabase>, WorkError> {
    if let Some(damaged) = try_open_damaged(file)? {
        return Ok(Some(damaged));
    }
    match copy_with_new_header(file, folder)? {
        Some(copy) => try_open_damaged(&copy),
        None => Ok(None),
    }
}

/// Opens a damaged database. Returns `None` if the list of its tables is unreadable.
fn try_open_damaged(file: &Path) -> Result<Option<DamagedDatabase>, WorkError> {
    // SQLite would delete the log of an empty file.
    if fs::metadata(file).is_ok_and(|file| file.len() == 0) {
        return Ok(None);
    }
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // This setting makes SQLite tolerate a damaged schema, and a file that is shorter than its header says.
    let tables = db.pragma_update(None, "writable_schema", "ON").and_then(|()| {
        db.query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| row.get::<_, i64>(0))
    });
    match tables {
        Ok(1..) => {
            let stored = schema::version(&db)?;
            let is_known = (1..=schema::VERSION).contains(&stored);
            let version = if is_known { stored } else { schema::infer_version(&db)? };
            Ok(Some(DamagedDatabase { db, version }))
        }
        Err(error) if is_lock_error(&error) => Err(error.into()),
        Ok(_) | Err(_) => Ok(None),
    }
}

/// Copies the database and its log into `folder`, and replaces the header with that of a new database. The header
/// contains no data, except the schema version. Returns `None` if the file is shorter than a page.
fn copy_with_new_header(file: &Path, folder: &Path) -> Result<Option<PathBuf>, WorkError> {
    let (example, copy) = (folder.join("example.db"), folder.join("damaged.db"));
    let db = Connection::open(&example)?;
    schema::create(&db, schema::VERSION)?;
    let page_size: u64 = db.pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0))?.unsigned_abs();
    drop(db);
    let copied = || -> io::Result<Option<PathBuf>> {
        let pages = fs::copy(file, &copy)? / page_size;
        if pages == 0 {
            return Ok(None);
        }
        let has_log = wal::log_path(file).exists();
        if has_log {
            fs::copy(wal::log_path(file), wal::log_path(&copy))?;
        }
        let mut header = [0; HEADER];
        File::open(&example)?.read_exact(&mut header)?;
        // The format version bytes say whether there is a log: 2 for WAL mode, 1 otherwise.
        header[18..20].fill(if has_log { 2 } else { 1 });
        header[28..32].copy_from_slice(&u32::try_from(pages).unwrap_or(u32::MAX).to_be_bytes());
        // Clear the free list, whose pages contain nothing to recover, and the schema version, which is that of the new
        // database.
        header[32..40].fill(0);
        header[60..64].fill(0);
        let mut file = File::options().write(true).open(&copy)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header)?;
        Ok(Some(copy.clone()))
    };
    copied().map_err(|error| WorkError::Store(io_error("copy the damaged database", file, error)))
}

/// Creates a new database that contains the readable rows of the damaged one, and that a starting host can read.
fn salvage_into(new: &Path, source: &DamagedDatabase) -> Result<Salvaged, WorkError> {
    let mut db = create_database(new, source.version)?;
    let mut salvaged = salvage::copy_rows(&source.db, &db, &mut |_, _| Ok(true))?;
    schema::migrate(&mut db, source.version)?;
    let validator = RowValidator::new()?;
    if validator.is_readable(&db)? {
        return repair_references(&db).map(|()| salvaged);
    }
    // Some of the copied rows contain invalid records, so copy only the valid rows to a second database.
    let filtered = new.with_extension("filtered");
    let clean = create_database(&filtered, schema::VERSION)?;
    let checked = salvage::copy_rows(&db, &clean, &mut |table, row| validator.accepts(table, row))?;
    checked.lost.iter().for_each(|(table, rows)| salvaged.add_lost(table, *rows));
    salvaged.rows = checked.rows;
    repair_references(&clean)?;
    drop((db, clean));
    let renamed = fs::rename(&filtered, new);
    renamed.map_err(|error| WorkError::Store(io_error("rename the recovered database", new, error)))?;
    Ok(salvaged)
}

/// Creates an empty database, and reports all tables as lost.
fn create_empty(new: &Path) -> Result<Salvaged, WorkError> {
    let db = create_database(new, schema::VERSION)?;
    let mut salvaged = Salvaged::default();
    salvage::tables(&db)?.iter().for_each(|table| salvaged.add_lost(&table.name, None));
    Ok(salvaged)
}

fn create_database(file: &Path, version: i64) -> Result<Connection, WorkError> {
    let created = state_directory::create_private(file);
    created.map_err(|error| WorkError::Store(io_error("create the recovered database", file, error)))?;
    let db = Connection::open(file)?;
    // The file is synced before it replaces the damaged one.
    db.pragma_update(None, "synchronous", "OFF")?;
    schema::create(&db, version)?;
    Ok(db)
}

/// Removes references to lost sessions: their places no longer have an active session, and their waiting messages are
/// dispatched again.
fn repair_references(db: &Connection) -> Result<(), WorkError> {
    Ok(db.execute_batch(
        "DELETE FROM active WHERE session NOT IN (SELECT name FROM session);
         UPDATE inbox SET state = 'new', session = NULL
         WHERE state = 'waiting' AND session NOT IN (SELECT name FROM session);",
    )?)
}
