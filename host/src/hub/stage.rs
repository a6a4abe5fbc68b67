//! Shows turns: a presenter a session takes its scenes in order, has the view plugin draw them, and passes them on. While it draws, newer frames
//! replace the one that waits.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cordboard_core::{
    agent::PromptId,
    chat::{Done, NewPost},
    render::literal,
    turn::{Part, Turn, TurnState},
    types::{Place, Reply, SessionName, SessionView, Words},
};
use tokio::sync::Notify;

use super::posts::Posts;
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
        loop {
            match self.next() {
                Some(scene) => painter.paint(&session, scene).await,
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

    fn stopping(&self, place: &Place, turn: &PromptId) {
        self.posts.stopping(place, turn);
    }
}

impl Painter {
    async fn paint(&self, session: &SessionName, scene: Scene) {
        match scene {
            Scene::Frame(turn, view) => {
                let mut screen = self.draw(&turn, &view).await;
                self.sign(session, &turn.place, &mut screen.messages);
                self.posts.live(&turn.place, &turn.prompt, screen);
            }
            Scene::Back(place, prompt) => self.posts.back(&place, &prompt),
            Scene::Final(turn, view) => {
                let mut screen = match turn.state {
                    TurnState::Stopped => nothing(),
                    TurnState::Running | TurnState::Done | TurnState::Failed(_) => self.draw(&turn, &view).await,
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
                self.posts.finish(vec![Done::Prompt(turn.prompt)], posts).await;
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

    /// Says whose an answer is.
    fn sign(&self, session: &SessionName, place: &Place, messages: &mut [Reply]) {
        let background = self.in_background(session, place);
        for message in messages {
            message.words = Words::Agents;
            message.session.clone_from(&background);
        }
    }

    /// The session, where whoever reads at that place does not expect it to speak: another one is active there by now.
    fn in_background(&self, session: &SessionName, place: &Place) -> Option<SessionName> {
        let active = self.roster.active(place).is_some_and(|active| active.record.name == *session);
        (!active).then(|| session.clone())
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
