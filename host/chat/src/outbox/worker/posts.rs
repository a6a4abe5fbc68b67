//! Sends stored posts: chooses the next one, sends its parts, and keeps it if the place can't be written to.

use std::time::Duration;

use cordboard_core::{
    agent_event::PromptId,
    messages::{STOPPED_BY_USER, too_many_waiting},
    types::{DeliveryIssue, DeliveryOutcome},
    updates_and_posts::{MessageId, OutboxRow, PostId},
};
use cordboard_metrics::METRICS;
use tokio::time::Instant;

use super::{
    super::{
        Post, Unreachable, UnreachableKind,
        chat_call::{Attempt, ChatCall, ExistingMessages},
        mailbox::{Mailbox, Reachability},
        post_delivery::PostDelivery,
    },
    Worker,
};
use crate::{ChatError, Edits, StorageError, backoff::Backoff};

/// The maximum number of posts to keep for a place that can't be written to. Plugin jobs may keep posting there, so the
/// oldest posts are dropped once this number is exceeded.
const MAX_BLOCKED_POSTS: usize = 100;

impl Worker {
    /// Chooses the next post to send. A reply may be sent between two parts of a long answer.
    pub(super) fn choose_post(&mut self, mailbox: &mut Mailbox) {
        let edits = self.shared.chat.limits(&self.place).edits;
        let may_pause = self.delivering.as_ref().is_some_and(|post| mailbox.is_sending_long_answer(post.turn.as_ref()));
        if may_pause && edits == Edits::Replace && mailbox.reply().is_some() {
            self.paused = self.delivering.take();
        }
        if self.delivering.is_some() {
            return;
        }
        let row = match (&self.paused, edits) {
            (Some(_), _) => mailbox.reply(),
            (None, Edits::Replace) => mailbox.first(),
            // An appending front-end prints even long answers immediately, so posts keep their stored order.
            (None, Edits::Append) => mailbox.finals.front(),
        };
        match row.cloned() {
            Some(row) => self.delivering = Some(self.start_delivery(&row)),
            None => self.delivering = self.paused.take(),
        }
        mailbox.sending = self.delivering.as_ref().map(|post| post.post);
    }

    fn start_delivery(&mut self, row: &OutboxRow) -> PostDelivery {
        let limits = self.shared.chat.limits(&self.place);
        let rich = self.shared.chat.rich_messages(&self.place);
        let mut stored = row.state.messages.clone();
        if stored.is_empty() {
            stored.extend(self.series.messages(row));
        }
        match self.turns.iter().position(|turn| Some(&turn.turn) == row.turn.as_ref()) {
            Some(at) => {
                let turn = self.turns.remove(at);
                self.shared.chat.forget_draft(&self.place, &turn.turn);
                let shown_messages = turn.shown_messages();
                let mut post = PostDelivery::new(row, turn.into_existing(stored, limits), limits, rich);
                post.keep_shown_parts(&shown_messages);
                post
            }
            None => PostDelivery::new(row, ExistingMessages::of_stored(row, stored, limits), limits, rich),
        }
    }

    /// Applies a `/stop` to the answer that is being sent: replaces the rest of the answer with one line.
    pub(super) fn apply_answer_stop(&mut self, mailbox: &mut Mailbox) {
        let Some(turn) = mailbox.stop_answer_of.take() else { return };
        let current = self.paused.as_mut().or(self.delivering.as_mut());
        let Some(post) = current.filter(|post| post.turn.as_ref() == Some(&turn)) else {
            // Another post is being sent. Keep the stop request if its answer is still pending.
            mailbox.stop_answer_of = Some(turn).filter(|turn| mailbox.has_answer(turn));
            return;
        };
        let issue = DeliveryIssue::new(DeliveryOutcome::Dropped, STOPPED_BY_USER);
        let others = mailbox.drop_other_posts(&turn, post.post, &issue);
        tracing::info!(place = %self.place, others, "sending of an answer stopped on request");
        post.stop(others, issue);
    }

