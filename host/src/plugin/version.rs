//! One version of a plugin: compiled code linked to what it was granted, with its configuration and its limits. Immutable; a call takes
//! its `Arc` once and finishes on it, whatever is plugged in meanwhile.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use cordboard_core::{
    config::{NetworkGrants, Secrets},
    types::{Caller, Timestamp},
};
use wasmtime::component::{Component, InstancePre};

use super::{
    bindings::{
        command::CommandTradePre, hook::HookTradePre, lifecycle::LifecycleTradePre, persona::PersonaTradePre,
        schedule::ScheduleTradePre, view::ViewTradePre, webhook::WebhookTradePre,
    },
    call::{CallError, CallState, foreign},
    compatibility,
    engine::SharedEngine,
    imports::{CAPABILITIES, Granted},
    limits::CallLimits,
    linker::Linkers,
    network_grants,
    outbound_http::Network,
    probation::{Drain, Probation, SwapTerms},
    refusal::PluginError,
};

/// The package whose interfaces are capabilities and trades.
pub(super) const PACKAGE: &str = "cordboard:plugin/";

/// What the operator says of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSettings {
    /// The grants of every version of this name.
    pub grants: BTreeSet<String>,
    /// `None` if the binary has no plugin of this name.
    pub built_in: Option<BuiltInGrants>,
    /// `[plugins.NAME.config]` as a JSON object.
    pub config: Arc<str>,
    pub limits: CallLimits,
    /// In whose name calls without a caller act, if in anybody's.
    pub acts_as: Option<Caller>,
    /// What it may reach outside of the host.
    pub reach: NetworkGrants,
    /// Where the secrets of `reach` are.
    pub secrets: Arc<Secrets>,
    /// The only digest that may serve.
    pub sha256: Option<String>,
    /// What becomes of requests from the net for it.
    pub requests: Requests,
    /// How it is swapped. A change of these alone is no reason to swap.
    pub terms: SwapTerms,
}

/// What becomes of requests from the net for a plugin that answers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Requests {
    /// Nothing is listened to.
    #[default]
    Unheard,
    /// Nothing says what they have to show: each is refused.
    PluginError,
    Checked,
}

/// The additional grants of a version that is part of the binary. Other versions of the same name don't have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltInGrants {
    /// The SHA-256 of the built-in bytes, in hex.
    pub digest: &'static str,
    pub grants: BTreeSet<String>,
}

impl PluginSettings {
    /// The grants of the version `digest`.
    pub fn grants_of(&self, digest: &str) -> BTreeSet<String> {
        let built_in = self.built_in.iter().filter(|built_in| built_in.digest == digest);
        self.grants.iter().chain(built_in.flat_map(|built_in| &built_in.grants)).cloned().collect()
    }

