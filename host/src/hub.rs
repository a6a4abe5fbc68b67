//! Runs the hub: passes events to [`cordboard_core::hub`] and performs each returned dispatch on its own task. The loop
//! must not await a plugin, an agent or a chat.

mod access_withdrawal;
mod agent_answers;
mod dispatch;
mod edits;
mod event_bus;
mod file_downloads;
mod filters;
mod host_api;
mod inbox_writer;
mod interrupted_turns;
mod live_config;
mod outbound;
mod panics;
mod place_languages;
mod press_context;
mod prompts;
mod session_attachments;
pub(crate) mod session_errors;
mod sessions;
mod text_answers;
mod topic_creation;
mod transcription;
mod undispatched_prompts;
mod usage;

pub use dispatch::Dispatcher;
pub use event_bus::EventBus;
pub use file_downloads::CommandFiles;
pub use host_api::HostService;
pub use host_api::chat_members::{person_of, role, script};
pub use host_api::script_prompts::ScriptedPrompt;
pub use host_api::send::PromptKeys;
pub use inbox_writer::InboxWriter;
pub use live_config::{LiveConfig, plugin_settings, read_secrets};
pub use outbound::{Outbound, OutboundSink};
pub use place_languages::PlaceLanguages;
pub use sessions::plugin_queries::QueryRunner;
pub use sessions::presenter::TurnRenderer;
pub use sessions::quiescence::QuiescenceWaiter;
pub use sessions::supervisor::{RestoredInbox, SessionSupervisor};
pub use text_answers::TextAnswers;
pub use topic_creation::TopicCreation;
pub use transcription::Transcriber;
pub use usage::UsageLedger;
pub(crate) use {
    dispatch::error_text,
    filters::{FilterCalls, FilteredText},
    host_api::{
        agents,
        fork::forked,
        new_session::{NameRules, NewSession, check_new_name, check_persona, resolve_agent},
    },
    press_context::{CommandChange, Press},
    prompts::{acknowledgment, not_addressed, waits},
    sessions::plugin_queries::QueriedPlugins,
};

use std::{collections::HashMap, sync::Arc};

use cordboard_core::{
    hub::{Hub, HubEvent, HubFacts, PlaceSettings, Slot},
    language,
    updates_and_posts::InboxRow,
};
use tokio::{
    sync::{mpsc, watch},
    task::{Id, JoinHandle, JoinSet},
};

use self::undispatched_prompts::{PromptTaker, TakePrompts};
use crate::service_manager::Watchdog;

/// The capacity of the channel into the hub, in batches. The loop never blocks, so a full channel drains quickly.
const BATCHES: usize = 64;

/// Sends events, such as accepted updates, to the hub.
pub type Intake = mpsc::Sender<HubEvent>;

/// Creates the channel into the hub. The front-end opens before the hub starts, so the channel is created first.
#[must_use]
pub fn intake() -> (Intake, mpsc::Receiver<HubEvent>) {
    mpsc::channel(BATCHES)
}

/// A handle to the running hub.
pub struct HubHandle {
    closing: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl HubHandle {
    /// Stops accepting updates. Returns when all accepted updates have been handled.
    pub async fn finish(self) {
        self.closing.send_replace(true);
        drop(self.task.await);
    }
}

/// Starts the hub on its own task.
#[must_use]
pub fn spawn(dispatcher: Arc<Dispatcher>, accepted: mpsc::Receiver<HubEvent>, watchdog: Watchdog) -> HubHandle {
    let (closing, closed) = watch::channel(false);
    let (requester, requests) = undispatched_prompts::channel();
    let (hub, tasks) = (Hub::default(), Tasks::default());
    let hub_loop = HubLoop { hub, dispatcher, accepted, closed, requester, requests, tasks, watchdog };
    HubHandle { closing, task: tokio::spawn(hub_loop.run()) }
}

struct HubLoop {
    hub: Hub,
    dispatcher: Arc<Dispatcher>,
    accepted: mpsc::Receiver<HubEvent>,
    closed: watch::Receiver<bool>,
    /// Cloned for each dispatch, because a dispatched command may remove waiting prompts from the queue.
    requester: mpsc::Sender<TakePrompts>,
    requests: mpsc::Receiver<TakePrompts>,
    tasks: Tasks,
    watchdog: Watchdog,
}

impl HubLoop {
    async fn run(mut self) {
        while !self.hub.is_drained() {
            let event = self.next().await;
            self.handle(event);
        }
    }

