//! A host's folder: configuration, plugins and state. Dropping it kills every process whose working directory is inside
//! the folder.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};
use serde_json::Value;
use tempfile::TempDir;

use super::{Host, plugin_cache};
use crate::cgroups::cgroups;

pub struct Home(TempDir);

/// The beginning of an environment variable that the host sets for every agent.
const MARK: &[u8] = b"CORDBOARD_SESSION=";

impl Home {
    /// Creates a home with the demo agent, whose `slow` command takes 50 ms per line.
    pub fn new() -> Self {
        Self::with("")
    }

    /// Creates a home like [`Self::new`], with additional configuration.
    pub fn with(more: &str) -> Self {
        let home = Self(tempfile::Builder::new().prefix("cordboard-").tempdir().unwrap());
        for folder in ["plugins", "state"] {
            fs::create_dir(home.path(folder)).unwrap();
        }
        home.configure(more);
        plugin_cache::link(&home.path("state/cache"));
        home
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// Replaces the configuration with that of [`Self::new`], followed by `more`.
    pub fn configure(&self, more: &str) {
        self.write_config(&format!("[agents.demo]\nargs = [\"--pace-ms=50\"]\n\n{more}"));
    }

    /// Replaces the whole configuration atomically, as an editor does.
    pub fn write_config(&self, text: &str) {
        fs::write(self.path("config.new"), text).unwrap();
        fs::rename(self.path("config.new"), self.path("config.toml")).unwrap();
    }

    /// Writes a shell script for use as an agent's command. Agents have no PATH here, so the script can use only
    /// builtins unless it sets PATH. Its `say` function prints a line literally.
    pub fn script(&self, name: &str, lines: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\nsay() {{ printf '%s\\n' \"$1\"; }}\n{lines}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        path
    }

    /// Copies a test component into the plugin folder as the plugin `name`.
    pub fn plug(&self, name: &str, component: &str) {
        self.plug_bytes(name, &component_of(component));
    }

    /// Writes the plugin file in place, so the host sometimes sees a partial file.
    pub fn plug_bytes(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(&format!("plugins/{name}.wasm")), bytes).unwrap();
    }

    pub fn remove_plugin(&self, name: &str) {
        fs::remove_file(self.path(&format!("plugins/{name}.wasm"))).unwrap();
    }

    pub fn arguments(&self) -> Vec<PathBuf> {
        let named = [("--config", "config.toml"), ("--state", "state"), ("--plugins", "plugins")];
        named.into_iter().flat_map(|(flag, below)| [PathBuf::from(flag), self.path(below)]).collect()
    }

    pub fn start(&self) -> Host<'_> {
        Host::start(self, &[])
    }

    /// Starts a host with additional environment variables.
    pub fn start_with(&self, variables: &[(&str, &str)]) -> Host<'_> {
        Host::start(self, variables)
    }

    /// Runs a subcommand of the binary, and waits for it to exit.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Returns a command that runs a subcommand of the binary with this home's configuration and state.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let places = [("--config", "config.toml"), ("--state", "state")];
        let places = places.into_iter().flat_map(|(flag, below)| [PathBuf::from(flag), self.path(below)]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
        command.args(arguments).args(places).envs([super::ENGLISH]);
        command
    }

    /// Runs a subcommand that must succeed, and returns its standard output.
    pub fn printed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn sessions(&self) -> Value {
        serde_json::from_str(&self.printed(&["sessions", "--json"])).unwrap()
    }

    pub fn plugins(&self) -> Value {
        serde_json::from_str(&self.printed(&["plugins", "--json"])).unwrap()
    }

    /// Returns the pids of this home's agents and their children. Finds the processes in `/proc` by their working
    /// directory and their environment tag.
    pub fn agents(&self) -> Vec<i32> {
        let marked = |pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|&byte| byte == 0).any(|variable| variable.starts_with(MARK))
        };
        self.processes().into_iter().filter(marked).collect()
    }

    fn processes(&self) -> Vec<i32> {
        let below =
            |pid: &i32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder.starts_with(self.0.path()));
        let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(below).collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for pid in self.processes().into_iter().filter_map(Pid::from_raw) {
            // The process may have ended in the meantime.
            let _: rustix::io::Result<()> = rustix::process::kill_process(pid, Signal::KILL);
        }
        // If there is no database, no host has run here. An empty id would match every host's cgroups.
        if let Ok(contents) = cordboard_store::read_only(&self.state())
            && !contents.host_id.is_empty()
        {
            cgroups(&contents.host_id).iter().for_each(|folder| remove_cgroup(folder));
        }
    }
}

/// Kills the processes in a cgroup left behind by a killed host, and removes the cgroup once they have exited.
fn remove_cgroup(folder: &Path) {
    drop(fs::write(folder.join("cgroup.kill"), "1"));
    let below = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    below.filter(|path| path.is_dir()).for_each(|path| remove_cgroup(&path));
    let deadline = Instant::now() + Duration::from_secs(5);
    while fs::remove_dir(folder).is_err() && folder.exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the bytes of a test component.
pub fn component_of(name: &str) -> Vec<u8> {
    let path = components().join(format!("{name}.wasm"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: run cargo xtask build", path.display()))
}

/// Returns the bytes of an extra plugin, which is shipped but not embedded in the binary.
pub fn extra(name: &str) -> Vec<u8> {
    let path = components().with_file_name("extra").join(format!("{name}.wasm"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: run cargo xtask build", path.display()))
}

pub fn components() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins/bad")
}
