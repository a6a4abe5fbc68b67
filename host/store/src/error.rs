//! The store's errors. Their texts complete "failed to {error}", and most of them tell the user what to do. SQLite
//! errors don't leave this crate.

use std::path::PathBuf;

use cordboard_core::types::SessionName;
use rusqlite::ErrorCode;

/// The error of a failed request. Except for [`NotSynced`](Self::NotSynced), no part of the request was stored. The
/// store remains usable unless it is closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("{what} in {}: the disk is full, so nothing was stored; free some space and try again", file.display())]
    Full { what: String, file: PathBuf },
    #[error("{what} in {}: {why}, so nothing was stored; check that the disk is healthy and writable", file.display())]
    Io { what: String, file: PathBuf, why: String },
    #[error("sync {} to the disk: {why}; check that the disk is healthy", file.display())]
    NotSynced { file: PathBuf, why: String },
    #[error(
        "{what} in {}: another program has locked the database, so nothing was stored; stop that program \
         (`fuser {}` finds it)",
        file.display(),
        file.display()
    )]
    Locked { what: String, file: PathBuf },
    #[error(
        "{what} in {}: the file is damaged ({why}); restart the host, which recovers the readable data, or stop the host \
         and restore a backup with `cordboard restore`",
        file.display()
    )]
    Corrupt { what: String, file: PathBuf, why: String },
    #[error(
        "{what} in {}: a record is invalid ({why}); install the version of Cordboard that wrote it, or stop the host and \
         restore a backup with `cordboard restore`",
        file.display()
    )]
    InvalidRecord { what: String, file: PathBuf, why: String },
    #[error("{what}: the store is closed because the host is shutting down; start the host again")]
    Closed { what: String },
    #[error("use the session name '{0}': it is taken; choose another, or restore that session if it is archived")]
    Exists(SessionName),
    #[error("{what}: the message doesn't exist or is already completed")]
    Gone { what: String },
    #[error(
        "store the state of plugin '{plugin}': it would have {size} bytes, more than its limit of {limit}; delete keys or raise the limit in the configuration"
    )]
    StateLimit { plugin: String, size: u64, limit: Limit },
    #[error("{what} in {}: {why}; this is a bug in Cordboard: please report it", file.display())]
    Defect { what: String, file: PathBuf, why: String },
}

/// Returns the number followed by the noun in singular or plural form.
pub(super) fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A limit and the configuration key that sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The configuration key, for example `plugins.timeout.state`.
    pub key: String,
    pub bytes: u64,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} = {}", self.key, self.bytes)
    }
}

/// The reason why a database operation failed. [`during`](Self::during) adds the purpose of the operation.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) enum WorkError {
    Sql(#[from] rusqlite::Error),
    /// A record that cannot be serialized or deserialized.
    Record(#[from] serde_json::Error),
    /// An error that already states the purpose and the remedy.
    Store(#[from] StoreError),
}

impl WorkError {
    /// Returns whether another process has locked the database.
    pub(super) fn is_locked(&self) -> bool {
        match self {
            Self::Sql(error) => is_lock_error(error),
            Self::Store(StoreError::Locked { .. }) => true,
            Self::Record(_) | Self::Store(_) => false,
        }
    }

    /// Adds the purpose of the operation and the file's path.
    pub(super) fn during(self, what: &str, file: PathBuf) -> StoreError {
        let what = what.to_owned();
        match self {
            Self::Store(error) => error,
            Self::Record(error) => StoreError::InvalidRecord { what, file, why: error.to_string() },
            Self::Sql(error) => {
                let why = error.to_string();
                match error.sqlite_error_code() {
                    Some(ErrorCode::DiskFull) => StoreError::Full { what, file },
                    Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked { what, file },
                    Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                        StoreError::Corrupt { what, file, why }
                    }
                    Some(
                        ErrorCode::SystemIoFailure
                        | ErrorCode::CannotOpen
                        | ErrorCode::ReadOnly
                        | ErrorCode::PermissionDenied
                        | ErrorCode::FileLockingProtocolFailed
                        | ErrorCode::OutOfMemory
                        | ErrorCode::TooBig,
                    ) => StoreError::Io { what, file, why },
                    _ => StoreError::Defect { what, file, why },
                }
            }
        }
    }
}

/// Returns whether the error means that another process has locked the database.
pub(super) fn is_lock_error(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Returns the error that SQLite returns if another process has locked the database.
pub(super) fn busy_error() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None)
}

/// The reason why a state directory was rejected.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "use state directory {}: {user} cannot write to it ({source}); change its owner, or choose another directory with --state",
        path.display()
    )]
    NotWritable { path: PathBuf, user: String, source: std::io::Error },
    #[error(
        "use state directory {}: its file system is mounted read-only; mount it writable, or copy the directory and name the copy with --state",
        path.display()
    )]
    ReadOnly { path: PathBuf },
    #[error(
        "use state directory {}: other users may write to it (mode {mode:03o}); run `chmod go-w {}`",
        path.display(),
        path.display()
    )]
    WritableByOthers { path: PathBuf, mode: u32 },
    #[error(
        "use state directory {}: it belongs to another user (uid {uid}); run `chown -R {me} {}`, or choose another directory with --state",
        path.display(),
        path.display()
    )]
    Foreign { path: PathBuf, uid: u32, me: u32 },
    #[error(
        "use state directory {}: another host uses it ({holder}); stop that host, or choose another directory with --state",
        path.display()
    )]
    InUse { path: PathBuf, holder: String },
    #[error(
        "use state directory {}: it was written by a newer Cordboard (schema {found}; this version supports up to {known}); \
         install the newer version, or choose another directory with --state",
        path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error(
        "use state directory {}: it was written by an older Cordboard (schema {found}; this version reads {known}); \
         run the host once to migrate it",
        path.display()
    )]
    Older { path: PathBuf, found: i64, known: i64 },
    #[error(
        "use state directory {}: its database cordboard.db is empty, but sessions/ contains {}, so its data is lost; restore a backup with `cordboard restore`, or start the host without sessions (the folders are kept)",
        path.display(),
        counted(*folders, "session folder")
    )]
    Emptied { path: PathBuf, folders: usize },
    #[error(
        "read {what} of state directory {}: it contains no database cordboard.db, so no host has used it; \
         name the directory of your host with --state",
        path.display()
    )]
    NeverUsed { what: &'static str, path: PathBuf },
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_singular_or_plural() {
        assert_eq!([0, 1, 2].map(|number| counted(number, "post")), ["0 posts", "1 post", "2 posts"]);
    }

    #[test]
    fn a_locked_database_is_reported_as_locked() {
        for code in [rusqlite::ffi::SQLITE_BUSY, rusqlite::ffi::SQLITE_LOCKED] {
            let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            assert_eq!(
                WorkError::from(error).during("open the store", "/s/cordboard.db".into()).to_string(),
                "open the store in /s/cordboard.db: another program has locked the database, so nothing was stored; stop that program (`fuser /s/cordboard.db` finds it)"
            );
        }
    }
}
