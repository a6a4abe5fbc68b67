//! The worker of one place. It makes one call at a time: answers first, then the newest frames as fast as the front-end
//! allows.

use std::{sync::Arc, time::Duration};

use cordboard_core::{agent::PromptId, chat::PostId, types::Place};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};

use super::{
    Run, Shared, delivery::Delivering, mailbox::Series, reachability::Blocked, step::Step, streaming::Streaming,
};
use crate::{ChatError, Edits, LiveLine, MessageId, Pacing, backoff::Pauses};

mod deliver;
mod stream;

/// A turn that ends within this time shows only its answer: a frame that is replaced at once would only flicker.
const FIRST_FRAME: Duration = Duration::from_secs(1);

/// The interval of [`Chat::working`](crate::Chat::working) calls. Telegram shows the indicator for five
/// seconds.
const REFRESH: Duration = Duration::from_secs(4);

/// The time that an idle worker keeps running, so that it still honours a front-end's rate limit in the next turn.
const LINGER: Duration = Duration::from_secs(30);

pub(super) struct Worker {
    shared: Arc<Shared>,
    place: Place,
    bell: Arc<Notify>,
    closing: watch::Receiver<Run>,
    delivering: Option<Delivering>,
    /// A long answer that is paused while a reply is sent between two of its parts.
    paused: Option<Delivering>,
    series: Series,
    turns: Vec<Streaming>,
    /// Counts frames, so that the turns alternate.
    turn: usize,
    /// The last activity that was reported to the front-end. `None` means that no turn is running.
    told: Option<Told>,
    /// The earliest time of the next call.
    held: Instant,
    /// The slot that the chat's pace reserved for the next frame.
    slot: Option<Instant>,
    idle_since: Instant,
    /// The time until which the mailbox may delay posts.
    held_until: Option<Instant>,
    pauses: Pauses,
    blocked: Option<Blocked>,
}

struct Told {
    line: Option<String>,
    at: Instant,
}

enum Job {
    Final,
    Tell,
    Frame,
    Wait(Instant),
    End,
}

impl Worker {
    pub fn new(shared: Arc<Shared>, place: Place, bell: Arc<Notify>) -> Self {
        let (closing, now) = (shared.closing.subscribe(), Instant::now());
        Self {
            shared,
            place,
            bell,
            closing,
            delivering: None,
            paused: None,
            series: Series::default(),
            turns: Vec::new(),
            turn: 0,
            told: None,
            held: now,
            slot: None,
            idle_since: now,
            held_until: None,
            pauses: Pauses::default(),
            blocked: None,
        }
    }

    pub async fn run(mut self) {
        while *self.closing.borrow() == Run::On {
            for post in self.collect() {
                self.settle(post, Vec::new()).await;
            }
            match self.next(Instant::now()) {
                Job::Final => self.deliver().await,
                Job::Tell => self.tell().await,
                Job::Frame => self.stream().await,
                Job::Wait(until) => self.wait(until).await,
                Job::End => return,
            }
        }
    }

