//! Performs the rollouts of plugins: feeds the state machine of each plugin (`cordboard_core::rollout`) with files,
//! commands, settings and failed calls, and performs its effects in order. It must not decide anything itself.

mod builds_and_trials;
mod commands;
mod file_remedies;
mod notices;
mod published_status;
mod start;
mod versions;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    sync::Arc,
};

use async_trait::async_trait;
use cordboard_core::{
    messages::plugins as messages,
    rollout::{
        CommandId, Effect, FileState, Input, Machine, NoticeKind, RejectionText, RolloutSettings, TrialError, short,
    },
    types::{Caller, Reply, Request},
};
use cordboard_failpoints::{Failpoint, hit};
use cordboard_metrics::METRICS;
use cordboard_runtime::{FailedVersion, FolderFault, PendingApproval, PluginError, PluginSettings, Registry};
use cordboard_store::{Decisions, Store, StoreError};
use cordboard_watch::{FileError, PluginContent};
use tokio::time::{Instant, sleep_until};

use crate::clock::Clock;

pub use notices::Pace;
pub use start::RejectedFile;

use builds_and_trials::{FinishedJob, JobId, JobResult, Jobs};
use commands::RunningCommand;
use notices::Notices;
use versions::Versions;

/// The key for notices about the plugin folder, used in place of a plugin name. No plugin can have this name.
const FOLDER: &str = "";

/// Receives the notifications about rollouts.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Notifies the owner and the admins, except `but`, who receives the text as a reply.
    async fn notify(&self, text: String, but: Option<&Caller>);
    /// Asks the owner. The other operators receive the question without buttons.
    async fn ask(&self, question: Reply);
    /// Closes the requests about other versions of the plugin in `request`.
    async fn supersede(&self, request: &Request);
    /// Reports that the exports of `plugin` may have changed.
    async fn changed(&self, plugin: &str);
}

/// A function that returns the current settings of a plugin.
pub type Settings = Arc<dyn Fn(&str) -> PluginSettings + Send + Sync>;

/// The registry, the plugin folder and the store that a rollout works on.
pub struct Resources {
    pub registry: Arc<Registry>,
    pub folder: Option<PathBuf>,
    /// `None` if the rollout must not store anything, as in `cordboard check`.
    pub store: Option<Store>,
    /// The decisions in the store.
    pub decisions: Decisions,
}

/// An event of the rollout.
pub enum Event {
    JobFinished(Box<FinishedJob>),
    /// Calls to active versions failed.
    CallsFailed,
    /// One of this plugin's deadlines has passed.
    DeadlineDue(String),
    /// It is time to send the collected notices.
    NoticesDue,
}

pub struct Rollout {
    pub registry: Arc<Registry>,
    /// The path of the configuration file, for messages about settings to correct.
    pub config_file: Option<String>,
    versions: Versions,
    jobs: Jobs,
    decisions: Decisions,
    settings: Settings,
    clock: Clock,
    /// One machine for each plugin that is built in, has or had a file, or has stored decisions. When a plugin's file
    /// is removed, its machine stays, because the grants stay.
    machines: BTreeMap<String, Machine>,
    commands: BTreeMap<CommandId, RunningCommand>,
    last_command: u64,
    folder_fault: Option<String>,
    notices: Notices,
    /// `None` during startup, and in read-only commands such as `cordboard check`.
    notifier: Option<Arc<dyn Notifier>>,
}

impl Rollout {
    #[must_use]
    pub fn new(resources: Resources, settings: Settings, clock: Clock) -> Self {
        let Resources { registry, folder, store, decisions } = resources;
        Self {
            registry: Arc::clone(&registry),
            config_file: None,
            versions: Versions::new(folder, store),
            jobs: Jobs::new(registry),
            decisions,
            settings,
            clock,
            machines: BTreeMap::new(),
            commands: BTreeMap::new(),
            last_command: 0,
            folder_fault: None,
            notices: Notices::new(Pace::default()),
            notifier: None,
        }
    }

    /// Sets the timing and size of messages to the operators.
    #[must_use]
    pub fn at_pace(mut self, pace: Pace) -> Self {
        self.notices = Notices::new(pace);
        self
    }

    /// Sends notices to `notifier` from now on, including those collected during startup.
    pub fn set_notifier(&mut self, notifier: Arc<dyn Notifier>) {
        self.notifier = Some(notifier);
    }

