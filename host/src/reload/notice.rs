//! The watch of the operating system: inotify on every step of the way to what is looked at, and the files that somebody holds open for
//! writing. Says only *when* to look. Must never believe that a watch still stands: each look asks for all of them anew, which costs
//! nothing where one does.

use std::{
    collections::HashMap,
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

/// A file that was written to and not closed is left alone this long. Some ways of writing never tell of a close.
const OPEN_AT_MOST: Duration = Duration::from_secs(10);

/// So many events are read at once.
const EVENTS_AT_ONCE: usize = 16 << 10;

/// As many links as the kernel follows.
const LINKS: usize = 40;

/// On the way: it goes, is moved, or is closed to us.
const STEP: WatchFlags = WatchFlags::DELETE_SELF.union(WatchFlags::MOVE_SELF).union(WatchFlags::ATTRIB);
/// The last folder on a way that ends too early: the next step may come.
const LAST_STEP: WatchFlags = STEP.union(WatchFlags::CREATE).union(WatchFlags::MOVED_TO);
const FILE: WatchFlags = STEP.union(WatchFlags::MODIFY).union(WatchFlags::CLOSE_WRITE);
const FOLDER: WatchFlags = FILE.union(LAST_STEP).union(WatchFlags::DELETE).union(WatchFlags::MOVED_FROM);

/// What is wanted of what lies at the end of a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    File,
    /// A folder, and its files by their names.
    Folder,
}

#[derive(Debug)]
pub(super) struct Notice {
    begin: fn() -> io::Result<OwnedFd>,
    system: OnceLock<AsyncFd<OwnedFd>>,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// By the number that the system gave each; a folder that was made anew has another one, even with the inode of the one before.
    watches: HashMap<i32, Watch>,
    /// Files written to and not closed since: the watch that told, and the time of the first write.
    open: HashMap<PathBuf, (i32, Instant)>,
    /// The last look could not watch everything, and that was logged.
    is_blind: bool,
}

#[derive(Debug)]
struct Watch {
    /// Without links.
    path: PathBuf,
    asked: WatchFlags,
    /// What the look that is under way asks for.
    wanted: WatchFlags,
}

/// One look's wishes. What it does not ask for is not watched any more.
pub(super) struct Following<'a> {
    notice: &'a Notice,
    /// Why something is not watched.
    fault: Option<(PathBuf, Errno)>,
}

impl Notice {
    pub(super) fn new() -> Self {
        Self::by(|| Ok(inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?))
    }

    /// `begin`: how to get a watch of the system.
    pub(super) fn by(begin: fn() -> io::Result<OwnedFd>) -> Self {
        Self { begin, system: OnceLock::new(), table: Mutex::default() }
    }

    /// Begins the watch where the system had none left before. Inside a runtime.
    pub(super) fn begin(&self) {
        if self.system.get().is_none()
            && let Ok(system) = (self.begin)().and_then(register)
        {
            // Nobody else begins it meanwhile: there is one loop.
            drop(self.system.set(system));
        }
    }

    /// Waits until something happened that asks for a look. Cancel safe.
    pub(super) async fn happened(&self) {
        let Some(system) = self.system.get() else { return std::future::pending().await };
        loop {
            match system.readable().await {
                Ok(mut ready) => {
                    let asked = self.read(system.get_ref());
                    ready.clear_ready();
                    if asked {
                        return;
                    }
                }
                // The runtime ends.
                Err(_) => return std::future::pending().await,
            }
        }
    }

    /// Reads all that waits.
    fn read(&self, system: &OwnedFd) -> bool {
        let mut buffer = [MaybeUninit::uninit(); EVENTS_AT_ONCE];
        let mut events = inotify::Reader::new(system.as_fd(), &mut buffer);
        let mut asked = false;
        loop {
            match events.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                    asked |= self.table().on_event(event.wd(), event.events(), name);
                }
                Err(Errno::AGAIN) => return asked,
                Err(Errno::INTR) => {}
                Err(error) => {
                    tracing::debug!(%error, "failed to read file events");
                    return true;
                }
            }
        }
    }

    pub(super) fn follow(&self) -> Following<'_> {
        self.table().watches.values_mut().for_each(|watch| watch.wanted = WatchFlags::empty());
        Following { notice: self, fault: None }
    }

    /// Whether somebody seems to be in the middle of writing the file at `path`.
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
    /// Whether the event asks for a look.
    fn on_event(&mut self, number: i32, events: ReadFlags, name: Option<&OsStr>) -> bool {
        if events.contains(ReadFlags::QUEUE_OVERFLOW) {
            // Among what is lost may be that a file was closed.
            self.open.clear();
            return true;
        }
        // One that a look has ended.
        let Some(watch) = self.watches.get(&number) else { return false };
        let path = name.map_or_else(|| watch.path.clone(), |name| watch.path.join(name));
        if events.intersects(ReadFlags::IGNORED | ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF) {
            self.open.retain(|_, (by, _)| *by != number);
        }
        if events.contains(ReadFlags::IGNORED) {
            self.watches.remove(&number);
        } else if events.contains(ReadFlags::MODIFY) {
            self.open.entry(path).or_insert_with(|| (number, Instant::now()));
        } else if !events.contains(ReadFlags::ATTRIB) {
            // Permissions and times say nothing about a writer.
            self.open.remove(&path);
        }
        true
    }
}

