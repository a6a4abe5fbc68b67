//! The approval requests for plugin versions, and the notes that `/plugins` shows about plugins that need attention.

use tr::tr;

#[must_use]
pub fn missing_lifecycle() -> String {
    tr!("`[plugins] lifecycle` names this plugin; without it, idle agents are suspended at their idle timeout")
}

/// Explains a capability to the owner who is asked to grant it.
#[must_use]
pub fn allows(capability: &str) -> String {
    match capability {
        "sessions" => tr!("lists and reads the sessions that the user who calls it may see, with their files"),
        "session-control" => tr!("creates, starts, stops, prompts and archives sessions of the user who calls it"),
        "requests" => tr!(
            "lists the open questions of agents in the sessions that the user who calls it may see, and answers them in that user's name"
        ),
        "attachments" => tr!("reads the files of the messages that it filters"),
        "chat" => tr!("posts messages to chats on its own, not only as replies to commands"),
        "plugin-control" => {
            tr!("reloads, rolls back and disables plugins, and grants capabilities when the owner calls it")
        }
        "access-control" => tr!("lists the people with access, and gives and removes access, when the owner calls it"),
        "http" => tr!("sends HTTP requests to the addresses that you name"),
        "tcp" => tr!("connects to the hosts that you name"),
        "secrets" => tr!("uses the secrets that you name, without seeing them"),
        _ => tr!("is not known to this version of Cordboard"),
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
    let mut text =
        tr!("Plugin '{plugin}', version {version}, requests capabilities that it was not granted:\n", plugin, version);
    for Requested { capability, line } in requested {
        text.push_str(&format!("\n- `{capability}`: {}", allows(capability)));
        if let Some(line) = line {
            text.push_str(&tr!(". It can't be granted in the chat: add `{line}` to [plugins.{plugin}]", line, plugin));
        }
    }
    text.push_str(&tr!("\n\nIt needs your approval. "));
    text.push_str(&match active {
        Some(number) => tr!("Generation {number} stays active.", number),
        None => tr!("Until then the plugin is not active."),
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
    let mut text = tr!("{} plugins request capabilities that they were not granted:\n", listed.len() + more);
    for VersionRequest { plugin, version, requested } in listed {
        let names: Vec<String> = requested.iter().map(|one| format!("`{}`", one.capability)).collect();
        text.push_str(&tr!("\n- '{plugin}', version {version}: {}", names.join(", "), plugin, version));
        if requested.iter().any(|one| one.line.is_some()) {
            text.push_str(&tr!(" (can't be granted in the chat)"));
        }
    }
    if more > 0 {
        text.push_str(&tr!("\n- and {more} more", more));
    }
    text.push_str(&tr!("\n\nThey need your approval. /plugins shows each request and how to grant it."));
    text
}

/// Returns the label of a button that grants the requests of one of several plugins.
#[must_use]
pub fn grant_plugin(plugin: &str) -> String {
    tr!("Grant {plugin}", plugin)
}

/// Returns the label of a button that refuses the requests of one of several plugins.
#[must_use]
pub fn refuse_plugin(plugin: &str) -> String {
    tr!("Refuse {plugin}", plugin)
}

/// Returns the notice that the plugin folder can't be used.
#[must_use]
pub fn folder_fault(why: &str) -> String {
    tr!("The plugin folder can't be used: failed to {why}. The active plugin versions keep running.", why)
}

/// Returns the notice that the plugin folder can be used again.
#[must_use]
pub fn folder_usable() -> String {
    tr!("The plugin folder can be used again.")
}

/// Returns the head of a notice that lists several changes of plugins.
#[must_use]
pub fn several_changes(count: usize) -> String {
    tr!("{count} plugin changes:", count)
}

/// Returns the end of a notice that lists only some changes of plugins.
#[must_use]
pub fn more_changes(count: usize) -> String {
    tr!("\nand {count} more. /plugins lists them.", count)
}

#[must_use]
pub fn folder_unusable(why: &str) -> String {
    tr!(
        "failed to {why}; until this is fixed, the active versions keep running and the files in the folder are ignored",
        why
    )
}

#[must_use]
pub fn compiling(version: &str) -> String {
    tr!("version {version} is being compiled", version)
}

#[must_use]
pub fn failing(calls: u32, last: &str) -> String {
    tr!("{n} failed call, the last one {last}" | "{n} failed calls, the last one {last}" % calls, last)
}

#[must_use]
pub fn requests_rejected(why: &str) -> String {
    tr!("its requests are rejected: {why}", why)
}

/// Explains why all webhook requests to a plugin are rejected, and which configuration lines are missing.
#[must_use]
pub fn no_webhook_auth(plugin: &str) -> String {
    tr!(
        "no authentication is configured: add [plugins.{plugin}.webhook] with hmac = \"NAME\" or token = \"NAME\", and [secrets] with \
         NAME = \"/path/to/a/file\"",
        plugin
    )
}

#[must_use]
pub fn pending(version: &str, why: &str) -> String {
    tr!("version {version} is pending approval: {why}", version, why)
}

/// Returns the end of a note about a pending version: the command that approves the version in the chat.
#[must_use]
pub fn or_grant(plugin: &str, version: &str) -> String {
    tr!("; or type /plugins grant {plugin} {version}", plugin, version)
}

#[must_use]
pub fn denied(plugin: &str, version: &str, missing: &[String]) -> String {
    let missing = missing.join(", ");
    tr!(
        "version {version} was not granted {missing}; type /plugins grant {plugin} {version} to grant it now",
        version,
        missing,
        plugin
    )
}

#[must_use]
pub fn configuration_rejected(why: &str) -> String {
    tr!("its new configuration was rejected: {why}", why)
}

/// Returns the note about a rejected version. `version` is empty if the file could not be read.
#[must_use]
pub fn version_rejected(version: &str, why: &str) -> String {
    if version.is_empty() {
        tr!("the newest version was rejected: {why}", why)
    } else {
        tr!("version {version} was rejected: {why}", version, why)
    }
}
