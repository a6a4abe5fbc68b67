//! Tests when topic edits are due, using scripts of states and times in seconds.

use super::*;
use crate::{
    types::{Place, TopicIcon},
    updates_and_posts::InboxId,
};

const PAUSE: Duration = Duration::from_secs(5);

fn look(name: &str, icon: TopicIcon) -> TopicAppearance {
    TopicAppearance { name: name.to_owned(), icon }
}

fn alpha() -> SessionName {
    "alpha".parse().unwrap()
}

/// A topic and its session, with the time in seconds.
struct World {
    updates: TopicUpdates,
    topic: SessionTopic,
}

impl World {
    fn new() -> Self {
        let place = Place { topic: Some("5".to_owned()), ..Place::new("test", "chat") };
        let shown = look("alpha", TopicIcon::Suspended);
        let (state, command) = (TopicState::Open, InboxId(1));
        Self {
            updates: TopicUpdates::default(),
            topic: SessionTopic { session: alpha(), place, state, shown, command },
        }
    }

    fn wants(&mut self, second: u64, look: TopicAppearance) {
        let wanted = WantedTopic { look, is_archived: false };
        self.updates.observe(self.topic.clone(), wanted, PAUSE, Timestamp(second * 1000));
    }

    fn archives(&mut self, second: u64, is_archived: bool) {
        let wanted = WantedTopic { look: self.topic.shown.clone(), is_archived };
        self.updates.observe(self.topic.clone(), wanted, PAUSE, Timestamp(second * 1000));
    }

    /// Returns the second at which the next edit is due.
    fn next(&self) -> Option<u64> {
        self.updates.next_time().map(|at| at.0 / 1000)
    }

    /// Performs the due edit with the given outcome, and returns the edit.
    fn edits(&mut self, second: u64, outcome: EditOutcome) -> Option<TopicEdit> {
        let now = Timestamp(second * 1000);
        let (_, edit) = self.updates.due(now).pop()?;
        assert_eq!(self.updates.due(now), [], "an edit is made once");
        if let Some(topic) = self.updates.on_outcome(&alpha(), edit.clone(), outcome, now) {
            self.topic = topic;
        }
        Some(edit)
    }
}

fn icon(icon: TopicIcon) -> TopicEdit {
    TopicEdit::Appearance { name: None, icon: Some(icon) }
}

#[test]
fn only_a_lasting_state_is_shown() {
    let mut world = World::new();
    world.wants(0, look("alpha", TopicIcon::Suspended));
    assert_eq!(world.next(), None);
    world.wants(10, look("alpha", TopicIcon::Working));
    assert_eq!(world.edits(14, EditOutcome::Done), None);
    world.wants(14, look("alpha", TopicIcon::Waiting));
    assert_eq!(world.next(), Some(19));
    assert_eq!(world.edits(19, EditOutcome::Done), Some(icon(TopicIcon::Waiting)));
    assert_eq!(world.next(), None);
}

#[test]
fn the_icon_changes_rarely_and_the_name_at_once() {
    let mut world = World::new();
    world.wants(0, look("alpha", TopicIcon::Working));
    assert_eq!(world.edits(5, EditOutcome::Done), Some(icon(TopicIcon::Working)));
    world.wants(6, look("alpha", TopicIcon::Idle));
    assert_eq!(world.next(), Some(35), "six pauses after the last change");
    world.wants(7, look("beta", TopicIcon::Idle));
    let both = TopicEdit::Appearance { name: Some("beta".to_owned()), icon: Some(TopicIcon::Idle) };
    assert_eq!(world.edits(12, EditOutcome::Done), Some(both));
    world.wants(13, look("beta", TopicIcon::Idle));
    assert_eq!(world.next(), None);
}

#[test]
fn an_archived_session_closes_its_topic_until_it_is_restored() {
    let mut world = World::new();
    world.archives(0, true);
    assert_eq!(world.edits(5, EditOutcome::Done), Some(TopicEdit::Close));
    assert_eq!(world.topic.state, TopicState::Closed);
    world.archives(6, true);
    assert_eq!(world.next(), None);
    world.archives(7, false);
    assert_eq!(world.edits(12, EditOutcome::Done), Some(TopicEdit::Reopen));
    assert_eq!(world.topic.state, TopicState::Open);
}

#[test]
fn a_topic_that_a_person_changed_is_left_alone() {
    for state in [TopicState::Unmanaged, TopicState::Deleted, TopicState::NotRequested, TopicState::Requested] {
        let mut world = World::new();
        world.topic.state = state;
        world.wants(0, look("beta", TopicIcon::Working));
        assert_eq!(world.next(), None, "{state:?}");
        world.archives(1, true);
        assert_eq!(world.next(), None, "{state:?}");
    }
}

#[test]
fn a_change_by_a_person_during_an_edit_is_kept() {
    let mut world = World::new();
    world.archives(0, true);
    let (_, edit) = world.updates.due(Timestamp(5000)).pop().unwrap();
    world.topic.state = TopicState::Unmanaged;
    world.archives(5, true);
    let stored = world.updates.on_outcome(&alpha(), edit, EditOutcome::Done, Timestamp(6000));
    assert_eq!(stored.unwrap().state, TopicState::Unmanaged);
}

#[test]
fn failures_delay_the_newest_edit() {
    let mut world = World::new();
    world.wants(0, look("alpha", TopicIcon::Working));
    assert!(world.edits(5, EditOutcome::Busy).is_some());
    assert_eq!(world.next(), Some(6));
    assert!(world.edits(6, EditOutcome::RateLimited(Duration::from_secs(40))).is_some());
    assert_eq!(world.next(), Some(46));
    assert!(world.edits(46, EditOutcome::Failed).is_some());
    assert_eq!(world.next(), Some(76));
    assert!(world.edits(76, EditOutcome::Failed).is_some());
    assert_eq!(world.next(), Some(136));
    world.wants(100, look("alpha", TopicIcon::Waiting));
    assert_eq!(world.edits(136, EditOutcome::Done), Some(icon(TopicIcon::Waiting)), "only the newest state is sent");
}

#[test]
fn a_refused_edit_is_not_repeated() {
    let mut world = World::new();
    world.wants(0, look("alpha", TopicIcon::Working));
    assert!(world.edits(5, EditOutcome::Refused).is_some());
    assert_eq!(world.next(), None);
    world.wants(10, look("alpha", TopicIcon::Idle));
    assert_eq!(world.edits(15, EditOutcome::Done), Some(icon(TopicIcon::Idle)));
}

#[test]
fn a_deleted_topic_is_not_changed_again() {
    let mut world = World::new();
    world.wants(0, look("alpha", TopicIcon::Working));
    assert!(world.edits(5, EditOutcome::Deleted).is_some());
    assert_eq!(world.topic.state, TopicState::Deleted);
    assert_eq!(world.next(), None);
}
