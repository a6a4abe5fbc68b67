//! Replays each recording once for each damaged line that [`damage::all`] returns. All turns have to end as in the
//! recording.

use super::{
    recordings::{recorded_codec, recordings, repeat},
    *,
};
use crate::tests::damage::{self, Record, Turns};

/// Replays a recording with some of its lines replaced.
fn turns(about: &Value, records: &[Record], damaged: Option<(usize, &damage::Lines)>) -> Turns {
    let mut codec = recorded_codec(about);
    let mut turns = Turns::default();
    damage::replay(records, damaged, |step| match step {
        damage::Step::Host(message) => {
            repeat(&mut codec, message);
        }
        damage::Step::Agent(line) => turns.add(&codec.decode(line)),
    });
    turns
}

#[test]
fn damaged_recordings_end_the_same_turns() {
    let mut failed = Vec::new();
    for (path, recording) in recordings() {
        let (about, records) = damage::records(&recording);
        let intact = turns(&about, &records, None);
        for (place, lines) in damage::all(&records) {
            let damaged = turns(&about, &records, Some((place.line, &lines)));
            if (&damaged.ended, damaged.own_open.len()) != (&intact.ended, intact.own_open.len()) {
                failed.push(format!("{} {place}: {damaged:?} instead of {intact:?}", path.display()));
            }
        }
    }
    assert!(failed.is_empty(), "{} of them:\n{}", failed.len(), failed.join("\n"));
}
