//! One plugin on a board in memory: plugged in as a host would, under what the configuration says of it, and called as the hub would.

use std::{path::PathBuf, sync::Arc};

use cordboard_core::{
    config::{self, Config},
    messages::{Answer, plain},
    route::{self, Routed},
    types::{Caller, Place, Reply, Role, Timestamp, UserId},
};

use super::{
    build::size, error::KitError, fake_host::FakeHost, fake_network::Far, log::Log, progress, project::Subject,
    recorded_action::RecordedAction,
};
use crate::{
    chat::console,
    hub,
    plugin::{
        self, CallContext, CallError, Choice, ComponentInfo, FakeNetwork, HostApi, Invocation, Offer, PluginError,
        PluginSettings, Registry,
    },
    plugin_sources::STANDARD,
};

/// Calls that may run at once: one is called, and it may meet itself.
const PARALLEL: u32 = 2;

/// What a call or a test takes of this machine.
pub struct Harness {
    /// The folder of compiled components.
    pub cache: PathBuf,
    /// What the operator says. None: the defaults, and a plugin is lent all that it asks for.
    pub config: Option<Config>,
}

impl Harness {
    pub fn plugs(&self) -> Result<Registry, KitError> {
        Ok(Registry::start(self.cache.clone(), plugin::THIS_PROGRAM.into(), PARALLEL)?)
    }
}

/// What a line or an event brought.
pub struct Said {
    pub reply: Reply,
    /// Why it is no answer: the plugin's own error, a trap, a limit, a command that nobody offers.
    pub failed: Option<String>,
}

pub struct PluginHarness {
    pub plugs: Arc<Registry>,
    pub board: Arc<FakeHost>,
    /// The network of a conversation; none where it is the real one.
    pub far: Option<Arc<Far>>,
    pub log: Log,
    pub subject: Subject,
    pub caller: Caller,
    pub place: Place,
    pub locale: Option<String>,
}

impl PluginHarness {
    /// An empty board at `now`, the owner at the console, and nothing plugged in.
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

    /// For the board and for what the plugin reads off a clock.
    pub fn set_now(&self, now: Timestamp) {
        self.board.set_now(now);
        self.plugs.stop_clock(now);
    }

    /// Plugs the subject in, or has it meet new settings. `Lending::All` where nobody says what it is granted.
    pub async fn plug(&self, config: &Config, lending: Lending) -> Result<(), PluginError> {
        let Subject { name, wasm, .. } = &self.subject;
        let mut settings = hub::plugin_settings(config, name);
        let look = self.look().await?;
        if lending == Lending::All {
            settings.grants.extend(look.to_grant().map(str::to_owned));
        }
        self.plugs.plug_in(name, wasm, (&settings, self.board.now())).await.map(drop)
    }

    /// What it asks for and offers. Compiles it where that was not done before; what takes long is told.
    pub async fn look(&self) -> Result<ComponentInfo, PluginError> {
        let Subject { name, wasm, .. } = &self.subject;
        let what = format!("compiling '{name}' ({}); once, the result is kept", size(wasm.len()));
        progress::while_waiting(&what, self.plugs.look(name, wasm)).await
    }

    /// Plugs in the standard plugins that a host under this configuration has beside it.
    pub async fn plug_standards(&self, config: &Config) {
        for standard in STANDARD.iter().filter(|standard| standard.name != self.subject.name) {
            let settings: PluginSettings = hub::plugin_settings(config, standard.name);
            let plugged = self.plugs.plug_in(standard.name, standard.wasm, (&settings, self.board.now())).await;
            // What a host refuses takes no name there either.
            drop(plugged);
        }
    }

    /// Plugs in a standard plugin beside it.
    pub async fn plug_standard(&self, name: &str) -> Result<(), String> {
        let standard = STANDARD.iter().find(|standard| standard.name == name);
        let standard = standard.ok_or_else(|| {
            let known: Vec<&str> = STANDARD.iter().map(|standard| standard.name).collect();
            format!("'{name}' is no standard plugin; there are {}", known.join(", "))
        })?;
        let settings: PluginSettings = hub::plugin_settings(&Config::defaults(), name);
        let plugged = self.plugs.plug_in(name, standard.wasm, (&settings, self.board.now())).await;
        plugged.map(drop).map_err(|refused| refused.to_string())
    }

    /// A line of the chat, as the hub serves it.
    pub async fn say(&self, line: &str) -> Said {
        let Routed::Command { name, args, text } = route::parse(line, None) else { return self.prompt(line).await };
        let table = self.plugs.table();
        let role = self.caller.role;
        let Some(offer) = table.command(&name) else {
            let known = table.commands().filter(|offer| role >= offer.spec.least_role);
            let nearest = route::nearest(&name, known.map(|offer| offer.spec.name.as_str())).map(str::to_owned);
            return refused(Answer::UnknownCommand { name, nearest });
        };
        if role < offer.spec.least_role {
            return refused(Answer::NotAllowed { name, role: offer.spec.least_role });
        }
        self.call(offer, &Invocation { args, text }).await
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
            Err(CallError::Said(why)) => Said { reply: plain(&why), failed: Some(why) },
            Err(error) => {
                let (name, plugin) = (offer.spec.name.clone(), offer.generation.name.clone());
                refused(Answer::CommandFailed { name, plugin, why: error.to_string() })
            }
        }
    }

    /// Words for the agent of the active session. There is no agent here: that it would have got them is a deed.
    async fn prompt(&self, line: &str) -> Said {
        let Some(active) = self.board.active(&self.caller, &self.place) else { return refused(Answer::NoActive) };
        let sent = self.board.prompt(&self.caller, &active.record.name, line.to_owned()).await;
        let failed = sent.err().map(|refusal| refusal.text);
        Said { reply: plain(failed.as_deref().unwrap_or_default()), failed }
    }

    /// What was done and logged since this was asked last.
    pub fn take_deeds(&self) -> Vec<RecordedAction> {
        let mut deeds = self.board.take_deeds();
        deeds.extend(self.far.iter().flat_map(|far| far.take_deeds()));
        deeds.extend(self.log.take());
        deeds
    }
}

/// Whether the configuration decides what a plugin is lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lending {
    /// There is nothing real behind the board: whatever it asks for.
    All,
    AsGranted,
}

fn refused(answer: Answer) -> Said {
    Said { reply: answer.reply(), failed: Some(answer.text()) }
}

/// Somebody at the console.
pub fn person(name: &str, role: Role) -> Caller {
    Caller { id: UserId(format!("{}:{name}", console::FRONT_END)), name: name.to_owned(), role }
}

/// A configuration from the lines of a conversation: those of `[plugins.NAME]`, those of its own table, and
/// those of `[secrets]`.
pub fn configured(name: &str, (lines, own): (&[String], &[String]), secrets: &[String]) -> Result<Config, String> {
    let mut text = String::from("[secrets]\n");
    text.extend(secrets.iter().map(|line| format!("{line}\n")));
    text.push_str(&format!("[plugins.{name}]\n"));
    text.extend(lines.iter().map(|line| format!("{line}\n")));
    text.push_str(&format!("[plugins.{name}.config]\n"));
    for line in own {
        // A table of its own is one below the plugin's.
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
