//! Decides when a frame may be shown in a chat. All topics of a chat share its rate limit. Only frames are delayed;
//! answers are not. Pure.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use cordboard_core::types::Place;
use tokio::time::Instant;

use crate::{Pacing, Quota};

/// A chat without a call for this long is forgotten. No quota has a longer window.
const FORGET: Duration = Duration::from_secs(300);

/// The pace of every chat.
#[derive(Default)]
pub(super) struct Paces(HashMap<Place, Pace>);

impl Paces {
    /// Returns the pace of the chat that `place` is in.
    pub fn of(&mut self, place: &Place, now: Instant) -> &mut Pace {
        self.0.retain(|_, pace| pace.is_recent(now));
        let chat = Place { topic: None, ..place.clone() };
        self.0.entry(chat).or_default()
    }
}

#[derive(Debug, Default)]
pub(super) struct Pace {
    calls: VecDeque<Instant>,
    /// The earliest slot for the next frame.
    next: Option<Instant>,
}

impl Pace {
    /// Reserves a slot for one frame. The next call gets a later slot, so that all topics of a chat take turns.
    pub fn reserve(&mut self, now: Instant, pacing: Pacing) -> Instant {
        let at = self.next.map_or(now, |next| next.max(now)).max(self.room_at(now, pacing.quota));
        self.next = Some(at + pacing.pause);
        at
    }

    /// Returns whether a frame may be shown now.
    pub fn has_room(&mut self, now: Instant, pacing: Pacing) -> bool {
        self.room_at(now, pacing.quota) <= now
    }

    /// Records that a frame was shown, even if its slot was at another time.
    pub fn shown(&mut self, now: Instant, pacing: Pacing) {
        let next = now + pacing.pause;
        self.next = Some(self.next.map_or(next, |at| at.max(next)));
    }

    /// Records a call.
    pub fn called(&mut self, now: Instant) {
        self.calls.push_back(now);
        while self.calls.front().is_some_and(|at| *at + FORGET <= now) {
            self.calls.pop_front();
        }
    }

    fn room_at(&self, now: Instant, quota: Option<Quota>) -> Instant {
        let Some(Quota { calls, within }) = quota else { return now };
        let over = self.calls.len().checked_sub(calls);
        over.and_then(|at| self.calls.get(at)).map_or(now, |oldest| (*oldest + within).max(now))
    }

    fn is_recent(&self, now: Instant) -> bool {
        let last = self.calls.back().copied().into_iter().chain(self.next).max();
        last.is_some_and(|at| at + FORGET > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACING: Pacing =
        Pacing { pause: Duration::from_secs(2), quota: Some(Quota { calls: 3, within: Duration::from_secs(60) }) };

    fn seconds(from: Instant, to: Instant) -> u64 {
        (to - from).as_secs()
    }

    #[test]
    fn topics_of_a_chat_get_slots_in_turn() {
        let (mut paces, now) = (Paces::default(), Instant::now());
        let topic = |topic: &str| Place { topic: Some(topic.to_owned()), ..Place::new("test", "chat") };
        let mut moment = |topic: &Place| seconds(now, paces.of(topic, now).reserve(now, PACING));
        assert_eq!([moment(&topic("1")), moment(&topic("2")), moment(&topic("1"))], [0, 2, 4]);
        assert_eq!(moment(&Place::new("test", "other")), 0);
    }

    #[test]
    fn frames_leave_a_reserve_for_answers() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        for second in 0..3 {
            assert!(pace.has_room(start + Duration::from_secs(second), PACING));
            pace.called(start + Duration::from_secs(second));
        }
        let now = start + Duration::from_secs(10);
        assert!(!pace.has_room(now, PACING));
        assert_eq!(seconds(start, pace.reserve(now, PACING)), 60, "when the oldest call no longer counts");
        pace.called(now);
        assert_eq!(seconds(start, pace.reserve(now, PACING)), 62);
        assert!(pace.has_room(start + Duration::from_secs(62), PACING));
        assert!(pace.has_room(now, Pacing { quota: None, ..PACING }));
    }
}
