//! Owns the session actors: one per session, started when the session is first needed. A suspended session that isn't
//! in use needs only a snapshot and no task, so a host can have thousands of them.

mod limit_enforcement;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cordboard_core::{
    agent_event::PromptId,
    event::{CausationChain, EventKind, SessionEvent},
    messages,
    session::{Input, Prompt, RestoredPrompts},
    typed_agent_command::AgentCommandLine,
    types::{PromptKind, SessionName, SessionRecord, SessionView, UserId},
    updates_and_posts::{InboxRow, InboxState, Update, UpdateKind},
};

use tokio::sync::RwLock;

use super::presenter::{TurnPresenter, TurnRenderer};
use crate::{
    session::{self, Handle, Ports, PromptOutcomes},
    session_registry::SessionRegistry,
};

pub struct SessionSupervisor {
    pub registry: Arc<SessionRegistry>,
    /// Read-locked while a session's name is used across several steps, such as storing and then sending a prompt for
    /// the session. Write-locked while a session is named or renamed.
    pub name_lock: RwLock<()>,
    ports: Ports,
    renderer: TurnRenderer,
    actors: Mutex<Actors>,
}

#[derive(Default)]
struct Actors {
    by_session: HashMap<SessionName, Actor>,
    /// Whether the host is shutting down. If it is, each new actor receives the shutdown as its first input.
    is_shutting_down: bool,
}

struct Actor {
    handle: Handle,
    presenter: Arc<TurnPresenter>,
}

/// The open updates from the previous run of the host.
#[derive(Debug, Default)]
pub struct RestoredInbox {
    /// The updates that the hub still has to handle.
    pub updates: Vec<InboxRow>,
    /// The open prompts of each session.
    pub prompts: HashMap<SessionName, RestoredPrompts>,
}

impl SessionSupervisor {
    #[must_use]
    pub fn new(registry: Arc<SessionRegistry>, ports: Ports, renderer: TurnRenderer) -> Self {
        Self { registry, name_lock: RwLock::default(), ports, renderer, actors: Mutex::default() }
    }

    /// Returns a handle to a session's actor, starting the actor if necessary, or `None` if the session doesn't exist.
    #[must_use]
    pub fn get(&self, name: &SessionName) -> Option<Handle> {
        let mut actors = self.actors();
        let cell = self.registry.cell(name.as_str())?;
        let is_shutting_down = actors.is_shutting_down;
        let actor = actors.by_session.entry(name.clone()).or_insert_with(|| {
            let presenter = TurnPresenter::spawn(self.renderer.clone(), Arc::clone(&cell), self.ports.outcomes.clone());
            let record = cell.view().record.clone();
            let sink = Arc::clone(&presenter) as Arc<dyn session::TurnSink>;
            let handle = session::spawn(record, cell, sink, self.ports.clone());
            if is_shutting_down {
                handle.send_first(Input::Shutdown);
            }
            Actor { handle, presenter }
        });
        Some(actor.handle.clone())
    }

    /// Renames a session whose actor has stored the new name.
    pub fn rename(&self, from: &SessionName, to: &SessionName) {
        // Hold the lock, so that the session doesn't get a second actor.
        let mut actors = self.actors();
        if let Some(actor) = actors.by_session.remove(from) {
            actors.by_session.insert(to.clone(), actor);
        }
        self.registry.rename(from, to);
    }

    /// Returns the outcomes of the sessions' prompts.
    #[must_use]
    pub const fn outcomes(&self) -> &PromptOutcomes {
        &self.ports.outcomes
    }

    fn actors(&self) -> MutexGuard<'_, Actors> {
        self.actors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Emits the event for a created session.
    pub fn emit_created(&self, view: SessionView, causes: CausationChain) {
        self.ports.events.emit(SessionEvent::of(EventKind::Created, view, self.ports.clock.now(), causes));
    }

    /// Returns the snapshot of a new or stored session that has no running agent.
    #[must_use]
    pub fn suspended_view(&self, record: SessionRecord) -> SessionView {
        let settings = self.ports.config.settings(&record);
        cordboard_core::session::Machine::new(record, settings).view()
    }

    /// Sends each session its open prompts from the previous run of the host.
    pub async fn restore(&self, prompts: HashMap<SessionName, RestoredPrompts>) {
        for (name, restored) in prompts {
            match self.get(&name) {
                Some(session) => session.restore(restored).await,
                None => tracing::warn!(%name, "dropped messages of a session that no longer exists"),
            }
        }
    }

    /// Starts the actors of sessions that a terminal holds, because the terminal may have exited while no host was
    /// running.
    pub fn watch_terminals(&self) {
        for view in self.registry.views().into_iter().filter(|view| view.record.terminal.is_some()) {
            drop(self.get(&view.record.name));
        }
    }

    fn handles(&self) -> Vec<(SessionName, Handle)> {
        self.actors().by_session.iter().map(|(name, actor)| (name.clone(), actor.handle.clone())).collect()
    }

    /// Returns when every actor has processed the messages in its channel and its snapshot shows the result.
    pub async fn caught_up(&self) {
        for (_, handle) in self.handles() {
            handle.caught_up().await;
        }
    }

    /// Sends each running actor the input that `input` returns for its session, if any.
    pub async fn send_to_all(&self, input: impl Fn(&SessionName) -> Option<Input>) {
        for (name, handle) in self.handles() {
            if let Some(input) = input(&name) {
                handle.send(input).await;
            }
        }
    }

