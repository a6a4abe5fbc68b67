//! What the operator tunes: one TOML text becomes one immutable [`Config`], or an error that names every fault's place.
//!
//! The defaults are the root's `config.toml`; the operator's text is laid over them, tables key by key, lists and values whole.
//! Nothing here opens a file, looks a path up or reads the environment.

mod acts;
mod agents;
mod diff;
mod duration;
mod fault;
mod json;
mod limits;
mod nearest;
mod people;
mod plugins;
mod reach;
mod section;
mod sessions;
mod size;
mod swapping;
mod telegram;
mod value;
mod webhook;

use std::sync::LazyLock;

use toml::de::DeTable;

pub use acts::{Acts, acts};
pub use agents::{Agent, AgentKind, Agents, PermissionMode};
pub use diff::{Area, Changes, PluginChange, diff};
pub use duration::{parse as parse_duration, spell as spell_duration};
pub use fault::{ConfigError, Fault};
pub use limits::{LimitOverrides, Limits};
pub use people::Access;
pub use plugins::{Grant, Plugin, Plugins};
pub use reach::{NetworkGrants, SecretSource, Secrets};
pub use sessions::{Console, Sessions};
pub use size::{parse as parse_size, spell as spell_size};
pub use swapping::Swapping;
pub use telegram::Telegram;
pub use webhook::{Webhook, WebhookAuth};

use section::{Known, Reader, Section};

/// Every key with its default and a comment, as it is shown to the operator.
pub const DEFAULTS: &str = include_str!("../../../config.toml");

/// The whole configuration, checked. One value is in force at a time, and is replaced, never changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub telegram: Telegram,
    pub access: Access,
    pub sessions: Sessions,
    pub console: Console,
    pub webhook: Webhook,
    pub agents: Agents,
    pub secrets: Secrets,
    pub plugins: Plugins,
}

/// The defaults, and the keys that reading them asked for: those are the keys there are.
struct Shipped {
    config: Config,
    known: Known,
}

/// They are parsed once: every load starts from a copy.
static SHIPPED: LazyLock<Shipped> = LazyLock::new(|| {
    let mut config = Config::blank();
    let known = lay_over(&mut config, DEFAULTS, Known::default());
    config.plugins.ship();
    Shipped { known: known.expect("a test loads the embedded defaults"), config }
});

/// The operator's `text` over the defaults; an empty text is the defaults. Whether an emptied file may replace a good one is for
/// the caller to say.
///
/// # Errors
/// Names all faults in order of their places, or the first one only where the text is no TOML.
pub fn load(text: &str) -> Result<Config, ConfigError> {
    let mut config = Config::defaults();
    lay_over(&mut config, text, SHIPPED.known.clone())?;
    Ok(config)
}

fn lay_over(config: &mut Config, text: &str, known: Known) -> Result<Known, ConfigError> {
    let root = DeTable::parse(text).map_err(|error| ConfigError::syntax(text, &error))?;
    let mut reader = Reader::new(known);
    let mut section = Section::root(&mut reader, root.into_inner());
    config.lay(&mut section);
    section.finish();
    reader.into_known(text)
}

impl Config {
    /// What is in force where the operator says nothing.
    #[must_use]
    pub fn defaults() -> Self {
        SHIPPED.config.clone()
    }

    /// What the defaults are laid over; every key of it that is not optional is set by them.
    fn blank() -> Self {
        Self {
            telegram: Telegram::blank(),
            access: Access::default(),
            sessions: Sessions::blank(),
            console: Console::blank(),
            webhook: Webhook::blank(),
            agents: Agents::blank(),
            secrets: Secrets::new(),
            plugins: Plugins::blank(),
        }
    }

    fn lay(&mut self, root: &mut Section<'_, '_>) {
        root.table("telegram", |section| self.telegram.lay(section));
        root.table("access", |section| self.access.lay(section));
        root.table("sessions", |section| self.sessions.lay(section));
        root.table("console", |section| self.console.lay(section));
        root.table("webhook", |section| self.webhook.lay(section));
        root.table("agents", |section| self.agents.lay(section));
        root.free_table("secrets", |name, value| {
            self.secrets.extend([reach::secret(name, value)?]);
            Ok(())
        });
        root.table("plugins", |section| self.plugins.lay(section, &self.secrets));
    }
}

#[cfg(test)]
mod tests;
