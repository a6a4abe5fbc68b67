//! Runs one plugin on a fake host: activates it under the given configuration as a host would, and calls it as the
//! hub would.

use std::{path::PathBuf, sync::Arc};

use cordboard_chat::console;
use cordboard_core::{
    config::{self, Config},
    messages::{Answer, plain},
    route::{self, ChatInput, Invocation, Resolution},
    types::{Button, Caller, Place, Reply, Role, Timestamp, UserId},
};
use cordboard_runtime::{
    CallContext, CallError, Choice, ComponentInfo, FakeNetwork, HostApi, Offer, PluginError, PluginSettings, Registry,
};

use super::{
    build::size, error::KitError, fake_host::FakeHost, fake_network::Far, log::Log, progress,
    recorded_action::RecordedAction, subject::Subject,
};
use crate::{hub, plugin_sources::STANDARD};

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

pub struct PluginHarness {
    pub plugs: Arc<Registry>,
    pub board: Arc<FakeHost>,
    /// The fake network of a conversation. `None` uses the real one.
    pub far: Option<Arc<Far>>,
    pub log: Log,
    pub subject: Subject,
    pub caller: Caller,
    pub place: Place,
    pub locale: Option<String>,
}

impl PluginHarness {
    /// Creates an empty fake host at the time `now`, with the owner at the console and no active plugin.
    pub fn new(plugs: Arc<Registry>, log: Log, subject: Subject, (now, far): (Timestamp, Option<Arc<Far>>)) -> Self {
        let demo = Choice { name: "demo".to_owned(), description: "demo".to_owned() };
        let board = FakeHost::new(now, vec![demo]);
        let board = Arc::new(match &far {
            Some(far) => board.with_far_side(Arc::clone(far) as Arc<dyn FakeNetwork>),
            None => board,
        });
        plugs.stop_clock(now);
        let (caller, place) = (person("ada", Role::Owner), console::place().clone());
        Self { plugs, board, far, log, subject, caller, place, locale: None }
    }

    /// Sets the time of the fake host and of the clocks in guests.
    pub fn set_now(&self, now: Timestamp) {
        self.board.set_now(now);
        self.plugs.stop_clock(now);
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
        self.respond(ChatInput::Text { text: line, bot: None }).await
    }

    /// Handles the press of a button as the hub does: its command acts on the session of its message.
    pub async fn press(&self, button: &Button) -> Said {
        self.board.bind_call(button.session.clone());
        let input = ChatInput::Button { command: &button.command, plugin: button.of.as_deref() };
        let said = self.respond(input).await;
        self.board.bind_call(None);
        said
    }

    async fn respond(&self, input: ChatInput<'_>) -> Said {
        let table = self.plugs.table();
        match (route::resolve(input, self.caller.role, &*table), input) {
            (Resolution::Command { command, invocation }, _) => self.call(command, &invocation).await,
            (Resolution::Rejected(answer), _) => refused(answer),
            (Resolution::Prompt, ChatInput::Text { text, .. }) => self.prompt(text).await,
            (Resolution::Prompt, ChatInput::Button { .. }) | (Resolution::OtherBot, _) => {
                Said { reply: Reply::default(), failed: None }
            }
        }
    }

    async fn call(&self, offer: &Offer, typed: &Invocation) -> Said {
        let board = Arc::clone(&self.board) as Arc<dyn HostApi>;
        self.board.meet(&self.place, &self.caller);
        let asked = CallContext {
            caller: Some(self.caller.clone()),
            place: Some(self.place.clone()),
            active: None,
            locale: self.locale.clone(),
        };
        match self.plugs.command(&board, (offer, asked), typed).await {
            Ok(reply) => Said { reply, failed: None },
            Err(CallError::Plugin(why)) => Said { reply: plain(&why), failed: Some(why) },
            Err(error) => {
                let (name, plugin) = (offer.spec.name.clone(), offer.generation.name.clone());
                refused(Answer::CommandFailed { name, plugin, why: error.to_string() })
            }
        }
    }

    /// Handles a prompt for the active session. There is no agent here, so the prompt is only recorded.
    async fn prompt(&self, line: &str) -> Said {
        let Some(active) = self.board.active(&self.caller, &self.place) else { return refused(Answer::NoActive) };
        let sent = self.board.prompt(&self.caller, &active.record.name, line.to_owned()).await;
        let failed = sent.err().map(|refusal| refusal.text);
        Said { reply: plain(failed.as_deref().unwrap_or_default()), failed }
    }

    /// Returns the actions and log lines since the last call.
    pub fn take_deeds(&self) -> Vec<RecordedAction> {
        let mut deeds = self.board.take_deeds();
        deeds.extend(self.far.iter().flat_map(|far| far.take_deeds()));
        deeds.extend(self.log.take());
        deeds
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

/// Parses a configuration from the lines of a conversation: those of `[plugins.NAME]`, those of its `config` table,
/// and those of `[secrets]`.
pub fn configured(name: &str, (lines, own): (&[String], &[String]), secrets: &[String]) -> Result<Config, String> {
    let mut text = String::from("[secrets]\n");
    text.extend(secrets.iter().map(|line| format!("{line}\n")));
    text.push_str(&format!("[plugins.{name}]\n"));
    text.extend(lines.iter().map(|line| format!("{line}\n")));
    text.push_str(&format!("[plugins.{name}.config]\n"));
    for line in own {
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
        faults.join("; ")
    })
}
