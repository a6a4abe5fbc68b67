//! `[plugins]`: the plugin folder, the settings that apply to all plugins, and the settings of each plugin.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    path::PathBuf,
    time::Duration,
};

use super::{
    call_limits::{CallLimitOverrides, CallLimits},
    json,
    network_grants::{NetworkGrants, Secrets, sha256},
    rollout_limits::RolloutLimits,
    section::Section,
    value::{Value, ValueError, bytes, list, number, one_of, path, shorten, span, text},
    webhook::WebhookAuth,
};
use crate::{
    capability::{Capability, GrantKind, target_line},
    types::{PLUGIN_NAME_RULE, Role, is_plugin_name},
};
use serde_json::{Map, Value as Json};

/// Each running call uses an instance with its own memory, so this limit also bounds the host's memory use.
const PARALLEL: RangeInclusive<u32> = 1..=1000;
/// The permitted range for the cache's size limit, in bytes.
const CACHE: RangeInclusive<u64> = 16 << 20..=1 << 40;
const RESCAN: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plugin {
    /// The operator's grants for all versions of the plugin, in addition to the grants that all plugins have.
    pub grants: BTreeSet<Capability>,
    /// The default grants, which apply only to the built-in version, not to a plugin file of the same name.
    pub built_in_grants: BTreeSet<Capability>,
    /// The role that calls without a user, such as jobs, have for sessions and requests. `None` means that these calls
    /// have no such rights.
    pub acts_as: Option<Role>,
    pub network: NetworkGrants,
    /// The pinned version: the SHA-256 digest of the only version that may be active.
    pub sha256: Option<String>,
    pub limits: CallLimitOverrides,
    /// The authentication of webhook requests.
    pub webhook: WebhookAuth,
    /// The content of the `[plugins.NAME.config]` table.
    pub config: Map<String, Json>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plugins {
    /// The path of the plugin folder, absolute or relative to the configuration's folder. `None` selects `plugins/` in
    /// the configuration's folder.
    pub folder: Option<PathBuf>,
    /// The maximum time between two scans of the folder and the configuration.
    pub rescan: Duration,
    /// The plugin that decides when idle agents are stopped.
    pub lifecycle: String,
    /// The plugins that change or reject messages to agents, in the order in which they are called.
    pub filters: Vec<String>,
    /// The maximum number of calls that run at once, across all plugins.
    pub parallel: u32,
    /// The maximum size of the cache of compiled plugins on disk, in bytes.
    pub cache: u64,
    pub limits: CallLimits,
    pub rollout: RolloutLimits,
    pub by_name: BTreeMap<String, Plugin>,
}

impl Plugins {
    /// Returns the grants that every version of the plugin `name` has, including the grants of all plugins.
    #[must_use]
    pub fn grants_of(&self, name: &str) -> BTreeSet<Capability> {
        let own = self.by_name.get(name).into_iter().flat_map(|plugin| &plugin.grants);
        Capability::all_of(GrantKind::Always).chain(own.copied()).collect()
    }

    /// Returns the additional grants of the built-in version of the plugin `name`.
    #[must_use]
    pub fn built_in_grants_of(&self, name: &str) -> BTreeSet<Capability> {
        self.by_name.get(name).map_or_else(BTreeSet::new, |plugin| plugin.built_in_grants.clone())
    }

    /// Makes the grants of the default configuration apply only to the built-in versions.
    pub(super) fn restrict_grants_to_built_in(&mut self) {
        for plugin in self.by_name.values_mut() {
            plugin.built_in_grants = std::mem::take(&mut plugin.grants);
        }
    }

    /// Returns the effective limits of the plugin `name`.
    #[must_use]
    pub fn limits_of(&self, name: &str) -> CallLimits {
        self.by_name.get(name).map_or(self.limits, |plugin| self.limits.with(&plugin.limits))
    }

    #[must_use]
    pub fn acts_as(&self, name: &str) -> Option<Role> {
        self.by_name.get(name)?.acts_as
    }

    /// Returns the authentication of webhook requests to the plugin `name`.
    #[must_use]
    pub fn webhook_auth_of(&self, name: &str) -> WebhookAuth {
        self.by_name.get(name).map_or_else(WebhookAuth::default, |plugin| plugin.webhook.clone())
    }

    /// Returns `[plugins.NAME.config]` as JSON with sorted keys, or `{}` if there is none.
    #[must_use]
    pub fn config_json(&self, name: &str) -> String {
        self.by_name.get(name).map_or_else(|| "{}".to_owned(), |plugin| json::spell(&plugin.config))
    }

    /// Returns the network access of the plugin `name`.
    #[must_use]
    pub fn network_grants_of(&self, name: &str) -> NetworkGrants {
        self.by_name.get(name).map_or_else(NetworkGrants::default, |plugin| plugin.network.clone())
    }

    #[must_use]
    pub fn sha256_of(&self, name: &str) -> Option<&str> {
        self.by_name.get(name)?.sha256.as_deref()
    }

    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>, secrets: &Secrets) {
        section.set_some("folder", &mut self.folder, path);
        section.set("rescan", &mut self.rescan, span(RESCAN));
        // The standard lifecycle plugin has the same name as this key, so a table with this name configures that
        // plugin.
        if !section.has_table("lifecycle") {
            section.set("lifecycle", &mut self.lifecycle, plugin_name);
        }
        section.set("filters", &mut self.filters, list(plugin_name));
        section.set("parallel", &mut self.parallel, number(PARALLEL));
        section.set("cache", &mut self.cache, bytes(CACHE));
        self.limits.merge(section);
        self.rollout.merge(section);
        section.named_tables("plugins.NAME", |name, _, section| {
            self.by_name.entry(name.to_owned()).or_default().merge(section, secrets);
        });
    }
}

impl Plugin {
    fn merge(&mut self, section: &mut Section<'_, '_>, secrets: &Secrets) {
        if section.set("grants", &mut self.grants, list(grant)).is_some() {
            self.built_in_grants.clear();
        }
        section.set_some("acts_as", &mut self.acts_as, one_of([Role::Owner], Role::as_str));
        section.set_some("sha256", &mut self.sha256, sha256);
        self.network.merge(section, secrets);
        self.limits.merge(section);
        section.inner_table("webhook", "plugins.NAME.webhook", |section| self.webhook.merge(section, secrets));
        section.free_table("config", |key, value| {
            json::overlay(&mut self.config, key.get_ref(), json::from_toml(value)?);
            Ok(())
        });
    }
}

fn grant(value: &Value<'_>) -> Result<Capability, ValueError> {
    let name = text(value).unwrap_or_default();
    if let Some(line) = target_line(&name) {
        return Err(ValueError::new(format!("must not be \"{name}\": write {line} instead")));
    }
    let by_name = Capability::ALL.into_iter().filter(|one| one.grant_kind() != GrantKind::ByTargets);
    one_of(by_name.collect::<Vec<_>>(), Capability::as_str)(value)
}

pub(super) fn plugin_name(value: &Value<'_>) -> Result<String, ValueError> {
    let name = text(value)?;
    if is_plugin_name(&name) {
        return Ok(name);
    }
    let name = shorten(&name);
    Err(ValueError::new(format!(
        "must be the name of a plugin file without \".wasm\" ({PLUGIN_NAME_RULE}), not \"{name}\""
    )))
}
