//! One version of a plugin: its compiled code, linked with the granted capabilities, and its configuration and limits.
//! All of these are immutable. A call holds an `Arc` of its version and finishes on that version, even if another one
//! becomes active meanwhile.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use cordboard_core::{
    capability::is_granted_by_name, config::NetworkGrants, type_erased::TypeErased, types::Timestamp,
};
use cordboard_metrics::{FailureReason, METRICS, PluginCalls};
use wasmtime::component::{Component, InstancePre};

use crate::{
    bindings::{
        approval::ApprovalPluginPre, command::CommandPluginPre, filter::FilterPluginPre, hook::HookPluginPre,
        lifecycle::LifecyclePluginPre, persona::PersonaPluginPre, schedule::SchedulePluginPre, view::ViewPluginPre,
        webhook::WebhookPluginPre,
    },
    button_check::RemovedButtons,
    call::CallState,
    call_error::CallError,
    call_settings::CallSettings,
    contract_compatibility,
    contract_names::PACKAGE,
    drain::Drain,
    engine::{SharedEngine, linker::Linkers},
    error::PluginError,
    failed_calls::FailedCalls,
    network_access,
    plugin_settings::{PluginSettings, WebhookAccess},
    untrusted_text::shorten,
};

/// Compiled code, identified by the digest of its WebAssembly file.
#[derive(Clone)]
pub struct Artifact {
    pub name: String,
    /// SHA-256 in hex.
    pub digest: String,
    pub component: TypeErased<Component>,
}

pub struct PluginVersion {
    pub name: String,
    /// The settings that calls use.
    pub call_settings: Arc<CallSettings>,
    pub digest: String,
    /// The generation number: 1 for the plugin's first activation, 2 for the next and so on, or 0 before activation.
    pub generation: u32,
    /// The time of the activation.
    pub since: Timestamp,
    network: NetworkGrants,
    sha256: Option<String>,
    webhook: WebhookAccess,
    grants: BTreeSet<String>,
    /// The capabilities that the component imports.
    imports: BTreeSet<String>,
    pub exports: TypeErased<Exports>,
    pub artifact: Artifact,
    pub failed_calls: Arc<FailedCalls>,
    pub calls: PluginCalls,
    failures: FailureStats,
}

/// The extension points that a component exports.
#[derive(Clone)]
pub struct Exports {
    pub command: Option<CommandPluginPre<CallState>>,
    pub lifecycle: Option<LifecyclePluginPre<CallState>>,
    pub approval: Option<ApprovalPluginPre<CallState>>,
    pub filter: Option<FilterPluginPre<CallState>>,
    pub persona: Option<PersonaPluginPre<CallState>>,
    pub view: Option<ViewPluginPre<CallState>>,
    pub hook: Option<HookPluginPre<CallState>>,
    pub schedule: Option<SchedulePluginPre<CallState>>,
    pub webhook: Option<WebhookPluginPre<CallState>>,
}

/// The number of failed calls of this generation and the reason for the last failure, for the plugin's status.
#[derive(Default)]
struct FailureStats {
    count: AtomicU32,
    last: Mutex<Option<String>>,
}

impl PluginVersion {
    /// Returns whether the component imports a capability.
    #[must_use]
    pub fn uses(&self, capability: cordboard_core::capability::Capability) -> bool {
        self.imports.contains(capability.as_str())
    }

