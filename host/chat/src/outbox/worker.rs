//! Runs the worker of one place. The worker makes one call at a time: posts first, then the newest frames as fast as
//! the front-end allows.

use std::{sync::Arc, time::Duration};

use cordboard_core::{
    agent_event::PromptId,
    language::{self, with_language},
    types::Place,
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};

use super::{
    Shared,
    chat_call::ChatCall,
    live_turn::LiveTurn,
    mailbox::{DroppedPost, Series},
    pace::Slot,
    post_delivery::PostDelivery,
};
use crate::{ChatError, Edits, LiveLine, MessageId, Pacing, backoff::Backoff};

mod frames;
mod posts;

/// The maximum delay before a turn's first frame. A turn that ends earlier shows only its answer, because a frame that
/// is replaced immediately would flicker.
const FIRST_FRAME: Duration = Duration::from_secs(1);

/// The interval of [`Chat::show_activity`](crate::Chat::show_activity) calls. Telegram shows the activity indicator for
/// five seconds.
const REFRESH: Duration = Duration::from_secs(4);

/// The time that an idle worker keeps running, so that it still honors a front-end's rate limit in the next turn.
const LINGER: Duration = Duration::from_secs(30);

pub(super) struct Worker {
    shared: Arc<Shared>,
    place: Place,
    changed: Arc<Notify>,
    closing: watch::Receiver<bool>,
    delivering: Option<PostDelivery>,
    /// A long answer that is paused while a reply is being sent between two of its parts.
    paused: Option<PostDelivery>,
    series: Series,
    turns: Vec<LiveTurn>,
    /// A frame counter that makes the running turns alternate.
    rotation: usize,
    /// The last activity that was reported to the front-end. `None` means that no turn is running.
    reported: Option<ReportedActivity>,
    /// The earliest time of the next call.
    paused_until: Instant,
    /// The slot that the chat's pace reserved for the next frame.
    slot: Option<Slot>,
    idle_since: Instant,
    /// The deadline by which the mailbox releases delayed posts.
    delayed_until: Option<Instant>,
    backoff: Backoff,
    /// The backoff while the place can't be written to.
    blocked: Option<Backoff>,
}

struct ReportedActivity {
    line: Option<String>,
    at: Instant,
}

enum NextStep {
    SendPost,
    ReportActivity,
    ShowFrame,
    Wait(Instant),
    End,
}

impl Worker {
    pub fn new(shared: Arc<Shared>, place: Place, changed: Arc<Notify>) -> Self {
        let (closing, now) = (shared.closing.subscribe(), Instant::now());
        // The workers of all places fail together when the network does.
        let backoff = Backoff::default().with_jitter_of(&place);
        Self {
            shared,
            place,
            changed,
            closing,
            delivering: None,
            paused: None,
            series: Series::default(),
            turns: Vec::new(),
            rotation: 0,
            reported: None,
            paused_until: now,
            slot: None,
            idle_since: now,
            delayed_until: None,
            backoff,
            blocked: None,
        }
    }

    pub async fn run(mut self) {
        while !*self.closing.borrow() {
            let language = self.shared.store.language(&self.place);
            for DroppedPost { post, issue } in with_language(language, || self.collect()) {
                self.complete(post, Vec::new(), issue.into_iter().collect()).await;
            }
            match self.next(Instant::now()) {
                NextStep::SendPost => {
                    let language = self.shared.store.language(&self.place);
                    language::scope(language, self.deliver_part()).await;
                }
                NextStep::ReportActivity => self.report_activity().await,
                NextStep::ShowFrame => self.show_frame().await,
                NextStep::Wait(until) => self.wait(until).await,
                NextStep::End => return,
            }
        }
    }

