//! Tests the hub with updates that arrive and finish at random.

use proptest::prelude::*;

use super::script::Runner;
use crate::hub::HubEvent;

proptest! {
    /// In any order of arrivals and completions, each update of a place starts exactly once. Updates other than
    /// immediate commands start in order, and only while no other update of the place is being handled.
    #[test]
    fn updates_start_once_and_in_order(steps in prop::collection::vec((0_usize..4, 0_usize..2), 0..60)) {
        let mut runner = Runner::new();
        let mut places: [Arrivals; 2] = Default::default();
        for (kind, place) in steps {
            let text = ["hello", "/remind 1h", "/stop"].get(kind);
            let event = if let Some(text) = text {
                let row = runner.row(&format!("ann {place}: {text}"));
                places[place].accepted.push((row.id.0, *text));
                HubEvent::Accepted(vec![row])
            } else {
                let Some(id) = places[place].running.pop() else { continue };
                HubEvent::Finished(runner.slots.remove(&id).unwrap())
            };
            let started = runner.handle(event);
            places[place].start(&started)?;
        }
        for place in &mut places {
            while let Some(id) = place.running.pop() {
                let slot = runner.slots.remove(&id).unwrap();
                place.start(&runner.handle(HubEvent::Finished(slot)))?;
            }
            place.started.sort_unstable();
            let accepted: Vec<i64> = place.accepted.iter().map(|(id, _)| *id).collect();
            prop_assert_eq!(&place.started, &accepted);
        }
        prop_assert!(runner.hub.queues.is_empty());
    }
}

/// The updates of one place in a random run.
#[derive(Default)]
struct Arrivals {
    accepted: Vec<(i64, &'static str)>,
    started: Vec<i64>,
    running: Vec<i64>,
}

impl Arrivals {
    fn is_immediate(&self, id: i64) -> bool {
        self.accepted.contains(&(id, "/stop"))
    }

    fn start(&mut self, ids: &[i64]) -> Result<(), TestCaseError> {
        for &id in ids {
            if !self.is_immediate(id) {
                prop_assert!(self.running.is_empty(), "two at a time");
                let last = self.started.iter().rfind(|one| !self.is_immediate(**one));
                prop_assert!(last.is_none_or(|last| *last < id), "out of order");
            }
            self.started.push(id);
            self.running.push(id);
        }
        Ok(())
    }
}
