//! Runs one plugin on a fake host: activates it under the given configuration as a host would, and calls it as the
//! hub would.

use std::{path::PathBuf, sync::Arc};

use cordboard_chat::console;
use cordboard_core::{
    config::{self, Config},
    messages::{self, Answer, plain},
    route::{self, ChatInput, Invocation, Resolution},
    types::{Button, Caller, Place, Reply, Request, Role, Timestamp, UserId},
};
use cordboard_runtime::{
    CallContext, ComponentInfo, FakeNetwork, HostApi, Offer, PluginError, PluginSettings, Registry,
};

use super::{
    build::size,
    error::{ConfigFaults, KitError},
    fake_host::{self, FakeHost},
    fake_network::Far,
    log::Log,
    progress,
    recorded_action::RecordedAction,
    subject::Subject,
};
use crate::{
    hub::{self, Press},
    standard_plugins::STANDARD,
};

/// The maximum number of concurrent calls: the call itself, and one that it may cause.
const PARALLEL: u32 = 2;

/// The settings of a call or a test on this machine.
pub struct Harness {
    /// The folder of compiled components.
    pub cache: PathBuf,
    /// The operator's configuration. With `None`, the defaults apply and the plugin gets all capabilities that it
    /// requests.
    pub config: Option<Config>,
}

impl Harness {
    pub fn plugs(&self) -> Result<Registry, KitError> {
        Ok(Registry::start(self.cache.clone(), cordboard_runtime::THIS_PROGRAM.into(), PARALLEL)?)
    }
}

/// The result of a line or an event.
pub struct Said {
    pub reply: Reply,
    /// The reason if there is no regular answer: the plugin's own error, a trap, a limit, an unknown command.
    pub failed: Option<String>,
}

/// The surroundings of a plugin.
pub struct World {
    pub now: Timestamp,
    pub config: Config,
    /// The fake network of a conversation. `None` uses the real one.
    pub far: Option<Arc<Far>>,
}

pub struct PluginHarness {
    pub plugs: Arc<Registry>,
    pub board: FakeHost,
    pub far: Option<Arc<Far>>,
    pub log: Log,
    pub subject: Subject,
    pub caller: Caller,
    pub place: Place,
    pub locale: Option<String>,
}

impl PluginHarness {
    /// Creates an empty fake host, with the owner at the console and no active plugin.
    pub fn new(plugs: Arc<Registry>, log: Log, subject: Subject, world: World) -> Self {
        let World { now, config, far } = world;
        let network = far.clone().map(|far| far as Arc<dyn FakeNetwork>);
        let board = FakeHost::new(now, config, network);
        plugs.stop_clock(now);
        let (caller, place) = (person("ada", Role::Owner), console::place().clone());
        Self { plugs, board, far, log, subject, caller, place, locale: None }
    }

    /// Sets the time of the fake host and of the clocks in guests.
    pub async fn set_now(&self, now: Timestamp) {
        self.plugs.stop_clock(now);
        self.board.set_now(now);
        self.settle().await;
    }

    /// Answers the questions of sessions to plugins, as the host does after a command.
    pub async fn settle(&self) {
        fake_host::settle(&self.plugs, &self.board).await;
    }

    /// Activates the plugin, or applies new settings to it. Use `Lending::All` if no grants are configured.
    pub async fn plug(&self, config: &Config, lending: Lending) -> Result<(), PluginError> {
        let Subject { name, wasm, .. } = &self.subject;
        let mut settings = hub::plugin_settings(config, name);
        let look = self.look().await?;
        if lending == Lending::All {
            settings.grants.extend(look.to_grant().map(str::to_owned));
        }
        self.plugs.activate_wasm(name, wasm, (&settings, self.board.now())).await.map(drop)
    }

    /// Returns the component's imports and exports. Compiles it if it is not cached, and shows progress if that takes
    /// long.
    pub async fn look(&self) -> Result<ComponentInfo, PluginError> {
        let Subject { name, wasm, .. } = &self.subject;
        let what = format!("compiling '{name}' ({}); the result is cached", size(wasm.len()));
        progress::while_waiting(&what, self.plugs.look(name, wasm)).await
    }

    /// Activates the other standard plugins that a host with this configuration has.
    pub async fn plug_standards(&self, config: &Config) {
        for standard in STANDARD.iter().filter(|standard| standard.name != self.subject.name) {
            let settings: PluginSettings = hub::plugin_settings(config, standard.name);
            let plugged = self.plugs.activate_wasm(standard.name, standard.wasm, (&settings, self.board.now())).await;
            // A plugin that a host rejects takes no names there either.
            drop(plugged);
        }
    }

    /// Activates one standard plugin in addition.
    pub async fn plug_standard(&self, name: &str) -> Result<(), String> {
        let standard = STANDARD.iter().find(|standard| standard.name == name);
        let standard = standard.ok_or_else(|| {
            let known: Vec<&str> = STANDARD.iter().map(|standard| standard.name).collect();
            format!("'{name}' is not a standard plugin; known plugins: {}", known.join(", "))
        })?;
        let settings: PluginSettings = hub::plugin_settings(&Config::defaults(), name);
        let plugged = self.plugs.activate_wasm(name, standard.wasm, (&settings, self.board.now())).await;
        plugged.map(drop).map_err(|refused| refused.to_string())
    }

