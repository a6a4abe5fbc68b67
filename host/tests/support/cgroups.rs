//! Helpers for child cgroups of this process's cgroup.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A script that starts a process that can be identified only by its cgroup: it has its own session, and doesn't have
/// its agent's environment, resource limit or parent. The script prints the process's pid.
pub const HIDE: &str =
    "setsid sh -c \"env -i prlimit --rttime=1000000000 sh -c 'sleep 1005 >/dev/null 2>&1 </dev/null & echo \\$!' &\"";

/// Returns whether the process is running. A zombie counts as not running, because orphans in a container may never be
/// reaped.
pub fn is_running(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Creates a cgroup. Returns `None` if this process can't create one.
pub fn new_cgroup(name: &str) -> Option<PathBuf> {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let (cgroups, mounts) = (read("/proc/self/cgroup"), read("/proc/self/mountinfo"));
    let own = cgroups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?.split(' ').nth(4)?;
    let folder = Path::new(mount).join(own).join(name);
    fs::create_dir_all(&folder).ok()?;
    Some(folder)
}

/// Returns the agent cgroups of the host with this id, or none if this process can't create cgroups.
pub fn cgroups(host: &str) -> Vec<PathBuf> {
    let Some(probe) = new_cgroup(&format!("cordboard-test-{}", uuid::Uuid::new_v4())) else { return Vec::new() };
    fs::remove_dir(&probe).unwrap();
    let entries = fs::read_dir(probe.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains(host)).collect()
}
