//! Limits how many updates each member can send per minute.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use crate::types::{Timestamp, UserId};

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct RateLimit {
    members: HashMap<UserId, RecentUpdates>,
}

#[derive(Debug, Default)]
struct RecentUpdates {
    /// The times of the updates accepted within the last minute, in order.
    accepted: VecDeque<Timestamp>,
    /// The time at which [`Excess::First`] was last returned.
    told: Option<Timestamp>,
}

/// An update that exceeds the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// The first excess update, or the first one that arrives at least a minute after the last notice. The member is
    /// notified.
    First,
    Further,
}

impl RateLimit {
    /// Counts an update. Returns `None` if it is accepted.
    pub fn count(&mut self, member: &UserId, now: Timestamp, limit: usize) -> Option<Excess> {
        let recent = self.members.entry(member.clone()).or_default();
        while recent.accepted.front().is_some_and(|at| now.since(*at) >= MINUTE) {
            recent.accepted.pop_front();
        }
        if recent.accepted.len() < limit {
            recent.accepted.push_back(now);
            return None;
        }
        if recent.told.is_some_and(|told| now.since(told) < MINUTE) {
            return Some(Excess::Further);
        }
        recent.told = Some(now);
        Some(Excess::First)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_has_a_limit_per_minute() {
        let mut limit = RateLimit::default();
        let mut count =
            |member: &str, second: u64| limit.count(&UserId(member.to_owned()), Timestamp(second * 1000), 2);
        assert_eq!([count("ada", 0), count("ada", 30)], [None, None]);
        assert_eq!([count("ada", 31), count("ada", 59)], [Some(Excess::First), Some(Excess::Further)]);
        assert_eq!(count("bob", 59), None, "another member");
        assert_eq!(count("ada", 60), None, "the first update is a minute old");
        assert_eq!([count("ada", 61), count("ada", 90)], [Some(Excess::Further), None]);
        assert_eq!(
            [count("ada", 91), count("ada", 92)],
            [Some(Excess::First), Some(Excess::Further)],
            "a minute later"
        );
    }
}
