//! The plugins and their status as one immutable value, which is replaced as a whole. It resolves commands, personas
//! and modes to the active versions that offer them.

use std::{collections::BTreeMap, sync::Arc};

use cordboard_core::{
    cron::Cron,
    language::{self, Language},
    rollout::{RejectedVersion, Rollback},
    route::{ActiveCommand, CommandTable},
    types::{Role, Timestamp},
};

use super::version::PluginVersion;
use crate::{bindings::catalog::Choice, error::PluginError};

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
    /// Runs after earlier commands in the same place.
    InOrder,
    /// Runs without waiting for earlier commands.
    AtOnce,
}

/// The commands, personas, modes, jobs and filtered message kinds that a version reported in its trial.
#[derive(Debug, Clone, Default)]
pub struct Offers {
    pub commands: Vec<CommandSpec>,
    pub personas: Vec<Choice>,
    pub modes: Vec<Choice>,
    /// The kinds of messages that the version wants to filter.
    pub filter_kinds: Vec<String>,
    /// The name and the schedule of each job.
    pub jobs: Vec<(String, Cron)>,
    /// The same offers with the texts in other languages. Contains only languages in which a text differs.
    pub translations: BTreeMap<Language, Offers>,
}

#[derive(Clone)]
pub struct ActivePlugin {
    pub version: Arc<PluginVersion>,
    pub offers: Arc<Offers>,
}

/// The part of a plugin's rollout state that is shown in its status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RolloutStatus {
    pub rejected: Option<RejectedVersion>,
    /// Set if an admin has disabled the plugin. New files in the plugin folder don't enable it.
    pub disabled: Option<Disabled>,
    /// Set while a version is being compiled or tried, once this has taken more than a second.
    pub compiling: Option<Compiling>,
    /// The automatic rollbacks, the latest last.
    pub rollbacks: Vec<Rollback>,
}

/// A version that is or was active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivatedVersion {
    pub digest: String,
    pub generation: u32,
    /// The time of the activation.
    pub since: Timestamp,
}

/// The maximum number of activations that are remembered for each plugin.
const MAX_ACTIVATIONS: usize = 5;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disabled {
    pub why: String,
    pub since: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiling {
    pub digest: String,
    /// The time at which the work on the version began.
    pub since: Timestamp,
}

/// The reason why the plugin folder can't be used, and the time at which the host noticed this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderFault {
    pub why: String,
    pub since: Timestamp,
}

#[derive(Clone, Default)]
pub struct Entry {
    pub active: Option<ActivePlugin>,
    pub rollout: RolloutStatus,
}

#[derive(Clone)]
pub struct Offer {
    pub version: Arc<PluginVersion>,
    pub spec: CommandSpec,
    translations: BTreeMap<Language, CommandSpec>,
}

impl Offer {
    /// Returns the command with the texts in this language, or in English if they aren't translated.
    #[must_use]
    pub fn spec_in(&self, language: Option<Language>) -> &CommandSpec {
        language.and_then(|language| self.translations.get(&language)).unwrap_or(&self.spec)
    }
}

impl ActiveCommand for Offer {
    fn name(&self) -> &str {
        &self.spec.name
    }

    fn plugin(&self) -> &str {
        &self.version.name
    }

    fn min_role(&self) -> Role {
        self.spec.min_role
    }

    fn is_immediate(&self) -> bool {
        self.spec.order == CallOrder::AtOnce
    }
}

#[derive(Clone, Default)]
pub struct Snapshot {
    pub(crate) entries: BTreeMap<String, Entry>,
    commands: BTreeMap<String, Offer>,
    /// The last generation number of each plugin, active or not, so that no number is reused.
    generations: BTreeMap<String, u32>,
    /// The last activations of each plugin, active or not, the latest last.
    activations: BTreeMap<String, Vec<ActivatedVersion>>,
    /// The configured plugin that decides when idle agents are stopped.
    pub(crate) lifecycle: Option<String>,
    pub(crate) folder_fault: Option<FolderFault>,
}