    /// Limits the number of posts that wait for an unreachable place.
    pub(super) fn limit_blocked_posts(&self, mailbox: &mut Mailbox) {
        if self.blocked.is_some() {
            let issue = DeliveryIssue::new(DeliveryOutcome::Dropped, too_many_waiting(MAX_BLOCKED_POSTS));
            for post in mailbox.drop_oldest(MAX_BLOCKED_POSTS, &issue) {
                tracing::error!(place = %self.place, post = post.0, "dropping a post: too many are waiting for an unreachable place");
            }
        }
    }

    pub(super) async fn deliver_part(&mut self) {
        let Some(mut post) = self.delivering.take() else { return };
        let Some(call) = post.next_call() else { return self.finished(post).await };
        match self.call(&call).await {
            Ok(id) => {
                self.on_success().await;
                match (call, id) {
                    (ChatCall::Send(_), Some(id)) => {
                        self.on_message_below(post.turn.as_ref());
                        post.on_sent(id);
                    }
                    (ChatCall::Delete(id), _) => post.on_deleted(&id),
                    (ChatCall::Edit(..) | ChatCall::Send(_), _) => post.on_edited(),
                    (ChatCall::ShowDraft(_), _) => {}
                }
                if post.next_call().is_none() {
                    return self.finished(post).await;
                }
                self.record_progress(&post).await;
            }
            Err(ChatError::Unreachable { why }) => {
                METRICS.send_retries.inc();
                self.block(why).await;
            }
            Err(ChatError::Deleted { why }) => return self.mark_undeliverable(&post, why).await,
            Err(ChatError::Forbidden { why }) => {
                tracing::warn!(place = %self.place, post = post.post.0, why, "dropping a post");
                post.add_issue(DeliveryIssue::new(DeliveryOutcome::Dropped, why));
                if post.turn.is_none() {
                    return self.finished(post).await;
                }
                post.drop_unshown_parts();
            }
            Err(ChatError::Rejected { why }) => on_rejection(&mut post, &call, &why),
            Err(error) => {
                METRICS.send_retries.inc();
                self.pause_after(&error);
            }
        }
        self.delivering = Some(post);
    }

    /// Stores the progress of a post, and records in the mailbox whether `/stop` can end an answer.
    async fn record_progress(&self, post: &PostDelivery) {
        if let Some(mailbox) = self.shared.state().mailboxes.get_mut(&self.place) {
            mailbox.record_progress(post);
        }
        if let Err(error) = self.shared.store.save_progress(post.post, post.state()).await {
            tracing::warn!(%error, post = post.post.0, "failed to store the progress of a post");
        }
    }

    async fn finished(&mut self, post: PostDelivery) {
        if let Some(mailbox) = self.shared.state().mailboxes.get_mut(&self.place) {
            if let Some(row) = mailbox.row(post.post) {
                self.series.shown(row, post.state().messages);
            }
            mailbox.record_progress(&post);
        }
        // Printed lines can't be edited.
        let messages = match self.shared.chat.limits(&self.place).edits {
            Edits::Replace => post.editable_messages(),
            Edits::Append => Vec::new(),
        };
        let (id, turn) = (post.post, post.turn.clone());
        self.complete(id, messages, post.into_issues()).await;
        if let Some(turn) = turn.filter(|turn| !self.has_more_of(turn)) {
            METRICS.answer_sent(&turn.0);
        }
        self.idle_since = Instant::now();
    }

    /// Returns whether more posts of the turn's answer are pending.
    fn has_more_of(&self, turn: &PromptId) -> bool {
        self.shared.state().mailboxes.get(&self.place).is_some_and(|mailbox| mailbox.has_answer(turn))
    }

