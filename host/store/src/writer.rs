//! The thread that owns the connection. It takes all pending requests, commits them as one transaction, and answers
//! each after the commit. A failed request does not affect the others in its group.

use std::path::PathBuf;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    error::{StoreError, WorkError},
    folder::Lock,
};

/// The maximum number of pending requests. A commit takes microseconds, or milliseconds on a slow disk. This is more
/// than a second of work for a busy host; beyond it, callers wait.
pub(super) const QUEUE: usize = 1024;

/// The maximum number of requests in one transaction: enough to share a sync among all waiting callers, but few enough
/// that the first of them is answered soon.
const GROUP: usize = 128;

/// The failure that a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Durability {
    /// A killed process (`synchronous=NORMAL`, without a sync).
    Process,
    /// A power failure (`synchronous=FULL`): the commit syncs itself and all earlier ones. A separate fsync of the WAL
    /// afterwards would cost the same, but here a failed sync rolls the commit back, so the caller can simply retry.
    Power,
}

pub(super) enum Request {
    Work(Durability, Box<dyn Job>),
    /// Answered when all earlier requests are stored and the files are closed.
    Close(oneshot::Sender<()>),
}

/// A request's work, with the channel for its answer.
pub(super) trait Job: Send {
    /// Runs the work and keeps its outcome. Returns false if it failed. May be called again after the transaction was
    /// rolled back.
    fn run(&mut self, db: &Connection) -> bool;
    /// Sends the kept outcome, or the error of the commit.
    fn answer(self: Box<Self>, commit: Result<(), WorkError>);
}

/// A [`Job`] with any work and answer.
pub(super) struct Task<T, F> {
    pub(super) what: String,
    pub(super) file: PathBuf,
    pub(super) work: F,
    pub(super) outcome: Option<Result<T, StoreError>>,
    pub(super) answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Task<T, F>
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
        // The caller may have dropped its future; the data stays stored.
        let _ = answer.send(answered);
    }
}

pub(super) struct Writer {
    db: Connection,
    requests: mpsc::Receiver<Request>,
    durability: Durability,
    /// Released after the connection is closed, because fields are dropped in this order.
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
            let (durability, jobs) = self.gather(first, &mut waiters);
            if !jobs.is_empty() {
                self.commit(durability, jobs);
            }
        }
        drop(self);
        for waiter in waiters {
            let _ = waiter.send(());
        }
    }

    fn gather(&mut self, first: Request, waiters: &mut Vec<oneshot::Sender<()>>) -> (Durability, Vec<Box<dyn Job>>) {
        let mut durability = Durability::Process;
        let mut jobs = Vec::new();
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Work(wanted, job) => {
                    durability = durability.max(wanted);
                    jobs.push(job);
                }
                Request::Close(waiter) => {
                    // Requests that are already in the channel are still received and stored.
                    self.requests.close();
                    waiters.push(waiter);
                }
            }
            next = if jobs.len() < GROUP { self.requests.try_recv().ok() } else { None };
        }
        (durability, jobs)
    }

    /// Commits the group. If that fails, commits each request on its own, so that only the failing ones are rejected.
    fn commit(&mut self, durability: Durability, mut jobs: Vec<Box<dyn Job>>) {
        match (self.transact(durability, &mut jobs), jobs.len()) {
            (Ok(()), _) => jobs.into_iter().for_each(|job| job.answer(Ok(()))),
            (Err(trouble), ..=1) => {
                if let Some(job) = jobs.pop() {
                    job.answer(Err(trouble));
                }
            }
            (Err(_), _) => jobs.into_iter().for_each(|job| self.commit(durability, vec![job])),
        }
    }

    fn transact(&mut self, durability: Durability, jobs: &mut [Box<dyn Job>]) -> Result<(), WorkError> {
        self.set_durability(durability)?;
        execute(&self.db, "BEGIN")?;
        let done = run_all(&self.db, jobs).and_then(|()| execute(&self.db, "COMMIT"));
        if done.is_err() && !self.db.is_autocommit() {
            execute(&self.db, "ROLLBACK")?;
        }
        done.map_err(WorkError::Sql)
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
fn run_all(db: &Connection, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    for job in jobs {
        execute(db, "SAVEPOINT job")?;
        let good = job.run(db);
        if db.is_autocommit() {
            return Err(rusqlite::Error::InvalidQuery);
        }
        if !good {
            execute(db, "ROLLBACK TO job")?;
        }
        execute(db, "RELEASE job")?;
    }
    Ok(())
}

fn execute(db: &Connection, sql: &str) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute([]).map(drop)
}
