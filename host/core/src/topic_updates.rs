//! Decides when to update a topic so that it shows its session's name and state. A topic shows only the latest state,
//! and only once that state has lasted for a while. Edits that change only the icon are made even less often.

use std::{collections::BTreeMap, time::Duration};

use crate::types::{SessionName, SessionTopic, SessionView, Timestamp, TopicAppearance, TopicEdit, TopicState};

/// The minimum time from an icon change to an edit that changes only the icon, as a multiple of the topic's `pause`.
/// Each change adds a line to the topic.
const ICON_PAUSES: u32 = 6;

/// The delay after the first failure. It doubles with each subsequent failure, up to [`MAX_RETRY`].
const FIRST_RETRY: Duration = Duration::from_secs(30);

const MAX_RETRY: Duration = Duration::from_secs(60 * 60);

/// The delay if messages are pending in the chat, or if the chat's quota is used up.
const BUSY: Duration = Duration::from_secs(1);

/// The state that a topic should show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedTopic {
    pub look: TopicAppearance,
    pub is_archived: bool,
}

impl WantedTopic {
    #[must_use]
    pub fn of(view: &SessionView) -> Self {
        Self { look: TopicAppearance::of(view), is_archived: view.record.archived }
    }
}

/// The result of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditOutcome {
    Done,
    /// Messages were pending in the chat, or its quota was used up, so the edit was not sent.
    Busy,
    /// The host must not retry until this time has passed.
    RateLimited(Duration),
    /// The chat server is unavailable. The edit is retried.
    Failed,
    /// The chat rejected the edit, or the bot can't write to the chat.
    Refused,
    /// The topic no longer exists.
    Deleted,
}

/// The pending edits of all topics.
#[derive(Debug, Default)]
pub struct TopicUpdates {
    /// The tracked topics, by session id.
    topics: BTreeMap<SessionName, TrackedTopic>,
}

#[derive(Debug)]
struct TrackedTopic {
    topic: SessionTopic,
    wanted: WantedTopic,
    /// The time at which `wanted` was last changed.
    since: Timestamp,
    /// The minimum time between two frames in the topic's chat.
    pause: Duration,
    icon_changed: Option<Timestamp>,
    not_before: Timestamp,
    retry: Duration,
    /// The edit that the chat rejected. It is not repeated.
    refused: Option<TopicEdit>,
    is_in_flight: bool,
}

impl TrackedTopic {
    /// Returns the next edit to the topic, and the earliest time at which to make it.
    fn next(&self) -> Option<(Timestamp, TopicEdit)> {
        if self.is_in_flight {
            return None;
        }
        let edit = self.edit()?;
        let is_icon_only = matches!(edit, TopicEdit::Appearance { name: None, .. });
        let icon_at = self.icon_changed.filter(|_| is_icon_only).map(|at| at.after(self.pause * ICON_PAUSES));
        let times = [Some(self.since.after(self.pause)), Some(self.not_before), icon_at];
        let at = times.into_iter().flatten().max()?;
        (self.refused.as_ref() != Some(&edit)).then_some((at, edit))
    }

    fn edit(&self) -> Option<TopicEdit> {
        let (shown, wanted) = (&self.topic.shown, &self.wanted.look);
        match (self.topic.state, self.wanted.is_archived) {
            (TopicState::Open, true) => Some(TopicEdit::Close),
            (TopicState::Closed, false) => Some(TopicEdit::Reopen),
            (TopicState::Open, false) => {
                let name = (shown.name != wanted.name).then(|| wanted.name.clone());
                let icon = (shown.icon != wanted.icon).then_some(wanted.icon);
                (name.is_some() || icon.is_some()).then_some(TopicEdit::Appearance { name, icon })
            }
            (TopicState::Closed, true) => None,
            (TopicState::NotRequested | TopicState::Requested | TopicState::Unmanaged | TopicState::Deleted, _) => None,
        }
    }
}

impl TopicUpdates {
    /// Records the current state of a topic and its session. `pause` is the minimum time between two frames in the
    /// topic's chat.
    pub fn observe(&mut self, topic: SessionTopic, wanted: WantedTopic, pause: Duration, now: Timestamp) {
        match self.topics.get_mut(&topic.session) {
            None => {
                let tracked = TrackedTopic {
                    wanted,
                    since: now,
                    pause,
                    icon_changed: None,
                    not_before: Timestamp(0),
                    retry: FIRST_RETRY,
                    refused: None,
                    is_in_flight: false,
                    topic,
                };
                self.topics.insert(tracked.topic.session.clone(), tracked);
            }
            Some(tracked) => {
                if tracked.wanted != wanted {
                    tracked.since = now;
                    tracked.wanted = wanted;
                }
                tracked.pause = pause;
                tracked.topic = topic;
            }
        }
    }

    /// Returns the edits that are due, each with its topic. Call [`on_outcome`](Self::on_outcome) for each of them.
    #[must_use]
    pub fn due(&mut self, now: Timestamp) -> Vec<(SessionTopic, TopicEdit)> {
        let mut due = Vec::new();
        for tracked in self.topics.values_mut() {
            if let Some((_, edit)) = tracked.next().filter(|(at, _)| *at <= now) {
                tracked.is_in_flight = true;
                due.push((tracked.topic.clone(), edit));
            }
        }
        due
    }

    /// Returns the time of the next edit, if there is one.
    #[must_use]
    pub fn next_time(&self) -> Option<Timestamp> {
        self.topics.values().filter_map(TrackedTopic::next).map(|(at, _)| at).min()
    }

    /// Records the outcome of an edit. Returns the topic to store if it has changed.
    #[must_use]
    pub fn on_outcome(
        &mut self,
        session: &SessionName,
        edit: TopicEdit,
        outcome: EditOutcome,
        now: Timestamp,
    ) -> Option<SessionTopic> {
        let tracked = self.topics.get_mut(session)?;
        tracked.is_in_flight = false;
        match outcome {
            EditOutcome::Done => {
                tracked.retry = FIRST_RETRY;
                tracked.refused = None;
                apply(&mut tracked.topic, &edit);
                if matches!(edit, TopicEdit::Appearance { icon: Some(_), .. }) {
                    tracked.icon_changed = Some(now);
                }
                return Some(tracked.topic.clone());
            }
            EditOutcome::Deleted => {
                tracked.topic.state = TopicState::Deleted;
                return Some(tracked.topic.clone());
            }
            EditOutcome::Busy => tracked.not_before = now.after(BUSY),
            EditOutcome::RateLimited(after) => tracked.not_before = now.after(after),
            EditOutcome::Failed => {
                tracked.not_before = now.after(tracked.retry);
                tracked.retry = (tracked.retry * 2).min(MAX_RETRY);
            }
            EditOutcome::Refused => tracked.refused = Some(edit),
        }
        None
    }
}

fn apply(topic: &mut SessionTopic, edit: &TopicEdit) {
    match edit {
        TopicEdit::Appearance { name, icon } => {
            if let Some(name) = name {
                topic.shown.name.clone_from(name);
            }
            topic.shown.icon = icon.unwrap_or(topic.shown.icon);
        }
        // A person may have changed the topic during the edit.
        TopicEdit::Close if topic.state == TopicState::Open => topic.state = TopicState::Closed,
        TopicEdit::Reopen if topic.state == TopicState::Closed => topic.state = TopicState::Open,
        TopicEdit::Close | TopicEdit::Reopen => {}
    }
}

#[cfg(test)]
mod tests;
