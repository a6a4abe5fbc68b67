//! Commits write requests. If nothing else is being stored, the caller's own thread commits its request, because waking
//! another thread and being woken by it takes longer than the commit. Otherwise, the writer's thread commits the pending
//! requests in groups, one transaction per group, which writes the pages that they share only once. A failed request
//! doesn't affect the others in its group.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, TryLockError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    error::{StoreError, WorkError, busy_error},
    lock_wait,
    state_directory::Lock,
};

/// The maximum number of pending requests. A commit takes microseconds, or milliseconds on a slow disk, so the queue
/// rarely fills. When it is full, callers wait.
pub(super) const QUEUE: usize = 1024;

/// The maximum number of requests in one transaction: enough to share a sync among many callers, but few enough to
/// answer the first one promptly.
const GROUP: usize = 128;

/// The number of commits after which the writer's thread writes the write-ahead log to the database file. SQLite doesn't
/// do this by itself, because it would do so in a commit, which may run on a thread that must not wait for the disk.
pub(super) const COMMITS_PER_CHECKPOINT: u32 = 256;

/// The kind of failure that a commit must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Durability {
    /// The commit survives if the process is killed (`synchronous=NORMAL`, without a sync).
    #[default]
    Process,
    /// The commit survives a power failure (`synchronous=FULL`): it syncs itself and all earlier commits. If the sync
    /// fails, the commit is rolled back. All later requests wait for the disk, so frequent requests use
    /// [`Store::sync`](super::Store::sync) instead.
    Power,
}

pub(super) enum Request {
    Work(Durability, Box<dyn WriteRequest>),
    /// Answered when all earlier requests are in the database file and the write-ahead log is empty.
    Checkpoint(oneshot::Sender<Result<(), WorkError>>),
    /// Answered when all earlier requests are stored and the files are closed.
    Close(oneshot::Sender<()>),
}

/// The requests in one transaction, and the requests to handle after it.
#[derive(Default)]
struct Group {
    durability: Durability,
    requests: Vec<Box<dyn WriteRequest>>,
    checkpoints: Vec<oneshot::Sender<Result<(), WorkError>>>,
}

/// The result of running a request's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunOutcome {
    Done,
    Failed,
    /// Another process has locked the database.
    Locked,
}

/// The work of a request, and the channel for its answer.
pub(super) trait WriteRequest: Send {
    /// Runs the work and stores the outcome in the request. May be called again after the transaction was rolled back.
    fn run(&mut self, db: &Connection) -> RunOutcome;
    /// Sends the outcome that `run` stored, or the commit's error.
    fn answer(self: Box<Self>, commit: Result<(), WorkError>);
}

/// A [`WriteRequest`] that runs any closure and sends its result.
pub(super) struct TypedRequest<T, F> {
    pub(super) what: String,
    pub(super) file: PathBuf,
    pub(super) work: F,
    pub(super) outcome: Option<Result<T, StoreError>>,
    pub(super) answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> WriteRequest for TypedRequest<T, F>
where
    T: Send,
    F: FnMut(&Connection) -> Result<T, WorkError> + Send,
{
    fn run(&mut self, db: &Connection) -> RunOutcome {
        let outcome = (self.work)(db).map_err(|error| error.during(&self.what, self.file.clone()));
        let result = match &outcome {
            Ok(_) => RunOutcome::Done,
            Err(StoreError::Locked { .. }) => RunOutcome::Locked,
            Err(_) => RunOutcome::Failed,
        };
        self.outcome = Some(outcome);
        result
    }

    fn answer(self: Box<Self>, commit: Result<(), WorkError>) {
        let Self { what, file, outcome, answer, .. } = *self;
        let answered = match (outcome, commit) {
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error.during(&what, file)),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(StoreError::Closed { what }),
        };
        // The caller may have dropped its future, but the data remains stored.
        let _ = answer.send(answered);
    }
}

/// The connection, which the writer's thread and callers use in turn.
#[derive(Debug)]
pub(super) struct SharedDatabase {
    /// `None` after the store was closed.
    database: Mutex<Option<Database>>,
    /// The number of requests that were sent to the writer's thread and are not committed yet.
    queued: AtomicUsize,
    /// True if requests recently overlapped. Then callers leave even a request that they could commit to the writer's
    /// thread, so that groups form.
    has_concurrent_requests: AtomicBool,
}

impl SharedDatabase {
    pub(super) fn new(db: Connection) -> Self {
        let database = Database { db, durability: Durability::Process, commits: 0 };
        Self {
            database: Mutex::new(Some(database)),
            queued: AtomicUsize::new(0),
            has_concurrent_requests: AtomicBool::new(false),
        }
    }

