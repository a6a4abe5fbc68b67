//! Tests the hub with updates that arrive and finish at random.

use proptest::prelude::*;

use super::{arrivals::Arrivals, script::Runner};
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
                places[place].accept(row.id.0, *text == "/stop");
                HubEvent::Accepted(vec![row])
            } else {
                let Some(id) = places[place].running.pop() else { continue };
                HubEvent::Finished(runner.slots.remove(&id).unwrap())
            };
            start_all(&mut places[place], runner.handle(event))?;
        }
        for place in &mut places {
            while let Some(id) = place.running.pop() {
                let slot = runner.slots.remove(&id).unwrap();
                start_all(place, runner.handle(HubEvent::Finished(slot)))?;
            }
            prop_assert!(place.all_have_started());
        }
        prop_assert!(runner.hub.queues.is_empty());
    }
}

fn start_all(place: &mut Arrivals, started: Vec<i64>) -> Result<(), TestCaseError> {
    started.into_iter().try_for_each(|id| place.start(id)).map_err(TestCaseError::fail)
}
