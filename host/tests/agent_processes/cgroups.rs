//! Tests the cgroups of agents. If this process may not create cgroups, the tests expect the behavior without them.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use cordboard_agents::process::{CleanupReport, EnvTag, ProcessEvent, Spawn, adopt_orphans, spawn, sweep};

use super::{
    LIMIT, end, line, next, shell,
    support::{HIDE, cgroups, is_running, new_cgroup},
    tag,
};

/// While this value exists, this process can't create cgroups.
pub struct NoCgroups(Option<PathBuf>);

pub fn forbid_cgroups() -> NoCgroups {
    let own = new_cgroup(&format!("cordboard-test-{}", uuid::Uuid::new_v4()));
    if let Some(own) = &own {
        fs::write(own.join("cgroup.max.descendants"), "0").unwrap();
        fs::write(own.join("cgroup.procs"), "0").unwrap();
    }
    NoCgroups(own)
}

impl Drop for NoCgroups {
    fn drop(&mut self) {
        let Some(own) = &self.0 else { return };
        fs::write(own.with_file_name("cgroup.procs"), "0").unwrap();
        // The cgroup can't be removed before the killed processes in it have ended.
        let deadline = Instant::now() + LIMIT;
        while let Err(error) = fs::remove_dir(own) {
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
        // An agent may have created a cgroup below its own.
        fs::create_dir(left.join("below")).unwrap();
        assert_eq!(sweep(&host, Vec::new()).await, CleanupReport { ended: 1, left: 0 });
        assert!(!is_running(&orphan) && !left.parent().unwrap().exists());
    }
    assert!(is_running(&process.id().pid.to_string()));
    process.kill();
    end(&mut events).await;
    assert_eq!(cgroups(&host), [] as [PathBuf; 0]);
}