impl ActivePlugin {
    fn offer(&self, spec: &CommandSpec) -> Offer {
        let translation = |(language, offers): (&Language, &Offers)| {
            let translated = offers.commands.iter().find(|translated| translated.name == spec.name)?;
            Some((*language, translated.clone()))
        };
        Offer {
            version: Arc::clone(&self.version),
            spec: spec.clone(),
            translations: self.offers.translations.iter().filter_map(translation).collect(),
        }
    }
}

fn descriptions(choices: &[Choice]) -> Vec<&str> {
    choices.iter().map(|choice| choice.description.as_str()).collect()
}

impl Entry {
    fn is_empty(&self) -> bool {
        self.active.is_none() && self.rollout == RolloutStatus::default()
    }
}

impl Offers {
    /// Returns the offers with the texts in this language, or in English if they aren't translated.
    fn in_language(&self, language: Option<Language>) -> &Self {
        language.and_then(|language| self.translations.get(&language)).unwrap_or(self)
    }

    /// Adds the same offers with the texts in another language. Ignores a translation that offers something else.
    pub fn translate(&mut self, language: Language, translated: Self) {
        let is_same = self.unique_names().eq(translated.unique_names());
        if is_same && self.texts() != translated.texts() {
            self.translations.insert(language, translated);
        }
    }

    fn texts(&self) -> (&[CommandSpec], Vec<&str>, Vec<&str>) {
        (&self.commands, descriptions(&self.personas), descriptions(&self.modes))
    }

