//! A test host that activates components and calls them.

use std::sync::Arc;

use cordboard::{
    dev::{FakeHost, settle},
    hub::LiveConfig,
};
use cordboard_core::{
    config::{self, Config},
    types::{Caller, Place, Reply, Role, UserId},
};
use cordboard_runtime::{
    Activation, CallContext, CallError, HostApi, Invocation, PluginError, PluginSettings, Registry,
};

use super::{
    components::{STANDARD, empty_registry, standard},
    sample_sessions::NOW,
};

/// A registry that uses an in-memory fake host. By default, calls come from the owner on the console.
pub struct TestHost {
    pub registry: Arc<Registry>,
    pub memory: FakeHost,
    pub host_api: Arc<dyn HostApi>,
    pub config: Config,
    pub place: Place,
    pub caller: Caller,
}

impl TestHost {
    pub fn new() -> Self {
        Self::of("")
    }

    /// Creates a host with the configuration `text`.
    pub fn of(text: &str) -> Self {
        let memory = FakeHost::new(NOW, Config::defaults(), None);
        Self {
            registry: empty_registry(),
            host_api: Arc::new(memory.clone()) as Arc<dyn HostApi>,
            memory,
            config: config::load(text).unwrap_or_else(|error| panic!("{error}")),
            place: Place::new("console", "local"),
            caller: person("console:local", Role::Owner),
        }
    }

    /// Creates a host with all standard plugins.
    pub async fn standard() -> Self {
        let host = Self::new();
        for name in STANDARD {
            host.plug(name, &standard(name)).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        host
    }

    pub fn settings(&self, name: &str) -> PluginSettings {
        LiveConfig::new(self.config.clone()).plugin(name)
    }

    pub fn configure(&mut self, text: &str) {
        self.config = config::load(text).unwrap_or_else(|error| panic!("{error}"));
    }

    pub async fn plug(&self, name: &str, wasm: &[u8]) -> Result<Activation, PluginError> {
        self.registry.activate_wasm(name, wasm, &self.settings(name), NOW).await
    }

    /// Tries to activate `wasm`, which must be rejected, and returns the reason.
    pub async fn refused(&self, name: &str, wasm: &[u8]) -> String {
        self.plug(name, wasm).await.expect_err("the component should have been rejected").to_string()
    }

    /// Runs a command line. `line` must not include the leading slash.
    pub async fn call(&self, line: &str) -> Result<Reply, CallError> {
        self.call_as(&self.caller, line).await
    }

    pub async fn call_as(&self, caller: &Caller, line: &str) -> Result<Reply, CallError> {
        let (name, text) = line.split_once(' ').unwrap_or((line, ""));
        let table = self.registry.snapshot();
        let offer = table.command(name).unwrap_or_else(|| panic!("no plugin exports /{name}"));
        let context = CallContext {
            caller: Some(caller.clone()),
            place: Some(self.place.clone()),
            active: self.host_api.active(caller, &self.place),
            locale: None,
        };
        self.memory.add_member(&self.place, caller);
        let args = text.split_whitespace().map(str::to_owned).collect();
        let typed = Invocation { args, text: text.to_owned() };
        let reply = self.registry.command(&self.host_api, offer, context, &typed).await;
        settle(&self.registry, &self.memory, "").await;
        reply
    }

    /// Runs a command line, and returns its answer or error as plain text.
    pub async fn read(&self, line: &str) -> String {
        match self.call(line).await {
            Ok(reply) => cordboard_core::render::plain(&reply.text),
            Err(CallError::Plugin(why)) => why,
            Err(error) => format!("it {error}"),
        }
    }

    /// Returns a plugin's health and note, as shown by `/plugins`.
    pub fn status(&self, name: &str) -> (String, String) {
        let table = self.registry.snapshot();
        let status = table.statuses().find(|status| status.name == name).expect("the plugin is listed");
        (status.health.as_str().to_owned(), status.note)
    }
}

pub fn person(id: &str, role: Role) -> Caller {
    Caller { id: UserId(id.to_owned()), name: id.to_owned(), role }
}
