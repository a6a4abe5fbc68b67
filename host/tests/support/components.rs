//! The built components, read from where `cargo xtask build` leaves them, and a plug board to plug them into.

use std::{fs, path::Path, sync::Arc};

use cordboard::{
    dev::FakeHost,
    hub::LiveConfig,
    plugin::{CallContext, CallError, Choice, HostApi, Invocation, PluginError, PluginSettings, Registry, Swapped},
};
use cordboard_core::{
    config::{self, Config},
    types::{Caller, Place, Reply, Role, UserId},
};

use super::board::NOW;

/// The plugins that are part of the binary.
pub const STANDARD: [&str; 8] = ["control", "help", "lifecycle", "model", "persona", "sessions", "timeout", "views"];

/// Calls that may run at once on a test's plug board.
const PARALLEL: u32 = 16;

/// A standard plugin's bytes.
pub fn standard(name: &str) -> Vec<u8> {
    component(&format!("{name}.wasm"))
}

/// The bytes of a plugin that misbehaves.
pub fn bad(name: &str) -> Vec<u8> {
    component(&format!("bad/{name}.wasm"))
}

/// The bytes of a plugin that is shipped beside the standard ones.
pub fn extra(name: &str) -> Vec<u8> {
    component(&format!("extra/{name}.wasm"))
}

fn component(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins").join(path);
    fs::read(&path).unwrap_or_else(|error| {
        panic!("built without standard plugins: run cargo xtask build ({}: {error})", path.display())
    })
}

/// A component of nothing but what `text` says.
pub fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the text is right")
}

/// Fills a folder of compiled code with that of all standard plugins and of `/echo`.
pub async fn copy_compiled(into: &Path) {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    fs::create_dir(into).expect("it is new");
    let mut wanted: Vec<_> = STANDARD.iter().map(|name| standard(name)).collect();
    wanted.extend(["echo", "echo2"].map(bad));
    let plugs = plugs();
    for wasm in wanted {
        let digest = cordboard::plugin::digest(&wasm);
        drop(plugs.compile("any", digest.clone(), &wasm).await);
        for entry in fs::read_dir(&cache).expect("it is there").filter_map(Result::ok) {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(&digest) && name.to_string_lossy().ends_with(".cwasm") {
                fs::copy(entry.path(), into.join(name)).expect("it can be copied");
            }
        }
    }
}

/// An empty plug board. All tests share one folder of compiled code, so that each component is compiled once.
pub fn plugs() -> Arc<Registry> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    Arc::new(Registry::start(cache, env!("CARGO_BIN_EXE_cordboard").into(), PARALLEL).expect("an engine starts"))
}

/// A plug board, the board in memory behind it, one place and the owner who types there.
pub struct Bench {
    pub plugs: Arc<Registry>,
    pub memory: Arc<FakeHost>,
    pub board: Arc<dyn HostApi>,
    pub config: Config,
    pub place: Place,
    pub caller: Caller,
}

impl Bench {
    pub fn new() -> Self {
        Self::of("")
    }

    /// `text`: the operator's configuration.
    pub fn of(text: &str) -> Self {
        let demo = Choice { name: "demo".to_owned(), description: "demo".to_owned() };
        let memory = Arc::new(FakeHost::new(NOW, vec![demo]));
        Self {
            plugs: plugs(),
            board: Arc::clone(&memory) as Arc<dyn HostApi>,
            memory,
            config: config::load(text).unwrap_or_else(|error| panic!("{error}")),
            place: Place::new("console", "local"),
            caller: person("console:local", Role::Owner),
        }
    }

    /// With every standard plugin plugged in.
    pub async fn standard() -> Self {
        let bench = Self::new();
        for name in STANDARD {
            bench.plug(name, &standard(name)).await.unwrap_or_else(|refused| panic!("{name}: {refused}"));
        }
        bench
    }

    pub fn settings(&self, name: &str) -> PluginSettings {
        LiveConfig::new(self.config.clone()).plugin(name)
    }

    pub fn configure(&mut self, text: &str) {
        self.config = config::load(text).unwrap_or_else(|error| panic!("{error}"));
    }

    pub async fn plug(&self, name: &str, wasm: &[u8]) -> Result<Swapped, PluginError> {
        self.plugs.plug_in(name, wasm, (&self.settings(name), NOW)).await
    }

    /// Why `wasm` was refused.
    pub async fn refused(&self, name: &str, wasm: &[u8]) -> String {
        self.plug(name, wasm).await.expect_err("it should have been refused").to_string()
    }

    /// Types a command line without its slash.
    pub async fn call(&self, line: &str) -> Result<Reply, CallError> {
        self.call_as(&self.caller, line).await
    }

    pub async fn call_as(&self, caller: &Caller, line: &str) -> Result<Reply, CallError> {
        let (name, text) = line.split_once(' ').unwrap_or((line, ""));
        let table = self.plugs.table();
        let offer = table.command(name).unwrap_or_else(|| panic!("no plugin offers /{name}"));
        let asked = CallContext {
            caller: Some(caller.clone()),
            place: Some(self.place.clone()),
            active: self.board.active(caller, &self.place),
            locale: None,
        };
        self.memory.meet(&self.place, caller);
        let args = text.split_whitespace().map(str::to_owned).collect();
        let typed = Invocation { args, text: text.to_owned() };
        self.plugs.command(&self.board, (offer, asked), &typed).await
    }

    /// What is read in the chat.
    pub async fn read(&self, line: &str) -> String {
        match self.call(line).await {
            Ok(reply) => cordboard_core::render::plain(&reply.text),
            Err(CallError::Said(why)) => why,
            Err(error) => format!("it {error}"),
        }
    }

    /// What `/plugins` shows of a plugin: its health and its note.
    pub fn status(&self, name: &str) -> (String, String) {
        let table = self.plugs.table();
        let status = table.statuses().find(|status| status.name == name).expect("it is known");
        (status.health.as_str().to_owned(), status.note)
    }
}

pub fn person(id: &str, role: Role) -> Caller {
    Caller { id: UserId(id.to_owned()), name: id.to_owned(), role }
}
