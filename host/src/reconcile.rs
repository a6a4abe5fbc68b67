//! Applies changed configurations and plugin files to the running host, one at a time. An invalid configuration or
//! plugin never becomes active: it is logged, and the operators are notified once.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use cordboard_chat::{
    MenuEntry,
    outbox::{Outbox, Unreachable},
};
use cordboard_core::{
    chat::NewPost,
    config::{self, Area, Config, ConfigError},
    messages::{self, plain},
    session::Input,
    types::{Caller, Place, Reply, Request},
};
use cordboard_runtime::{AuthorizedCommand, Offer, Snapshot};
use cordboard_watch::{Change, ConfigRead};
use tokio::sync::{mpsc, watch};

use crate::{
    hub::{self, HostService, LiveConfig, Outbound},
    rollout::{Notifier, Rollout},
};

pub struct Reconciler {
    operators: Arc<Operators>,
    rollout: Rollout,
    config_path: Option<PathBuf>,
    rescan: watch::Sender<Duration>,
    /// The configuration error of the last notification, so that operators are notified of an error only once.
    notified_error: Option<String>,
}

impl Reconciler {
    /// `rescan` sends the watcher the longest time between two scans.
    #[must_use]
    pub fn new(
        operators: Operators,
        mut rollout: Rollout,
        config_path: Option<PathBuf>,
        rescan: watch::Sender<Duration>,
    ) -> Self {
        let operators = Arc::new(operators);
        rollout.set_notifier(Arc::clone(&operators) as Arc<dyn Notifier>);
        Self { operators, rollout, config_path, rescan, notified_error: None }
    }

    /// Runs until the watcher stops.
    pub async fn run(mut self, mut changes: mpsc::Receiver<Change>, mut commands: mpsc::Receiver<AuthorizedCommand>) {
        loop {
            tokio::select! {
                change = changes.recv() => match change {
                    Some(change) => self.on_change(change).await,
                    None => return,
                },
                Some(command) = commands.recv() => self.rollout.on_command(command).await,
                event = self.rollout.next() => self.rollout.handle(event).await,
                lost = self.operators.outbox.next_unreachable() => self.operators.notify_unreachable(&lost).await,
            }
        }
    }

    async fn on_change(&mut self, change: Change) {
        match change {
            Change::Config(read) => self.on_config(read).await,
            Change::Folder { fault } => self.rollout.on_folder(fault).await,
            Change::Plugin { name, content } => self.rollout.on_file(&name, content).await,
            Change::PluginGone { name } => self.rollout.on_removed(&name).await,
            Change::PluginUnreadable { name, error } => self.rollout.on_unreadable(&name, &error).await,
        }
    }

    async fn on_config(&mut self, read: ConfigRead) {
        let path = self.config_path.as_ref().map_or_else(|| "config.toml".into(), |path| path.display().to_string());
        let loaded = match read {
            ConfigRead::Text(text) if text.trim().is_empty() => Err(format!("{path} is empty")),
            ConfigRead::Text(text) => config::load(&text).map_err(|error: ConfigError| format!("{path}\n{error}")),
            ConfigRead::Missing => Err(format!("{path} is missing")),
            ConfigRead::Unreadable(why) => Err(format!("{path} cannot be used: {why}")),
        };
        match loaded {
            Ok(new) => {
                self.apply(new).await;
                if self.notified_error.take().is_some() {
                    self.notify(messages::configuration::VALID_AGAIN.to_owned()).await;
                }
            }
            Err(why) if self.notified_error.as_ref() == Some(&why) => {}
            Err(why) => {
                tracing::error!(%why, "the new configuration cannot be used");
                self.notify(messages::configuration::invalid(&why)).await;
                self.notified_error = Some(why);
            }
        }
    }

