//! The host's persistent state, such as sessions, topics, accepted updates, posts, plugin versions, plugin state,
//! decisions and agent usage. No other crate uses SQLite.
//!
//! Every write method either stores its data before it returns, so that the data survives even if the process is
//! killed, or stores nothing and returns an error. The store makes no decisions about sessions or chats. Never call its
//! methods from the store's own writer thread.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use cordboard_core::types::Place;
use rusqlite::Connection;
use tokio::{
    sync::{mpsc, oneshot},
    task,
};

mod access;
mod audit;
mod backup;
mod buttons;
mod chat_members;
mod chat_migrations;
mod command_uses;
mod damage_notice;
mod database_copy;
mod delivery_log;
mod error;
mod inbox;
mod inbox_edits;
mod integrity;
mod jobs;
mod key_range;
mod keyboards;
mod lock_wait;
mod log_scan;
mod outbox;
mod outbox_table;
mod personal_view_modes;
mod place_locales;
mod plugin_decisions;
mod plugin_state;
mod plugin_versions;
mod recovery;
mod replacement;
mod restore;
mod row_validator;
mod rows;
mod salvage;
mod schema;
mod sessions;
mod snapshot;
mod state_directory;
mod topics;
mod unreachable_places;
mod usage;
mod wal;
mod writer;

#[cfg(test)]
mod tests;

pub use access::PairedOwner;
pub use audit::audit_log;
pub use backup::{BackupError, back_up};
pub use cordboard_core::updates_and_posts::{
    CompletedUpdate, Delivery, InboxId, InboxRow, InboxState, NewPost, OutboxRow, PostId,
};
pub use database_copy::CopyProgress;
pub use delivery_log::{OutboxReport, PlaceReach, WaitingPost, outbox_report};
pub use error::{Limit, OpenError, StoreError};
pub use inbox_edits::{EditedMessage, EditedPrompt, SavedEdit};
pub use keyboards::{Keyboard, OutcomeText};
pub use plugin_decisions::Decisions;
pub use plugin_state::CompareAndSwap;
pub use restore::{RestoreError, restore};
pub use snapshot::{StoreSnapshot, read_only};
pub use usage::usage_log;

use error::WorkError;
use recovery::Opened;
use wal::Wal;
use writer::{Durability, Request, SharedDatabase, TypedRequest, WriteRequest, Writer};

/// A handle to the database; clones share it. Dropping the future of a method does not undo its request.
#[derive(Debug, Clone)]
pub struct Store {
    database: Arc<SharedDatabase>,
    requests: mpsc::Sender<Request>,
    file: Arc<PathBuf>,
    wal: Arc<Wal>,
    /// The places that have been notified of a failure since the store last worked.
    notified: Arc<Mutex<HashSet<Place>>>,
}

/// Opens the state directory, and reads the data that a host needs in order to start. Creates the directory with mode
/// 0700 if it does not exist. If the database is damaged, keeps it under another name, and continues with a new one that
/// contains the readable data.
///
/// # Errors
/// Fails if the directory cannot be used. The text contains the reason and the remedy.
pub fn open(state: &Path) -> Result<(Store, StoreSnapshot), OpenError> {
    let lock = state_directory::claim(state)?;
    let file = state_directory::database(state);
    let Opened { db, contents } = recovery::open(state)?;
    let failed = |what: &str, error: io::Error| StoreError::Io {
        what: what.to_owned(),
        file: file.clone(),
        why: error.to_string(),
    };
    let wal = Wal::open(&file).map_err(|error| failed("open the write-ahead log", error))?;
    let (requests, receiver) = mpsc::channel(writer::QUEUE);
    let database = Arc::new(SharedDatabase::new(db));
    let writer = Writer::new(Arc::clone(&database), receiver, lock);
    let spawned = thread::Builder::new().name("store".to_owned()).spawn(move || writer.run());
    spawned.map_err(|error| failed("start the store's writer", error))?;
    let (file, wal) = (Arc::new(file), Arc::new(wal));
    Ok((Store { database, requests, file, wal, notified: Arc::default() }, contents))
}

/// The size in bytes to which the WAL is truncated after a checkpoint, so that storing a large plugin doesn't enlarge
/// it permanently.
const WAL_SIZE_LIMIT: i64 = 8 * 1024 * 1024;

