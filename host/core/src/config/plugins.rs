//! `[plugins]`: the plugin folder, and each plugin's grants, configuration and limits.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    path::PathBuf,
    time::Duration,
};

use super::{
    json,
    limits::{LimitOverrides, Limits},
    network_grants::{NetworkGrants, Secrets, sha256},
    rollout::RolloutLimits,
    section::Section,
    value::{Complaint, Value, bytes, list, number, one_of, path, shown, span, text},
    webhook::WebhookAuth,
};
use crate::types::{PLUGIN_NAME_RULE, Role, is_plugin_name};
use serde_json::{Map, Value as Json};

/// Each call has its own instance, and each instance its own memory.
const PARALLEL: RangeInclusive<u32> = 1..=1000;
/// In bytes.
const CACHE: RangeInclusive<u64> = 16 << 20..=1 << 40;
const RESCAN: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);

/// A host interface that a plugin can import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    Context,
    Log,
    Config,
    State,
    Catalog,
    Sessions,
    SessionControl,
    Chat,
    PluginControl,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plugin {
    /// The operator's grants for every version of this name, in addition to the grants that all plugins have.
    pub grants: BTreeSet<Grant>,
    /// Default grants, which only the built-in version has. A file of the same name does not get them.
    pub built_in_grants: BTreeSet<Grant>,
    /// The role of calls that no user made. `None` means no rights on sessions.
    pub acts_as: Option<Role>,
    pub reach: NetworkGrants,
    /// The SHA-256 of the file of the only version that may be active.
    pub sha256: Option<String>,
    pub limits: LimitOverrides,
    /// The authentication of webhook requests.
    pub webhook: WebhookAuth,
    /// The table `[plugins.NAME.config]`.
    pub config: Map<String, Json>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugins {
    /// Absolute, or relative to the configuration's folder. `None` means `plugins/` in that folder.
    pub folder: Option<PathBuf>,
    /// The maximum time between two scans of the folder and the configuration.
    pub rescan: Duration,
    /// The plugin that decides when idle agents are stopped.
    pub lifecycle: String,
    /// The number of calls that may run at once, for all plugins together.
    pub parallel: u32,
    /// The maximum size of the cache of compiled plugins on disk, in bytes.
    pub cache: u64,
    pub limits: Limits,
    pub swapping: RolloutLimits,
    pub by_name: BTreeMap<String, Plugin>,
}

impl Grant {
    pub const ALL: &[Self] = &[
        Self::Context,
        Self::Log,
        Self::Config,
        Self::State,
        Self::Catalog,
        Self::Sessions,
        Self::SessionControl,
        Self::Chat,
        Self::PluginControl,
    ];

    /// The name of the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Log => "log",
            Self::Config => "config",
            Self::State => "state",
            Self::Catalog => "catalog",
            Self::Sessions => "sessions",
            Self::SessionControl => "session-control",
            Self::Chat => "chat",
            Self::PluginControl => "plugin-control",
        }
    }

    /// Whether every plugin has it without a grant.
    #[must_use]
    pub const fn is_for_all(self) -> bool {
        match self {
            Self::Context | Self::Log | Self::Config | Self::State | Self::Catalog => true,
            Self::Sessions | Self::SessionControl | Self::Chat | Self::PluginControl => false,
        }
    }
}

impl Plugins {
    pub(super) const fn blank() -> Self {
        let (limits, swapping) = (Limits::blank(), RolloutLimits::blank());
        Self {
            folder: None,
            rescan: Duration::ZERO,
            lifecycle: String::new(),
            parallel: 0,
            cache: 0,
            limits,
            swapping,
            by_name: BTreeMap::new(),
        }
    }

    /// The grants of every version of the plugin `name`, including those that all plugins have.
    #[must_use]
    pub fn grants_of(&self, name: &str) -> BTreeSet<Grant> {
        let own = self.by_name.get(name).into_iter().flat_map(|plugin| &plugin.grants);
        Grant::ALL.iter().filter(|grant| grant.is_for_all()).chain(own).copied().collect()
    }

    /// The additional grants of the built-in version of the plugin `name`.
    #[must_use]
    pub fn built_in_grants_of(&self, name: &str) -> BTreeSet<Grant> {
        self.by_name.get(name).map_or_else(BTreeSet::new, |plugin| plugin.built_in_grants.clone())
    }

