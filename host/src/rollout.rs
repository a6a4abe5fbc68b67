//! Performs the rollouts of plugins on a running host: feeds the state machine of each plugin (`cordboard_core::rollout`)
//! with files, commands, settings and failed calls, and performs its effects. It must not decide anything itself.

mod commands;
mod effects;
mod jobs;
mod notices;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use async_trait::async_trait;
use cordboard_core::{
    rollout::{CommandId, Facts, File, Grants, Input, Machine, NoticeKind, Reason, Terms, Ticket, Trial, TrialError},
    types::{Caller, Reply, Request},
};
use cordboard_runtime::{Artifact, Candidate, PluginError, PluginSettings, Registry};
use cordboard_store::{Decisions, Store};
use tokio::time::{Instant, sleep_until};

use crate::{
    clock::Clock,
    plugin_sources::{PluginSources, STANDARD, built_in},
};

pub use notices::Pace;

use commands::Waiting;
use jobs::{Done, Jobs, Outcome};
use notices::Notices;

/// The key of the plugin folder among plugin names. No plugin can have this name.
const FOLDER: &str = "";

/// Receives the notifications about rollouts.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Notifies the owner and the admins, except `but`, who has the answer already.
    async fn tell(&self, text: String, but: Option<&Caller>);
    /// Asks the owner. The other operators get the question without its buttons.
    async fn ask(&self, question: Reply);
    /// Closes the requests about other versions of the plugin in `request`.
    async fn supersede(&self, request: &Request);
    /// Reports that the exports of `plugin` may have changed.
    async fn changed(&self, plugin: &str);
}

/// Returns the current settings of a plugin.
pub type Settings = Arc<dyn Fn(&str) -> PluginSettings + Send + Sync>;

/// A plugin whose newest version isn't active after the start, and why.
pub type RejectedFile = (String, String);

/// The registry, the plugin folder and the store that a rollout works on.
pub struct Base {
    pub plugs: Arc<Registry>,
    pub folder: Option<PathBuf>,
    /// `None` if nothing is stored, as in a check.
    pub store: Option<Store>,
    /// The decisions in the store.
    pub decisions: Decisions,
}

/// An event of the rollout.
pub enum Event {
    /// A build or trial has ended.
    Done(Box<Done>),
    /// Calls of active versions failed.
    Failed,
    /// A deadline of this plugin is due.
    Due(String),
    /// Collected notices are due.
    Notices,
}

pub struct Rollout {
    pub plugs: Arc<Registry>,
    /// The path of the configuration file, for messages about settings to correct.
    pub config_file: Option<String>,
    sources: PluginSources,
    decisions: Decisions,
    settings: Settings,
    clock: Clock,
    /// One machine for each plugin that was ever seen, because its grants outlive its file.
    machines: BTreeMap<String, Machine>,
    jobs: Jobs,
    /// The last built version of each plugin that is being worked on.
    built: BTreeMap<String, Artifact>,
    candidates: BTreeMap<(String, Ticket), Box<Candidate>>,
    /// The callers of running commands.
    waiting: BTreeMap<CommandId, Waiting>,
    last_command: u64,
    folder_fault: Option<String>,
    notices: Notices,
    /// `None` while the host starts.
    audience: Option<Arc<dyn Notifier>>,
}

impl Rollout {
    #[must_use]
    pub fn new(base: Base, settings: Settings, clock: Clock) -> Self {
        let Base { plugs, folder, store, decisions } = base;
        Self {
            plugs,
            config_file: None,
            sources: PluginSources::new(folder, store),
            decisions,
            settings,
            clock,
            machines: BTreeMap::new(),
            jobs: Jobs::default(),
            built: BTreeMap::new(),
            candidates: BTreeMap::new(),
            waiting: BTreeMap::new(),
            last_command: 0,
            folder_fault: None,
            notices: Notices::new(Pace::default()),
            audience: None,
        }
    }

