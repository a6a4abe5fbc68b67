//! The status of a plugin for `/plugins` and `cordboard plugins`: its health in a few words, and a note if the operator
//! should act.

use cordboard_core::{messages::plugins as messages, types::Timestamp};

use super::{
    grants,
    snapshot::{ActivePlugin, Entry, RejectReason, RejectedVersion, short},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Ok,
    /// Calls have failed since the version was activated.
    Failing,
    /// A newer version was rejected, and this one stays active.
    UpdateRejected,
    /// The newest version was rolled back.
    RolledBack,
    /// No version is active.
    Rejected,
    /// The newest version requests capabilities that aren't granted.
    PendingApproval,
    /// An admin disabled it.
    Disabled,
    /// A version is being compiled, and that takes long.
    Compiling,
    /// The configuration names this plugin, but it doesn't exist.
    Absent,
    /// It has a webhook, but no authentication is configured, so all requests are rejected.
    NoWebhookAuth,
    /// The plugin folder can't be used.
    Unusable,
}

impl Health {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failing => "failing",
            Self::UpdateRejected => "update rejected",
            Self::RolledBack => "rolled back",
            Self::Rejected => "rejected",
            Self::PendingApproval => "pending approval",
            Self::Disabled => "disabled",
            Self::Compiling => "compiling",
            Self::Absent => "missing",
            Self::NoWebhookAuth => "no webhook auth",
            Self::Unusable => "unusable",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginStatus {
    pub name: String,
    /// Empty if no version is active.
    pub digest: String,
    pub generation: u32,
    pub since: Timestamp,
    pub health: Health,
    pub note: String,
}

pub fn of(name: &str, entry: &Entry) -> PluginStatus {
    let (health, note) = standing(name, entry);
    let generation = entry.plugged.as_ref().map(|plugged| &plugged.generation);
    let turned = || entry.turned.as_ref().map(|turned| turned.at);
    let off = || entry.disabled.as_ref().map(|(_, at)| *at);
    let compiling = || entry.compiling.as_ref().map(|(_, at)| *at);
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
pub fn absent(name: &str) -> PluginStatus {
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
pub fn folder((why, since): &(String, Timestamp)) -> PluginStatus {
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
    if let Some((digest, _)) = &entry.compiling {
        return (Health::Compiling, messages::compiling(short(digest)));
    }
    if let Some((why, _)) = &entry.disabled {
        return (Health::Disabled, why.clone());
    }
    match (&entry.plugged, &entry.turned) {
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
    match &turned.hold {
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
