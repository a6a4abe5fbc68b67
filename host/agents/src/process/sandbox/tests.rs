//! Tests sandboxes with programs that try to escape from them. If bubblewrap can't be used, the tests that need it
//! print the reason and check nothing.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use cordboard_core::{
    config::{AgentLimits, Sandbox, SandboxKind},
    types::SessionName,
};
use tokio::{sync::mpsc, time::timeout};

use super::*;
use crate::process::{self, EnvTag, Process, ProcessEvent, adopt_orphans, describe_exit, tree};

/// The time limit for each wait, which only a hanging test reaches.
const LIMIT: Duration = Duration::from_secs(60);

/// A machine that contains the files of a host, its operator and two sessions. `ours` is the session in the sandbox.
struct Machine {
    disk: tempfile::TempDir,
    agent: Agent,
    tag: EnvTag,
}

impl Machine {
    /// Returns `None` and prints the reason if no sandbox can be created here.
    fn new() -> Option<Self> {
        if let Err(error) = check(&path_variable(), Path::new("/")) {
            eprintln!("SKIPPED: {error}");
            return None;
        }
        let sandbox = Sandbox { kind: SandboxKind::Bwrap, network: false, ..Sandbox::NONE };
        let session: SessionName = "ours".parse().unwrap();
        let machine = Self {
            disk: tempfile::tempdir().unwrap(),
            agent: Agent { sandbox, ..Agent::new(AgentKind::Claude) },
            tag: EnvTag { host: uuid::Uuid::new_v4().to_string(), session },
        };
        for folder in ["state/sessions/ours", "state/sessions/other", "etc/cordboard", "home/.claude"] {
            fs::create_dir_all(machine.at(folder)).unwrap();
        }
        for file in [
            "state/control.sock",
            "state/sessions/other/notes",
            "etc/public",
            "etc/cordboard/config.toml",
            "home/.ssh",
            "home/.claude/login",
        ] {
            fs::write(machine.at(file), format!("the content of {file}")).unwrap();
        }
        Some(machine)
    }

    fn at(&self, path: &str) -> PathBuf {
        let disk = self.disk.path().canonicalize().unwrap();
        if path == "." { disk } else { disk.join(path) }
    }

    /// Returns an agent that runs the script and isn't confined yet. In the script, `$D` is the folder of this machine.
    fn agent(&self, script: &str) -> Spawn {
        let variable = |name: &str, value: &Path| (name.to_owned(), value.display().to_string());
        let env = [variable("D", &self.at(".")), variable("HOME", &self.at("home"))];
        Spawn {
            program: "bash".into(),
            args: ["-c", script].map(OsString::from).to_vec(),
            env: path_variable().into_iter().chain(env).collect(),
            folder: self.at("state/sessions/ours"),
            tag: self.tag.clone(),
            limits: AgentLimits::NONE,
            output: process::OutputKind::Lines,
        }
    }

    fn confine(&self, script: &str) -> Result<Spawn, SandboxError> {
        let own = OwnFiles { folders: vec![self.at("state")], files: vec![self.at("etc/cordboard/config.toml")] };
        super::confine(self.agent(script), &self.agent, &own)
    }

    fn start(&self, script: &str) -> (Process, mpsc::Receiver<ProcessEvent>) {
        process::spawn(self.confine(script).unwrap()).unwrap()
    }

    /// Runs the script to its end, and returns its output.
    async fn run(&self, script: &str) -> String {
        let (_process, mut events) = self.start(&format!("exec 2>&1\n{script}"));
        end(&mut events).await.0.join("\n")
    }
}

fn path_variable() -> Vec<(String, String)> {
    vec![("PATH".to_owned(), std::env::var("PATH").unwrap())]
}

async fn next(events: &mut mpsc::Receiver<ProcessEvent>) -> ProcessEvent {
    timeout(LIMIT, events.recv()).await.expect("the agent is silent").expect("the agent has ended")
}

