//! Runs the measured host as a process that polls the Bot API stand-in and keeps its store on disk.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    components::bad,
    process::{binary, field},
    stand_in::{StandIn, TOKEN},
};

/// The owner's user id.
pub const OWNER: i64 = 1;

pub struct TelegramHost {
    pub api: StandIn,
    folder: TempDir,
    child: Child,
}

impl TelegramHost {
    /// Starts a host that has the `/echo` command, and waits until it polls. `settings` is appended to the `[telegram]`
    /// table in the configuration, so it may contain more keys of this table, followed by other tables.
    pub fn start(settings: &str, api: StandIn) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        fs::write(&token, TOKEN).unwrap();
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
        fs::create_dir(folder.path().join("plugins")).unwrap();
        fs::write(folder.path().join("plugins/echo.wasm"), bad("echo")).unwrap();
        let telegram = format!("[telegram]\ntoken_file = \"token\"\napi_url = \"{}\"\n", api.url);
        fs::write(folder.path().join("config.toml"), telegram + settings).unwrap();
        let child = spawn(&folder);
        let host = Self { api, folder, child };
        host.api.until_polling();
        host
    }

    /// Kills the host and starts it again with a warm cache of compiled plugins.
    pub fn restart(&mut self) {
        self.stop();
        self.api.forget_poll();
        self.child = spawn(&self.folder);
        self.api.until_polling();
    }

    /// Returns a field of the process's status file in kilobytes, such as `VmRSS:`.
    pub fn memory(&self, name: &str) -> u64 {
        field(&format!("/proc/{}/status", self.child.id()), name)
    }

    /// Makes the kernel reset the peak resident memory, `VmHWM:`.
    pub fn reset_peak_memory(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
    }

    fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for TelegramHost {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(folder: &TempDir) -> Child {
    Command::new(binary())
        .args(["run", "--chat", "telegram", "--config"])
        .arg(folder.path().join("config.toml"))
        .arg("--state")
        .arg(folder.path().join("state"))
        .arg("--plugins")
        .arg(folder.path().join("plugins"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.path().join("log")).unwrap())
        .spawn()
        .unwrap()
}
