//! Tests agents' cgroups. If this process can't create cgroups, the tests expect the behavior for hosts without
//! cgroups. If it can't set limits in cgroups, the tests that need limits print a line and pass.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use cordboard_agents::process::{CleanupReport, EnvTag, ProcessEvent, Spawn, SpawnError, adopt_orphans, spawn, sweep};
use cordboard_core::config::AgentLimits;

use super::{
    LIMIT, describe_exit, end, line, next, shell,
    support::{HIDE, cgroups, is_running, new_cgroup},
    tag,
};

/// Keeps this process in a new cgroup, if it can create one, until this value is dropped.
pub struct OwnCgroup(Option<PathBuf>);

impl OwnCgroup {
    fn enter() -> Self {
        let own = new_cgroup(&format!("cordboard-test-{}", uuid::Uuid::new_v4()));
        if let Some(own) = &own {
            fs::write(own.join("cgroup.procs"), "0").unwrap();
        }
        Self(own)
    }
}

/// Enters a cgroup in which this process can't create child cgroups.
pub fn forbid_cgroups() -> OwnCgroup {
    let own = OwnCgroup::enter();
    if let OwnCgroup(Some(own)) = &own {
        fs::write(own.join("cgroup.max.descendants"), "0").unwrap();
    }
    own
}

