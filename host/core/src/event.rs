//! The host and session events that hooks receive, and the chain of hooks that caused an event.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::{
    turn::{Turn, TurnState},
    types::{Phase, Place, SessionName, SessionView, Timestamp},
};

/// Something that happened in the host or in a session. Hooks receive an event only after it has happened.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionEvent {
    pub kind: EventKind,
    pub at: Timestamp,
    /// The session as it was at that time, or `None` if the event doesn't concern a session.
    pub session: Option<SessionView>,
    /// Details that depend on the kind, as a JSON object.
    pub data: String,
    pub causes: CausationChain,
}

/// The kind of an event. The documentation of a variant lists the fields of its `data`, if it has any. Plugins receive
/// the kind as text, so that later releases can add kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// The host is ready. Data: `version`.
    HostStarted,
    Created,
    /// An agent is ready, in a new conversation.
    Started,
    /// An agent is ready, and continues a stored conversation or a copy of it.
    Resumed,
    /// The agent started a turn, either for a prompt or by itself. Data: `place`.
    TurnStarted,
    /// The answer is complete, or the turn failed or was interrupted. Data: `seconds`, `actions`, `cost_usd`, `error`,
    /// `place`.
    TurnFinished,
    /// The session no longer has a running agent.
    Suspended,
    /// The agent refused to resume or fork a conversation, and the user has to decide. Data: `why`.
    Asking,
    /// The agent could not be started, or exited too often. Data: `why`.
    Broken,
    Archived,
    Restored,
    /// The session was renamed. Data: `from`, the previous name.
    Renamed,
}

impl EventKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HostStarted => "host-started",
            Self::Created => "created",
            Self::Started => "started",
            Self::Resumed => "resumed",
            Self::TurnStarted => "turn-started",
            Self::TurnFinished => "turn-finished",
            Self::Suspended => "suspended",
            Self::Asking => "asking",
            Self::Broken => "broken",
            Self::Archived => "archived",
            Self::Restored => "restored",
            Self::Renamed => "renamed",
        }
    }

    /// Returns the event for a phase change, or `None` if the change has no event. `last_start` states how the
    /// session's agent was last started.
    #[must_use]
    pub const fn between(before: Phase, after: Phase, last_start: StartKind) -> Option<Self> {
        match (before, after) {
            (Phase::Archived, Phase::Archived) => None,
            (_, Phase::Archived) => Some(Self::Archived),
            (Phase::Archived, _) => Some(Self::Restored),
            (Phase::Starting, Phase::Idle | Phase::Busy) => Some(match last_start {
                StartKind::New => Self::Started,
                StartKind::Resumed => Self::Resumed,
            }),
            (Phase::Suspended, Phase::Suspended)
            | (Phase::Asking, Phase::Asking)
            | (Phase::Broken, Phase::Broken)
            | (_, Phase::Starting | Phase::Idle | Phase::Busy | Phase::Stopping) => None,
            (_, Phase::Suspended) => Some(Self::Suspended),
            (_, Phase::Asking) => Some(Self::Asking),
            (_, Phase::Broken) => Some(Self::Broken),
        }
    }

    /// Returns whether the event precedes other events from the same step of a session's state machine. For example, an
    /// agent becomes ready before it receives a prompt.
    #[must_use]
    pub const fn comes_first(self) -> bool {
        matches!(self, Self::Started | Self::Resumed | Self::Restored)
    }
}

/// The conversation that an agent starts with: a new one (`New`), or a stored one or a copy of it (`Resumed`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartKind {
    #[default]
    New,
    Resumed,
}

/// The plugins whose hooks led to an event or a call, in order: each hook reacted to an event caused by the previous
/// one. The chain is empty if the cause is a user, a timer or a call outside a hook. The plugins in the chain do not
/// receive the event. Each reaction adds a plugin, so chains are finite: a hook never receives an event that it caused,
/// and two hooks can't trigger each other forever.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CausationChain(Arc<[Arc<str>]>);

impl CausationChain {
    #[must_use]
    pub fn has(&self, plugin: &str) -> bool {
        self.0.iter().any(|name| **name == *plugin)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the chain with `plugin` appended. It applies to the calls and events that the plugin's hook causes in
    /// response to an event with this chain.
    #[must_use]
    pub fn through(&self, plugin: &str) -> Self {
        Self(self.0.iter().cloned().chain([plugin.into()]).collect())
    }
}

impl SessionEvent {
    #[must_use]
    pub fn of(kind: EventKind, view: SessionView, at: Timestamp, causes: CausationChain) -> Self {
        let data = view.why.as_ref().map_or_else(|| json!({}), |why| json!({ "why": why }));
        Self { kind, at, session: Some(view), data: data.to_string(), causes }
    }

