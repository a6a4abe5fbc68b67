//! Compares two configurations. Lists the settings that differ, and the keys whose new values require a restart.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{Config, Plugin, WebhookAuth};

/// A group of keys whose changes are reported together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    Telegram,
    Access,
    /// All keys of `[sessions]`.
    Sessions,
    Requests,
    Voice,
    Limits,
    Console,
    Language,
    Log,
    Webhook,
    Status,
    /// The agent for new sessions.
    DefaultAgent,
    /// The name of the lifecycle plugin.
    Lifecycle,
    /// The names of the filters.
    Filters,
    PluginFolder,
    /// The watcher's rescan interval.
    Rescan,
    /// The limits of plugin calls in `[plugins]`, and the number of calls that may run at once.
    PluginLimits,
    /// The limits of probation and drain.
    RolloutLimits,
}

/// The groups of a plugin's settings that have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PluginChange {
    pub grants: bool,
    pub config: bool,
    pub limits: bool,
    pub acts_as: bool,
    /// True if the network access, the sources of the granted secrets, or the pinned version has changed.
    pub network: bool,
    /// True if the authentication of webhook requests has changed, or the sources of the secrets that it uses.
    pub webhook: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    pub areas: BTreeSet<Area>,
    /// Agents that were added, removed or changed.
    pub agents: BTreeSet<String>,
    pub plugins: BTreeMap<String, PluginChange>,
    /// Full names of the changed keys that require a restart, for example `telegram.token_file`.
    pub restart: BTreeSet<String>,
}

/// Returns the changes from `old` to `new`.
#[must_use]
pub fn diff(old: &Config, new: &Config) -> Changes {
    let areas = [
        (Area::Telegram, old.telegram != new.telegram || old.bots != new.bots),
        (Area::Access, old.access != new.access),
        (Area::Sessions, old.sessions != new.sessions),
        (Area::Requests, old.requests != new.requests),
        (Area::Voice, old.voice != new.voice),
        (Area::Limits, old.limits != new.limits),
        (Area::Console, old.console != new.console),
        (Area::Language, old.language != new.language),
        (Area::Log, old.log != new.log),
        (Area::Webhook, old.webhook != new.webhook),
        (Area::Status, old.status != new.status),
        (Area::DefaultAgent, old.agents.default != new.agents.default),
        (Area::Lifecycle, old.plugins.lifecycle != new.plugins.lifecycle),
        (Area::Filters, old.plugins.filters != new.plugins.filters),
        (Area::PluginFolder, old.plugins.folder != new.plugins.folder),
        (Area::Rescan, old.plugins.rescan != new.plugins.rescan),
        (Area::RolloutLimits, old.plugins.rollout != new.plugins.rollout),
        (Area::PluginLimits, old.plugins.limits != new.plugins.limits || old.plugins.parallel != new.plugins.parallel),
    ];
    let changed = |(area, changed): (Area, bool)| changed.then_some(area);
    Changes {
        areas: areas.into_iter().filter_map(changed).collect(),
        agents: names(&old.agents.by_name, &new.agents.by_name)
            .filter(|name| old.agents.get(name) != new.agents.get(name))
            .cloned()
            .collect(),
        plugins: plugins(old, new),
        restart: restart(old, new),
    }
}

fn names<'a, T>(old: &'a BTreeMap<String, T>, new: &'a BTreeMap<String, T>) -> impl Iterator<Item = &'a String> {
    old.keys().chain(new.keys())
}