    /// Takes everything from the mailbox except posts, which stay there until they are done. Returns the dropped posts.
    fn collect(&mut self) -> Vec<DroppedPost> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        let Some(mailbox) = state.mailboxes.get_mut(&self.place) else { return Vec::new() };
        let unstopped = mailbox.stop_waiting(Instant::now());
        self.delayed_until = mailbox.delayed_until();
        if std::mem::take(&mut mailbox.user_wrote) {
            self.on_message_below(None);
            self.unblock();
        }
        let (requeued, ended) =
            (std::mem::take(&mut mailbox.requeued), std::mem::take(&mut mailbox.ended_without_post));
        self.turns.iter_mut().filter(|turn| requeued.contains(&turn.turn)).for_each(LiveTurn::requeue);
        for turn in requeued.iter().chain(&ended) {
            self.shared.chat.forget_draft(&self.place, turn);
        }
        self.turns.retain(|turn| !ended.contains(&turn.turn));
        self.take_frames(std::mem::take(&mut mailbox.frames));
        // An appending front-end can't complete a line later, so print the incomplete line before the next post.
        let appends = self.shared.chat.limits(&self.place).edits == Edits::Append;
        if let Some(turn) = self.turns.iter_mut().find(|turn| appends && Some(&turn.turn) == unstopped.as_ref()) {
            turn.halt();
        }
        self.choose_post(mailbox);
        if self.delivering.as_ref().is_some_and(PostDelivery::is_new_request) {
            self.turns.iter_mut().for_each(LiveTurn::end_draft);
        }
        self.apply_answer_stop(mailbox);
        self.limit_blocked_posts(mailbox);
        std::mem::take(&mut mailbox.dropped)
    }

    /// Records that a new message was shown in the place. `but` is the turn that the message belongs to, if any. The
    /// messages of all other turns are now above it.
    fn on_message_below(&mut self, but: Option<&PromptId>) {
        self.turns.iter_mut().filter(|turn| Some(&turn.turn) != but).for_each(LiveTurn::on_message_below);
        let posts = self.delivering.iter_mut().chain(&mut self.paused);
        posts.filter(|post| but.is_none() || post.turn.as_ref() != but).for_each(PostDelivery::on_message_below);
    }

    fn next(&mut self, now: Instant) -> NextStep {
        if now < self.paused_until {
            return NextStep::Wait(self.paused_until);
        }
        if self.turns.iter().any(LiveTurn::is_halting) {
            return NextStep::ShowFrame;
        }
        if self.delivering.is_some() {
            return NextStep::SendPost;
        }
        if self.must_report_activity(now) {
            return NextStep::ReportActivity;
        }
        let frame = self.frame_at(now);
        if frame.is_some_and(|at| now >= at) {
            return NextStep::ShowFrame;
        }
        let refresh = self.working_turn().map(|_| self.reported.as_ref().map_or(now, |reported| reported.at + REFRESH));
        if let Some(at) = refresh.into_iter().chain(frame).min() {
            return NextStep::Wait(self.delayed_until.map_or(at, |until| until.min(at)));
        }
        let end = self.idle_since + LINGER;
        match self.delayed_until {
            Some(until) => NextStep::Wait(until),
            None if now < end => NextStep::Wait(end),
            None => self.end(now),
        }
    }

    /// Ends the worker if the mailbox is empty.
    fn end(&self, now: Instant) -> NextStep {
        let mut state = self.shared.state();
        if state.mailboxes.get(&self.place).is_some_and(|mailbox| !mailbox.is_empty()) {
            return NextStep::Wait(now);
        }
        state.mailboxes.remove(&self.place);
        NextStep::End
    }

    async fn wait(&mut self, until: Instant) {
        let paused_until = self.paused_until;
        let may_end_early = self.blocked.is_some();
        tokio::select! {
            biased;
            _ = self.closing.wait_for(|closing| *closing) => {}
            // A new message doesn't end a rate limit early.
            () = self.changed.notified(), if may_end_early || Instant::now() >= paused_until => {}
            () = sleep_until(until) => {}
        }
    }

    /// Returns the latest turn that an agent is working on. Its activity is the one that is reported.
    fn working_turn(&self) -> Option<&LiveTurn> {
        self.turns.iter().rfind(|turn| turn.is_working())
    }

    fn must_report_activity(&self, now: Instant) -> bool {
        match (&self.reported, self.working_turn()) {
            (None, None) => false,
            (Some(reported), Some(turn)) => self.line_changed(reported, turn) || now >= reported.at + REFRESH,
            (None, Some(_)) | (Some(_), None) => true,
        }
    }

    fn line_changed(&self, reported: &ReportedActivity, turn: &LiveTurn) -> bool {
        self.shared.chat.limits(&self.place).live_line == LiveLine::Status && reported.line != turn.line
    }

    async fn report_activity(&mut self) {
        let line = self.working_turn().map(|turn| turn.line.clone());
        let shown = line.as_ref().map(|line| line.as_deref().unwrap_or_default());
        self.shared.chat.show_activity(&self.place, shown).await;
        self.reported = line.map(|line| ReportedActivity { line, at: Instant::now() });
        self.idle_since = Instant::now();
    }

    fn pacing(&self) -> Pacing {
        self.shared.chat.pacing(&self.place)
    }

    /// Makes a call. If the call sent a message, returns the message's id.
    async fn call(&mut self, call: &ChatCall) -> Result<Option<MessageId>, ChatError> {
        let (chat, place) = (&self.shared.chat, &self.place);
        let outcome = match call {
            ChatCall::Edit(id, message) => chat.edit(place, id, message).await.map(|()| None),
            ChatCall::Send(message) => chat.send(place, message).await.map(Some),
            ChatCall::ShowDraft(draft) => chat.show_draft(place, draft).await.map(|()| None),
            // Ignore a message that can't be deleted.
            ChatCall::Delete(id) => match chat.delete(place, id).await {
                Err(error) if error.concerns_place() || matches!(error, ChatError::Rejected { .. }) => Ok(None),
                Ok(()) => Ok(None),
                Err(error) => Err(error),
            },
        };
        let now = Instant::now();
        self.shared.paces().of(&self.place, now).record_call(now);
        self.idle_since = now;
        if outcome.is_ok() {
            self.backoff.reset();
        }
        outcome
    }

    /// Delays all further calls to this place after an error.
    fn pause_after(&mut self, error: &ChatError) {
        let pause = match error {
            ChatError::RateLimited { after, .. } => *after,
            ChatError::Unreachable { .. }
            | ChatError::Deleted { .. }
            | ChatError::Forbidden { .. }
            | ChatError::Unavailable { .. }
            | ChatError::Rejected { .. }
            | ChatError::Unauthorised { .. } => self.backoff.next_delay(),
        };
        tracing::debug!(place = %self.place, %error, ?pause, "sending to a place is paused");
        self.paused_until = Instant::now() + pause;
    }
}