    /// Handles a line of the chat as the hub does.
    pub async fn say(&self, line: &str) -> Said {
        self.respond(ChatInput::Text { text: line, bot: None }, &self.board).await
    }

    /// Handles the press of a button as the hub does. `request` is what its message asks.
    pub async fn press(&self, button: &Button, request: Option<Request>) -> Said {
        let press = Arc::new(Press::new(button.session.clone(), request));
        let input = ChatInput::Button { command: &button.command, plugin: button.of.as_deref() };
        self.respond(input, &self.board.pressed(press)).await
    }

    async fn respond(&self, input: ChatInput<'_>, board: &FakeHost) -> Said {
        let table = self.plugs.table();
        match (route::resolve(input, self.caller.role, &*table), input) {
            (Resolution::Command { command, invocation }, _) => self.call(command, &invocation, board).await,
            (Resolution::Rejected(answer), _) => refused(answer),
            (Resolution::Prompt, ChatInput::Text { text, .. }) => self.prompt(text),
            (Resolution::Prompt, ChatInput::Button { .. }) | (Resolution::OtherBot, _) => Said::nothing(),
        }
    }

    async fn call(&self, offer: &Offer, typed: &Invocation, board: &FakeHost) -> Said {
        let board = Arc::new(board.clone()) as Arc<dyn HostApi>;
        self.board.meet(&self.place, &self.caller);
        let asked = CallContext {
            caller: Some(self.caller.clone()),
            place: Some(self.place.clone()),
            active: None,
            locale: self.locale.clone(),
        };
        match self.plugs.command(&board, (offer, asked), typed).await {
            Ok(reply) => Said { reply, failed: None },
            Err(error) => {
                let why = hub::error_text(&error, offer, &self.board.active_in(&self.place));
                Said { reply: plain(&why), failed: Some(why) }
            }
        }
    }

    /// Handles a prompt for the active session as the hub does.
    fn prompt(&self, text: &str) -> Said {
        let Some(active) = self.board.active(&self.caller, &self.place) else {
            return refused(hub::not_addressed(&self.board.active_in(&self.place)));
        };
        let name = &active.record.name;
        self.board.accept(name, &self.place, text);
        if hub::waits(&active, &self.board.config().sessions) {
            return Said { reply: plain(&messages::waits(name)), failed: None };
        }
        Said::nothing()
    }

    /// Returns the actions and log lines since the last call.
    pub fn take_deeds(&self) -> Vec<RecordedAction> {
        let mut deeds = self.board.take_deeds();
        deeds.extend(self.far.iter().flat_map(|far| far.take_deeds()));
        deeds.extend(self.log.take());
        deeds
    }
}

impl Said {
    fn nothing() -> Self {
        Self { reply: Reply::default(), failed: None }
    }
}

/// Whether the configuration decides about the plugin's capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lending {
    /// Grants every requested capability. The fake host has nothing to protect.
    All,
    AsGranted,
}

fn refused(answer: Answer) -> Said {
    Said { reply: answer.reply(), failed: Some(answer.text()) }
}

/// Returns a person at the console.
pub fn person(name: &str, role: Role) -> Caller {
    Caller { id: UserId(format!("{}:{name}", console::FRONT_END)), name: name.to_owned(), role }
}

/// The lines of a configuration for one plugin.
#[derive(Debug, Clone, Copy)]
pub struct ConfigLines<'a> {
    /// Lines of `[plugins.NAME]`.
    pub plugin: &'a [String],
    /// Lines of `[plugins.NAME.config]`.
    pub own: &'a [String],
    /// Lines of `[secrets]`.
    pub secrets: &'a [String],
}

/// Parses the configuration of the plugin `name`.
pub fn configured(name: &str, lines: ConfigLines<'_>) -> Result<Config, ConfigFaults> {
    let mut text = String::from("[secrets]\n");
    text.extend(lines.secrets.iter().map(|line| format!("{line}\n")));
    text.push_str(&format!("[plugins.{name}]\n"));
    text.extend(lines.plugin.iter().map(|line| format!("{line}\n")));
    text.push_str(&format!("[plugins.{name}.config]\n"));
    for line in lines.own {
        // Tables of the plugin's own configuration are nested below its table.
        let line = match line.strip_prefix("[[") {
            Some(rest) => format!("[[plugins.{name}.config.{rest}"),
            None => {
                line.strip_prefix('[').map_or_else(|| line.clone(), |rest| format!("[plugins.{name}.config.{rest}"))
            }
        };
        text.push_str(&format!("{line}\n"));
    }
    config::load(&text).map_err(|error| {
        let faults: Vec<&str> = error.faults().iter().map(|fault| fault.message.as_str()).collect();
        ConfigFaults(faults.join("; "))
    })
}
