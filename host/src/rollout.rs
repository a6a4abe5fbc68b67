//! Owns the rollout of plugins on a running host: new files, admin commands and rollbacks of versions that fail
//! during probation. Compiles in the background, and only the newest version of each plugin. Doesn't read the
//! configuration and doesn't check who may give which command.

mod admin;
mod approvals;
mod builds;
mod files;
mod notices;
mod rollback;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use cordboard_core::types::{Caller, Reply, Request};

use crate::{clock::Clock, plugin_sources::PluginSources};

pub use builds::Event;
pub use notices::Pace;

use builds::{Done, Jobs, Purpose};
use cordboard_runtime::{Activation, ActivationMode, PluginError, PluginSettings, Registry, short};
use notices::{Kind, Message, Notices};

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

pub struct Rollout {
    pub supply: PluginSources,
    /// The path of the configuration file, for messages about settings to correct.
    pub config_file: Option<String>,
    settings: Settings,
    clock: Clock,
    audience: Arc<dyn Notifier>,
    jobs: Jobs,
    notices: Notices,
    /// The versions about which the owner has been asked, by plugin and digest.
    asked: BTreeSet<(String, String)>,
    /// The last rejection that was notified for each plugin: digest and message.
    refused: BTreeMap<String, (String, String)>,
}

impl Rollout {
    #[must_use]
    pub fn new(supply: PluginSources, settings: Settings, (clock, audience): (Clock, Arc<dyn Notifier>)) -> Self {
        Self {
            supply,
            config_file: None,
            settings,
            clock,
            audience,
            jobs: Jobs::default(),
            notices: Notices::new(Pace::default()),
            asked: BTreeSet::new(),
            refused: BTreeMap::new(),
        }
    }

    /// Sets the rate limit of notices.
    #[must_use]
    pub fn at_pace(mut self, pace: Pace) -> Self {
        self.notices = Notices::new(pace);
        self
    }

    fn plugs(&self) -> &Arc<Registry> {
        &self.supply.plugs
    }

    /// Waits for the next event. Cancel safe.
    pub async fn next(&mut self) -> Event {
        let due = self.supply.decided.due();
        let at = due.as_ref().map(|(moment, _)| self.clock.instant(*moment));
        let told_at = self.notices.due();
        tokio::select! {
            event = self.jobs.next() => event,
            () = self.supply.plugs.fallen() => Event::Failed,
            () = tokio::time::sleep_until(told_at.unwrap_or_else(tokio::time::Instant::now)), if told_at.is_some() => {
                Event::Notices
            }
            () = tokio::time::sleep_until(at.unwrap_or_else(tokio::time::Instant::now)), if at.is_some() => {
                Event::Due(due.map(|(_, name)| name).unwrap_or_default())
            }
        }
    }

    pub async fn handle(&mut self, event: Event) {
        match event {
            Event::Compiled(done) => self.on_compiled(*done).await,
            Event::Slow(name) => self.on_slow(&name).await,
            Event::Failed => self.on_failed().await,
            Event::Due(name) => self.on_due(&name).await,
            Event::Notices => self.tell_notice().await,
        }
    }

    /// Queues a notice about `plugin`. It is sent soon, together with other notices.
    fn notify(&mut self, plugin: &str, kind: Kind, text: String) {
        self.notices.add(plugin, (kind, text), tokio::time::Instant::now());
    }

    /// Sends the next message.
    async fn tell_notice(&mut self) {
        let table = self.plugs().table();
        match self.notices.take(tokio::time::Instant::now(), |parked| approvals::is_open(&table, parked)) {
            Some(Message::Changes(text)) => self.audience.tell(text, None).await,
            Some(Message::Approvals(parked)) => self.ask(&parked).await,
            None => {}
        }
    }

    /// Sends all pending messages.
    async fn tell_notices(&mut self) {
        while self.notices.due().is_some() {
            self.tell_notice().await;
        }
    }

    /// Notifies everyone who waits for a slow compilation.
    async fn on_slow(&mut self, name: &str) {
        let Some((digest, answer)) = self.jobs.take_answer(name) else { return };
        let version = short(&digest).to_owned();
        tracing::info!(plugin = name, digest = version, "compiling takes a while");
        self.plugs().show_compiling(name, Some((digest, self.clock.now()))).await;
        let text = format!("Plugin '{name}', version {version}, is being compiled. You get a message when it is done.");
        match answer {
            Some((by, answer)) => {
                // The caller may be gone.
                let _: Result<(), _> = answer.send(Ok(text.clone()));
                self.audience.tell(text, Some(&by)).await;
            }
            None => self.notify(name, Kind::Progress, text),
        }
    }

    async fn on_compiled(&mut self, done: Done) {
        let Done { name, compiled, version, purpose, slow } = done;
        if slow {
            self.plugs().show_compiling(&name, None).await;
        }
        let settings = (self.settings)(&name);
        let context = (&settings, self.clock.now());
        let plugged = self.supply.activate((compiled, &version), context, purpose.entrance()).await;
        let plugged = self.or_the_one_before(&name, &version.digest, plugged).await;
        if let (Ok(_), ActivationMode::New | ActivationMode::Forced) = (&plugged, purpose.entrance()) {
            self.stand(&name, |standing| standing.on_activated()).await;
        }
        if matches!(plugged, Ok(Activation::New)) {
            self.asked.retain(|(asked, _)| *asked != name);
            self.refused.remove(&name);
        }
        let outcome = ActivePlugin { name, digest: version.digest, outcome: plugged };
        match purpose {
            Purpose::File(tell) => self.on_file_plugged(outcome, tell).await,
            Purpose::SessionCommand(given) => self.on_order_plugged(outcome, given).await,
            Purpose::Rollback(fall) => self.on_rolled_back(outcome, fall).await,
        }
    }

    /// Activates the last good version if a rejection leaves the plugin without an active version.
    async fn or_the_one_before(
        &self,
        name: &str,
        digest: &str,
        plugged: Result<Activation, PluginError>,
    ) -> Result<Activation, PluginError> {
        match plugged {
            Err(refused) if self.plugs().table().generation(name).is_none() => {
                let context = (&(self.settings)(name), self.clock.now());
                self.supply.go_back(name, digest, (refused, context)).await
            }
            plugged => plugged,
        }
    }

    /// Changes the rollout state of a plugin. If the store fails, the change still applies, and the error is logged.
    async fn stand(&self, name: &str, change: impl FnOnce(&mut cordboard_core::rollout::RolloutState)) {
        if let Err(error) = self.supply.decided.note(name, change).await {
            tracing::error!(plugin = name, %error, "failed to store the rollout state of a plugin");
        }
    }

    /// Describes the active version, such as "generation 3, 0123456789ab".
    fn serving(&self, name: &str) -> Option<String> {
        let table = self.plugs().table();
        table.generation(name).map(|one| format!("generation {}, {}", one.number, short(&one.digest)))
    }

    /// Formats a rejection for operators, with the path of the configuration file if the fix belongs there.
    fn told(&self, refused: &PluginError) -> String {
        self.config_file.as_ref().map_or_else(|| refused.to_string(), |file| refused.in_file(file))
    }

    fn goes_on(&self, name: &str) -> String {
        let table = self.plugs().table();
        table.generation(name).map_or_else(String::new, |one| format!("\nGeneration {} stays active.", one.number))
    }
}

/// The outcome of activating a compiled version.
struct ActivePlugin {
    name: String,
    digest: String,
    outcome: Result<Activation, PluginError>,
}
