//! Runs a conversation's steps on a plugin, and returns their results.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cordboard_core::{
    config::Config,
    language::{self, Language},
    render::one_line,
    types::{Button, Reply, Request, Timestamp},
};
use cordboard_runtime::{FakeNetwork, Registry};

use super::{
    script::StepKind, scripted_network::ScriptedNetwork, secrets::Secrets, step_error::StepError, turn::ShownTurn,
};
use crate::dev::{
    captured_log::Log,
    fake_host::FakeHost,
    harness::{ConfigLines, GrantPolicy, Harness, configured},
    recorded_action::RecordedAction,
    subject::Subject,
};

/// The time at which every conversation starts: 2026-01-01, 9:00 UTC, in milliseconds.
const BEGINNING: Timestamp = Timestamp(1_767_258_000_000);

/// The results of a step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepOutput {
    /// Lines of the chat.
    pub chat: Vec<String>,
    pub actions: Vec<String>,
}

/// A message's buttons, and the request that they answer, if any.
#[derive(Default)]
struct Buttons {
    buttons: Vec<Button>,
    request: Option<Request>,
}

pub struct StepRunner {
    pub harness: Harness,
    /// The lines of `[plugins.NAME]`.
    pub plugin_lines: Vec<String>,
    /// The lines of `[plugins.NAME.config]`.
    pub config_lines: Vec<String>,
    pub secrets: Secrets,
    /// The conversation's folder. File names in the conversation are relative to it.
    pub folder: PathBuf,
    pub network: Arc<ScriptedNetwork>,
    /// The headers to send with webhook requests.
    pub headers: Vec<(String, String)>,
    /// The turn shown by the last `@turn` directive.
    pub turn: Option<ShownTurn>,
    /// The buttons of the last message that had any.
    buttons: Buttons,
    /// Whether the configuration has changed since the plugin was activated.
    pub stale: bool,
}

impl StepRunner {
    pub fn new(registry: Arc<Registry>, log: Log, subject: Subject, folder: &Path) -> Self {
        let network = Arc::new(ScriptedNetwork::default());
        let host = FakeHost::new(BEGINNING, Config::defaults(), Some(Arc::clone(&network) as Arc<dyn FakeNetwork>));
        // Check the names of personas, because `@with` can add the plugins that export them. `cordboard plugin call`
        // can't add plugins, so it accepts any name.
        let plugins = Arc::clone(&registry);
        host.set_personas(move || plugins.snapshot().personas().map(|choice| choice.name.clone()).collect());
        let harness = Harness::new(registry, log, subject, host);
        Self {
            harness,
            plugin_lines: Vec::new(),
            config_lines: Vec::new(),
            secrets: Secrets::default(),
            folder: folder.to_owned(),
            network,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            turn: None,
            buttons: Buttons::default(),
            stale: true,
        }
    }

    /// # Errors
    /// The line is invalid, or the plugin can't be activated.
    pub async fn run(&mut self, step: &StepKind) -> Result<StepOutput, StepError> {
        let language = self.harness.locale.as_deref().and_then(Language::from_tag);
        language::scope(language, self.run_in_language(step)).await
    }

    async fn run_in_language(&mut self, step: &StepKind) -> Result<StepOutput, StepError> {
        let reply = match step {
            StepKind::Say(line) => self.say(line).await?,
            StepKind::Press(label) => {
                let pressed = self.buttons.buttons.iter().find(|button| button.label == *label);
                let button = pressed.cloned().ok_or_else(|| self.no_button(label))?;
                self.activate().await?;
                self.harness.press(&button, self.buttons.request.clone()).await.reply
            }
            StepKind::Directive { name, words } => self.direct(name, words).await?,
        };
        self.harness.settle().await;
        Ok(self.output(&reply))
    }

    fn no_button(&self, label: &str) -> StepError {
        let labels: Vec<String> = self.buttons.buttons.iter().map(|button| format!("[{}]", button.label)).collect();
        if labels.is_empty() {
            StepError::NoButtons(label.to_owned())
        } else {
            StepError::NoSuchButton { label: label.to_owned(), labels: labels.join(", ") }
        }
    }

    async fn say(&mut self, line: &str) -> Result<Reply, StepError> {
        self.activate().await?;
        Ok(self.harness.say(line).await.reply)
    }

    /// Activates the plugin with the current configuration. If no line sets `grants`, grants every requested capability
    /// that could be listed there.
    pub async fn activate(&mut self) -> Result<(), StepError> {
        if !self.stale {
            return Ok(());
        }
        let config = self.config()?;
        let says = |line: &String| line.trim_start().starts_with("grants");
        let grants = if self.plugin_lines.iter().any(says) { GrantPolicy::AsConfigured } else { GrantPolicy::All };
        self.harness.activate(&config, grants).await.map_err(StepError::Rejected)?;
        self.stale = false;
        Ok(())
    }

    pub fn config(&self) -> Result<Config, StepError> {
        let lines =
            ConfigLines { plugin: &self.plugin_lines, config: &self.config_lines, secrets: &self.secrets.lines() };
        Ok(configured(&self.harness.subject.name, lines)?)
    }

    /// Returns the results of a step. A post to the current place is shown like a reply; everything else is listed as
    /// an action.
    fn output(&mut self, reply: &Reply) -> StepOutput {
        let mut output = StepOutput::default();
        self.show(reply, &mut output.chat);
        let requests = self.network.take_requests();
        for action in self.harness.take_actions(requests) {
            if let RecordedAction::Posted(place, reply) = &action
                && *place == self.harness.place
            {
                self.show(reply, &mut output.chat);
            } else {
                output.actions.push(one_line(&action.to_string(), usize::MAX));
            }
        }
        output
    }

    fn show(&mut self, reply: &Reply, lines: &mut Vec<String>) {
        if !reply.buttons.is_empty() {
            let buttons = reply.buttons.iter().flatten().cloned().collect();
            self.buttons = Buttons { buttons, request: reply.request.clone() };
        }
        lines.extend(cordboard_chat::console::preview(reply, None).lines().map(|line| line.trim_end().to_owned()));
    }
}
