//! Why a version of a plugin was not plugged in, in words that say what to do. The version before it goes on.

use cordboard_core::types::PLUGIN_NAME_RULE;

use super::call::CallError;
use crate::cron::CronError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("'{0}' is not a plugin name: name the file with {PLUGIN_NAME_RULE}")]
    Name(String),
    #[error("it is not a WebAssembly component: it does not start as one does")]
    NotWasm,
    #[error("it is a core module, not a component: build it for wasm32-wasip2")]
    CoreModule,
    #[error("its file cannot be used: {0}")]
    Read(String),
    #[error("it did not compile: {0}")]
    Compile(String),
    #[error(
        "it asks for what it was not granted: {}; add to [plugins.{plugin}] in the configuration: {}",
        missing.join(", "),
        lines.join(" and ")
    )]
    NotGranted { plugin: String, missing: Vec<String>, lines: Vec<String> },
    #[error("it is not the version that [plugins.{plugin}] sha256 allows: it has {digest}, allowed is {only}")]
    Pinned { plugin: String, digest: String, only: String },
    #[error("its network cannot be set up: {0}")]
    Ca(String),
    /// Nothing is wrong with it, but something speaks against it now.
    #[error("{0}")]
    HeldOff(String),
    #[error("it imports what this host does not have: {0}")]
    Link(String),
    #[error("it exports no trade: export at least one of command, lifecycle, persona, view, hook, schedule, webhook")]
    NoTrade,
    #[error("its export `{trade}` is not the one of this host: {why}")]
    Trade { trade: &'static str, why: String },
    #[error("it failed its trial: it {0}")]
    Trial(CallError),
    /// On trial a plugin knows nothing but its table: what it says is about that.
    #[error("it failed its trial: it said: {why}; correct [plugins.{plugin}.config]")]
    Misconfigured { plugin: String, why: String },
    #[error("{what} is not a {kind} name: use {rule}")]
    OfferName { kind: &'static str, what: String, rule: &'static str },
    #[error("its command /{command} names the role '{role}': use member, admin or owner")]
    Role { command: String, role: String },
    /// `of`: what it describes, as `command /x`. `least` and `most`: how long it may be.
    #[error("its {of} has a {what} {why}: use one line of {least} {most} characters")]
    Words { of: String, what: &'static str, why: &'static str, least: &'static str, most: usize },
    #[error("it has more commands than the {most} that a plugin may have: let one command take arguments")]
    Commands { most: usize },
    #[error("its job '{job}' has the times \"{cron}\", and {why}")]
    Cron { job: String, cron: String, why: CronError },
    #[error("it has more jobs than the {most} that a plugin may have: let one job look through a list")]
    Jobs { most: usize },
    #[error("it offers the {kind} '{what}' twice")]
    Twice { kind: &'static str, what: String },
    #[error("it offers the {kind} '{what}', which plugin '{by}' already offers: rename one of them")]
    Taken { kind: &'static str, what: String, by: String },
}

impl Refused {
    /// For the operator: with the file that is to be corrected, where it is the configuration.
    #[must_use]
    pub fn in_file(&self, config: &str) -> String {
        if matches!(self, Self::Misconfigured { .. }) { format!("{self} in {config}") } else { self.to_string() }
    }
}
