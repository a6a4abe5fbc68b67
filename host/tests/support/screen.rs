//! A terminal for a program that looks for one, by `script`: keys go in, and what is shown is waited for.

use std::{
    ffi::OsStr,
    io::{Read, Write},
    process::{ChildStdin, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Only a hang gets there.
const DEADLINE: Duration = Duration::from_secs(60);

/// A terminal with a program in it, and everything that it has shown.
pub struct Screen {
    keys: ChildStdin,
    output: mpsc::Receiver<Vec<u8>>,
    shown: String,
    child: std::process::Child,
}

impl Screen {
    /// Runs a command line of sh. None where this machine has no `script`.
    pub fn open(line: &str, environment: &[(&str, &OsStr)]) -> Option<Self> {
        let child = Command::new("script")
            .args(["-qec", &format!("stty rows 24 cols 80; exec {line}"), "/dev/null"])
            .env("TERM", "xterm")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            eprintln!("skipped: there is no `script` here to lend a terminal");
            return None;
        };
        let (sender, output) = mpsc::channel();
        let mut stdout = child.stdout.take().expect("it is a pipe");
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = stdout.read(&mut chunk) {
                if sender.send(chunk[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Some(Self { keys: child.stdin.take().expect("it is a pipe"), output, shown: String::new(), child })
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.keys.flush().expect("the terminal takes keys");
    }

    /// Waits until `text` has been shown since the last wait, and forgets what came up to it.
    pub fn wait(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = self.shown.find(text) {
                self.shown.drain(..at + text.len());
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(chunk) = self.output.recv_timeout(left) else { panic!("no {text:?} in {:?}", self.shown) };
            self.shown.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    pub fn ended(mut self) {
        assert!(self.child.wait().expect("it is our child").success());
    }
}