    /// Shuts down every session, including those that are started later. Returns when every actor has received the
    /// shutdown and every snapshot shows all earlier changes; agents may still be exiting.
    pub async fn shut_down(&self) {
        self.actors().is_shutting_down = true;
        self.send_to_all(|_| Some(Input::Shutdown)).await;
        self.caught_up().await;
    }

    /// Applies the current configuration's settings to every session. For sessions without an actor, this replaces the
    /// snapshot directly.
    pub async fn apply_settings(&self) {
        self.publish_suspended_views();
        let settings = |name: &SessionName| {
            let view = self.registry.view(name.as_str())?;
            Some(Input::Settings(Box::new(self.ports.config.settings(&view.record))))
        };
        self.send_to_all(settings).await;
        self.ports.check_limits.notify_one();
    }

    fn publish_suspended_views(&self) {
        // Hold the lock, so that no actor starts in the meantime: an actor publishes its session's snapshots itself.
        let actors = self.actors();
        let has_no_actor = |view: &Arc<SessionView>| !actors.by_session.contains_key(&view.record.name);
        for view in self.registry.views().into_iter().filter(has_no_actor) {
            let new = self.suspended_view(view.record.clone());
            if let Some(cell) = self.registry.cell(view.record.name.as_str()).filter(|_| new != *view) {
                cell.publish(new);
            }
        }
    }

    /// Returns the sessions with an output that is waiting, being rendered or being stored, sorted.
    #[must_use]
    pub fn showing(&self) -> Vec<SessionName> {
        let actors = self.actors();
        let showing = actors.by_session.iter().filter(|(_, actor)| !actor.presenter.is_idle());
        let mut names: Vec<SessionName> = showing.map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }

    /// Returns the plugins whose hooks have not handled all events, sorted.
    #[must_use]
    pub fn waiting_hooks(&self) -> Vec<String> {
        self.ports.events.waiting()
    }

    /// Returns whether every output has been shown and every event has been delivered to the hooks.
    #[must_use]
    pub fn all_shown(&self) -> bool {
        self.showing().is_empty() && self.waiting_hooks().is_empty()
    }
}

/// Returns the prompt with this id in an update. `None` if the update is not a prompt.
#[must_use]
pub fn prompt_of(update: &Update, id: &PromptId) -> Option<Prompt> {
    let (kind, text) = prompt_text(update)?;
    let files = match &update.what {
        UpdateKind::NotText { files, .. } => files.clone(),
        UpdateKind::Text(_) | UpdateKind::Edited(_) | UpdateKind::Press { .. } => Vec::new(),
    };
    Some(Prompt { id: id.clone(), place: update.place.clone(), kind, text, mode: None, files })
}

/// Returns the kind of the prompt in an update, and its text as the agent receives it. `None` if the update is not a
/// prompt. Typed text that begins with two slashes and a name is always an agent command here: if a plugin exported a
/// command with that name, the hub would have called the plugin instead.
#[must_use]
pub fn prompt_text(update: &Update) -> Option<(PromptKind, String)> {
    let with_speaker = |text: &str| match &update.origin.speaker {
        Some(speaker) => format!("{speaker}: {text}"),
        None => text.to_owned(),
    };
    match &update.what {
        UpdateKind::Text(text) => {
            let typed = AgentCommandLine::parse(text).map_or(PromptKind::Text, |_| PromptKind::AgentCommand);
            match update.origin.prompt_kind.unwrap_or(typed) {
                PromptKind::Text => Some((PromptKind::Text, with_speaker(text))),
                PromptKind::AgentCommand => Some((PromptKind::AgentCommand, text.clone())),
            }
        }
        UpdateKind::NotText { kind, caption, files } if !files.is_empty() => {
            // The Messages API rejects an empty text.
            let text = caption.clone().unwrap_or_else(|| format!("[{kind}]"));
            Some((PromptKind::Text, with_speaker(&text)))
        }
        UpdateKind::NotText { kind, caption: Some(caption), .. } => {
            Some((PromptKind::Text, messages::caption_prompt(kind, &with_speaker(caption))))
        }
        UpdateKind::NotText { caption: None, .. } | UpdateKind::Edited(_) | UpdateKind::Press { .. } => None,
    }
}

impl RestoredInbox {
    /// Separates prompts for sessions from updates for the hub. `own_modes` contains the view modes that people have
    /// chosen for their prompts.
    #[must_use]
    pub fn new(rows: Vec<InboxRow>, own_modes: &HashMap<UserId, String>) -> Self {
        let mut restored = Self::default();
        for row in rows {
            let mode = own_modes.get(&row.update.caller.id).cloned();
            match (&row.state, prompt_of(&row.update, &row.prompt).map(|prompt| Prompt { mode, ..prompt })) {
                (InboxState::Queued { session }, Some(prompt)) => {
                    restored.prompts.entry(session.clone()).or_default().queued.push(prompt);
                }
                (InboxState::Sent { session }, Some(prompt)) => {
                    restored.prompts.entry(session.clone()).or_default().interrupted.push(prompt);
                }
                (InboxState::New, _) | (InboxState::Queued { .. } | InboxState::Sent { .. }, None) => {
                    restored.updates.push(row);
                }
            }
        }
        restored
    }
}

#[cfg(test)]
mod shutdown_tests;
