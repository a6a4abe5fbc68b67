//! Owns the inotify watches on the watched files and on every folder and link that leads to them. The events only show
//! when to scan and which files are still being written; the scan finds the changes. Each scan adds all watches again.
//! This has no effect on existing watches, and restores lost ones.

use std::{
    collections::{HashMap, HashSet},
    ffi::{OsStr, OsString},
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Component, Path, PathBuf},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags},
    io::Errno,
};
use tokio::io::{Interest, unix::AsyncFd};

/// The maximum time to skip a file that was written to but not closed. The limit is needed because a writer may keep
/// the file open, or the close event may be lost.
const OPEN_AT_MOST: Duration = Duration::from_secs(10);

/// The size of the event buffer, in bytes.
const EVENTS_AT_ONCE: usize = 16 << 10;

/// The maximum number of symbolic links in a path. The kernel has the same limit.
const LINKS: usize = 40;

/// The events to watch on a step, which is one component of a path: the step is deleted or moved, or its permissions
/// change.
const STEP: WatchFlags = WatchFlags::DELETE_SELF.union(WatchFlags::MOVE_SELF).union(WatchFlags::ATTRIB);
/// The events to watch on the last existing folder of an incomplete path, in which the next step may appear.
const LAST_STEP: WatchFlags = STEP.union(WatchFlags::CREATE).union(WatchFlags::MOVED_TO);
/// The events to watch on a file.
const FILE: WatchFlags = STEP.union(WatchFlags::MODIFY).union(WatchFlags::CLOSE_WRITE);
/// The events to watch on a folder and on the files in it.
const FOLDER: WatchFlags = FILE.union(LAST_STEP).union(WatchFlags::DELETE).union(WatchFlags::MOVED_FROM);

/// The kind of file that a watched path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathKind {
    File,
    /// A folder and the files in it.
    Folder,
}

#[derive(Debug)]
pub(super) struct OsWatcher {
    init: fn() -> io::Result<OwnedFd>,
    system: OnceLock<AsyncFd<OwnedFd>>,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// Watches by their inotify descriptor. A recreated folder gets a new descriptor, even if it reuses the old inode.
    watches: HashMap<i32, Watch>,
    /// Every step of a path that the last scan visited or found missing.
    steps: HashSet<PathBuf>,
    /// Files that were written to and not closed since then. For each file, contains the watch that reported the first
    /// write, and the time of that write.
    open: HashMap<PathBuf, (i32, Instant)>,
    /// Whether the last scan failed to watch a path. If several scans in a row fail, only the first one logs the
    /// failure.
    is_incomplete: bool,
}

#[derive(Debug)]
struct Watch {
    /// The path with all links resolved.
    path: PathBuf,
    installed: WatchFlags,
    /// The events that the current scan needs.
    needed: WatchFlags,
}

/// Collects the watches that a scan needs. [`apply`](Self::apply) removes all other watches.
pub(super) struct WatchSet<'a> {
    watcher: &'a OsWatcher,
    /// The first path that could not be watched, with the error.
    fault: Option<(PathBuf, Errno)>,
}

impl OsWatcher {
    pub(super) fn new() -> Self {
        Self::with_init(|| Ok(inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?))
    }

    /// `init` creates the inotify instance.
    pub(super) fn with_init(init: fn() -> io::Result<OwnedFd>) -> Self {
        Self { init, system: OnceLock::new(), table: Mutex::default() }
    }

    /// Creates the inotify instance unless it already exists. Must be called within a tokio runtime.
    pub(super) fn start(&self) {
        if self.system.get().is_none()
            && let Ok(system) = (self.init)().and_then(register)
        {
            // Calls to this function never overlap, so the cell is still empty.
            drop(self.system.set(system));
        }
    }

    /// Waits for an event that requires a scan. This method is cancel safe.
    pub(super) async fn next_event(&self) {
        let Some(system) = self.system.get() else { return std::future::pending().await };
        loop {
            match system.readable().await {
                Ok(mut ready) => {
                    let needs_scan = self.read(system.get_ref());
                    ready.clear_ready();
                    if needs_scan {
                        return;
                    }
                }
                // The runtime is shutting down.
                Err(_) => return std::future::pending().await,
            }
        }
    }

