//! Runs the watch task, which schedules scans and queues the changes to send. The queue holds only the latest version
//! of each item, and delivers the configuration first. The task must not keep the content of a file after it has sent
//! the change.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cordboard_core::text_file;
use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
    time::{Instant, sleep_until},
};

use super::{
    Change, ConfigRead, FileError, PluginContent,
    os_events::OsWatcher,
    read::Digest,
    scan::{Item, ItemState, NextScan, Scan, Scanner},
};

/// The time without events before a scan starts. Editors and compilers write in bursts of a few milliseconds.
pub(super) const SETTLE: Duration = Duration::from_millis(100);

/// The maximum time from an event to the next scan, however busy the folder is.
pub(super) const SETTLE_AT_MOST: Duration = Duration::from_secs(1);

/// The maximum time until the next scan after a scan has panicked, or while a path can't be watched and events may be
/// missed.
const POLL: Duration = Duration::from_secs(10);

/// The watch task: schedules scans and sends changes.
pub(super) struct WatchLoop {
    queue: Queue,
    os_watcher: Arc<OsWatcher>,
    scanner: Arc<Mutex<Scanner>>,
    rescan: watch::Receiver<Duration>,
    /// The time of the next scan.
    due: Instant,
    /// The time of the first event since the last scan.
    first_event: Option<Instant>,
}

impl WatchLoop {
    /// `baseline` is the first scan. Its complete files count as sent, because the host reads them itself.
    pub(super) fn new(
        baseline: Scan,
        os_watcher: Arc<OsWatcher>,
        scanner: Scanner,
        rescan: watch::Receiver<Duration>,
    ) -> Self {
        let (queue, scanner) = (Queue::default(), Arc::new(Mutex::new(scanner)));
        let mut watch_loop = Self { queue, os_watcher, scanner, rescan, due: Instant::now(), first_event: None };
        for (item, found) in baseline.found {
            match found {
                ItemState::Whole { digest, .. } => watch_loop.queue.assume(item, digest),
                ItemState::Absent | ItemState::Unreadable(_) => watch_loop.queue.offer(item, found),
            }
        }
        watch_loop.on_scanned(baseline.next);
        watch_loop
    }

    pub(super) async fn run(mut self, changes: mpsc::Sender<Change>) {
        loop {
            tokio::select! {
                biased;
                () = changes.closed() => return,
                permit = changes.reserve(), if !self.queue.is_empty() => match (permit, self.queue.take()) {
                    (Ok(permit), Some(change)) => permit.send(change),
                    (Err(_), _) | (_, None) => {}
                },
                () = self.os_watcher.next_event() => self.on_event(),
                // The host also sends the same interval again to request a scan.
                Ok(()) = self.rescan.changed() => self.due = Instant::now(),
                () = sleep_until(self.due) => self.scan().await,
            }
        }
    }

    async fn scan(&mut self) {
        self.os_watcher.start();
        let scanner = Arc::clone(&self.scanner);
        let scan = move || scanner.lock().unwrap_or_else(PoisonError::into_inner).scan();
        match spawn_blocking(scan).await {
            Ok(scan) => {
                for (item, found) in scan.found {
                    self.queue.offer(item, found);
                }
                self.on_scanned(scan.next);
            }
            Err(error) => {
                tracing::error!(%error, "a scan of the configuration and plugins panicked, which is a bug; scanning again within 10 s");
                self.on_scanned(NextScan::Poll);
            }
        }
    }

    fn on_event(&mut self) {
        let now = Instant::now();
        let first_event = *self.first_event.get_or_insert(now);
        self.due = (now + SETTLE).min(first_event + SETTLE_AT_MOST);
    }

    fn on_scanned(&mut self, next: NextScan) {
        let rescan = *self.rescan.borrow();
        self.first_event = None;
        let pause = match next {
            NextScan::Event => rescan,
            NextScan::Soon => rescan.min(SETTLE),
            NextScan::Poll => rescan.min(POLL),
        };
        self.due = Instant::now() + pause;
    }
}

/// The state that was last sent for an item, without the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SentState {
    Whole(Digest),
    Unreadable(FileError),
}

/// Coalesces changes: a newer version replaces the waiting one, and if a file reverts to the last sent version, the
/// waiting change is removed.
#[derive(Debug, Default)]
struct Queue {
    sent: BTreeMap<Item, SentState>,
    waiting: BTreeMap<Item, ItemState>,
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Treats the content with this digest as already sent.
    fn assume(&mut self, item: Item, digest: Digest) {
        self.sent.insert(item, SentState::Whole(digest));
    }