    /// Waits for the next event. Cancel safe.
    pub async fn next(&mut self) -> Event {
        let deadlines = self.machines.iter().filter_map(|(name, machine)| Some((machine.poll_timeout()?, name)));
        let deadline = deadlines.min().map(|(at, name)| (self.clock.instant(at), name.clone()));
        let (due_at, notices_at) = (deadline.as_ref().map(|(at, _)| *at), self.notices.due());
        tokio::select! {
            finished = self.jobs.next() => Event::JobFinished(Box::new(finished)),
            () = self.registry.failed_call() => Event::CallsFailed,
            () = sleep_until(notices_at.unwrap_or_else(Instant::now)), if notices_at.is_some() => Event::NoticesDue,
            () = sleep_until(due_at.unwrap_or_else(Instant::now)), if due_at.is_some() => {
                Event::DeadlineDue(deadline.map(|(_, name)| name).unwrap_or_default())
            }
        }
    }

    pub async fn handle(&mut self, event: Event) {
        match event {
            Event::JobFinished(job) => self.on_job_finished(*job).await,
            Event::CallsFailed => {
                for FailedVersion { plugin, digest, calls, last } in self.registry.take_failed() {
                    self.feed(&plugin, Input::Failed { digest, calls, last }).await;
                }
            }
            Event::DeadlineDue(name) => self.feed(&name, Input::Timeout).await,
            Event::NoticesDue => self.send_notice().await,
        }
    }

    async fn on_job_finished(&mut self, FinishedJob { id, result }: FinishedJob) {
        let JobId { plugin, ticket } = id;
        let input = match result {
            JobResult::Built(result) => {
                Input::Built { ticket, result: result.map_err(|why| self.trial_error(&plugin, &why)) }
            }
            JobResult::Tried(result) => {
                Input::Tried { ticket, result: result.map_err(|why| self.trial_error(&plugin, &why)) }
            }
        };
        self.feed(&plugin, input).await;
    }

    fn trial_error(&self, name: &str, why: &PluginError) -> TrialError {
        let operator_text = self.config_file.as_ref().map_or_else(|| why.to_string(), |file| why.in_file(file));
        TrialError {
            reason: RejectionText { why: why.to_string(), operator_text },
            missing: why.missing().to_vec(),
            exceeds: self.registry.exceeds(name, &self.settings_of(name)),
        }
    }

    /// Handles a plugin file that is new or has changed.
    pub async fn on_file(&mut self, name: &str, content: PluginContent) {
        let file = self.versions.add_file(name, content);
        self.on_file_state(name, file).await;
    }

    /// Handles a plugin file that can't be used.
    pub async fn on_unreadable(&mut self, name: &str, error: &FileError) {
        self.versions.remove_file(name);
        let file = self.versions.unusable(name, error);
        self.on_file_state(name, file).await;
    }

    /// Handles the removal of a plugin's file.
    pub async fn on_removed(&mut self, name: &str) {
        tracing::info!(plugin = name, "plugin file removed");
        self.versions.remove_file(name);
        self.on_file_state(name, FileState::Absent).await;
    }

    async fn on_file_state(&mut self, name: &str, file: FileState) {
        if !self.machines.contains_key(name) {
            self.add(name, FileState::Absent).await;
        }
        self.feed(name, Input::File(file)).await;
    }

    /// Handles a plugin folder fault, or the end of the fault if `fault` is `None`.
    pub async fn on_folder(&mut self, fault: Option<String>) {
        let (kind, text) = match &fault {
            Some(why) => {
                tracing::warn!(why, "the plugin folder cannot be used");
                (NoticeKind::Trouble, messages::folder_fault(why))
            }
            None => (NoticeKind::Done, messages::folder_usable()),
        };
        self.folder_fault.clone_from(&fault);
        let since = self.clock.now();
        self.registry.set_folder_fault(fault.clone().map(|why| FolderFault { why, since })).await;
        self.notices.add(FOLDER, kind, text, Instant::now());
        for name in self.names() {
            self.feed(&name, Input::Folder(fault.clone())).await;
        }
    }