    async fn apply(&mut self, new: Config) {
        let operators = Arc::clone(&self.operators);
        let Operators { config, host, .. } = &*operators;
        let changes = config::diff(&config.now(), &new);
        if changes.is_empty() {
            return;
        }
        self.rescan.send_replace(new.plugins.rescan);
        hub::read_secrets(&new);
        let old = config.replace(new);
        if !changes.restart.is_empty() {
            self.notify(messages::configuration::at_next_start(&changes.restart)).await;
        }
        self.apply_plugin_settings(&changes).await;
        host.sessions.apply_settings().await;
        host.notify_kept_folders(&old.sessions.folders).await;
        if changes.areas.contains(&Area::Access) {
            host.withdraw_revoked().await;
        }
        let policy = &config.now().plugins.lifecycle;
        self.rollout.registry.set_lifecycle(policy).await;
        if changes.areas.contains(&Area::Lifecycle) || changes.plugins.contains_key(policy) {
            self.operators.review_all().await;
        }
        // Logged last, so that the configuration is active when the log line appears.
        tracing::info!(%changes, "configuration changed");
    }

    /// Applies new settings to the plugins whose tables changed, and to all plugins if a common key or `[access]`
    /// changed. Also retries the versions that wait for other settings.
    async fn apply_plugin_settings(&mut self, changes: &config::Changes) {
        let mut names: BTreeSet<String> = changes.plugins.keys().cloned().collect();
        let common = [Area::PluginLimits, Area::RolloutLimits, Area::Access];
        if common.iter().any(|area| changes.areas.contains(area)) {
            names.extend(self.rollout.registry.snapshot().names().map(str::to_owned));
        }
        self.rollout.apply_settings(names).await;
    }

    async fn notify(&self, text: String) {
        self.operators.notify(text, None).await;
    }
}

/// Delivers notifications to the operators: on the console, or in the private chats of the owner and the admins.
pub struct Operators {
    pub config: LiveConfig,
    pub host: Arc<HostService>,
    pub outbound: Outbound,
    /// `console` or `telegram`.
    pub front_end: &'static str,
    pub outbox: Outbox,
}

impl Operators {
    /// Makes all sessions query the lifecycle plugin again, because the policy has changed.
    pub async fn review_all(&self) {
        self.host.sessions.send_to_all(|_| Some(Input::PolicyChanged)).await;
    }

    /// Notifies the owner that a place can't be written to. The notice goes to the owner's private chat, unless that is
    /// the unreachable place.
    pub async fn notify_unreachable(&self, lost: &Unreachable) {
        let owner = owner(self.front_end, &self.config.now());
        if let Some(place) = owner.filter(|owner| *owner != lost.place) {
            self.post(place, plain(&messages::unreachable(&lost.place, &lost.why))).await;
        }
    }

    async fn post(&self, place: Place, reply: Reply) {
        self.outbound.finish(Vec::new(), vec![NewPost::new(place, reply)]).await;
    }
}

#[async_trait]
impl Notifier for Operators {
    async fn notify(&self, text: String, but: Option<&Caller>) {
        for place in places(self.front_end, &self.config.now()) {
            // The id of a private chat is the id of its user.
            let is_excluded = but.is_some_and(|but| but.id.0 == format!("{}:{}", place.front_end, place.chat));
            if !is_excluded {
                self.post(place, plain(&text)).await;
            }
        }
    }

    async fn ask(&self, question: Reply) {
        let config = self.config.now();
        let owner = owner(self.front_end, &config);
        for place in places(self.front_end, &config) {
            let reply =
                if Some(&place) == owner.as_ref() { question.clone() } else { Reply::text(question.text.clone()) };
            self.post(place, reply).await;
        }
    }

    async fn supersede(&self, request: &Request) {
        self.outbound.supersede(request).await;
    }

    async fn changed(&self, plugin: &str) {
        self.outbox.set_menu(menu(&self.host.plugins.snapshot()));
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
fn places(front_end: &str, config: &Config) -> Vec<Place> {
    let others = config.access.admins.iter().map(|id| Place::new(front_end, &id.to_string()));
    let others = others.filter(|_| front_end != "console");
    owner(front_end, config).into_iter().chain(others).collect()
}

/// Returns the commands of a snapshot as entries of a chat's menu.
#[must_use]
pub fn menu(snapshot: &Snapshot) -> Vec<MenuEntry> {
    let entry = |offer: &Offer| MenuEntry { name: offer.spec.name.clone(), summary: offer.spec.summary.clone() };
    snapshot.commands().map(entry).collect()
}