    /// Counts a request that is about to be sent to the writer's thread.
    pub(super) fn count_queued(&self) {
        self.queued.fetch_add(1, Ordering::SeqCst);
    }

    /// Commits a request on this thread and answers it. Returns the request if an earlier one is waiting, the database
    /// is in use or locked by another process, requests recently overlapped, or the writer's thread has to write the log
    /// to the database file first.
    pub(super) fn commit_if_idle(&self, request: Box<dyn WriteRequest>) -> Option<Box<dyn WriteRequest>> {
        if self.has_concurrent_requests.load(Ordering::Relaxed) {
            return Some(request);
        }
        let mut guard = match self.database.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => {
                self.has_concurrent_requests.store(true, Ordering::Relaxed);
                return Some(request);
            }
        };
        // A request that was sent before this one must be committed before it.
        match guard.as_mut() {
            Some(database) if self.queued.load(Ordering::SeqCst) == 0 && !database.needs_checkpoint() => {
                let request = database.commit_unless_locked(request);
                if request.is_some() {
                    self.has_concurrent_requests.store(true, Ordering::Relaxed);
                }
                request
            }
            Some(_) | None => Some(request),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Database>> {
        self.database.lock().expect("no request panics")
    }
}

pub(super) struct Writer {
    shared: Arc<SharedDatabase>,
    requests: mpsc::Receiver<Request>,
    _lock: Lock,
}

impl Writer {
    pub(super) fn new(shared: Arc<SharedDatabase>, requests: mpsc::Receiver<Request>, lock: Lock) -> Self {
        Self { shared, requests, _lock: lock }
    }

    /// Runs until the store is closed or the last handle is dropped.
    pub(super) fn run(mut self) {
        let mut waiters = Vec::new();
        while let Some(first) = self.requests.blocking_recv() {
            let group = self.gather(first, &mut waiters);
            let mut guard = self.shared.lock();
            let database = guard.as_mut().expect("only this thread closes the database");
            let committed = group.requests.len();
            database.commit_group(group);
            self.shared.queued.fetch_sub(committed, Ordering::SeqCst);
            self.shared.has_concurrent_requests.store(committed > 1, Ordering::Relaxed);
        }
        // Release the lock of the directory, a field of `self`, only after the connection is closed.
        drop(self.shared.lock().take());
        drop(self);
        for waiter in waiters {
            let _ = waiter.send(());
        }
    }

    fn gather(&mut self, first: Request, waiters: &mut Vec<oneshot::Sender<()>>) -> Group {
        let mut group = Group::default();
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Work(wanted, request) => {
                    group.durability = group.durability.max(wanted);
                    group.requests.push(request);
                }
                Request::Checkpoint(answer) => group.checkpoints.push(answer),
                Request::Close(waiter) => {
                    // Requests that are already in the channel are still received and stored.
                    self.requests.close();
                    waiters.push(waiter);
                }
            }
            next = if group.requests.len() < GROUP { self.requests.try_recv().ok() } else { None };
        }
        group
    }
}

#[derive(Debug)]
struct Database {
    db: Connection,
    durability: Durability,
    /// The number of commits since the log was last written to the database file.
    commits: u32,
}

impl Database {
    fn commit_group(&mut self, group: Group) {
        let Group { durability, requests, checkpoints } = group;
        if !requests.is_empty() {
            self.commit(durability, requests);
        }
        for answer in checkpoints {
            let checkpoint = || self.checkpoint(CheckpointMode::Truncate);
            let _ = answer.send(lock_wait::retry(lock_wait::MAX_WAIT, WorkError::is_locked, checkpoint));
        }
        if self.needs_checkpoint() {
            // If this fails, the commits stay in the log, and the next attempt follows as many commits later.
            let _ = self.checkpoint(CheckpointMode::Passive);
        }
    }

    const fn needs_checkpoint(&self) -> bool {
        self.commits >= COMMITS_PER_CHECKPOINT
    }

    /// Commits and answers the request. Returns it if another process has locked the database.
    fn commit_unless_locked(&mut self, request: Box<dyn WriteRequest>) -> Option<Box<dyn WriteRequest>> {
        let mut requests = vec![request];
        match self.transact(Durability::Process, &mut requests) {
            Err(error) if error.is_locked() => {}
            done => requests.pop()?.answer(done),
        }
        requests.pop()
    }

