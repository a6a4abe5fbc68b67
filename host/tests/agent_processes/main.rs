//! Tests `cordboard_agents::process` with real processes: startup, output, exit, termination of descendants, and the
//! orphan sweep.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod cgroups;
mod outputs;
#[path = "../support/cgroups.rs"]
mod support;

use std::{
    ffi::OsString,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use cordboard_agents::process::{
    CleanupReport, EnvTag, Environment, OutputKind, Process, ProcessEvent, Spawn, WriteError, adopt_orphans,
    describe_exit, spawn, sweep,
};
use cordboard_core::{
    config::{AgentLimits, SandboxKind},
    types::ProcessId,
};
use tokio::{sync::mpsc::Receiver, time::timeout};

use support::is_running;

/// The time limit of each wait. Only a test that hangs reaches it.
const LIMIT: Duration = Duration::from_secs(60);

fn tag() -> EnvTag {
    EnvTag { host: uuid::Uuid::new_v4().to_string(), session: "test".parse().unwrap() }
}

fn shell(script: &str) -> Spawn {
    Spawn {
        program: PathBuf::from("sh"),
        args: ["-c", script].map(OsString::from).to_vec(),
        env: vec![("PATH".to_owned(), std::env::var("PATH").unwrap())],
        folder: std::env::temp_dir(),
        tag: tag(),
        limits: AgentLimits::NONE,
        output: OutputKind::Lines,
    }
}

fn start(script: &str) -> (Process, Receiver<ProcessEvent>) {
    spawn(shell(script)).unwrap()
}

async fn next(events: &mut Receiver<ProcessEvent>) -> Option<ProcessEvent> {
    timeout(LIMIT, events.recv()).await.expect("the process is silent")
}

async fn line(events: &mut Receiver<ProcessEvent>) -> String {
    match next(events).await {
        Some(ProcessEvent::Line(line)) => String::from_utf8(line).unwrap(),
        other => panic!("expected a line, not {other:?}"),
    }
}

/// Waits for a process to exit, and returns its output lines, exit status and last line of error output.
async fn end(events: &mut Receiver<ProcessEvent>) -> (Vec<String>, String, Option<String>) {
    let mut lines = Vec::new();
    loop {
        match next(events).await.expect("the process did not exit") {
            ProcessEvent::Line(line) => lines.push(String::from_utf8_lossy(&line).into_owned()),
            ProcessEvent::Piece(piece) => panic!("a piece of a line: {piece:?}"),
            ProcessEvent::TooLong { bytes, .. } => lines.push(format!("{bytes} bytes")),
            ProcessEvent::Strays { pids } => lines.push(format!("strays {pids:?}")),
            ProcessEvent::Ended { status, last_stderr_line, .. } => {
                assert_eq!(next(events).await, None, "an event follows the exit");
                return (lines, describe_exit(status), last_stderr_line);
            }
        }
    }
}

#[tokio::test]
async fn lines_are_exchanged_until_the_end_of_input() {
    let (process, mut events) = start("while read line; do echo \"got $line\"; done; echo bye; exit 3");
    process.write(b"one".to_vec()).unwrap();
    process.write("zwölf".as_bytes().to_vec()).unwrap();
    process.close_input();
    assert_eq!(process.write(b"three".to_vec()), Err(WriteError::Closed));
    let (lines, status, last_stderr_line) = end(&mut events).await;
    assert_eq!(lines, ["got one", "got zwölf", "bye"]);
    assert_eq!((status.as_str(), last_stderr_line), ("exit code 3", None));
    assert!(!Path::new(&format!("/proc/{}", process.id().pid)).exists(), "a zombie is left");
}

#[tokio::test]
async fn the_last_output_is_the_last_nonblank_stderr_line() {
    let (_process, mut events) = start("echo first >&2; echo 'no token given' >&2; printf '\\n  \\n' >&2; exit 1");
    let (_, status, last_stderr_line) = end(&mut events).await;
    assert_eq!((status.as_str(), last_stderr_line.as_deref()), ("exit code 1", Some("no token given")));
}

#[tokio::test]
async fn heavy_stderr_and_binary_stdout_are_tolerated() {
    let script = "i=0; while [ $i -lt 3000 ]; do echo 'a line that nobody reads, again and again and again' >&2; i=$((i+1)); done; \
                  printf 'a\\377\\000b\\n\\n'; echo end";
    let (_process, mut events) = start(script);
    let mut raw = Vec::new();
    while let Some(event) = next(&mut events).await {
        raw.push(event);
    }
    assert_eq!(
        raw[..3],
        [ProcessEvent::Line(b"a\xff\0b".to_vec()), ProcessEvent::Line(Vec::new()), ProcessEvent::Line(b"end".to_vec())]
    );
}

#[tokio::test]
async fn a_10_mb_line_is_read_and_a_longer_one_is_skipped() {
    let (_process, mut events) =
        start("head -c 10000000 /dev/zero | tr '\\0' x; echo; head -c 70000000 /dev/zero; echo; echo end");
    assert_eq!(line(&mut events).await.len(), 10_000_000);
    let beginning = vec![0; 4096];
    assert_eq!(next(&mut events).await, Some(ProcessEvent::TooLong { bytes: 70_000_000, beginning }));
    let (lines, status, _) = end(&mut events).await;
    assert_eq!((lines, status.as_str()), (vec!["end".to_owned()], "exit code 0"));
}

#[tokio::test]
async fn the_environment_is_the_given_one_and_the_tag() {
    let mut env = shell("env | grep -v -e ^PWD= -e ^SHLVL= -e ^_= -e ^PATH= | sort");
    env.env.push(("GIVEN".to_owned(), "yes".to_owned()));
    let host = env.tag.host.clone();
    let (_process, mut events) = spawn(env).unwrap();
    let (lines, ..) = end(&mut events).await;
    assert_eq!(lines[0], format!("CORDBOARD_HOST={host}"));
    assert!(lines[1].starts_with("CORDBOARD_HOST_RUN="));
    assert_eq!(lines[2..], ["CORDBOARD_SESSION=test", "GIVEN=yes"]);
}

#[tokio::test]
async fn sigterm_reaches_the_whole_group() {
    let (process, mut events) = start("sleep 1000 & echo $!; wait");
    let child = line(&mut events).await;
    process.terminate();
    let (_, status, _) = end(&mut events).await;
    assert_eq!(status, "killed by SIGTERM");
    assert!(!is_running(&child) && !is_running(&process.id().pid.to_string()));
}

#[tokio::test]
async fn a_process_that_ignores_sigterm_is_killed() {
    let (process, mut events) = start("trap '' TERM; sleep 1000 & echo $!; while :; do sleep 1000; done");
    let child = line(&mut events).await;
    process.terminate();
    process.close_input();
    process.kill();
    let (_, status, _) = end(&mut events).await;
    assert_eq!(status, "killed by SIGKILL");
    assert!(!is_running(&child));
}

#[tokio::test]
async fn remaining_children_are_ended_before_the_exit_is_reported() {
    // The script prints the pids of three processes, all of which hold stdout open: one in the agent's process group
    // that ignores SIGTERM, and two outside the group, the second of which ignores SIGTERM.
    let script = "trap '' TERM; sleep 1001 & echo $!; trap - TERM; setsid sleep 1002 & echo $!; \
                  setsid sh -c \"trap '' TERM; sleep 1003 & echo \\$!; wait\" & read go; exit 0";
    let (process, mut events) = start(script);
    let pids = [line(&mut events).await, line(&mut events).await, line(&mut events).await];
    process.write(b"go".to_vec()).unwrap();
    let (_, status, _) = end(&mut events).await;
    assert_eq!(status, "exit code 0");
    for pid in pids {
        assert!(!is_running(&pid), "process {pid} is still running");
    }
}

#[tokio::test]
async fn a_detached_process_is_named_and_its_pipe_abandoned() {
    let _no_cgroups = cgroups::forbid_cgroups();
    adopt_orphans();
    // The child drops its environment tag, its resource limit tag, its process group and its parent. Only a malicious
    // program would do all of this.
    let (process, mut events) =
        start("setsid sh -c \"env -i prlimit --rttime=1000000000 sh -c 'echo \\$\\$; exec sleep 1000' &\"; read go");
    let pid = line(&mut events).await;
    process.write(b"go".to_vec()).unwrap();
    assert_eq!(next(&mut events).await, Some(ProcessEvent::Strays { pids: vec![pid.parse().unwrap()] }));
    let (_, status, _) = end(&mut events).await;
    assert_eq!(status, "exit code 0");
    assert!(is_running(&pid));
    let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// A script that starts a process in a new session, with an empty environment and detached from its parent, like a
/// daemon. The script prints the process's pid.
const DETACH: &str = "setsid env -i sh -c '(sleep 1004 >/dev/null 2>&1 </dev/null & echo $!)'";

#[tokio::test]
async fn a_process_that_left_its_session_is_ended_and_reaped() {
    let _no_cgroups = cgroups::forbid_cgroups();
    adopt_orphans();
    // Another agent's process must survive.
    let (other, mut others) = start(&format!("read begin; {DETACH}; read go"));
    other.write(b"begin".to_vec()).unwrap();
    let spared = line(&mut others).await;
    let mut mine = shell(&format!("read begin; {DETACH}; setsid sh -c '{}' & read go", DETACH.replace('\'', "'\\''")));
    mine.tag.session = "alpha".parse().unwrap();
    let (process, mut events) = spawn(mine).unwrap();
    process.write(b"begin".to_vec()).unwrap();
    let pids = [line(&mut events).await, line(&mut events).await];
    process.write(b"go".to_vec()).unwrap();
    let (lines, status, _) = end(&mut events).await;
    assert_eq!((lines.len(), status.as_str()), (0, "exit code 0"));
    for pid in &pids {
        assert!(!is_running(pid), "process {pid} is still running");
        let gone = async {
            while Path::new(&format!("/proc/{pid}")).exists() {
                tokio::time::sleep(Duration::from_millis(5)).await
            }
        };
        timeout(LIMIT, gone).await.expect("a zombie is left");
    }
    assert!(is_running(&spared));
    other.kill();
    end(&mut others).await;
    assert!(!is_running(&spared));
}

#[tokio::test]
async fn unrelated_children_are_not_reaped() {
    adopt_orphans();
    for _ in 0..20 {
        let mut child = Command::new("sh").args(["-c", "exit 7"]).spawn().unwrap();
        let (_process, mut events) = start("exit 3");
        assert_eq!(end(&mut events).await.1, "exit code 3");
        assert_eq!(child.wait().unwrap().code(), Some(7));
    }
}

#[tokio::test]
async fn an_orphan_without_its_environment_is_found() {
    let _no_cgroups = cgroups::forbid_cgroups();
    // This test doesn't call `adopt_orphans`, so init adopts the detached process, as happens when a host dies.
    let host = tag().host;
    let script = format!("read begin; {DETACH}; echo detached; exec sleep 1000");
    let spawned = Spawn { tag: EnvTag { host: host.clone(), ..tag() }, ..shell(&script) };
    let (process, mut events) = spawn(spawned).unwrap();
    process.write(b"begin".to_vec()).unwrap();
    let (pid, detached) = (line(&mut events).await, line(&mut events).await);
    assert!(is_running(&pid) && detached == "detached");
    let swept = sweep(&host, Vec::new()).await;
    assert_eq!(swept, CleanupReport { ended: 1, left: 0 }, "an agent of this host is not an orphan");
    assert!(!is_running(&pid));
    process.kill();
    end(&mut events).await;
}

#[tokio::test]
async fn dropping_the_handle_ends_the_tree() {
    let (process, mut events) = start("trap '' TERM; setsid sleep 1000 & echo $!; while :; do sleep 1000; done");
    let child = line(&mut events).await;
    drop(process);
    let (_, status, _) = end(&mut events).await;
    assert_eq!(status, "killed by SIGKILL");
    assert!(!is_running(&child));
}

#[tokio::test]
async fn an_agent_that_does_not_read_blocks_no_one() {
    let (process, mut events) = start("echo up; while :; do sleep 1000; done");
    line(&mut events).await;
    let mut refused = None;
    for _ in 0..1000 {
        if let Err(error) = process.write(vec![b'x'; 100_000]) {
            refused = Some(error);
            break;
        }
    }
    assert_eq!(refused, Some(WriteError::Full));
    process.kill();
    end(&mut events).await;
}

#[tokio::test]
async fn each_failed_start_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let error = |program: &Path, folder: &Path| {
        let spawned = spawn(Spawn { program: program.to_owned(), folder: folder.to_owned(), ..shell("") });
        spawned.map(|_| ()).unwrap_err().to_string().replace(&folder.display().to_string(), "FOLDER")
    };
    let plain = file("plain", "text", 0o644);
    let no_interpreter = file("script", "#!/no/such/interpreter\n", 0o755);
    let no_program = file("empty", "", 0o755);
    let at = folder.path();
    assert_eq!(
        error(&no_program, at),
        "start 'FOLDER/empty': it is not a program for this machine (a script must begin with a line such as \
         `#!/bin/sh`); correct `command`"
    );
    assert_eq!(
        error(Path::new("no-such-agent"), at),
        "start 'no-such-agent': it was not found in PATH; install it, or set its full path in `command`"
    );
    assert_eq!(
        error(&at.join("gone"), at),
        "start 'FOLDER/gone': the file does not exist; set the program's full path in `command`"
    );
    assert_eq!(
        error(&plain, at),
        "start 'FOLDER/plain': it is not an executable file, or a folder on its path can't be searched; use `chmod +x`, or correct `command`"
    );
    assert_eq!(
        error(&no_interpreter, at),
        "start 'FOLDER/script': the interpreter in its first line is missing; install it"
    );
    assert_eq!(
        error(Path::new("sh"), &at.join("gone")),
        "start 'sh': the session's folder 'FOLDER' is missing; create it again, or start a new session"
    );
}

/// Starts a process like one left behind by a killed host: it has the environment tag, but wasn't started by `spawn`.
/// Waits until the script prints `up`, and returns the process and the lines before `up`.
fn orphan(host: &str, session: &str, script: &str) -> (std::process::Child, Vec<String>) {
    use std::io::{BufRead, BufReader};
    let mut command = Command::new("setsid");
    command.args(["sh", "-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
    command.env("CORDBOARD_HOST", host).env("CORDBOARD_SESSION", session).env("CORDBOARD_HOST_RUN", "another");
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let pids = lines.take_while(|line| line != "up").collect();
    (child, pids)
}

#[tokio::test]
async fn an_orphan_is_found_by_its_tag_and_ended() {
    let host = tag().host;
    let deaf = "trap '' TERM; setsid env -u CORDBOARD_HOST sleep 1000 & echo $!; sleep 1000 & echo $!; echo up; while :; do sleep 1000; done";
    let (mut alpha, pids) = orphan(&host, "alpha", deaf);
    let (mut beta, _) = orphan(&host, "beta", "echo up; sleep 1000");
    let (mut other, _) = orphan(&tag().host, "alpha", "echo up; exec sleep 1000");
    // The sweep spares agents of the running host.
    let (ours, mut events) =
        spawn(Spawn { tag: EnvTag { host: host.clone(), ..tag() }, ..shell("echo up; sleep 1000") }).unwrap();
    line(&mut events).await;

    let swept = sweep(&host, Vec::new()).await;
    assert_eq!((swept.ended >= 4, swept.left), (true, 0), "{swept:?}");
    for pid in &pids {
        assert!(!is_running(pid));
    }
    assert!(alpha.wait().is_ok() && beta.wait().is_ok());
    assert!(other.try_wait().unwrap().is_none(), "a process of another state directory was stopped");
    assert!(is_running(&ours.id().pid.to_string()), "a process of this host was stopped");
    assert_eq!(sweep(&host, Vec::new()).await, CleanupReport::default());
    other.kill().unwrap();
    other.wait().unwrap();
    ours.kill();
    end(&mut events).await;
}

#[tokio::test]
async fn a_stored_identity_finds_only_the_same_process() {
    let (process, mut events) = start("echo up; sleep 1000");
    line(&mut events).await;
    let later = ProcessId { started: process.id().started + 1, ..process.id().clone() };
    let rebooted = ProcessId { boot: "another".to_owned(), ..process.id().clone() };
    let host = tag().host;
    assert_eq!(sweep(&host, vec![later, rebooted]).await, CleanupReport::default());
    let swept = sweep(&host, vec![process.id().clone()]).await;
    assert!(swept.ended > 0 && swept.left == 0, "{swept:?}");
    end(&mut events).await;
}

#[test]
fn an_agent_gets_the_configured_variables() {
    let pairs = [("A", "1"), ("B", "2"), ("C", "3")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment: Environment = pairs.into_iter().collect();
    assert_eq!(environment.pick(["C", "X", "A"]), [("C".to_owned(), "3".to_owned()), ("A".to_owned(), "1".to_owned())]);
    assert_eq!(format!("{environment:?}"), "Environment(3 variables)");
}

#[tokio::test]
async fn merged_output_arrives_in_order_and_unfinished() {
    let script = "echo out; echo err >&2; printf '>>> ' >&2; read line; trap 'echo interrupted; exit 0' INT; \
                  echo ready; while :; do sleep 1; done";
    let (process, mut events) = spawn(Spawn { output: OutputKind::Merged, ..shell(script) }).unwrap();
    let mut text = String::new();
    let mut until = async |end: &str| {
        while !text.ends_with(end) {
            match next(&mut events).await {
                Some(ProcessEvent::Piece(piece)) => text.push_str(&String::from_utf8(piece).unwrap()),
                other => panic!("expected a piece, not {other:?}"),
            }
        }
        text.clone()
    };
    assert_eq!(until(">>> ").await, "out\nerr\n>>> ");
    process.write(b"go".to_vec()).unwrap();
    until("ready\n").await;
    process.interrupt(SandboxKind::None);
    assert_eq!(until("interrupted\n").await, "out\nerr\n>>> ready\ninterrupted\n");
    assert_eq!(
        next(&mut events).await,
        Some(ProcessEvent::Ended {
            status: Some(ExitStatus::default()),
            last_stderr_line: None,
            exceeded_memory: false
        })
    );
}
