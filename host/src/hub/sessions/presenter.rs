//! Shows turns. The presenter of a session takes its scenes in order, renders them with the view plugin and passes them
//! to the outbox. While it renders, a newer frame replaces a waiting one.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cordboard_chat::Edits;
use cordboard_core::{
    agent::PromptId,
    chat::{CompletedUpdate, NewPost},
    messages::{self, SessionNotice},
    turn::{Turn, TurnFrame, TurnState},
    types::{Alert, Authorship, Place, Reply, SessionName, SessionView},
};
use cordboard_runtime::{Registry, RenderInput, ViewLimits};
use futures::FutureExt as _;
use tokio::sync::Notify;

use super::{
    turn_notices::Notices,
    view_output::{check, plain, shows_something},
};
use crate::{
    clock::Clock,
    hub::{host_api::chat_members, live_config::LiveConfig, outbound::Outbound},
    session::{Scene, TurnSink},
    session_registry::SessionRegistry,
};

/// The view mode of sessions that have not chosen one.
const DEFAULT_MODE: &str = "normal";

/// The interval after which an unchanged frame is rendered again, so that the displayed elapsed time stays current
/// while the agent is silent.
const REDRAW: Duration = Duration::from_secs(5);

/// Renders and posts scenes. Each presenter has a copy, which shares the same components.
#[derive(Clone)]
pub struct TurnRenderer {
    pub plugs: Arc<Registry>,
    pub roster: Arc<SessionRegistry>,
    pub posts: Outbound,
    pub config: LiveConfig,
    pub clock: Clock,
    pub limits: ViewLimits,
    pub edits: Edits,
}

/// The scenes of one session, and the task that shows them.
pub struct TurnPresenter {
    scenes: Mutex<Scenes>,
    posts: Outbound,
    wake: Notify,
}

#[derive(Default)]
struct Scenes {
    waiting: VecDeque<Scene>,
    /// The last frame of the running turn.
    running: Option<(Arc<Turn>, SessionView)>,
    /// Whether a scene has been taken from the queue and is still being rendered or stored.
    painting: bool,
}

impl TurnPresenter {
    /// Starts the presenter. Its task runs until the runtime ends and has nothing to clean up.
    #[must_use]
    pub fn spawn(painter: TurnRenderer, session: SessionName) -> Arc<Self> {
        let presenter = Arc::new(Self { scenes: Mutex::default(), posts: painter.posts.clone(), wake: Notify::new() });
        tokio::spawn(Arc::clone(&presenter).run(painter, session));
        presenter
    }

    async fn run(self: Arc<Self>, painter: TurnRenderer, session: SessionName) {
        let notices = Mutex::new(Notices::default());
        self.play(|scene| painter.paint(&session, scene, &notices)).await;
    }

    /// Renders scenes with `paint`, in order. A panic costs one scene, not all later ones.
    async fn play<P: Future<Output = ()>>(&self, paint: impl Fn(Scene) -> P) {
        loop {
            let Some(scene) = self.next() else {
                self.wait().await;
                continue;
            };
            let ends = match &scene {
                Scene::Final(turn, _) | Scene::CutOff(turn, _) => Some((turn.place.clone(), turn.prompt.clone())),
                Scene::Frame(..) | Scene::Back(..) | Scene::Tell(..) => None,
                Scene::RequestClosed { .. } => None,
            };
            if AssertUnwindSafe(async { paint(scene).await }).catch_unwind().await.is_ok() {
                continue;
            }
            tracing::error!(turn = ?ends, "Cordboard has a bug: failed to show a frame of a session; after a restart its answer is reported as interrupted");
            if let Some((place, prompt)) = ends {
                self.posts.over(&place, &prompt);
            }
        }
    }

    /// Waits for a scene. Renders the last frame of a running turn again after [`REDRAW`].
    async fn wait(&self) {
        let running = self.scenes().running.clone();
        tokio::select! {
            () = self.wake.notified() => {}
            () = tokio::time::sleep(REDRAW), if running.is_some() => {
                if let Some((turn, view)) = running {
                    self.show(Scene::Frame(turn, view));
                }
            }
        }
    }

    fn scenes(&self) -> MutexGuard<'_, Scenes> {
        self.scenes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Scene> {
        let mut scenes = self.scenes();
        let next = scenes.waiting.pop_front();
        scenes.painting = next.is_some();
        match &next {
            Some(Scene::Frame(turn, view)) => scenes.running = Some((Arc::clone(turn), view.clone())),
            Some(Scene::Final(..) | Scene::CutOff(..) | Scene::Back(..)) => scenes.running = None,
            Some(Scene::Tell(..) | Scene::RequestClosed { .. }) | None => {}
        }
        next
    }

    /// Returns whether no scene is waiting, being rendered or being stored.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let scenes = self.scenes();
        scenes.waiting.is_empty() && !scenes.painting
    }
}