    async fn next(&mut self) -> HubEvent {
        let timeout = self.hub.poll_timeout().map(|at| self.dispatcher.host.clock.instant(at));
        let timeout = async {
            match timeout {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(timeout);
        loop {
            tokio::select! {
                // Updates that are already in the channel are still received before the channel closes.
                Ok(()) = self.closed.changed() => self.accepted.close(),
                Some(request) = self.requests.recv() => self.take_prompts(request),
                Some(slot) = self.tasks.next() => return HubEvent::Finished(slot),
                event = self.accepted.recv(), if self.hub.is_open() => return event.unwrap_or(HubEvent::Closed),
                () = &mut timeout => return HubEvent::Timeout,
                // If this loop is stuck, systemd restarts the host.
                () = self.watchdog.ping() => {}
            }
        }
    }

    fn handle(&mut self, event: HubEvent) {
        let (config, commands) = (self.dispatcher.host.config(), self.dispatcher.plugins.snapshot());
        let facts = HubFacts {
            now: self.dispatcher.host.clock.now(),
            has_filters: !config.plugins.filters.is_empty(),
            settings: &|place| {
                let telegram = config.telegram_of(place);
                PlaceSettings { patience: telegram.gather, per_minute: telegram.per_minute }
            },
            commands: &*commands,
            role: &|id, place| role(id, place, &config.access),
        };
        for dispatch in self.hub.handle(event, &facts) {
            let (slot, dispatcher) = (dispatch.slot.clone(), Arc::clone(&self.dispatcher));
            let waiting = PromptTaker::new(self.requester.clone(), dispatch.update.row.id);
            let language = config.language.texts.language(dispatch.update.row.update.locale.as_deref());
            let task = async move { dispatcher.perform_or_set_aside(dispatch, waiting).await };
            self.tasks.spawn(slot, language::scope(language, task));
        }
    }

    fn take_prompts(&mut self, request: TakePrompts) {
        let TakePrompts { place, session, before, taken } = request;
        let sessions = &self.dispatcher.host.sessions.registry;
        let is_for_session = |row: &InboxRow| {
            let active = sessions.active(&row.update.caller, &row.update.place);
            row.id < before && active.is_some_and(|view| view.record.name == session)
        };
        drop(taken.send(self.hub.take_prompts(&place, is_for_session)));
    }
}

/// The tasks that handle updates. Every finished task is reported, even if it panicked, because its place's queue would
/// otherwise stay blocked.
#[derive(Default)]
struct Tasks {
    running: JoinSet<()>,
    slots: HashMap<Id, Slot>,
}

impl Tasks {
    fn spawn(&mut self, slot: Slot, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.running.spawn(task).id();
        self.slots.insert(id, slot);
    }

    /// Returns the slot of the next finished task. A panic affects only its task's update, not the updates that wait
    /// behind it. Returns `None` if no task is running. Cancel safe.
    async fn next(&mut self) -> Option<Slot> {
        let id = match self.running.join_next_with_id().await? {
            Ok((id, ())) => id,
            Err(error) => {
                let slot = self.slots.get(&error.id());
                tracing::error!(%error, ?slot, "failed to set an update aside: it is tried again after a restart");
                error.id()
            }
        };
        Some(self.slots.remove(&id).unwrap_or(Slot::Bypass))
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::types::Place;

    use super::*;

    #[tokio::test]
    async fn a_panicking_task_frees_its_queue() {
        let mut tasks = Tasks::default();
        let queue = Slot::Queue(Place::new("test", "home"));
        tasks.spawn(queue.clone(), async { panic!("a bug") });
        assert_eq!(tasks.next().await, Some(queue.clone()));
        tasks.spawn(Slot::Bypass, async { panic!("another") });
        assert_eq!(tasks.next().await, Some(Slot::Bypass));
        tasks.spawn(queue.clone(), async {});
        assert_eq!(tasks.next().await, Some(queue));
        assert!(tasks.next().await.is_none());
    }
}
