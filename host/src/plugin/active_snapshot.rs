//! The table that serves now: read without waiting, replaced whole, with a tick for those who act on what is plugged in.

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

    /// Ticks after each swap, and when a version was turned away.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
