//! Runs the thread that owns the database connection. The thread commits pending requests in groups, one transaction
//! per group, and answers each request after the commit. A failed request does not affect the others in its group.

use std::path::PathBuf;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    error::{StoreError, WorkError},
    state_directory::Lock,
};

/// The maximum number of pending requests. A commit takes microseconds, or milliseconds on a slow disk, so the queue
/// rarely fills. When it is full, callers wait.
pub(super) const QUEUE: usize = 1024;

/// The maximum number of requests in one transaction: enough to share a sync among many callers, but few enough to
/// answer the first one promptly.
const GROUP: usize = 128;

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

/// The work of a request, and the channel for its answer.
pub(super) trait WriteRequest: Send {
    /// Runs the work and stores the outcome in the request. Returns whether the work succeeded. May be called again
    /// after the transaction was rolled back.
    fn run(&mut self, db: &Connection) -> bool;
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
    fn run(&mut self, db: &Connection) -> bool {
        let outcome = (self.work)(db).map_err(|trouble| trouble.during(&self.what, self.file.clone()));
        let good = outcome.is_ok();
        self.outcome = Some(outcome);
        good
    }

    fn answer(self: Box<Self>, commit: Result<(), WorkError>) {
        let Self { what, file, outcome, answer, .. } = *self;
        let answered = match (outcome, commit) {
            (Some(Err(error)), _) => Err(error),
            (_, Err(trouble)) => Err(trouble.during(&what, file)),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(StoreError::Closed { what }),
        };
        // The caller may have dropped its future, but the data remains stored.
        let _ = answer.send(answered);
    }
}

pub(super) struct Writer {
    db: Connection,
    requests: mpsc::Receiver<Request>,
    durability: Durability,
    /// The lock is released after the connection is closed, because fields are dropped in declaration order.
    _lock: Lock,
}

impl Writer {
    pub(super) fn new(db: Connection, requests: mpsc::Receiver<Request>, lock: Lock) -> Self {
        Self { db, requests, durability: Durability::Process, _lock: lock }
    }

    /// Runs until the store is closed or the last handle is dropped.
    pub(super) fn run(mut self) {
        let mut waiters = Vec::new();
        while let Some(first) = self.requests.blocking_recv() {
            let Group { durability, requests, checkpoints } = self.gather(first, &mut waiters);
            if !requests.is_empty() {
                self.commit(durability, requests);
            }
            for answer in checkpoints {
                let _ = answer.send(self.checkpoint());
            }
        }
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

    /// Commits the group. If that fails, commits each request separately, so that only the requests that fail are
    /// rejected.
    fn commit(&mut self, durability: Durability, mut requests: Vec<Box<dyn WriteRequest>>) {
        match (self.transact(durability, &mut requests), requests.len()) {
            (Ok(()), _) => requests.into_iter().for_each(|request| request.answer(Ok(()))),
            (Err(trouble), ..=1) => {
                if let Some(request) = requests.pop() {
                    request.answer(Err(trouble));
                }
            }
            (Err(_), _) => requests.into_iter().for_each(|request| self.commit(durability, vec![request])),
        }
    }

    fn transact(&mut self, durability: Durability, requests: &mut [Box<dyn WriteRequest>]) -> Result<(), WorkError> {
        self.set_durability(durability)?;
        execute(&self.db, "BEGIN")?;
        let done = run_all(&self.db, requests).and_then(|()| execute(&self.db, "COMMIT"));
        if done.is_err() && !self.db.is_autocommit() {
            execute(&self.db, "ROLLBACK")?;
        }
        done.map_err(WorkError::Sql)
    }

    fn checkpoint(&self) -> Result<(), WorkError> {
        let is_busy: bool = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if is_busy {
            let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
            return Err(rusqlite::Error::SqliteFailure(busy, None).into());
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

/// Runs each request in its own savepoint. Fails if SQLite rolled back the whole transaction, which it may do when the
/// disk is full.
fn run_all(db: &Connection, requests: &mut [Box<dyn WriteRequest>]) -> rusqlite::Result<()> {
    for request in requests {
        execute(db, "SAVEPOINT request")?;
        let good = request.run(db);
        if db.is_autocommit() {
            return Err(rusqlite::Error::InvalidQuery);
        }
        if !good {
            execute(db, "ROLLBACK TO request")?;
        }
        execute(db, "RELEASE request")?;
    }
    Ok(())
}

fn execute(db: &Connection, sql: &str) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute([]).map(drop)
}
