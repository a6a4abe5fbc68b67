//! Holds the pending posts and frames of one place until the place's worker sends them.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use cordboard_core::{
    agent_event::PromptId,
    render::units,
    turn::TurnFrame,
    types::DeliveryIssue,
    updates_and_posts::{ButtonAction, MessageId, OutboxRow, PostId},
};
use tokio::{sync::Notify, time::Instant};

use super::{
    Post,
    post_delivery::{BRIEF, PostDelivery},
};

/// The number of ended turns to remember, so that a late frame isn't shown below its turn's final answer.
const MAX_ENDED_TURNS: usize = 16;

/// The maximum time that posts wait for a turn that is being stopped. Agents usually stop within 15 ms. An agent that
/// ignores the interrupt is terminated after 5 s. Waiting that long would delay the reply to `/stop` too much.
const STOP_WITHIN: Duration = Duration::from_millis(500);

/// The maximum number of series to remember. Each of the place's busy sessions may have one.
const SERIES: usize = 16;

/// The messages that show each series' latest post.
#[derive(Default)]
pub(super) struct Series(VecDeque<(String, Vec<MessageId>)>);

impl Series {
    /// Returns the messages that the post replaces, which show the previous post of the same series.
    pub fn messages(&self, row: &OutboxRow) -> Vec<MessageId> {
        let of = row.reply.series.as_ref();
        self.0.iter().find(|(name, _)| Some(name) == of).map_or_else(Vec::new, |(_, messages)| messages.clone())
    }

    pub fn shown(&mut self, row: &OutboxRow, messages: Vec<MessageId>) {
        let Some(series) = &row.reply.series else { return };
        self.0.retain(|(name, _)| name != series);
        self.0.push_back((series.clone(), messages));
        if self.0.len() > SERIES {
            self.0.pop_front();
        }
    }
}

/// An answer that is partly shown.
pub(super) struct Answering {
    pub turn: PromptId,
    /// The number of messages that are not shown yet.
    pub left: usize,
}

/// Tells whether a place can be written to. Shutdown doesn't wait for the posts of a blocked place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Reachability {
    #[default]
    Open,
    Blocked,
}

/// A post that was dropped but not yet removed from the store.
pub(super) struct DroppedPost {
    pub post: PostId,
    /// `None` if a newer post in the same series replaces this one.
    pub issue: Option<DeliveryIssue>,
}

/// The newest frame of a turn.
pub(super) struct NewFrame {
    pub turn: PromptId,
    pub frame: TurnFrame,
    /// See [`Post::Frame`].
    pub stop: Option<ButtonAction>,
}

#[derive(Default)]
pub(super) struct Mailbox {
    /// Posts in the order in which they were stored. A post that is being sent stays in the queue until it is done.
    pub finals: VecDeque<OutboxRow>,
    /// The newest frame of each turn, in the order in which the turns started.
    pub frames: Vec<NewFrame>,
    /// Turns whose prompts are back in the queue. If `frames` contains a frame of such a turn, the frame arrived after
    /// the prompt was requeued.
    pub requeued: Vec<PromptId>,
    /// Turns that ended without a post.
    pub ended_without_post: Vec<PromptId>,
    /// True if a user has written in the place since the worker last read the mailbox.
    pub user_wrote: bool,
    /// The answer that is partly shown.
    pub answering: Option<Answering>,
    /// The turn whose answer should be stopped.
    pub stop_answer_of: Option<PromptId>,
    pub dropped: Vec<DroppedPost>,
    /// The post that is being sent.
    pub sending: Option<PostId>,
    pub reachability: Reachability,
    recently_ended: VecDeque<PromptId>,
    /// The turn that is being stopped, and the deadline until which posts wait for it to end.
    stopping: Option<(PromptId, Instant)>,
    /// Posts that arrived while a turn was being stopped. They wait, so that the end of the turn's answer precedes the
    /// reply to `/stop`.
    delayed: VecDeque<OutboxRow>,
    /// The post that the last failed worker was sending, or was about to send.
    suspect: Option<PostId>,
    /// Notified after each change.
    pub changed: Arc<Notify>,
}

