//! The end: what brings it about, and how the board is taken down so that no process is left and nothing that was accepted is lost.

use std::{sync::Arc, time::Duration};

use cordboard_core::{config::spell_duration, session::Input};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};

use super::{
    AppError,
    front_end::{Front, Narrator},
};
use crate::{
    chat::outbox::Outbox,
    hub::{HostService, Open, QuiescenceWaiter, Serving},
};

/// What ended the board.
#[derive(Debug)]
pub enum End {
    /// SIGTERM, SIGINT, or the user's wish.
    Asked,
    /// The input has ended; open turns are finished first.
    Input,
    Failed(String),
}

/// How long the outbox may still send what it holds, and the front-end show it; the rest goes out at the next start.
const FLUSH: Duration = Duration::from_secs(5);

/// How long agents may take in all, all at once: an interrupt, 2 s, 5 s, and the sweep.
const AGENTS: Duration = Duration::from_secs(20);

/// The signals that end the board. Watched from the start to the end: one that came unwatched would be lost, or kill the host.
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

/// Whoever waits longer for the end than this is told what for.
const TELL: Duration = Duration::from_secs(1);

/// Serves the chat until something ends it.
pub async fn wait(front: &mut Front, signals: &mut Signals) -> End {
    tokio::select! {
        () = signals.next() => End::Asked,
        end = front.ended() => end,
    }
}

pub struct Shutdown<'f> {
    pub front: &'f mut Front,
    pub lookout: QuiescenceWaiter,
    pub desk: Arc<HostService>,
    pub outbox: Outbox,
    /// The outbox's work.
    pub sending: JoinHandle<()>,
    pub serving: Serving,
    /// `[console] drain`.
    pub drain: Duration,
    pub signals: Signals,
}

impl Shutdown<'_> {
    /// Takes everything down; a second signal, or Ctrl-C at the terminal, hurries.
    pub async fn take(self, end: End) -> Result<(), AppError> {
        let Self { front, lookout, desk, outbox, sending, serving, drain, mut signals } = self;
        let narrator = front.narrator();
        let outcome = match end {
            // Who ends it by a signal does not want to wait for the turns any more.
            End::Input => tokio::select! {
                ended = finish_turns(&lookout, serving, (&outbox, &narrator), drain) => ended,
                () = tell_open(&narrator, (&lookout, &outbox), drain) => Ok(()),
                () = hurry(&mut signals, front) => Ok(()),
            },
            End::Asked => Ok(()),
            End::Failed(why) => Err(AppError::Front(why)),
        };
        tokio::select! {
            () = end_agents(&desk, (&mut signals, front)) => {}
            () = tell_live(&narrator, &desk) => {}
        }
        let shown = async {
            while !desk.lines().all_shown() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            outbox.drained().await;
        };
        if tokio::time::timeout(FLUSH, shown).await.is_err() {
            tracing::warn!("not everything could be sent: the rest goes out at the next start");
        }
        outbox.close();
        drop(tokio::time::timeout(FLUSH, sending).await);
        outcome
    }
}

/// Gives the front-end back. A reader of standard output who has stopped reading must not keep the host from its end.
pub async fn close(front: &Front) {
    if tokio::time::timeout(FLUSH, front.close()).await.is_err() {
        tracing::warn!("nobody reads standard output: what was not read is shown at the next start");
    }
}

async fn hurry(signals: &mut Signals, front: &mut Front) {
    tokio::select! {
        () = signals.next() => {}
        () = front.hurried() => {}
    }
}

/// Says once what the end waits for, and never returns.
async fn tell_open(narrator: &Narrator, (lookout, outbox): (&QuiescenceWaiter, &Outbox), drain: Duration) {
    tokio::time::sleep(TELL).await;
    let open = lookout.open();
    let what = match outbox.waiting() {
        _ if !open.is_empty() => spell(&open),
        0 => "commands".to_owned(),
        _ => "standard output to be read".to_owned(),
    };
    let longest = spell_duration(drain);
    narrator.say(&format!("Waiting at most {longest} for {what}. Ctrl-C ends Cordboard now."));
    std::future::pending().await
}

/// Says once which agents are not gone yet, and never returns.
async fn tell_live(narrator: &Narrator, desk: &HostService) {
    tokio::time::sleep(TELL).await;
    let views = desk.lines().roster.views();
    let live: Vec<&str> =
        views.iter().filter(|view| view.phase.is_live()).map(|view| view.record.name.as_str()).collect();
    if !live.is_empty() {
        narrator.say(&format!("Waiting for the agents of {} to end. Ctrl-C kills them.", live.join(", ")));
    }
    std::future::pending().await
}

fn spell(open: &[Open]) -> String {
    let one = |one: &Open| format!("{} ({}, {} waiting)", one.session, one.phase.as_str(), one.queued);
    open.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Until everything is answered, and the answers are read: a reader may be slow.
async fn finish_turns(
    lookout: &QuiescenceWaiter,
    serving: Serving,
    (outbox, narrator): (&Outbox, &Narrator),
    drain: Duration,
) -> Result<(), AppError> {
    let began = tokio::time::Instant::now();
    let rest = || drain.saturating_sub(began.elapsed());
    let undrained = |open: String| Err(AppError::Undrained { patience: drain, open });
    if tokio::time::timeout(drain, serving.finish()).await.is_err() {
        return undrained("commands".to_owned());
    }
    if let Err(open) = lookout.rest(rest()).await {
        return undrained(spell(&open));
    }
    let read = async {
        tokio::select! {
            () = outbox.drained() => {}
            // Who has gone wants nothing more.
            () = narrator.unheard() => {}
        }
    };
    let unread = |_| AppError::Unread { patience: drain, messages: outbox.waiting() };
    tokio::time::timeout(rest(), read).await.map_err(unread)
}

/// All agents in parallel; every further signal hurries.
async fn end_agents(desk: &HostService, (signals, front): (&mut Signals, &mut Front)) {
    let roster = &desk.lines().roster;
    let mut changes = roster.changes();
    let gone = async {
        // Not before every snapshot shows what its actor was at: one may just have started an agent.
        desk.lines().end().await;
        while roster.live() > 0 {
            tokio::select! {
                _ = changes.changed() => {}
                () = hurry(signals, front) => desk.lines().tell_all(|_| Some(Input::Shutdown)).await,
            }
        }
    };
    if tokio::time::timeout(AGENTS, gone).await.is_err() {
        tracing::error!(live = roster.live(), "agents are left that even SIGKILL does not end");
    }
}
