//! Waits for a reason to stop the host, then shuts it down: drains turns, ends agents and flushes the outbox. It must
//! not leave a process behind or lose an accepted message.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use cordboard_chat::outbox::Outbox;
use cordboard_core::{config::format_duration, session::Input};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinHandle,
};

use super::{
    AppError,
    front_end::{Announcer, ExitReason, FrontEnd},
};
use crate::{
    hub::{HostService, HubHandle, QuiescenceWaiter},
    service_manager::ServiceManager,
};

/// The time limit for each shutdown step that sends or shows remaining posts. Posts that are not sent in time are sent
/// at the next start.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// The time limit for ending all agents in parallel. An agent gets 2 s to exit after the interrupt, 2 s after its input
/// is closed and 5 s after SIGTERM; the remaining time is for its descendants.
const AGENTS_TIMEOUT: Duration = Duration::from_secs(20);

/// The signals that make the host exit or reload. They are watched from startup to exit, because an unwatched signal is
/// lost or kills the host.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    /// systemd sends SIGHUP for `systemctl reload`. Without systemd, SIGHUP means that the terminal was closed.
    is_hangup_reload: bool,
}

/// The action that a signal requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignalAction {
    Exit,
    Reload,
}

impl Signals {
    pub fn watch(service_manager: ServiceManager) -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            is_hangup_reload: service_manager.is_present(),
        })
    }

    async fn next(&mut self) -> SignalAction {
        tokio::select! {
            _ = self.terminate.recv() => SignalAction::Exit,
            _ = self.interrupt.recv() => SignalAction::Exit,
            _ = self.hangup.recv() => if self.is_hangup_reload { SignalAction::Reload } else { SignalAction::Exit },
        }
    }

    /// Waits for a signal that makes the host exit.
    async fn exit_requested(&mut self) {
        while self.next().await != SignalAction::Exit {}
    }
}

/// Rescans the configuration and the plugin folder when systemd requests a reload.
pub struct ReloadHandler {
    pub rescan: watch::Sender<Duration>,
    pub service_manager: ServiceManager,
}

impl ReloadHandler {
    fn perform(&self) {
        tracing::info!("reload requested: scanning the configuration and the plugins");
        self.service_manager.notify_reloading();
        // Publishing the unchanged interval triggers a scan.
        self.rescan.send_modify(|_| {});
        self.service_manager.notify_ready();
    }
}

/// The delay after which the host shows what the shutdown is waiting for.
const ANNOUNCE_AFTER: Duration = Duration::from_secs(1);

/// Waits until a signal makes the host exit or the front-end ends. Reloads at the request of systemd.
pub async fn wait(front_end: &mut FrontEnd, signals: &mut Signals, reload: &ReloadHandler) -> ExitReason {
    reload.service_manager.notify_ready();
    let reason = loop {
        tokio::select! {
            requested = signals.next() => match requested {
                SignalAction::Exit => break ExitReason::Requested,
                SignalAction::Reload => reload.perform(),
            },
            reason = front_end.wait_ended() => break reason,
        }
    };
    reload.service_manager.notify_stopping();
    reason
}

pub struct Shutdown<'f> {
    pub front_end: &'f mut FrontEnd,
    pub host: Arc<HostService>,
    pub outbox: Outbox,
    /// The outbox task.
    pub sending: JoinHandle<()>,
    pub hub: HubHandle,
    pub signals: Signals,
}

impl Shutdown<'_> {
    /// If the input has ended, drains the open turns; then ends the agents and flushes the outbox. Another signal, or
    /// Ctrl-C in the terminal, shortens the wait for turns or agents.
    pub async fn run(self, reason: ExitReason) -> Result<(), AppError> {
        let Self { front_end, host, outbox, sending, hub, signals } = self;
        let announcer = front_end.announcer();
        let quiescence = QuiescenceWaiter { host: Arc::clone(&host) };
        let mut interrupts = Interrupts { signals, front_end };
        let outcome = match reason {
            // Open turns are drained only when the input ends. After a signal, the host doesn't wait for them.
            ExitReason::InputEnded => {
                let limit = host.config().console.drain;
                let open = OpenTurns { quiescence: &quiescence, outbox: &outbox, announcer: &announcer, limit };
                tokio::select! {
                    drained = open.drain(hub) => drained,
                    () = open.announce() => Ok(()),
                    () = interrupts.next() => Ok(()),
                }
            }
            ExitReason::Requested => Ok(()),
            ExitReason::Failed(error) => Err(error),
        };
        tokio::select! {
            () = end_agents(&host, &mut interrupts) => {}
            () = announce_agents(&announcer, &host) => {}
        }
        let shown = async {
            while !host.sessions.all_shown() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            outbox.drained().await;
        };
        if tokio::time::timeout(FLUSH_TIMEOUT, shown).await.is_err() {
            tracing::warn!("some messages were not sent: they are sent at the next start");
        }
        outbox.close();
        drop(tokio::time::timeout(FLUSH_TIMEOUT, sending).await);
        outcome
    }
}

