//! Starts a host in a temporary home and talks to it over pipes. No started process outlives its test.

mod home;
mod http_client;
mod plugin_cache;
mod transcript;

pub use home::{Home, component_of as component, extra};
pub use http_client::HttpClient;

use std::{
    io::Write,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};
use serde_json::Value;

use transcript::Transcript;

/// The time limit of each wait. Only a test that hangs reaches it.
pub const LIMIT: Duration = Duration::from_secs(120);

/// The reply to `/new a`.
pub const CREATED: &str = "Session 'a' created.";

/// The notice that says that session `a`'s plain program was restarted.
pub const STATE_LOST: &str = "The program of session 'a' was started again and has lost its state, such as variables and open files. Its folder is unchanged.";

/// The reply to `/fresh` for the session `a`.
pub const FRESH: &str =
    "Session 'a' starts a new conversation. Its folder is unchanged; the previous conversation can't be resumed.";

/// The interval for polling a condition.
pub const LOOK: Duration = Duration::from_millis(20);

/// Returns the names of the embedded plugins, sorted.
pub fn standard_plugins() -> Vec<&'static str> {
    cordboard::standard_plugins::STANDARD.iter().map(|plugin| plugin.name).collect()
}

/// Waits until `holds` returns true.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LIMIT, "timed out waiting until {what}");
        std::thread::sleep(LOOK);
    }
}

/// A running host. It is killed when the test ends.
pub struct Host<'h> {
    home: &'h Home,
    child: Child,
    input: Option<ChildStdin>,
    chat: Transcript,
    log: Transcript,
}

/// The environment variable that selects English for the console's texts.
pub const ENGLISH: (&str, &str) = ("LC_ALL", "C.UTF-8");

impl<'h> Host<'h> {
    fn start(home: &'h Home, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cordboard"))
            .args(["run", "--chat", "console"])
            .args(home.arguments())
            // The tests may run in a systemd service that sets this variable.
            .env_remove("CREDENTIALS_DIRECTORY")
            .envs([ENGLISH])
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let chat = Transcript::of(child.stdout.take().unwrap());
        let log = Transcript::of(child.stderr.take().unwrap());
        Self { home, input: child.stdin.take(), child, chat, log }
    }

    pub fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Sends a line, and expects exactly this answer as the next output.
    #[track_caller]
    pub fn ask(&mut self, line: &str, answer: &str) {
        self.say(line);
        self.reads(answer);
    }

    /// Expects exactly these lines as the next output.
    #[track_caller]
    pub fn reads(&mut self, lines: &str) {
        let wanted = format!("{lines}\n");
        let enough = |unread: &str| (unread.len() >= wanted.len()).then_some(wanted.len());
        match self.chat.take(enough, LIMIT) {
            Ok(read) => assert_eq!(read, wanted, "{}", self.everything()),
            Err(unread) => panic!("expected {wanted:?}, found {unread:?}\n{}", self.everything()),
        }
    }

    /// Waits for this text, and returns the unread output up to the end of the text.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> String {
        let found = |unread: &str| unread.find(text).map(|at| at + text.len());
        match self.chat.take(found, LIMIT) {
            Ok(read) => read,
            Err(unread) => panic!("expected {text:?} in {unread:?}\n{}", self.everything()),
        }
    }

    /// Waits until all of these texts have appeared, in any order: an agent's output may come before the reply to the
    /// command that caused it. Reads up to the end of the last text, so each text includes its line break if
    /// [`ask`](Self::ask) follows.
    #[track_caller]
    pub fn expect_all(&mut self, texts: &[&str]) {
        let end_of = |unread: &str, text: &&str| unread.find(text).map(|at| at + text.len());
        let found = |unread: &str| {
            let ends: Option<Vec<usize>> = texts.iter().map(|text| end_of(unread, text)).collect();
            ends?.into_iter().max()
        };
        if let Err(unread) = self.chat.take(found, LIMIT) {
            panic!("expected all of {texts:?} in {unread:?}\n{}", self.everything());
        }
    }

    /// Waits for this text in the log, and returns the unread log up to the end of that line.
    #[track_caller]
    pub fn expect_logged(&mut self, text: &str) -> String {
        let found = |unread: &str| unread.find(text).map(|at| at + unread[at..].find('\n').unwrap_or(text.len()));
        match self.log.take(found, LIMIT) {
            Ok(read) => read,
            Err(unread) => panic!("expected {text:?} in the log {unread:?}\n{}", self.everything()),
        }
    }

    /// Returns the whole chat so far.
    pub fn chat(&self) -> String {
        self.chat.whole()
    }

    pub fn log(&self) -> String {
        self.log.whole()
    }

    fn everything(&self) -> String {
        format!("the chat:\n{}\nthe log:\n{}", self.chat(), self.log())
    }

    /// Returns the session as in `cordboard sessions --json`.
    #[track_caller]
    pub fn session(&self, name: &str) -> Value {
        let rows = self.home.sessions();
        let found = rows.as_array().unwrap().iter().find(|row| row["name"] == name);
        found.unwrap_or_else(|| panic!("session {name} does not exist: {rows}")).clone()
    }

    pub fn agent(&self, name: &str) -> u64 {
        self.session(name)["pid"].as_u64().expect("an agent is running")
    }

    pub fn await_phase(&self, name: &str, phase: &str) {
        until(&format!("{name} is {phase}\n{}", self.everything()), || self.session(name)["phase"] == phase);
    }

    /// Waits until the host has counted this many turns for the session. It may show an answer before it counts the
    /// turn.
    pub fn await_turns(&self, name: &str, turns: u64) {
        until(&format!("{name} has had {turns} turns"), || self.session(name)["turns"] == turns);
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        // The process may have just exited.
        let _: rustix::io::Result<()> = rustix::process::kill_process(pid, signal);
    }

    pub fn close_input(&mut self) {
        drop(self.input.take());
    }

    /// Closes the input, waits for the host to exit, and returns the unread chat and the exit code.
    pub fn end(mut self) -> (String, Option<i32>) {
        self.close_input();
        let status = self.wait();
        (self.chat.rest(), status.code())
    }

    /// Waits for the host to exit on its own.
    pub fn wait(&mut self) -> ExitStatus {
        let mut ended = None;
        until("the host ends", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap()
    }

    /// Kills the host with SIGKILL, leaving its agents running. Returns the unread chat.
    pub fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.chat.rest()
    }

    /// Returns the unread chat and log output after the host has exited.
    pub fn rest(&self) -> (String, String) {
        (self.chat.rest(), self.log.rest())
    }
}

impl Drop for Host<'_> {
    fn drop(&mut self) {
        // The process may have ended already.
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<ExitStatus> = self.child.wait();
    }
}
