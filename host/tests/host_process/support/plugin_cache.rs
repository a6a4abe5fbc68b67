//! Shares compiled plugins between tests: each plugin is compiled once per build, and homes hard-link the result.

use std::{
    fs::{self, File},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::UNIX_EPOCH,
};

use super::home::{component_of, components};

/// The test components that are compiled in advance.
const LINKED: [&str; 12] = [
    "scheduled_jobs",
    "echo",
    "echo_v2",
    "http_client",
    "leaks_secret",
    "asks_more",
    "needs_approval",
    "one_second_policy",
    "webhook_echo",
    "event_loop",
    "uppercase_view",
    "exceeds_limits",
];

/// Creates a home's cache, which contains hard links to the compiled plugins.
pub fn link(cache: &Path) {
    let shared = compiled_folder();
    fs::DirBuilder::new().mode(0o700).create(cache).unwrap();
    for artifact in fs::read_dir(shared.join("state/cache")).unwrap().map(Result::unwrap) {
        let linked = cache.join(artifact.file_name());
        // A hard link fails if the temporary folder is on another file system.
        if fs::hard_link(artifact.path(), &linked).is_err() {
            fs::copy(artifact.path(), &linked).unwrap();
        }
    }
}

/// Returns the folder of a host that has compiled the shared plugins. Tests may run as separate processes, so a lock
/// file ensures that only one of them runs this host.
fn compiled_folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("host_process");
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let now = stamp();
    if fs::read_to_string(folder.join("stamp")).unwrap_or_default() != now {
        compile(&folder);
        fs::write(folder.join("stamp"), now).unwrap();
    }
    folder
}

fn compile(folder: &Path) {
    for below in ["plugins", "state"] {
        drop(fs::remove_dir_all(folder.join(below)));
        fs::DirBuilder::new().mode(0o700).create(folder.join(below)).unwrap();
    }
    for name in LINKED {
        fs::write(folder.join(format!("plugins/{name}.wasm")), component_of(name)).unwrap();
    }
    fs::write(folder.join("config.toml"), "").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cordboard"))
        .args(["run", "--chat", "console"])
        .args(["config.toml", "state", "plugins"].into_iter().flat_map(|below| {
            let flag = format!("--{}", below.trim_end_matches(".toml"));
            [PathBuf::from(flag), folder.join(below)]
        }))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Returns the modification times of the binary and the components.
fn stamp() -> String {
    let changed = |path: &Path| fs::metadata(path).unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    let components = LINKED.map(|name| components().join(format!("{name}.wasm")));
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_cordboard"));
    components.iter().chain([&binary]).map(|path| format!("{:?}\n", changed(path))).collect()
}