impl TurnSink for TurnPresenter {
    fn show(&self, scene: Scene) {
        let mut scenes = self.scenes();
        if matches!(scene, Scene::Frame(..)) && matches!(scenes.waiting.back(), Some(Scene::Frame(..))) {
            scenes.waiting.pop_back();
        }
        scenes.waiting.push_back(scene);
        drop(scenes);
        self.wake.notify_one();
    }

    fn stopping(&self, place: &Place, turn: &PromptId) {
        self.posts.stopping(place, turn);
    }
}

impl TurnRenderer {
    async fn paint(&self, session: &SessionName, scene: Scene, notices: &Mutex<Notices>) {
        match scene {
            Scene::Frame(turn, _) if !self.may_be_read(session, &turn.place) => {}
            Scene::Tell(place, _) if !self.may_be_read(session, &place) => {}
            Scene::CutOff(turn, _) if !self.may_be_read(session, &turn.place) => {
                self.posts.finish(Vec::new(), vec![taken_back(&turn.place, &turn.prompt)]).await;
            }
            Scene::Final(turn, _) if !self.may_be_read(session, &turn.place) => {
                let end = taken_back(&turn.place, &turn.prompt);
                self.posts.finish(vec![CompletedUpdate::Prompt(turn.prompt)], vec![end]).await;
            }
            Scene::Frame(turn, view) => {
                locked(notices).begin(&turn.prompt);
                let mut screen = self.draw(&turn, &view).await;
                locked(notices).head(&turn, &mut screen.messages);
                self.sign(session, &turn.place, &mut screen.messages);
                self.posts.live(&turn.place, &turn.prompt, screen);
            }
            Scene::Back(place, prompt) => self.posts.back(&place, &prompt),
            Scene::Final(turn, view) => {
                let posts = self.last_frame(session, (&turn, &view), notices).await;
                self.posts.finish(vec![CompletedUpdate::Prompt(turn.prompt)], posts).await;
            }
            Scene::CutOff(turn, view) => {
                let posts = self.last_frame(session, (&turn, &view), notices).await;
                self.posts.finish(Vec::new(), posts).await;
            }
            Scene::RequestClosed { request, choice, by } => {
                self.posts.decide(&request, &messages::request_decided(by.as_deref(), choice.label())).await;
            }
            Scene::Tell(place, notice) => self.tell(session, (place, notice), notices).await,
        }
    }

    /// Renders the final posts of a turn.
    async fn last_frame(
        &self,
        session: &SessionName,
        (turn, view): (&Turn, &SessionView),
        notices: &Mutex<Notices>,
    ) -> Vec<NewPost> {
        let mut messages = match turn.state {
            TurnState::Stopped => vec![nothing()],
            TurnState::Running | TurnState::Done | TurnState::Failed(_) => {
                let mut messages = self.draw(turn, view).await.messages;
                messages.retain(shows_something);
                locked(notices).head(turn, &mut messages);
                messages
            }
        };
        locked(notices).end();
        self.sign(session, &turn.place, &mut messages);
        posts_of(turn, messages)
    }

    async fn tell(&self, session: &SessionName, (place, notice): (Place, SessionNotice), notices: &Mutex<Notices>) {
        if self.edits == Edits::Replace
            && let SessionNotice::Resuming(text) = notice
        {
            locked(notices).resuming = Some((place, text));
            return;
        }
        let is_nameless = notice.is_nameless();
        let mut reply = notice.reply(session);
        if let SessionNotice::Denied { .. } = &notice {
            reply = locked(notices).denied(reply);
        }
        if let SessionNotice::Died { .. } = &notice {
            // The end of the turn has already caused a notification.
            reply.alert = Alert::Silent;
        }
        if is_nameless {
            reply.session = self.in_background(session, &place);
        }
        self.posts.finish(Vec::new(), vec![NewPost::new(place, reply)]).await;
    }

    fn may_be_read(&self, session: &SessionName, place: &Place) -> bool {
        let view = self.roster.view(session.as_str());
        chat_members::may_read(place, view.as_deref(), &self.config.now().access)
    }

    /// Marks messages as written by the agent, and adds the session name if [`Self::in_background`] returns one.
    fn sign(&self, session: &SessionName, place: &Place, messages: &mut [Reply]) {
        let background = self.in_background(session, place);
        for message in messages {
            message.author = Authorship::Agents;
            message.session.clone_from(&background);
        }
    }

    /// Returns the session name to show with an answer, so that readers know which session it is from. `None` if the
    /// session is the only active one in this place.
    fn in_background(&self, session: &SessionName, place: &Place) -> Option<SessionName> {
        let active = self.roster.active_in(place);
        let expected = active.len() == 1 && active.contains(session);
        (!expected).then(|| session.clone())
    }

