//! Notifies the operators of the host's own events, asks them about grants, and updates everything that depends on the
//! active plugins: the command menus, and the lifecycle plugin's reviews of sessions.

mod menus;

pub use menus::CommandMenus;

use std::sync::Arc;

use async_trait::async_trait;
use cordboard_chat::outbox::{Outbox, Unreachable, UnreachableKind};
use cordboard_core::{
    config::Config,
    database_damage::DatabaseDamage,
    language::Language,
    messages::{self, plain},
    session::Input,
    types::{Caller, Place, Reply, Request, SessionName, TopicState},
    updates_and_posts::NewPost,
};
use tokio::sync::Notify;

use crate::{
    hub::{self, HostService, LiveConfig, Outbound},
    rollout::Notifier,
};

/// A function that returns the front-end of the operators' places: `console`, or that of a bot.
pub type NoticeFrontEnd = Arc<dyn Fn() -> String + Send + Sync>;

/// Delivers notifications to the operators: on the console, or in the private chats of the owner and the admins.
pub struct Operators {
    pub config: LiveConfig,
    pub host: Arc<HostService>,
    pub outbound: Outbound,
    pub front_end: NoticeFrontEnd,
    pub outbox: Outbox,
    pub menus: CommandMenus,
    /// Notified the first time a person writes in a place after the host has started.
    pub new_member: Arc<Notify>,
    /// The database damage that the operators haven't been notified of yet.
    pub damage: Vec<DatabaseDamage>,
}

impl Operators {
    /// Returns the language of notifications: the owner's.
    #[must_use]
    pub fn language(&self) -> Option<Language> {
        self.outbound.language_or_default(owner(&(self.front_end)(), &self.config.now()).as_ref())
    }

    /// Makes all sessions query the lifecycle plugin again. Called when the policy has changed.
    pub async fn review_all(&self) {
        self.host.sessions.send_to_all(|_| Some(Input::PolicyChanged)).await;
    }

    /// Notifies the operators of damage to the database. If there is no owner yet, a later start notifies them.
    pub async fn notify_damage(&self) {
        if self.damage.is_empty() || places(&(self.front_end)(), &self.config.now()).is_empty() {
            return;
        }
        for damage in &self.damage {
            self.notify(messages::database::damaged(damage), None).await;
        }
        self.host.store.clear_damage();
    }

    /// Notifies the owner that a place can't be written to, unless the place is the owner's private chat, where the
    /// notice would go. If a topic was deleted, also stores that fact.
    pub async fn notify_unreachable(&self, lost: &Unreachable) {
        let text = match lost.kind {
            UnreachableKind::Blocked => messages::unreachable(&lost.place, &lost.why),
            UnreachableKind::Deleted => {
                if let Err(error) = self.host.topics.set_state(&lost.place, TopicState::Deleted).await {
                    tracing::warn!(place = %lost.place, %error, "failed to store that a topic was deleted");
                }
                messages::topics::deleted(&lost.place, &lost.why, &self.sessions_in(&lost.place))
            }
        };
        let owner = owner(&(self.front_end)(), &self.config.now());
        if let Some(place) = owner.filter(|owner| *owner != lost.place) {
            self.post(place, plain(&text)).await;
        }
    }

    /// Returns the sessions whose messages are sent to a place, sorted.
    fn sessions_in(&self, place: &Place) -> Vec<SessionName> {
        let views = self.host.sessions.registry.views();
        let there = views.iter().filter(|view| !view.record.archived && view.record.place.as_ref() == Some(place));
        let mut names = self.host.sessions.registry.active_in(place);
        names.extend(there.map(|view| view.record.name.clone()));
        names.into_iter().collect()
    }

    async fn post(&self, place: Place, reply: Reply) {
        self.outbound.finish(Vec::new(), vec![NewPost::new(place, reply)]).await;
    }
}

#[async_trait]
impl Notifier for Operators {
    async fn notify(&self, text: String, but: Option<&Caller>) {
        for place in places(&(self.front_end)(), &self.config.now()) {
            let is_excluded = but.is_some_and(|but| but.is_private_chat(&place));
            if !is_excluded {
                self.post(place, plain(&text)).await;
            }
        }
    }

    async fn ask(&self, question: Reply) {
        let config = self.config.now();
        let front_end = (self.front_end)();
        let owner = owner(&front_end, &config);
        for place in places(&front_end, &config) {
            let reply =
                if Some(&place) == owner.as_ref() { question.clone() } else { Reply::text(question.text.clone()) };
            self.post(place, reply).await;
        }
    }

    async fn supersede(&self, request: &Request) {
        self.outbound.supersede(request).await;
    }

    async fn changed(&self, plugin: &str) {
        self.menus.show().await;
        if self.config.now().plugins.lifecycle == plugin {
            self.review_all().await;
        }
    }
}

fn owner(front_end: &str, config: &Config) -> Option<Place> {
    if front_end == "console" {
        return Some(Place::new("console", "local"));
    }
    config.access.owner.map(|id| Place::new(front_end, &id.to_string()))
}

/// Returns the places of the operators: the console, or the private chats of the owner and the admins with the bot. An
/// admin without access to the bot gets no notifications.
fn places(front_end: &str, config: &Config) -> Vec<Place> {
    let others = config.access.admins.iter().map(|id| Place::new(front_end, &id.to_string()));
    let is_admin = |place: &Place| hub::person_of(place).and_then(|person| hub::role(&person, place, &config.access));
    let others = others.filter(|place| front_end != "console" && is_admin(place).is_some());
    owner(front_end, config).into_iter().chain(others).collect()
}
