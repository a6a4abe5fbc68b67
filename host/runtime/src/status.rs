//! The status of a plugin for `/plugins` and `cordboard plugins`: its health in a few words, and a note if the operator
//! should act.

use cordboard_core::{
    messages::plugins as messages,
    rollout::{RejectReason, RejectedVersion, short},
    types::Timestamp,
};

use super::{
    directory::{CommandEntry, Directory, Health, PluginStatus},
    grants,
    host_api::Choice,
    registry::snapshot::{ActivePlugin, Entry, Offer, Snapshot},
};

impl Snapshot {
    pub fn statuses(&self) -> impl Iterator<Item = PluginStatus> {
        let missing = self.policy.iter().filter(|name| !self.entries.contains_key(*name));
        let entries = self.entries.iter().map(|(name, entry)| of(name, entry));
        entries.chain(missing.map(|name| absent(name))).chain(self.folder.iter().map(folder))
    }
}

impl Directory for Snapshot {
    fn commands(&self) -> Vec<CommandEntry> {
        let entry = |offer: &Offer| CommandEntry {
            name: offer.spec.name.clone(),
            summary: offer.spec.summary.clone(),
            usage: offer.spec.usage.clone(),
            min_role: offer.spec.min_role,
            plugin: offer.generation.name.clone(),
        };
        self.commands().map(entry).collect()
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
        self.command(command).map(|offer| offer.generation.name.as_str())
    }
}

fn of(name: &str, entry: &Entry) -> PluginStatus {
    let (health, note) = standing(name, entry);
    let generation = entry.plugged.as_ref().map(|plugged| &plugged.generation);
    let turned = || entry.rollout.rejected.as_ref().map(|turned| turned.at);
    let off = || entry.rollout.disabled.as_ref().map(|(_, at)| *at);
    let compiling = || entry.rollout.compiling.as_ref().map(|(_, at)| *at);
    let since = generation.map(|one| one.since).or_else(off).or_else(turned).or_else(compiling);
    PluginStatus {
        name: name.to_owned(),
        digest: generation.map_or_else(String::new, |generation| generation.digest.clone()),
        generation: generation.map_or(0, |generation| generation.number),
        since: since.unwrap_or(Timestamp(0)),
        health,
        note,
    }
}

/// The status of the configured lifecycle plugin if it doesn't exist.
fn absent(name: &str) -> PluginStatus {
    PluginStatus {
        name: name.to_owned(),
        digest: String::new(),
        generation: 0,
        since: Timestamp(0),
        health: Health::Absent,
        note: messages::MISSING_LIFECYCLE.to_owned(),
    }
}

/// The status of the plugin folder if something is wrong with it. Its name isn't a valid plugin name.
fn folder((why, since): &(String, Timestamp)) -> PluginStatus {
    PluginStatus {
        name: "plugin folder".to_owned(),
        digest: String::new(),
        generation: 0,
        since: *since,
        health: Health::Unusable,
        note: messages::folder_unusable(why),
    }
}

fn standing(name: &str, entry: &Entry) -> (Health, String) {
    if let Some((digest, _)) = &entry.rollout.compiling {
        return (Health::Compiling, messages::compiling(short(digest)));
    }
    if let Some((why, _)) = &entry.rollout.disabled {
        return (Health::Disabled, why.clone());
    }
    match (&entry.plugged, &entry.rollout.rejected) {
        (plugged, Some(turned)) => rejected_health(name, plugged.as_ref(), turned),
        (None, None) => (Health::Rejected, String::new()),
        (Some(plugged), None) => plugged.generation.mishaps().map_or_else(
            || webhook_health(name, plugged),
            |(count, last)| (Health::Failing, messages::failing(count, &last)),
        ),
    }
}

fn webhook_health(name: &str, plugged: &ActivePlugin) -> (Health, String) {
    if plugged.generation.missing_webhook_auth() {
        return (Health::NoWebhookAuth, messages::requests_rejected(&messages::no_webhook_auth(name)));
    }
    (Health::Ok, String::new())
}

fn rejected_health(name: &str, plugged: Option<&ActivePlugin>, turned: &RejectedVersion) -> (Health, String) {
    let version = short(&turned.digest);
    match &turned.reason {
        RejectReason::PendingApproval(missing) => {
            let mut note = messages::pending(version, &turned.why);
            if grants::config_only(missing).is_empty() {
                note.push_str(&messages::or_grant(name, version));
            }
            (Health::PendingApproval, note)
        }
        RejectReason::Denied(missing) => (rejected(plugged), messages::denied(name, version, missing)),
        RejectReason::NotAdmitted => (Health::RolledBack, turned.why.clone()),
        RejectReason::Rejected => {
            let note = plugged.map_or_else(|| turned.why.clone(), |plugged| rejection_note(plugged, turned));
            (rejected(plugged), note)
        }
    }
}

const fn rejected(plugged: Option<&ActivePlugin>) -> Health {
    if plugged.is_some() { Health::UpdateRejected } else { Health::Rejected }
}

/// Explains why the newest version was rejected, or the newest settings of the active version.
fn rejection_note(plugged: &ActivePlugin, turned: &RejectedVersion) -> String {
    if turned.digest == plugged.generation.digest {
        messages::configuration_rejected(&turned.why)
    } else {
        messages::version_rejected(short(&turned.digest), &turned.why)
    }
}