    /// Applies new settings to these plugins and to plugins with a version that is waiting for different settings.
    pub async fn apply_settings(&mut self, names: BTreeSet<String>) {
        for name in self.names() {
            let is_waiting = self.machines.get(&name).is_some_and(Machine::is_waiting);
            if is_waiting || names.contains(&name) {
                self.feed(&name, Input::Settings(rollout_settings(&(self.settings)(&name)))).await;
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.machines.keys().cloned().collect()
    }

    /// Returns the plugin's settings, with the capabilities that the owner granted in the chat.
    fn settings_of(&self, name: &str) -> PluginSettings {
        let mut settings = (self.settings)(name);
        settings.grants.extend(self.machines.get(name).map(|machine| machine.grants().granted()).unwrap_or_default());
        settings
    }

    async fn feed(&mut self, name: &str, input: Input) {
        let now = self.clock.now();
        let Some(machine) = self.machines.get_mut(name) else { return };
        let before = machine.state().rollbacks.last().cloned();
        let effects = machine.handle(input, now);
        let last = machine.state().rollbacks.last();
        if last != before.as_ref() && last.is_some_and(|rollback| rollback.at == now) {
            METRICS.rolled_back(name);
        }
        self.perform_all(name, effects).await;
    }

    async fn perform_all(&mut self, name: &str, effects: Vec<Effect>) {
        let number = |rollout: &Self| rollout.registry.snapshot().version(name).map(|one| one.generation);
        let before = number(self);
        self.show(name).await;
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            let Some(input) = self.perform(name, effect).await else { continue };
            let now = self.clock.now();
            let Some(machine) = self.machines.get_mut(name) else { return };
            effects.extend(machine.handle(input, now));
            self.show(name).await;
        }
        if !self.machines.get(name).is_some_and(Machine::is_working) {
            self.versions.release(name);
            self.jobs.release(name);
        }
        if before != number(self)
            && let Some(notifier) = self.notifier.clone()
        {
            notifier.changed(name).await;
        }
    }

    /// Performs an effect. Returns the input for the machine if the effect is an activation.
    async fn perform(&mut self, name: &str, effect: Effect) -> Option<Input> {
        let job = |ticket| JobId { plugin: name.to_owned(), ticket };
        match effect {
            Effect::Persist | Effect::PersistAnswer(_) => {
                if let Err(error) = self.persist(name, &effect).await {
                    tracing::error!(plugin = name, %error, "failed to store the rollout state of a plugin");
                }
            }
            Effect::Store { digest, replaced } => self.versions.save(name, &digest, replaced.as_deref()).await,
            Effect::DeleteStored => self.versions.delete(name).await,
            Effect::Build { ticket, digest } => {
                tracing::info!(plugin = name, digest = short(&digest), "compiling");
                let bytes = self.versions.bytes(name, &digest);
                self.jobs.build(job(ticket), digest, bytes);
            }
            Effect::Try { ticket, digest, mode } => {
                self.jobs.try_version(job(ticket), &digest, self.settings_of(name), mode);
            }
            Effect::Cancel { ticket } => self.jobs.cancel(&job(ticket)),
            Effect::Activate { ticket, drain } => {
                let result = self.jobs.activate(&job(ticket), drain, self.clock.now()).await;
                let result = result.map_err(|why| self.trial_error(name, &why));
                hit(Failpoint::PluginActivated);
                return Some(Input::Activated { ticket, result });
            }
            Effect::Deactivate { drain } => self.registry.remove_plugin(name, drain).await,
            Effect::RequestApproval { digest, missing } => {
                self.ask(PendingApproval { plugin: name.to_owned(), digest, missing }).await;
            }
            Effect::Notify { kind, text } => self.notices.add(name, kind, text, Instant::now()),
            Effect::Progress { command, text } => self.answer_progress(command, text).await,
            Effect::Answer { command, answer } => self.answer(command, answer).await,
        }
        None
    }

    /// Performs a `Persist` or `PersistAnswer` effect.
    async fn persist(&self, name: &str, effect: &Effect) -> Result<(), StoreError> {
        let (Some(store), Some(machine)) = (self.versions.store(), self.machines.get(name)) else { return Ok(()) };
        if let Effect::PersistAnswer(answer) = effect {
            store.save_grant_answer(answer.clone()).await?;
        } else {
            store.save_rollout_state(name, machine.state()).await?;
        }
        hit(Failpoint::DecisionStored);
        Ok(())
    }
}

fn rollout_settings(settings: &PluginSettings) -> RolloutSettings {
    RolloutSettings { pin: settings.sha256.clone(), limits: settings.rollout }
}