    /// Links `artifact` with exactly the capabilities that `settings` grants.
    pub fn link(linkers: &Linkers, artifact: &Artifact, settings: &PluginSettings) -> Result<Self, PluginError> {
        let engine = linkers.engine();
        let types = artifact.component.component_type();
        // Check this before the grants, so that the owner isn't asked to approve a component that can't run here.
        contract_compatibility::check_imports(types.imports(engine.engine()).map(|(name, _)| name))?;
        let exports: Vec<&str> = types.exports(engine.engine()).map(|(name, _)| name).collect();
        contract_compatibility::check_export_versions(&exports)?;
        let grants = settings.grants_of(&artifact.digest);
        let imports = imports(engine, &artifact.component);
        check_granted(&artifact.name, &imports, &grants, &settings.network)?;
        let linker =
            linkers.get(&grants, &settings.network).map_err(|error| PluginError::Link(shorten(&error.to_string())))?;
        let pre = linker
            .instantiate_pre(&artifact.component)
            .map_err(|error| contract_compatibility::explain_link_error(&error))?;
        let exports = TypeErased::new(Exports::of(engine, &pre)?);
        let imports: BTreeSet<String> = imports.into_iter().collect();
        let call_settings = CallSettings {
            name: Arc::from(artifact.name.as_str()),
            config: Arc::clone(&settings.config),
            limits: settings.limits,
            acts_as: settings.acts_as.clone(),
            network: network_access::network(&imports, settings, &artifact.name)?,
            secrets: Arc::clone(&settings.secrets),
            drain: Drain::new(),
            removed_buttons: RemovedButtons::default(),
        };
        Ok(Self {
            name: artifact.name.clone(),
            call_settings: Arc::new(call_settings),
            digest: artifact.digest.clone(),
            generation: 0,
            since: Timestamp(0),
            network: settings.network.clone(),
            sha256: settings.sha256.clone(),
            webhook: settings.webhook,
            grants,
            imports,
            exports,
            artifact: artifact.clone(),
            failed_calls: Arc::default(),
            calls: METRICS.plugin(&artifact.name),
            failures: FailureStats::default(),
        })
    }

    /// Returns whether the version was linked with these settings. Ignores rollout settings. If the version has no
    /// webhook, ignores webhook settings too.
    pub fn has_settings(&self, settings: &PluginSettings) -> bool {
        self.grants == settings.grants_of(&self.digest)
            && self.call_settings.config == settings.config
            && self.call_settings.limits == settings.limits
            && self.call_settings.acts_as == settings.acts_as
            && self.network == settings.network
            && self.call_settings.secrets == settings.secrets
            && self.sha256 == settings.sha256
            && (self.exports.webhook.is_none() || self.webhook == settings.webhook)
    }

    /// Returns whether the version has a webhook whose requests are all rejected, because no authentication is
    /// configured.
    pub fn missing_webhook_auth(&self) -> bool {
        self.exports.webhook.is_some() && self.webhook == WebhookAccess::NoAuth
    }

    /// Returns whether the version has access that `settings` no longer grants, or isn't the pinned one. If so, it must
    /// be deactivated. Withdrawn network grants count even if the version doesn't use them.
    pub fn exceeds(&self, settings: &PluginSettings) -> bool {
        let grants = settings.grants_of(&self.digest);
        self.imports.iter().any(|name| is_granted_by_name(name) && !grants.contains(name))
            || network_access::is_wider(&self.network, &settings.network)
            || (self.call_settings.acts_as.is_some() && self.call_settings.acts_as != settings.acts_as)
            || settings.sha256.as_ref().is_some_and(|only| *only != self.digest)
    }

    /// Records a failed call for `/plugins` and the probation. Records nothing and returns false for an error that the
    /// plugin returned itself, a call that was ended because its version was replaced or deactivated, and an extension
    /// point that the version doesn't export.
    pub fn record_failure(&self, error: &CallError) -> bool {
        let kind = match error {
            CallError::Plugin(_)
            | CallError::Drained { .. }
            | CallError::NotOffered(_)
            | CallError::FilterNotActive => {
                return false;
            }
            CallError::Limit { .. } | CallError::ArgumentTooLarge { .. } | CallError::FixedLimit(_) => {
                FailureReason::Limit
            }
            CallError::Trap(_) => FailureReason::Trap,
        };
        self.calls.count_failure(kind);
        self.failures.count.fetch_add(1, Ordering::Relaxed);
        let why = error.to_string();
        self.failed_calls.add(&why);
        *self.failures.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        true
    }

