//! The active plugins as one immutable value, which is replaced as a whole. It resolves commands, personas and modes to
//! the versions that offer them.

use std::{collections::BTreeMap, sync::Arc};

use cordboard_core::{
    cron::Cron,
    rollout::RejectedVersion,
    route::{ActiveCommand, CommandTable},
    types::{Role, Timestamp},
};

use super::version::PluginVersion;
use crate::{error::PluginError, host_api::Choice};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSpec {
    pub name: String,
    pub summary: String,
    pub usage: String,
    pub min_role: Role,
    pub order: CallOrder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOrder {
    /// Runs after the earlier commands of its place.
    InOrder,
    /// Runs immediately, without waiting for earlier commands.
    AtOnce,
}

/// The offers of a version, as its trial found them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offers {
    pub commands: Vec<CommandSpec>,
    pub personas: Vec<Choice>,
    pub modes: Vec<Choice>,
    /// Names and times, sorted by name.
    pub jobs: Vec<(String, Cron)>,
}

#[derive(Clone)]
pub struct ActivePlugin {
    pub generation: Arc<PluginVersion>,
    pub offers: Arc<Offers>,
}

/// The state of a plugin's rollout, for the status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RolloutStatus {
    pub rejected: Option<RejectedVersion>,
    /// The reason and the time, if an admin has disabled the plugin. Files in the folder don't enable it.
    pub disabled: Option<(String, Timestamp)>,
    /// The digest of a version whose compilation takes long, and the time when that was reported.
    pub compiling: Option<(String, Timestamp)>,
}

#[derive(Clone, Default)]
pub struct Entry {
    pub plugged: Option<ActivePlugin>,
    pub rollout: RolloutStatus,
}

#[derive(Clone)]
pub struct Offer {
    pub generation: Arc<PluginVersion>,
    pub spec: CommandSpec,
}

impl ActiveCommand for Offer {
    fn name(&self) -> &str {
        &self.spec.name
    }

    fn plugin(&self) -> &str {
        &self.generation.name
    }

    fn min_role(&self) -> Role {
        self.spec.min_role
    }
}

#[derive(Clone, Default)]
pub struct Snapshot {
    pub(crate) entries: BTreeMap<String, Entry>,
    commands: BTreeMap<String, Offer>,
    /// The last generation number of each plugin, active or not, so that no number is used twice.
    numbers: BTreeMap<String, u32>,
    /// The configured plugin that decides when idle agents are stopped.
    pub(crate) policy: Option<String>,
    /// The problem with the plugin folder, and since when it exists.
    pub(crate) folder: Option<(String, Timestamp)>,
}

impl Entry {
    fn is_empty(&self) -> bool {
        self.plugged.is_none() && self.rollout == RolloutStatus::default()
    }
}

impl Offers {
    /// Whether it has names that must be unique among all plugins.
    pub const fn are_named(&self) -> bool {
        !(self.commands.is_empty() && self.personas.is_empty() && self.modes.is_empty())
    }
}

impl CommandTable for Snapshot {
    type Command = Offer;

    fn command(&self, name: &str) -> Option<&Offer> {
        self.commands.get(name)
    }

    fn commands(&self) -> impl Iterator<Item = &Offer> {
        self.commands.values()
    }
}

impl Snapshot {
    /// Returns the offers of a plugin.
    pub fn offers(&self, name: &str) -> Option<&Offers> {
        Some(&self.entries.get(name)?.plugged.as_ref()?.offers)
    }

    pub fn commands(&self) -> impl Iterator<Item = &Offer> {
        CommandTable::commands(self)
    }

    pub fn command(&self, name: &str) -> Option<&Offer> {
        CommandTable::command(self, name)
    }

    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    fn plugged(&self) -> impl Iterator<Item = &ActivePlugin> {
        self.entries.values().filter_map(|entry| entry.plugged.as_ref())
    }

    pub fn generation(&self, name: &str) -> Option<&Arc<PluginVersion>> {
        self.entries.get(name)?.plugged.as_ref().map(|plugged| &plugged.generation)
    }

    /// Whether a plugin can decide when idle agents are stopped.
    pub fn is_policy(&self, name: &str) -> bool {
        self.generation(name).is_some_and(|generation| generation.exports.lifecycle.is_some())
    }

    pub fn personas(&self) -> impl Iterator<Item = &Choice> {
        self.plugged().flat_map(|plugged| &plugged.offers.personas)
    }

    pub fn modes(&self) -> impl Iterator<Item = &Choice> {
        self.plugged().flat_map(|plugged| &plugged.offers.modes)
    }

    /// The plugins that receive events.
    pub fn hooks(&self) -> impl Iterator<Item = &str> {
        self.plugged().map(|one| &one.generation).filter(|one| one.exports.hook.is_some()).map(|one| one.name.as_str())
    }