    async fn draw(&self, turn: &Turn, view: &SessionView) -> TurnFrame {
        let mode = turn.mode.as_deref().unwrap_or(DEFAULT_MODE);
        let screen = match self
            .plugs
            .render(mode, RenderInput { turn, session: view, now: self.clock.now() }, &self.limits)
            .await
        {
            Ok(screen) => screen,
            Err(error) => {
                tracing::warn!(mode, %error, "view failed: showing the turn as plain text");
                return plain(turn);
            }
        };
        match check(&screen, turn, &self.limits) {
            Ok(()) => screen,
            Err(why) => {
                let table = self.plugs.snapshot();
                let plugin = table.mode(mode).map(|generation| generation.name.as_str());
                tracing::warn!(mode, plugin, %why, "view output rejected: showing the turn as plain text");
                plain(turn)
            }
        }
    }
}

/// Returns the posts of a finished turn. Only the last one notifies, if the turn does.
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

/// Ends a turn whose reader may not see it any more: the post deletes the part that was shown.
pub fn taken_back(place: &Place, turn: &PromptId) -> NewPost {
    NewPost { turn: Some(turn.clone()), ..NewPost::new(place.clone(), nothing()) }
}

/// Returns an empty message for a stopped turn. It removes the working indicator; `/stop` has already been answered.
fn nothing() -> Reply {
    Reply { alert: Alert::Silent, ..Reply::text("") }
}

fn locked(notices: &Mutex<Notices>) -> MutexGuard<'_, Notices> {
    notices.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use cordboard_chat::outbox::AnswerStop;

    use super::*;
    use crate::hub::OutboundSink;

    #[derive(Default)]
    struct Ends(Mutex<Vec<String>>);

    impl OutboundSink for Ends {
        fn live(&self, _place: &Place, _turn: &PromptId, _screen: TurnFrame) {}
        fn post(&self, _rows: Vec<cordboard_core::chat::OutboxRow>) {}
        fn stopping(&self, _place: &Place, _turn: &PromptId) {}
        fn back(&self, _place: &Place, _turn: &PromptId) {}
        fn over(&self, _place: &Place, turn: &PromptId) {
            self.0.lock().unwrap().push(turn.0.clone());
        }
        fn heard(&self, _place: &Place) {}
        fn cut(&self, _place: &Place) -> AnswerStop {
            AnswerStop::NotSending
        }
    }

    fn view() -> SessionView {
        let (name, owner) = ("x".parse().unwrap(), cordboard_core::types::UserId("test:1".to_owned()));
        let (folder, now) = (std::path::PathBuf::from("/nonexistent"), Clock::system().now());
        let record = cordboard_core::types::SessionRecord::new(name, owner, folder, "demo", now);
        let settings = cordboard_core::session::Settings {
            idle_timeout: std::time::Duration::from_secs(1),
            max_queued: 1,
            max_interrupted: 1,
            model: None,
            folder: None,
            agent: None,
        };
        cordboard_core::session::Machine::new(record, settings).view()
    }

    #[test]
    fn at_most_the_last_message_of_a_turn_notifies() {
        let turn = Turn::new(PromptId("a".to_owned()), Place::new("test", "home"), Clock::system().now());
        let alerts = |alert| {
            let posts = posts_of(&Turn { alert, ..turn.clone() }, vec![Reply::text("one"), Reply::text("two")]);
            posts.iter().map(|post| post.reply.alert).collect::<Vec<_>>()
        };
        assert_eq!(alerts(Alert::Ring), [Alert::Silent, Alert::Ring]);
        assert_eq!(alerts(Alert::Silent), [Alert::Silent, Alert::Silent]);
    }

    #[tokio::test]
    async fn frames_continue_after_a_panicking_view() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = cordboard_store::open(&folder.path().join("state")).unwrap();
        let ends = Arc::new(Ends::default());
        let posts = Outbound::new(store, Arc::<Ends>::clone(&ends));
        let presenter = Arc::new(TurnPresenter { scenes: Mutex::default(), posts, wake: Notify::new() });
        let place = Place::new("test", "home");
        let turn = |id: &str| Turn::new(PromptId(id.to_owned()), place.clone(), Clock::system().now());
        let (shown, mut painted) = tokio::sync::mpsc::unbounded_channel();
        for id in ["bug", "fine"] {
            presenter.show(Scene::Final(turn(id), view()));
        }
        let playing = Arc::clone(&presenter);
        let task = tokio::spawn(async move {
            let paint = |scene| {
                let shown = shown.clone();
                async move {
                    let Scene::Final(turn, _) = scene else { panic!("another scene") };
                    assert_ne!(turn.prompt.0, "bug", "the simulated bug");
                    shown.send(turn.prompt.0).unwrap();
                }
            };
            playing.play(paint).await;
        });
        assert_eq!(painted.recv().await.unwrap(), "fine");
        while !presenter.is_idle() {
            tokio::task::yield_now().await;
        }
        assert_eq!(*ends.0.lock().unwrap(), ["bug"]);
        task.abort();
    }
}