    fn offer(&mut self, item: Item, found: ItemState) {
        if self.sent.get(&item) == found.sent_state().as_ref() {
            self.waiting.remove(&item);
        } else {
            self.waiting.insert(item, found);
        }
    }

    fn take(&mut self) -> Option<Change> {
        let (item, found) = self.waiting.pop_first()?;
        match found.sent_state() {
            Some(sent_state) => self.sent.insert(item.clone(), sent_state),
            None => self.sent.remove(&item),
        };
        Some(found.into_change(item))
    }
}

impl ItemState {
    fn sent_state(&self) -> Option<SentState> {
        match self {
            Self::Whole { digest, .. } => Some(SentState::Whole(*digest)),
            Self::Unreadable(error) => Some(SentState::Unreadable(error.clone())),
            Self::Absent => None,
        }
    }

    fn into_change(self, item: Item) -> Change {
        match (item, self) {
            (Item::Config, Self::Whole { bytes, .. }) => Change::Config(text(bytes)),
            (Item::Config, Self::Absent) => Change::Config(ConfigRead::Missing),
            (Item::Config, Self::Unreadable(error)) => Change::Config(ConfigRead::Unreadable(error.to_string())),
            (Item::Folder, Self::Unreadable(error)) => Change::Folder { fault: Some(error.to_string()) },
            (Item::Folder, Self::Absent | Self::Whole { .. }) => Change::Folder { fault: None },
            (Item::Plugin(name), Self::Whole { bytes, digest }) => {
                Change::Plugin { name, content: PluginContent { digest: digest.to_hex(), wasm: bytes } }
            }
            (Item::Plugin(name), Self::Absent) => Change::PluginGone { name },
            (Item::Plugin(name), Self::Unreadable(error)) => Change::PluginUnreadable { name, error },
        }
    }
}

fn text(bytes: Vec<u8>) -> ConfigRead {
    text_file::text(bytes).map_or_else(|why| ConfigRead::Unreadable(why.to_string()), ConfigRead::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> ItemState {
        ItemState::Whole { bytes: bytes.to_vec(), digest: Digest::of(bytes) }
    }

    fn plugin(name: &str) -> Item {
        Item::Plugin(name.to_owned())
    }

    fn drain(queue: &mut Queue) -> Vec<Change> {
        std::iter::from_fn(|| queue.take()).collect()
    }

    #[test]
    fn configuration_comes_first_and_the_latest_wins() {
        let mut queue = Queue::default();
        queue.offer(plugin("b"), whole(b"1"));
        queue.offer(plugin("a"), whole(b"1"));
        queue.offer(Item::Config, whole(b"x = 1"));
        queue.offer(plugin("b"), whole(b"2"));
        queue.offer(Item::Config, whole(b"x = 2"));
        let wasm = |name: &str, text: &[u8]| whole(text).into_change(plugin(name));
        assert_eq!(
            drain(&mut queue),
            [Change::Config(ConfigRead::Text("x = 2".into())), wasm("a", b"1"), wasm("b", b"2")]
        );
    }

    #[test]
    fn a_delivered_change_is_not_delivered_again() {
        let mut queue = Queue::default();
        queue.assume(plugin("a"), Digest::of(b"1"));
        queue.offer(plugin("a"), whole(b"1"));
        assert!(queue.is_empty());
        queue.offer(plugin("a"), whole(b"2"));
        queue.offer(plugin("a"), whole(b"1"));
        assert!(queue.is_empty(), "back to the active version");
        queue.offer(plugin("a"), ItemState::Absent);
        assert_eq!(drain(&mut queue), [Change::PluginGone { name: "a".into() }]);
        queue.offer(plugin("a"), ItemState::Absent);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_fault_is_reported_once() {
        let mut queue = Queue::default();
        queue.offer(Item::Config, ItemState::Unreadable(FileError::Io("no".into())));
        assert_eq!(drain(&mut queue), [Change::Config(ConfigRead::Unreadable("it cannot be read: no".into()))]);
        queue.offer(Item::Config, ItemState::Unreadable(FileError::Io("no".into())));
        assert!(queue.is_empty());
    }

    #[test]
    fn invalid_utf8_names_its_line() {
        assert_eq!(text(b"a\nb\xff\n".to_vec()), ConfigRead::Unreadable("line 2 is not UTF-8 text".into()));
    }
}