impl Drop for OwnCgroup {
    fn drop(&mut self) {
        let Some(own) = &self.0 else { return };
        fs::write(own.with_file_name("cgroup.procs"), "0").unwrap();
        let remove = || {
            // This process may have moved itself into this child.
            fs::remove_dir(own.join("cordboard-host")).ok();
            fs::remove_dir(own)
        };
        // The cgroup can't be removed until its killed processes have exited.
        let deadline = Instant::now() + LIMIT;
        while let Err(error) = remove() {
            if std::thread::panicking() {
                return;
            }
            assert!(Instant::now() < deadline, "failed to remove {}: {error}; processes are left in it", own.display());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[tokio::test]
async fn a_process_without_tags_ends_with_its_agent() {
    adopt_orphans();
    let tag = tag();
    let host = tag.host.clone();
    let script = format!("read begin; {HIDE}; trap '' TERM; read go");
    let (process, mut events) = spawn(Spawn { tag, ..shell(&script) }).unwrap();
    let permitted = !cgroups(&host).is_empty();
    process.write(b"begin".to_vec()).unwrap();
    let pid = line(&mut events).await;
    process.write(b"go".to_vec()).unwrap();
    if permitted {
        let (lines, status, _) = end(&mut events).await;
        assert_eq!((lines, status.as_str()), (Vec::new(), "exit code 0"));
        assert!(!is_running(&pid));
    } else {
        let raw = pid.parse().unwrap();
        assert_eq!(next(&mut events).await, Some(ProcessEvent::Strays { pids: vec![raw] }));
        end(&mut events).await;
        let pid = rustix::process::Pid::from_raw(raw).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    assert_eq!(cgroups(&host), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_sweep_ends_the_cgroups_of_killed_hosts() {
    let host = tag().host;
    // The agent of the running host must survive the sweep.
    let ours = EnvTag { host: host.clone(), ..tag() };
    let (process, mut events) = spawn(Spawn { tag: ours, ..shell("echo up; read go") }).unwrap();
    assert_eq!(line(&mut events).await, "up");
    if let Some(left) = new_cgroup(&format!("cordboard-{host}-another/alpha")) {
        let hidden =
            Command::new("setsid").args(["sh", "-c", "env -i sleep 1006 >/dev/null 2>&1 & echo $!"]).output().unwrap();
        let orphan = String::from_utf8(hidden.stdout).unwrap().trim().to_owned();
        fs::write(left.join("cgroup.procs"), &orphan).unwrap();
        // An agent may have created a child cgroup.
        fs::create_dir(left.join("below")).unwrap();
        assert_eq!(sweep(&host, Vec::new()).await, CleanupReport { ended: 1, left: 0 });
        assert!(!is_running(&orphan) && !left.parent().unwrap().exists());
    }
    assert!(is_running(&process.id().pid.to_string()));
    process.kill();
    end(&mut events).await;
    assert_eq!(cgroups(&host), [] as [PathBuf; 0]);
}

/// Returns whether limits can be set in cgroups below `own`. If not, prints the reason.
fn is_limitable(own: &OwnCgroup) -> bool {
    let controllers = own.0.as_ref().map(|own| fs::read_to_string(own.join("cgroup.controllers")).unwrap());
    let controllers = controllers.unwrap_or_default();
    let has = |wanted: &str| controllers.split_whitespace().any(|has| has == wanted);
    let has_all = ["cpu", "memory", "pids"].into_iter().all(has);
    if !has_all {
        eprintln!("SKIPPED: cgroups have only these controllers here: '{}'", controllers.trim());
    }
    has_all
}

/// Runs a script with limits, and returns its exit status, its last line of error output, and whether it exceeded its
/// memory limit.
async fn run_limited(script: &str, limits: AgentLimits) -> (String, String, bool) {
    let (_process, mut events) = spawn(Spawn { limits, ..shell(script) }).unwrap();
    loop {
        if let ProcessEvent::Ended { status, last_stderr_line, exceeded_memory } = next(&mut events).await.unwrap() {
            return (describe_exit(status), last_stderr_line.unwrap_or_default(), exceeded_memory);
        }
    }
}

const NO_LIMITS: AgentLimits = AgentLimits::NONE;

#[tokio::test]
async fn an_agent_does_not_start_if_its_limits_cannot_be_set() {
    adopt_orphans();
    let _no_cgroups = forbid_cgroups();
    let limits = AgentLimits { memory: Some(32 << 20), ..NO_LIMITS };
    let error = spawn(Spawn { limits, ..shell("echo up") }).unwrap_err();
    assert!(matches!(error, SpawnError::Limits(_)), "{error}");
    assert!(error.to_string().contains("or remove max_memory"), "{error}");
}

/// The process limit is tested first: if the host were still in the parent cgroup, the kernel would accept this limit,
/// but the agent's cgroup would be unusable.
#[tokio::test]
async fn limits_of_processes_and_then_of_memory_are_enforced() {
    let own = OwnCgroup::enter();
    if !is_limitable(&own) {
        return;
    }
    adopt_orphans();
    // A child of the host that isn't an agent, like a process that compiles plugins.
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    let script = "for i in 1 2 3 4; do sleep 1000 & done";
    let processes = |number| AgentLimits { processes: Some(number), ..NO_LIMITS };
    let (status, ..) = run_limited(script, processes(5)).await;
    assert_eq!(status, "exit code 0");
    let (status, ..) = run_limited(script, processes(4)).await;
    assert_ne!(status, "exit code 0");

    // The input has no line break, so `tail` keeps all of it in memory.
    let script = "head -c 200000000 /dev/zero | tail -n 1 >/dev/null";
    let memory = AgentLimits { memory: Some(32 << 20), ..NO_LIMITS };
    let (status, _, exceeded_memory) = run_limited(script, memory).await;
    assert_eq!((status.as_str(), exceeded_memory), ("exit code 137", true));
    let (status, _, exceeded_memory) = run_limited("echo small", memory).await;
    assert_eq!((status.as_str(), exceeded_memory), ("exit code 0", false));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn an_agent_gets_the_cpu_time_of_its_limit() {
    let own = OwnCgroup::enter();
    if !is_limitable(&own) {
        return;
    }
    let mount = "awk '$3 == \"cgroup2\" { print $2; exit }' /proc/mounts";
    let script = format!("cat $({mount})$(sed -n s/^0:://p /proc/self/cgroup)/cpu.max >&2");
    let (_, quota, _) = run_limited(&script, AgentLimits { cpu_percent: Some(50), ..NO_LIMITS }).await;
    assert_eq!(quota, "50000 100000");
}

#[tokio::test]
async fn a_host_that_shares_its_cgroup_sets_no_limits() {
    // The orphan becomes a child of init, because this process doesn't adopt orphans yet.
    let own = OwnCgroup::enter();
    let orphan = Command::new("sh").args(["-c", "sleep 1000 >/dev/null 2>&1 & echo $!"]).output().unwrap();
    let orphan: i32 = String::from_utf8(orphan.stdout).unwrap().trim().parse().unwrap();
    let limits = AgentLimits { processes: Some(5), ..NO_LIMITS };
    let error = spawn(Spawn { limits, ..shell("echo up") }).unwrap_err().to_string();
    let orphan = rustix::process::Pid::from_raw(orphan).unwrap();
    rustix::process::kill_process(orphan, rustix::process::Signal::KILL).unwrap();
    if is_limitable(&own) {
        assert!(error.contains("other programs run in Cordboard's cgroup"), "{error}");
    } else {
        assert!(error.contains("limit the resources of the agent"), "{error}");
    }
}
