//! Runs the steps of a conversation on a plugin, and returns their results.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cordboard_core::{
    config::Config,
    render::one_line,
    types::{Button, Reply, Request, Timestamp},
};
use cordboard_runtime::Registry;

use super::{secrets::Secrets, turn::Shown};
use crate::dev::{
    fake_network::Far,
    harness::{ConfigLines, Lending, PluginHarness, World, configured},
    log::Log,
    recorded_action::RecordedAction,
    script::Act,
    subject::Subject,
};

/// The time at which every conversation starts: 2026-01-01, 9:00 UTC, in milliseconds.
const BEGINNING: Timestamp = Timestamp(1_767_258_000_000);

/// The results of a step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Came {
    /// Lines of the chat.
    pub chat: Vec<String>,
    pub deeds: Vec<String>,
}

/// The buttons of a message, and the request that they decide.
#[derive(Default)]
struct Buttons {
    buttons: Vec<Button>,
    request: Option<Request>,
}

pub struct Actor {
    pub stage: PluginHarness,
    /// The lines of `[plugins.NAME]`, and of its `config` table.
    pub lines: Vec<String>,
    pub own: Vec<String>,
    pub secrets: Secrets,
    /// The conversation's folder. File names in the conversation are relative to it.
    pub folder: PathBuf,
    pub far: Arc<Far>,
    /// The headers of webhook requests.
    pub headers: Vec<(String, String)>,
    /// The turn that is shown.
    pub turn: Option<Shown>,
    /// The last message that had buttons.
    buttons: Buttons,
    /// The configuration has changed since the plugin was activated.
    pub stale: bool,
}

impl Actor {
    pub fn new(plugs: Arc<Registry>, log: Log, subject: Subject, folder: &Path) -> Self {
        let far = Arc::new(Far::default());
        let board = Arc::clone(&plugs);
        let world = World { now: BEGINNING, config: Config::defaults(), far: Some(Arc::clone(&far)) };
        let stage = PluginHarness::new(plugs, log, subject, world);
        // `@with` adds personas of other plugins. `call` has no such directive, so it checks no personas.
        stage.board.know_personas(move || board.table().personas().map(|choice| choice.name.clone()).collect());
        Self {
            stage,
            lines: Vec::new(),
            own: Vec::new(),
            secrets: Secrets::default(),
            folder: folder.to_owned(),
            far,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            turn: None,
            buttons: Buttons::default(),
            stale: true,
        }
    }

    /// # Errors
    /// The line is invalid, or the plugin can't be activated.
    pub async fn act(&mut self, act: &Act) -> Result<Came, String> {
        let reply = match act {
            Act::Say(line) => self.say(line).await?,
            Act::Press(label) => {
                let pressed = self.buttons.buttons.iter().find(|button| button.label == *label);
                let button = pressed.cloned().ok_or_else(|| self.no_button(label))?;
                self.plug().await?;
                self.stage.press(&button, self.buttons.request.clone()).await.reply
            }
            Act::Directive { name, words } => self.direct(name, words).await?,
        };
        self.stage.settle().await;
        Ok(self.came(&reply))
    }

    fn no_button(&self, label: &str) -> String {
        let there: Vec<String> = self.buttons.buttons.iter().map(|button| format!("[{}]", button.label)).collect();
        match there.as_slice() {
            [] => format!("no message had a button [{label}]: none before this line has buttons"),
            [..] => format!("no message had a button [{label}]: the last one with buttons has {}", there.join(", ")),
        }
    }

    async fn say(&mut self, line: &str) -> Result<Reply, String> {
        self.plug().await?;
        Ok(self.stage.say(line).await.reply)
    }

    /// Activates the plugin with the current configuration. If no line has `grants`, everything is granted.
    pub async fn plug(&mut self) -> Result<(), String> {
        if !self.stale {
            return Ok(());
        }
        let config = self.config()?;
        let says = |line: &String| line.trim_start().starts_with("grants");
        let lending = if self.lines.iter().any(says) { Lending::AsGranted } else { Lending::All };
        self.stage.plug(&config, lending).await.map_err(|refused| format!("the plugin is rejected: {refused}"))?;
        self.stale = false;
        Ok(())
    }

    pub fn config(&self) -> Result<Config, String> {
        let lines = ConfigLines { plugin: &self.lines, own: &self.own, secrets: &self.secrets.lines() };
        configured(&self.stage.subject.name, lines).map_err(|faults| faults.to_string())
    }

    /// Posts to this place read like replies. Everything else is a recorded action.
    fn came(&mut self, reply: &Reply) -> Came {
        let mut came = Came::default();
        self.show(reply, &mut came.chat);
        for deed in self.stage.take_deeds() {
            match deed {
                RecordedAction::Posted(place, reply) if place == self.stage.place => self.show(&reply, &mut came.chat),
                other => came.deeds.push(one_line(&other.to_string(), usize::MAX)),
            }
        }
        came
    }

    fn show(&mut self, reply: &Reply, lines: &mut Vec<String>) {
        if !reply.buttons.is_empty() {
            let buttons = reply.buttons.iter().flatten().cloned().collect();
            self.buttons = Buttons { buttons, request: reply.request.clone() };
        }
        lines.extend(cordboard_chat::preview(reply, None).lines().map(|line| line.trim_end().to_owned()));
    }
}
