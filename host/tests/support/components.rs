//! Loads the components that `cargo xtask build` has built.

use std::{fs, path::Path, sync::Arc};

use cordboard_runtime::Registry;
use cordboard_watch::PluginContent;

/// The plugins that are embedded in the binary.
pub const STANDARD: [&str; 11] =
    ["access", "approval", "control", "files", "help", "lifecycle", "persona", "sessions", "timeout", "usage", "views"];

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
    fs::read(&path).unwrap_or_else(|error| panic!("failed to read {}: {error}; run cargo xtask build", path.display()))
}

/// Assembles a component or a core module from its text format.
pub fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the text is valid")
}

/// Creates a compilation cache that contains all standard plugins, `echo` and `echo_v2`.
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

/// Returns an empty registry. All tests share one compilation cache, so each component is compiled only once.
pub fn empty_registry() -> Arc<Registry> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    Arc::new(Registry::start(cache, env!("CARGO_BIN_EXE_cordboard").into(), PARALLEL).expect("an engine starts"))
}

/// Returns the content of a plugin file, as the watcher reports it.
pub fn content(wasm: &[u8]) -> PluginContent {
    PluginContent { digest: cordboard_runtime::digest(wasm), wasm: wasm.to_vec() }
}
