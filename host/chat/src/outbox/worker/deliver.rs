//! Sends stored posts: chooses the next one, sends its parts, and keeps it if the place can't be written to.

use cordboard_core::chat::{MessageId, OutboxRow, PostId};
use tokio::time::Instant;

use super::{
    super::{
        Post, Unreachable,
        delivery::Delivering,
        mailbox::Mailbox,
        reachability::Reachability,
        step::{Attempt, Reuse, Step},
    },
    Worker,
};
use crate::{ChatError, Edits};

/// The maximum number of posts to keep for a place that can't be written to, because plugin jobs may keep posting.
/// The oldest are dropped first.
const BLOCKED_KEPT: usize = 100;

impl Worker {
    /// Chooses the next post to send. A reply may go between two parts of a long answer.
    pub(super) fn choose(&mut self, mailbox: &mut Mailbox) {
        let edits = self.shared.chat.limits().edits;
        let may_pause = self.delivering.as_ref().is_some_and(|post| mailbox.is_amid(post.turn.as_ref()));
        if may_pause && edits == Edits::Replace && mailbox.reply().is_some() {
            self.paused = self.delivering.take();
        }
        if self.delivering.is_some() {
            return;
        }
        let row = match (&self.paused, edits) {
            (Some(_), _) => mailbox.reply(),
            (None, Edits::Replace) => mailbox.first(),
            // An appending front-end never delays a reply, so the stored order is kept.
            (None, Edits::Append) => mailbox.finals.front(),
        };
        match row.cloned() {
            Some(row) => self.delivering = Some(self.begin(&row)),
            None => self.delivering = self.paused.take(),
        }
        mailbox.sending = self.delivering.as_ref().map(|post| post.post);
    }

    fn begin(&mut self, row: &OutboxRow) -> Delivering {
        let limits = self.shared.chat.limits();
        let mut stored = row.state.messages.clone();
        if stored.is_empty() {
            stored.extend(self.series.messages(row));
        }
        match self.turns.iter().position(|turn| Some(&turn.turn) == row.turn.as_ref()) {
            Some(at) => {
                let turn = self.turns.remove(at);
                let standing = turn.standing();
                let mut post = Delivering::new(row, turn.hand_over(stored, limits), limits);
                post.keep(&standing);
                post
            }
            None => Delivering::new(row, (stored, Reuse::of_stored(row, limits)), limits),
        }
    }

    /// Applies a `/stop` of the answer that is being sent: one line replaces the rest of it.
    pub(super) fn cut(&mut self, mailbox: &mut Mailbox) {
        let Some(turn) = mailbox.cut.take() else { return };
        let current = self.paused.as_mut().or(self.delivering.as_mut());
        let Some(post) = current.filter(|post| post.turn.as_ref() == Some(&turn)) else {
            // A reply is being sent; stop the answer after it.
            mailbox.cut = Some(turn).filter(|turn| mailbox.has_answer(turn));
            return;
        };
        let others = mailbox.drop_rest(&turn, post.post);
        tracing::info!(place = %self.place, others, "sending of an answer stopped on request");
        post.cut(others);
    }

    /// Limits the posts that wait for a place that can't be written to.
    pub(super) fn bound(&self, mailbox: &mut Mailbox) {
        if self.blocked.is_some() {
            for post in mailbox.drop_oldest(BLOCKED_KEPT) {
                tracing::error!(place = %self.place, post = post.0, "dropping a post: too many are waiting for an unreachable place");
            }
        }
    }

