//! Tests slow compilations and trials: the host announces them, they don't delay anything else, and a newer version
//! cancels them.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use cordboard_runtime::Registry;

use super::{COMPILING, Rig, other, pass, version};
use crate::components::{bad, copy_compiled};

/// A host whose compiler records its pid and then waits until the `gate` file exists.
struct Slow {
    rig: Rig,
    cache: PathBuf,
    gate: PathBuf,
    pids: PathBuf,
}

impl Slow {
    async fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let [cache, program, gate, pids] = ["cache", "compiler", "gate", "pids"].map(|name| folder.path().join(name));
        let real = env!("CARGO_BIN_EXE_cordboard");
        let script = format!(
            "#!/bin/sh\necho $$ >> {}\nwhile [ ! -e {} ]; do sleep 0.01; done\nexec {real} \"$@\"\n",
            pids.display(),
            gate.display()
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        // Plugins that are in the cache don't need to be compiled.
        copy_compiled(&cache).await;
        let registry = Arc::new(Registry::start(cache.clone(), program, 16).unwrap());
        Self { rig: Rig::over(folder, "", registry).await, cache, gate, pids }
    }

    fn open(&self) {
        fs::write(&self.gate, "").unwrap();
    }

    /// Removes the `gate` file and clears the cache, so that each version is recompiled and its compiler waits.
    fn forget(&self) {
        fs::remove_file(&self.gate).unwrap();
        for entry in fs::read_dir(&self.cache).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }

    fn compilers(&self) -> Vec<u32> {
        fs::read_to_string(&self.pids).unwrap_or_default().lines().map(|line| line.parse().unwrap()).collect()
    }

    async fn compiler(&self, number: usize) -> u32 {
        self.rig.until("a compiler", || self.compilers().get(number).copied()).await
    }
}

fn runs(pid: u32) -> bool {
    // A zombie has an empty command line.
    fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).is_ok_and(|line| !line.is_empty())
}

#[tokio::test]
async fn nothing_waits_for_a_slow_compilation() {
    let slow = Slow::new().await;
    let rig = &slow.rig;
    rig.save("slow", &other(&bad("exceeds_limits"), 1)).await;
    slow.compiler(0).await;
    rig.plug("echo", &bad("echo")).await;
    assert_eq!(rig.say("echo x").await, "v1: x");
    rig.configure("[plugins.echo]\ntime = \"1m\"").await;
    rig.until("the configuration", || {
        (rig.test_host.registry.snapshot().version("echo").unwrap().generation == 2).then_some(())
    })
    .await;
    assert!(rig.say("plugins disable echo").await.starts_with("Plugin 'echo' is disabled"));
    slow.open();
    rig.serves("slow", &other(&bad("exceeds_limits"), 1)).await;
}

#[tokio::test]
async fn nothing_waits_for_a_slow_trial() {
    let rig = Rig::new("[plugins.specs_fail]\ntime = \"5m\"\n[plugins.specs_fail.config]\nspecs = \"hang\"").await;
    rig.plug("echo", &bad("echo")).await;
    rig.save("specs_fail", &bad("specs_fail")).await;
    rig.wait_for("Plugin 'specs_fail', version").await;
    // A new file, a command and changed settings of another plugin don't wait for the trial.
    rig.plug("echo", &bad("echo_v2")).await;
    assert!(rig.say("plugins rollback echo").await.contains(", is rolled back. Active now: "));
    assert_eq!(rig.say("echo x").await, "v1: x");
    rig.configure("[plugins.echo]\ntime = \"1m\"\n[plugins.specs_fail]\ntime = \"5m\"\n[plugins.specs_fail.config]\nspecs = \"hang\"")
        .await;
    let anew = || (rig.test_host.registry.snapshot().version("echo").unwrap().generation == 4).then_some(());
    rig.until("the configuration", anew).await;
    assert_eq!(rig.status("specs_fail").0, "compiling");
    // A newer version replaces one whose trial is still running.
    rig.plug("specs_fail", &bad("exceeds_limits")).await;
    assert_eq!(rig.say("ok").await, "ok");
}

