//! Shows turns: a presenter a session takes its scenes in order, has the view plugin draw them, and passes them on. While it draws, newer frames
//! replace the one that waits.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cordboard_core::{
    agent::PromptId,
    chat::{Done, NewPost},
    render::literal,
    turn::{Part, Turn, TurnState},
    types::{Caller, Place, Reply, SessionName, SessionView, Words},
};
use futures::FutureExt as _;
use tokio::sync::Notify;

use super::{posts::Posts, residents, setup::Live};
use crate::{
    clock::Clock,
    plugin::{Plugs, Screen, ViewLimits},
    roster::Roster,
    session::{Scene, Stage},
};

/// The view of sessions that chose none.
const DEFAULT_MODE: &str = "normal";

/// What all presenters share.
#[derive(Clone)]
pub struct Painter {
    pub plugs: Arc<Plugs>,
    pub roster: Arc<Roster>,
    pub posts: Posts,
    pub config: Live,
    pub clock: Clock,
    pub limits: ViewLimits,
}

/// One session's scenes.
pub struct Presenter {
    scenes: Mutex<Scenes>,
    posts: Posts,
    wake: Notify,
}

#[derive(Default)]
struct Scenes {
    waiting: VecDeque<Scene>,
    /// One was taken out and is not stored yet.
    painting: bool,
}

impl Presenter {
    /// Starts it. Its task ends with the runtime: it has nothing of its own to end.
    #[must_use]
    pub fn spawn(painter: Painter, session: SessionName) -> Arc<Self> {
        let presenter = Arc::new(Self { scenes: Mutex::default(), posts: painter.posts.clone(), wake: Notify::new() });
        tokio::spawn(Arc::clone(&presenter).run(painter, session));
        presenter
    }

    async fn run(self: Arc<Self>, painter: Painter, session: SessionName) {
        self.play(|scene| painter.paint(&session, scene)).await;
    }

    /// A bug costs one scene, and not all that come after it.
    async fn play<P: Future<Output = ()>>(&self, paint: impl Fn(Scene) -> P) {
        loop {
            let Some(scene) = self.next() else {
                self.wake.notified().await;
                continue;
            };
            let ends = match &scene {
                Scene::Final(turn, _) | Scene::CutOff(turn, _) => Some((turn.place.clone(), turn.prompt.clone())),
                Scene::Frame(..) | Scene::Back(..) | Scene::Tell(..) => None,
            };
            if AssertUnwindSafe(async { paint(scene).await }).catch_unwind().await.is_ok() {
                continue;
            }
            tracing::error!(turn = ?ends, "failed to show a scene of a session, which is a bug: an answer in it is told as cut off after a restart");
            if let Some((place, prompt)) = ends {
                self.posts.over(&place, &prompt);
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
        next
    }

    /// Whether nothing waits to be shown, and nothing is on its way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let scenes = self.scenes();
        scenes.waiting.is_empty() && !scenes.painting
    }
}

impl Stage for Presenter {
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

impl Painter {
    async fn paint(&self, session: &SessionName, scene: Scene) {
        match scene {
            Scene::Frame(turn, _) if !self.may_be_read(session, &turn.place) => {}
            Scene::Tell(place, _) if !self.may_be_read(session, &place) => {}
            Scene::CutOff(turn, _) if !self.may_be_read(session, &turn.place) => {
                self.posts.over(&turn.place, &turn.prompt);
            }
            Scene::Final(turn, _) if !self.may_be_read(session, &turn.place) => {
                self.posts.over(&turn.place, &turn.prompt);
                self.posts.finish(vec![Done::Prompt(turn.prompt)], Vec::new()).await;
            }
            Scene::Frame(turn, view) => {
                let mut screen = self.draw(&turn, &view).await;
                self.sign(session, &turn.place, &mut screen.messages);
                self.posts.live(&turn.place, &turn.prompt, screen);
            }
            Scene::Back(place, prompt) => self.posts.back(&place, &prompt),
            Scene::Final(turn, view) => {
                let posts = self.last_frame(session, (&turn, &view)).await;
                self.posts.finish(vec![Done::Prompt(turn.prompt)], posts).await;
            }
            Scene::CutOff(turn, view) => {
                let posts = self.last_frame(session, (&turn, &view)).await;
                self.posts.finish(Vec::new(), posts).await;
            }
            Scene::Tell(place, notice) => {
                let mut reply = notice.reply();
                if notice.is_nameless() {
                    reply.session = self.in_background(session, &place);
                }
                self.posts.finish(Vec::new(), vec![NewPost::new(place, reply)]).await;
            }
        }
    }

