//! Shows turns: a presenter a session takes its scenes in order, has the view plugin draw them, and passes them on. While it draws, newer frames
//! replace the one that waits.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cordboard_core::{
    chat::{Done, NewPost},
    turn::{Part, Turn, TurnState},
    types::{Reply, SessionView},
};
use tokio::sync::Notify;

use super::posts::Posts;
use crate::{
    clock::Clock,
    plugin::{Plugs, Screen, ViewLimits},
    session::{Scene, Stage},
};

/// The view of sessions that chose none.
const DEFAULT_MODE: &str = "normal";

/// What all presenters share.
#[derive(Clone)]
pub struct Painter {
    pub plugs: Arc<Plugs>,
    pub posts: Posts,
    pub clock: Clock,
    pub limits: ViewLimits,
}

/// One session's scenes.
pub struct Presenter {
    scenes: Mutex<Scenes>,
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
    pub fn spawn(painter: Painter) -> Arc<Self> {
        let presenter = Arc::new(Self { scenes: Mutex::default(), wake: Notify::new() });
        tokio::spawn(Arc::clone(&presenter).run(painter));
        presenter
    }

    async fn run(self: Arc<Self>, painter: Painter) {
        loop {
            match self.next() {
                Some(scene) => painter.paint(scene).await,
                None => self.wake.notified().await,
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
}

impl Painter {
    async fn paint(&self, scene: Scene) {
        match scene {
            Scene::Frame(turn, view) => {
                let screen = self.draw(&turn, &view).await;
                self.posts.live(&turn.place, &turn.prompt, screen);
            }
            Scene::Final(turn, view) => {
                let screen = self.draw(&turn, &view).await;
                let posts = screen.messages.into_iter().map(|reply| NewPost::new(turn.place.clone(), reply));
                let mut posts: Vec<NewPost> = posts.collect();
                // The first message takes over what was shown live.
                if let Some(first) = posts.first_mut() {
                    first.turn = Some(turn.prompt.clone());
                }
                if posts.is_empty() {
                    self.posts.over(&turn.place, &turn.prompt);
                }
                self.posts.finish(vec![Done::Prompt(turn.prompt)], posts).await;
            }
            Scene::Tell(place, notice) => {
                self.posts.finish(Vec::new(), vec![NewPost::new(place, notice.reply())]).await;
            }
        }
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
    if let TurnState::Failed(why) = &turn.state {
        text.push(why);
    }
    let text = text.join("\n\n");
    let messages = if text.is_empty() { Vec::new() } else { vec![Reply::text(text)] };
    Screen { live: None, messages }
}
