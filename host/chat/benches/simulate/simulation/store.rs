//! The store, which survives the host: accepted updates that aren't handled yet, posts that aren't delivered yet, and
//! the messages that show running turns. Checks how the outbox delivers posts.

use std::collections::{BTreeMap, BTreeSet};

use cordboard_chat::{Limits, outbox};
use cordboard_core::updates_and_posts::{
    Delivery, InboxId, InboxRow, InboxState, MessageId, NewPost, OutboxRow, PostId, Update,
};

use super::chat_server::ChatServer;
use crate::{
    agent_event::PromptId,
    types::{Alert, Authorship, DeliveryIssue, DeliveryOutcome, Place, Reply},
};

/// If an answer has more messages left than this, a reply may be sent before its rest.
const BRIEF: usize = 3;

#[derive(Default)]
pub struct Store {
    inbox: BTreeMap<InboxId, InboxRow>,
    keys: BTreeSet<String>,
    last_update: i64,
    posts: BTreeMap<PostId, StoredPost>,
    last_post: i64,
    placeholders: Vec<Placeholder>,
    /// The turns whose end is stored.
    ended: BTreeSet<PromptId>,
    /// The turns that are being stopped. Posts wait for their ends.
    stopping: BTreeMap<Place, PromptId>,
    pub unreachable: BTreeSet<Place>,
}

struct StoredPost {
    row: OutboxRow,
    /// The turn that was being stopped when the post was stored. Its answer may overtake the post.
    waits_for: Option<PromptId>,
}

/// A message that shows a running turn.
struct Placeholder {
    turn: PromptId,
    place: Place,
    message: MessageId,
    text: String,
}

impl Store {
    /// Stores updates, except those that are stored already. Returns the new rows.
    pub fn accept(&mut self, updates: Vec<Update>) -> Vec<InboxRow> {
        let mut rows = Vec::new();
        for update in updates {
            if self.keys.insert(update.key.clone()) {
                self.last_update += 1;
                let id = InboxId(self.last_update);
                let (prompt, at) = (PromptId(format!("p{}", id.0)), update.at);
                let row = InboxRow { id, update, state: InboxState::New, prompt, at };
                self.inbox.insert(id, row.clone());
                rows.push(row);
            }
        }
        rows
    }

    /// Completes an update: it was handled, or a session has taken over its prompt.
    pub fn complete_update(&mut self, id: InboxId) {
        self.inbox.remove(&id);
    }

    pub fn unhandled(&self) -> Vec<InboxRow> {
        self.inbox.values().cloned().collect()
    }

    /// Stores a post, which replaces the messages that show its turn.
    pub fn insert(&mut self, post: NewPost) -> OutboxRow {
        let NewPost { place, reply, edit, turn } = post;
        let mut messages: Vec<MessageId> = edit.into_iter().collect();
        if let Some(turn) = &turn {
            messages.extend(self.end_turn(turn));
        }
        self.last_post += 1;
        let state = Delivery { messages, ..Delivery::default() };
        let row = OutboxRow { id: PostId(self.last_post), place, reply, turn, state };
        let waits_for = self.stopping.get(&row.place).cloned();
        self.posts.insert(row.id, StoredPost { row: row.clone(), waits_for });
        row
    }

    /// Records that a turn has ended. Returns the messages that show it.
    pub fn end_turn(&mut self, turn: &PromptId) -> Vec<MessageId> {
        self.ended.insert(turn.clone());
        self.stopping.retain(|_, stopping| stopping != turn);
        let shown = self.placeholders.extract_if(.., |placeholder| placeholder.turn == *turn);
        shown.map(|placeholder| placeholder.message).collect()
    }

    pub fn begin_stopping(&mut self, place: Place, turn: PromptId) {
        self.stopping.insert(place, turn);
    }

    pub fn unsent(&self) -> Vec<OutboxRow> {
        self.posts.values().map(|post| post.row.clone()).collect()
    }

