//! The updates that are being served, and which lane each of them holds up. It must never forget a lane, whatever becomes of its task.

use std::collections::HashMap;

use cordboard_core::types::Place;
use tokio::task::{Id, JoinSet};

/// What has been served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    /// The update at work in the lane of this place.
    In(Place),
    /// One that no lane waits for.
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

    /// What was served next, well or badly: a bug costs one update, and not all that wait behind it. None: nothing is at work. Cancel safe.
    pub async fn next(&mut self) -> Option<Served> {
        let id = match self.running.join_next_with_id().await? {
            Ok((id, ())) => id,
            Err(error) => {
                let what = self.served.get(&error.id());
                tracing::error!(%error, ?what, "failed to serve an update: it is left, and tried again after a restart");
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
    async fn a_lane_is_freed_even_by_a_task_that_panics() {
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