/// Each trial occupies instances in the pool, which is small if few concurrent calls are allowed.
#[tokio::test]
async fn hanging_trials_do_not_use_up_call_slots() {
    const HANGING: usize = 30;
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let cache = folder.path().join("cache");
    copy_compiled(&cache).await;
    let registry = Arc::new(Registry::start(cache, env!("CARGO_BIN_EXE_cordboard").into(), 1).unwrap());
    let names: Vec<_> = (0..HANGING).map(|number| format!("specs_fail{number}")).collect();
    let config = names
        .iter()
        .map(|name| format!("[plugins.{name}]\ntime = \"5m\"\n[plugins.{name}.config]\nspecs = \"hang\"\n"));
    let rig = Rig::over(folder, &config.collect::<String>(), registry).await;
    rig.plug("echo", &bad("echo")).await;
    for name in &names {
        rig.save(name, &bad("specs_fail")).await;
    }
    for name in &names {
        rig.wait_for(&format!("Plugin '{name}', version")).await;
    }
    assert_eq!(rig.say("echo x").await, "v1: x");
}

/// Returns settings that make a `specs_fail` trial run for minutes, and settings that make it fail immediately.
fn hanging_and_refused() -> [String; 2] {
    let refused = format!("[plugins.specs_fail]\nsha256 = \"{}\"", cordboard_runtime::digest(&bad("specs_fail")));
    [format!("{refused}\ntime = \"5m\"\n[plugins.specs_fail.config]\nspecs = \"hang\""), refused]
}

#[tokio::test]
async fn changed_settings_restart_a_trial() {
    let [hanging, refused] = hanging_and_refused();
    let rig = Rig::new(&hanging).await;
    rig.save("specs_fail", &bad("specs_fail")).await;
    rig.wait_for("Plugin 'specs_fail', version").await;
    rig.configure(&refused).await;
    let shown = rig.wait_for("Plugin 'specs_fail' was rejected").await;
    assert!(shown.contains("it failed its trial: it returned an error: it has nothing to say"), "{shown}");
    assert_eq!(rig.status("specs_fail").0, "rejected");
    assert!(rig.test_host.registry.snapshot().version("specs_fail").is_none());
}

#[tokio::test]
async fn a_running_command_survives_changed_settings() {
    let [hanging, refused] = hanging_and_refused();
    let rig = Rig::new(&refused).await;
    rig.save("specs_fail", &bad("specs_fail")).await;
    rig.wait_for("Plugin 'specs_fail' was rejected").await;
    rig.configure(&hanging).await;
    let answer = rig.test_host.read("plugins reload specs_fail").await;
    assert!(answer.ends_with(COMPILING), "{answer}");
    rig.clear_notifications();
    rig.configure(&refused).await;
    // The host repeats the notice despite its unchanged text, because a user is waiting for it.
    let shown = rig.wait_for("Plugin 'specs_fail' was rejected").await;
    assert!(shown.contains("it failed its trial: it returned an error: it has nothing to say"), "{shown}");
}

#[tokio::test]
async fn a_slow_compilation_is_announced() {
    let slow = Slow::new().await;
    let rig = &slow.rig;
    let wasm = other(&bad("exceeds_limits"), 1);
    let began = Instant::now();
    rig.save("slow", &wasm).await;
    slow.compiler(0).await;
    let is_shown = rig.test_host.registry.snapshot().entry("slow").is_some();
    assert!(!is_shown || began.elapsed() >= Duration::from_secs(1), "a short compilation is not announced");
    pass(Duration::from_secs(1)).await;
    let shown = rig.wait_for("is being compiled").await;
    let digest = version(&wasm);
    assert_eq!(
        shown,
        format!("Plugin 'slow', version {digest}, is being compiled. You get a message when it is done.")
    );
    let status = ("compiling".to_owned(), format!("version {digest} is being compiled"));
    rig.until("the compilation is listed", || rig.test_host.registry.snapshot().entry("slow").map(|_| ())).await;
    assert_eq!(rig.status("slow"), status);
    let table = rig.test_host.registry.snapshot();
    assert!(table.statuses().any(|status| status.name == "slow" && status.since.0 > 0), "the status has a time");
    slow.open();
    rig.wait_for("Plugin 'slow' is active: generation 1, ").await;
    assert_eq!(rig.status("slow"), ("ok".to_owned(), String::new()));
}

