//! The operator's settings for a plugin, and the grants for built-in versions.

use std::{collections::BTreeSet, sync::Arc};

use cordboard_core::{
    config::{CallLimits, NetworkGrants, RolloutLimits, Secrets},
    types::Caller,
};

use super::error::PluginError;

/// The operator's settings for a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSettings {
    /// The grants for every version of the plugin.
    pub grants: BTreeSet<String>,
    /// The additional grants for the built-in version. `None` if no plugin of this name is built in.
    pub built_in: Option<BuiltInGrants>,
    /// `[plugins.NAME.config]` as a JSON object.
    pub config: Arc<str>,
    pub limits: CallLimits,
    /// The identity that calls without a caller act as, if one is configured.
    pub acts_as: Option<Caller>,
    /// The grants of network targets and secrets.
    pub network: NetworkGrants,
    /// The sources of the secrets in `network`.
    pub secrets: Arc<Secrets>,
    /// The only digest that may be activated, if one is pinned.
    pub sha256: Option<String>,
    /// Whether webhook requests can reach the plugin.
    pub webhook: WebhookAccess,
    /// The rollout settings. Changing only these doesn't reactivate the version.
    pub rollout: RolloutLimits,
}

/// Whether webhook requests can reach a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WebhookAccess {
    /// No webhook server is configured.
    #[default]
    NoServer,
    /// No authentication is configured for the plugin, so all requests are rejected.
    NoAuth,
    Authenticated,
}

/// The additional grants for a version that is built into the binary. They don't apply to other versions of the same
/// plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltInGrants {
    /// The SHA-256 of the built-in bytes, in hex.
    pub digest: &'static str,
    pub grants: BTreeSet<String>,
}

impl PluginSettings {
    /// Returns the grants of the version with this digest.
    pub fn grants_of(&self, digest: &str) -> BTreeSet<String> {
        let built_in = self.built_in.iter().filter(|built_in| built_in.digest == digest);
        self.grants.iter().chain(built_in.flat_map(|built_in| &built_in.grants)).cloned().collect()
    }

    /// Rejects a version whose digest isn't the pinned one.
    pub fn check_pin(&self, plugin: &str, digest: &str) -> Result<(), PluginError> {
        match &self.sha256 {
            Some(only) if only != digest => {
                Err(PluginError::Pinned { plugin: plugin.to_owned(), digest: digest.to_owned(), only: only.clone() })
            }
            Some(_) | None => Ok(()),
        }
    }
}
