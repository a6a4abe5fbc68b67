//! Tests plugin sources: a file in the plugin folder takes precedence over the embedded plugin, and a bad file leaves
//! the last good version active. Also tests the compilation cache and compiler failures.

use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use cordboard::{
    clock::Clock,
    hub::LiveConfig,
    rollout::{RejectedFile, Resources, Rollout},
    standard_plugins::STANDARD,
};
use cordboard_core::types::Place;
use cordboard_runtime::{CallContext, HostApi, Invocation, digest};
use cordboard_store::{Decisions, Store};
use tempfile::TempDir;

use crate::{
    components::{bad, content, empty_registry, standard},
    sample_sessions::NOW,
    test_host::TestHost,
};

/// The time limit of a wait. Only a test that hangs reaches it.
const LIMIT: Duration = Duration::from_secs(60);

/// A plugin folder and a store, shared by consecutive hosts.
struct World {
    _folder: TempDir,
    plugins: PathBuf,
    store: Store,
    test_host: TestHost,
}

impl World {
    fn new() -> Self {
        assert!(!STANDARD.is_empty(), "built without standard plugins: run cargo xtask build");
        let folder = tempfile::tempdir().unwrap();
        let plugins = folder.path().join("plugins");
        fs::create_dir(&plugins).unwrap();
        let (store, _) = cordboard_store::open(&folder.path().join("state")).unwrap();
        Self { _folder: folder, plugins, store, test_host: TestHost::new() }
    }

    fn save(&self, name: &str, wasm: &[u8]) {
        fs::write(self.plugins.join(format!("{name}.wasm")), wasm).unwrap();
    }

    /// Starts a host's rollout. Returns the rollout and the files that it rejected.
    async fn start(&self) -> (Rollout, Vec<RejectedFile>) {
        let (folder, decisions) = (Some(self.plugins.clone()), Decisions::default());
        let resources = Resources { registry: empty_registry(), folder, store: Some(self.store.clone()), decisions };
        let config = LiveConfig::new(self.test_host.config.clone());
        let mut rollout = Rollout::new(resources, Arc::new(move |name: &str| config.plugin(name)), Clock::system());
        let rejected = rollout.start().await;
        (rollout, rejected)
    }

    /// Saves a version. If it is rejected, returns the reason as an error.
    async fn save_new(&self, rollout: &mut Rollout, name: &str, wasm: &[u8]) -> Result<(), String> {
        self.save(name, wasm);
        rollout.on_file(name, content(wasm)).await;
        rollout.settle().await;
        let table = rollout.registry.snapshot();
        let rejected = table.entry(name).and_then(|entry| entry.rollout.rejected.clone());
        rejected.map_or(Ok(()), |rejected| Err(rejected.why))
    }

    async fn remove(&self, rollout: &mut Rollout, name: &str) {
        fs::remove_file(self.plugins.join(format!("{name}.wasm"))).unwrap();
        rollout.on_removed(name).await;
        rollout.settle().await;
    }
}

fn active_digest(rollout: &Rollout, name: &str) -> Option<String> {
    rollout.registry.snapshot().version(name).map(|generation| generation.digest.clone())
}

fn note(rollout: &Rollout, name: &str) -> (String, String) {
    let status = rollout.registry.snapshot().statuses().find(|status| status.name == name).unwrap();
    (status.health.as_str().to_owned(), status.note)
}

async fn echo(rollout: &Rollout, host_api: &Arc<dyn HostApi>) -> String {
    let table = rollout.registry.snapshot();
    let context = CallContext { place: Some(Place::new("console", "local")), ..CallContext::default() };
    let typed = Invocation { args: Vec::new(), text: "x".to_owned() };
    rollout.registry.command(host_api, table.command("echo").unwrap(), context, &typed).await.unwrap().text
}

#[tokio::test]
async fn the_embedded_plugins_are_active_by_default() {
    let world = World::new();
    let (rollout, rejected) = world.start().await;
    assert_eq!(rejected, []);
    assert_eq!(rollout.registry.snapshot().names().collect::<Vec<_>>(), crate::components::STANDARD);
    for one in STANDARD {
        assert_eq!((one.digest, one.wasm), (digest(one.wasm).as_str(), standard(one.name).as_slice()), "{}", one.name);
    }
}

