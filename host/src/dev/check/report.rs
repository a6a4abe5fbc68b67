//! The report of `cordboard plugin check`, which can be printed as text or, for scripts, as JSON.

use std::collections::BTreeMap;

use cordboard_core::config::{Config, format_duration, format_size};
use cordboard_runtime::{CallOrder, ComponentInfo, PluginError, Snapshot, config_only};
use serde::Serialize;

use crate::{dev::subject::Subject, hub};

#[derive(Debug, Serialize)]
pub struct Report {
    pub name: String,
    pub path: String,
    pub bytes: usize,
    /// SHA-256 in hex.
    pub digest: String,
    pub compiled: Compiled,
    pub memory: Memory,
    pub extension_points: Vec<String>,
    pub offers: Vec<Offered>,
    pub imports: Vec<Import>,
    /// Limits in the syntax of the configuration.
    pub limits: BTreeMap<&'static str, String>,
    /// Exports that the host wouldn't call under this configuration, each with the configuration key that would enable
    /// it.
    pub idle: Vec<String>,
    /// Missing capabilities that a host would ask its owner to grant.
    pub approval: Vec<String>,
    /// The instructions for granting the capabilities in `approval`. Shown only in the text form of the report.
    #[serde(skip)]
    pub granted_by: String,
    /// The reasons why a host would reject the plugin. Empty if it would accept the plugin or ask for approval.
    pub rejected: Vec<String>,
}

/// The decision that a host would make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    /// The version waits for the owner's approval.
    NeedsApproval,
    Rejected,
}

#[derive(Debug, Serialize)]
pub struct Compiled {
    pub bytes: usize,
    /// `None` if the compiled component was cached.
    pub seconds: Option<f64>,
}

/// The component's linear memory, in bytes.
#[derive(Debug, Serialize)]
pub struct Memory {
    /// The total size of all memories of a fresh instance. `None` if the plugin was not activated or no instance could
    /// be created.
    pub started: Option<usize>,
    /// The `memory` limit for a call.
    pub limit: u64,
}

/// Something that the plugin offers: a command, persona, mode or job, or the hook, lifecycle, approval, filter or
/// webhook extension point.
#[derive(Debug, Serialize)]
pub struct Offered {
    pub kind: &'static str,
    pub name: String,
    pub text: String,
    /// For a command, the required role, plus `at once` if the command doesn't wait for earlier ones. Empty for other
    /// kinds.
    pub terms: String,
}

#[derive(Debug, Serialize)]
pub struct Import {
    pub name: String,
    pub grant: ImportGrant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportGrant {
    /// Granted to every plugin.
    ForAll,
    /// A WASI interface. The host's implementation gives no access to files, the environment or the network.
    Empty,
    Granted,
    NotGranted,
}

impl Report {
    /// Creates a report from the component's types and the configuration. `check` then adds the activation's results.
    pub fn new(subject: &Subject, info: &ComponentInfo, compiled: Compiled, config: &Config) -> Self {
        let limits = config.plugins.limits_of(&subject.name);
        let size = |bytes: usize| format_size(bytes as u64);
        Self {
            name: subject.name.clone(),
            path: subject.path.display().to_string(),
            bytes: subject.wasm.len(),
            digest: info.digest.clone(),
            compiled,
            memory: Memory { started: None, limit: limits.memory as u64 },
            extension_points: info.extension_points().map(str::to_owned).collect(),
            offers: Vec::new(),
            imports: imports(info, config, &subject.name),
            limits: BTreeMap::from([
                ("time", format_duration(limits.time)),
                ("memory", size(limits.memory)),
                ("calls", limits.calls.to_string()),
                ("log", limits.log.to_string()),
                ("reply", size(limits.reply)),
                ("state", size(limits.state)),
                ("http_body", size(limits.http_body)),
                ("http_time", format_duration(limits.http_time)),
            ]),
            idle: idle(info, config, &subject.name),
            approval: Vec::new(),
            granted_by: String::new(),
            rejected: Vec::new(),
        }
    }

    /// Adds an error: missing capabilities become an approval request, and any other error becomes a reason for
    /// rejection.
    pub fn reject(&mut self, error: &PluginError) {
        if let PluginError::NotGranted { missing, lines, .. } = error {
            self.approval.clone_from(missing);
            let how =
                if config_only(missing).is_empty() { "granted by the owner in the chat, or by" } else { "granted by" };
            self.granted_by = format!("{how} [plugins.{}] {}", self.name, lines.join(" and "));
        } else {
            self.rejected.push(error.to_string());
        }
    }

    pub const fn verdict(&self) -> Verdict {
        match (self.rejected.is_empty(), self.approval.is_empty()) {
            (false, _) => Verdict::Rejected,
            (true, false) => Verdict::NeedsApproval,
            (true, true) => Verdict::Accepted,
        }
    }