    /// The posts that the end of a turn leaves in the chat.
    async fn last_frame(&self, session: &SessionName, (turn, view): (&Turn, &SessionView)) -> Vec<NewPost> {
        let mut screen = match turn.state {
            TurnState::Stopped => nothing(),
            TurnState::Running | TurnState::Done | TurnState::Failed(_) => self.draw(turn, view).await,
        };
        self.sign(session, &turn.place, &mut screen.messages);
        let posts = screen.messages.into_iter().map(|reply| NewPost::new(turn.place.clone(), reply));
        let mut posts: Vec<NewPost> = posts.collect();
        // The first message takes over what was shown live.
        if let Some(first) = posts.first_mut() {
            first.turn = Some(turn.prompt.clone());
        }
        if posts.is_empty() {
            self.posts.over(&turn.place, &turn.prompt);
        }
        posts
    }

    /// Whether the person whose private chat the place is may see the session now. In a group nobody is shut out of what others read.
    fn may_be_read(&self, session: &SessionName, place: &Place) -> bool {
        let Some(id) = residents::person_of(place) else { return true };
        let Some(role) = residents::role(&id, &self.config.now().access) else { return false };
        let reader = Caller { name: id.0.clone(), id, role };
        self.roster.view(session.as_str()).is_none_or(|view| reader.may_steer(&view.record.owner))
    }

    /// Says whose an answer is.
    fn sign(&self, session: &SessionName, place: &Place, messages: &mut [Reply]) {
        let background = self.in_background(session, place);
        for message in messages {
            message.words = Words::Agents;
            message.session.clone_from(&background);
        }
    }

    /// The session, unless it is the only one that is active there: readers must know which one speaks.
    fn in_background(&self, session: &SessionName, place: &Place) -> Option<SessionName> {
        let active = self.roster.active_in(place);
        let expected = active.len() == 1 && active.contains(session);
        (!expected).then(|| session.clone())
    }

    async fn draw(&self, turn: &Turn, view: &SessionView) -> Screen {
        let mode = turn.mode.as_deref().unwrap_or(DEFAULT_MODE);
        let drawn = self.plugs.render(mode, (turn, view, self.clock.now()), &self.limits).await;
        drawn.unwrap_or_else(|error| {
            tracing::warn!(mode, %error, "failed to draw a turn: shown plainly");
            plain(turn)
        })
    }
}

/// A message without words: it takes back that the agent was seen to work, and `/stop` was answered already.
fn nothing() -> Screen {
    Screen { live: None, messages: vec![Reply::text("")] }
}

/// What is shown where no view can be asked: an answer is worth more than its form.
fn plain(turn: &Turn) -> Screen {
    let mut text: Vec<&str> = turn
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(text.trim()),
            Part::Action(_) => None,
        })
        .filter(|text| !text.is_empty())
        .collect();
    let failed = match &turn.state {
        TurnState::Failed(why) => literal(why),
        TurnState::Running | TurnState::Done | TurnState::Stopped => String::new(),
    };
    if !failed.is_empty() {
        text.push(&failed);
    }
    let text = text.join("\n\n");
    let messages = if text.is_empty() { Vec::new() } else { vec![Reply::text(text)] };
    Screen { live: None, messages }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hub::Outlet, store};

    #[derive(Default)]
    struct Ends(Mutex<Vec<String>>);

    impl Outlet for Ends {
        fn live(&self, _place: &Place, _turn: &PromptId, _screen: Screen) {}
        fn post(&self, _rows: Vec<cordboard_core::chat::OutboxRow>) {}
        fn stopping(&self, _place: &Place, _turn: &PromptId) {}
        fn back(&self, _place: &Place, _turn: &PromptId) {}
        fn over(&self, _place: &Place, turn: &PromptId) {
            self.0.lock().unwrap().push(turn.0.clone());
        }
    }

    fn view() -> SessionView {
        let (name, owner) = ("x".parse().unwrap(), cordboard_core::types::UserId("test:1".to_owned()));
        let (folder, now) = (std::path::PathBuf::from("/nonexistent"), Clock::system().now());
        let record = cordboard_core::types::SessionRecord::new(name, owner, folder, "demo", now);
        let settings = cordboard_core::session::Settings {
            idle_timeout: std::time::Duration::from_secs(1),
            queue: 1,
            kept: 1,
            model: None,
            folder: None,
            agent: None,
        };
        cordboard_core::session::Machine::new(record, settings).view()
    }

    #[tokio::test]
    async fn scenes_go_on_after_one_that_panics_and_its_turn_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = store::open(&folder.path().join("state")).unwrap();
        let ends = Arc::new(Ends::default());
        let posts = Posts::new(store, Arc::<Ends>::clone(&ends));
        let presenter = Arc::new(Presenter { scenes: Mutex::default(), posts, wake: Notify::new() });
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
                    assert_ne!(turn.prompt.0, "bug", "the bug that was asked for");
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
