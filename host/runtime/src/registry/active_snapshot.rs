//! Publishes the registry's current [`Snapshot`]. Readers load it without locking, a writer replaces it as a whole, and
//! a watch channel signals each change.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::snapshot::Snapshot;

pub struct ActiveSnapshot {
    table: ArcSwap<Snapshot>,
    changed: watch::Sender<u64>,
}

impl ActiveSnapshot {
    pub fn new(table: Snapshot) -> Self {
        Self { table: ArcSwap::from_pointee(table), changed: watch::Sender::new(0) }
    }

    pub fn load_full(&self) -> Arc<Snapshot> {
        self.table.load_full()
    }

    pub fn store(&self, table: Arc<Snapshot>) {
        self.table.store(table);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Signals every replacement of the snapshot, including one that only records a rejected version.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