fn connect(file: &Path) -> Result<Connection, WorkError> {
    let db = Connection::open(file)?;
    // SQLite must not wait, because it may run on a caller's thread. `lock_wait` waits on the writer's thread instead.
    db.busy_timeout(Duration::ZERO)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.pragma_update(None, "journal_size_limit", WAL_SIZE_LIMIT)?;
    // The writer's thread runs the checkpoints.
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    // Keep frequently used statements prepared.
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

impl Store {
    /// Syncs everything stored so far to disk, so that it survives a power failure. Other requests don't wait for this.
    ///
    /// # Errors
    /// The disk failed. The data remains stored, and the caller should try again.
    pub async fn sync(&self) -> Result<(), StoreError> {
        let failed = |why: String| StoreError::NotSynced { file: self.file.as_path().to_owned(), why };
        if self.wal.has_lost_data() {
            self.checkpoint().await?;
        }
        let wal = Arc::clone(&self.wal);
        let synced = task::spawn_blocking(move || wal.sync()).await.map_err(|error| failed(error.to_string()))?;
        synced.map_err(|error| failed(error.to_string()))
    }

    /// Writes all data in the write-ahead log to the database file, and empties the log.
    async fn checkpoint(&self) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let closed = || StoreError::Closed { what: "sync the store".to_owned() };
        self.requests.send(Request::Checkpoint(answer)).await.map_err(|_| closed())?;
        let done = answered.await.map_err(|_| closed())?;
        done.map_err(|error| error.during("sync the store", self.file.as_path().to_owned()))
    }

    /// Stores all pending requests, then closes the files and releases the directory. Later requests fail with
    /// [`StoreError::Closed`].
    pub async fn close(self) {
        let (answer, closed) = oneshot::channel();
        if self.requests.send(Request::Close(answer)).await.is_ok() {
            // An error means that the writer has ended and its files are closed.
            let _ = closed.await;
        }
    }

    /// Records that a place was notified about the failing store. Returns whether this is the first such notice in the
    /// place since the store last worked. Notices about incoming updates and replies share this record.
    #[must_use]
    pub fn record_failure(&self, place: &Place) -> bool {
        self.notified().insert(place.clone())
    }

    /// Records that the operators were notified of the damage in [`StoreSnapshot::damage`].
    pub fn clear_damage(&self) {
        damage_notice::clear(&self.file);
    }

    /// Records that the store works.
    pub fn record_success(&self) {
        self.notified().clear();
    }

    fn notified(&self) -> MutexGuard<'_, HashSet<Place>> {
        self.notified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Limits the database's growth to `more` additional pages, to simulate a full disk in tests.
    #[doc(hidden)]
    pub async fn leave_room_for(&self, more: i64) {
        let work = move |db: &Connection| {
            let count: i64 = db.pragma_query_value(None, "page_count", |row| row.get(0))?;
            Ok(db.pragma_update_and_check(None, "max_page_count", count + more, |_| Ok(()))?)
        };
        self.run("limit the size of the database".to_owned(), work).await.expect("a pragma needs no space");
    }

    /// Runs `work` in a transaction that is committed before this method returns. `work` may be called several times,
    /// so it must not move captured values out.
    async fn run<T, F>(&self, what: String, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, WorkError> + Send + 'static,
    {
        self.run_with_durability(Durability::Process, what, work).await
    }

    async fn run_with_durability<T, F>(&self, durability: Durability, what: String, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, WorkError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let file = self.file.as_path().to_owned();
        let mut request: Option<Box<dyn WriteRequest>> =
            Some(Box::new(TypedRequest { what: what.clone(), file, work, outcome: None, answer }));
        if durability == Durability::Process {
            request = request.and_then(|request| self.database.commit_if_idle(request));
        }
        let closed = || StoreError::Closed { what };
        if let Some(request) = request {
            let Ok(permit) = self.requests.reserve().await else { return Err(closed()) };
            self.database.count_queued();
            permit.send(Request::Work(durability, request));
        }
        let outcome = answered.await.unwrap_or_else(|_| Err(closed()));
        if let Err(StoreError::Corrupt { .. }) = outcome {
            integrity::request_check(&self.file);
        }
        outcome
    }
}