    /// Reads all pending events. Returns whether a scan is required.
    fn read(&self, system: &OwnedFd) -> bool {
        let mut buffer = [MaybeUninit::uninit(); EVENTS_AT_ONCE];
        let mut events = inotify::Reader::new(system.as_fd(), &mut buffer);
        let mut needs_scan = false;
        loop {
            match events.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                    needs_scan |= self.table().on_event(event.wd(), event.events(), name);
                }
                Err(Errno::AGAIN) => return needs_scan,
                Err(Errno::INTR) => {}
                Err(error) => {
                    tracing::debug!(%error, "failed to read file events");
                    return true;
                }
            }
        }
    }

    pub(super) fn new_watch_set(&self) -> WatchSet<'_> {
        let mut table = self.table();
        table.watches.values_mut().for_each(|watch| watch.needed = WatchFlags::empty());
        table.steps.clear();
        drop(table);
        WatchSet { watcher: self, fault: None }
    }

    /// Returns whether the file at `path` seems to be open for writing.
    pub(super) fn is_open(&self, path: &Path) -> bool {
        let Ok(path) = path.canonicalize() else { return false };
        let open = &mut self.table().open;
        open.retain(|_, (_, since)| since.elapsed() < OPEN_AT_MOST);
        open.contains_key(&path)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Records an event. Returns whether a scan is required.
    fn on_event(&mut self, number: i32, events: ReadFlags, name: Option<&OsStr>) -> bool {
        if events.contains(ReadFlags::QUEUE_OVERFLOW) {
            // The lost events may include close events.
            self.open.clear();
            return true;
        }
        // A watch that is not in the table was removed by an earlier scan.
        let Some(watch) = self.watches.get(&number) else { return false };
        let path = name.map_or_else(|| watch.path.clone(), |name| watch.path.join(name));
        // A folder on the path, such as /tmp, may be busy, so in such a folder handle only events about the next step.
        if name.is_some() && !watch.needed.contains(WatchFlags::MODIFY) && !self.steps.contains(&path) {
            return false;
        }
        if events.intersects(ReadFlags::IGNORED | ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF) {
            self.open.retain(|_, (by, _)| *by != number);
        }
        if events.contains(ReadFlags::IGNORED) {
            self.watches.remove(&number);
        } else if events.contains(ReadFlags::MODIFY) {
            self.open.entry(path).or_insert_with(|| (number, Instant::now()));
        } else if !events.contains(ReadFlags::ATTRIB) {
            // A change of permissions or timestamps doesn't show whether a writer has closed the file.
            self.open.remove(&path);
        }
        true
    }
}

impl WatchSet<'_> {
    /// Watches `path` and everything that leads to it: folders, links and their targets. If a step is missing, watches
    /// the path up to the last existing folder.
    pub(super) fn add_path(&mut self, path: &Path, kind: PathKind) {
        let (mut at, mut left, mut links) = (PathBuf::from("/"), Vec::new(), 0);
        push(&mut left, path);
        while let Some(step) = left.pop() {
            if step == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&step);
            self.watcher.table().steps.insert(next.clone());
            if !self.watch(&next, STEP) {
                self.watch(&at, LAST_STEP);
                // The step may have appeared before the watch was added.
                if next.symlink_metadata().is_err() || !self.watch(&next, STEP) {
                    return;
                }
            }
            let Ok(target) = next.read_link() else {
                at = next;
                continue;
            };
            links += 1;
            if links > LINKS {
                return;
            }
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            push(&mut left, &target);
        }
        self.watch(&at, if kind == PathKind::Folder && at.is_dir() { FOLDER } else { FILE });
    }

    /// Adds a watch. Returns whether `path` exists.
    fn watch(&mut self, path: &Path, needed: WatchFlags) -> bool {
        let Some(system) = self.watcher.system.get() else {
            self.fault.get_or_insert((path.to_owned(), Errno::MFILE));
            return path.symlink_metadata().is_ok();
        };
        // Hold the lock from here on, because an event must not be processed before its descriptor is in the table.
        let mut table = self.watcher.table();
        let flags = needed | WatchFlags::DONT_FOLLOW | WatchFlags::MASK_ADD;
        match inotify::add_watch(system.get_ref(), path, flags) {
            Ok(number) => {
                let watch = table.watches.entry(number).or_insert_with(|| Watch::new(path));
                watch.installed |= needed;
                watch.needed |= needed;
                path.clone_into(&mut watch.path);
                true
            }
            Err(Errno::NOENT | Errno::NOTDIR) => false,
            // The host isn't allowed to read this path. The watch on the parent folder reports permission changes. A
            // move goes unnoticed until the next scan, but another user is unlikely to move this folder.
            Err(Errno::ACCESS) => path.symlink_metadata().is_ok(),
            Err(error) => {
                self.fault.get_or_insert((path.to_owned(), error));
                path.symlink_metadata().is_ok()
            }
        }
    }

    /// Removes the watches that this scan doesn't need. Returns whether all needed watches exist.
    pub(super) fn apply(self) -> bool {
        let mut table = self.watcher.table();
        let is_incomplete = self.fault.is_some();
        if let Some((path, error)) = self.fault
            && !table.is_incomplete
        {
            let remedy = match error {
                Errno::MFILE => "; raise fs.inotify.max_user_instances",
                Errno::NOSPC => "; raise fs.inotify.max_user_watches",
                _ => "",
            };
            let path = path.display();
            tracing::warn!(%path, %error, "failed to watch this path: scanning at least every 10 s instead{remedy}");
        }
        table.is_incomplete = is_incomplete;
        let Some(system) = self.watcher.system.get() else { return false };
        let Table { watches, open, .. } = &mut *table;
        watches.retain(|number, watch| {
            if watch.needed.is_empty() {
                // An error means that the kernel has already removed the watch.
                let _: Result<(), Errno> = inotify::remove_watch(system.get_ref(), *number);
                open.retain(|_, (by, _)| by != number);
            } else if watch.installed != watch.needed {
                watch.narrow(*number, system.get_ref());
            }
            !watch.needed.is_empty()
        });
        !is_incomplete
    }
}

