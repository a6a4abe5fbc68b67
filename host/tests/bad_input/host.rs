//! Runs the real binary in a temporary folder, with pipes as its input and output. The tests wait for output or for a
//! condition, never for a fixed time.

use std::{
    ffi::OsStr,
    fs,
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, symlink},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

/// The time limit of each wait. Only a test that hangs reaches it.
pub const DEADLINE: Duration = Duration::from_secs(120);

pub const CORDBOARD: &str = env!("CARGO_BIN_EXE_cordboard");

/// A configuration with a short delay between the demo agent's lines.
pub const QUICK: &str = "[agents.demo]\nargs = [\"--pace-ms=20\"]\n";

/// A temporary folder that contains `config.toml`, `plugins` and `state`.
pub struct Home {
    folder: tempfile::TempDir,
}

/// The exit code and output of a process.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Home {
    pub fn new(config: &str) -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["plugins", "state"] {
            fs::DirBuilder::new().mode(0o700).create(home.path(folder)).unwrap();
        }
        // All homes share one cache, so that each plugin is compiled only once.
        symlink(compiled(), home.path("state/cache")).unwrap();
        home.configure(config);
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces the configuration atomically, as an editor does.
    pub fn configure(&self, text: &str) {
        let temporary = self.path("config.toml.new");
        fs::write(&temporary, text).unwrap();
        fs::rename(temporary, self.path("config.toml")).unwrap();
    }

    /// Writes a shell script for use as an agent's command, and returns its path.
    pub fn script(&self, name: &str, lines: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        path.display().to_string()
    }

    /// Copies a test plugin to the plugin folder.
    pub fn install(&self, name: &str) {
        fs::write(self.path(&format!("plugins/{name}.wasm")), plugin(name)).unwrap();
    }

    /// Returns a command that runs its arguments in a new mount namespace. Without root, it also creates a user
    /// namespace.
    pub fn unshare(&self) -> Command {
        let mut command = self.program("unshare");
        command.arg(if rustix::process::geteuid().is_root() { "-m" } else { "-rm" });
        command
    }

    /// Returns whether this system lets its users mount file systems of their own. If not, tests that need one are
    /// skipped.
    pub fn can_mount(&self) -> bool {
        let tried = self.unshare().args(["sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"]).output();
        let can = tried.is_ok_and(|output| output.status.success());
        if !can {
            eprintln!("skipped: this system does not let its users mount a tmpfs of their own");
        }
        can
    }

    /// Returns a command that runs `program` in this folder. It inherits only `PATH` from the test's environment.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("HOME", self.folder.path()).current_dir(self.folder.path());
        command
    }

    pub fn cordboard(&self, args: &[&str]) -> Command {
        let mut command = self.program(CORDBOARD);
        command.args(args);
        command
    }

    /// Returns the arguments `--config`, `--state` and `--plugins` with this home's paths.
    pub fn places(&self) -> Vec<String> {
        ["config.toml", "state", "plugins"]
            .iter()
            .zip(["--config", "--state", "--plugins"])
            .flat_map(|(name, option)| [option.to_owned(), self.path(name).display().to_string()])
            .collect()
    }

    /// Runs the binary with empty input, and waits for its exit.
    pub fn once(&self, args: &[&str]) -> Ended {
        finish(self.cordboard(args).stdin(Stdio::null()))
    }

    /// Runs a subcommand with this home's paths.
    pub fn ask(&self, subcommand: &str, more: &[&str]) -> Ended {
        finish(self.cordboard(&[subcommand]).args(self.places()).args(more).stdin(Stdio::null()))
    }

    /// Waits until the first session is in `phase`, and returns its agent's pid.
    pub fn wait_for_phase(&self, phase: &str) -> String {
        self.wait_for(phase, |session| session["phase"] == phase)["pid"].to_string()
    }

    /// Waits until `is_so` returns true for the first session. Returns the session as `cordboard sessions --json`
    /// prints it.
    pub fn wait_for(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let mut rows: Value = serde_json::from_str(&self.ask("sessions", &["--json"]).out).unwrap();
            if is_so(&rows[0]) {
                return rows[0].take();
            }
            assert!(began.elapsed() < DEADLINE, "timed out waiting for {what}: {rows}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn run(&self) -> Host {
        let mut command = self.cordboard(&["run", "--chat", "console"]);
        Host::start(command.args(self.places()))
    }

    /// Runs a host that receives only `lines` as its input.
    pub fn talk(&self, lines: &[&str]) -> Ended {
        let mut host = self.run();
        lines.iter().for_each(|line| host.say(line));
        host.end()
    }
}

