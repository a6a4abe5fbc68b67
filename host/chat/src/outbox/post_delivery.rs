//! Tracks the delivery of one stored post: which messages are already in the chat, and which call to make next. Does no
//! I/O.

use std::slice;

use cordboard_core::{
    agent_event::PromptId,
    messages,
    types::{Alert, DeliveryIssue, DeliveryOutcome, Reply},
    updates_and_posts::{Delivery, OutboxRow, PostId},
};

use super::{
    chat_call::{Attempt, ChatCall, ExistingMessages, Reuse},
    compose,
};
use crate::{Limits, MessageId, Outgoing, RichMessages};

/// If an answer has at most this many messages left, they can be sent quickly, so no reply is sent between them. If
/// newer messages appear below an answer this short, the whole answer is sent again.
pub(super) const BRIEF: usize = 3;

pub(super) struct PostDelivery {
    pub post: PostId,
    /// The turn that this post answers.
    pub turn: Option<PromptId>,
    reply: Reply,
    limits: Limits,
    parts: Vec<Outgoing>,
    /// Existing messages: first those that show parts, in order, then those to edit or delete.
    messages: Vec<MessageId>,
    /// The number of leading parts that are already shown correctly.
    shown: usize,
    reuse: Reuse,
    attempt: Attempt,
    /// The front-end's reason for rejecting the current part with its styles.
    rejection: Option<String>,
    /// At most one issue per outcome.
    issues: Vec<DeliveryIssue>,
}

impl PostDelivery {
    pub fn new(row: &OutboxRow, existing: ExistingMessages, limits: Limits, rich: RichMessages) -> Self {
        let ExistingMessages { ids: messages, reuse, was_watched } = existing;
        // Shorten only answers, because other messages, such as questions, are edited after they are sent.
        let over = if row.turn.is_some() { limits.document_over } else { limits.document_over.map(|_| usize::MAX) };
        let limits = Limits { document_over: over, ..limits };
        // Only answers are rich, because other posts are edited later and an edit can't replace a rich message.
        let rich = if row.turn.is_some() { rich } else { RichMessages::Off };
        let mut parts = parts_of(row.id, &row.reply, limits, rich);
        if was_watched {
            parts.iter_mut().for_each(|part| part.alert = Alert::Silent);
        }
        // The number of parts depends on the configuration, which may have changed since the last attempt.
        let is_same = row.state.parts == 0 || row.state.parts as usize == parts.len();
        let shown = if is_same { row.state.shown as usize } else { 0 };
        let shown = shown.min(parts.len()).min(messages.len());
        let (turn, reply) = (row.turn.clone(), row.reply.clone());
        Self {
            post: row.id,
            turn,
            reply,
            limits,
            parts,
            messages,
            shown,
            reuse,
            attempt: Attempt::Styled,
            rejection: None,
            issues: Vec::new(),
        }
    }

    /// Keeps the leading parts of a long answer that `shown_messages` already show, even if newer messages are below
    /// them. Sending all parts again would delay later posts.
    pub fn keep_shown_parts(&mut self, shown_messages: &[(MessageId, Outgoing)]) {
        if self.reuse != Reuse::Nothing || self.parts.len() <= BRIEF {
            return;
        }
        let last = self.parts.iter().rposition(|part| part.file.is_none()).unwrap_or_default();
        let messages = &self.messages;
        let is_shown = |(at, part): &(usize, &Outgoing)| {
            let shown = shown_messages.get(*at).filter(|(id, _)| messages.get(*at) == Some(id));
            shown.is_some_and(|(_, shown)| (&shown.message, &shown.buttons) == (&part.message, &part.buttons))
        };
        self.shown = self.parts.iter().enumerate().take(last).take_while(is_shown).count();
    }

    /// Returns the next call, or `None` if all parts are shown and all leftover messages are deleted.
    pub fn next_call(&self) -> Option<ChatCall> {
        if let Some(part) = self.parts.get(self.shown) {
            let message = self.attempt.apply(part);
            return Some(match self.messages.get(self.shown).filter(|_| self.reuses(part)) {
                Some(id) => ChatCall::Edit(id.clone(), message),
                None => ChatCall::Send(message),
            });
        }
        let superfluous = self.messages.get(self.parts.len()..)?.last()?;
        Some(ChatCall::Delete(superfluous.clone()))
    }

    /// Returns whether an existing message can be edited into this part. Files and rich messages are always new
    /// messages.
    fn reuses(&self, part: &Outgoing) -> bool {
        part.file.is_none()
            && part.rich.is_none()
            && match self.reuse {
                Reuse::All => true,
                Reuse::Silent => part.alert == Alert::Silent,
                Reuse::Nothing => false,
            }
    }

    /// Returns whether this is a request to the user with no parts shown yet.
    pub const fn is_new_request(&self) -> bool {
        self.reply.request.is_some() && !self.has_begun()
    }

    /// Returns whether at least one part is shown.
    pub const fn has_begun(&self) -> bool {
        self.shown > 0
    }

    /// Returns the number of parts that are not shown yet.
    pub const fn unshown_parts(&self) -> usize {
        self.parts.len() - self.shown
    }