    /// Records that the post was shown or dropped. `messages` are the messages that show it; they may be edited later.
    pub(super) async fn complete(&self, post: PostId, messages: Vec<MessageId>, issues: Vec<DeliveryIssue>) {
        let next = match self.shared.store.complete(post, messages, issues).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, post = post.0, "failed to store that a post was sent: it may be sent again");
                Vec::new()
            }
        };
        self.remove(post, next);
    }

    /// Removes a post from the mailbox, and adds the posts in `next`, which update the messages of the removed post.
    fn remove(&self, post: PostId, next: Vec<OutboxRow>) {
        if let Some(mailbox) = self.shared.state().mailboxes.get_mut(&self.place) {
            mailbox.remove(post);
            next.into_iter().for_each(|row| mailbox.put(Post::Final(row)));
            mailbox.notify();
        }
        self.shared.post_done.notify_waiters();
    }

    /// Records that a post is undeliverable, because its topic was deleted.
    async fn mark_undeliverable(&mut self, post: &PostDelivery, why: String) {
        tracing::warn!(place = %self.place, post = post.post.0, why, "a post is undeliverable: its topic was deleted");
        if let Err(error) = self.shared.store.record_undeliverable(post.post, &why).await {
            tracing::error!(%error, post = post.post.0, "failed to store that a post is undeliverable: it may be sent again");
        }
        self.remove(post.post, Vec::new());
        self.report_loss(why, UnreachableKind::Deleted).await;
    }

    /// Stops sending to this place and keeps its posts. The worker retries them after a delay, or when a user writes in
    /// the place.
    async fn block(&mut self, why: String) {
        let is_new = self.blocked.is_none();
        let backoff = self.blocked.get_or_insert_with(|| blocked_backoff().with_jitter_of(&self.place));
        self.paused_until = Instant::now() + backoff.next_delay();
        self.set_reachability(Reachability::Blocked);
        if is_new {
            tracing::warn!(place = %self.place, why, "a place is unreachable: its posts are kept");
        }
        self.report_loss(why, UnreachableKind::Blocked).await;
    }

    /// Records that the place can't be written to, together with the newest reason. Reports the place unless it was
    /// already reported.
    async fn report_loss(&self, why: String, kind: UnreachableKind) {
        let place = self.place.clone();
        log_failure(self.shared.store.set_unreachable(&place, &why).await);
        if self.shared.state().reported.insert(place.clone()) {
            self.shared.unreachable(Unreachable { place, why, kind });
        }
    }

    /// Makes the worker try a blocked place again at once, because a user has written there.
    pub(super) fn unblock(&mut self) {
        if let Some(backoff) = &mut self.blocked {
            backoff.reset();
            self.paused_until = Instant::now();
        }
    }

    async fn on_success(&mut self) {
        if self.blocked.take().is_some() {
            tracing::info!(place = %self.place, "a place is reachable again");
            self.set_reachability(Reachability::Open);
        }
        if self.shared.state().reported.remove(&self.place) {
            log_failure(self.shared.store.set_reachable(&self.place).await);
        }
    }

    fn set_reachability(&self, reach: Reachability) {
        if let Some(mailbox) = self.shared.state().mailboxes.get_mut(&self.place) {
            mailbox.reachability = reach;
        }
        self.shared.post_done.notify_waiters();
    }
}

/// Returns the backoff for a place that can't be written to, for example because the topic is closed or the bot was
/// blocked. Such a place usually becomes writable within minutes or not at all, so the delay grows from a minute to an
/// hour.
const fn blocked_backoff() -> Backoff {
    Backoff::new(Duration::from_mins(1), Duration::from_hours(1))
}

fn log_failure(stored: Result<(), StorageError>) {
    if let Err(error) = stored {
        tracing::warn!(%error, "failed to store whether a place is reachable");
    }
}

fn on_rejection(post: &mut PostDelivery, call: &ChatCall, why: &str) {
    match call {
        ChatCall::Edit(..) => post.on_edit_rejected(why),
        ChatCall::Send(_) => {
            if post.on_send_rejected(why) == Attempt::Rejected {
                tracing::error!(
                    post = post.post.0,
                    why,
                    "a part of a post is omitted: it is rejected even without formatting"
                );
            }
        }
        ChatCall::Delete(id) => post.on_deleted(id),
        ChatCall::ShowDraft(_) => {}
    }
}
