//! Decides when a frame may be shown in a chat. All topics in a chat share its rate limit. Only frames are delayed,
//! never answers. Does no I/O.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use cordboard_core::types::Place;
use tokio::time::Instant;

use crate::{Pacing, Quota};

/// A chat without calls is forgotten after this time. No quota has a longer window.
const FORGET: Duration = Duration::from_secs(300);

/// The pace of every chat.
#[derive(Default)]
pub(super) struct Paces(HashMap<Place, Pace>);

impl Paces {
    /// Returns the pace of the chat that contains `place`.
    pub fn of(&mut self, place: &Place, now: Instant) -> &mut Pace {
        let chat = Place { topic: None, ..place.clone() };
        if !self.0.contains_key(&chat) {
            // Only a new chat makes the map grow, so other calls don't need to remove the old ones.
            self.0.retain(|_, pace| pace.is_recent(now));
        }
        self.0.entry(chat).or_default()
    }
}

#[derive(Debug, Default)]
pub(super) struct Pace {
    calls: VecDeque<Instant>,
    /// The time of the latest reserved slot or frame.
    latest: Option<Instant>,
    /// The time of the last frame.
    last_frame: Option<Instant>,
    /// The pause that applied when the latest slot was reserved.
    pause: Duration,
}

/// A time that is reserved for showing a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub at: Instant,
    pause: Duration,
}

impl Pace {
    /// Reserves a slot for one frame. Later calls reserve later slots, so that all topics in a chat take turns.
    pub fn reserve(&mut self, now: Instant, pacing: Pacing) -> Slot {
        if pacing.pause < self.pause {
            // The slots reserved under the longer pause no longer apply.
            self.latest = self.last_frame;
        }
        self.pause = pacing.pause;
        let after_pause = self.latest.map_or(now, |latest| (latest + pacing.pause).max(now));
        let at = after_pause.max(self.quota_at(now, pacing.quota));
        self.latest = Some(at);
        Slot { at, pause: pacing.pause }
    }

    /// Returns whether a reserved slot no longer applies: the pause is shorter now, or the quota was used up before the
    /// time of the slot.
    pub fn is_void(&self, slot: Slot, now: Instant, pacing: Pacing) -> bool {
        slot.pause > pacing.pause || slot.at <= now && self.quota_at(now, pacing.quota) > now
    }

    /// Records that a frame was shown at `now`, which may differ from the time of its slot.
    pub fn record_frame(&mut self, now: Instant) {
        self.latest = self.latest.max(Some(now));
        self.last_frame = Some(now);
    }

    /// Records a send, edit or delete in the chat.
    pub fn record_call(&mut self, now: Instant) {
        self.calls.push_back(now);
        while self.calls.front().is_some_and(|at| *at + FORGET <= now) {
            self.calls.pop_front();
        }
    }

    /// Returns the earliest time at which the quota permits a frame.
    pub fn quota_at(&self, now: Instant, quota: Option<Quota>) -> Instant {
        let Some(Quota { calls, within }) = quota else { return now };
        let over = self.calls.len().checked_sub(calls);
        over.and_then(|at| self.calls.get(at)).map_or(now, |oldest| (*oldest + within).max(now))
    }

    fn is_recent(&self, now: Instant) -> bool {
        let next = self.latest.map(|latest| latest + self.pause);
        let last = self.calls.back().copied().into_iter().chain(next).max();
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
        let mut moment = |topic: &Place| seconds(now, paces.of(topic, now).reserve(now, PACING).at);
        assert_eq!([moment(&topic("1")), moment(&topic("2")), moment(&topic("1"))], [0, 2, 4]);
        assert_eq!(moment(&Place::new("test", "other")), 0);
    }

    #[test]
    fn chats_without_calls_are_forgotten_when_a_new_chat_appears() {
        let (mut paces, start) = (Paces::default(), Instant::now());
        let chat = |chat: &str| Place::new("test", chat);
        paces.of(&chat("silent"), start).record_call(start);
        paces.of(&chat("active"), start).record_call(start + FORGET);
        paces.of(&chat("new"), start + FORGET);
        let mut left: Vec<String> = paces.0.keys().map(|place| place.chat.to_string()).collect();
        left.sort();
        assert_eq!(left, ["active", "new"]);
    }

    #[test]
    fn frames_leave_a_reserve_for_answers() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        for second in 0..3 {
            assert_eq!(
                pace.quota_at(start + Duration::from_secs(second), PACING.quota),
                start + Duration::from_secs(second)
            );
            pace.record_call(start + Duration::from_secs(second));
        }
        let now = start + Duration::from_secs(10);
        assert_eq!(seconds(start, pace.reserve(now, PACING).at), 60, "when the oldest call no longer counts");
        pace.record_call(now);
        assert_eq!(seconds(start, pace.reserve(now, PACING).at), 62);
        assert_eq!(pace.quota_at(start + Duration::from_secs(62), PACING.quota), start + Duration::from_secs(62));
        assert_eq!(pace.quota_at(now, None), now);
    }
}