    pub(super) async fn deliver(&mut self) {
        let Some(mut post) = self.delivering.take() else { return };
        let Some(step) = post.step() else { return self.finished(post).await };
        match self.call(&step).await {
            Ok(id) => {
                self.reached().await;
                match (step, id) {
                    (Step::Send(_), Some(id)) => {
                        self.bury(post.turn.as_ref());
                        post.sent(id);
                    }
                    (Step::Delete(id), _) => post.deleted(&id),
                    (Step::Edit(..) | Step::Send(_), _) => post.edited(),
                }
                if post.step().is_none() {
                    return self.finished(post).await;
                }
                self.note(&post).await;
            }
            Err(ChatError::Gone { why }) => self.block(why).await,
            Err(ChatError::Forbidden { why }) => {
                tracing::warn!(place = %self.place, post = post.post.0, why, "dropping a post");
                if post.turn.is_none() {
                    return self.finished(post).await;
                }
                post.withhold();
            }
            Err(ChatError::Refused { why }) => refuse(&mut post, &step, &why),
            Err(error) => self.hold(&error),
        }
        self.delivering = Some(post);
    }

    /// Stores the progress of a post, and tells the mailbox whether `/stop` can end an answer.
    async fn note(&self, post: &Delivering) {
        if let Some(mailbox) = self.shared.state().boxes.get_mut(&self.place) {
            mailbox.progress(post);
        }
        if let Err(error) = self.shared.ledger.sending(post.post, post.state()).await {
            tracing::warn!(%error, post = post.post.0, "failed to store the progress of a post");
        }
    }

    async fn finished(&mut self, post: Delivering) {
        if let Some(mailbox) = self.shared.state().boxes.get_mut(&self.place) {
            if let Some(row) = mailbox.row(post.post) {
                self.series.shown(row, post.state().messages);
            }
            mailbox.progress(&post);
        }
        // Printed lines can't be edited.
        let messages = match self.shared.chat.limits().edits {
            Edits::Replace => post.state().messages,
            Edits::Append => Vec::new(),
        };
        self.settle(post.post, messages).await;
        self.idle_since = Instant::now();
    }

    /// Records that the post is done, because it is shown or can't be. `messages` show it, and may be edited later.
    pub(super) async fn settle(&self, post: PostId, messages: Vec<MessageId>) {
        let next = match self.shared.ledger.sent(post, messages).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, post = post.0, "failed to store that a post was sent: it may be sent again");
                Vec::new()
            }
        };
        if let Some(mailbox) = self.shared.state().boxes.get_mut(&self.place) {
            mailbox.remove(post);
            next.into_iter().for_each(|row| mailbox.put(Post::Final(row)));
            mailbox.ring();
        }
        self.shared.quiet.notify_waiters();
    }

    /// Keeps the posts for this place. The worker retries them after a pause, or when a user writes there.
    async fn block(&mut self, why: String) {
        let is_new = self.blocked.is_none();
        let blocked = self.blocked.get_or_insert_default();
        self.held = Instant::now() + blocked.pauses.grow();
        self.mark(Reachability::Blocked);
        let place = self.place.clone();
        if is_new {
            tracing::warn!(%place, why, "a place is unreachable: its posts are kept");
        }
        if self.shared.state().reported.insert(place.clone()) {
            self.store_reachability(Reachability::Blocked).await;
            self.shared.unreachable(Unreachable { place, why });
        }
    }

    /// Retries a blocked place at once, because a user has written there.
    pub(super) fn unblock(&mut self) {
        if let Some(blocked) = &mut self.blocked {
            blocked.pauses.reset();
            self.held = Instant::now();
        }
    }

    async fn reached(&mut self) {
        if self.blocked.take().is_some() {
            tracing::info!(place = %self.place, "a place is reachable again");
            self.mark(Reachability::Open);
        }
        if self.shared.state().reported.remove(&self.place) {
            self.store_reachability(Reachability::Open).await;
        }
    }

    /// Stores whether the place can be written to.
    async fn store_reachability(&self, reach: Reachability) {
        if let Err(error) = self.shared.ledger.set_reachability(&self.place, reach).await {
            tracing::warn!(%error, "failed to store whether a place is reachable");
        }
    }

    fn mark(&self, reach: Reachability) {
        if let Some(mailbox) = self.shared.state().boxes.get_mut(&self.place) {
            mailbox.reach = reach;
        }
        self.shared.quiet.notify_waiters();
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
                    "a part of a post is omitted: it is rejected even without formatting"
                );
            }
        }
        Step::Delete(id) => post.deleted(id),
    }
}
