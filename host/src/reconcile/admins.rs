//! Delivers notifications to the operators: on the console, or in the private chats of the owner and the admins.
//! Doesn't decide when to notify.

use std::sync::Arc;

use async_trait::async_trait;
use cordboard_chat::{
    MenuEntry,
    outbox::{Outbox, Unreachable},
};
use cordboard_core::{
    chat::NewPost,
    config::Config,
    messages::{self, plain},
    session::Input,
    types::{Caller, Place, Reply, Request},
};
use cordboard_runtime::{Offer, Snapshot};

use crate::{
    hub::{HostService, LiveConfig, Outbound},
    rollout::Notifier,
};

pub struct Admins {
    pub config: LiveConfig,
    pub desk: Arc<HostService>,
    pub posts: Outbound,
    /// `console` or `telegram`.
    pub front_end: &'static str,
    pub outbox: Outbox,
}

/// Returns the commands of a snapshot as entries of a chat's menu.
#[must_use]
pub fn menu(table: &Snapshot) -> Vec<MenuEntry> {
    let entry = |offer: &Offer| MenuEntry { name: offer.spec.name.clone(), summary: offer.spec.summary.clone() };
    table.commands().map(entry).collect()
}

impl Admins {
    pub async fn review_all(&self) {
        self.desk.lines().tell_all(|_| Some(Input::PolicyChanged)).await;
    }

    /// Notifies the owner of a place that can't be written to, in the owner's private chat, unless it is that chat
    /// itself.
    pub async fn tell_unreachable(&self, lost: &Unreachable) {
        let owner = owner(self.front_end, &self.config.now());
        if let Some(place) = owner.filter(|owner| *owner != lost.place) {
            self.post(place, plain(&messages::unreachable(&lost.place, &lost.why))).await;
        }
    }

    async fn post(&self, place: Place, reply: Reply) {
        self.posts.finish(Vec::new(), vec![NewPost::new(place, reply)]).await;
    }
}

#[async_trait]
impl Notifier for Admins {
    async fn tell(&self, text: String, but: Option<&Caller>) {
        for place in admins(self.front_end, &self.config.now()) {
            // A user's private chat has the user's own number.
            let knows = but.is_some_and(|but| but.id.0 == format!("{}:{}", place.front_end, place.chat));
            if !knows {
                self.post(place, plain(&text)).await;
            }
        }
    }

    async fn ask(&self, question: Reply) {
        let config = self.config.now();
        let owner = owner(self.front_end, &config);
        for place in admins(self.front_end, &config) {
            let reply =
                if Some(&place) == owner.as_ref() { question.clone() } else { Reply::text(question.text.clone()) };
            self.post(place, reply).await;
        }
    }

    async fn supersede(&self, request: &Request) {
        self.posts.supersede(request).await;
    }

    async fn changed(&self, plugin: &str) {
        self.outbox.menu(menu(&self.desk.plugs.table()));
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

/// Returns the places of the operators: the console, or the private chats of the owner and the admins.
fn admins(front_end: &str, config: &Config) -> Vec<Place> {
    let others = config.access.admins.iter().map(|id| Place::new(front_end, &id.to_string()));
    let others = others.filter(|_| front_end != "console");
    owner(front_end, config).into_iter().chain(others).collect()
}
