//! The reasons why a plugin version was rejected, most of them with a remedy. The previous version stays active.

use std::fmt;

use cordboard_core::{
    cron::CronError,
    rollout,
    types::{FilterInput, PLUGIN_NAME_RULE},
};

use super::{call_error::CallError, contract_names::OwnPackage, outbound_network::TlsError};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PluginError {
    #[error("'{0}' is not a plugin name: name the file with {PLUGIN_NAME_RULE}")]
    Name(String),
    /// Contains the actual format and the remedy.
    #[error("it is not a WebAssembly component: {0}")]
    NotWasm(&'static str),
    #[error("it is a core module, not a component: build it for wasm32-wasip2")]
    CoreModule,
    #[error("it did not compile: it is truncated, and ends after {bytes} bytes; copy it again, or build it again")]
    CutOff { bytes: usize },
    /// `at` is the offset at which the last section ends, and `extra` the number of bytes after it.
    #[error(
        "it did not compile: its last section ends at byte {at}, and the rest ({}) is not a section; copy it again, or build it again",
        bytes(*extra)
    )]
    Trailing { at: usize, extra: usize },
    #[error("its file cannot be used: {0}")]
    Read(String),
    /// The text includes the remedy.
    #[error("it did not compile: {0}")]
    Compile(String),
    /// The component exceeds the limits of the instance pool.
    #[error("it is larger than the host allows: {0}; make the plugin smaller")]
    TooBig(String),
    #[error(
        "it requests capabilities that it was not granted: {}; add to [plugins.{plugin}] in the configuration: {}",
        missing.join(", "),
        lines.join(" and ")
    )]
    NotGranted { plugin: String, missing: Vec<String>, lines: Vec<String> },
    #[error("{}", rollout::pinned(plugin, digest, only))]
    Pinned { plugin: String, digest: String, only: String },
    #[error("its network cannot be set up: {0}")]
    Network(TlsError),
    #[error("it imports interfaces that this host does not have: {0}")]
    Link(String),
    /// The component uses another version of the host's own package.
    #[error("it is built for {age} Cordboard: it uses {name}, and this host provides {OwnPackage}; {}", age.remedy())]
    OtherContract { age: Age, name: String },
    #[error(
        "it is built for WASI 0.3 or later: it imports {name}, and this host has WASI 0.2; build it for wasm32-wasip2"
    )]
    NewerWasi { name: String },
    /// The component imports something from the host's own package that this host doesn't provide. If the host provides
    /// the rest of the interface, `item` is the missing function.
    #[error(
        "it imports interfaces that this host does not have: {}; update Cordboard, or rebuild the plugin with the SDK of this Cordboard version",
        interface_item(item.as_deref(), name)
    )]
    UnknownImport { name: String, item: Option<String> },
    #[error("it imports interfaces that this host does not have: {}; build it without that part of WASI", interface_item(item.as_deref(), name))]
    UnknownWasi { name: String, item: Option<String> },
    #[error(
        "it imports interfaces that this host does not have: {name}; compose it with a component that provides this import, or remove the import"
    )]
    ForeignImport { name: String },
    #[error(
        "it imports {} with a different type than this host has ({why}); rebuild it with the SDK of this Cordboard version",
        interface_item(item.as_deref(), name)
    )]
    OtherType { name: String, item: Option<String>, why: String },
    /// `exports` lists some of the actual exports.
    #[error(
        "it exports no extension point{}: export at least one of command, lifecycle, approval, filter, persona, view, hook, schedule, webhook",
        if exports.is_empty() { String::new() } else { format!(" (it exports {})", exports.join(", ")) }
    )]
    NoExtensionPoint { exports: Vec<String> },
    #[error("its export `{export}` differs from this host's: {why}; rebuild it with the SDK of this Cordboard version")]
    ExportMismatch { export: &'static str, why: String },
    #[error("it failed its trial: it {0}")]
    Trial(CallError),
    /// A plugin that has a configuration returned an error during its trial. The configuration is its only input in a
    /// trial, so the error is about the configuration.
    #[error("it failed its trial: it returned an error: {why}; correct [plugins.{plugin}.config]")]
    Misconfigured { plugin: String, why: String },
    #[error("{what} is not a {kind} name: use {rule}")]
    OfferName { kind: &'static str, what: String, rule: &'static str },
    #[error("its command /{command} names the role '{role}': use member, admin or owner")]
    Role { command: String, role: String },
    #[error("its filter names the kind of messages \"{kind}\": use one of \"{}\"", FilterInput::KINDS.join("\", \""))]
    FilterKind { kind: String },
    /// `of` is the item that the text belongs to, such as `command /x`. `least` and `most` are the length limits.
    #[error("its {of} has a {what} {why}: use one line of {least} {most} characters")]
    InvalidText { of: String, what: &'static str, why: &'static str, least: &'static str, most: usize },
    #[error("its command /{command} has the usage \"{usage}\": start it with /{command}, or leave it empty")]
    Usage { command: String, usage: String },
    #[error("it has more than the allowed {most} commands: use one command with arguments")]
    Commands { most: usize },
    #[error("its job '{job}' has the invalid schedule \"{cron}\": {why}")]
    Cron { job: String, cron: String, why: CronError },
    #[error(
        "it has more than the allowed {most} jobs: keep a list of tasks in the plugin, and export one job that works through it"
    )]
    Jobs { most: usize },
    #[error("it exports the {kind} '{what}' twice: rename or remove one of them")]
    Twice { kind: &'static str, what: String },
    #[error("it exports the {kind} '{what}', which plugin '{by}' already exports: rename one of them")]
    Taken { kind: &'static str, what: String, by: String },
}

/// The age of the host that a component was built for, relative to this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    Older,
    Newer,
}

impl Age {
    const fn remedy(self) -> &'static str {
        match self {
            Self::Older => {
                "rebuild it with the current SDK: `cordboard plugin build` in its folder updates the SDK, too"
            }
            Self::Newer => "update Cordboard, or rebuild the plugin with the SDK of this Cordboard version",
        }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Older => "an older",
            Self::Newer => "a newer",
        })
    }
}

fn bytes(count: usize) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

/// Formats the name of an interface, or of one of its items.
fn interface_item(item: Option<&str>, name: &str) -> String {
    item.map_or_else(|| name.to_owned(), |item| format!("`{item}` of {name}"))
}

impl PluginError {
    /// Returns the requested capabilities that are not granted. The list is empty if the version was rejected for
    /// another reason.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        if let Self::NotGranted { missing, .. } = self { missing } else { &[] }
    }

    /// Returns the message for the operator. The message names the configuration file if the plugin's `config` table
    /// has to be corrected.
    #[must_use]
    pub fn in_file(&self, config: &str) -> String {
        if matches!(self, Self::Misconfigured { .. }) { format!("{self} in {config}") } else { self.to_string() }
    }
}
