//! Shows turns. Each session's presenter takes the session's outputs in order, renders them with the view plugin and
//! passes them to the outbox. While it renders, a newer frame replaces a waiting one.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use cordboard_chat::{Edits, outbox::Post};
use cordboard_core::{
    agent_event::PromptId,
    language::{self, Language},
    messages::{self, SessionNotice, UserDecision},
    turn::{Turn, TurnFrame, TurnState},
    types::{Alert, Authorship, Place, Reply, SessionName, SessionView},
    updates_and_posts::{ButtonAction, CompletedUpdate, NewPost},
};
use cordboard_runtime::{Registry, RenderInput, ViewLimits};
use futures::FutureExt as _;
use tokio::sync::Notify;

use super::{
    resume_and_denial_notices::Notices,
    view_output_check::{check, plain, shows_something},
};
use crate::{
    clock::Clock,
    hub::{host_api::chat_members, live_config::LiveConfig, outbound::Outbound},
    schedule::local_minute,
    session::{PromptOutcomes, SessionOutput, TurnSink},
    session_registry::{SessionCell, SessionRegistry},
};

/// The view mode to use if neither the session nor the prompt's author has set one.
const DEFAULT_MODE: &str = "normal";

/// The interval at which an unchanged frame is rendered again, so that the displayed elapsed time stays current while
/// the agent is silent.
const REDRAW: Duration = Duration::from_secs(5);

/// The dependencies needed to render and post sessions' outputs.
#[derive(Clone)]
pub struct TurnRenderer {
    pub plugins: Arc<Registry>,
    pub registry: Arc<SessionRegistry>,
    pub outbound: Outbound,
    pub config: LiveConfig,
    pub clock: Clock,
    pub limits: ViewLimits,
    pub edits: Edits,
}

/// The queue of one session's outputs. A task renders and posts them.
pub struct TurnPresenter {
    session: Arc<SessionCell>,
    queue: Mutex<OutputQueue>,
    outbound: Outbound,
    outcomes: PromptOutcomes,
    wake: Notify,
}

#[derive(Default)]
struct OutputQueue {
    waiting: VecDeque<SessionOutput>,
    /// The most recent frame of the running turn.
    running: Option<(Arc<Turn>, SessionView)>,
    /// Whether an output has been taken from the queue and is still being rendered or stored.
    is_showing: bool,
}

impl TurnPresenter {
    /// Starts the presenter. Its task needs no cleanup and runs until the tokio runtime shuts down.
    #[must_use]
    pub fn spawn(renderer: TurnRenderer, session: Arc<SessionCell>, outcomes: PromptOutcomes) -> Arc<Self> {
        let outbound = renderer.outbound.clone();
        let (queue, wake) = (Mutex::default(), Notify::new());
        let presenter =
            Arc::new(Self { session: Arc::clone(&session), queue, outbound, outcomes: outcomes.clone(), wake });
        let renderer = SessionRenderer { renderer, session, outcomes, notices: Notices::default() };
        tokio::spawn(Arc::clone(&presenter).run(renderer));
        presenter
    }

    async fn run(self: Arc<Self>, mut renderer: SessionRenderer) {
        self.show_all(&mut renderer).await;
    }

    /// Passes the outputs to the renderer, in order. If rendering an output panics, only that output is lost.
    async fn show_all(&self, renderer: &mut impl OutputRenderer) {
        loop {
            let Some(output) = self.next() else {
                self.wait().await;
                continue;
            };
            let ended = match &output {
                SessionOutput::Finished(turn, _) | SessionOutput::Interrupted(turn, _) => {
                    Some((turn.place.clone(), turn.prompt.clone()))
                }
                SessionOutput::Frame(..)
                | SessionOutput::Requeued(..)
                | SessionOutput::Notice { .. }
                | SessionOutput::RequestClosed { .. } => None,
            };
            if AssertUnwindSafe(renderer.show(output)).catch_unwind().await.is_ok() {
                continue;
            }
            tracing::error!(turn = ?ended, "Cordboard has a bug: failed to show a frame of a session; after a restart, the answer is reported as interrupted");
            if let Some((place, prompt)) = ended {
                self.outcomes.forget(&prompt);
                self.outbound.show(Post::Ended { place, turn: prompt });
            }
        }
    }