impl Following<'_> {
    /// Watches what lies at `path`, and all that leads there: folders, links, and what these lead to. A way that ends too early is
    /// watched up to there. What happens on it from now on is told.
    pub(super) fn way(&mut self, path: &Path, goal: Goal) {
        let (mut at, mut left, mut links) = (PathBuf::from("/"), Vec::new(), 0);
        push(&mut left, path);
        while let Some(step) = left.pop() {
            if step == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&step);
            if !self.watch(&next, STEP) {
                self.watch(&at, LAST_STEP);
                // It may have come before that.
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
        self.watch(&at, if goal == Goal::Folder && at.is_dir() { FOLDER } else { FILE });
    }

    /// Whether something is there.
    fn watch(&mut self, path: &Path, wanted: WatchFlags) -> bool {
        let Some(system) = self.notice.system.get() else {
            self.fault.get_or_insert((path.to_owned(), Errno::MFILE));
            return path.symlink_metadata().is_ok();
        };
        // While the number is unknown to the table, nobody looks there for its events.
        let mut table = self.notice.table();
        let flags = wanted | WatchFlags::DONT_FOLLOW | WatchFlags::MASK_ADD;
        match inotify::add_watch(system.get_ref(), path, flags) {
            Ok(number) => {
                let watch = table.watches.entry(number).or_insert_with(|| Watch::new(path));
                watch.asked |= wanted;
                watch.wanted |= wanted;
                path.clone_into(&mut watch.path);
                true
            }
            Err(Errno::NOENT | Errno::NOTDIR) => false,
            Err(error) => {
                self.fault.get_or_insert((path.to_owned(), error));
                path.symlink_metadata().is_ok()
            }
        }
    }

    /// Ends the watches that nobody asked for, and says whether all that was asked for will be told.
    pub(super) fn end(self) -> bool {
        let mut table = self.notice.table();
        let is_blind = self.fault.is_some();
        if let Some((path, error)) = self.fault
            && !table.is_blind
        {
            let remedy = match error {
                Errno::MFILE => "; raise fs.inotify.max_user_instances",
                Errno::NOSPC => "; raise fs.inotify.max_user_watches",
                _ => "",
            };
            let path = path.display();
            tracing::warn!(%path, %error, "failed to watch this path: files are looked at every 10 s instead{remedy}");
        }
        table.is_blind = is_blind;
        let Some(system) = self.notice.system.get() else { return false };
        let Table { watches, open, .. } = &mut *table;
        watches.retain(|number, watch| {
            if watch.wanted.is_empty() {
                // Where it is gone already, the system says so in time.
                let _: Result<(), Errno> = inotify::remove_watch(system.get_ref(), *number);
                open.retain(|_, (by, _)| by != number);
            } else if watch.asked != watch.wanted {
                watch.narrow(*number, system.get_ref());
            }
            !watch.wanted.is_empty()
        });
        !is_blind
    }
}

impl Watch {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), asked: WatchFlags::empty(), wanted: WatchFlags::empty() }
    }

    /// Asks for less than before. Where another thing lies there by now, it is none of ours: that this one went is told.
    fn narrow(&mut self, number: i32, system: &OwnedFd) {
        match inotify::add_watch(system, &self.path, self.wanted | WatchFlags::DONT_FOLLOW) {
            Ok(found) if found == number => self.asked = self.wanted,
            Ok(found) => {
                let _: Result<(), Errno> = inotify::remove_watch(system, found);
            }
            Err(_) => {}
        }
    }
}

#[expect(unsafe_code, reason = "tokio calls the registration unsafe for descriptors that it does not own")]
fn register(system: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned by the `AsyncFd` from here on, so it stays open and the same as long as that lives.
    Ok(unsafe { AsyncFd::register_with_interest(system, Interest::READABLE) }?)
}

/// The steps of `path`, the first one last.
fn push(left: &mut Vec<OsString>, path: &Path) {
    let steps = path.components().filter(|step| matches!(step, Component::Normal(_) | Component::ParentDir));
    left.extend(steps.rev().map(|step| step.as_os_str().to_owned()));
}
