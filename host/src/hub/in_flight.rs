//! Tracks the updates that are being dispatched and the place queue that each occupies. It reports every finished task,
//! even one that panicked, because an unreported task would block the queue of its place.

use std::collections::HashMap;

use cordboard_core::types::Place;
use tokio::task::{Id, JoinSet};

/// A finished update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    /// It occupied the queue of this place.
    In(Place),
    /// It bypassed the queue of its place.
    Beside,
}

#[derive(Default)]
pub struct Tasks {
    running: JoinSet<()>,
    served: HashMap<Id, Served>,
}

impl Tasks {
    pub fn spawn(&mut self, what: Served, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.running.spawn(task).id();
        self.served.insert(id, what);
    }

    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Returns the next finished update, even if its task panicked: a bug costs one update, not all that wait behind
    /// it. Returns `None` if no task is running. Cancel safe.
    pub async fn next(&mut self) -> Option<Served> {
        let id = match self.running.join_next_with_id().await? {
            Ok((id, ())) => id,
            Err(error) => {
                let what = self.served.get(&error.id());
                tracing::error!(%error, ?what, "failed to handle an update: it is retried after a restart");
                error.id()
            }
        };
        Some(self.served.remove(&id).unwrap_or(Served::Beside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panicking_task_frees_its_queue() {
        let mut tasks = Tasks::default();
        let place = Place::new("test", "home");
        tasks.spawn(Served::In(place.clone()), async { panic!("a bug") });
        assert_eq!(tasks.next().await, Some(Served::In(place.clone())));
        tasks.spawn(Served::Beside, async { panic!("another") });
        assert_eq!(tasks.next().await, Some(Served::Beside));
        tasks.spawn(Served::In(place.clone()), async {});
        assert_eq!(tasks.next().await, Some(Served::In(place)));
        assert!(tasks.next().await.is_none() && tasks.is_empty());
    }
}
