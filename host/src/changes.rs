//! Applies what changed on disk to the running board: configuration first, then plugins, one at a time. A bad version of either never takes
//! over, and is told once to the log and to the admins.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use cordboard_core::{
    chat::NewPost,
    config::{self, Area, Config, ConfigError},
    session::Input,
    types::{Place, Reply},
};
use tokio::sync::mpsc;

use crate::{
    chat::{MenuEntry, outbox::Outbox},
    clock::Clock,
    hub::{Desk, Live, Posts},
    plugin::{Health, PluginSettings, Refused, Table, short},
    reload::{Change, ConfigRead},
    supply::Supply,
};

pub struct Changes {
    pub config: Live,
    pub desk: Arc<Desk>,
    pub supply: Supply,
    pub posts: Posts,
    pub clock: Clock,
    /// `console` or `telegram`.
    pub front_end: &'static str,
    pub config_path: Option<PathBuf>,
    pub outbox: Outbox,
    /// What was last told of the configuration, so that it is told once.
    pub told: Option<String>,
}

/// The commands of a table as a chat's menu has them.
#[must_use]
pub fn menu(table: &Table) -> Vec<MenuEntry> {
    let entry =
        |offer: &crate::plugin::Offer| MenuEntry { name: offer.spec.name.clone(), summary: offer.spec.summary.clone() };
    table.commands().map(entry).collect()
}

impl Changes {
    /// Runs until the watcher is gone.
    pub async fn run(mut self, mut changes: mpsc::Receiver<Change>) {
        while let Some(change) = changes.recv().await {
            match change {
                Change::Config(read) => self.on_config(read).await,
                Change::Plugin { name, wasm, .. } => self.on_plugin(&name, &wasm).await,
                Change::PluginGone { name } => self.on_gone(&name).await,
                Change::PluginUnreadable { name, why } => self.on_unreadable(&name, why).await,
            }
            self.outbox.menu(menu(&self.supply.plugs.table()));
        }
    }

    async fn on_config(&mut self, read: ConfigRead) {
        let path = self.config_path.as_ref().map_or_else(|| "config.toml".into(), |path| path.display().to_string());
        let loaded = match read {
            ConfigRead::Text(text) if text.trim().is_empty() => Err(format!("{path} is empty")),
            ConfigRead::Text(text) => config::load(&text).map_err(|error: ConfigError| format!("{path}\n{error}")),
            ConfigRead::Missing => Err(format!("{path} is gone")),
            ConfigRead::Unreadable(why) => Err(format!("{path} cannot be used: {why}")),
        };
        match loaded {
            Ok(new) => {
                self.told = None;
                self.apply(new).await;
            }
            Err(why) if self.told.as_ref() == Some(&why) => {}
            Err(why) => {
                tracing::error!(%why, "the new configuration is not used, the one before goes on");
                self.tell(format!("The new configuration is not used, the one before goes on:\n{why}")).await;
                self.told = Some(why);
            }
        }
    }

    async fn apply(&mut self, new: Config) {
        let old = self.config.now();
        let changes = config::diff(&old, &new);
        if changes.is_empty() {
            return;
        }
        self.config.replace(new);
        tracing::info!(%changes, "configuration changed");
        if !changes.restart.is_empty() {
            let keys: Vec<&str> = changes.restart.iter().map(String::as_str).collect();
            self.tell(format!("These lines of the configuration act at the next start: {}.", keys.join(", "))).await;
        }
        self.resettle_plugins(&changes).await;
        self.desk.lines().resettle().await;
        let policy = &self.config.now().plugins.lifecycle;
        if changes.areas.contains(&Area::Lifecycle) || changes.plugins.contains_key(policy) {
            self.review_all().await;
        }
    }

