//! Creates, checks and locks the state directory. This module rejects directories owned by anyone other than root or
//! the user that runs the host. It must not change permissions.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::fs::StatVfsMountFlags;

use super::error::OpenError;

/// The mode bits that allow the group or others to write.
const OTHERS_WRITE: u32 = 0o022;

/// The maximum time to wait for a lock left by a killed host. If the host was killed while starting a child process,
/// the child holds the lock until it executes its program. This takes a few milliseconds, or longer under load.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The interval between attempts to take the lock.
const LOCK_RETRY: Duration = Duration::from_millis(10);

/// The lock on the directory. The kernel releases it when the process ends, even if the process is killed.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

pub(super) fn database(state: &Path) -> PathBuf {
    state.join("cordboard.db")
}

/// Checks that an empty database isn't the result of data loss: fails if session folders exist. Don't call this if the
/// database file is missing, because users delete the file on purpose to start afresh.
pub(super) fn check_emptied(state: &Path) -> Result<(), OpenError> {
    let entries = fs::read_dir(state.join("sessions")).into_iter().flatten();
    match entries.flatten().filter(|entry| entry.path().is_dir()).count() {
        0 => Ok(()),
        folders => Err(OpenError::Emptied { path: state.to_owned(), folders }),
    }
}

/// Creates the directory if it does not exist, checks its permissions, and locks it.
pub(super) fn claim(state: &Path) -> Result<Lock, OpenError> {
    let refuse = |source| not_writable(state, source);
    DirBuilder::new().recursive(true).mode(0o700).create(state).map_err(refuse)?;
    check_private(state)?;
    let mut file = private().truncate(false).open(state.join("lock")).map_err(refuse)?;
    match lock(&mut file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(OpenError::InUse { path: state.to_owned(), holder: holder(&mut file) });
        }
        Err(TryLockError::Error(source)) => return Err(refuse(source)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(refuse)?;
    Ok(Lock { _file: file })
}

/// Creates the database file if it does not exist.
pub(super) fn create_database(state: &Path) -> Result<(), OpenError> {
    create_private(&database(state)).map_err(|source| not_writable(state, source))
}

/// Creates a file for a database with mode 0600, unless it exists. SQLite gives its other files the permissions of this
/// one.
pub(super) fn create_private(file: &Path) -> io::Result<()> {
    open_private(file).map(drop)
}

/// Like [`create_private`], but returns the file.
pub(super) fn open_private(file: &Path) -> io::Result<File> {
    private().truncate(false).open(file)
}

/// Takes the lock. Waits if the host that took it has exited: a child that the host was starting shares the lock until
/// it executes its own program.
fn lock(file: &mut File) -> Result<(), TryLockError> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_WAIT && is_gone(file) => thread::sleep(LOCK_RETRY),
            done => return done,
        }
    }
}

/// Returns whether the host whose pid is in the file has exited.
fn is_gone(file: &mut File) -> bool {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    let pid = text.trim();
    read.is_ok() && !pid.is_empty() && !Path::new("/proc").join(pid).exists()
}

pub(super) fn is_mounted_read_only(state: &Path) -> bool {
    rustix::fs::statvfs(state).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::RDONLY))
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
}

/// Rejects a directory that belongs to another user or that others can write to, because they could insert messages,
/// grants and plugin versions.
fn check_private(state: &Path) -> Result<(), OpenError> {
    let metadata = fs::metadata(state).map_err(|source| not_writable(state, source))?;
    let (uid, me) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if uid != 0 && uid != me {
        return Err(OpenError::Foreign { path: state.to_owned(), uid, me });
    }
    let mode = metadata.mode() & 0o777;
    if mode & OTHERS_WRITE == 0 { Ok(()) } else { Err(OpenError::WritableByOthers { path: state.to_owned(), mode }) }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    match (read, text.trim()) {
        (Ok(_), pid) if !pid.is_empty() => format!("pid {pid}"),
        (Ok(_) | Err(_), _) => "pid unknown".to_owned(),
    }
}

fn not_writable(state: &Path, source: io::Error) -> OpenError {
    if source.kind() == ErrorKind::ReadOnlyFilesystem {
        return OpenError::ReadOnly { path: state.to_owned() };
    }
    let is_file = matches!(source.kind(), ErrorKind::NotADirectory | ErrorKind::AlreadyExists);
    let source = if is_file { io::Error::new(source.kind(), "it is not a directory") } else { source };
    OpenError::NotWritable { path: state.to_owned(), user: user(), source }
}

/// Returns the user that this process runs as, by name if the system knows the name.
fn user() -> String {
    let uid = rustix::process::geteuid().as_raw();
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then_some(name)
    });
    name.map_or_else(|| format!("user {uid}"), |name| format!("user '{name}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_waits_for_the_lock_of_a_dead_host() {
        let folder = tempfile::tempdir().unwrap();
        let mut lock_file = private().truncate(false).open(folder.path().join("lock")).unwrap();
        lock_file.lock().unwrap();
        // No process can have this pid, because the kernel's limit is about four million.
        writeln!(lock_file, "999999999").unwrap();
        let child = thread::spawn(move || {
            thread::sleep(LOCK_RETRY * 5);
            drop(lock_file);
        });
        claim(folder.path()).unwrap();
        child.join().unwrap();
    }
}
