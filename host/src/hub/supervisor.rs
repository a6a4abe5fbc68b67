//! The lines: one actor a session, started when the session is first needed. Ten thousand suspended sessions are ten thousand snapshots, no tasks.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cordboard_core::{
    chat::{InboxRow, InboxState, Update, What},
    event::{CausationChain, Kind, SessionEvent},
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
    /// The host ends: an actor that is started from now on hears that first.
    ending: bool,
}

struct Line {
    handle: Handle,
    presenter: Arc<TurnPresenter>,
}

/// What the inbox held of a session when the host started.
pub type Revived = HashMap<SessionName, Past>;

impl SessionSupervisor {
    #[must_use]
    pub fn new(roster: Arc<SessionRegistry>, ports: Ports, painter: TurnRenderer) -> Self {
        Self { roster, ports, painter, actors: Mutex::default() }
    }

    /// The actor of a session that exists.
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

    /// Tells that a session was made.
    pub fn tell_created(&self, view: SessionView, trail: CausationChain) {
        self.ports.herald.tell(SessionEvent::of(Kind::Created, view, self.ports.clock.now(), trail));
    }

    /// The snapshot of a new or stored session at rest.
    #[must_use]
    pub fn at_rest(&self, record: SessionRecord) -> SessionView {
        let settings = self.ports.setup.settings(&record);
        cordboard_core::session::Machine::new(record, settings).view()
    }

    /// Gives a session back what was accepted for it before the host started.
    pub async fn revive(&self, revived: Revived) {
        for (name, past) in revived {
            match self.get(&name) {
                Some(line) => line.restore(past).await,
                None => tracing::warn!(%name, "messages of a session that is not there any more"),
            }
        }
    }

    fn handles(&self) -> Vec<(SessionName, Handle)> {
        self.actors().lines.iter().map(|(name, line)| (name.clone(), line.handle.clone())).collect()
    }

    /// Returns when every actor has done what lay in its box, and its snapshot shows it.
    pub async fn caught_up(&self) {
        for (_, handle) in self.handles() {
            handle.caught_up().await;
        }
    }

    /// Tells every actor that was started.
    pub async fn tell_all(&self, input: impl Fn(&SessionName) -> Option<Input>) {
        for (name, handle) in self.handles() {
            if let Some(input) = input(&name) {
                handle.send(input).await;
            }
        }
    }

    /// Ends every session, and whichever is asked for from now on. Returns when all have heard of it and every snapshot shows what was done
    /// before; agents may still be ending.
    pub async fn end(&self) {
        self.actors().ending = true;
        self.tell_all(|_| Some(Input::Shutdown)).await;
        self.caught_up().await;
    }

    /// The settings of the configuration as it is now, for every session: a snapshot without an actor is replaced here.
    pub async fn resettle(&self) {
        self.resettle_resting();
        let settings = |name: &SessionName| {
            let view = self.roster.view(name.as_str())?;
            Some(Input::Settings(self.ports.setup.settings(&view.record)))
        };
        self.tell_all(settings).await;
    }

    fn resettle_resting(&self) {
        // Nobody starts one meanwhile, whose snapshot would be its own.
        let actors = self.actors();
        let resting = |view: &Arc<SessionView>| !actors.lines.contains_key(&view.record.name);
        for view in self.roster.views().into_iter().filter(resting) {
            let anew = self.at_rest(view.record.clone());
            if let Some(cell) = self.roster.cell(view.record.name.as_str()).filter(|_| anew != *view) {
                cell.publish(anew);
            }
        }
    }

    /// Whether every scene of every session was shown, and every hook has heard.
    #[must_use]
    pub fn all_shown(&self) -> bool {
        self.actors().lines.values().all(|line| line.presenter.is_idle()) && self.ports.herald.is_quiet()
    }
}

/// A stored prompt as a session takes it; none for what is no prompt.
#[must_use]
pub fn prompt_of(row: &InboxRow) -> Option<Prompt> {
    let text = words_of(&row.update)?;
    Some(Prompt { id: row.prompt.clone(), place: row.update.place.clone(), text })
}

/// The text of an update as the agent gets it. `None` if the update is not a prompt.
#[must_use]
pub fn words_of(update: &Update) -> Option<String> {
    let said = |words: &str| match &update.origin.speaker {
        Some(speaker) => format!("{speaker}: {words}"),
        None => words.to_owned(),
    };
    match &update.what {
        What::Text(text) => Some(said(text)),
        What::NotText { kind, caption: Some(caption) } => Some(messages::captioned(kind, &said(caption))),
        What::NotText { caption: None, .. } | What::Edited(_) | What::Press { .. } => None,
    }
}

/// Sorts what the inbox held: what is to be served again, and what sessions get back.
#[must_use]
pub fn sort(rows: Vec<InboxRow>) -> (Vec<InboxRow>, Revived) {
    let mut anew = Vec::new();
    let mut revived = Revived::new();
    for row in rows {
        match (&row.state, prompt_of(&row)) {
            (InboxState::Waiting { session }, Some(prompt)) => {
                revived.entry(session.clone()).or_default().queued.push(prompt);
            }
            (InboxState::Handed { session }, Some(prompt)) => {
                revived.entry(session.clone()).or_default().cut_off.push(prompt);
            }
            (InboxState::New, _) | (InboxState::Waiting { .. } | InboxState::Handed { .. }, None) => anew.push(row),
        }
    }
    (anew, revived)
}

#[cfg(test)]
mod tests;
