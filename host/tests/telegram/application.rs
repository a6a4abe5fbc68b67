//! Tests the whole application with Telegram: the real binary, its plugins and the demo agent run against a fake Bot
//! API. At the end of a test, [`App`] stops the host and checks that the log doesn't contain the token.

mod access;
mod api_failures;
mod button_decisions;
mod crashes;
mod drafts;
mod everyday_use;
mod files;
mod filters;
mod group_migration;
mod groups;
mod languages;
mod live_changes;
mod outbox_report;
mod pairing;
mod plugin_buttons;
mod session_files;
mod sessions_of_others;
mod several_bots;
mod several_options;
mod split_messages;
mod topics;
mod voice;
mod webhook;

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::botapi::{BotApi, Call, DEADLINE, TOKEN};

pub const OWNER: i64 = 42;
pub const MEMBER: i64 = 43;
pub const STRANGER: i64 = 7;

/// The interval for polling a condition.
const LOOK: Duration = Duration::from_millis(20);

pub struct App {
    pub api: BotApi,
    folder: TempDir,
    host: Option<Child>,
}

impl App {
    /// Starts a host and waits until it polls for updates.
    pub async fn new() -> Self {
        let mut app = Self::prepared().await;
        app.start();
        app.api.until_calls("getUpdates", 1).await;
        app
    }

    /// Creates the folder and the fake API without starting a host.
    pub async fn prepared() -> Self {
        let app = Self { api: BotApi::start().await, folder: TempDir::new().unwrap(), host: None };
        fs::create_dir(app.path("plugins")).unwrap();
        fs::create_dir(app.path("state")).unwrap();
        fs::set_permissions(app.path("state"), fs::Permissions::from_mode(0o700)).unwrap();
        // Each plugin is compiled once for all tests.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        fs::create_dir_all(&cache).unwrap();
        symlink(cache, app.path("state/cache")).unwrap();
        fs::write(app.path("token"), format!("{TOKEN}\n")).unwrap();
        fs::set_permissions(app.path("token"), fs::Permissions::from_mode(0o600)).unwrap();
        app.configure(&format!("owner = {OWNER}\nmembers = [{MEMBER}]"));
        app
    }

    /// Saves the configuration, with `access` as the `[access]` table. `access` may also contain further tables.
    pub fn configure(&self, access: &str) {
        self.configure_stream("edit", access);
    }

    /// Like [`Self::configure`], with a value for `[telegram] stream`.
    pub fn configure_stream(&self, stream: &str, access: &str) {
        self.configure_telegram(&format!("stream = \"{stream}\""), access);
    }

