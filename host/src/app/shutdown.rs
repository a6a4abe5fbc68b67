//! Waits for the reason to stop, then shuts the host down: drains turns, ends agents and flushes the outbox. It must
//! not leave a process behind or lose an accepted message.

use std::{sync::Arc, time::Duration};

use cordboard_chat::outbox::Outbox;
use cordboard_core::{config::format_duration, session::Input};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};

use super::{
    AppError,
    exit::End,
    front_end::{Front, Narrator},
};
use crate::hub::{HostService, HubHandle, OpenWork, QuiescenceWaiter};

/// The time for the outbox to send its remaining posts and for the front-end to show them. The rest is sent at the next
/// start.
const FLUSH: Duration = Duration::from_secs(5);

/// The time limit for ending all agents in parallel: an interrupt, 2 s, 5 s, and the sweep.
const AGENTS: Duration = Duration::from_secs(20);

/// The signals that end the host. WatchOptions from startup to exit, because an unwatched signal is lost or kills the host.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    pub fn watch() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

/// The delay after which the host shows what the shutdown waits for.
const TELL: Duration = Duration::from_secs(1);

/// Waits until a signal or the front-end ends the host.
pub async fn wait(front: &mut Front, signals: &mut Signals) -> End {
    tokio::select! {
        () = signals.next() => End::Asked,
        end = front.ended() => end,
    }
}

pub struct Shutdown<'f> {
    pub front: &'f mut Front,
    pub lookout: QuiescenceWaiter,
    pub host: Arc<HostService>,
    pub outbox: Outbox,
    /// The task of the outbox.
    pub sending: JoinHandle<()>,
    pub hub: HubHandle,
    /// `[console] drain`.
    pub drain: Duration,
    pub signals: Signals,
}

impl Shutdown<'_> {
    /// Shuts everything down. A second signal, or Ctrl-C at the terminal, shortens the waits.
    pub async fn take(self, end: End) -> Result<(), AppError> {
        let Self { front, lookout, host, outbox, sending, hub, drain, mut signals } = self;
        let narrator = front.narrator();
        let outcome = match end {
            // Only the end of the input drains open turns. A signal ends the host without waiting for them.
            End::Input => tokio::select! {
                ended = finish_turns(&lookout, hub, (&outbox, &narrator), drain) => ended,
                () = tell_open(&narrator, (&lookout, &outbox), drain) => Ok(()),
                () = skip_grace(&mut signals, front) => Ok(()),
            },
            End::Asked => Ok(()),
            End::Failed(why) => Err(AppError::Front(why)),
        };
        tokio::select! {
            () = end_agents(&host, (&mut signals, front)) => {}
            () = tell_live(&narrator, &host) => {}
        }
        let shown = async {
            while !host.sessions.all_shown() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            outbox.drained().await;
        };
        if tokio::time::timeout(FLUSH, shown).await.is_err() {
            tracing::warn!("not everything was sent: the rest is sent at the next start");
        }
        outbox.close();
        drop(tokio::time::timeout(FLUSH, sending).await);
        outcome
    }
}

/// Closes the front-end. A reader that has stopped reading standard output must not block the exit.
pub async fn close(front: &Front) {
    if tokio::time::timeout(FLUSH, front.close()).await.is_err() {
        tracing::warn!("standard output is not read: unread messages are shown at the next start");
    }
}

async fn skip_grace(signals: &mut Signals, front: &mut Front) {
    tokio::select! {
        () = signals.next() => {}
        () = front.hurried() => {}
    }
}

/// Tells the user once what the shutdown waits for. Never returns.
async fn tell_open(narrator: &Narrator, (lookout, outbox): (&QuiescenceWaiter, &Outbox), drain: Duration) {
    tokio::time::sleep(TELL).await;
    let open = lookout.open();
    let what = match outbox.pending_posts() {
        _ if !open.is_empty() => spell(&open),
        0 => "commands".to_owned(),
        _ => "standard output to be read".to_owned(),
    };
    let longest = format_duration(drain);
    narrator.say(&format!("Waiting at most {longest} for {what}. Press Ctrl-C to stop Cordboard now."));
    std::future::pending().await
}

/// Tells the user once which agents are still running. Never returns.
async fn tell_live(narrator: &Narrator, host: &HostService) {
    tokio::time::sleep(TELL).await;
    let views = host.sessions.registry.views();
    let live: Vec<&str> =
        views.iter().filter(|view| view.phase.is_live()).map(|view| view.record.name.as_str()).collect();
    if !live.is_empty() {
        narrator.say(&format!("Waiting for the agents of {} to exit. Press Ctrl-C to kill them.", live.join(", ")));
    }
    std::future::pending().await
}

fn spell(open: &[OpenWork]) -> String {
    open.iter().map(OpenWork::to_string).collect::<Vec<_>>().join(", ")
}

/// Waits until all prompts are answered and the answers are read, for at most `drain`. A reader may be slow.
async fn finish_turns(
    lookout: &QuiescenceWaiter,
    hub: HubHandle,
    (outbox, narrator): (&Outbox, &Narrator),
    drain: Duration,
) -> Result<(), AppError> {
    let began = tokio::time::Instant::now();
    let rest = || drain.saturating_sub(began.elapsed());
    let undrained = |open: String| Err(AppError::Undrained { patience: drain, open });
    if tokio::time::timeout(drain, hub.finish()).await.is_err() {
        return undrained("commands".to_owned());
    }
    if let Err(open) = lookout.wait(rest()).await {
        return undrained(spell(&open));
    }
    let read = async {
        tokio::select! {
            () = outbox.drained() => {}
            // A closed output has no reader to wait for.
            () = narrator.output_closed() => {}
        }
    };
    let unread = |_| AppError::Unread { patience: drain, messages: outbox.pending_posts() };
    tokio::time::timeout(rest(), read).await.map_err(unread)
}

/// Ends all agents in parallel. Each further signal shortens the waits.
async fn end_agents(host: &HostService, (signals, front): (&mut Signals, &mut Front)) {
    let registry = &host.sessions.registry;
    let mut changes = registry.changes();
    let gone = async {
        // Agents are counted only after every snapshot is up to date, because an actor may just have started one.
        host.sessions.shut_down().await;
        while registry.live_agents() > 0 {
            tokio::select! {
                _ = changes.changed() => {}
                () = skip_grace(signals, front) => host.sessions.send_to_all(|_| Some(Input::Shutdown)).await,
            }
        }
    };
    if tokio::time::timeout(AGENTS, gone).await.is_err() {
        tracing::error!(live = registry.live_agents(), "some agents survive SIGKILL");
    }
}
