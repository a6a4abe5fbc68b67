//! Applies changes on disk to the running host, one at a time: configuration and plugins. An invalid version of
//! either never becomes active; the log and the admins are notified once.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use cordboard_core::{
    config::{self, Area, Config, ConfigError},
    messages,
};
use tokio::sync::{mpsc, watch};

mod admins;

pub use admins::{Admins, menu};

use cordboard_runtime::AuthorizedCommand;
use cordboard_watch::{Change, ConfigRead};

use crate::{
    hub::{HostService, LiveConfig},
    rollout::{Notifier, Rollout},
};

pub struct Reconciler {
    pub config: LiveConfig,
    pub desk: Arc<HostService>,
    pub swaps: Rollout,
    pub admins: Arc<Admins>,
    pub config_path: Option<PathBuf>,
    /// The longest time between two scans of the watcher.
    pub rescan: watch::Sender<Duration>,
    /// The last configuration error that was notified, so that it is notified once.
    pub told: Option<String>,
}

impl Reconciler {
    /// Runs until the watcher stops.
    pub async fn run(mut self, mut changes: mpsc::Receiver<Change>, mut orders: mpsc::Receiver<AuthorizedCommand>) {
        self.swaps.notify(Arc::clone(&self.admins) as Arc<dyn Notifier>);
        loop {
            tokio::select! {
                change = changes.recv() => match change {
                    Some(change) => self.on_change(change).await,
                    None => return,
                },
                Some(ordered) = orders.recv() => self.swaps.on_order(ordered).await,
                event = self.swaps.next() => self.swaps.handle(event).await,
                lost = self.admins.outbox.unreachable() => self.admins.tell_unreachable(&lost).await,
            }
        }
    }

    async fn on_change(&mut self, change: Change) {
        match change {
            Change::Config(read) => self.on_config(read).await,
            Change::Folder { fault } => self.swaps.on_folder(fault).await,
            Change::Plugin { name, wasm, .. } => self.swaps.on_file(&name, wasm).await,
            Change::PluginGone { name } => self.swaps.on_gone(&name).await,
            Change::PluginUnreadable { name, why } => self.swaps.on_unreadable(&name, &why).await,
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
                if self.told.take().is_some() {
                    self.tell(messages::configuration::VALID_AGAIN.to_owned()).await;
                }
            }
            Err(why) if self.told.as_ref() == Some(&why) => {}
            Err(why) => {
                tracing::error!(%why, "the new configuration cannot be used");
                self.tell(messages::configuration::invalid(&why)).await;
                self.told = Some(why);
            }
        }
    }

    async fn apply(&mut self, new: Config) {
        let changes = config::diff(&self.config.now(), &new);
        if changes.is_empty() {
            return;
        }
        self.rescan.send_replace(new.plugins.rescan);
        let old = self.config.replace(new);
        if !changes.restart.is_empty() {
            self.tell(messages::configuration::at_next_start(&changes.restart)).await;
        }
        self.resettle_plugins(&changes).await;
        self.desk.lines().resettle().await;
        self.desk.tell_kept_folders(&old.sessions.folders).await;
        if changes.areas.contains(&Area::Access) {
            self.desk.withdraw_revoked().await;
        }
        let policy = &self.config.now().plugins.lifecycle;
        self.swaps.plugs.set_lifecycle(policy).await;
        if changes.areas.contains(&Area::Lifecycle) || changes.plugins.contains_key(policy) {
            self.admins.review_all().await;
        }
        // Logged last, so that the configuration is active when the log line appears.
        tracing::info!(%changes, "configuration changed");
    }

    /// Applies new settings to the plugins whose tables changed, to all plugins if a common limit changed, and to
    /// those that are pending approval.
    async fn resettle_plugins(&mut self, changes: &config::Changes) {
        let mut names: BTreeSet<String> = changes.plugins.keys().cloned().collect();
        if changes.areas.contains(&Area::PluginLimits) || changes.areas.contains(&Area::Access) {
            names.extend(self.swaps.plugs.table().names().map(str::to_owned));
        }
        self.swaps.resettle(names).await;
    }

    async fn tell(&self, text: String) {
        self.admins.tell(text, None).await;
    }
}