fn plugins(old: &Config, new: &Config) -> BTreeMap<String, PluginChange> {
    let none = Plugin::default();
    let is_changed = |name: &String| old.secrets.get(name) != new.secrets.get(name);
    let uses_changed_secret = |plugin: &Plugin| plugin.network.secrets.iter().flatten().any(is_changed);
    let checks_changed_secret = |auth: &WebhookAuth| [&auth.token, &auth.hmac].into_iter().flatten().any(is_changed);
    let (old, new) = (&old.plugins.by_name, &new.plugins.by_name);
    let changes = names(old, new).map(|name| {
        let (old, new) = (old.get(name).unwrap_or(&none), new.get(name).unwrap_or(&none));
        let change = PluginChange {
            grants: old.grants != new.grants || old.built_in_grants != new.built_in_grants,
            config: old.config != new.config,
            limits: old.limits != new.limits,
            acts_as: old.acts_as != new.acts_as,
            network: old.network != new.network || old.sha256 != new.sha256 || uses_changed_secret(new),
            webhook: old.webhook != new.webhook || checks_changed_secret(&new.webhook),
        };
        (name.clone(), change)
    });
    changes.filter(|(_, change)| *change != PluginChange::default()).collect()
}

/// Returns the changed keys that need a restart. The host creates the Bot API client, the log output, the webhook
/// listeners, the folder watch, the instance pool and the cache only at start.
fn restart(old: &Config, new: &Config) -> BTreeSet<String> {
    let keys = [
        ("telegram.token_file", old.telegram.token_file != new.telegram.token_file),
        ("telegram.api_url", old.telegram.api_url != new.telegram.api_url),
        ("telegram.webhook", old.telegram.webhook != new.telegram.webhook),
        ("telegram.webhook_listen", old.telegram.webhook_listen != new.telegram.webhook_listen),
        ("log.format", old.log.format != new.log.format),
        ("webhook.listen", old.webhook.listen != new.webhook.listen),
        ("plugins.folder", old.plugins.folder != new.plugins.folder),
        ("plugins.parallel", old.plugins.parallel != new.plugins.parallel),
        ("plugins.cache", old.plugins.cache != new.plugins.cache),
    ];
    let bots = names(&old.bots.by_name, &new.bots.by_name).flat_map(|name| restart_of_bot(name, old, new));
    keys.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key.to_owned()).chain(bots).collect()
}

/// Returns the changed keys of a bot that need a restart. For a bot that was added or removed, `token_file` counts as
/// changed. An inherited `api_url` is reported as `telegram.api_url`.
fn restart_of_bot(name: &str, old: &Config, new: &Config) -> Vec<String> {
    let token_file = |config: &Config| config.bots.by_name.get(name).and_then(|bot| bot.telegram.token_file.clone());
    let api_url = |config: &Config| config.bots.by_name.get(name).map(|bot| bot.telegram.api_url.clone());
    let is_inherited = |config: &Config| api_url(config).is_none_or(|url| url == config.telegram.api_url);
    let is_moved = api_url(old).zip(api_url(new)).is_some_and(|(old, new)| old != new);
    let is_own = !(is_inherited(old) && is_inherited(new));
    let keys = [("token_file", token_file(old) != token_file(new)), ("api_url", is_moved && is_own)];
    keys.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| format!("telegram.{name}.{key}")).collect()
}

impl Area {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Telegram => "telegram",
            Self::Access => "access",
            Self::Sessions => "sessions",
            Self::Requests => "requests",
            Self::Voice => "voice",
            Self::Limits => "limits",
            Self::Console => "console",
            Self::Language => "language",
            Self::Log => "log",
            Self::Webhook => "webhook",
            Self::Status => "status",
            Self::DefaultAgent => "default agent",
            Self::Lifecycle => "lifecycle",
            Self::Filters => "filters",
            Self::PluginFolder => "plugin folder",
            Self::Rescan => "rescan",
            Self::PluginLimits => "plugin limits",
            Self::RolloutLimits => "rollout limits",
        }
    }
}

impl Changes {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Formats the changes, for example as `sessions, plugin timeout, plugins.cache at the next start` or `nothing`.
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let areas = self.areas.iter().map(|area| area.as_str().to_owned());
        let agents = self.agents.iter().map(|name| format!("agent {name}"));
        let plugins = self.plugins.keys().map(|name| format!("plugin {name}"));
        let restart = self.restart.iter().map(|key| format!("{key} at the next start"));
        let words: Vec<_> = areas.chain(agents).chain(plugins).chain(restart).collect();
        f.write_str(if words.is_empty() { "nothing" } else { "" })?;
        f.write_str(&words.join(", "))
    }
}