    /// Takes the mailbox's content, except for posts, which stay until they are done. Returns the dropped posts.
    fn collect(&mut self) -> Vec<PostId> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        let Some(mailbox) = state.boxes.get_mut(&self.place) else { return Vec::new() };
        let given_up = mailbox.give_up(Instant::now());
        self.held_until = mailbox.held_until();
        if std::mem::take(&mut mailbox.heard) {
            self.bury(None);
            self.unblock();
        }
        let (back, over) = (std::mem::take(&mut mailbox.back), std::mem::take(&mut mailbox.over));
        self.turns.iter_mut().filter(|turn| back.contains(&turn.turn)).for_each(Streaming::rest);
        self.turns.retain(|turn| !over.contains(&turn.turn));
        self.take_frames(std::mem::take(&mut mailbox.frames));
        // An appending front-end can't complete a line later, so print the incomplete line before the next post.
        let appends = self.shared.chat.limits().edits == Edits::Append;
        if let Some(turn) = self.turns.iter_mut().find(|turn| appends && Some(&turn.turn) == given_up.as_ref()) {
            turn.halt();
        }
        self.choose(mailbox);
        self.cut(mailbox);
        self.bound(mailbox);
        std::mem::take(&mut mailbox.dropped)
    }

    /// Records that a message was shown here that doesn't belong to the turn `but`.
    fn bury(&mut self, but: Option<&PromptId>) {
        self.turns.iter_mut().filter(|turn| Some(&turn.turn) != but).for_each(Streaming::bury);
        let posts = self.delivering.iter_mut().chain(&mut self.paused);
        posts.filter(|post| but.is_none() || post.turn.as_ref() != but).for_each(Delivering::bury);
    }

    fn next(&mut self, now: Instant) -> Job {
        if now < self.held {
            return Job::Wait(self.held);
        }
        if self.turns.iter().any(Streaming::is_halting) {
            return Job::Frame;
        }
        if self.delivering.is_some() {
            return Job::Final;
        }
        if self.must_tell(now) {
            return Job::Tell;
        }
        let frame = self.frame_at(now);
        if frame.is_some_and(|at| now >= at) {
            return Job::Frame;
        }
        let refresh = self.at_work().map(|_| self.told.as_ref().map_or(now, |told| told.at + REFRESH));
        if let Some(at) = refresh.into_iter().chain(frame).min() {
            return Job::Wait(self.held_until.map_or(at, |until| until.min(at)));
        }
        let end = self.idle_since + LINGER;
        match self.held_until {
            Some(until) => Job::Wait(until),
            None if now < end => Job::Wait(end),
            None => self.end(now),
        }
    }

    /// Ends the worker, unless the mailbox isn't empty.
    fn end(&self, now: Instant) -> Job {
        let mut state = self.shared.state();
        if state.boxes.get(&self.place).is_some_and(|mailbox| !mailbox.is_empty()) {
            return Job::Wait(now);
        }
        state.boxes.remove(&self.place);
        Job::End
    }

    async fn wait(&mut self, until: Instant) {
        let held = self.held;
        let may_end_early = self.blocked.is_some();
        tokio::select! {
            biased;
            _ = self.closing.wait_for(|run| *run == Run::Off) => {}
            // A rate limit ends at a fixed time, regardless of new messages.
            () = self.bell.notified(), if may_end_early || Instant::now() >= held => {}
            () = sleep_until(until) => {}
        }
    }

    /// Returns the latest working turn, whose activity is reported.
    fn at_work(&self) -> Option<&Streaming> {
        self.turns.iter().rfind(|turn| turn.works())
    }

    fn must_tell(&self, now: Instant) -> bool {
        match (&self.told, self.at_work()) {
            (None, None) => false,
            (Some(told), Some(turn)) => self.is_news(told, turn) || now >= told.at + REFRESH,
            (None, Some(_)) | (Some(_), None) => true,
        }
    }

    fn is_news(&self, told: &Told, turn: &Streaming) -> bool {
        self.shared.chat.limits().live == LiveLine::Status && told.line != turn.line
    }

    async fn tell(&mut self) {
        let line = self.at_work().map(|turn| turn.line.clone());
        let shown = line.as_ref().map(|line| line.as_deref().unwrap_or_default());
        self.shared.chat.working(&self.place, shown).await;
        self.told = line.map(|line| Told { line, at: Instant::now() });
        self.idle_since = Instant::now();
    }

    fn pacing(&self) -> Pacing {
        self.shared.chat.pacing(&self.place)
    }

    /// Makes a call, and returns the id of a new message.
    async fn call(&mut self, step: &Step) -> Result<Option<MessageId>, ChatError> {
        let (chat, place) = (&self.shared.chat, &self.place);
        let outcome = match step {
            Step::Edit(id, message) => chat.edit(place, id, message).await.map(|()| None),
            Step::Send(message) => chat.send(place, message).await.map(Some),
            // A message that can't be deleted stays.
            Step::Delete(id) => match chat.delete(place, id).await {
                Err(ChatError::Refused { .. } | ChatError::Gone { .. } | ChatError::Forbidden { .. }) | Ok(()) => {
                    Ok(None)
                }
                Err(error) => Err(error),
            },
        };
        let now = Instant::now();
        self.shared.paces().of(&self.place, now).called(now);
        self.idle_since = now;
        if outcome.is_ok() {
            self.pauses.reset();
        }
        outcome
    }

    /// Delays all calls to this place after an error.
    fn hold(&mut self, error: &ChatError) {
        let pause = match error {
            ChatError::Later { after, .. } => *after,
            ChatError::Gone { .. }
            | ChatError::Forbidden { .. }
            | ChatError::Down { .. }
            | ChatError::Refused { .. }
            | ChatError::Unauthorised { .. } => self.pauses.grow(),
        };
        tracing::debug!(place = %self.place, %error, ?pause, "sending to a place is paused");
        self.held = Instant::now() + pause;
    }
}