/// Polls `holds` until it returns true. Use this only for conditions that no output announces.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < DEADLINE, "timed out waiting until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

pub fn finish(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Returns the bytes of a test plugin.
pub fn plugin(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins/bad").join(format!("{name}.wasm"));
    fs::read(&file).unwrap_or_else(|_| panic!("{} is missing: run cargo xtask build", file.display()))
}

/// Returns the shared cache of compiled plugins.
pub fn compiled() -> PathBuf {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bad-input-cache");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&cache).unwrap();
    cache
}

/// A running host. It is killed when the test ends.
pub struct Host {
    pub child: Child,
    stdin: Option<ChildStdin>,
    out: PipeOutput,
    err: PipeOutput,
}

impl Host {
    pub fn start(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let stdin = child.stdin.take();
        let (out, err) =
            (PipeOutput::read(child.stdout.take().unwrap()), PipeOutput::read(child.stderr.take().unwrap()));
        Self { child, stdin, out, err }
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub fn say(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits until `text` appears in the chat, searching from the end of the previous wait's match.
    pub fn hear(&mut self, text: &str) {
        self.out.wait(text, &self.err);
    }

    /// Waits until `text` appears in the log, searching from the end of the previous wait's match.
    pub fn log(&mut self, text: &str) {
        self.err.wait(text, &self.out);
    }

    /// Returns everything that has appeared in the chat.
    pub fn shown(&self) -> String {
        self.out.text.0.lock().unwrap().text.clone()
    }

    /// Sends a line and waits for the answer.
    pub fn exchange(&mut self, line: &str, answer: &str) {
        self.say(line);
        self.hear(answer);
    }

    /// Repeats a line until the answer appears, for a change that becomes visible soon after it was logged.
    pub fn ask_until(&mut self, line: &str, answer: &str) {
        wait_until(answer, || {
            self.say(line);
            self.shown().contains(answer)
        });
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_raw(self.pid()).unwrap(), signal).unwrap();
    }

    /// Returns the processor time that the host has used.
    pub fn cpu_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        // The fields after the name, which may contain spaces. The times are in ticks.
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
    }

    /// Closes the input and waits for the exit.
    pub fn end(mut self) -> Ended {
        drop(self.stdin.take());
        self.wait()
    }

    /// Waits for the exit while the input stays open.
    pub fn wait(mut self) -> Ended {
        let status = self.child.wait().unwrap();
        Ended { code: status.code(), out: self.out.all(), err: self.err.all() }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // If the test passed, the process has already ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The output received from a pipe so far.
struct PipeOutput {
    text: Arc<(Mutex<Stream>, Condvar)>,
    /// The byte offset at which the next wait begins to search.
    past: usize,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Stream {
    text: String,
    over: bool,
}

impl PipeOutput {
    fn read(mut pipe: impl Read + Send + 'static) -> Self {
        let text: Arc<(Mutex<Stream>, Condvar)> = Arc::default();
        let shared = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut chunk = [0; 65536];
            loop {
                let read = pipe.read(&mut chunk).unwrap_or(0);
                let mut stream = shared.0.lock().unwrap();
                stream.text.push_str(&String::from_utf8_lossy(&chunk[..read]));
                stream.over = read == 0;
                shared.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Self { text, past: 0, reader: Some(reader) }
    }

    fn wait(&mut self, text: &str, other: &Self) {
        let stream = self.text.0.lock().unwrap();
        let missing = |stream: &mut Stream| !stream.over && !stream.text[self.past..].contains(text);
        let (stream, _) = self.text.1.wait_timeout_while(stream, DEADLINE, missing).unwrap();
        let unread = stream.text[self.past..].to_owned();
        drop(stream);
        let Some(at) = unread.find(text) else {
            let other = other.text.0.lock().unwrap().text.clone();
            panic!("no {text:?} in {unread:?}\nthe other stream:\n{other}")
        };
        self.past += at + text.len();
    }

    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.text.0.lock().unwrap().text.clone()
    }
}
