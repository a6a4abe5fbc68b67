//! Owns the active configuration, with the people added in the chat or by pairing merged into `access`. Callers read it
//! whenever they need a value, so most changes take effect at once.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;
use cordboard_core::{
    access_entries::{AccessEntries, StoredPerson},
    capability::Capability,
    config::{Agent, Config, Limits},
    session::Settings,
    type_erased::TypeErased,
    types::{Caller, Role, SessionRecord},
};
use cordboard_runtime::{BuiltInGrants, PluginSettings, WebhookAccess};
use tokio::sync::watch;

use crate::{session::SessionConfig, standard_plugins::built_in};

/// The shared configuration, combined with access granted in the chat. Both can change while the host is running.
#[derive(Clone)]
pub struct LiveConfig(TypeErased<Shared>);

struct Shared {
    /// The effective configuration: its `access` also contains the stored people.
    effective: ArcSwap<Config>,
    sources: Mutex<AccessSources>,
    /// Held while the stored people are being changed.
    changing: tokio::sync::Mutex<()>,
    /// Counts the changes to `access`.
    access_changes: watch::Sender<u64>,
}

/// The two sources of access.
#[derive(Clone)]
pub struct AccessSources {
    pub configured: Arc<Config>,
    pub people: Arc<[StoredPerson]>,
}

impl AccessSources {
    #[must_use]
    pub fn entries(&self) -> AccessEntries<'_> {
        AccessEntries { configured: &self.configured.access, stored: &self.people }
    }

    fn effective(&self) -> Arc<Config> {
        if self.people.is_empty() {
            return Arc::clone(&self.configured);
        }
        Arc::new(Config { access: self.entries().effective(), ..(*self.configured).clone() })
    }
}

impl LiveConfig {
    #[must_use]
    pub fn new(config: Config) -> Self {
        let configured = Arc::new(config);
        let effective = ArcSwap::new(Arc::clone(&configured));
        let sources = Mutex::new(AccessSources { configured, people: Arc::default() });
        Self(TypeErased::new(Shared {
            effective,
            sources,
            changing: tokio::sync::Mutex::default(),
            access_changes: watch::Sender::new(0),
        }))
    }

    #[must_use]
    pub fn now(&self) -> Arc<Config> {
        self.0.effective.load_full()
    }

    /// Replaces the configuration. Returns the previous one, whose `access` doesn't contain the stored people.
    pub fn replace(&self, config: Config) -> Arc<Config> {
        self.change(|sources| std::mem::replace(&mut sources.configured, Arc::new(config)))
    }

    /// Replaces the people who were granted access in the chat or by pairing.
    pub fn set_people(&self, people: Vec<StoredPerson>) {
        self.change(|sources| sources.people = people.into());
    }

    #[must_use]
    pub fn access_sources(&self) -> AccessSources {
        self.sources().clone()
    }

    /// Locks the stored people for a change.
    pub async fn lock_people(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.changing.lock().await
    }

    /// Returns a receiver that is notified when the effective `access` changes.
    #[must_use]
    pub fn access_changes(&self) -> watch::Receiver<u64> {
        self.0.access_changes.subscribe()
    }

    fn change<T>(&self, change: impl FnOnce(&mut AccessSources) -> T) -> T {
        let mut sources = self.sources();
        let changed = change(&mut sources);
        let old = self.0.effective.swap(sources.effective());
        let is_changed = old.access != self.now().access;
        self.0.access_changes.send_if_modified(|count| {
            *count += u64::from(is_changed);
            is_changed
        });
        changed
    }

    fn sources(&self) -> MutexGuard<'_, AccessSources> {
        // Each change is a single assignment, so the data is consistent even after a panic.
        self.0.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the operator's settings for a plugin.
    #[must_use]
    pub fn plugin(&self, name: &str) -> PluginSettings {
        plugin_settings(&self.now(), name)
    }
}

/// Reads a configuration's secrets, so that they are removed from all texts from now on: an agent may find a secret
/// before any plugin uses it. Ignores a secret that can't be read: the plugin that uses the secret reports the error.
pub fn read_secrets(config: &Config) {
    for (name, source) in &config.secrets {
        drop(cordboard_runtime::read_secret(name, source));
    }
}

/// Returns the settings in `config` for the plugin `name`.
#[must_use]
pub fn plugin_settings(config: &Config, name: &str) -> PluginSettings {
    let network = config.plugins.network_grants_of(name);
    let secrets = config.secrets.iter().filter(|(secret, _)| network.has_secret(secret));
    let secrets = Arc::new(secrets.map(|(secret, source)| (secret.clone(), source.clone())).collect());
    PluginSettings {
        grants: names(config.plugins.grants_of(name)),
        built_in: built_in(name)
            .map(|one| BuiltInGrants { digest: one.digest, grants: names(config.plugins.built_in_grants_of(name)) }),
        config: config.plugins.config_json(name).into(),
        limits: config.plugins.limits_of(name),
        rollout: config.plugins.rollout,
        acts_as: config.plugins.acts_as(name).map(|role| operator(config, role)),
        network,
        secrets,
        sha256: config.plugins.sha256_of(name).map(str::to_owned),
        webhook: webhook_access(config, name),
    }
}

fn names(grants: BTreeSet<Capability>) -> BTreeSet<String> {
    grants.into_iter().map(|grant| grant.as_str().to_owned()).collect()
}

fn webhook_access(config: &Config, plugin: &str) -> WebhookAccess {
    match (config.webhook.listen, config.plugins.webhook_auth_of(plugin).is_empty()) {
        (None, _) => WebhookAccess::NoServer,
        (Some(_), true) => WebhookAccess::NoAuth,
        (Some(_), false) => WebhookAccess::Authenticated,
    }
}

/// Returns the operator as a caller with this role.
pub(super) fn operator(config: &Config, role: Role) -> Caller {
    Caller { id: config.access.operator(), name: role.as_str().to_owned(), role }
}

impl SessionConfig for LiveConfig {
    fn settings(&self, record: &SessionRecord) -> Settings {
        let config = self.now();
        Settings {
            idle_timeout: config.sessions.idle_timeout,
            busy: config.sessions.busy,
            max_queued: config.sessions.queue as usize,
            max_interrupted: config.sessions.kept as usize,
            stall: config.sessions.stall,
            request_expiry: config.requests.expire,
            deny_tools: config.access.deny_tools.clone(),
            home: std::env::var("HOME").ok(),
            model: config.agents.get(&record.agent).and_then(|agent| agent.model.clone()),
            folder: config.sessions.folder(&record.name).map(Path::to_owned),
            agent: self.agent(&record.agent).map(|agent| Agent { model: None, ..agent }),
        }
    }

    fn agent(&self, name: &str) -> Option<Agent> {
        let config = self.now();
        let agent = config.agents.get(name)?.clone();
        Some(Agent { deny_tools: config.access.deny_tools.clone(), ..agent })
    }

    fn limits(&self) -> Limits {
        self.now().limits
    }
}
