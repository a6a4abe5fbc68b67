//! The queue of one place: its updates are handled one at a time, in order. It starts nothing itself and knows no place.

use std::collections::VecDeque;

/// At most one item of a lane is at work; the others wait in the order in which they came.
///
/// What must act at once (`/stop`) is not pushed: its caller starts it beside the lane.
#[derive(Debug)]
pub struct PlaceQueue<T> {
    waiting: VecDeque<T>,
    at_work: bool,
    /// How many may wait, so that a place that is flooded costs a known amount of memory.
    bound: usize,
}

/// The lane has no room; the item is handed back, so that its sender can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("queue an update: too many wait in this place")]
pub struct Full<T>(pub T);

impl<T> PlaceQueue<T> {
    /// A lane in which at most `bound` items wait behind the one at work.
    #[must_use]
    pub const fn new(bound: usize) -> Self {
        Self { waiting: VecDeque::new(), at_work: false, bound }
    }

    /// Takes an item in; returns it where it is to be started now, nothing where it waits.
    ///
    /// # Errors
    /// [`Full`] where as many items wait as the lane may hold.
    pub fn push(&mut self, item: T) -> Result<Option<T>, Full<T>> {
        if !self.at_work {
            self.at_work = true;
            return Ok(Some(item));
        }
        if self.waiting.len() >= self.bound {
            return Err(Full(item));
        }
        self.waiting.push_back(item);
        Ok(None)
    }

    /// The item at work is done; returns the next one, which is to be started now.
    #[must_use = "the next item counts as at work from here on"]
    pub fn finished(&mut self) -> Option<T> {
        let next = self.waiting.pop_front();
        self.at_work = next.is_some();
        next
    }

    /// Whether nothing is at work, and so nothing waits either.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        !self.at_work
    }

    /// How many wait, without the one at work.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits; something may be at work all the same.
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
        let mut lane = PlaceQueue::new(2);
        assert!(lane.is_idle());
        assert_eq!(lane.push('a'), Ok(Some('a')));
        assert_eq!(lane.push('b'), Ok(None));
        assert_eq!(lane.push('c'), Ok(None));
        assert_eq!(lane.push('d'), Err(Full('d')));
        assert_eq!(lane.len(), 2);
        assert_eq!(lane.finished(), Some('b'));
        assert_eq!(lane.push('e'), Ok(None));
        assert_eq!(lane.finished(), Some('c'));
        assert_eq!(lane.finished(), Some('e'));
        assert!(!lane.is_idle());
        assert!(lane.is_empty());
        assert_eq!(lane.finished(), None);
        assert!(lane.is_idle());
        assert_eq!(lane.push('f'), Ok(Some('f')));
    }

    #[test]
    fn finishing_an_idle_lane_changes_nothing() {
        let mut lane = PlaceQueue::new(1);
        assert_eq!(lane.finished(), None);
        assert_eq!(lane.push(1), Ok(Some(1)));
    }

    proptest! {
        /// Whatever comes and ends when: what was accepted starts in order, each once, never two at a time.
        #[test]
        fn accepted_items_start_once_and_in_order(bound in 0_usize..5, steps in prop::collection::vec(any::<bool>(), 0..60)) {
            let (mut lane, mut accepted, mut started, mut running) = (PlaceQueue::new(bound), vec![], vec![], false);
            for (number, comes) in steps.into_iter().enumerate() {
                let start = if comes {
                    let pushed = lane.push(number);
                    if pushed.is_ok() {
                        accepted.push(number);
                    }
                    let start = pushed.ok().flatten();
                    prop_assert!(!(running && start.is_some()), "two at a time");
                    start
                } else {
                    running = false;
                    lane.finished()
                };
                running |= start.is_some();
                started.extend(start);
                prop_assert!(lane.len() <= bound);
                prop_assert_eq!(running, !lane.is_idle());
            }
            started.extend(std::iter::from_fn(|| lane.finished()));
            prop_assert_eq!(started, accepted);
        }
    }
}