#[tokio::test]
async fn a_newer_version_cancels_the_running_compilation() {
    let slow = Slow::new().await;
    let rig = &slow.rig;
    let versions = [1, 2, 3].map(|mark| other(&bad("exceeds_limits"), mark));
    let mut pids = Vec::new();
    for (number, wasm) in versions.iter().enumerate() {
        rig.save("mine", wasm).await;
        pids.push(slow.compiler(number).await);
    }
    for &pid in &pids[..2] {
        rig.until("the end of the compiler", || (!runs(pid)).then_some(())).await;
    }
    assert!(runs(pids[2]));
    slow.open();
    rig.serves("mine", &versions[2]).await;
    assert_eq!(
        rig.test_host.registry.snapshot().version("mine").unwrap().generation,
        1,
        "the others were never activated"
    );
    // Removing a file during its compilation kills the compiler.
    fs::remove_file(&slow.gate).unwrap();
    rig.save("other", &other(&bad("counter"), 1)).await;
    let pid = slow.compiler(3).await;
    rig.remove("other").await;
    rig.until("the end of the compiler", || (!runs(pid)).then_some(())).await;
    assert!(slow.pids.exists() && rig.test_host.registry.snapshot().entry("other").is_none());
}

#[tokio::test]
async fn a_slow_command_is_answered_before_it_finishes() {
    let slow = Slow::new().await;
    let rig = &slow.rig;
    let wasm = other(&bad("echo"), 1);
    rig.plug("echo", &bad("echo")).await;
    rig.save("echo", &wasm).await;
    slow.compiler(0).await;
    let (answer, ()) = tokio::join!(rig.test_host.read("plugins reload echo"), async {
        slow.compiler(1).await;
        pass(Duration::from_secs(1)).await;
    });
    assert!(answer.ends_with(COMPILING), "{answer}");
    rig.clear_notifications();
    slow.open();
    rig.wait_for(&format!("Plugin 'echo' is reloaded: generation 2, {}.", version(&wasm))).await;
}

#[tokio::test]
async fn a_rollback_continues_despite_new_files() {
    let slow = Slow::new().await;
    let rig = &slow.rig;
    slow.open();
    rig.plug("mine", &bad("echo")).await;
    rig.plug("mine", &other(&bad("exceeds_limits"), 1)).await;
    slow.forget();
    let number = slow.compilers().len();
    for _ in 0..3 {
        rig.say("trap").await;
    }
    slow.compiler(number).await;
    rig.save("mine", &other(&bad("exceeds_limits"), 2)).await;
    rig.save("mine", b"no component at all").await;
    rig.say("plugins reload rockets").await;
    slow.open();
    // The last saved file is tried after the rollback; the file before it is not.
    rig.wait_for("is rolled back: 3 calls failed").await;
    rig.wait_for("Plugin 'mine' was rejected: it is not a WebAssembly component").await;
    assert_eq!(rig.say("echo x").await, "v1: x");
}

#[tokio::test]
async fn a_file_delayed_by_a_rollback_is_tried_afterwards() {
    let slow = Slow::new().await;
    let rig = &slow.rig;
    slow.open();
    rig.plug("mine", &bad("echo")).await;
    rig.plug("mine", &other(&bad("exceeds_limits"), 1)).await;
    fs::remove_file(&slow.gate).unwrap();
    let next = other(&bad("echo_v2"), 1);
    let number = slow.compilers().len();
    rig.save("mine", &next).await;
    slow.compiler(number).await;
    for _ in 0..3 {
        rig.say("trap").await;
    }
    rig.wait_for("is rolled back: 3 calls failed").await;
    slow.open();
    rig.serves("mine", &next).await;
}
