//! What waits for a place. Data alone; the worker of the place empties it.

use std::{collections::VecDeque, sync::Arc};

use cordboard_core::{agent::PromptId, chat::OutboxRow};
use tokio::sync::Notify;

use super::{Frame, Post};

/// How many ended turns are remembered, so that a frame that was drawn late is not shown below its own final answer.
const ENDED: usize = 16;

#[derive(Default)]
pub(super) struct Mailbox {
    /// In the order in which they were stored. One that is being sent stays first until it is done.
    pub finals: VecDeque<OutboxRow>,
    /// The newest of each turn, in the order of the turns.
    pub frames: Vec<(PromptId, Frame)>,
    /// Turns that ended without a post.
    pub over: Vec<PromptId>,
    ended: VecDeque<PromptId>,
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
                self.finals.push_back(row);
            }
            Post::Over { turn, .. } => {
                self.end(&turn);
                self.over.push(turn);
            }
        }
        self.bell.notify_one();
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

    fn end(&mut self, turn: &PromptId) {
        self.frames.retain(|(of, _)| of != turn);
        if !self.ended.contains(turn) {
            self.ended.push_back(turn.clone());
        }
        if self.ended.len() > ENDED {
            self.ended.pop_front();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.finals.is_empty() && self.frames.is_empty() && self.over.is_empty()
    }
}
