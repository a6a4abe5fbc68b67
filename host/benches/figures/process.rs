//! Measures the host process's startup time, and its resource usage while idle.

use std::{
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::table::{Row, Spans};

/// Returns the path of the host to measure. `cargo xtask bench` sets the variable to the path of the release binary.
pub fn binary() -> OsString {
    std::env::var_os("CORDBOARD_MEASURED").unwrap_or_else(|| env!("CARGO_BIN_EXE_cordboard").into())
}

/// A folder that contains an empty configuration and a state directory, which consecutive hosts share.
pub struct Host(TempDir);

impl Host {
    /// Creates the folder and runs a host once, which fills the cache of compiled plugins.
    pub fn new() -> Self {
        let host = Self(tempfile::tempdir().unwrap());
        fs::write(host.0.path().join("config.toml"), "").unwrap();
        host.start_to_answer();
        host
    }

    pub fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    fn spawn(&self) -> Child {
        Command::new(binary())
            .args(["run", "--chat", "console", "--config"])
            .arg(self.0.path().join("config.toml"))
            .arg("--state")
            .arg(self.state())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Measures the time from starting the process until the answer to `/help` contains `/archive`.
    pub fn start_to_answer(&self) -> Duration {
        let began = Instant::now();
        let mut child = self.spawn();
        let took = first_answer(&mut child, began);
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
        took
    }
}

fn first_answer(child: &mut Child, began: Instant) -> Duration {
    writeln!(child.stdin.as_mut().unwrap(), "/help").unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let answer = lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("/archive")));
    let took = began.elapsed();
    assert!(answer.is_some(), "the host answers /help");
    took
}

pub fn start() -> Vec<Row> {
    let host = Host::new();
    let spans = Spans::new((0..20).map(|_| host.start_to_answer()).collect());
    vec![Row::at_most("start to the first answer, all standard plugins, warm cache", &spans, Duration::from_millis(50))]
}

/// The duration of the idle measurement, in seconds.
const WATCHED: u32 = 30;

pub fn idle() -> Vec<Row> {
    let host = Host::new();
    let mut child = host.spawn();
    first_answer(&mut child, Instant::now());
    sleep(Duration::from_secs(3));
    let before = wake_ups(child.id());
    sleep(Duration::from_secs(WATCHED.into()));
    let wakes = f64::from(u32::try_from(wake_ups(child.id()) - before).unwrap()) / f64::from(WATCHED);
    let megabytes = field(&format!("/proc/{}/status", child.id()), "VmRSS:") as f64 / 1000.0;
    drop(child.stdin.take());
    child.wait().unwrap();
    vec![
        Row {
            what: "resident memory idle, all standard plugins, warm cache",
            measured: format!("{megabytes:.1} MB"),
            figure: "≤ 20 MB".to_owned(),
            reached: megabytes <= 20.0,
        },
        Row {
            what: "wake-ups idle",
            measured: format!("{wakes:.1} a second"),
            figure: "≤ 1 a second".to_owned(),
            reached: wakes <= 1.0,
        },
    ]
}

/// Returns the total number of voluntary context switches of a process's threads.
fn wake_ups(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    tasks
        .map(|task| field(&task.unwrap().path().join("status").display().to_string(), "voluntary_ctxt_switches:"))
        .sum()
}

pub fn field(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
