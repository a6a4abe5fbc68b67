//! The table that serves now: read without waiting, replaced whole, with a tick for those who act on what is plugged in.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::table::Table;

pub struct Published {
    table: ArcSwap<Table>,
    changed: watch::Sender<u64>,
}

impl Published {
    pub fn new(table: Table) -> Self {
        Self { table: ArcSwap::from_pointee(table), changed: watch::Sender::new(0) }
    }

    pub fn load_full(&self) -> Arc<Table> {
        self.table.load_full()
    }

    pub fn store(&self, table: Arc<Table>) {
        self.table.store(table);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Ticks after each swap, and when a version was turned away.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
