//! Delivers session events to hook plugins. Each plugin has its own queue and receives its events in order, one call at
//! a time, so a slow or failing hook delays nothing else, and only its own events can be lost. Events are not stored:
//! events still queued when the host exits are lost.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
};

use cordboard_core::{event::SessionEvent, language};
use cordboard_runtime::{CallError, HostApi, Registry};

use super::host_api::HostService;
use crate::session::EventSink;

/// The maximum number of waiting events per plugin. A busy host emits a few events per second, so a hook whose queue is
/// full is at least about a minute behind. When the queue is full, the oldest event is dropped, because newer ones are
/// more useful.
const QUEUE: usize = 256;

/// Queues the events for hooks and delivers them. `host` is weak because the host service owns the sessions, which own
/// the event bus.
pub struct EventBus {
    plugins: Arc<Registry>,
    host: OnceLock<Weak<HostService>>,
    queues: Mutex<HashMap<String, Queue>>,
}

/// The events waiting for one plugin. The queue exists as long as a task is delivering its events.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Arc<SessionEvent>>,
    dropped: u64,
}

/// The result of adding an event to a queue.
#[derive(Debug, PartialEq, Eq)]
enum Queued {
    /// The queue was just created, and no task delivers its events yet.
    First,
    Behind,
    /// The oldest event was dropped to make room. Contains the number of events dropped since the queue was created.
    InPlaceOf(u64),
}

impl EventBus {
    #[must_use]
    pub fn new(plugins: Arc<Registry>) -> Arc<Self> {
        Arc::new(Self { plugins, host: OnceLock::new(), queues: Mutex::default() })
    }

    /// Sets the host service that hooks call. Until this is called, events are discarded.
    pub fn set_host(&self, host: &Arc<HostService>) {
        drop(self.host.set(Arc::downgrade(host)));
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<String, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, plugin: &str, event: Arc<SessionEvent>) -> Queued {
        let mut queues = self.queues();
        let Some(queue) = queues.get_mut(plugin) else {
            let queue = Queue { waiting: VecDeque::from([event]), dropped: 0 };
            queues.insert(plugin.to_owned(), queue);
            return Queued::First;
        };
        queue.push(event)
    }

    /// Removes and returns the next event. Removes the queue if it is empty.
    fn next(&self, plugin: &str) -> Option<Arc<SessionEvent>> {
        let mut queues = self.queues();
        let next = queues.get_mut(plugin)?.waiting.pop_front();
        if next.is_none() {
            queues.remove(plugin);
        }
        next
    }

    async fn deliver(self: Arc<Self>, plugin: String) {
        while let Some(event) = self.next(&plugin) {
            let Some(host) = self.host.get().and_then(Weak::upgrade) else { continue };
            let place = event.session.as_ref().and_then(|view| view.record.place.as_ref());
            let language = host.outbound.language_or_default(place);
            let host = Arc::new(host.caused_by(event.causes.through(&plugin))) as Arc<dyn HostApi>;
            let call = self.plugins.hook(&host, &plugin, &event);
            match language::scope(language, call).await {
                // `NotOffered` means that the plugin was deactivated in the meantime.
                Ok(()) | Err(CallError::NotOffered(_)) => {}
                Err(error) => tracing::warn!(plugin, event = event.kind.as_str(), %error, "hook failed"),
            }
        }
    }
}

impl Queue {
    fn push(&mut self, event: Arc<SessionEvent>) -> Queued {
        self.waiting.push_back(event);
        if self.waiting.len() <= QUEUE {
            return Queued::Behind;
        }
        self.waiting.pop_front();
        self.dropped += 1;
        Queued::InPlaceOf(self.dropped)
    }
}

impl EventSink for Arc<EventBus> {
    fn emit(&self, event: SessionEvent) {
        let table = self.plugins.snapshot();
        let event = Arc::new(event);
        for plugin in table.hooks().filter(|plugin| !event.causes.has(plugin)) {
            match self.push(plugin, Arc::clone(&event)) {
                Queued::First => drop(tokio::spawn(Self::clone(self).deliver(plugin.to_owned()))),
                Queued::InPlaceOf(1) => {
                    tracing::warn!(plugin, queue = QUEUE, "hook is too slow: dropping its oldest events");
                }
                Queued::Behind | Queued::InPlaceOf(_) => {}
            }
        }
    }

    fn waiting(&self) -> Vec<String> {
        let mut plugins: Vec<String> = self.queues().keys().cloned().collect();
        plugins.sort();
        plugins
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::types::Timestamp;

    use super::*;

    #[test]
    fn the_oldest_events_are_dropped_and_counted() {
        let event = |at| Arc::new(SessionEvent::host_started("1", Timestamp(at)));
        let mut queue = Queue::default();
        let filled: Vec<_> = (0..QUEUE as u64).map(|at| queue.push(event(at))).collect();
        assert!(filled.iter().all(|queued| *queued == Queued::Behind));
        assert_eq!([queue.push(event(1000)), queue.push(event(1001))], [Queued::InPlaceOf(1), Queued::InPlaceOf(2)]);
        let (first, last) = (queue.waiting.front().unwrap(), queue.waiting.back().unwrap());
        assert_eq!((queue.waiting.len(), first.at, last.at), (QUEUE, Timestamp(2), Timestamp(1001)));
    }
}
