//! Runs the real binary on pipes, with a real agent that talks to a fake Messages API. Stops each host at the end of
//! its test.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::messages_api::Api;

/// The time limit of each wait. Only a test that hangs reaches it.
const LIMIT: Duration = Duration::from_secs(90);

pub struct AgentHost {
    pub api: Api,
    /// The agent tables, which come first in the configuration.
    agents: String,
    folder: TempDir,
    host: Option<Host>,
}

struct Host {
    child: Child,
    input: Option<ChildStdin>,
    printed: Arc<Printed>,
    /// The number of bytes that earlier waits have consumed.
    read: usize,
}

#[derive(Default)]
struct Printed {
    text: Mutex<String>,
    more: Condvar,
}

impl AgentHost {
    /// Creates a folder, the API and the configuration without starting a host. `agents` is called with the home
    /// directory and the API's URL, and returns the agent tables.
    pub fn new(agents: impl FnOnce(&Path, &str) -> String, settings: &str) -> Self {
        let mut host = Self { api: Api::start(), agents: String::new(), folder: TempDir::new().unwrap(), host: None };
        std::fs::create_dir(host.home()).unwrap();
        // Each plugin is compiled once for all tests.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        std::fs::create_dir_all(&cache).unwrap();
        std::fs::create_dir(host.path("state")).unwrap();
        std::fs::set_permissions(host.path("state"), std::fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink(cache, host.path("state/cache")).unwrap();
        host.agents = agents(&host.home(), &host.api.url());
        host.configure(settings);
        host
    }

    /// Returns the home directory of the host and its agent.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the configuration. `settings` may begin with more keys for the last agent, followed by other tables.
    pub fn configure(&self, settings: &str) {
        let text = format!("{}\n{settings}\n", self.agents);
        // Rename the new file into place, as editors do, so that the host never sees a partial file.
        let new = self.path("config.new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path("config.toml")).unwrap();
    }

    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
        command.arg(name).arg("--config").arg(self.path("config.toml")).arg("--state").arg(self.path("state"));
        command.env_clear().env("HOME", self.home()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    pub fn start(&mut self) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.command("run");
        command.args(["--chat", "console"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let printed = Arc::new(Printed::default());
        let (stdout, shared) = (child.stdout.take().unwrap(), Arc::clone(&printed));
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let mut text = shared.text.lock().unwrap();
                text.push_str(&line.unwrap());
                text.push('\n');
                shared.more.notify_all();
            }
        });
        self.host = Some(Host { input: child.stdin.take(), child, printed, read: 0 });
    }

    fn host(&mut self) -> &mut Host {
        self.host.as_mut().expect("the host is not running")
    }

    pub fn say(&mut self, line: &str) {
        let input = self.host().input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Waits for `wanted`. Returns the output since the last wait, through the line that contains `wanted`.
    pub fn until(&mut self, wanted: &str) -> String {
        let log = self.path("log");
        let host = self.host();
        let text = host.printed.text.lock().unwrap();
        let missing = |text: &mut String| !text[host.read..].contains(wanted);
        let (text, _) = host.printed.more.wait_timeout_while(text, LIMIT, missing).unwrap();
        let new = &text[host.read..];
        let Some(at) = new.find(wanted) else {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            panic!("timed out waiting for '{wanted}'; output since the last wait:\n{new}\nlog:\n{log}");
        };
        let end = at + new[at..].find('\n').map_or(wanted.len(), |line| line + 1);
        let shown = new[..end].to_owned();
        host.read += end;
        shown
    }

    /// Sends a line and waits for an answer that contains `wanted`. Returns the output as [`Self::until`] does.
    pub fn ask(&mut self, line: &str, wanted: &str) -> String {
        self.say(line);
        self.until(wanted)
    }

    /// Returns the first session, as in `cordboard sessions --json`.
    pub fn session(&self) -> Value {
        let output = self.command("sessions").arg("--json").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()[0].take()
    }

    pub fn pid(&self) -> u64 {
        self.session()["pid"].as_u64().expect("the session has a process")
    }

    /// Waits until the session is in this phase, and returns the session.
    pub fn phase(&self, wanted: &str) -> Value {
        eventually(wanted, || Some(self.session()).filter(|session| session["phase"] == wanted))
    }

    /// Kills the host with SIGKILL, to simulate a crash.
    pub fn kill(&mut self) {
        let mut host = self.host.take().unwrap();
        host.child.kill().unwrap();
        host.child.wait().unwrap();
    }

    /// Closes the input, waits for the exit, and returns the exit code.
    pub fn end(&mut self) -> Option<i32> {
        let mut host = self.host.take().unwrap();
        drop(host.input.take());
        eventually("the host exits", || host.child.try_wait().unwrap()).code()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap()
    }
}

impl Drop for AgentHost {
    fn drop(&mut self) {
        if self.host.is_some() && !std::thread::panicking() {
            assert_eq!(self.end(), Some(0), "{}", self.log());
        } else if let Some(mut host) = self.host.take() {
            drop(host.input.take());
            drop(Command::new("kill").arg(host.child.id().to_string()).status());
            drop(host.child.wait());
        }
    }
}

/// Waits until `probe` returns a value.
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < LIMIT, "timed out waiting for: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Returns the pids of running processes whose `HOME` is this folder and whose command line satisfies `is_agent`.
pub fn running(home: &Path, is_agent: impl Fn(&str) -> bool) -> Vec<u32> {
    let needle = format!("HOME={}\0", home.display());
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        let command_line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(&needle) && is_agent(&String::from_utf8_lossy(&command_line))
    })
    .collect()
}