impl Mailbox {
    pub fn put(&mut self, post: Post) {
        match post {
            Post::Frame { turn, frame, stop, .. } => self.put_frame(NewFrame { turn, frame, stop }),
            Post::Final(row) => {
                if let Some(turn) = &row.turn {
                    self.end(turn);
                }
                self.put_final(row);
            }
            Post::Stopping { turn, .. } if self.recently_ended.contains(&turn) => {}
            Post::Stopping { turn, .. } => self.stopping = Some((turn, Instant::now() + STOP_WITHIN)),
            Post::Requeued { turn, .. } => {
                self.drop_frames(&turn);
                self.requeued.push(turn);
            }
            Post::Ended { turn, .. } => {
                self.end(&turn);
                self.ended_without_post.push(turn);
            }
        }
    }

    /// Releases the delayed posts if no turn is being stopped, and wakes the worker. Call it after adding all related
    /// posts.
    pub fn notify(&mut self) {
        if self.stopping.is_none() {
            self.finals.append(&mut self.delayed);
        }
        self.changed.notify_one();
    }

    /// Returns the deadline for releasing the delayed posts, or `None` if no turn is being stopped.
    pub fn delayed_until(&self) -> Option<Instant> {
        self.stopping.as_ref().map(|(_, until)| *until)
    }

    /// If the turn that is being stopped takes too long, releases the delayed posts and returns the turn.
    pub fn stop_waiting(&mut self, now: Instant) -> Option<PromptId> {
        let (turn, _) = self.stopping.take_if(|(_, until)| *until <= now)?;
        self.finals.append(&mut self.delayed);
        Some(turn)
    }

    fn put_final(&mut self, row: OutboxRow) {
        let queue = if self.stopping.is_some() { &mut self.delayed } else { &mut self.finals };
        let same = |other: &&mut OutboxRow| row.reply.series.is_some() && other.reply.series == row.reply.series;
        match queue.iter_mut().filter(|other| Some(other.id) != self.sending).find(same) {
            Some(older) => {
                self.dropped.push(DroppedPost { post: older.id, issue: None });
                *older = row;
            }
            None => queue.push_back(row),
        }
    }

    /// Returns the next post. This is the oldest one, except that a reply may be sent before the rest of a long answer.
    pub fn first(&self) -> Option<&OutboxRow> {
        let front = self.finals.front()?;
        self.reply().filter(|_| self.is_sending_long_answer(front.turn.as_ref())).or(Some(front))
    }

    /// Returns whether the turn's answer is partly shown, with more than [`BRIEF`] messages left.
    pub fn is_sending_long_answer(&self, turn: Option<&PromptId>) -> bool {
        self.answering.as_ref().is_some_and(|answer| Some(&answer.turn) == turn && answer.left > BRIEF)
    }

    /// Returns the oldest post that isn't part of an answer.
    pub fn reply(&self) -> Option<&OutboxRow> {
        self.finals.iter().find(|row| row.turn.is_none())
    }

    pub fn row(&self, post: PostId) -> Option<&OutboxRow> {
        self.finals.iter().find(|row| row.id == post)
    }

    pub fn remove(&mut self, post: PostId) {
        self.finals.retain(|row| row.id != post);
    }

    /// Returns the turn whose answer is partly shown. If there is none, returns the turn of the next answer if that
    /// answer needs more than one message.
    pub fn long_answer(&self, longest: usize) -> Option<PromptId> {
        if let Some(answer) = &self.answering {
            return Some(answer.turn.clone());
        }
        let next = self.finals.iter().find(|row| row.turn.is_some())?;
        let is_long = units(&next.reply.text) > longest || self.has_others(next);
        next.turn.clone().filter(|_| is_long)
    }

