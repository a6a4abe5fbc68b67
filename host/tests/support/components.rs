//! Loads the components that `cargo xtask build` has built, and provides a test host that activates and calls them.

use std::{fs, path::Path, sync::Arc};

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
use cordboard_watch::PluginContent;

use super::sample_sessions::NOW;

/// The plugins that are embedded in the binary.
pub const STANDARD: [&str; 9] =
    ["approval", "control", "help", "lifecycle", "persona", "sessions", "timeout", "usage", "views"];

/// The maximum number of concurrent calls in a test's registry.
const PARALLEL: u32 = 16;

/// Returns the bytes of a standard plugin.
pub fn standard(name: &str) -> Vec<u8> {
    component(&format!("{name}.wasm"))
}

/// Returns the bytes of a test plugin, from `plugins/bad`.
pub fn bad(name: &str) -> Vec<u8> {
    component(&format!("bad/{name}.wasm"))
}

/// Returns the bytes of a plugin that is shipped but not embedded.
pub fn extra(name: &str) -> Vec<u8> {
    component(&format!("extra/{name}.wasm"))
}

fn component(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins").join(path);
    fs::read(&path).unwrap_or_else(|error| {
        panic!("built without standard plugins: run cargo xtask build ({}: {error})", path.display())
    })
}

/// Assembles a component or a core module from its text format.
pub fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the text is valid")
}

/// Creates a compilation cache with all standard plugins, `echo` and `echo_v2`.
pub async fn copy_compiled(into: &Path) {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    fs::create_dir(into).expect("the cache does not exist yet");
    let mut wanted: Vec<_> = STANDARD.iter().map(|name| standard(name)).collect();
    wanted.extend(["echo", "echo_v2"].map(bad));
    let registry = empty_registry();
    for wasm in wanted {
        let digest = cordboard_runtime::digest(&wasm);
        drop(registry.compile("any", digest.clone(), &wasm).await);
        for entry in fs::read_dir(&cache).expect("the shared cache exists").filter_map(Result::ok) {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(&digest) && name.to_string_lossy().ends_with(".cwasm") {
                fs::copy(entry.path(), into.join(name)).expect("the artifact can be copied");
            }
        }
    }
}

/// Returns an empty registry. All tests share one compilation cache, so that each component is compiled once.
pub fn empty_registry() -> Arc<Registry> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    Arc::new(Registry::start(cache, env!("CARGO_BIN_EXE_cordboard").into(), PARALLEL).expect("an engine starts"))
}

/// Returns the content of a plugin file, as the watcher reports it.
pub fn content(wasm: &[u8]) -> PluginContent {
    PluginContent { digest: cordboard_runtime::digest(wasm), wasm: wasm.to_vec() }
}

/// A registry with a fake host in memory. By default, calls come from the owner at the console.
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

    /// Runs a command line, which is given without its slash.
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

    /// Runs a command line, and returns the plain text of its answer or of its error.
    pub async fn read(&self, line: &str) -> String {
        match self.call(line).await {
            Ok(reply) => cordboard_core::render::plain(&reply.text),
            Err(CallError::Plugin(why)) => why,
            Err(error) => format!("it {error}"),
        }
    }

    /// Returns the health and the note of a plugin, as shown by `/plugins`.
    pub fn status(&self, name: &str) -> (String, String) {
        let table = self.registry.snapshot();
        let status = table.statuses().find(|status| status.name == name).expect("the plugin is listed");
        (status.health.as_str().to_owned(), status.note)
    }
}

pub fn person(id: &str, role: Role) -> Caller {
    Caller { id: UserId(id.to_owned()), name: id.to_owned(), role }
}