    /// Sets the rate limit of notices.
    #[must_use]
    pub fn at_pace(mut self, pace: Pace) -> Self {
        self.notices = Notices::new(pace);
        self
    }

    /// Activates all plugins. Standard names come first, so that other plugins can't take a standard command.
    pub async fn start(&mut self) -> Vec<RejectedFile> {
        let mut files = self.sources.read_folder().unwrap_or_else(|fault| {
            self.folder_fault = Some(fault.to_string());
            BTreeMap::new()
        });
        let decided = self.decisions.standings.iter().map(|(name, _)| name);
        let decided = decided.chain(self.decisions.answers.iter().map(|answer| &answer.plugin));
        let others: BTreeSet<String> = files.keys().chain(decided).cloned().collect();
        let standard = STANDARD.iter().map(|one| one.name.to_owned());
        let names: Vec<String> = standard.chain(others.into_iter().filter(|name| built_in(name).is_none())).collect();
        for name in names {
            let file = files.remove(&name).unwrap_or(File::Absent);
            self.add(&name, file).await;
            self.feed(&name, Input::Start).await;
            self.settle().await;
        }
        let rejected =
            |(name, machine): (&String, &Machine)| Some((name.clone(), machine.rejected()?.operator_text.clone()));
        self.machines.iter().filter_map(rejected).collect()
    }

    /// Handles events until no version is being built or tried.
    pub async fn settle(&mut self) {
        while self.machines.values().any(Machine::is_working) {
            let done = self.jobs.next().await;
            self.on_done(done).await;
        }
    }

    /// Notifies `audience` from now on, also about the start.
    pub fn notify(&mut self, audience: Arc<dyn Notifier>) {
        self.audience = Some(audience);
    }

    /// Waits for the next event. Cancel safe.
    pub async fn next(&mut self) -> Event {
        let due = self.machines.iter().filter_map(|(name, machine)| Some((machine.poll_timeout()?, name)));
        let due = due.min().map(|(at, name)| (self.clock.instant(at), name.clone()));
        let (at, told_at) = (due.as_ref().map(|(at, _)| *at), self.notices.due());
        tokio::select! {
            done = self.jobs.next() => Event::Done(Box::new(done)),
            () = self.plugs.failed() => Event::Failed,
            () = sleep_until(told_at.unwrap_or_else(Instant::now)), if told_at.is_some() => {
                Event::Notices
            }
            () = sleep_until(at.unwrap_or_else(Instant::now)), if at.is_some() => {
                Event::Due(due.map(|(_, name)| name).unwrap_or_default())
            }
        }
    }

    pub async fn handle(&mut self, event: Event) {
        match event {
            Event::Done(done) => self.on_done(*done).await,
            Event::Failed => {
                for (name, digest, calls, last) in self.plugs.take_failed() {
                    self.feed(&name, Input::Failed { digest, calls, last }).await;
                }
            }
            Event::Due(name) => self.feed(&name, Input::Timeout).await,
            Event::Notices => self.tell_notice().await,
        }
    }

    async fn on_done(&mut self, Done { name, ticket, outcome }: Done) {
        let input = match outcome {
            Outcome::Built(result) => {
                let result = result.map_err(|why| self.trial_error(&name, &why));
                Input::Built { ticket, result: result.map(|artifact| drop(self.built.insert(name.clone(), artifact))) }
            }
            Outcome::Tried(Ok(Some(candidate))) => {
                self.candidates.insert((name.clone(), ticket), candidate);
                Input::Tried { ticket, result: Ok(Trial::Ready) }
            }
            Outcome::Tried(Ok(None)) => Input::Tried { ticket, result: Ok(Trial::Unchanged) },
            Outcome::Tried(Err(why)) => Input::Tried { ticket, result: Err(self.trial_error(&name, &why)) },
        };
        self.feed(&name, input).await;
    }

