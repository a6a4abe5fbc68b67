//! Applies configuration and plugin file changes to the running host, one at a time. Also passes rollout events and
//! commands to [`Rollout`], and reports unreachable places. An invalid configuration or plugin never becomes active: it
//! is logged, and the operators are notified once.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use cordboard_core::{
    config::{self, Area, Config, ConfigError},
    language, messages,
};
use cordboard_runtime::AuthorizedCommand;
use cordboard_watch::{Change, ConfigRead};
use tokio::sync::{mpsc, watch};

use crate::{
    hub,
    logging::LogLevels,
    operators::Operators,
    rollout::{Notifier, Rollout},
    status::StatusServer,
};

/// The interval at which the host reorders the commands in the menus by usage.
const MENU_ORDER_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The parts of the host that are passed each new configuration.
pub struct ReloadedParts {
    /// Sends the watcher the maximum interval between scans.
    pub rescan: watch::Sender<Duration>,
    pub status: StatusServer,
    pub log: LogLevels,
}

pub struct Reconciler {
    operators: Arc<Operators>,
    rollout: Rollout,
    config_path: Option<PathBuf>,
    parts: ReloadedParts,
    access_changes: watch::Receiver<u64>,
    /// The last configuration error that operators were notified of, so that they are notified of each error only once.
    notified_error: Option<String>,
}

impl Reconciler {
    #[must_use]
    pub fn new(operators: Operators, mut rollout: Rollout, config_path: Option<PathBuf>, parts: ReloadedParts) -> Self {
        let operators = Arc::new(operators);
        rollout.set_notifier(Arc::clone(&operators) as Arc<dyn Notifier>);
        let access_changes = operators.config.access_changes();
        Self { operators, rollout, config_path, parts, access_changes, notified_error: None }
    }

    /// Runs until the watcher stops.
    pub async fn run(mut self, mut changes: mpsc::Receiver<Change>, mut commands: mpsc::Receiver<AuthorizedCommand>) {
        language::scope(self.operators.language(), self.operators.notify_damage()).await;
        // The first tick is immediate.
        let mut reorder = tokio::time::interval(MENU_ORDER_INTERVAL);
        loop {
            let language = self.operators.language();
            tokio::select! {
                change = changes.recv() => match change {
                    Some(change) => language::scope(language, self.on_change(change)).await,
                    None => return,
                },
                Some(command) = commands.recv() => {
                    language::scope(command.language, self.rollout.on_command(command)).await;
                }
                event = self.rollout.next() => language::scope(language, self.rollout.handle(event)).await,
                Ok(()) = self.access_changes.changed() => self.on_access_change().await,
                () = self.operators.new_member.notified() => self.operators.menus.show().await,
                _ = reorder.tick() => self.operators.menus.reorder().await,
                lost = self.operators.outbox.next_unreachable() => {
                    language::scope(language, self.operators.notify_unreachable(&lost)).await;
                }
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
                    self.notify(messages::configuration::valid_again()).await;
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
        let changes = config::diff(&config.access_sources().configured, &new);
        if changes.is_empty() {
            return;
        }
        let rescan = new.plugins.rescan;
        self.parts.rescan.send_if_modified(|interval| std::mem::replace(interval, rescan) != rescan);
        self.parts.log.apply(&new.log);
        hub::read_secrets(&new);
        let old = config.replace(new);
        // This function updates everything that depends on access, so `on_access_change` has nothing to do.
        self.access_changes.mark_unchanged();
        if !changes.restart.is_empty() {
            self.notify(messages::configuration::at_next_start(&changes.restart)).await;
        }
        self.apply_plugin_settings(&changes).await;
        host.sessions.apply_settings().await;
        host.notify_kept_folders(&old.sessions.folders).await;
        if changes.areas.contains(&Area::Access) {
            host.withdraw_revoked().await;
            self.operators.menus.show().await;
        }
        let policy = &config.now().plugins.lifecycle;
        self.rollout.registry.set_lifecycle(policy).await;
        if changes.areas.contains(&Area::Lifecycle) || changes.plugins.contains_key(policy) {
            self.operators.review_all().await;
        }
        if changes.areas.contains(&Area::Status)
            && let Err(error) = self.parts.status.apply().await
        {
            tracing::error!(%error, "the status page is off");
            self.notify(messages::configuration::status_page_off(&error.to_string())).await;
        }
        // Logged last, so that the configuration is active when the log line appears.
        tracing::info!(%changes, "configuration changed");
    }

    /// Updates everything that depends on access, after a change in the chat or through pairing. The host service has
    /// already withdrawn the prompts of people without access.
    async fn on_access_change(&mut self) {
        // The owner is part of the settings of plugins with `acts_as`.
        let names = self.rollout.registry.snapshot().names().map(str::to_owned).collect();
        self.rollout.apply_settings(names).await;
        self.operators.menus.show().await;
    }

    /// Applies new settings to the plugins whose tables changed, and to all plugins if `[access]` or a limit in
    /// `[plugins]` changed. Also retries the versions that are waiting for different settings.
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
