//! Runs the host as a process, kills it, and inspects the agents and the database that it leaves behind.

use std::{
    ffi::OsString,
    fs,
    os::unix::{
        fs::PermissionsExt as _,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use cordboard_failpoints::VARIABLE;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{
    agent,
    botapi::TOKEN,
    components::bad,
    plan::{CHATS, Kill},
};

/// The time limit for reaching a failpoint.
const REACHED_WITHIN: Duration = Duration::from_secs(10);

/// The environment variable that marks this chaos test's agents.
const MARK: &str = "CORDBOARD_CHAOS";

/// The folder of the host's files, which all runs of the host share.
pub struct Home {
    folder: TempDir,
    version: usize,
}

/// The end of a run of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was killed as planned.
    Killed,
    /// It did not reach its failpoint, so it was killed anyway.
    NotReached,
    /// It exited by itself.
    Exited,
}

/// A process, identified by its pid and its start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    pid: i32,
    started: u64,
}

impl Home {
    pub fn create(api_url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Self { folder, version: 0 };
        fs::write(home.path("token"), TOKEN).unwrap();
        fs::set_permissions(home.path("token"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::create_dir(home.path("plugins")).unwrap();
        fs::write(home.path("plugins/echo.wasm"), bad("echo")).unwrap();
        fs::write(home.path("prompts"), "").unwrap();
        fs::write(home.path("config.toml"), home.config(api_url)).unwrap();
        home
    }

    fn config(&self, api_url: &str) -> String {
        let program = std::env::current_exe().unwrap();
        let members: Vec<i64> = CHATS.skip(1).collect();
        format!(
            "[telegram]\ntoken_file = \"token\"\napi_url = \"{api_url}\"\nstream = \"edit\"\n\
             [access]\nowner = {owner}\nmembers = {members:?}\n[sessions]\nqueue = 1000\nkept = 1000\n\
             [agents]\ndefault = \"recorder\"\n[agents.recorder]\nkind = \"claude\"\ncommand = {program:?}\n\
             args = [\"{role}\", {record:?}]\nenv = {{ {MARK} = {mark:?} }}\n",
            owner = CHATS.start(),
            role = agent::ROLE,
            record = self.path("prompts"),
            mark = self.folder.path(),
        )
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Keeps the folder, so that its files can be examined. Returns its path.
    pub fn keep(&mut self) -> &Path {
        self.folder.disable_cleanup(true);
        self.folder.path()
    }

    pub fn add_plugin(&self, name: &str) {
        fs::write(self.path(&format!("plugins/{name}.wasm")), bad(name)).unwrap();
    }

    /// Replaces the file of the plugin `echo` with its other version.
    pub fn replace_plugin(&mut self) {
        self.version += 1;
        let version = if self.version.is_multiple_of(2) { "echo" } else { "echo_v2" };
        fs::write(self.path("new"), bad(version)).unwrap();
        fs::rename(self.path("new"), self.path("plugins/echo.wasm")).unwrap();
    }

    /// Returns the version of the plugin `echo` whose file is in the folder, as its answers begin.
    pub fn version(&self) -> &'static str {
        if self.version.is_multiple_of(2) { "v1" } else { "v2" }
    }

    /// Returns how often a running host has activated a plugin since its start.
    pub fn generation(&self, plugin: &str) -> usize {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cordboard"));
        let listed = command.args(["plugins", "--json"]).args(self.places()).output().unwrap();
        let rows: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
        let row = rows.iter().find(|row| row["name"] == plugin).expect("the plugin is listed");
        usize::try_from(row["generation"].as_u64().unwrap()).unwrap()
    }

    /// Returns the options that name the files.
    fn places(&self) -> [OsString; 6] {
        let option = |name: &str| OsString::from(name);
        let path = |name: &str| self.path(name).into_os_string();
        let (config, state, plugins) = (path("config.toml"), path("state"), path("plugins"));
        [option("--config"), config, option("--state"), state, option("--plugins"), plugins]
    }

    /// Starts a host that logs to a separate file for each run.
    pub fn start(&self, run: usize, failpoint: Option<&str>) -> Child {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cordboard"));
        command.args(["run", "--chat", "telegram"]).args(self.places());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(fs::File::create(self.log(run)).unwrap());
        command.env_remove(VARIABLE).envs(failpoint.map(|point| (VARIABLE, point)));
        // A Ctrl+C in the terminal should end the chaos test first.
        command.process_group(0);
        let mut command = Command::from(command);
        command.kill_on_drop(true).spawn().unwrap()
    }

    pub fn log(&self, run: usize) -> PathBuf {
        self.path(&format!("log-{run}"))
    }

    /// Returns the numbers of the prompts that agents have received.
    pub fn prompts(&self) -> Vec<u64> {
        fs::read_to_string(self.path("prompts")).unwrap().lines().map(|line| line.parse().unwrap()).collect()
    }

    /// Returns the agents and their descendants that are running.
    pub fn agents(&self) -> Vec<Process> {
        let mark = format!("{MARK}={}", self.folder.path().display());
        let is_marked = |process: &Process| {
            let environ = fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
            environ.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
        };
        let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter_map(Process::of).filter(is_marked).collect()
    }

    /// Checks a copy of the database that a killed host has left, because opening the database itself would repair it.
    pub fn is_database_sound(&self) -> bool {
        let copy = tempfile::tempdir_in(self.folder.path()).unwrap();
        let database = copy.path().join("cordboard.db");
        for suffix in ["", "-wal"] {
            let from = self.path(&format!("state/cordboard.db{suffix}"));
            if from.exists() {
                fs::copy(from, copy.path().join(format!("cordboard.db{suffix}"))).unwrap();
            }
        }
        let checked = rusqlite::Connection::open(database)
            .and_then(|db| db.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)));
        checked.is_ok_and(|answer| answer == "ok")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for process in self.agents() {
            process.kill();
        }
    }
}

impl Process {
    fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // Ignore zombies.
        if fields.first() == Some(&"Z") {
            return None;
        }
        Some(Self { pid, started: fields.get(19)?.parse().ok()? })
    }

    pub fn is_running(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    fn kill(self) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.is_running()) {
            // It may have exited in the meantime.
            let _: rustix::io::Result<()> = kill_process(pid, Signal::KILL);
        }
    }
}

/// Waits until the host has been killed as planned.
pub async fn until_killed(child: &mut Child, kill: Kill) -> End {
    let limit = match kill {
        Kill::At { .. } => REACHED_WITHIN,
        Kill::After(time) => time,
    };
    let ended = tokio::time::timeout(limit, child.wait()).await.map(Result::unwrap);
    match (ended, kill) {
        (Ok(status), Kill::At { .. }) if is_kill(status) => End::Killed,
        (Ok(_), _) => End::Exited,
        (Err(_), Kill::At { .. }) => {
            child.kill().await.unwrap();
            End::NotReached
        }
        (Err(_), Kill::After(_)) => {
            child.kill().await.unwrap();
            End::Killed
        }
    }
}

fn is_kill(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::KILL.as_raw())
}