    /// Stores posts that mark the turns which the previous host has not finished, as the real store does.
    pub fn mark_interrupted_answers(&mut self, server: &mut ChatServer) {
        self.stopping.clear();
        let placeholders = std::mem::take(&mut self.placeholders);
        for (at, Placeholder { turn, place, message, text }) in placeholders.iter().enumerate() {
            let is_last = placeholders[at + 1..].iter().all(|later| later.turn != *turn);
            let reply = if text.trim().is_empty() {
                Reply { alert: Alert::Silent, ..Reply::text("") }
            } else if is_last {
                let text = format!("{text}\n\n(interrupted)");
                Reply { author: Authorship::Agents, alert: Alert::Silent, ..Reply::text(text) }
            } else {
                server.own(place, message);
                continue;
            };
            let edit = Some(message.clone());
            self.insert(NewPost { edit, ..NewPost::new(place.clone(), reply) });
        }
    }

    /// Records a message that shows a turn. Returns false if the turn has ended.
    pub fn save_placeholder(&mut self, turn: &PromptId, place: &Place, message: &MessageId, text: &str) -> bool {
        if self.ended.contains(turn) {
            return false;
        }
        let (turn, place, message, text) = (turn.clone(), place.clone(), message.clone(), text.to_owned());
        let is_same = |placeholder: &&mut Placeholder| (&placeholder.place, &placeholder.message) == (&place, &message);
        match self.placeholders.iter_mut().find(is_same) {
            Some(placeholder) => placeholder.text = text,
            None => self.placeholders.push(Placeholder { turn, place, message, text }),
        }
        true
    }

    pub fn forget_placeholder(&mut self, place: &Place, message: &MessageId) {
        self.placeholders.retain(|one| (&one.place, &one.message) != (place, message));
    }

    pub fn save_progress(&mut self, post: PostId, delivery: Delivery) {
        if let Some(post) = self.posts.get_mut(&post) {
            post.row.state = delivery;
        }
    }

    /// Completes a post that `messages` show.
    ///
    /// # Errors
    /// Returns the rule that the delivery violates.
    pub fn complete_post(
        &mut self,
        id: PostId,
        messages: &[MessageId],
        issues: &[DeliveryIssue],
        server: &mut ChatServer,
    ) -> Result<(), String> {
        let Some(post) = self.posts.remove(&id) else { return Err(format!("post {} is completed once", id.0)) };
        let is_dropped =
            issues.iter().any(|issue| matches!(issue.outcome, DeliveryOutcome::Dropped | DeliveryOutcome::NotShown));
        let is_replaced = post.row.reply.series.is_some() && messages.is_empty();
        if is_dropped || is_replaced {
            return Ok(());
        }
        let limits = server.limits();
        for earlier in self.posts.values().filter(|one| one.row.place == post.row.place && one.row.id < id) {
            if !may_overtake(&post.row, earlier, limits) {
                return Err(format!("post {} precedes post {} of the same place", earlier.row.id.0, id.0));
            }
        }
        let place = &post.row.place;
        let wanted = outbox::messages(&post.row.reply, limits).into_iter().map(|part| part.message.text);
        let shown = messages.iter().map(|message| server.text(place, message));
        if !wanted.map(Some).eq(shown) {
            return Err(format!("post {} is complete only when the chat shows all of it", id.0));
        }
        messages.iter().for_each(|message| server.own(place, message));
        Ok(())
    }

    /// Checks that nothing is left to do, and forgets what no longer matters.
    ///
    /// # Errors
    /// Returns the rule that is violated.
    pub fn inspect(&mut self) -> Result<(), String> {
        if let Some(row) = self.inbox.values().next() {
            return Err(format!("update {} is handled: {}", row.id.0, row.update.what.text()));
        }
        if let Some(post) = self.posts.values().next() {
            return Err(format!("post {} is sent: {}", post.row.id.0, post.row.reply.text));
        }
        if let Some(placeholder) = self.placeholders.first() {
            return Err(format!("the turn of prompt {} ends", placeholder.turn.0));
        }
        self.keys.clear();
        self.ended.clear();
        Ok(())
    }
}

/// Returns whether the post may be completed before the earlier one of the same place: a reply may overtake the rest of
/// a long answer, and the answer of a turn that is being stopped precedes the reply to the command that stops it.
fn may_overtake(post: &OutboxRow, earlier: &StoredPost, limits: Limits) -> bool {
    if post.turn.is_some() {
        return earlier.waits_for == post.turn;
    }
    let shown = earlier.row.state.shown as usize;
    earlier.row.turn.is_some() && outbox::messages(&earlier.row.reply, limits).len() > shown + BRIEF
}