    /// The scheduled jobs of all plugins that have any.
    pub fn jobs(&self) -> impl Iterator<Item = (&str, &[(String, Cron)])> {
        let jobs = self.plugged().map(|one| (one.generation.name.as_str(), one.offers.jobs.as_slice()));
        jobs.filter(|(_, jobs)| !jobs.is_empty())
    }

    /// Whether a plugin has a webhook.
    #[must_use]
    pub fn answers_requests(&self, plugin: &str) -> bool {
        self.generation(plugin).is_some_and(|generation| generation.exports.webhook.is_some())
    }

    /// Returns the version that offers a persona.
    pub fn persona(&self, name: &str) -> Option<&Arc<PluginVersion>> {
        self.offering(|offers| offers.personas.iter().any(|choice| choice.name == name))
    }

    /// Returns the version that offers a mode.
    pub fn mode(&self, name: &str) -> Option<&Arc<PluginVersion>> {
        self.offering(|offers| offers.modes.iter().any(|choice| choice.name == name))
    }

    fn offering(&self, offers: impl Fn(&Offers) -> bool) -> Option<&Arc<PluginVersion>> {
        self.plugged().find(|plugged| offers(&plugged.offers)).map(|plugged| &plugged.generation)
    }

    /// The next generation number of `name`.
    pub fn next_number(&self, name: &str) -> u32 {
        self.numbers.get(name).map_or(1, |last| last + 1)
    }

    /// Returns this snapshot with `policy` as the lifecycle plugin.
    pub fn with_lifecycle(&self, policy: &str) -> Self {
        Self { policy: Some(policy.to_owned()), ..self.clone() }
    }

    /// Returns this snapshot with the problem of the plugin folder, or with none.
    pub fn with_folder_fault(&self, fault: Option<(String, Timestamp)>) -> Self {
        Self { folder: fault, ..self.clone() }
    }

    /// Returns this snapshot with `plugged` in place of the plugin's previous version.
    ///
    /// # Errors
    /// Fails if another plugin already offers a command, persona or mode of the same name.
    pub fn with(&self, plugged: ActivePlugin) -> Result<Self, PluginError> {
        let mut next = self.clone();
        let name = plugged.generation.name.clone();
        self.check_taken(&name, &plugged.offers)?;
        next.numbers.insert(name.clone(), plugged.generation.number);
        next.entries.entry(name).or_default().plugged = Some(plugged);
        next.index();
        Ok(next)
    }

    /// Returns this snapshot with another rollout status of `name`.
    pub fn with_status(&self, name: &str, status: RolloutStatus) -> Self {
        let mut next = self.clone();
        next.entries.entry(name.to_owned()).or_default().rollout = status;
        next.entries.retain(|_, entry| !entry.is_empty());
        next
    }

    /// Returns this snapshot without the active version of `name`.
    pub fn without(&self, name: &str) -> Self {
        let mut next = self.clone();
        if let Some(entry) = next.entries.get_mut(name) {
            entry.plugged = None;
        }
        next.entries.retain(|_, entry| !entry.is_empty());
        next.index();
        next
    }

    fn index(&mut self) {
        let offers = self.entries.values().filter_map(|entry| entry.plugged.as_ref()).flat_map(|plugged| {
            plugged.offers.commands.iter().map(|spec| {
                (spec.name.clone(), Offer { generation: Arc::clone(&plugged.generation), spec: spec.clone() })
            })
        });
        self.commands = offers.collect();
    }

    fn check_taken(&self, name: &str, offers: &Offers) -> Result<(), PluginError> {
        let others = || self.plugged().filter(|other| other.generation.name != name);
        let taken = |kind, what: &str, names: fn(&Offers) -> Vec<&str>| {
            others().find(|other| names(&other.offers).contains(&what)).map(|other| PluginError::Taken {
                kind,
                what: what.to_owned(),
                by: other.generation.name.clone(),
            })
        };
        let commands = offers.commands.iter().find_map(|spec| taken("command", &spec.name, command_names));
        let personas = offers.personas.iter().find_map(|choice| taken("persona", &choice.name, persona_names));
        let modes = offers.modes.iter().find_map(|choice| taken("mode", &choice.name, mode_names));
        commands.or(personas).or(modes).map_or(Ok(()), Err)
    }
}

fn command_names(offers: &Offers) -> Vec<&str> {
    offers.commands.iter().map(|spec| spec.name.as_str()).collect()
}

fn persona_names(offers: &Offers) -> Vec<&str> {
    offers.personas.iter().map(|choice| choice.name.as_str()).collect()
}

fn mode_names(offers: &Offers) -> Vec<&str> {
    offers.modes.iter().map(|choice| choice.name.as_str()).collect()
}
