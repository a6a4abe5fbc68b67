//! The watch of the operating system: which folders are watched, and which files somebody holds open for writing. Watches
//! folders, never files, so that a rename over a file is seen. Must never read a file or decide what an event means.

use std::{
    collections::HashMap,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, DataChange, ModifyKind},
};
use tokio::sync::Notify;

/// A file that was written to and not closed is left alone this long. Some ways of writing never tell of a close.
const OPEN_AT_MOST: Duration = Duration::from_secs(10);

/// What the watch tells the looks. Permits do not pile up: a thousand events are one wake-up.
#[derive(Debug, Default)]
pub(super) struct Signals {
    pub(super) wake: Notify,
    /// Files written to and not closed since, with the time of the first write.
    open: Mutex<HashMap<PathBuf, Instant>>,
}

impl Signals {
    /// Whether somebody seems to be in the middle of writing `path`.
    pub(super) fn is_open(&self, path: &Path) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, since| since.elapsed() < OPEN_AT_MOST);
        open.contains_key(path)
    }

    fn on_event(&self, event: notify::Result<Event>) {
        // A fault of the watch, as an overflow, is one more reason to look.
        if let Ok(event) = &event
            && !self.on_told(event)
        {
            return;
        }
        self.wake.notify_one();
    }

    /// Whether the event asks for a look. Our own readings do not.
    fn on_told(&self, event: &Event) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match event.kind {
            EventKind::Modify(ModifyKind::Data(DataChange::Any)) => {
                for path in &event.paths {
                    open.entry(path.clone()).or_insert_with(Instant::now);
                }
                true
            }
            // Permissions and times say nothing about a writer.
            EventKind::Modify(ModifyKind::Metadata(_)) => true,
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Any
            | EventKind::Create(_)
            | EventKind::Modify(_)
            | EventKind::Remove(_)
            | EventKind::Other => {
                for path in &event.paths {
                    open.remove(path);
                }
                true
            }
            EventKind::Access(_) => false,
        }
    }
}

/// The folders that are watched, each with the identity that it had.
#[derive(Debug)]
pub(super) struct Notice {
    watcher: Option<RecommendedWatcher>,
    watched: HashMap<PathBuf, (u64, u64)>,
}

impl Notice {
    pub(super) fn new(signals: Arc<Signals>) -> Self {
        let watcher = notify::recommended_watcher(move |event| signals.on_event(event));
        let watcher = watcher
            .inspect_err(
                |error| tracing::warn!(%error, "no watch on files here: they are looked at every 10 s instead"),
            )
            .ok();
        Self { watcher, watched: HashMap::new() }
    }

    /// No watch at all, as where the system has none left.
    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self { watcher: None, watched: HashMap::new() }
    }

    /// Watches what now lies at `folder`, which may be another folder than before, and says whether changes will be told.
    pub(super) fn follow(&mut self, folder: &Path) -> bool {
        let Ok(identity) = identity(folder) else {
            self.leave(folder);
            return false;
        };
        if self.watched.get(folder) == Some(&identity) {
            return true;
        }
        self.leave(folder);
        let Some(watcher) = &mut self.watcher else { return false };
        match watcher.watch(folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(folder.to_owned(), identity);
                true
            }
            Err(error) => {
                tracing::debug!(folder = %folder.display(), %error, "no watch on this folder");
                false
            }
        }
    }

    fn leave(&mut self, folder: &Path) {
        if self.watched.remove(folder).is_some()
            && let Some(watcher) = &mut self.watcher
        {
            // The system drops the watch of a removed folder by itself; then there is nothing left to end.
            drop(watcher.unwatch(folder));
        }
    }
}

fn identity(folder: &Path) -> io::Result<(u64, u64)> {
    let metadata = folder.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}
