//! Owns the session actors: one per session, started when the session is first needed. A suspended session that is not
//! used costs a snapshot and no task, so there may be thousands.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cordboard_core::{
    chat::{InboxRow, InboxState, Update, UpdateKind},
    event::{CausationChain, EventKind, SessionEvent},
    messages,
    session::{Input, Prompt},
    types::{SessionName, SessionRecord, SessionView},
};

use super::presenter::{TurnPresenter, TurnRenderer};
use crate::{
    session::{self, Handle, Past, Ports},
    session_registry::SessionRegistry,
};

pub struct SessionSupervisor {
    pub roster: Arc<SessionRegistry>,
    ports: Ports,
    painter: TurnRenderer,
    actors: Mutex<Actors>,
}

#[derive(Default)]
struct Actors {
    lines: HashMap<SessionName, Line>,
    /// The host is shutting down: an actor that is started from now on receives the shutdown first.
    ending: bool,
}

struct Line {
    handle: Handle,
    presenter: Arc<TurnPresenter>,
}

/// The prompts that the inbox contained at startup, by session.
pub type Revived = HashMap<SessionName, Past>;

impl SessionSupervisor {
    #[must_use]
    pub fn new(roster: Arc<SessionRegistry>, ports: Ports, painter: TurnRenderer) -> Self {
        Self { roster, ports, painter, actors: Mutex::default() }
    }

    /// Returns the actor of a session, starting it if necessary. `None` if the session does not exist.
    #[must_use]
    pub fn get(&self, name: &SessionName) -> Option<Handle> {
        let cell = self.roster.cell(name.as_str())?;
        let mut actors = self.actors();
        let ending = actors.ending;
        let line = actors.lines.entry(name.clone()).or_insert_with(|| {
            let presenter = TurnPresenter::spawn(self.painter.clone(), name.clone());
            let record = cell.view().record.clone();
            let stage = Arc::clone(&presenter) as Arc<dyn session::TurnSink>;
            let handle = session::spawn(record, cell, stage, self.ports.clone());
            if ending {
                handle.send_first(Input::Shutdown);
            }
            Line { handle, presenter }
        });
        Some(line.handle.clone())
    }

    fn actors(&self) -> MutexGuard<'_, Actors> {
        self.actors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Emits the event for a created session.
    pub fn tell_created(&self, view: SessionView, causes: CausationChain) {
        self.ports.herald.tell(SessionEvent::of(EventKind::Created, view, self.ports.clock.now(), causes));
    }

    /// Returns the snapshot of a new or stored session without an agent.
    #[must_use]
    pub fn at_rest(&self, record: SessionRecord) -> SessionView {
        let settings = self.ports.setup.settings(&record);
        cordboard_core::session::Machine::new(record, settings).view()
    }

    /// Gives the sessions back the prompts that were accepted for them before the host started.
    pub async fn revive(&self, revived: Revived) {
        for (name, past) in revived {
            match self.get(&name) {
                Some(line) => line.restore(past).await,
                None => tracing::warn!(%name, "dropped messages of a session that no longer exists"),
            }
        }
    }

    fn handles(&self) -> Vec<(SessionName, Handle)> {
        self.actors().lines.iter().map(|(name, line)| (name.clone(), line.handle.clone())).collect()
    }

    /// Returns when every actor has processed the messages in its channel and its snapshot shows the result.
    pub async fn caught_up(&self) {
        for (_, handle) in self.handles() {
            handle.caught_up().await;
        }
    }

    /// Sends every running actor the input that `input` returns for it, if any.
    pub async fn tell_all(&self, input: impl Fn(&SessionName) -> Option<Input>) {
        for (name, handle) in self.handles() {
            if let Some(input) = input(&name) {
                handle.send(input).await;
            }
        }
    }

    /// Shuts down every session, including those that are started later. Returns when every actor has received the
    /// shutdown and every snapshot shows the changes made before; agents may still be exiting.
    pub async fn end(&self) {
        self.actors().ending = true;
        self.tell_all(|_| Some(Input::Shutdown)).await;
        self.caught_up().await;
    }

    /// Applies the settings of the current configuration to every session. The snapshots of sessions without an actor
    /// are replaced here.
    pub async fn resettle(&self) {
        self.resettle_resting();
        let settings = |name: &SessionName| {
            let view = self.roster.view(name.as_str())?;
            Some(Input::Settings(self.ports.setup.settings(&view.record)))
        };
        self.tell_all(settings).await;
    }

    fn resettle_resting(&self) {
        // The lock keeps actors from starting, because an actor publishes its own snapshots.
        let actors = self.actors();
        let resting = |view: &Arc<SessionView>| !actors.lines.contains_key(&view.record.name);
        for view in self.roster.views().into_iter().filter(resting) {
            let anew = self.at_rest(view.record.clone());
            if let Some(cell) = self.roster.cell(view.record.name.as_str()).filter(|_| anew != *view) {
                cell.publish(anew);
            }
        }
    }

    /// Returns the sessions with a scene that is waiting, being rendered or being stored, sorted.
    #[must_use]
    pub fn showing(&self) -> Vec<SessionName> {
        let actors = self.actors();
        let showing = actors.lines.iter().filter(|(_, line)| !line.presenter.is_idle());
        let mut names: Vec<SessionName> = showing.map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }

    /// Returns the plugins whose hooks have not handled all events, sorted.
    #[must_use]
    pub fn waiting_hooks(&self) -> Vec<String> {
        self.ports.herald.waiting()
    }

    /// Returns whether every scene has been shown and every event has been delivered to the hooks.
    #[must_use]
    pub fn all_shown(&self) -> bool {
        self.showing().is_empty() && self.waiting_hooks().is_empty()
    }
}

/// Returns the prompt of an inbox row. `None` if its update is not a prompt.
#[must_use]
pub fn prompt_of(row: &InboxRow) -> Option<Prompt> {
    let text = words_of(&row.update)?;
    Some(Prompt { id: row.prompt.clone(), place: row.update.place.clone(), text })
}

/// Returns the text of an update as the agent receives it. `None` if the update is not a prompt.
#[must_use]
pub fn words_of(update: &Update) -> Option<String> {
    let said = |words: &str| match &update.origin.speaker {
        Some(speaker) => format!("{speaker}: {words}"),
        None => words.to_owned(),
    };
    match &update.what {
        UpdateKind::Text(text) => Some(said(text)),
        UpdateKind::NotText { kind, caption: Some(caption) } => Some(messages::caption_prompt(kind, &said(caption))),
        UpdateKind::NotText { caption: None, .. } | UpdateKind::Edited(_) | UpdateKind::Press { .. } => None,
    }
}

/// Splits the inbox at startup: updates to dispatch again, and prompts that sessions get back.
#[must_use]
pub fn sort(rows: Vec<InboxRow>) -> (Vec<InboxRow>, Revived) {
    let mut anew = Vec::new();
    let mut revived = Revived::new();
    for row in rows {
        match (&row.state, prompt_of(&row)) {
            (InboxState::Queued { session }, Some(prompt)) => {
                revived.entry(session.clone()).or_default().queued.push(prompt);
            }
            (InboxState::Sent { session }, Some(prompt)) => {
                revived.entry(session.clone()).or_default().cut_off.push(prompt);
            }
            (InboxState::New, _) | (InboxState::Queued { .. } | InboxState::Sent { .. }, None) => anew.push(row),
        }
    }
    (anew, revived)
}

#[cfg(test)]
mod tests;