    #[must_use]
    pub fn renamed(from: &SessionName, view: SessionView, at: Timestamp, causes: CausationChain) -> Self {
        let data = json!({ "from": from.as_str() }).to_string();
        Self { kind: EventKind::Renamed, at, session: Some(view), data, causes }
    }

    #[must_use]
    pub fn host_started(version: &str, at: Timestamp) -> Self {
        let data = json!({ "version": version }).to_string();
        Self { kind: EventKind::HostStarted, at, session: None, data, causes: CausationChain::default() }
    }

    #[must_use]
    pub fn turn_started(place: &Place, view: SessionView, at: Timestamp, causes: CausationChain) -> Self {
        let data = json!({ "place": spell(place) }).to_string();
        Self { kind: EventKind::TurnStarted, at, session: Some(view), data, causes }
    }

    #[must_use]
    pub fn turn_finished(turn: &Turn, view: SessionView, at: Timestamp, causes: CausationChain) -> Self {
        let error = match &turn.state {
            TurnState::Failed(why) => Some(why.clone()),
            TurnState::Stopped => Some(crate::messages::stopped()),
            TurnState::Running | TurnState::Done => None,
        };
        let actions = turn.parts.iter().filter(|part| matches!(part, crate::turn::TurnPart::Action(_))).count();
        let data = json!({
            "seconds": at.since(turn.began).as_secs(),
            "actions": actions,
            "cost_usd": turn.cost_usd,
            "error": error,
            "place": spell(&turn.place),
        });
        Self { kind: EventKind::TurnFinished, at, session: Some(view), data: data.to_string(), causes }
    }
}

fn spell(place: &Place) -> Json {
    let mut spelled = Map::new();
    spelled.insert("front_end".to_owned(), place.front_end.clone().into());
    spelled.insert("chat".to_owned(), place.chat.clone().into());
    spelled.insert("topic".to_owned(), place.topic.clone().into());
    Json::Object(spelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_change_is_reported_once() {
        let event = |before, after| EventKind::between(before, after, StartKind::New).map(EventKind::as_str);
        assert_eq!(event(Phase::Starting, Phase::Idle), Some("started"));
        assert_eq!(EventKind::between(Phase::Starting, Phase::Busy, StartKind::Resumed), Some(EventKind::Resumed));
        assert_eq!(event(Phase::Idle, Phase::Busy), None);
        assert_eq!(event(Phase::Idle, Phase::Stopping), None);
        assert_eq!(event(Phase::Stopping, Phase::Suspended), Some("suspended"));
        assert_eq!(event(Phase::Starting, Phase::Broken), Some("broken"));
        assert_eq!(event(Phase::Stopping, Phase::Asking), Some("asking"));
        assert_eq!(event(Phase::Stopping, Phase::Archived), Some("archived"));
        assert_eq!(event(Phase::Archived, Phase::Suspended), Some("restored"));
        for phase in [Phase::Suspended, Phase::Asking, Phase::Broken, Phase::Archived] {
            assert_eq!(event(phase, phase), None, "{phase:?}");
        }
    }

    #[test]
    fn a_causation_chain_names_every_hook() {
        let causes = CausationChain::default().through("a");
        assert!(causes.has("a") && !causes.has("b"));
        let further = causes.through("b");
        assert!(further.has("a") && further.has("b"));
        assert!(!causes.has("b"), "the previous chain is unchanged");
    }

    #[test]
    fn the_end_of_a_turn_has_its_statistics() {
        let mut turn =
            Turn::new(crate::agent_event::PromptId("1".to_owned()), Place::new("console", "local"), Timestamp(1_000));
        turn.state = TurnState::Failed("it died".to_owned());
        turn.cost_usd = Some(0.25);
        let record = crate::types::SessionRecord::new(
            "a".parse().unwrap(),
            crate::types::UserId("console:local".to_owned()),
            "/tmp".into(),
            "demo",
            Timestamp(0),
        );
        let settings = crate::session::Settings {
            idle_timeout: std::time::Duration::from_secs(1),
            busy: crate::config::Busy::Queue,
            max_queued: 1,
            max_interrupted: 1,
            stall: std::time::Duration::ZERO,
            request_expiry: std::time::Duration::from_secs(1800),
            deny_tools: Vec::new(),
            home: None,
            model: None,
            folder: None,
            agent: None,
        };
        let view = crate::session::Machine::new(record, settings).view();
        let event = SessionEvent::turn_finished(&turn, view, Timestamp(63_900), CausationChain::default());
        let data: Json = serde_json::from_str(&event.data).unwrap();
        let place = json!({ "front_end": "console", "chat": "local", "topic": null });
        let wanted = json!({ "seconds": 62, "actions": 0, "cost_usd": 0.25, "error": "it died", "place": place });
        assert_eq!(data, wanted);
    }
}