    /// Like [`Self::configure`], with additional `[telegram]` keys.
    pub fn configure_telegram(&self, keys: &str, access: &str) {
        let api = &self.api.url;
        let telegram = format!("token_file = \"token\"\napi_url = \"{api}\"\nedit_pause = \"100ms\"\n{keys}");
        fs::write(self.path("new.tmp"), format!("[telegram]\n{telegram}\n[access]\n{access}\n")).unwrap();
        fs::rename(self.path("new.tmp"), self.path("config.toml")).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
        command.arg(name).arg("--config").arg(self.path("config.toml")).arg("--state").arg(self.path("state"));
        command.env_clear().env("HOME", self.folder.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    pub fn start(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.command("run");
        command.args(["--chat", "telegram"]).arg("--plugins").arg(self.path("plugins"));
        // Log everything except wasmtime and its compiler, so that tests can check that the token isn't logged.
        command.env("CORDBOARD_LOG", "trace,cranelift=off,wasmtime=off").stderr(log);
        self.host = Some(command.spawn().unwrap());
    }

    /// Sends a text, waits for a new message that contains `wanted`, and returns its text.
    pub async fn ask(&self, user: i64, text: &str, wanted: &str) -> String {
        let first = self.api.next_id();
        self.api.says(user, text);
        self.wait_for(user, first, wanted).await
    }

    /// Waits for a message that contains `wanted` and whose id is `first` or later, and returns its text.
    pub async fn wait_for(&self, user: i64, first: i64, wanted: &str) -> String {
        let find = |api: &BotApi| api.since(user, first).into_iter().find(|text| text.contains(wanted));
        self.until(&format!("'{wanted}' for {user}"), || find(&self.api)).await
    }

    /// Sends a text, and waits until the only new message is the complete answer. On a slow machine, the host may first
    /// show a live message, which has a status line below the answer.
    pub async fn ask_agent(&self, user: i64, text: &str, answer: &str) {
        let first = self.api.next_id();
        self.api.says(user, text);
        self.until_only(user, first, answer).await;
    }

    /// Waits until `text` is the only message whose id is `first` or later.
    pub async fn until_only(&self, user: i64, first: i64, text: &str) {
        let only = || (self.api.since(user, first) == [text]).then_some(());
        self.until(&format!("'{text}' and nothing else for {user}"), only).await;
    }

    /// Sends a prompt with a long answer, and waits for the first edit of the live message. The host stores the message
    /// id before that edit, so the next host still knows the message after a kill.
    pub async fn stream(&self, user: i64, prompt: &str) {
        let first = self.api.next_id();
        self.api.says(user, prompt);
        let is_edited = |call: &Call| {
            call.params["message_id"].as_i64() >= Some(first) && call.text().starts_with("line 1\nline 2")
        };
        let edited = || self.api.calls("editMessageText").iter().any(is_edited).then_some(());
        self.until(&format!("the answer to '{prompt}' to stream"), edited).await;
    }

    /// Waits until `probe` returns a value.
    pub async fn until<T>(&self, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = probe() {
                return found;
            }
            if start.elapsed() > DEADLINE {
                panic!("timed out waiting for {what}\nowner's chat: {:#?}\nlog:\n{}", self.api.chat(OWNER), self.log());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Returns a list as printed by `cordboard` with `--json`, for example `cordboard sessions --json`.
    fn list(&self, what: &str) -> Vec<Value> {
        let output = self.command(what).arg("--json").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn one(&self, what: &str, name: &str) -> Value {
        self.list(what).into_iter().find(|one| one["name"] == name).unwrap_or(Value::Null)
    }

    pub fn session(&self, name: &str) -> Value {
        self.one("sessions", name)
    }

    /// Waits until the host has counted this many turns for a session. It may show an answer before it counts the turn.
    pub async fn until_turns(&self, session: &str, turns: u64) {
        let had = || (self.session(session)["turns"] == turns).then_some(());
        self.until(&format!("{turns} turns of {session}"), had).await;
    }

    pub fn plugin(&self, name: &str) -> Value {
        self.one("plugins", name)
    }

    pub fn pid(&self, session: &str) -> u64 {
        self.session(session)["pid"].as_u64().expect("the session has a process")
    }

    /// Sends a signal to a session's agent, for example STOP to delay the agent's answer.
    pub fn signal_agent(&self, session: &str, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.pid(session)).unwrap()).unwrap(), signal).unwrap();
    }

    /// Saves a plugin atomically, as an editor does.
    pub fn save_plugin(&self, name: &str, wasm: &[u8]) {
        fs::write(self.path("new.tmp"), wasm).unwrap();
        fs::rename(self.path("new.tmp"), self.path("plugins").join(format!("{name}.wasm"))).unwrap();
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Kills the host with SIGKILL, to simulate a crash.
    pub fn kill(&mut self) {
        let mut host = self.host.take().unwrap();
        host.kill().unwrap();
        host.wait().unwrap();
    }

    /// Waits for the host to exit and returns the exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        let mut host = self.host.take().unwrap();
        self.until("the host exits", || host.try_wait().unwrap()).await.code()
    }

    pub async fn terminate(&mut self) -> Option<i32> {
        signal(self.host.as_ref().unwrap());
        self.ended().await
    }
}

fn signal(host: &Child) {
    kill_process(Pid::from_child(host), Signal::TERM).unwrap();
}

impl Drop for App {
    fn drop(&mut self) {
        if let Some(mut host) = self.host.take() {
            signal(&host);
            let status = host.wait().unwrap();
            assert!(std::thread::panicking() || status.code() == Some(0), "{status}\n{}", self.log());
        }
        let (_, secret) = TOKEN.split_once(':').unwrap();
        assert!(std::thread::panicking() || !self.log().contains(secret), "the token is in the log:\n{}", self.log());
    }
}

/// Returns a component's bytes, given its path in the output folder of `cargo xtask build`.
pub fn component(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins").join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("failed to read {}: {error}; run cargo xtask build", path.display()))
}

/// Replaces all occurrences of a text in a component with a text of equal length.
pub fn reworded(mut wasm: Vec<u8>, old: &str, new: &str) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let starts: Vec<usize> = (0..wasm.len()).filter(|at| wasm[*at..].starts_with(old.as_bytes())).collect();
    assert!(!starts.is_empty(), "the component does not contain '{old}'");
    for at in starts {
        wasm[at..at + old.len()].copy_from_slice(new.as_bytes());
    }
    wasm
}