#[tokio::test]
async fn a_file_replaces_an_embedded_plugin_until_removed() {
    let world = World::new();
    world.save("lifecycle", &bad("one_second_policy"));
    let (mut rollout, rejected) = world.start().await;
    assert_eq!(rejected, []);
    assert_eq!(active_digest(&rollout, "lifecycle"), Some(digest(&bad("one_second_policy"))));
    world.remove(&mut rollout, "lifecycle").await;
    assert_eq!(active_digest(&rollout, "lifecycle"), Some(digest(&standard("lifecycle"))));
    assert_eq!(note(&rollout, "lifecycle").0, "ok");
}

#[tokio::test]
async fn a_plugin_is_deactivated_with_its_file() {
    let world = World::new();
    world.save("echo", &bad("echo"));
    let (mut rollout, _) = world.start().await;
    assert_eq!(echo(&rollout, &world.test_host.host_api).await, "v1: x");
    world.remove(&mut rollout, "echo").await;
    assert!(rollout.registry.snapshot().entry("echo").is_none());
}

#[tokio::test]
async fn a_bad_file_at_the_start_keeps_the_last_good_version() {
    let world = World::new();
    let (mut rollout, _) = world.start().await;
    world.save_new(&mut rollout, "echo", &bad("echo")).await.unwrap();
    world.save_new(&mut rollout, "echo", &bad("echo_v2")).await.unwrap();
    let why = world.save_new(&mut rollout, "echo", b"half").await.unwrap_err();
    assert_eq!(echo(&rollout, &world.test_host.host_api).await, "v2: x");

    let (rollout, rejected) = world.start().await;
    assert_eq!(rejected, [("echo".to_owned(), why)]);
    assert_eq!(echo(&rollout, &world.test_host.host_api).await, "v2: x");
    let (health, shown) = note(&rollout, "echo");
    assert!(health == "update rejected" && shown.contains("it is not a WebAssembly component"), "{shown}");
}

#[tokio::test]
async fn a_bad_file_keeps_the_embedded_plugin_of_its_name() {
    let world = World::new();
    world.save("timeout", b"half");
    let (mut rollout, rejected) = world.start().await;
    assert_eq!(rejected.len(), 1);
    assert_eq!(active_digest(&rollout, "timeout"), Some(digest(&standard("timeout"))));
    assert_eq!(note(&rollout, "timeout").0, "update rejected");
    // Removing the bad file clears the rejection.
    world.remove(&mut rollout, "timeout").await;
    assert_eq!(note(&rollout, "timeout"), ("ok".to_owned(), String::new()));
}

#[tokio::test]
async fn a_bad_file_without_an_earlier_version_is_listed() {
    let world = World::new();
    world.save("half", &bad("echo")[..1000]);
    let (rollout, rejected) = world.start().await;
    assert_eq!(rejected.len(), 1);
    let (health, shown) = note(&rollout, "half");
    assert!(health == "rejected" && shown.starts_with("it did not compile: "), "{shown}");
}