    /// Commits the group, and waits if another process has locked the database. If the commit fails, commits each request
    /// separately, so that only the requests that fail are rejected.
    fn commit(&mut self, durability: Durability, mut requests: Vec<Box<dyn WriteRequest>>) {
        let commit = || self.transact(durability, &mut requests);
        match (lock_wait::retry(lock_wait::MAX_WAIT, WorkError::is_locked, commit), requests.len()) {
            (Ok(()), _) => requests.into_iter().for_each(|request| request.answer(Ok(()))),
            // Don't retry the requests separately: each would wait for the lock again.
            (Err(error), _) if error.is_locked() => {
                requests.into_iter().for_each(|request| request.answer(Err(busy_error().into())));
            }
            (Err(error), ..=1) => {
                if let Some(request) = requests.pop() {
                    request.answer(Err(error));
                }
            }
            (Err(_), _) => requests.into_iter().for_each(|request| self.commit(durability, vec![request])),
        }
    }

    fn transact(&mut self, durability: Durability, requests: &mut [Box<dyn WriteRequest>]) -> Result<(), WorkError> {
        self.set_durability(durability)?;
        // The savepoint of a single request is its transaction. Within another transaction, SQLite would also copy each
        // page that the request changes. If an earlier transaction is still open, BEGIN fails.
        let is_group = requests.len() > 1 || !self.db.is_autocommit();
        let if_group = |sql| if is_group { execute(&self.db, sql) } else { Ok(()) };
        if_group("BEGIN")?;
        let done = run_all(&self.db, requests).and_then(|()| if_group("COMMIT"));
        if done.is_err() && !self.db.is_autocommit() {
            execute(&self.db, "ROLLBACK")?;
        }
        done?;
        self.commits += 1;
        Ok(())
    }

    /// Writes the log to the database file.
    fn checkpoint(&mut self, mode: CheckpointMode) -> Result<(), WorkError> {
        // Reset the count even if the checkpoint fails, so that a failing disk isn't tried after each commit.
        self.commits = 0;
        let (sql, must_finish) = match mode {
            CheckpointMode::Passive => ("PRAGMA wal_checkpoint(PASSIVE)", false),
            CheckpointMode::Truncate => ("PRAGMA wal_checkpoint(TRUNCATE)", true),
        };
        let is_busy: bool = self.db.query_row(sql, [], |row| row.get(0))?;
        if is_busy && must_finish {
            return Err(busy_error().into());
        }
        Ok(())
    }

    fn set_durability(&mut self, wanted: Durability) -> Result<(), WorkError> {
        if self.durability != wanted {
            let level = match wanted {
                Durability::Process => "NORMAL",
                Durability::Power => "FULL",
            };
            self.db.pragma_update(None, "synchronous", level)?;
            self.durability = wanted;
        }
        Ok(())
    }
}

/// The part of the log that a checkpoint writes to the database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CheckpointMode {
    /// All commits that can be written without waiting for readers of the database.
    Passive,
    /// Everything. The log is empty afterwards.
    Truncate,
}

/// Runs each request in its own savepoint. Fails if another process has locked the database, if SQLite rolled back the
/// whole transaction, which it may do when the disk is full, or if it can't commit a single request.
fn run_all(db: &Connection, requests: &mut [Box<dyn WriteRequest>]) -> rusqlite::Result<()> {
    for request in requests {
        execute(db, "SAVEPOINT request")?;
        let result = request.run(db);
        if result == RunOutcome::Locked {
            return Err(busy_error());
        }
        if db.is_autocommit() {
            return Err(rusqlite::Error::InvalidQuery);
        }
        if result == RunOutcome::Failed {
            execute(db, "ROLLBACK TO request")?;
        }
        execute(db, "RELEASE request")?;
    }
    Ok(())
}

fn execute(db: &Connection, sql: &str) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute([]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::{super::connect, *};

    #[test]
    fn only_successful_commits_bring_the_next_checkpoint_closer() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cordboard.db");
        let mut database = Database { db: connect(&file).unwrap(), durability: Durability::Process, commits: 0 };
        let other = Connection::open(&file).unwrap();
        other.execute_batch("CREATE TABLE t (x); BEGIN IMMEDIATE").unwrap();
        let (answer, _answered) = oneshot::channel();
        let work = |db: &Connection| Ok(db.execute("INSERT INTO t VALUES (1)", [])?);
        let mut request: Option<Box<dyn WriteRequest>> =
            Some(Box::new(TypedRequest { what: "test".to_owned(), file, work, outcome: None, answer }));
        for _ in 0..3 {
            request = request.and_then(|request| database.commit_unless_locked(request));
            assert!(request.is_some(), "the database is locked");
        }
        assert_eq!(database.commits, 0);
        other.execute_batch("COMMIT").unwrap();
        assert!(request.and_then(|request| database.commit_unless_locked(request)).is_none());
        assert_eq!(database.commits, 1);
    }
}