    /// Returns the number of failed calls and the reason for the last failure, or `None` if no call failed.
    pub fn failures(&self) -> Option<(u32, String)> {
        let last = self.failures.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        last.map(|last| (self.failures.count.load(Ordering::Relaxed), last))
    }
}

fn check_granted(
    plugin: &str,
    imports: &[String],
    grants: &BTreeSet<String>,
    network: &NetworkGrants,
) -> Result<(), PluginError> {
    let is_missing = |name: &&String| is_granted_by_name(name) && !grants.contains(*name);
    let mut missing: Vec<String> = imports.iter().filter(is_missing).cloned().collect();
    let mut lines = Vec::new();
    if !missing.is_empty() {
        let granted = grants.iter().filter(|name| is_granted_by_name(name));
        lines.push(format!("grants = {:?}", granted.chain(&missing).collect::<Vec<_>>()));
    }
    for (list, line) in network_access::missing(imports, network) {
        missing.push(list.to_owned());
        lines.push(line);
    }
    if missing.is_empty() { Ok(()) } else { Err(PluginError::NotGranted { plugin: plugin.to_owned(), missing, lines }) }
}

/// Returns the bare names of the imported interfaces of the host's own package, and `http` if the component imports the
/// handler of outgoing HTTP requests.
fn imports(engine: &SharedEngine, component: &Component) -> Vec<String> {
    let capability = |name: &str| {
        let name = name.split('@').next().unwrap_or_default();
        if name == network_access::OUTGOING {
            Some(network_access::HTTP.to_owned())
        } else {
            name.strip_prefix(PACKAGE).map(str::to_owned)
        }
    };
    component.component_type().imports(engine.engine()).filter_map(|(name, _)| capability(name)).collect()
}

impl Exports {
    fn of(engine: &SharedEngine, pre: &InstancePre<CallState>) -> Result<Self, PluginError> {
        let types = pre.component().component_type();
        let names: Vec<&str> = types.exports(engine.engine()).map(|(name, _)| name).collect();
        contract_compatibility::check_exports(&names)?;
        let exports: BTreeSet<&str> = names.into_iter().filter_map(contract_compatibility::extension_point).collect();
        macro_rules! export {
            ($name:literal, $pre:ident) => {
                exports
                    .contains($name)
                    .then(|| $pre::new(pre.clone()))
                    .transpose()
                    .map_err(|error| PluginError::ExportMismatch { export: $name, why: shorten(&error.to_string()) })?
            };
        }
        Ok(Self {
            command: export!("command", CommandPluginPre),
            lifecycle: export!("lifecycle", LifecyclePluginPre),
            approval: export!("approval", ApprovalPluginPre),
            filter: export!("filter", FilterPluginPre),
            persona: export!("persona", PersonaPluginPre),
            view: export!("view", ViewPluginPre),
            hook: export!("hook", HookPluginPre),
            schedule: export!("schedule", SchedulePluginPre),
            webhook: export!("webhook", WebhookPluginPre),
        })
    }

    /// Returns the linked component, ready to be instantiated. All exported extension points hold the same component,
    /// so this method returns the component of the first one.
    pub fn any(&self) -> Option<&InstancePre<CallState>> {
        None.or_else(|| self.command.as_ref().map(|pre| pre.instance_pre()))
            .or_else(|| self.lifecycle.as_ref().map(|pre| pre.instance_pre()))
            .or_else(|| self.approval.as_ref().map(|pre| pre.instance_pre()))
            .or_else(|| self.filter.as_ref().map(|pre| pre.instance_pre()))
            .or_else(|| self.persona.as_ref().map(|pre| pre.instance_pre()))
            .or_else(|| self.view.as_ref().map(|pre| pre.instance_pre()))
            .or_else(|| self.hook.as_ref().map(|pre| pre.instance_pre()))
            .or_else(|| self.schedule.as_ref().map(|pre| pre.instance_pre()))
            .or_else(|| self.webhook.as_ref().map(|pre| pre.instance_pre()))
    }
}