impl Watch {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), installed: WatchFlags::empty(), needed: WatchFlags::empty() }
    }

    /// Reduces the watched events to those still needed. If the path now leads to another file, `add_watch` adds a
    /// watch for that file, which this method removes again. The old watch then reports that its file was moved or
    /// deleted, and the next scan watches the new file.
    fn narrow(&mut self, number: i32, system: &OwnedFd) {
        match inotify::add_watch(system, &self.path, self.needed | WatchFlags::DONT_FOLLOW) {
            Ok(found) if found == number => self.installed = self.needed,
            Ok(found) => {
                let _: Result<(), Errno> = inotify::remove_watch(system, found);
            }
            Err(_) => {}
        }
    }
}

#[expect(unsafe_code, reason = "tokio's registration is unsafe for descriptors that it does not own")]
fn register(system: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the `AsyncFd` owns the descriptor from here on, so the descriptor stays open and valid as long as the
    // `AsyncFd` lives.
    Ok(unsafe { AsyncFd::register_with_interest(system, Interest::READABLE) }?)
}

/// Pushes the steps of `path` in reverse order, so that the first one is popped first.
fn push(left: &mut Vec<OsString>, path: &Path) {
    let steps = path.components().filter(|step| matches!(step, Component::Normal(_) | Component::ParentDir));
    left.extend(steps.rev().map(|step| step.as_os_str().to_owned()));
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    /// Returns whether the events since the last call require a scan.
    fn needs_scan(watcher: &OsWatcher) -> bool {
        watcher.read(watcher.system.get().expect("it was started").get_ref())
    }

    fn watch(watcher: &OsWatcher, path: &Path) -> bool {
        let mut watch_set = watcher.new_watch_set();
        watch_set.add_path(path, PathKind::Folder);
        watch_set.apply()
    }

    #[tokio::test]
    async fn only_events_on_the_watched_path_cause_a_scan() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (above, plugins) = (root.join("above"), root.join("above/folder/plugins"));
        fs::create_dir_all(root.join("above/folder")).unwrap();
        let watcher = OsWatcher::new();
        watcher.start();
        assert!(watch(&watcher, &plugins));
        for other in ["other", "above/other", "above/folder/other"] {
            fs::write(root.join(other), "").unwrap();
            fs::set_permissions(root.join(other), fs::Permissions::from_mode(0o600)).unwrap();
        }
        assert!(!needs_scan(&watcher));
        fs::create_dir(&plugins).unwrap();
        assert!(needs_scan(&watcher), "the missing folder appeared");
        assert!(watch(&watcher, &plugins));
        fs::write(above.join("folder/another"), "").unwrap();
        assert!(!needs_scan(&watcher), "the parent folder is watched for its own events only");
        fs::write(plugins.join("a.wasm"), "").unwrap();
        assert!(needs_scan(&watcher));
        for (from, to) in [(&above, &root.join("away")), (&root.join("away"), &above)] {
            fs::rename(from, to).unwrap();
            assert!(needs_scan(&watcher), "a folder on the path was moved");
        }
        assert!(watch(&watcher, &plugins));
        fs::remove_dir_all(&above).unwrap();
        assert!(needs_scan(&watcher));
        assert!(watch(&watcher, &plugins) && !needs_scan(&watcher), "a removed watch causes no scan");
    }

    #[test]
    fn lost_events_cause_a_scan() {
        let mut table = Table::default();
        table.open.insert("/a".into(), (1, Instant::now()));
        assert!(table.on_event(-1, ReadFlags::QUEUE_OVERFLOW, None));
        assert!(table.open.is_empty(), "a close event may be lost");
    }
}
