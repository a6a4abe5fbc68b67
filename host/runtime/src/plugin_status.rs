//! The status of a plugin for `/plugins` and `cordboard plugins`: its health in a few words, and an explanatory note.

use cordboard_core::{
    language,
    messages::plugins as messages,
    rollout::{RejectReason, RejectedVersion, short},
    types::{Role, Timestamp},
};

use super::{
    bindings::catalog::{Choice, Command},
    grant_request_message,
    plugin_catalog::{Directory, Health, PluginStatus},
    registry::snapshot::{ActivePlugin, Entry, FolderFault, Offer, RolloutStatus, Snapshot},
};

impl Snapshot {
    pub fn statuses(&self) -> impl Iterator<Item = PluginStatus> {
        let missing = self.lifecycle.iter().filter(|name| !self.entries.contains_key(*name));
        let entries = self.entries.iter().map(|(name, entry)| of(name, entry));
        entries.chain(missing.map(|name| missing_lifecycle(name))).chain(self.folder_fault.iter().map(of_folder))
    }
}

impl Directory for Snapshot {
    fn commands(&self, role: Role) -> Vec<Command> {
        let language = language::current();
        let command = |offer: &Offer| {
            let spec = offer.spec_in(language);
            Command {
                name: spec.name.clone(),
                summary: spec.summary.clone(),
                usage: spec.usage.clone(),
                min_role: spec.min_role.as_str().to_owned(),
                plugin: offer.version.name.clone(),
            }
        };
        self.commands().filter(|offer| role >= offer.spec.min_role).map(command).collect()
    }

    fn plugins(&self) -> Vec<PluginStatus> {
        self.statuses().collect()
    }

    fn personas(&self) -> Vec<Choice> {
        self.personas().cloned().collect()
    }

    fn modes(&self) -> Vec<Choice> {
        self.modes().cloned().collect()
    }

    fn owner(&self, command: &str) -> Option<&str> {
        self.command(command).map(|offer| offer.version.name.as_str())
    }
}

fn of(name: &str, entry: &Entry) -> PluginStatus {
    let (health, note) = health(name, entry);
    let RolloutStatus { rejected, disabled, compiling, rollbacks: _ } = &entry.rollout;
    let inactive_since = || {
        let disabled = disabled.as_ref().map(|disabled| disabled.since);
        let rejected = || rejected.as_ref().map(|rejected| rejected.at);
        disabled.or_else(rejected).or_else(|| compiling.as_ref().map(|compiling| compiling.since))
    };
    match &entry.active {
        Some(ActivePlugin { version, .. }) => PluginStatus {
            digest: version.digest.clone(),
            generation: version.generation,
            ..inactive(name, version.since, health, note)
        },
        None => inactive(name, inactive_since().unwrap_or(Timestamp(0)), health, note),
    }
}

/// Returns the status of a plugin without an active version.
fn inactive(name: &str, since: Timestamp, health: Health, note: String) -> PluginStatus {
    PluginStatus { name: name.to_owned(), digest: String::new(), generation: 0, since, health, note }
}

/// Returns the status of a configured lifecycle plugin that doesn't exist.
fn missing_lifecycle(name: &str) -> PluginStatus {
    inactive(name, Timestamp(0), Health::Absent, messages::missing_lifecycle())
}

/// Returns an entry that shows a problem with the plugin folder. The name of a plugin can't contain a space, so the
/// name of this entry is unique.
fn of_folder(fault: &FolderFault) -> PluginStatus {
    inactive("plugin folder", fault.since, Health::Unusable, messages::folder_unusable(&fault.why))
}

fn health(name: &str, entry: &Entry) -> (Health, String) {
    if let Some(compiling) = &entry.rollout.compiling {
        return (Health::Compiling, messages::compiling(short(&compiling.digest)));
    }
    if let Some(disabled) = &entry.rollout.disabled {
        return (Health::Disabled, disabled.why.clone());
    }
    match (&entry.active, &entry.rollout.rejected) {
        (active, Some(version)) => rejected_health(name, active.as_ref(), version),
        (None, None) => (Health::Rejected, String::new()),
        (Some(active), None) => active.version.failures().map_or_else(
            || webhook_health(name, active),
            |(count, last)| (Health::Failing, messages::failing(count, &last)),
        ),
    }
}

fn webhook_health(name: &str, active: &ActivePlugin) -> (Health, String) {
    if active.version.missing_webhook_auth() {
        return (Health::NoWebhookAuth, messages::requests_rejected(&messages::no_webhook_auth(name)));
    }
    (Health::Ok, String::new())
}

fn rejected_health(name: &str, active: Option<&ActivePlugin>, rejected: &RejectedVersion) -> (Health, String) {
    let version = short(&rejected.digest);
    let health = if active.is_some() { Health::UpdateRejected } else { Health::Rejected };
    match &rejected.reason {
        RejectReason::PendingApproval(missing) => {
            let mut note = messages::pending(version, &rejected.why);
            if grant_request_message::config_only(missing).is_empty() {
                note.push_str(&messages::or_grant(name, version));
            }
            (Health::PendingApproval, note)
        }
        RejectReason::Denied(missing) => (health, messages::denied(name, version, missing)),
        RejectReason::NotAdmitted => (Health::RolledBack, rejected.why.clone()),
        RejectReason::Rejected => {
            let note = active.map_or_else(|| rejected.why.clone(), |active| rejection_note(active, rejected));
            (health, note)
        }
    }
}

/// Explains why the newest version or the active version's newest settings were rejected.
fn rejection_note(active: &ActivePlugin, rejected: &RejectedVersion) -> String {
    if rejected.digest == active.version.digest {
        messages::configuration_rejected(&rejected.why)
    } else {
        messages::version_rejected(short(&rejected.digest), &rejected.why)
    }
}
