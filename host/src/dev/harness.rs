//! Runs one plugin on a fake host: activates the plugin with the given configuration, as a host would, and calls it as
//! the hub would.

use std::{path::PathBuf, sync::Arc};

use cordboard_chat::console;
use cordboard_core::{
    budget::Budget,
    config::{self, Config},
    messages::{self, FilterRefusal, HostReply, plain},
    route::{self, ChatInput, Invocation, Resolution},
    typed_agent_command::AgentCommandLine,
    types::{Button, Caller, FilterInput, Place, Reply, Request, Role, SessionView, Timestamp, Urgency, UserId},
};
use cordboard_runtime::{CallContext, ComponentInfo, HostApi, Offer, PluginError, Registry};

use super::{
    build::size,
    captured_log::Log,
    error::{ConfigFaults, DevError},
    fake_host::{self, AttachedFile, FakeHost},
    progress,
    recorded_action::RecordedAction,
    subject::Subject,
};
use crate::{
    hub::{self, FilterCalls, FilteredText, Press},
    standard_plugins::{STANDARD, StandardPlugin},
};

/// The maximum number of concurrent plugin calls, excluding `at-once` commands and filters: the tested call itself, and
/// one call that it may cause.
const PARALLEL: u32 = 2;

/// The settings of `cordboard plugin check`, `call` and `test`.
pub struct DevSettings {
    /// The cache folder for compiled components.
    pub cache: PathBuf,
    /// The operator's configuration. `None` if the command uses no configuration file.
    pub config: Option<Config>,
}

impl DevSettings {
    pub fn registry(&self) -> Result<Registry, DevError> {
        Ok(Registry::start(self.cache.clone(), cordboard_runtime::THIS_PROGRAM.into(), PARALLEL)?)
    }
}

/// A chat message.
#[derive(Debug, Clone, Copy)]
struct Message<'a> {
    text: &'a str,
    files: &'a [AttachedFile],
}

/// The result of a message or a button press.
pub struct Response {
    pub reply: Reply,
    /// The reason for a failure, such as a plugin error, a trap, an unknown command or a missing session. `None` if the
    /// call succeeded.
    pub failed: Option<String>,
}

/// A plugin on a fake host.
pub struct Harness {
    pub registry: Arc<Registry>,
    pub host: FakeHost,
    pub log: Log,
    pub subject: Subject,
    pub caller: Caller,
    pub place: Place,
    pub locale: Option<String>,
    /// The attachments of the next message.
    pub attachments: Vec<AttachedFile>,
}

impl Harness {
    /// Creates a harness in which the owner sends messages from the console. The plugin isn't active yet.
    pub fn new(registry: Arc<Registry>, log: Log, subject: Subject, host: FakeHost) -> Self {
        registry.fix_clock(host.now());
        let (caller, place) = (person("ada", Role::Owner), console::place().clone());
        Self { registry, host, log, subject, caller, place, locale: None, attachments: Vec::new() }
    }

    /// Sets the time of the fake host and of the guests' clocks.
    pub async fn set_now(&self, now: Timestamp) {
        self.registry.fix_clock(now);
        self.host.set_now(now);
        self.settle().await;
    }

    /// Answers the sessions' plugin queries, as the host does after a command.
    pub async fn settle(&self) {
        fake_host::settle(&self.registry, &self.host, &self.subject.name).await;
    }

    /// Activates the plugin, or applies new settings to it. Use `GrantPolicy::All` if no grants are configured.
    pub async fn activate(&self, config: &Config, grants: GrantPolicy) -> Result<(), PluginError> {
        let Subject { name, wasm, .. } = &self.subject;
        let mut settings = hub::plugin_settings(config, name);
        let info = self.info().await?;
        if grants == GrantPolicy::All {
            settings.grants.extend(info.to_grant().map(str::to_owned));
        }
        self.registry.activate_wasm(name, wasm, &settings, self.host.now()).await.map(drop)
    }

    /// Returns the component's imports and exports. Compiles the component if it is not cached, and shows progress if
    /// the compilation is slow.
    pub async fn info(&self) -> Result<ComponentInfo, PluginError> {
        let Subject { name, wasm, .. } = &self.subject;
        let what = format!("compiling '{name}' ({}); the result is cached", size(wasm.len()));
        progress::while_waiting(&what, self.registry.inspect(name, wasm)).await
    }

    /// Activates the standard plugins with their settings in `config`, except one that the plugin under test replaces.
    pub async fn activate_standards(&self, config: &Config) {
        for standard in STANDARD.iter().filter(|standard| standard.name != self.subject.name) {
            // Ignore a plugin that can't be activated: a host would reject it too, so the names of its commands
            // wouldn't be taken there.
            drop(self.activate_standard(standard, config).await);
        }
    }

    /// Activates a standard plugin in addition to the plugin under test.
    pub async fn activate_standard(&self, plugin: &StandardPlugin, config: &Config) -> Result<(), PluginError> {
        let settings = hub::plugin_settings(config, plugin.name);
        self.registry.activate_wasm(plugin.name, plugin.wasm, &settings, self.host.now()).await.map(drop)
    }