    /// Turns the grants of the shipped configuration into grants of the built-in versions only.
    pub(super) fn ship(&mut self) {
        for plugin in self.by_name.values_mut() {
            plugin.built_in_grants = std::mem::take(&mut plugin.grants);
        }
    }

    /// The effective limits of the plugin `name`.
    #[must_use]
    pub fn limits_of(&self, name: &str) -> Limits {
        self.by_name.get(name).map_or(self.limits, |plugin| self.limits.with(&plugin.limits))
    }

    #[must_use]
    pub fn acts_as(&self, name: &str) -> Option<Role> {
        self.by_name.get(name)?.acts_as
    }

    /// Returns the authentication of requests for the plugin `name`.
    #[must_use]
    pub fn webhook_auth_of(&self, name: &str) -> WebhookAuth {
        self.by_name.get(name).map_or_else(WebhookAuth::default, |plugin| plugin.webhook.clone())
    }

    /// `[plugins.NAME.config]` as JSON with sorted keys, or `{}` if there is none.
    #[must_use]
    pub fn config_json(&self, name: &str) -> String {
        self.by_name.get(name).map_or_else(|| "{}".to_owned(), |plugin| json::spell(&plugin.config))
    }

    /// The network access of the plugin `name`.
    #[must_use]
    pub fn network_grants_of(&self, name: &str) -> NetworkGrants {
        self.by_name.get(name).map_or_else(NetworkGrants::default, |plugin| plugin.reach.clone())
    }

    #[must_use]
    pub fn sha256_of(&self, name: &str) -> Option<&str> {
        self.by_name.get(name)?.sha256.as_deref()
    }

    pub(super) fn lay(&mut self, section: &mut Section<'_, '_>, secrets: &Secrets) {
        section.set_some("folder", &mut self.folder, path);
        section.set("rescan", &mut self.rescan, span(RESCAN));
        // The standard policy has the same name as this key. If the value is a table, it configures that plugin.
        if !section.has_table("lifecycle") {
            section.set("lifecycle", &mut self.lifecycle, plugin_name);
        }
        section.set("parallel", &mut self.parallel, number(PARALLEL));
        section.set("cache", &mut self.cache, bytes(CACHE));
        self.limits.lay(section);
        self.swapping.lay(section);
        section.named("plugins.NAME", |name, _, section| {
            self.by_name.entry(name.to_owned()).or_default().lay(section, secrets);
        });
    }
}

impl Plugin {
    fn lay(&mut self, section: &mut Section<'_, '_>, secrets: &Secrets) {
        if section.set("grants", &mut self.grants, list(grant)).is_some() {
            self.built_in_grants.clear();
        }
        section.set_some("acts_as", &mut self.acts_as, one_of(&[Role::Owner], Role::as_str));
        section.set_some("sha256", &mut self.sha256, sha256);
        self.reach.lay(section, secrets);
        self.limits.lay(section);
        section.inner_table("webhook", "plugins.NAME.webhook", |section| self.webhook.lay(section, secrets));
        section.free_table("config", |key, value| {
            json::overlay(&mut self.config, key.get_ref(), json::from_toml(value)?);
            Ok(())
        });
    }
}

/// Words that look like grants but are separate keys, each with the line to write instead.
const NO_GRANTS: [(&str, &str); 3] =
    [("http", "http = [\"https://HOST/*\"]"), ("tcp", "tcp = [\"HOST:PORT\"]"), ("secrets", "secrets = [\"NAME\"]")];

fn grant(value: &Value<'_>) -> Result<Grant, Complaint> {
    let word = text(value).unwrap_or_default();
    match NO_GRANTS.iter().find(|(key, _)| *key == word) {
        Some((_, line)) => Err(Complaint::new(format!("must not be \"{word}\": write {line} instead"))),
        None => one_of(Grant::ALL, Grant::as_str)(value),
    }
}

fn plugin_name(value: &Value<'_>) -> Result<String, Complaint> {
    let name = text(value)?;
    if is_plugin_name(&name) {
        return Ok(name);
    }
    let name = shown(&name);
    Err(Complaint::new(format!(
        "must be the name of a plugin file without \".wasm\" ({PLUGIN_NAME_RULE}), not \"{name}\""
    )))
}