/// Closes the front-end, with a time limit: a program that doesn't read our standard output must not block the exit.
pub async fn close(front_end: &FrontEnd) {
    if tokio::time::timeout(FLUSH_TIMEOUT, front_end.close()).await.is_err() {
        tracing::warn!("standard output is not read: unread messages are shown at the next start");
    }
}

/// Receives signals and Ctrl-C during shutdown. Each one shortens the current wait.
struct Interrupts<'f> {
    signals: Signals,
    front_end: &'f mut FrontEnd,
}

impl Interrupts<'_> {
    async fn next(&mut self) {
        tokio::select! {
            () = self.signals.exit_requested() => {}
            () = self.front_end.quit_requested() => {}
        }
    }
}

/// Waits for the turns that are open when the input ends.
struct OpenTurns<'a> {
    quiescence: &'a QuiescenceWaiter,
    outbox: &'a Outbox,
    announcer: &'a Announcer,
    /// The maximum wait: `[console] drain`.
    limit: Duration,
}

impl OpenTurns<'_> {
    /// Waits until all prompts are answered and the answers have been read from standard output.
    async fn drain(&self, hub: HubHandle) -> Result<(), AppError> {
        let start = tokio::time::Instant::now();
        let remaining = || self.limit.saturating_sub(start.elapsed());
        let undrained = |open: String| Err(AppError::Undrained { limit: self.limit, open });
        if tokio::time::timeout(self.limit, hub.finish()).await.is_err() {
            return undrained("commands".to_owned());
        }
        // All commands have run and the input has ended, so agents' questions can no longer be answered.
        let mut unanswered = BTreeSet::new();
        let drained = tokio::select! {
            drained = self.quiescence.wait(remaining()) => drained,
            () = self.quiescence.withdraw_questions(&mut unanswered) => Ok(()),
        };
        if let Err(open) = drained {
            return undrained(join_names(&open));
        }
        let read = async {
            tokio::select! {
                () = self.outbox.drained() => {}
                // If the output is closed, there is no reader to wait for.
                () = self.announcer.output_closed() => {}
            }
        };
        let unread = |_| AppError::Unread { limit: self.limit, messages: self.outbox.pending_posts() };
        tokio::time::timeout(remaining(), read).await.map_err(unread)?;
        if unanswered.is_empty() { Ok(()) } else { Err(AppError::Unanswered { questions: join_names(&unanswered) }) }
    }

    /// Announces once what the shutdown is waiting for. Never returns.
    async fn announce(&self) {
        tokio::time::sleep(ANNOUNCE_AFTER).await;
        let open = self.quiescence.open();
        let what = match self.outbox.pending_posts() {
            _ if !open.is_empty() => join_names(&open),
            0 => "commands".to_owned(),
            _ => "standard output to be read".to_owned(),
        };
        let longest = format_duration(self.limit);
        let text = format!("Waiting at most {longest} for {what}. Press Ctrl-C to stop Cordboard now.");
        self.announcer.announce(&text);
        std::future::pending().await
    }
}

/// Announces once which agents are still running. Never returns.
async fn announce_agents(announcer: &Announcer, host: &HostService) {
    tokio::time::sleep(ANNOUNCE_AFTER).await;
    let views = host.sessions.registry.views();
    let live: Vec<&str> =
        views.iter().filter(|view| view.phase.is_live()).map(|view| view.record.name.as_str()).collect();
    if !live.is_empty() {
        let text = format!("Waiting for the agents of {} to exit. Press Ctrl-C to kill them.", live.join(", "));
        announcer.announce(&text);
    }
    std::future::pending().await
}

fn join_names(open: impl IntoIterator<Item = impl ToString>) -> String {
    open.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(", ")
}

/// Ends all agents in parallel. Each additional interrupt shortens the waits.
async fn end_agents(host: &HostService, interrupts: &mut Interrupts<'_>) {
    let registry = &host.sessions.registry;
    let mut changes = registry.changes();
    let ended = async {
        // Count the agents only after every snapshot is up to date: an actor may have just started an agent.
        host.sessions.shut_down().await;
        while registry.live_agents() > 0 {
            tokio::select! {
                _ = changes.changed() => {}
                () = interrupts.next() => host.sessions.send_to_all(|_| Some(Input::Shutdown)).await,
            }
        }
    };
    if tokio::time::timeout(AGENTS_TIMEOUT, ended).await.is_err() {
        tracing::error!(live = registry.live_agents(), "some agents did not end in time");
    }
}
