//! The queue of one place: its updates are handled one at a time, in order. The caller starts the work; the queue does
//! not know the place.

use std::collections::VecDeque;

/// At most one item is in progress; the others wait in the order of their arrival.
///
/// The caller does not push updates that act at once (`/stop`), but runs them concurrently.
#[derive(Debug)]
pub struct PlaceQueue<T> {
    waiting: VecDeque<T>,
    is_busy: bool,
    /// The maximum number of waiting items, which bounds the memory of a flooded place.
    max_waiting: usize,
}

/// The queue is full. Returns the item, so that its sender can be notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("queue an update: too many are waiting in this place")]
pub struct QueueFull<T>(pub T);

impl<T> PlaceQueue<T> {
    /// Creates a queue in which at most `max_waiting` items wait behind the one in progress.
    #[must_use]
    pub const fn new(max_waiting: usize) -> Self {
        Self { waiting: VecDeque::new(), is_busy: false, max_waiting }
    }

    /// Adds an item. Returns it if it has to be started now, or `None` if it waits.
    ///
    /// # Errors
    /// [`QueueFull`] if `max_waiting` items are waiting.
    pub fn push(&mut self, item: T) -> Result<Option<T>, QueueFull<T>> {
        if !self.is_busy {
            self.is_busy = true;
            return Ok(Some(item));
        }
        if self.waiting.len() >= self.max_waiting {
            return Err(QueueFull(item));
        }
        self.waiting.push_back(item);
        Ok(None)
    }

    /// Completes the item in progress and returns the next one, which has to be started now.
    #[must_use = "the returned item counts as running from now on"]
    pub fn finished(&mut self) -> Option<T> {
        let next = self.waiting.pop_front();
        self.is_busy = next.is_some();
        next
    }

    /// Whether no item is in progress. Then none is waiting either.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        !self.is_busy
    }

    /// The number of waiting items, without the one in progress.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether no items are waiting. An item may still be in progress.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_starts_and_the_others_wait_in_order() {
        let mut queue = PlaceQueue::new(2);
        assert!(queue.is_idle());
        assert_eq!(queue.push('a'), Ok(Some('a')));
        assert_eq!(queue.push('b'), Ok(None));
        assert_eq!(queue.push('c'), Ok(None));
        assert_eq!(queue.push('d'), Err(QueueFull('d')));
        assert_eq!(queue.len(), 2);
        assert_eq!(queue.finished(), Some('b'));
        assert_eq!(queue.push('e'), Ok(None));
        assert_eq!(queue.finished(), Some('c'));
        assert_eq!(queue.finished(), Some('e'));
        assert!(!queue.is_idle());
        assert!(queue.is_empty());
        assert_eq!(queue.finished(), None);
        assert!(queue.is_idle());
        assert_eq!(queue.push('f'), Ok(Some('f')));
    }

    #[test]
    fn finishing_an_idle_queue_changes_nothing() {
        let mut queue = PlaceQueue::new(1);
        assert_eq!(queue.finished(), None);
        assert_eq!(queue.push(1), Ok(Some(1)));
    }

    proptest! {
        /// In any order of arrivals and completions, accepted items start in order, once each and one at a time.
        #[test]
        fn accepted_items_start_once_and_in_order(bound in 0_usize..5, steps in prop::collection::vec(any::<bool>(), 0..60)) {
            let (mut queue, mut accepted, mut started, mut running) = (PlaceQueue::new(bound), vec![], vec![], false);
            for (number, comes) in steps.into_iter().enumerate() {
                let start = if comes {
                    let pushed = queue.push(number);
                    if pushed.is_ok() {
                        accepted.push(number);
                    }
                    let start = pushed.ok().flatten();
                    prop_assert!(!(running && start.is_some()), "two at a time");
                    start
                } else {
                    running = false;
                    queue.finished()
                };
                running |= start.is_some();
                started.extend(start);
                prop_assert!(queue.len() <= bound);
                prop_assert_eq!(running, !queue.is_idle());
            }
            started.extend(std::iter::from_fn(|| queue.finished()));
            prop_assert_eq!(started, accepted);
        }
    }
}
