//! What waits for a place. Data alone; the worker of the place empties it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use cordboard_core::{
    agent::PromptId,
    chat::{OutboxRow, PostId},
};
use tokio::{sync::Notify, time::Instant};

use super::{Frame, Post};

/// How many ended turns are remembered, so that a frame that was drawn late is not shown below its own final answer.
const ENDED: usize = 16;

/// How long a turn that was told to stop may take until others have a word. Agents end it within 15 ms; one that does not
/// hear it is given 5 s, and nobody waits as long to hear that it is being stopped.
const STOP_WITHIN: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct Mailbox {
    /// In the order in which they were stored. One that is being sent stays first until it is done.
    pub finals: VecDeque<OutboxRow>,
    /// The newest of each turn, in the order of the turns.
    pub frames: Vec<(PromptId, Frame)>,
    /// Turns that wait again. A frame that is here as well came later.
    pub back: Vec<PromptId>,
    /// Turns that ended without a post.
    pub over: Vec<PromptId>,
    ended: VecDeque<PromptId>,
    /// The turn that was told to stop, and until when its end is waited for.
    stopping: Option<(PromptId, Instant)>,
    /// What came meanwhile: the end of the answer goes before that it was stopped.
    held: VecDeque<OutboxRow>,
    /// The post that was first when a worker failed.
    blamed: Option<PostId>,
    /// Rings when something was put in.
    pub bell: Arc<Notify>,
}

impl Mailbox {
    pub fn put(&mut self, post: Post) {
        match post {
            Post::Live { turn, screen, .. } => self.put_frame(turn, screen),
            Post::Final(row) => {
                if let Some(turn) = &row.turn {
                    self.end(turn);
                }
                let line = if self.stopping.is_some() { &mut self.held } else { &mut self.finals };
                line.push_back(row);
            }
            Post::Stopping { turn, .. } if self.ended.contains(&turn) => {}
            Post::Stopping { turn, .. } => self.stopping = Some((turn, Instant::now() + STOP_WITHIN)),
            Post::Back { turn, .. } => {
                self.drop_frames(&turn);
                self.back.push(turn);
            }
            Post::Over { turn, .. } => {
                self.end(&turn);
                self.over.push(turn);
            }
        }
    }

    /// What was put in belongs together, and is there.
    pub fn ring(&mut self) {
        if self.stopping.is_none() {
            self.finals.append(&mut self.held);
        }
        self.bell.notify_one();
    }

    /// Until when something may be held.
    pub fn held_until(&self) -> Option<Instant> {
        self.stopping.as_ref().map(|(_, until)| *until)
    }

    /// The turn whose end is not waited for any longer.
    pub fn give_up(&mut self, now: Instant) -> Option<PromptId> {
        let (turn, _) = self.stopping.take_if(|(_, until)| *until <= now)?;
        self.finals.append(&mut self.held);
        Some(turn)
    }

    fn put_frame(&mut self, turn: PromptId, frame: Frame) {
        if self.ended.contains(&turn) {
            return;
        }
        match self.frames.iter_mut().find(|(of, _)| *of == turn) {
            Some((_, waiting)) => *waiting = frame,
            None => self.frames.push((turn, frame)),
        }
    }

    /// Nobody waits for what it says, either.
    fn drop_frames(&mut self, turn: &PromptId) {
        self.frames.retain(|(of, _)| of != turn);
        self.stopping.take_if(|(of, _)| of == turn);
    }

    fn end(&mut self, turn: &PromptId) {
        self.drop_frames(turn);
        if !self.ended.contains(turn) {
            self.ended.push_back(turn.clone());
        }
        if self.ended.len() > ENDED {
            self.ended.pop_front();
        }
    }

    /// A worker has failed. The post that two of them have failed over is taken out, so that it does not keep back what comes after it.
    pub fn blame(&mut self) -> Option<PostId> {
        let first = self.finals.front()?.id;
        if self.blamed.replace(first) != Some(first) {
            return None;
        }
        self.finals.pop_front().map(|row| row.id)
    }

    pub fn has_finals(&self) -> bool {
        !self.finals.is_empty() || !self.held.is_empty()
    }

    pub fn count_finals(&self) -> usize {
        self.finals.len() + self.held.len()
    }

    pub fn is_empty(&self) -> bool {
        !self.has_finals() && self.frames.is_empty() && self.back.is_empty() && self.over.is_empty()
    }
}