    /// Returns the names that no other plugin may offer, each with its kind.
    pub fn unique_names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let commands = self.commands.iter().map(|spec| ("command", spec.name.as_str()));
        let personas = self.personas.iter().map(|choice| ("persona", choice.name.as_str()));
        let modes = self.modes.iter().map(|choice| ("mode", choice.name.as_str()));
        commands.chain(personas).chain(modes)
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
    /// Returns the offers of a plugin's active version.
    pub fn offers(&self, name: &str) -> Option<&Offers> {
        Some(&self.entries.get(name)?.active.as_ref()?.offers)
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

    fn active(&self) -> impl Iterator<Item = &ActivePlugin> {
        self.entries.values().filter_map(|entry| entry.active.as_ref())
    }

    /// Returns the active version of a plugin.
    pub fn version(&self, name: &str) -> Option<&Arc<PluginVersion>> {
        self.entries.get(name)?.active.as_ref().map(|active| &active.version)
    }

    /// Returns the last activations of a plugin since the host was started, the latest last.
    pub fn activations(&self, name: &str) -> &[ActivatedVersion] {
        self.activations.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns the active versions of all plugins.
    pub fn versions(&self) -> impl Iterator<Item = &Arc<PluginVersion>> {
        self.active().map(|active| &active.version)
    }

    /// Returns whether the plugin's active version exports `approval`, so that it can decide about permissions.
    pub fn has_approval(&self, name: &str) -> bool {
        self.version(name).is_some_and(|version| version.exports.approval.is_some())
    }

    /// Returns whether the plugin's active version exports `filter`, so that it can change messages.
    pub fn has_filter(&self, name: &str) -> bool {
        self.version(name).is_some_and(|version| version.exports.filter.is_some())
    }

    /// Returns whether the plugin's active version exports `lifecycle`, so that it can decide when idle agents are
    /// stopped.
    pub fn has_lifecycle(&self, name: &str) -> bool {
        self.version(name).is_some_and(|version| version.exports.lifecycle.is_some())
    }

    /// Returns the personas, with descriptions in the current language.
    pub fn personas(&self) -> impl Iterator<Item = &Choice> {
        let language = language::current();
        self.active().flat_map(move |active| &active.offers.in_language(language).personas)
    }

    /// Returns the modes, with descriptions in the current language.
    pub fn modes(&self) -> impl Iterator<Item = &Choice> {
        let language = language::current();
        self.active().flat_map(move |active| &active.offers.in_language(language).modes)
    }

    /// Returns the plugins whose active versions export `hook`, and so receive events.
    pub fn hooks(&self) -> impl Iterator<Item = &str> {
        self.versions().filter(|one| one.exports.hook.is_some()).map(|one| one.name.as_str())
    }

    /// Returns the scheduled jobs of all plugins that have any.
    pub fn jobs(&self) -> impl Iterator<Item = (&str, &[(String, Cron)])> {
        let jobs = self.active().map(|one| (one.version.name.as_str(), one.offers.jobs.as_slice()));
        jobs.filter(|(_, jobs)| !jobs.is_empty())
    }

    /// Returns whether the plugin's active version exports a webhook.
    #[must_use]
    pub fn has_webhook(&self, plugin: &str) -> bool {
        self.version(plugin).is_some_and(|version| version.exports.webhook.is_some())
    }

    /// Returns the version that offers a persona.
    pub fn persona(&self, name: &str) -> Option<&Arc<PluginVersion>> {
        self.version_with(|offers| offers.personas.iter().any(|choice| choice.name == name))
    }

    /// Returns the version that offers a mode.
    pub fn mode(&self, name: &str) -> Option<&Arc<PluginVersion>> {
        self.version_with(|offers| offers.modes.iter().any(|choice| choice.name == name))
    }

    fn version_with(&self, offers: impl Fn(&Offers) -> bool) -> Option<&Arc<PluginVersion>> {
        self.active().find(|active| offers(&active.offers)).map(|active| &active.version)
    }

    /// Returns the next generation number of `name`.
    pub fn next_generation(&self, name: &str) -> u32 {
        self.generations.get(name).map_or(1, |last| last + 1)
    }

    /// Returns this snapshot with `plugin` as the lifecycle plugin.
    pub fn with_lifecycle(&self, plugin: &str) -> Self {
        Self { lifecycle: Some(plugin.to_owned()), ..self.clone() }
    }

    /// Returns this snapshot with `folder_fault` as the plugin folder's problem. `None` means that there is no problem.
    pub fn with_folder_fault(&self, folder_fault: Option<FolderFault>) -> Self {
        Self { folder_fault, ..self.clone() }
    }

    /// Returns this snapshot with `active` in place of the plugin's previous version.
    ///
    /// # Errors
    /// Fails if another plugin already offers a command, persona or mode of the same name.
    pub fn with(&self, active: ActivePlugin) -> Result<Self, PluginError> {
        let mut next = self.clone();
        let name = active.version.name.clone();
        self.check_unique(&name, &active.offers)?;
        next.generations.insert(name.clone(), active.version.generation);
        let activations = next.activations.entry(name.clone()).or_default();
        if activations.len() >= MAX_ACTIVATIONS {
            activations.remove(0);
        }
        let PluginVersion { digest, generation, since, .. } = &*active.version;
        activations.push(ActivatedVersion { digest: digest.clone(), generation: *generation, since: *since });
        next.entries.entry(name).or_default().active = Some(active);
        next.index();
        Ok(next)
    }

    /// Returns this snapshot with the rollout status `status` for the plugin `name`.
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
            entry.active = None;
        }
        next.entries.retain(|_, entry| !entry.is_empty());
        next.index();
        next
    }

    fn index(&mut self) {
        let offers = self.active().flat_map(|active| active.offers.commands.iter().map(|spec| active.offer(spec)));
        self.commands = offers.map(|offer| (offer.spec.name.clone(), offer)).collect();
    }

    fn check_unique(&self, name: &str, offers: &Offers) -> Result<(), PluginError> {
        let others = || self.active().filter(|other| other.version.name != name);
        let owner = |taken| others().find(|other| other.offers.unique_names().any(|one| one == taken));
        let clash = offers.unique_names().find_map(|taken| Some((taken, owner(taken)?)));
        clash.map_or(Ok(()), |((kind, what), owner)| {
            Err(PluginError::Taken { kind, what: what.to_owned(), by: owner.version.name.clone() })
        })
    }
}