    /// Adds the activated plugin's commands, personas, modes and jobs, and one offer for each of its other extension
    /// points.
    pub fn offer(&mut self, table: &Snapshot) {
        self.offers.extend(table.commands().map(|offer| {
            let spec = &offer.spec;
            let at_once = if spec.order == CallOrder::AtOnce { ", at once" } else { "" };
            let terms = format!("{}{at_once}", spec.min_role.as_str());
            Offered { kind: "command", name: spec.usage.clone(), text: spec.summary.clone(), terms }
        }));
        let choice = |kind| {
            move |choice: &cordboard_runtime::Choice| Offered {
                kind,
                name: choice.name.clone(),
                text: choice.description.clone(),
                terms: String::new(),
            }
        };
        self.offers.extend(table.personas().map(choice("persona")));
        self.offers.extend(table.modes().map(choice("mode")));
        let jobs = table.jobs().flat_map(|(_, jobs)| jobs);
        self.offers.extend(jobs.map(|(name, cron)| Offered {
            kind: "job",
            name: name.clone(),
            text: cron.as_str().to_owned(),
            terms: String::new(),
        }));
        for (point, name, text) in [
            ("hook", "events".to_owned(), "of the host and its sessions"),
            ("lifecycle", "policy".to_owned(), "when to suspend idle agents"),
            ("approval", "policy".to_owned(), "when agents may use tools"),
            ("filter", "messages".to_owned(), "to agents"),
            ("webhook", format!("/hooks/{}/…", self.name), "HTTP requests"),
        ] {
            if self.extension_points.iter().any(|one| one == point) {
                self.offers.push(Offered { kind: point, name, text: text.to_owned(), terms: String::new() });
            }
        }
    }

    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

fn imports(info: &ComponentInfo, config: &Config, name: &str) -> Vec<Import> {
    let settings = hub::plugin_settings(config, name);
    let grants = settings.grants_of(&info.digest);
    // The `types` interface contains only types, so it is not a capability.
    let shown = info.imports.iter().filter(|import| cordboard_runtime::bare_name(import) != "types");
    let grant = |import: &str| {
        let by_name = info.to_grant().find(|name| cordboard_runtime::bare_name(import) == *name);
        match (by_name, cordboard_runtime::network_list(import)) {
            _ if is_empty_wasi(import) => ImportGrant::Empty,
            (Some(name), _) if grants.contains(name) => ImportGrant::Granted,
            (_, Some(list)) if cordboard_runtime::is_network_granted(&settings.network, list) => ImportGrant::Granted,
            (Some(_), _) | (_, Some(_)) => ImportGrant::NotGranted,
            (None, None) => ImportGrant::ForAll,
        }
    };
    shown.map(|import| Import { name: cordboard_runtime::bare_name(import).to_owned(), grant: grant(import) }).collect()
}

/// Returns whether an import is a WASI interface that needs no grant. Language runtimes import these interfaces even if
/// they don't use them. The host's implementation of them provides clocks and random numbers, but no access to files,
/// the environment or the network.
fn is_empty_wasi(import: &str) -> bool {
    ["wasi:io/", "wasi:cli/", "wasi:clocks/", "wasi:random/", "wasi:filesystem/", "wasi:sockets/", "wasi:http/types"]
        .iter()
        .any(|package| import.starts_with(package))
}

/// Returns the reasons why a host with this configuration would never call some exports, each with the configuration
/// key to set.
fn idle(info: &ComponentInfo, config: &Config, name: &str) -> Vec<String> {
    let has = |options: &str| info.extension_points().any(|point| point == options);
    let mut idle = Vec::new();
    if has("lifecycle") && config.plugins.lifecycle != name {
        let policy = &config.plugins.lifecycle;
        idle.push(format!("'{policy}' is the lifecycle plugin; set [plugins] lifecycle = \"{name}\" to use this one"));
    }
    if has("approval") && config.requests.approval != name {
        let policy = &config.requests.approval;
        idle.push(format!("'{policy}' is the approval plugin; set [requests] approval = \"{name}\" to use this one"));
    }
    if has("filter") && !config.plugins.filters.iter().any(|filter| filter == name) {
        idle.push(format!("[plugins] filters doesn't list it; add \"{name}\" to use it"));
    }
    if has("webhook") {
        let auth = config.plugins.by_name.get(name).map(|plugin| &plugin.webhook);
        if auth.is_none_or(|auth| auth.token.is_none() && auth.hmac.is_none()) {
            idle.push(format!(
                "all requests are rejected; set [plugins.{name}.webhook] token = \"SECRET\" to accept those with the token"
            ));
        }
        if config.webhook.listen.is_none() {
            idle.push("the host does not listen for requests; set [webhook] listen = \"127.0.0.1:8787\"".to_owned());
        }
    }
    idle
}
