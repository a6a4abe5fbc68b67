//! The approval requests for plugin versions, and the notes that `/plugins` shows about plugins that need attention.

pub const MISSING_LIFECYCLE: &str =
    "`[plugins] lifecycle` names this plugin; without it, idle agents are suspended at their idle timeout";

/// Explains a capability to the owner who is asked to grant it.
#[must_use]
pub fn allows(capability: &str) -> &'static str {
    match capability {
        "sessions" => "lists and reads the sessions that the user who calls it may see, with their files",
        "session-control" => "creates, starts, stops, prompts and archives sessions of the user who calls it",
        "requests" => {
            "lists the open questions of agents in the sessions that the user who calls it may see, and answers them in that user's name"
        }
        "attachments" => "reads the files of the messages that it filters",
        "chat" => "posts messages to chats on its own, not only as replies to commands",
        "plugin-control" => "reloads, rolls back and disables plugins, and grants capabilities when the owner calls it",
        "access-control" => "lists the people with access, and gives and removes access, when the owner calls it",
        "http" => "sends HTTP requests to the addresses that you name",
        "tcp" => "connects to the hosts that you name",
        "secrets" => "uses the secrets that you name, without seeing them",
        _ => "is not known to this version of Cordboard",
    }
}

/// A capability that an approval request lists. If it can't be granted in the chat, `line` is the configuration line
/// that grants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested<'a> {
    pub capability: &'a str,
    pub line: Option<String>,
}

/// Returns the approval request for one plugin. `active` is the number of the active generation.
#[must_use]
pub fn approval_request(plugin: &str, version: &str, requested: &[Requested<'_>], active: Option<u32>) -> String {
    let mut text = format!("Plugin '{plugin}', version {version}, requests capabilities that it was not granted:\n");
    for Requested { capability, line } in requested {
        text.push_str(&format!("\n- `{capability}`: {}", allows(capability)));
        if let Some(line) = line {
            text.push_str(&format!(". It can't be granted in the chat: add `{line}` to [plugins.{plugin}]"));
        }
    }
    text.push_str("\n\nIt needs your approval. ");
    text.push_str(&match active {
        Some(number) => format!("Generation {number} stays active."),
        None => "Until then the plugin is not active.".to_owned(),
    });
    text
}

/// A version in an approval request for several plugins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRequest<'a> {
    pub plugin: &'a str,
    pub version: &'a str,
    pub requested: Vec<Requested<'a>>,
}

/// Returns the approval request for several plugins. `more` is the number of plugins that `listed` omits.
#[must_use]
pub fn approval_requests(listed: &[VersionRequest<'_>], more: usize) -> String {
    let mut text = format!("{} plugins request capabilities that they were not granted:\n", listed.len() + more);
    for VersionRequest { plugin, version, requested } in listed {
        let names: Vec<String> = requested.iter().map(|one| format!("`{}`", one.capability)).collect();
        text.push_str(&format!("\n- '{plugin}', version {version}: {}", names.join(", ")));
        if requested.iter().any(|one| one.line.is_some()) {
            text.push_str(" (can't be granted in the chat)");
        }
    }
    if more > 0 {
        text.push_str(&format!("\n- and {more} more"));
    }
    text.push_str("\n\nThey need your approval. /plugins shows each request and how to grant it.");
    text
}

#[must_use]
pub fn folder_unusable(why: &str) -> String {
    format!(
        "failed to {why}; until this is fixed, the active versions keep running and the files in the folder are ignored"
    )
}

#[must_use]
pub fn compiling(version: &str) -> String {
    format!("version {version} is being compiled")
}

#[must_use]
pub fn failing(calls: u32, last: &str) -> String {
    let plural = if calls == 1 { "" } else { "s" };
    format!("{calls} failed call{plural}, the last one {last}")
}

#[must_use]
pub fn requests_rejected(why: &str) -> String {
    format!("its requests are rejected: {why}")
}

/// Explains why all webhook requests to a plugin are rejected, and which configuration lines are missing.
#[must_use]
pub fn no_webhook_auth(plugin: &str) -> String {
    format!(
        "no authentication is configured: add [plugins.{plugin}.webhook] with hmac = \"NAME\" or token = \"NAME\", and [secrets] with \
         NAME = \"/path/to/a/file\""
    )
}

#[must_use]
pub fn pending(version: &str, why: &str) -> String {
    format!("version {version} is pending approval: {why}")
}

/// Returns the end of a note about a pending version: the command that approves the version in the chat.
#[must_use]
pub fn or_grant(plugin: &str, version: &str) -> String {
    format!("; or type /plugins grant {plugin} {version}")
}

#[must_use]
pub fn denied(plugin: &str, version: &str, missing: &[String]) -> String {
    let missing = missing.join(", ");
    format!("version {version} was not granted {missing}; type /plugins grant {plugin} {version} to grant it now")
}

#[must_use]
pub fn configuration_rejected(why: &str) -> String {
    format!("its new configuration was rejected: {why}")
}

/// Returns the note about a rejected version. `version` is empty if the file could not be read.
#[must_use]
pub fn version_rejected(version: &str, why: &str) -> String {
    if version.is_empty() {
        format!("the newest version was rejected: {why}")
    } else {
        format!("version {version} was rejected: {why}")
    }
}
