//! Changes of the configuration file and of the plugin folder: the only place that knows `notify`. Owns the watch on both
//! folders and says what changed, whole files only, the latest version only, configuration first. Must never parse a
//! configuration, compile a plugin, or decide what a change means.
//!
//! It looks instead of believing: an event only says *when* to look again, and each look compares what lies there with what
//! was given out last. A lost, doubled or misleading event costs a look, never a change.

mod file;
mod folder;
mod notice;
mod private;
mod queue;
mod sight;

#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep_until},
};

pub use private::{check_private, leads_nowhere};

use notice::{Notice, Signals};
use queue::Queue;
use sight::{Next, Sight};

/// One change may wait for the application; more would be versions that a newer one could no longer replace.
const GIVEN: usize = 1;

/// How long nothing may happen before a look. Editors and compilers write in bursts of a few milliseconds.
const SETTLE: Duration = Duration::from_millis(100);

/// A look is not put off longer than this, however busy the folder is.
const SETTLE_AT_MOST: Duration = Duration::from_secs(1);

/// Between looks at what tells nothing by itself: a folder that is missing, a link that leads elsewhere, no `notify` at all.
const POLL: Duration = Duration::from_secs(10);

/// What is watched. Neither needs to exist yet.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// The configuration file.
    pub config: Option<PathBuf>,
    /// The plugin folder.
    pub plugins: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Config(ConfigRead),
    /// Why nothing in the plugin folder may be used, and what to do; none: it is in order again.
    Folder {
        fault: Option<String>,
    },
    /// A plugin file that is new or has other bytes than the last ones given out.
    Plugin {
        name: String,
        path: PathBuf,
        wasm: Vec<u8>,
    },
    PluginGone {
        name: String,
    },
    /// `why` is for the operator and says what to do.
    PluginUnreadable {
        name: String,
        why: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigRead {
    Text(String),
    Missing,
    /// For the operator.
    Unreadable(String),
}

#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error("use {}: {who} may write to it, and grants go with the file name; run `chmod go-w {}`", path.display(), path.display())]
    Writable { path: PathBuf, who: &'static str },
    #[error("use {}: it belongs to another user (uid {uid}), and grants go with the file name; run `chown {me} {}`", path.display(), path.display())]
    Foreign { path: PathBuf, uid: u32, me: u32 },
    #[error("look at {}: {source}", path.display())]
    Look { path: PathBuf, source: io::Error },
}

impl WatchError {
    /// For where the path was named already: what is wrong with it, and the remedy.
    #[must_use]
    pub fn reason(&self) -> String {
        let (Self::Writable { path, .. } | Self::Foreign { path, .. } | Self::Look { path, .. }) = self;
        let (text, named) = (self.to_string(), format!("{}: ", path.display()));
        text.split_once(&named).map_or(text.clone(), |(_, reason)| reason.to_owned())
    }
}

/// Watches as long as it is kept.
#[must_use = "dropping it ends the watch"]
#[derive(Debug)]
pub struct Watcher {
    task: JoinHandle<()>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Begins to watch, inside a tokio runtime. What lies there at the call counts as known: call this first, then read what is
/// there, and nothing can slip in between. Files that nobody can use as they are come out at once as unreadable.
///
/// # Errors
/// When the file or the folder may be written by others, see [`check_private`].
pub fn watch(watched: Watched) -> Result<(Watcher, mpsc::Receiver<Change>), WatchError> {
    let signals = Arc::new(Signals::default());
    start(watched, Notice::new(Arc::clone(&signals)), signals, POLL)
}

/// The plugin files of `folder`, by name, right or wrong. A folder that does not exist has none.
///
/// # Errors
/// When the folder cannot be listed.
pub fn scan(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    Ok(folder::list(folder)?.unwrap_or_default())
}

fn start(
    watched: Watched,
    notice: Notice,
    signals: Arc<Signals>,
    poll: Duration,
) -> Result<(Watcher, mpsc::Receiver<Change>), WatchError> {
    for path in [&watched.config, &watched.plugins].into_iter().flatten() {
        check_private(path)?;
    }
    let mut sight = Sight::new(&watched, notice, Arc::clone(&signals))?;
    let mut queue = Queue::default();
    let next = sight.baseline(&mut queue);
    let (changes, receiver) = mpsc::channel(GIVEN);
    let round = Round { queue, signals, poll, due: None, first: None };
    let task = tokio::spawn(round.run(sight, next, changes));
    Ok((Watcher { task }, receiver))
}

/// One watch at work: when to look next, and what waits to be given out.
struct Round {
    queue: Queue,
    signals: Arc<Signals>,
    poll: Duration,
    /// When to look next, where anything asks for it.
    due: Option<Instant>,
    /// The first event since the last look.
    first: Option<Instant>,
}

impl Round {
    async fn run(mut self, mut sight: Sight, next: Next, changes: mpsc::Sender<Change>) {
        self.on_looked(next);
        loop {
            let due = self.due;
            tokio::select! {
                biased;
                () = changes.closed() => return,
                permit = changes.reserve(), if !self.queue.is_empty() => match (permit, self.queue.take()) {
                    (Ok(permit), Some(change)) => permit.send(change),
                    (Err(_), _) | (_, None) => {}
                },
                () = self.signals.wake.notified() => self.on_event(),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let looked = spawn_blocking(move || { let seen = sight.look(); (sight, seen) }).await;
                    let Ok((back, seen)) = looked else {
                        tracing::error!("the watch on configuration and plugins failed: changes are no longer seen");
                        return;
                    };
                    sight = back;
                    for (item, found) in seen.found {
                        self.queue.offer(item, found);
                    }
                    self.on_looked(seen.next);
                }
            }
        }
    }

    fn on_event(&mut self) {
        let now = Instant::now();
        let first = *self.first.get_or_insert(now);
        self.due = Some((now + SETTLE).min(first + SETTLE_AT_MOST));
    }

    fn on_looked(&mut self, next: Next) {
        self.first = None;
        self.due = match next {
            Next::Event => None,
            Next::Soon => Some(Instant::now() + SETTLE),
            Next::Poll => Some(Instant::now() + self.poll),
        };
    }
}