    fn has_others(&self, of: &OutboxRow) -> bool {
        self.finals.iter().any(|row| row.id != of.id && row.turn == of.turn)
    }

    /// Returns whether posts of the turn's answer are pending.
    pub fn has_answer(&self, turn: &PromptId) -> bool {
        self.finals.iter().any(|row| row.turn.as_ref() == Some(turn))
    }

    /// Updates the progress of an answer.
    pub fn record_progress(&mut self, post: &PostDelivery) {
        let Some(turn) = &post.turn else { return };
        let others = self.finals.iter().filter(|row| row.id != post.post && row.turn.as_ref() == Some(turn)).count();
        let left = post.unshown_parts() + others;
        let is_partly_shown = post.has_begun() && left > 0;
        self.answering = is_partly_shown.then(|| Answering { turn: turn.clone(), left });
    }

    /// Drops all posts of an answer except `post`, and records `issue` for each dropped post. Returns the number of
    /// dropped posts.
    pub fn drop_other_posts(&mut self, turn: &PromptId, post: PostId, issue: &DeliveryIssue) -> usize {
        let is_other = |row: &OutboxRow| row.id != post && row.turn.as_ref() == Some(turn);
        let before = self.dropped.len();
        let others = self.finals.iter().filter(|row| is_other(row));
        self.dropped.extend(others.map(|row| DroppedPost { post: row.id, issue: Some(issue.clone()) }));
        self.finals.retain(|row| !is_other(row));
        self.dropped.len() - before
    }

    /// Drops the oldest posts until at most `most` remain, but never the one that is being sent. Records `issue` for
    /// each dropped post. Returns the dropped posts.
    pub fn drop_oldest(&mut self, most: usize, issue: &DeliveryIssue) -> Vec<PostId> {
        let mut removed = Vec::new();
        while self.finals.len() > most {
            let Some(at) = self.finals.iter().position(|row| Some(row.id) != self.sending) else { break };
            removed.extend(self.finals.remove(at).map(|row| row.id));
        }
        let dropped = |post: &PostId| DroppedPost { post: *post, issue: Some(issue.clone()) };
        self.dropped.extend(removed.iter().map(dropped));
        removed
    }

    fn put_frame(&mut self, frame: NewFrame) {
        if self.recently_ended.contains(&frame.turn) {
            return;
        }
        match self.frames.iter_mut().find(|waiting| waiting.turn == frame.turn) {
            Some(waiting) => *waiting = frame,
            None => self.frames.push(frame),
        }
    }

    /// Drops the turn's frames, and stops waiting for its end.
    fn drop_frames(&mut self, turn: &PromptId) {
        self.frames.retain(|frame| frame.turn != *turn);
        self.stopping.take_if(|(of, _)| of == turn);
    }

    fn end(&mut self, turn: &PromptId) {
        self.drop_frames(turn);
        if !self.recently_ended.contains(turn) {
            self.recently_ended.push_back(turn.clone());
        }
        if self.recently_ended.len() > MAX_ENDED_TURNS {
            self.recently_ended.pop_front();
        }
    }

    /// Handles a failed worker. If two workers in a row fail on the same post, removes and returns that post, so that
    /// it doesn't block later ones.
    pub fn on_worker_failure(&mut self) -> Option<PostId> {
        let front = self.finals.front().map(|row| row.id);
        let post = self.sending.take().filter(|post| self.row(*post).is_some()).or(front)?;
        if self.suspect.replace(post) != Some(post) {
            return None;
        }
        self.remove(post);
        Some(post)
    }

    fn has_finals(&self) -> bool {
        !self.finals.is_empty() || !self.delayed.is_empty()
    }

    /// Returns the number of pending posts, or zero while the place can't be written to.
    pub fn pending_posts(&self) -> usize {
        match self.reachability {
            Reachability::Open => self.finals.len() + self.delayed.len(),
            Reachability::Blocked => 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        !self.has_finals() && self.frames.is_empty() && self.requeued.is_empty() && self.ended_without_post.is_empty()
    }
}
