//! The operator's configuration: parses TOML into an immutable [`Config`], or rejects it with a list of faults and
//! their positions.
//!
//! The defaults are the repository's `config.toml`. The operator's text is merged over them: tables are merged key by
//! key; all other values, including lists, replace the defaults. This module doesn't open files, resolve paths or read
//! environment variables.

mod access;
mod agent_kind;
mod agent_limits;
mod agents;
mod bots;
mod call_limits;
mod console;
mod diff;
mod duration;
mod fault;
mod json;
mod language;
mod limits;
mod log;
mod nearest;
mod network_grants;
mod plain_turn_end;
mod plugins;
mod requests;
mod rollout_limits;
mod sandbox;
mod section;
mod sessions;
mod size;
mod status;
mod takes_effect;
mod telegram;
mod value;
mod voice;
mod webhook;
mod webhook_url;

use std::sync::LazyLock;

use toml::de::DeTable;

pub use access::Access;
pub use agent_kind::{AgentFeature, AgentKind, Support};
pub use agent_limits::AgentLimits;
pub use agents::{Agent, Agents};
pub use bots::{Bot, BotAccess, Bots};
pub use call_limits::{CallLimitOverrides, CallLimits};
pub use console::Console;
pub use diff::{Area, Changes, PluginChange, diff};
pub use duration::{parse as parse_duration, spell as format_duration};
pub use fault::{ConfigError, Fault};
pub use language::{LanguageSettings, TextLanguage};
pub use limits::Limits;
pub use log::{Log, LogFormat, LogLevel, is_log_target};
pub use network_grants::{NetworkGrants, SecretSource, Secrets};
pub use plain_turn_end::{DEFAULT_SILENCE, PromptPattern, TurnEnd};
pub use plugins::{Plugin, Plugins};
pub use requests::Requests;
pub use rollout_limits::RolloutLimits;
pub use sandbox::{Sandbox, SandboxKind};
pub use sessions::{Busy, IDLE_TIMEOUT, Interrupted, Sessions};
pub use size::{parse as parse_size, spell as format_size};
pub use status::Status;
pub use takes_effect::{TakesEffect, keys, takes_effect};
pub use telegram::{RichMode, Stream, Telegram, TopicMode};
pub use voice::{Voice, VoiceCommand};
pub use webhook::{Webhook, WebhookAuth};
pub use webhook_url::WebhookUrl;

use section::{Known, Reader, Section};

use crate::types::Place;

/// The default configuration, which documents every key. Keys without a default are commented out.
pub const DEFAULTS: &str = include_str!("../../../config.toml");

/// A validated configuration. The host never modifies the configuration in effect: a change replaces the whole value.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub telegram: Telegram,
    pub bots: Bots,
    pub access: Access,
    pub sessions: Sessions,
    pub requests: Requests,
    pub voice: Voice,
    pub limits: Limits,
    pub console: Console,
    pub language: LanguageSettings,
    pub log: Log,
    pub webhook: Webhook,
    pub status: Status,
    pub agents: Agents,
    pub secrets: Secrets,
    pub plugins: Plugins,
}

/// The defaults, and the keys that the parser looked up while reading them. All other keys count as unknown.
struct ParsedDefaults {
    config: Config,
    known: Known,
}

/// The defaults, parsed once. Each call to [`load`] starts from a copy.
static PARSED_DEFAULTS: LazyLock<ParsedDefaults> = LazyLock::new(|| {
    let mut config = Config::empty();
    let known = merge_over(&mut config, DEFAULTS, Known::default());
    config.plugins.restrict_grants_to_built_in();
    ParsedDefaults { known: known.expect("the embedded defaults are valid, as a test checks"), config }
});

/// Merges the operator's `text` over the defaults. An empty `text` yields the defaults. The caller decides whether an
/// emptied file may replace a valid configuration.
///
/// # Errors
/// The error lists the first 20 faults in the order in which they appear. If the text is not valid TOML, the error
/// lists only the parser's first error.
pub fn load(text: &str) -> Result<Config, ConfigError> {
    let mut config = Config::defaults();
    merge_over(&mut config, text, PARSED_DEFAULTS.known.clone())?;
    Ok(config)
}

fn merge_over(config: &mut Config, text: &str, known: Known) -> Result<Known, ConfigError> {
    let root = DeTable::parse(text).map_err(|error| ConfigError::syntax(text, &error))?;
    let mut reader = Reader::new(known);
    let mut section = Section::root(&mut reader, root.into_inner());
    config.merge(&mut section);
    section.finish();
    reader.into_known(text)
}

impl Config {
    /// Returns the configuration that applies if the operator doesn't set any keys.
    #[must_use]
    pub fn defaults() -> Self {
        PARSED_DEFAULTS.config.clone()
    }

    /// Returns the empty configuration that the defaults are merged over. The defaults set every key that is not
    /// optional.
    fn empty() -> Self {
        Self {
            telegram: Telegram::default(),
            bots: Bots::default(),
            access: Access::default(),
            sessions: Sessions::default(),
            requests: Requests::default(),
            voice: Voice::default(),
            limits: Limits::default(),
            console: Console::default(),
            language: LanguageSettings::default(),
            log: Log::default(),
            webhook: Webhook::default(),
            status: Status::default(),
            agents: Agents::default(),
            secrets: Secrets::default(),
            plugins: Plugins::default(),
        }
    }

    /// Returns the settings of the bot of a place: those of its `[telegram.NAME]`, or of `[telegram]`.
    #[must_use]
    pub fn telegram_of(&self, place: &Place) -> &Telegram {
        self.bots.of(place).map_or(&self.telegram, |bot| &bot.telegram)
    }

    /// Returns the front-end of each bot with a token, as in [`Place`], with the bot's settings. The bot of
    /// `[telegram]` is the first one, if it has a token.
    pub fn telegram_bots(&self) -> impl Iterator<Item = (String, &Telegram)> {
        let named = self.bots.by_name.iter().map(|(name, bot)| (format!("telegram.{name}"), &bot.telegram));
        let main = std::iter::once(("telegram".to_owned(), &self.telegram));
        main.chain(named).filter(|(_, telegram)| telegram.token_file.is_some())
    }

    fn merge(&mut self, root: &mut Section<'_, '_>) {
        let mut agents_of_bots = Vec::new();
        root.table("telegram", |section| {
            self.telegram.merge(section);
            agents_of_bots = self.bots.merge(&self.telegram, &mut self.access.bots, section);
        });
        root.table("access", |section| self.access.merge(section));
        root.table("sessions", |section| self.sessions.merge(section));
        root.table("requests", |section| self.requests.merge(section));
        root.table("voice", |section| self.voice.merge(section));
        root.table("limits", |section| self.limits.merge(section));
        root.table("console", |section| self.console.merge(section));
        root.table("language", |section| self.language.merge(section));
        root.table("log", |section| self.log.merge(section));
        root.table("webhook", |section| self.webhook.merge(section));
        root.table("status", |section| self.status.merge(section));
        root.table("agents", |section| self.agents.merge(section));
        for agent in agents_of_bots {
            agent.check(&self.agents, root);
        }
        root.free_table("secrets", |name, value| {
            self.secrets.extend([network_grants::secret(name, value)?]);
            Ok(())
        });
        root.table("plugins", |section| self.plugins.merge(section, &self.secrets));
    }
}

#[cfg(test)]
mod tests;