    /// Other bytes than those that the operator has pinned never serve.
    pub fn check_pin(&self, plugin: &str, digest: &str) -> Result<(), PluginError> {
        match &self.sha256 {
            Some(only) if only != digest => {
                Err(PluginError::Pinned { plugin: plugin.to_owned(), digest: digest.to_owned(), only: only.clone() })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Compiled code, known by the hash of the wasm that it was made of.
#[derive(Clone)]
pub struct Artifact {
    pub name: String,
    /// SHA-256 in hex.
    pub digest: String,
    pub component: Component,
}

pub struct PluginVersion {
    pub name: String,
    /// The name, as log lines share it.
    pub label: Arc<str>,
    pub digest: String,
    /// Counts the swaps of this name, from 1.
    pub number: u32,
    pub since: Timestamp,
    pub config: Arc<str>,
    pub limits: CallLimits,
    pub acts_as: Option<Caller>,
    /// None where it uses none.
    pub network: Option<Arc<Network>>,
    pub secrets: Arc<Secrets>,
    reach: NetworkGrants,
    sha256: Option<String>,
    requests: Requests,
    grants: BTreeSet<String>,
    /// The capabilities that it imports.
    uses: BTreeSet<String>,
    pub trades: Exports,
    pub artifact: Artifact,
    /// None: it is trusted, as one that was gone back to.
    pub probation: Option<Arc<Probation>>,
    pub terms: SwapTerms,
    pub retirement: Drain,
    mishaps: FailureStats,
}

/// How a generation comes into the world.
pub struct VersionMeta {
    pub number: u32,
    pub since: Timestamp,
    pub probation: Option<Arc<Probation>>,
}

/// The exports that a component has.
#[derive(Clone)]
pub struct Exports {
    pub command: Option<CommandTradePre<CallState>>,
    pub lifecycle: Option<LifecycleTradePre<CallState>>,
    pub persona: Option<PersonaTradePre<CallState>>,
    pub view: Option<ViewTradePre<CallState>>,
    pub hook: Option<HookTradePre<CallState>>,
    pub schedule: Option<ScheduleTradePre<CallState>>,
    pub webhook: Option<WebhookTradePre<CallState>>,
}

/// What went wrong in calls of this generation.
#[derive(Default)]
struct FailureStats {
    count: AtomicU32,
    last: Mutex<Option<String>>,
    /// The commands of buttons that were left out.
    buttons: Mutex<BTreeSet<String>>,
}

/// How many buttons that were left out are told of: a plugin whose buttons differ at each call must not fill the log.
const BUTTONS_TOLD: usize = 16;

impl PluginVersion {
    /// Links `artifact` against what `settings` grants, and nothing else.
    pub fn link(
        linkers: &Linkers,
        artifact: &Artifact,
        settings: &PluginSettings,
        birth: VersionMeta,
    ) -> Result<Self, PluginError> {
        let engine = linkers.engine();
        let types = artifact.component.component_type();
        compatibility::check_imports(types.imports(engine.engine()).map(|(name, _)| name))?;
        let grants = settings.grants_of(&artifact.digest);
        check_granted(&artifact.name, &imports(engine, &artifact.component), (&grants, &settings.reach))?;
        let linker =
            linkers.of(&grants, &settings.reach).map_err(|error| PluginError::Link(foreign(&error.to_string())))?;
        let pre = linker.instantiate_pre(&artifact.component).map_err(|error| compatibility::unlinked(&error))?;
        let trades = Exports::of(engine, &pre)?;
        let uses: BTreeSet<String> = imports(engine, &artifact.component).into_iter().collect();
        Ok(Self {
            name: artifact.name.clone(),
            label: Arc::from(artifact.name.as_str()),
            digest: artifact.digest.clone(),
            number: birth.number,
            since: birth.since,
            config: Arc::clone(&settings.config),
            limits: settings.limits.clone(),
            acts_as: settings.acts_as.clone(),
            network: network_grants::network(&uses, settings, &artifact.name)?,
            secrets: Arc::clone(&settings.secrets),
            reach: settings.reach.clone(),
            sha256: settings.sha256.clone(),
            requests: settings.requests,
            grants,
            uses,
            trades,
            artifact: artifact.clone(),
            probation: birth.probation,
            terms: settings.terms,
            retirement: Drain::new(),
            mishaps: FailureStats::default(),
        })
    }

    /// Whether it was linked under these very settings.
    pub fn is_set(&self, settings: &PluginSettings) -> bool {
        self.grants == settings.grants_of(&self.digest)
            && self.config == settings.config
            && self.limits == settings.limits
            && self.acts_as == settings.acts_as
            && self.reach == settings.reach
            && self.secrets == settings.secrets
            && self.sha256 == settings.sha256
            && (self.trades.webhook.is_none() || self.requests == settings.requests)
    }

    /// Whether it answers requests, and none is let in to it.
    pub fn lacks_proof(&self) -> bool {
        self.trades.webhook.is_some() && self.requests == Requests::PluginError
    }

    /// Whether it uses what `settings` no longer grants: then it must not go on.
    pub fn exceeds(&self, settings: &PluginSettings) -> bool {
        let grants = settings.grants_of(&self.digest);
        self.uses.iter().any(|name| is_to_be_granted(name) && !grants.contains(name))
            || network_grants::is_wider(&self.reach, &settings.reach)
            || (self.acts_as.is_some() && self.acts_as != settings.acts_as)
            || settings.sha256.as_ref().is_some_and(|only| *only != self.digest)
    }

    /// Keeps why a call failed, for `/plugins`; true where that counts in its probation. What a plugin says by its own error is no mishap,
    /// nor that its call was cut off.
    pub fn note(&self, error: &CallError) -> bool {
        match error {
            CallError::Said(_) | CallError::Drained { .. } | CallError::NotOffered(_) => return false,
            CallError::Limit { .. } | CallError::Handed { .. } | CallError::Bound(_) | CallError::Trap(_) => {}
        }
        self.mishaps.count.fetch_add(1, Ordering::Relaxed);
        *self.mishaps.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error.to_string());
        self.probation.as_ref().is_some_and(|probation| probation.count())
    }

    /// Whether a button that gives `command` is left out for the first time.
    pub fn is_news(&self, command: &str) -> bool {
        let mut told = self.mishaps.buttons.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        told.len() < BUTTONS_TOLD && told.insert(command.to_owned())
    }

    /// How many calls failed, and the last one's reason.
    pub fn mishaps(&self) -> Option<(u32, String)> {
        let last = self.mishaps.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        last.map(|last| (self.mishaps.count.load(Ordering::Relaxed), last))
    }
}

fn check_granted(
    plugin: &str,
    imports: &[String],
    (grants, reach): (&BTreeSet<String>, &NetworkGrants),
) -> Result<(), PluginError> {
    let to_name = |name: &&String| is_to_be_granted(name) && !grants.contains(*name);
    let mut missing: Vec<String> = imports.iter().filter(to_name).cloned().collect();
    let mut lines = Vec::new();
    if !missing.is_empty() {
        let kept = grants.iter().filter(|name| is_to_be_granted(name));
        lines.push(format!("grants = {:?}", kept.chain(&missing).collect::<Vec<_>>()));
    }
    for (list, line) in network_grants::missing(imports, reach) {
        missing.push(list.to_owned());
        lines.push(line);
    }
    if missing.is_empty() { Ok(()) } else { Err(PluginError::NotGranted { plugin: plugin.to_owned(), missing, lines }) }
}

/// Whether it is a capability that not every plugin has.
pub(super) fn is_to_be_granted(name: &str) -> bool {
    CAPABILITIES.iter().any(|one| one.name == name && one.granted == Granted::ByName)
}

/// The interfaces of the plugin package that a component imports, by their bare names, and `http`.
fn imports(engine: &SharedEngine, component: &Component) -> Vec<String> {
    let bare = |name: &str| {
        let name = name.split('@').next().unwrap_or_default();
        if name == network_grants::OUTGOING {
            Some(network_grants::HTTP.to_owned())
        } else {
            name.strip_prefix(PACKAGE).map(str::to_owned)
        }
    };
    component.component_type().imports(engine.engine()).filter_map(|(name, _)| bare(name)).collect()
}

impl Exports {
    fn of(engine: &SharedEngine, pre: &InstancePre<CallState>) -> Result<Self, PluginError> {
        let types = pre.component().component_type();
        compatibility::check_exports(types.exports(engine.engine()).map(|(name, _)| name))?;
        let exports: BTreeSet<&str> =
            types.exports(engine.engine()).filter_map(|(name, _)| compatibility::extension_point(name)).collect();
        macro_rules! trade {
            ($name:literal, $pre:ident) => {
                exports
                    .contains($name)
                    .then(|| $pre::new(pre.clone()))
                    .transpose()
                    .map_err(|error| PluginError::Trade { trade: $name, why: foreign(&error.to_string()) })?
            };
        }
        Ok(Self {
            command: trade!("command", CommandTradePre),
            lifecycle: trade!("lifecycle", LifecycleTradePre),
            persona: trade!("persona", PersonaTradePre),
            view: trade!("view", ViewTradePre),
            hook: trade!("hook", HookTradePre),
            schedule: trade!("schedule", ScheduleTradePre),
            webhook: trade!("webhook", WebhookTradePre),
        })
    }
}