async fn line(events: &mut mpsc::Receiver<ProcessEvent>) -> String {
    match next(events).await {
        ProcessEvent::Line(line) => String::from_utf8(line).unwrap(),
        other @ (ProcessEvent::Piece(_)
        | ProcessEvent::TooLong { .. }
        | ProcessEvent::Strays { .. }
        | ProcessEvent::Ended { .. }) => {
            panic!("expected a line, not {other:?}")
        }
    }
}

/// Waits for the end of the agent, and returns its lines, and its exit status with the last line of stderr.
async fn end(events: &mut mpsc::Receiver<ProcessEvent>) -> (Vec<String>, String) {
    let mut lines = Vec::new();
    loop {
        match next(events).await {
            ProcessEvent::Line(line) => lines.push(String::from_utf8(line).unwrap()),
            ProcessEvent::Ended { status, last_stderr_line, .. } => {
                return (lines, format!("{}; {}", describe_exit(status), last_stderr_line.unwrap_or_default()));
            }
            other @ (ProcessEvent::Piece(_) | ProcessEvent::TooLong { .. } | ProcessEvent::Strays { .. }) => {
                panic!("{other:?}")
            }
        }
    }
}

/// A process outside of the sandbox, with a secret in its environment.
struct Outside(Child);

impl Outside {
    fn start() -> Self {
        let mut command = Command::new("sleep");
        command.arg("1000").env("OUTSIDE_SECRET", "hunter2").stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// An interactive shell creates its own process group, because it can't see its group's leader.
#[tokio::test]
async fn an_interrupt_reaches_an_interactive_shell() {
    let Some(machine) = Machine::new() else { return };
    let (process, mut events) = machine.start("exec bash --norc --noediting -i");
    // The command itself prints `up`: a child of the shell that hasn't executed its program yet loses the signal.
    process.write(b"sh -c 'echo up; exec sleep 1000'".to_vec()).unwrap();
    assert_eq!(line(&mut events).await, "up");
    process.interrupt(SandboxKind::Bwrap);
    process.write(b"echo still here".to_vec()).unwrap();
    assert_eq!(line(&mut events).await, "still here");
    process.close_input();
    end(&mut events).await;
}

#[tokio::test]
async fn only_the_folder_and_the_own_home_can_be_changed() {
    let Some(machine) = Machine::new() else { return };
    let outside = tempfile::tempdir().unwrap();
    let script = format!(
        "for path in /usr/escaped /etc/escaped /escaped /proc/sys/kernel/core_pattern /proc/sysrq-trigger; do
            : >>$path && echo \"wrote $path\"
        done 2>/dev/null
        # Only open the files: if the sandbox leaked, writing to the last two would harm the machine. These are in
        # folders that exist only in the sandbox.
        for path in \"$D\"/state \"$D\"/state/sessions/other \"$D\"/etc {} \"$HOME\" /tmp; do
            echo x >\"$path\"/escaped
        done 2>/dev/null
        echo mine >notes; echo mine >\"$HOME\"/.claude/notes; cat \"$HOME\"/.claude/login",
        outside.path().display()
    );
    assert_eq!(machine.run(&script).await, "the content of home/.claude/login");
    for path in ["state/escaped", "state/sessions/other/escaped", "etc/escaped", "home/escaped"] {
        assert!(!machine.at(path).exists(), "{path}");
    }
    for path in ["/usr/escaped", "/etc/escaped", "/escaped", "/tmp/escaped"] {
        assert!(!Path::new(path).exists(), "{path}");
    }
    assert_eq!(outside.path().read_dir().unwrap().count(), 0);
    for path in ["state/sessions/ours/notes", "home/.claude/notes"] {
        assert_eq!(fs::read_to_string(machine.at(path)).unwrap(), "mine\n", "{path}");
    }
}

#[tokio::test]
async fn files_of_the_host_and_of_others_are_hidden() {
    let Some(mut machine) = Machine::new() else { return };
    // The operator shows a folder that contains the configuration.
    machine.agent.sandbox.read = vec![machine.at("etc")];
    let script = "cat \"$D\"/etc/public; echo
        for path in state/control.sock state/sessions/other/notes etc/cordboard/config.toml home/.ssh; do
            cat \"$D/$path\" 2>/dev/null
        done
        ln -s \"$D\"/home/.ssh link; cat link 2>/dev/null
        ls \"$D\"/state \"$D\"/state/sessions; ls -A \"$D\"/etc/cordboard /var /run 2>/dev/null | grep -v : | xargs echo";
    let shown = machine.run(script).await;
    let disk = machine.at(".");
    let disk = disk.display();
    let wanted = format!("the content of etc/public\n{disk}/state:\nsessions\n\n{disk}/state/sessions:\nours\n");
    assert!(shown.starts_with(&wanted), "{shown}");
    assert!(!shown.contains("content of state") && !shown.contains("content of home"), "{shown}");
    assert!(!shown.contains("config.toml"), "{shown}");
}

#[tokio::test]
async fn processes_outside_are_neither_seen_nor_signalled() {
    let Some(machine) = Machine::new() else { return };
    let mut outside = Outside::start();
    let script = format!(
        "cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n' | grep OUTSIDE_SECRET
        ls /proc | grep -cx '[0-9]*' | grep -x '[0-9]' >/dev/null && echo few
        kill -9 {} {} 2>/dev/null && echo killed
        kill -9 -1 2>/dev/null
        echo end",
        outside.0.id(),
        std::process::id(),
    );
    assert_eq!(machine.run(&script).await, "few\nend");
    assert!(outside.0.try_wait().unwrap().is_none(), "the process outside was ended");
}

#[tokio::test]
async fn the_network_is_only_reached_if_it_is_on() {
    let Some(mut machine) = Machine::new() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script =
        format!("(echo >/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo reached; tail -n +3 /proc/net/dev | wc -l");
    assert_eq!(machine.run(&script).await, "1", "another interface than that of the sandbox");
    machine.agent.sandbox.network = true;
    assert!(machine.run(&script).await.starts_with("reached\n"));
}

/// Starts two processes in the background: one that has left the agent's session and environment, and one that has not.
const DETACH: &str = "setsid env -i sleep 1000 >/dev/null 2>&1 </dev/null & sleep 1000 >/dev/null 2>&1 </dev/null &";

/// Returns the running processes with the host's tag. Other tests use other tags.
fn tagged(tag: &EnvTag) -> Vec<i32> {
    let wanted = format!("CORDBOARD_HOST={}", tag.host);
    let has_tag = |pid: &i32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    };
    tree::process_table().into_values().filter(|stat| !stat.zombie).map(|stat| stat.pid).filter(has_tag).collect()
}

/// Returns the processes in the PID namespace of the agent, including those without a tag.
fn in_sandbox(tag: &EnvTag) -> Vec<PathBuf> {
    let namespace = |pid: i32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let own = fs::read_link("/proc/self/ns/pid").unwrap();
    let Some(sandbox) = tagged(tag).into_iter().filter_map(namespace).find(|found| *found != own) else {
        return Vec::new();
    };
    let pids = tree::process_table().into_values().filter(|stat| !stat.zombie).map(|stat| stat.pid);
    pids.filter(|pid| namespace(*pid).as_ref() == Some(&sandbox)).map(|pid| format!("/proc/{pid}").into()).collect()
}

async fn all_end(processes: &[PathBuf]) {
    assert!(processes.len() >= 4, "{processes:?}");
    let deadline = Instant::now() + LIMIT;
    // After the first process of a PID namespace is killed, the others end within a short time.
    while let Some(left) = processes.iter().find(|process| process.exists()) {
        assert!(Instant::now() < deadline, "{} is left", left.display());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_sandbox_ends_with_all_its_processes() {
    let Some(machine) = Machine::new() else { return };
    adopt_orphans();
    let (process, mut events) = machine.start(&format!("{DETACH} echo up; read end; exit 3"));
    line(&mut events).await;
    let processes = in_sandbox(&machine.tag);
    process.close_input();
    assert_eq!(end(&mut events).await, (Vec::new(), "exit code 3; ".to_owned()));
    all_end(&processes).await;

    let (process, mut events) = machine.start(&format!("trap '' TERM; {DETACH} echo up; while :; do sleep 1; done"));
    line(&mut events).await;
    let processes = in_sandbox(&machine.tag);
    process.kill();
    assert_eq!(end(&mut events).await.1, "killed by SIGKILL; ");
    all_end(&processes).await;
}

#[tokio::test]
async fn sigterm_reaches_the_agent_in_the_sandbox() {
    let Some(machine) = Machine::new() else { return };
    adopt_orphans();
    let (process, mut events) =
        machine.start(&format!("trap 'echo tidied >notes; exit' TERM; {DETACH} echo up; while :; do sleep 0.1; done"));
    line(&mut events).await;
    let processes = in_sandbox(&machine.tag);
    process.terminate();
    end(&mut events).await;
    all_end(&processes).await;
    assert_eq!(fs::read_to_string(machine.at("state/sessions/ours/notes")).unwrap(), "tidied\n");
}

#[tokio::test]
async fn a_sandbox_of_a_killed_host_is_swept() {
    let Some(machine) = Machine::new() else { return };
    adopt_orphans();
    // Give the agent another run's tag, as if a killed host had left it behind.
    let confined =
        machine.confine(&format!("trap '' TERM; {DETACH} echo up >notes; while :; do sleep 1; done")).unwrap();
    let mut command = Command::new("setsid");
    command.arg(confined.program).args(confined.args).env_clear().envs(confined.env).stdin(Stdio::null());
    command.env("CORDBOARD_HOST", &machine.tag.host).env("CORDBOARD_SESSION", "ours");
    let mut left = command.env("CORDBOARD_HOST_RUN", "another").current_dir(&confined.folder).spawn().unwrap();
    let deadline = Instant::now() + LIMIT;
    while !machine.at("state/sessions/ours/notes").exists() {
        assert!(Instant::now() < deadline, "the agent is silent");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let processes = in_sandbox(&machine.tag);
    let swept = process::sweep(&machine.tag.host, Vec::new()).await;
    assert!(swept.ended >= 3 && swept.left == 0, "{swept:?}");
    // Another test in this process may have adopted the agent, and reaped it.
    left.wait().ok();
    all_end(&processes).await;
}

#[tokio::test]
async fn a_sandbox_that_would_show_the_host_is_refused() {
    let Some(mut machine) = Machine::new() else { return };
    machine.agent.sandbox.write = vec![machine.at(".")];
    let error = machine.confine("true").unwrap_err().to_string();
    assert!(
        error.starts_with("start the sandbox: ") && error.contains(" belongs to Cordboard, but is inside "),
        "{error}"
    );
}

#[test]
fn a_missing_or_failing_bubblewrap_names_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let env = vec![("PATH".to_owned(), folder.path().display().to_string())];
    let missing = check(&env, Path::new("/")).unwrap_err().to_string();
    assert!(missing.contains("install the package bubblewrap"), "{missing}");
    let bwrap = folder.path().join("bwrap");
    fs::write(&bwrap, "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n").unwrap();
    fs::set_permissions(&bwrap, fs::Permissions::from_mode(0o755)).unwrap();
    let failed = check(&env, Path::new("/")).unwrap_err().to_string();
    assert!(failed.contains("bubblewrap failed: No permissions to create new namespace."), "{failed}");
    assert!(failed.contains("unprivileged user namespaces"), "{failed}");
    assert!(SandboxError::of_stderr("warning: bwrap: no").is_none());
}
