//! The worker of one place: one call at a time, final posts first, then the newest frames as fast as the front-end lets us.

use std::{sync::Arc, time::Duration};

use cordboard_core::{chat::OutboxRow, types::Place};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};

use super::{
    Run, Shared,
    delivery::Delivering,
    streaming::{Attempt, Step, Streaming},
};
use crate::chat::{ChatError, LiveLine, MessageId, pause::Pauses};

/// How often it is told that somebody works: Telegram shows it for five seconds.
const REFRESH: Duration = Duration::from_secs(4);

/// A worker without work stays as long, so that the pace of edits and a front-end's hold outlive a pause between two turns.
const LINGER: Duration = Duration::from_secs(30);

pub(super) struct Worker {
    shared: Arc<Shared>,
    place: Place,
    bell: Arc<Notify>,
    closing: watch::Receiver<Run>,
    delivering: Option<Delivering>,
    turns: Vec<Streaming>,
    /// Counts the frames, so that each turn comes first in its turn.
    turn: usize,
    /// What was last told of the work here; none: that nobody works.
    told: Option<Told>,
    /// No call before this.
    held: Instant,
    /// No frame before this.
    next_edit: Instant,
    idle_since: Instant,
    /// Until then something may be held in the mailbox.
    held_until: Option<Instant>,
    pauses: Pauses,
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
            turns: Vec::new(),
            turn: 0,
            told: None,
            held: now,
            next_edit: now,
            idle_since: now,
            held_until: None,
            pauses: Pauses::default(),
        }
    }

    pub async fn run(mut self) {
        while *self.closing.borrow() == Run::On {
            self.collect();
            match self.next(Instant::now()) {
                Job::Final => self.deliver().await,
                Job::Tell => self.tell().await,
                Job::Frame => self.stream().await,
                Job::Wait(until) => self.wait(until).await,
                Job::End => return,
            }
        }
    }

    /// Takes what is in the mailbox; final posts stay there until they are done.
    fn collect(&mut self) {
        let (frames, (back, over), first, given_up) = {
            let mut state = self.shared.state();
            let Some(mailbox) = state.boxes.get_mut(&self.place) else { return };
            let given_up = mailbox.give_up(Instant::now());
            self.held_until = mailbox.held_until();
            let first = if self.delivering.is_none() { mailbox.finals.front().cloned() } else { None };
            let ends = (std::mem::take(&mut mailbox.back), std::mem::take(&mut mailbox.over));
            (std::mem::take(&mut mailbox.frames), ends, first, given_up)
        };
        self.turns.iter_mut().filter(|turn| back.contains(&turn.turn)).for_each(Streaming::rest);
        self.turns.retain(|turn| !over.contains(&turn.turn));
        for (id, frame) in frames {
            match self.turns.iter_mut().find(|turn| turn.turn == id) {
                Some(turn) => turn.set(frame),
                None => {
                    let mut turn = Streaming::new(id);
                    turn.set(frame);
                    self.turns.push(turn);
                }
            }
        }
        // Where what was said stands as it stands, the rest of its line comes before the next word.
        let appends = self.shared.chat.edit_pause(&self.place).is_zero();
        if let Some(turn) = self.turns.iter_mut().find(|turn| appends && Some(&turn.turn) == given_up.as_ref()) {
            turn.halt();
        }
        if let Some(row) = first {
            self.begin(&row);
        }
    }

    fn begin(&mut self, row: &OutboxRow) {
        let mut messages = row.state.messages.clone();
        if let Some(at) = self.turns.iter().position(|turn| Some(&turn.turn) == row.turn.as_ref()) {
            messages = self.turns.remove(at).hand_over(messages);
        }
        self.delivering = Some(Delivering::new(row, messages, self.shared.chat.limits()));
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
        let stale = self.turns.iter().any(Streaming::is_stale);
        if stale && now >= self.next_edit {
            return Job::Frame;
        }
        let refresh = self.at_work().map(|_| self.told.as_ref().map_or(now, |told| told.at + REFRESH));
        if let Some(at) = refresh.into_iter().chain(stale.then_some(self.next_edit)).min() {
            return self.until(at);
        }
        let end = self.idle_since + LINGER;
        match self.held_until {
            Some(until) => Job::Wait(until),
            None if now < end => Job::Wait(end),
            None => self.end(now),
        }
    }

    fn until(&self, at: Instant) -> Job {
        Job::Wait(self.held_until.map_or(at, |until| until.min(at)))
    }

    /// Ends unless something has come at this very moment.
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
        tokio::select! {
            biased;
            _ = self.closing.wait_for(|run| *run == Run::Off) => {}
            // Nothing that comes in changes when a hold ends.
            () = self.bell.notified(), if Instant::now() >= held => {}
            () = sleep_until(until) => {}
        }
    }

    /// The turn that is told of.
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

    async fn deliver(&mut self) {
        let Some(mut post) = self.delivering.take() else { return };
        let Some(step) = post.step() else { return self.finished(post).await };
        match self.call(&step).await {
            Ok(id) => {
                match (step, id) {
                    (Step::Send(_), Some(id)) => post.sent(id),
                    (Step::Delete(id), _) => post.deleted(&id),
                    (Step::Edit(..) | Step::Send(_), _) => post.edited(),
                }
                if post.step().is_none() {
                    return self.finished(post).await;
                }
                self.note(&post).await;
            }
            Err(ChatError::Gone { why }) => {
                tracing::warn!(place = %self.place, post = post.post.0, why, "a post is dropped: nobody can get it");
                return self.finished(post).await;
            }
            Err(ChatError::Refused { why }) => refuse(&mut post, &step, &why),
            Err(error) => self.hold(&error),
        }
        self.delivering = Some(post);
    }

    async fn note(&self, post: &Delivering) {
        if let Err(error) = self.shared.ledger.sending(post.post, post.state()).await {
            tracing::warn!(%error, post = post.post.0, "how far a post has come could not be stored");
        }
    }

    async fn finished(&mut self, post: Delivering) {
        if let Err(error) = self.shared.ledger.sent(post.post).await {
            tracing::error!(%error, post = post.post.0, "a post was sent, and this could not be stored: it may be sent again");
        }
        if let Some(mailbox) = self.shared.state().boxes.get_mut(&self.place) {
            mailbox.finals.pop_front();
        }
        self.idle_since = Instant::now();
        self.shared.quiet.notify_waiters();
    }

    async fn stream(&mut self) {
        let limits = self.shared.chat.limits();
        // The turns of several sessions take it in turns.
        self.turn = self.turn.wrapping_add(1);
        let order = (0..self.turns.len()).map(|at| (at + self.turn) % self.turns.len()).collect::<Vec<_>>();
        let next = order.into_iter().find_map(|at| self.turns[at].step(limits).map(|step| (at, step)));
        let Some((at, step)) = next else { return };
        let outcome = self.call(&step).await;
        let turn = &mut self.turns[at];
        match outcome {
            Ok(id) => match (step, id) {
                (Step::Edit(id, message), _) => turn.edited(&id, message),
                (Step::Delete(id), _) => {
                    turn.deleted(id.clone());
                    self.forget(&id).await;
                }
                (Step::Send(message), Some(id)) => {
                    turn.sent(id.clone(), message);
                    self.remember(at, &id).await;
                }
                (Step::Send(_), None) => {}
            },
            Err(ChatError::Refused { why }) => {
                tracing::warn!(place = %self.place, why, "a frame was refused");
                turn.refused();
            }
            Err(ChatError::Gone { why }) => {
                tracing::warn!(place = %self.place, why, "a turn is not shown: nobody can see it");
                turn.mute();
            }
            Err(error) => self.hold(&error),
        }
    }

    async fn remember(&self, at: usize, message: &MessageId) {
        let turn = &self.turns[at].turn;
        if let Err(error) = self.shared.ledger.placeholder(turn, &self.place, message).await {
            tracing::warn!(%error, "the message of a running turn could not be stored");
        }
    }

    /// It is gone, and the final answer must not be written into it, whoever delivers that.
    async fn forget(&self, message: &MessageId) {
        if let Err(error) = self.shared.ledger.deleted(&self.place, message).await {
            tracing::warn!(%error, "that a message was deleted could not be stored");
        }
    }

    /// Makes a call, and returns the id of a new message.
    async fn call(&mut self, step: &Step) -> Result<Option<MessageId>, ChatError> {
        let (chat, place) = (&self.shared.chat, &self.place);
        let outcome = match step {
            Step::Edit(id, message) => chat.edit(place, id, message).await.map(|()| None),
            Step::Send(message) => chat.send(place, message).await.map(Some),
            // A message that can't be deleted stays.
            Step::Delete(id) => match chat.delete(place, id).await {
                Err(ChatError::Refused { .. } | ChatError::Gone { .. }) | Ok(()) => Ok(None),
                Err(error) => Err(error),
            },
        };
        let now = Instant::now();
        self.next_edit = now + self.shared.chat.edit_pause(&self.place);
        self.idle_since = now;
        if outcome.is_ok() {
            self.pauses.reset();
        }
        outcome
    }

    /// Nothing more to this place for a while.
    fn hold(&mut self, error: &ChatError) {
        let pause = match error {
            ChatError::Later { after, .. } => *after,
            ChatError::Gone { .. }
            | ChatError::Down { .. }
            | ChatError::Refused { .. }
            | ChatError::Unauthorised { .. } => self.pauses.grow(),
        };
        tracing::debug!(place = %self.place, %error, ?pause, "a place is held");
        self.held = Instant::now() + pause;
    }
}

fn refuse(post: &mut Delivering, step: &Step, why: &str) {
    match step {
        Step::Edit(..) => post.edit_refused(),
        Step::Send(_) => {
            if post.send_refused() == Attempt::Never {
                tracing::error!(
                    post = post.post.0,
                    why,
                    "a part of a post is dropped: it is refused even without styles"
                );
            }
        }
        Step::Delete(id) => post.deleted(id),
    }
}