    /// Drops the parts that are not shown yet, except for the first part. Adds a line that states how many messages are
    /// missing from the answer, including the `others` dropped posts. If any parts were dropped, adds `issue`.
    pub fn stop(&mut self, others: usize, issue: DeliveryIssue) {
        let remaining = self.shown.max(1).min(self.parts.len());
        let left = self.parts.len() - remaining + others;
        if self.parts.len() > remaining {
            self.add_issue(issue);
        }
        if left > 0 {
            let last = self.parts.iter().rfind(|part| part.file.is_none()).or(self.parts.last());
            let mark = last.map(|part| compose::mark(&messages::not_sent(left), part));
            self.parts.truncate(remaining);
            self.parts.extend(mark);
        }
    }

    /// Drops the parts that aren't shown yet, because the reader no longer has access. The live messages that they
    /// would have replaced are then deleted.
    pub fn drop_unshown_parts(&mut self) {
        self.parts.truncate(self.shown);
    }

    /// Records that another message was shown below the existing messages of this post.
    pub fn on_message_below(&mut self) {
        if self.reuse == Reuse::Silent {
            self.reuse = Reuse::Nothing;
        }
    }

    pub fn on_edited(&mut self) {
        if let Some(why) = self.rejection.take().filter(|_| self.attempt != Attempt::Styled) {
            self.add_issue(DeliveryIssue::new(DeliveryOutcome::SentWithoutStyles, why));
        }
        self.shown += 1;
        self.attempt = Attempt::Styled;
    }

    pub fn on_sent(&mut self, id: MessageId) {
        self.messages.insert(self.shown, id);
        self.on_edited();
    }

    pub fn on_deleted(&mut self, id: &MessageId) {
        self.messages.retain(|message| message != id);
    }

    /// Handles a rejected edit: retries it without styles, then without buttons, then sends this part and all later
    /// ones as new messages.
    pub fn on_edit_rejected(&mut self, why: &str) {
        self.rejection.get_or_insert_with(|| why.to_owned());
        self.attempt = self.attempt.next(slice::from_ref(&self.parts[self.shown]));
        if self.attempt == Attempt::Rejected {
            self.reuse = Reuse::Nothing;
            self.attempt = Attempt::Styled;
            self.rejection = None;
        }
    }

    /// Handles a rejected message: retries it without styles, then without buttons, then replaces it with a notice, and
    /// drops the part if the notice is rejected too. If a file or a rich message is rejected, the whole post becomes
    /// text.
    pub fn on_send_rejected(&mut self, why: &str) -> Attempt {
        if self.parts[self.shown].rich.is_some() {
            let alert = self.parts[self.shown].alert;
            self.parts = parts_of(self.post, &self.reply, self.limits, RichMessages::Off);
            if alert == Alert::Silent {
                self.parts.iter_mut().for_each(|part| part.alert = Alert::Silent);
            }
            return Attempt::Styled;
        }
        if self.parts[self.shown].file.is_some() {
            if self.limits.document_over.take().is_some() {
                self.parts = parts_of(self.post, &self.reply, self.limits, RichMessages::Off);
                self.shown = 0;
                if self.reuse == Reuse::Silent {
                    // A new message is below the live messages, so the answer can't continue in them.
                    self.reuse = Reuse::Nothing;
                }
                return Attempt::Styled;
            }
            // Files have no styles, so another attempt would also fail.
            self.attempt = Attempt::Plain;
        }
        let mark = messages::not_shown(self.shown + 1, self.parts.len());
        let part = &mut self.parts[self.shown];
        if part.message.text == mark {
            self.parts.remove(self.shown);
            return Attempt::Rejected;
        }
        let attempt = self.attempt.next(slice::from_ref(&*part));
        self.attempt = attempt;
        if attempt == Attempt::Rejected {
            *part = compose::mark(&mark, part);
            self.attempt = Attempt::Styled;
            self.rejection = None;
            self.add_issue(DeliveryIssue::new(DeliveryOutcome::NotShown, why));
        } else {
            self.rejection.get_or_insert_with(|| why.to_owned());
        }
        attempt
    }

    /// Adds an issue. Keeps only the first of several issues with the same outcome, for example if several parts of a
    /// long answer fail.
    pub fn add_issue(&mut self, issue: DeliveryIssue) {
        if self.issues.iter().all(|known| known.outcome != issue.outcome) {
            self.issues.push(issue);
        }
    }

    pub fn into_issues(self) -> Vec<DeliveryIssue> {
        self.issues
    }

    /// Returns the messages that contain text. They can be edited later, for example to remove their buttons.
    pub fn editable_messages(&self) -> Vec<MessageId> {
        let shown = self.parts.iter().zip(&self.messages);
        shown.filter(|(part, _)| part.file.is_none()).map(|(_, message)| message.clone()).collect()
    }

    /// Returns the delivery progress to store.
    pub fn state(&self) -> Delivery {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Delivery {
            messages: self.messages.clone(),
            shown: number(self.shown),
            parts: number(self.parts.len()),
            undeliverable: None,
        }
    }
}

/// Returns the messages of a post. Their buttons refer to the post.
fn parts_of(post: PostId, reply: &Reply, limits: Limits, rich: RichMessages) -> Vec<Outgoing> {
    let whole = match rich {
        RichMessages::Off => None,
        RichMessages::Auto => compose::rich(reply, limits),
    };
    let mut parts = whole.map_or_else(|| compose::reply(reply, limits), |part| vec![part]);
    for button in parts.iter_mut().flat_map(|part| &mut part.buttons).flatten() {
        button.keyboard = Some(post);
    }
    parts
}