    fn trial_error(&self, name: &str, why: &PluginError) -> TrialError {
        let operator_text = self.config_file.as_ref().map_or_else(|| why.to_string(), |file| why.in_file(file));
        TrialError {
            reason: Reason { why: why.to_string(), operator_text },
            missing: why.missing().to_vec(),
            exceeds: self.plugs.exceeds(name, &self.settings_of(name)),
        }
    }

    /// Handles a plugin file that is new or has changed.
    pub async fn on_file(&mut self, name: &str, wasm: Vec<u8>) {
        let file = File::Settled(self.sources.add_file(name, wasm));
        self.change(name, file).await;
    }

    pub async fn on_unreadable(&mut self, name: &str, why: &str) {
        self.sources.remove_file(name);
        let file = self.sources.unusable(name, why);
        self.change(name, file).await;
    }

    /// Handles the removal of a plugin's file.
    pub async fn on_gone(&mut self, name: &str) {
        tracing::info!(plugin = name, "plugin file removed");
        self.sources.remove_file(name);
        self.change(name, File::Absent).await;
    }

    async fn change(&mut self, name: &str, file: File) {
        if !self.machines.contains_key(name) {
            self.add(name, File::Absent).await;
        }
        self.feed(name, Input::File(file)).await;
    }

    /// Handles a change of the plugin folder: a fault, or the end of one.
    pub async fn on_folder(&mut self, fault: Option<String>) {
        let (kind, text) = match &fault {
            Some(why) => {
                tracing::warn!(why, "the plugin folder cannot be used");
                let text =
                    format!("The plugin folder can't be used, and the active versions stay active: failed to {why}.");
                (NoticeKind::Trouble, text)
            }
            None => (NoticeKind::Done, "The plugin folder can be used again.".to_owned()),
        };
        self.folder_fault.clone_from(&fault);
        self.plugs.show_folder(fault.clone().map(|why| (why, self.clock.now()))).await;
        self.notices.add(FOLDER, (kind, text), Instant::now());
        for name in self.names() {
            self.feed(&name, Input::Folder(fault.clone())).await;
        }
    }

    /// Applies new settings to these plugins, and tries the versions again that wait for other settings.
    pub async fn resettle(&mut self, names: BTreeSet<String>) {
        for name in self.names() {
            let is_waiting = self.machines.get(&name).is_some_and(Machine::is_waiting);
            if is_waiting || names.contains(&name) {
                self.feed(&name, Input::Settings(terms(&(self.settings)(&name)))).await;
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.machines.keys().cloned().collect()
    }

    async fn add(&mut self, name: &str, file: File) {
        let state = self.decisions.standings.iter().find(|(plugin, _)| plugin == name);
        let answers = self.decisions.answers.iter().filter(|answer| answer.plugin == name);
        let mut machine = Machine::new(Facts {
            name: name.to_owned(),
            file,
            embedded: built_in(name).map(|one| one.digest.to_owned()),
            kept: self.sources.kept(name).await,
            state: state.map(|(_, state)| state.clone()).unwrap_or_default(),
            grants: Grants::new(answers.cloned().collect()),
            terms: terms(&(self.settings)(name)),
        });
        if let Some(fault) = &self.folder_fault {
            // Without a file to wait for, a fault of the folder has no effects.
            let _: Vec<_> = machine.handle(Input::Folder(Some(fault.clone())), self.clock.now());
        }
        self.machines.insert(name.to_owned(), machine);
    }

    /// Returns the plugin's settings, with the capabilities that the owner granted in the chat.
    fn settings_of(&self, name: &str) -> PluginSettings {
        let mut settings = (self.settings)(name);
        settings.grants.extend(self.machines.get(name).map(|machine| machine.grants().granted()).unwrap_or_default());
        settings
    }
}

fn terms(settings: &PluginSettings) -> Terms {
    Terms { pin: settings.sha256.clone(), limits: settings.terms }
}
