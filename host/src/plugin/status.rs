//! The status of a plugin for `/plugins` and `cordboard plugins`: its health in a few words, and a note if the operator
//! should act.

use cordboard_core::types::Timestamp;

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
        note: "`[plugins] lifecycle` names it; without it, idle agents are suspended at their idle timeout".to_owned(),
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
        note: format!(
            "failed to {why}; until that is corrected, the active versions stay active, and files in it are ignored"
        ),
    }
}

fn standing(name: &str, entry: &Entry) -> (Health, String) {
    if let Some((digest, _)) = &entry.compiling {
        return (Health::Compiling, format!("version {} is being compiled", short(digest)));
    }
    if let Some((why, _)) = &entry.disabled {
        return (Health::Disabled, why.clone());
    }
    match (&entry.plugged, &entry.turned) {
        (plugged, Some(turned)) => rejected_health(name, plugged.as_ref(), turned),
        (None, None) => (Health::Rejected, String::new()),
        (Some(plugged), None) => plugged.generation.mishaps().map_or_else(
            || webhook_health(name, plugged),
            |(count, last)| {
                let plural = if count == 1 { "" } else { "s" };
                (Health::Failing, format!("{count} failed call{plural}, the last one {last}"))
            },
        ),
    }
}

fn webhook_health(name: &str, plugged: &ActivePlugin) -> (Health, String) {
    if plugged.generation.missing_webhook_auth() {
        return (Health::NoWebhookAuth, format!("its requests are rejected: {}", missing_webhook_auth(name)));
    }
    (Health::Ok, String::new())
}

/// Explains why all webhook requests to a plugin are rejected, and which configuration lines accept some.
pub fn missing_webhook_auth(plugin: &str) -> String {
    format!(
        "no authentication is configured: add [plugins.{plugin}.webhook] with hmac = \"NAME\" or token = \"NAME\", and [secrets] with \
         NAME = \"/path/to/a/file\""
    )
}

fn rejected_health(name: &str, plugged: Option<&ActivePlugin>, turned: &RejectedVersion) -> (Health, String) {
    let version = short(&turned.digest);
    match &turned.hold {
        RejectReason::PendingApproval(missing) => {
            let typed = format!("; or type /plugins grant {name} {version}");
            let way = if grants::config_only(missing).is_empty() { typed } else { String::new() };
            (Health::PendingApproval, format!("version {version} is pending approval: {}{way}", turned.why))
        }
        RejectReason::Denied(missing) => {
            let missing = missing.join(", ");
            let change = format!("type /plugins grant {name} {version} to grant it now");
            (rejected(plugged), format!("version {version} was not granted {missing}; {change}"))
        }
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
        format!("its new configuration was rejected: {}", turned.why)
    } else if turned.digest.is_empty() {
        format!("the newest version was rejected: {}", turned.why)
    } else {
        format!("version {} was rejected: {}", short(&turned.digest), turned.why)
    }
}