    /// Waits for an output. While a turn is running, renders its last frame again after [`REDRAW`], unless the agent is
    /// waiting for a user: an edit every few seconds would distract the user from the question.
    async fn wait(&self) {
        let running = self.queue().running.clone();
        tokio::select! {
            () = self.wake.notified() => {}
            () = tokio::time::sleep(REDRAW), if running.is_some() => {
                if let Some((turn, view)) = running.filter(|_| self.session.view().requests.is_empty()) {
                    self.show(SessionOutput::Frame(turn, view));
                }
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, OutputQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<SessionOutput> {
        let mut queue = self.queue();
        let next = queue.waiting.pop_front();
        queue.is_showing = next.is_some();
        match &next {
            Some(SessionOutput::Frame(turn, view)) => queue.running = Some((Arc::clone(turn), view.clone())),
            Some(SessionOutput::Finished(..) | SessionOutput::Interrupted(..) | SessionOutput::Requeued(..)) => {
                queue.running = None;
            }
            Some(SessionOutput::Notice { .. } | SessionOutput::RequestClosed { .. }) | None => {}
        }
        next
    }

    /// Returns whether no output is waiting, being rendered or being stored.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let queue = self.queue();
        queue.waiting.is_empty() && !queue.is_showing
    }
}

impl TurnSink for TurnPresenter {
    fn show(&self, output: SessionOutput) {
        let mut queue = self.queue();
        let is_frame = |output: &SessionOutput| matches!(output, SessionOutput::Frame(..));
        if is_frame(&output) && queue.waiting.back().is_some_and(is_frame) {
            queue.waiting.pop_back();
        }
        queue.waiting.push_back(output);
        drop(queue);
        self.wake.notify_one();
    }

    fn stopping(&self, place: &Place, turn: &PromptId) {
        self.outbound.show(Post::Stopping { place: place.clone(), turn: turn.clone() });
    }
}

/// Renders and posts outputs.
#[async_trait]
trait OutputRenderer: Send {
    async fn show(&mut self, output: SessionOutput);
}

/// Renders and posts the outputs of one session.
struct SessionRenderer {
    renderer: TurnRenderer,
    session: Arc<SessionCell>,
    outcomes: PromptOutcomes,
    notices: Notices,
}

#[async_trait]
impl OutputRenderer for SessionRenderer {
    async fn show(&mut self, output: SessionOutput) {
        let language = self.language(&output);
        language::scope(language, self.show_in_language(output)).await;
    }
}

impl SessionRenderer {
    /// Returns the language of the place of an output.
    fn language(&self, output: &SessionOutput) -> Option<Language> {
        let place = match output {
            SessionOutput::Frame(turn, _) => &turn.place,
            SessionOutput::Finished(turn, _) | SessionOutput::Interrupted(turn, _) => &turn.place,
            SessionOutput::Notice { place, .. } => place,
            // These have no text, or have one in the language of each place.
            SessionOutput::Requeued(..) | SessionOutput::RequestClosed { .. } => return None,
        };
        self.renderer.outbound.language(place)
    }

    async fn show_in_language(&mut self, output: SessionOutput) {
        match output {
            SessionOutput::Frame(turn, view) => {
                if self.may_be_read(&turn.place) {
                    self.show_frame(&turn, &view).await;
                }
            }
            SessionOutput::Requeued(place, turn) => self.renderer.outbound.show(Post::Requeued { place, turn }),
            SessionOutput::Finished(turn, view) => {
                let posts = self.last_frame(&turn, &view).await;
                let completed = turn.prompts().cloned().map(CompletedUpdate::Prompt).collect();
                self.renderer.outbound.finish(completed, posts).await;
                // Report the answer only after it is stored, because a killed host reports an unstored one as interrupted.
                self.outcomes.turn_ended(&turn);
            }
            SessionOutput::Interrupted(turn, view) => {
                let posts = self.last_frame(&turn, &view).await;
                self.renderer.outbound.finish(Vec::new(), posts).await;
                self.outcomes.turn_interrupted(&turn);
            }
            SessionOutput::RequestClosed { request, choice, by } => {
                let at = local_minute(self.renderer.clock.wall());
                let outcome = move || {
                    let user = by.as_deref().map(|by| UserDecision { by, at: &at });
                    messages::request_closed(user, &choice)
                };
                self.renderer.outbound.decide(&request, outcome).await;
            }
            SessionOutput::Notice { place, notice, completes } => {
                let post = if self.may_be_read(&place) { self.post_of(place, notice) } else { None };
                let completed: Vec<_> = completes.map(CompletedUpdate::Prompt).into_iter().collect();
                if post.is_some() || !completed.is_empty() {
                    self.renderer.outbound.finish(completed, post.into_iter().collect()).await;
                }
            }
        }
    }

    async fn show_frame(&mut self, turn: &Turn, view: &SessionView) {
        self.notices.begin(&turn.prompt);
        let mut frame = TurnFrame::default();
        if self.renderer.outbound.shows_frames(&turn.place) {
            frame = self.render(turn, view).await;
        }
        self.notices.head(turn, &mut frame.messages);
        self.sign(&turn.place, &mut frame.messages);
        let (place, turn) = (turn.place.clone(), turn.prompt.clone());
        let stop = (!self.has_open_request(&place)).then(|| stop_button(self.session.view().record.id()));
        self.renderer.outbound.show(Post::Frame { place, turn, frame, stop });
    }

    /// Returns whether the session, or a session that is active in the place, is waiting for the user. Checks the
    /// current state, because a frame that is rendered again contains an older view of the session.
    fn has_open_request(&self, place: &Place) -> bool {
        let registry = &self.renderer.registry;
        let waits = |name: &SessionName| registry.view(name.as_str()).is_some_and(|view| !view.requests.is_empty());
        !self.session.view().requests.is_empty() || registry.active_in(place).iter().any(waits)
    }

    /// Renders the final posts of a turn.
    async fn last_frame(&mut self, turn: &Turn, view: &SessionView) -> Vec<NewPost> {
        if !self.may_be_read(&turn.place) {
            return vec![withdrawn_post(&turn.place, &turn.prompt)];
        }
        let mut messages = match turn.state {
            TurnState::Stopped => vec![empty_message()],
            TurnState::Running | TurnState::Done | TurnState::Failed(_) => {
                let mut messages = self.render(turn, view).await.messages;
                messages.retain(shows_something);
                self.notices.head(turn, &mut messages);
                messages
            }
        };
        self.notices.end();
        self.sign(&turn.place, &mut messages);
        posts_of(turn, messages)
    }

    /// Returns the post of a notice, or `None` if the next frame shows the notice.
    fn post_of(&mut self, place: Place, notice: SessionNotice) -> Option<NewPost> {
        if self.renderer.edits == Edits::Replace
            && let SessionNotice::Resuming(text) = notice
        {
            self.notices.resuming = Some((place, text));
            return None;
        }
        let is_nameless = notice.is_nameless();
        let record = &self.session.view().record;
        let mut reply = notice.reply(&record.name).bind_to_session(record.id());
        if let SessionNotice::Denied { .. } = &notice {
            reply = self.notices.denied(reply);
        }
        if let SessionNotice::Died { .. } = &notice {
            // The end of the turn has already triggered a notification.
            reply.alert = Alert::Silent;
        }
        if is_nameless {
            reply.session = self.background_name(&place);
        }
        Some(NewPost::new(place, reply))
    }

    fn may_be_read(&self, place: &Place) -> bool {
        chat_members::may_read(place, Some(&self.session.view()), &self.renderer.config.now().access)
    }

    /// Marks messages as written by the agent, and adds the session name if [`Self::background_name`] returns one.
    fn sign(&self, place: &Place, messages: &mut [Reply]) {
        let name = self.background_name(place);
        for message in messages {
            message.author = Authorship::Agents;
            message.session.clone_from(&name);
        }
    }

    /// Returns the session name to show with an answer, so that readers know which session it is from. `None` if the
    /// session is the only active one in this place.
    fn background_name(&self, place: &Place) -> Option<SessionName> {
        let active = self.renderer.registry.active_in(place);
        let name = self.session.view().record.name.clone();
        let is_only_one = active.len() == 1 && active.contains(&name);
        (!is_only_one).then_some(name)
    }

    async fn render(&self, turn: &Turn, view: &SessionView) -> TurnFrame {
        let TurnRenderer { plugins, clock, limits, .. } = &self.renderer;
        let mode = turn.mode.as_deref().unwrap_or(DEFAULT_MODE);
        let frame = match plugins.render(mode, RenderInput { turn, session: view, now: clock.now() }, limits).await {
            Ok(frame) => frame,
            Err(error) => {
                tracing::warn!(mode, %error, "view failed: showing the turn as plain text");
                return plain(turn);
            }
        };
        match check(&frame, turn, limits) {
            Ok(()) => frame,
            Err(why) => {
                let table = plugins.snapshot();
                let plugin = table.mode(mode).map(|generation| generation.name.as_str());
                tracing::warn!(mode, plugin, %why, "view output rejected: showing the turn as plain text");
                plain(turn)
            }
        }
    }
}

/// Returns the action of the button that interrupts the session's turn.
fn stop_button(session: &SessionName) -> ButtonAction {
    ButtonAction { command: "/stop".to_owned(), session: Some(session.clone()), ..ButtonAction::default() }
}

/// Returns the posts of a turn that has ended. Only the last one can notify users, and only if `turn.alert` is not
/// `Silent`.
fn posts_of(turn: &Turn, mut messages: Vec<Reply>) -> Vec<NewPost> {
    if let Some((last, before)) = messages.split_last_mut() {
        if turn.alert == Alert::Silent {
            last.alert = Alert::Silent;
        }
        before.iter_mut().for_each(|message| message.alert = Alert::Silent);
    }
    let post = |reply| NewPost { turn: Some(turn.prompt.clone()), ..NewPost::new(turn.place.clone(), reply) };
    messages.into_iter().map(post).collect()
}

/// Returns the post that ends a turn whose reader has lost access. The post deletes what was already shown.
pub fn withdrawn_post(place: &Place, turn: &PromptId) -> NewPost {
    NewPost { turn: Some(turn.clone()), ..NewPost::new(place.clone(), empty_message()) }
}

/// Returns an empty message. Posted at the end of a turn, it removes the working indicator. A stopped turn doesn't need
/// any text, because `/stop` has already been answered.
fn empty_message() -> Reply {
    Reply { alert: Alert::Silent, ..Reply::text("") }
}

#[cfg(test)]
mod tests;