#[tokio::test]
async fn a_plugin_cannot_take_a_standard_command() {
    let mut world = World::new();
    world.test_host.configure("[plugins.a-clash.config]\nspecs = \"taken\"");
    world.save("a-clash", &bad("specs_fail"));
    let (rollout, rejected) = world.start().await;
    assert_eq!(rejected.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a-clash"]);
    assert_eq!(rollout.registry.snapshot().command("new").unwrap().version.name, "sessions");
}

#[tokio::test]
async fn a_rejected_file_leaks_no_memory() {
    use cordboard_agents::process::{ProcessTrees, return_freed_memory};
    return_freed_memory();
    let world = World::new();
    let (mut rollout, _) = world.start().await;
    // Each file has a custom section of `mib` mebibytes, followed by an invalid section.
    let bomb = |mib: u32| {
        let size = (mib << 20) + 2;
        let size = [size | 0x80, size >> 7 | 0x80, size >> 14 | 0x80, size >> 21].map(|part| part.to_le_bytes()[0]);
        [b"\0asm\x0d\0\x01\0\0".as_slice(), &size, b"\x01x", &vec![7; (mib as usize) << 20], b"\x63\x01\0"].concat()
    };
    let resident = || ProcessTrees::read().resident_memory(std::process::id().cast_signed()).unwrap() >> 20;
    assert!(world.save_new(&mut rollout, "bomb", &bomb(1)).await.is_err());
    let before = resident();
    for mib in [8, 20, 20, 31] {
        assert!(world.save_new(&mut rollout, "bomb", &bomb(mib)).await.is_err());
    }
    // The host keeps only a plugin's latest file in memory.
    assert!(world.save_new(&mut rollout, "bomb", &bomb(1)).await.is_err());
    // Another thread may still be freeing the previous file.
    let began = Instant::now();
    while resident() >= before + 8 {
        assert!(began.elapsed() < LIMIT, "{before} MiB before, {} MiB after", resident());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn compiled_code_is_loaded_from_the_cache() {
    let world = World::new();
    let cache = world.plugins.join("../state/cache");
    let settings = world.test_host.settings("echo");
    let start = |program: &str| cordboard_runtime::Registry::start(cache.clone(), program.into(), 4).unwrap();
    start(env!("CARGO_BIN_EXE_cordboard")).activate_wasm("echo", &bad("echo"), &settings, NOW).await.unwrap();
    let without = start("/nonexistent");
    without.activate_wasm("echo", &bad("echo"), &settings, NOW).await.unwrap();
    let why = without.activate_wasm("echo", &bad("echo_v2"), &settings, NOW).await.unwrap_err().to_string();
    assert!(why.starts_with("it did not compile: its compiler failed to start: "), "{why}");

    // If the cache can't be written, as on a full disk, the plugin is activated anyway.
    let full = start(env!("CARGO_BIN_EXE_cordboard"));
    fs::rename(&cache, cache.with_extension("away")).unwrap();
    full.activate_wasm("echo", &bad("echo"), &settings, NOW).await.unwrap();
    assert!(full.snapshot().command("echo").is_some());
    fs::rename(cache.with_extension("away"), &cache).unwrap();

    // The host never runs a damaged artifact: it compiles the plugin again.
    for file in fs::read_dir(&cache).unwrap() {
        let path = file.unwrap().path();
        // Don't overwrite the artifact in place: the registry above still runs code from the old file.
        fs::remove_file(&path).unwrap();
        fs::write(&path, b"damaged").unwrap();
    }
    start(env!("CARGO_BIN_EXE_cordboard")).activate_wasm("echo", &bad("echo"), &settings, NOW).await.unwrap();
}

#[tokio::test]
async fn a_failed_compiler_is_reported_with_the_remedy() {
    let world = World::new();
    let again = "type /plugins reload echo";
    for (script, shown) in [
        ("kill -9 $$", "its compiler was killed, probably because memory ran out; free some memory"),
        (
            "echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$",
            "its compiler ran out of memory (its limit is 4GiB)",
        ),
        ("echo 'cordboard: Cannot allocate memory (os error 12)' >&2; exit 1", "its compiler ran out of memory"),
        ("kill -SEGV $$", "its compiler failed (signal: 11 (SIGSEGV)"),
        ("exit 3", "its compiler failed (exit status: 3)"),
    ] {
        let program = world.plugins.join("../compiler");
        fs::write(&program, format!("#!/bin/sh\ncat >/dev/null\n{script}\n")).unwrap();
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let registry = cordboard_runtime::Registry::start(world.plugins.join("../cache"), program, 4).unwrap();
        let settings = world.test_host.settings("echo");
        let why = registry.activate_wasm("echo", &bad("echo"), &settings, NOW).await.unwrap_err().to_string();
        assert!(why.starts_with(&format!("it did not compile: {shown}")) && why.contains(again), "{script}: {why}");
    }
}
