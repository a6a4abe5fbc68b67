//! The way out through a pipe: writes what was ordered, in order, and says when it is written. Must never write half a line
//! between two halves of another; every order is whole lines.

use std::io::{self, Write};

use tokio::sync::mpsc;

use super::Order;

/// Runs on a thread of its own, because a pipe that nobody empties blocks. Ends with the orders, or at a writer that is gone.
pub(super) fn write(mut writer: impl Write, mut orders: mpsc::Receiver<Order>) {
    while let Some(order) = orders.blocking_recv() {
        match order {
            Order::Print { text, done } => {
                let written = writer.write_all(text.as_bytes()).and_then(|()| writer.flush());
                let failed = written.as_ref().err().map(io::Error::kind);
                // Whoever ordered it may have stopped waiting.
                drop(done.send(written));
                if let Some(kind) = failed {
                    tracing::debug!(%kind, "standard output is gone");
                    return;
                }
            }
            // A status is for eyes.
            Order::Status(_) => {}
            Order::Close { done } => {
                let _ = done.send(());
                return;
            }
        }
    }
}