    /// Plugins whose table changed, all where a common limit did, and those that wait for a grant.
    async fn resettle_plugins(&self, changes: &config::Changes) {
        let table = self.supply.plugs.table();
        let mut names: BTreeSet<String> = changes.plugins.keys().cloned().collect();
        let waiting = table.statuses().filter(|status| matches!(status.health, Health::Held | Health::Refused));
        let waiting: BTreeSet<String> = waiting.map(|status| status.name).collect();
        names.extend(waiting.iter().cloned());
        if changes.areas.contains(&Area::PluginLimits) || changes.areas.contains(&Area::Access) {
            names.extend(table.names().map(str::to_owned));
        }
        for name in names {
            let settings = self.settings(&name);
            let swapped = match self.supply.file_of(&name) {
                Some(wasm) => self.supply.plug_new(&name, &wasm, (&settings, self.clock.now())).await,
                None => self.supply.plugs.reconfigure(&name, (&settings, self.clock.now())).await,
            };
            let before = table.generation(&name).map(|generation| generation.number);
            match swapped {
                // Its refusal was told, so is the end of it; and its file may have come a moment ago.
                Ok(_) if waiting.contains(&name) || before.is_none() => self.on_swapped(&name, before).await,
                Ok(_) => {}
                Err(refused) => self.tell_refused(&name, &refused).await,
            }
        }
    }

    fn settings(&self, name: &str) -> PluginSettings {
        self.config.plugin(name)
    }

    async fn on_plugin(&self, name: &str, wasm: &[u8]) {
        let settings = self.settings(name);
        let before = self.serving(name);
        match self.supply.plug_new(name, wasm, (&settings, self.clock.now())).await {
            Ok(_) => self.on_swapped(name, before).await,
            Err(refused) => self.tell_refused(name, &refused).await,
        }
    }

    async fn on_swapped(&self, name: &str, before: Option<u32>) {
        let table = self.supply.plugs.table();
        let Some(generation) = table.generation(name).filter(|now| Some(now.number) != before) else { return };
        let digest = short(&generation.digest);
        self.tell(format!("Plugin '{name}' is plugged in: generation {}, {digest}.", generation.number)).await;
        self.after_swap(name).await;
    }

    async fn after_swap(&self, name: &str) {
        if self.config.now().plugins.lifecycle == name {
            self.review_all().await;
        }
    }

    async fn review_all(&self) {
        self.desk.lines().tell_all(|_| Some(Input::PolicyChanged)).await;
    }

    async fn on_gone(&self, name: &str) {
        tracing::info!(plugin = name, "its file is gone");
        let before = self.serving(name);
        match self.supply.unplug(name, (&self.settings(name), self.clock.now())).await {
            Ok(()) => {
                self.tell_gone(name, before).await;
                self.after_swap(name).await;
            }
            Err(refused) => self.tell_refused(name, &refused).await,
        }
    }

    /// Nothing where the file was never plugged in: then nothing has changed.
    async fn tell_gone(&self, name: &str, before: Option<u32>) {
        match self.serving(name) {
            None if before.is_some() => {
                self.tell(format!("Plugin '{name}' is unplugged: its file is gone.")).await;
            }
            Some(number) if before != Some(number) => {
                self.tell(format!("Plugin '{name}' is the built-in one again: generation {number}.")).await;
            }
            Some(_) | None => {}
        }
    }

    /// The number of the generation that serves.
    fn serving(&self, name: &str) -> Option<u32> {
        self.supply.plugs.table().generation(name).map(|generation| generation.number)
    }

    async fn on_unreadable(&self, name: &str, why: String) {
        let refused = Refused::Read(why);
        tracing::warn!(plugin = name, serves = self.serving(name), why = %refused, "version refused");
        self.supply.plugs.turn_away(name, "", (&refused, self.clock.now())).await;
        self.tell_refused(name, &refused).await;
    }

    async fn tell_refused(&self, name: &str, refused: &Refused) {
        let rest = self.serving(name).map_or_else(String::new, |number| format!("\nGeneration {number} goes on."));
        self.tell(format!("Plugin '{name}' was refused: {refused}.{rest}")).await;
    }

    async fn tell(&self, text: String) {
        for place in admins(self.front_end, &self.config.now()) {
            self.posts.finish(Vec::new(), vec![NewPost::new(place, Reply::text(text.clone()))]).await;
        }
    }
}

/// Where the operators are: the console, or the private chats of owner and admins.
fn admins(front_end: &str, config: &Config) -> Vec<Place> {
    if front_end == "console" {
        return vec![Place::new("console", "local")];
    }
    let access = &config.access;
    access.owner.iter().chain(&access.admins).map(|id| Place::new(front_end, &id.to_string())).collect()
}