    /// Handles a chat line as the hub does. The message includes the [`Self::attachments`]; if there are any, the line
    /// may be empty.
    pub async fn say(&mut self, line: &str) -> Response {
        let files = std::mem::take(&mut self.attachments);
        if !files.is_empty() && line.trim().is_empty() {
            return self.prompt("", &files).await;
        }
        self.respond(&ChatInput::typed(line), Message { text: line, files: &files }, &self.host).await
    }

    /// Handles a button press as the hub does. `request` is the request that the button's message shows, if any.
    pub async fn press(&self, button: &Button, request: Option<Request>) -> Response {
        let session = button.session.as_ref().map(|id| self.host.name_of(id));
        let press = Arc::new(Press::new(session, request));
        let input = ChatInput::pressed(&button.command, button.plugin.as_deref());
        self.respond(&input, Message { text: &button.command, files: &[] }, &self.host.pressed(press)).await
    }

    /// Handles an input that was parsed from the text of `message`.
    async fn respond(&self, input: &ChatInput, message: Message<'_>, host: &FakeHost) -> Response {
        let table = self.registry.snapshot();
        match route::resolve(input, self.caller.role, &*table) {
            Resolution::Command { command, invocation } => self.call(command, invocation, host).await,
            Resolution::Rejected(answer) => refused(answer),
            Resolution::Prompt => self.prompt(message.text, message.files).await,
        }
    }

    async fn call(&self, offer: &Offer, typed: &Invocation, host: &FakeHost) -> Response {
        let host = Arc::new(host.clone()) as Arc<dyn HostApi>;
        self.host.add_member(&self.place, &self.caller);
        let context = CallContext {
            caller: Some(self.caller.clone()),
            place: Some(self.place.clone()),
            active: None,
            locale: self.locale.clone(),
        };
        match self.registry.command(&host, offer, context, typed).await {
            Ok(reply) => Response { reply, failed: None },
            Err(error) => {
                let why = hub::error_text(&error, offer, &self.host.active_in(&self.place));
                Response { reply: plain(&why), failed: Some(why) }
            }
        }
    }

    /// Handles a prompt for the active session as the hub does.
    async fn prompt(&self, text: &str, files: &[AttachedFile]) -> Response {
        let Some(active) = self.host.active(&self.caller, &self.place) else {
            return refused(hub::not_addressed(&self.host.active_in(&self.place)));
        };
        if let Some(budget) = self.host.day_budget().filter(Budget::is_spent) {
            let refusal = messages::budget_refusal(&budget);
            return refused(HostReply::BudgetSpent { refusal, message: messages::beginning(text) });
        }
        let FilteredText { text, notices } = match self.filter(&active, text, files).await {
            Ok(filtered) => filtered,
            Err(refusal) => return refused(HostReply::MessageRefused(refusal)),
        };
        for notice in notices {
            self.host.show(&self.place, Reply::text(notice));
        }
        let name = &active.record.name;
        self.host.accept(name, &self.place, &text, Urgency::Normal);
        if hub::waits(&active, &self.place, &self.host.config()) {
            return Response { reply: plain(&hub::acknowledgment(&active)), failed: None };
        }
        Response::nothing()
    }

    /// If the plugin is a filter, calls it on a message to an agent.
    async fn filter(
        &self,
        view: &SessionView,
        text: &str,
        files: &[AttachedFile],
    ) -> Result<FilteredText, FilterRefusal> {
        let name = &self.subject.name;
        // Agent commands are not filtered.
        let is_filter = self.registry.snapshot().has_filter(name) && AgentCommandLine::parse(text).is_none();
        let calls = FilterCalls {
            plugins: &self.registry,
            filters: if is_filter { std::slice::from_ref(name) } else { &[] },
            host: Arc::new(self.host.with_attachments(files)),
            view,
            context: CallContext {
                caller: Some(self.caller.clone()),
                place: Some(self.place.clone()),
                active: None,
                locale: self.locale.clone(),
            },
        };
        let files = files.iter().map(|attached| attached.file.clone()).collect();
        calls.apply(FilterInput { text: text.to_owned(), files }).await
    }

    /// Returns the actions recorded since the last call, then `requests`, then the lines logged since the last call.
    pub fn take_actions(&self, requests: Vec<RecordedAction>) -> Vec<RecordedAction> {
        let mut actions = self.host.take_actions();
        actions.extend(requests);
        actions.extend(self.log.take());
        actions
    }
}

impl Response {
    fn nothing() -> Self {
        Self { reply: Reply::default(), failed: None }
    }
}

/// The capabilities to grant to the plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantPolicy {
    /// Grants every requested capability that can be listed in `grants`, because the fake host has nothing to protect.
    /// Network addresses and secrets still need their own grants.
    All,
    /// Grants only the capabilities that are listed in the configuration.
    AsConfigured,
}

fn refused(answer: HostReply) -> Response {
    Response { reply: answer.reply(), failed: Some(answer.text()) }
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
    pub config: &'a [String],
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
    for line in lines.config {
        // Tables in the plugin's own configuration become tables below `[plugins.NAME.config]`.
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
