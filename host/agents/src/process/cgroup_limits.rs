//! Limits an agent's memory, processes and CPU time through its cgroup's controllers. An agent without a sandbox has
//! the host's rights, so it could change its limits.
//!
//! A cgroup that enables controllers for its children must not contain processes. The host therefore moves itself into
//! a child of its own cgroup first. The kernel rejects the reverse order only for some controllers; for the others,
//! that order would make the agents' cgroups unusable.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    process,
};

use cordboard_core::config::AgentLimits;

use super::{identity::Stat, tree::process_table};

/// The cgroup into which a host moves itself, below the cgroup in which it was started.
const HOST_LEAF: &str = "cordboard-host";

/// The period, in microseconds, of the CPU time limit: the kernel's default.
const CPU_PERIOD: u64 = 100_000;

/// The maximum number of scans for processes to move. Each scan after the first finds only processes that were forked
/// during the previous one.
const MOST_SCANS: usize = 10;

pub(super) const OR_REMOVE: &str = "or remove max_memory, max_processes and max_cpu_percent of this agent";

#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    #[error(
        "limit the resources of the agent: the cgroup v2 folder of this process is not mounted; enable or mount cgroup v2, {OR_REMOVE}"
    )]
    NoCgroup,
    #[error(
        "limit the resources of the agent: the cgroup {} lacks the controller '{controller}'; set `Delegate=yes` in \
         Cordboard's systemd unit (a user unit also needs `Delegate={controller}` in `user@.service`), or remove {} of this agent",
        cgroup.display(), key(controller)
    )]
    NoController { cgroup: PathBuf, controller: &'static str },
    #[error(
        "limit the resources of the agent: other programs run in Cordboard's cgroup {}; run Cordboard as a systemd unit \
         with `Delegate=yes`, {OR_REMOVE}",
        cgroup.display()
    )]
    Shared { cgroup: PathBuf },
    #[error(
        "limit the resources of the agent: failed to use {}: {source}; set `Delegate=yes` in Cordboard's systemd unit, \
         {OR_REMOVE}",
        path.display()
    )]
    Failed { path: PathBuf, source: io::Error },
}

/// Returns the configuration key for the limit that needs this controller.
fn key(controller: &str) -> &'static str {
    match controller {
        "memory" => "max_memory",
        "pids" => "max_processes",
        _ => "max_cpu_percent",
    }
}

impl LimitsError {
    pub(super) fn failed(path: PathBuf) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Failed { path, source }
    }
}

/// The controller of a limit, and the files that set the limit.
struct KernelLimit {
    controller: &'static str,
    files: Vec<(&'static str, String)>,
}

fn kernel_limits(limits: &AgentLimits) -> Vec<KernelLimit> {
    // Without a swap limit, the kernel would swap the agent out instead of enforcing its memory limit.
    let memory = |bytes: u64| vec![("memory.max", bytes.to_string()), (SWAP, "0".to_owned())];
    let cpu = |percent: u32| {
        let quota = u64::from(percent) * CPU_PERIOD / 100;
        vec![("cpu.max", format!("{quota} {CPU_PERIOD}"))]
    };
    let all = [
        limits.memory.map(|bytes| KernelLimit { controller: "memory", files: memory(bytes) }),
        limits
            .processes
            .map(|number| KernelLimit { controller: "pids", files: vec![("pids.max", number.to_string())] }),
        limits.cpu_percent.map(|percent| KernelLimit { controller: "cpu", files: cpu(percent) }),
    ];
    all.into_iter().flatten().collect()
}

/// The file that limits swap. It is missing in a kernel without swap.
const SWAP: &str = "memory.swap.max";

/// Limits a new cgroup. `ancestors` are the host's cgroup and those between it and the new one, starting with the
/// host's.
pub(super) fn apply(limits: &AgentLimits, ancestors: &[&Path], cgroup: &Path) -> Result<(), LimitsError> {
    let limits = kernel_limits(limits);
    for ancestor in ancestors {
        enable(&limits, ancestor)?;
    }
    for (name, value) in limits.iter().flat_map(|limit| &limit.files) {
        let file = cgroup.join(name);
        if *name != SWAP || file.exists() {
            fs::write(&file, value).map_err(LimitsError::failed(file))?;
        }
    }
    Ok(())
}

/// Enables the controllers of these limits for the children of a cgroup.
fn enable(limits: &[KernelLimit], cgroup: &Path) -> Result<(), LimitsError> {
    let available = words(cgroup.join("cgroup.controllers"))?;
    if let Some(limit) = limits.iter().find(|limit| !available.contains(limit.controller)) {
        return Err(LimitsError::NoController { cgroup: cgroup.to_owned(), controller: limit.controller });
    }
    let control = cgroup.join("cgroup.subtree_control");
    let enabled = words(control.clone())?;
    let missing = limits.iter().filter(|limit| !enabled.contains(limit.controller));
    let missing: Vec<String> = missing.map(|limit| format!("+{}", limit.controller)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    // Only the root cgroup has no `cgroup.type`. It may contain processes, so they don't have to move.
    if cgroup.join("cgroup.type").exists() {
        leave(cgroup)?;
    }
    fs::write(&control, missing.join(" ")).map_err(LimitsError::failed(control))
}

/// Moves all processes of a cgroup into a child cgroup. They must be this process and its descendants.
fn leave(cgroup: &Path) -> Result<(), LimitsError> {
    let leaf = cgroup.join(HOST_LEAF);
    for _ in 0..MOST_SCANS {
        let pids = words(cgroup.join("cgroup.procs"))?;
        let pids: Vec<i32> = pids.iter().filter_map(|pid| pid.parse().ok()).collect();
        if pids.is_empty() {
            return Ok(());
        }
        let table = process_table();
        // A process that is missing from the table has exited. A process in another pid namespace is listed as 0.
        let is_foreign = |pid: &&i32| **pid == 0 || table.contains_key(*pid) && !is_own(**pid, &table);
        if pids.iter().find(is_foreign).is_some() {
            return Err(LimitsError::Shared { cgroup: cgroup.to_owned() });
        }
        fs::create_dir_all(&leaf).map_err(LimitsError::failed(leaf.clone()))?;
        // Move this process first, so that its new child processes start in the child cgroup.
        let own = own_pid();
        for pid in pids.iter().filter(|pid| **pid == own).chain(pids.iter().filter(|pid| **pid != own)) {
            let file = leaf.join("cgroup.procs");
            match fs::write(&file, pid.to_string()) {
                // The process has exited in the meantime.
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                result => result.map_err(LimitsError::failed(file))?,
            }
        }
    }
    Err(LimitsError::Shared { cgroup: cgroup.to_owned() })
}

/// Returns whether a process is this process or a descendant of it.
fn is_own(pid: i32, table: &BTreeMap<i32, Stat>) -> bool {
    let parents = std::iter::successors(Some(pid), |pid| table.get(pid).map(|stat| stat.parent));
    parents.take(table.len() + 1).any(|pid| pid == own_pid())
}

fn own_pid() -> i32 {
    process::id().cast_signed()
}

/// Returns whether the kernel has killed a process in this cgroup because the cgroup reached a memory limit.
pub(super) fn exceeded_memory(cgroup: &Path) -> bool {
    let events = fs::read_to_string(cgroup.join("memory.events")).unwrap_or_default();
    let counts = |event: &str| events.lines().find_map(|line| line.strip_prefix(event)?.trim().parse::<u64>().ok());
    ["oom ", "oom_kill "].into_iter().all(|event| counts(event).is_some_and(|count| count > 0))
}

fn words(file: PathBuf) -> Result<BTreeSet<String>, LimitsError> {
    let text = fs::read_to_string(&file).map_err(LimitsError::failed(file))?;
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates a folder with the files of a cgroup that can enable these controllers.
    fn cgroup(folder: PathBuf, controllers: &str) -> PathBuf {
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("cgroup.controllers"), controllers).unwrap();
        fs::write(folder.join("cgroup.subtree_control"), "").unwrap();
        folder
    }

    #[test]
    fn each_limit_is_written_in_the_units_of_the_kernel() {
        let temp = tempfile::tempdir().unwrap();
        let own = cgroup(temp.path().join("own"), "cpuset cpu io memory pids");
        let common = cgroup(own.join("common"), "cpu memory pids");
        let session = cgroup(common.join("alpha"), "cpu memory pids");
        let limits = AgentLimits { memory: Some(1 << 30), processes: Some(50), cpu_percent: Some(150) };
        apply(&limits, &[&own, &common], &session).unwrap();
        let read = |file: PathBuf| fs::read_to_string(file).unwrap();
        for ancestor in [&own, &common] {
            assert_eq!(read(ancestor.join("cgroup.subtree_control")), "+memory +pids +cpu");
        }
        let files = ["memory.max", "pids.max", "cpu.max"].map(|file| read(session.join(file)));
        assert_eq!(files, ["1073741824", "50", "150000 100000"]);
        assert!(!own.join(HOST_LEAF).exists(), "the host stays in the root");
        assert!(!session.join(SWAP).exists(), "a kernel without swap has no such file");
    }

    #[test]
    fn only_missing_controllers_are_enabled() {
        let temp = tempfile::tempdir().unwrap();
        let own = cgroup(temp.path().join("own"), "cpu memory pids");
        fs::write(own.join("cgroup.subtree_control"), "memory pids").unwrap();
        let limits = AgentLimits { memory: Some(1), processes: Some(2), cpu_percent: None };
        apply(&limits, &[&own], &own.join("..")).unwrap();
        assert_eq!(fs::read_to_string(own.join("cgroup.subtree_control")).unwrap(), "memory pids");
    }

    #[test]
    fn the_host_and_its_children_move_before_controllers_are_enabled() {
        let temp = tempfile::tempdir().unwrap();
        let own = cgroup(temp.path().join("own"), "cpu memory pids");
        fs::write(own.join("cgroup.type"), "domain").unwrap();
        let mut child = process::Command::new("sleep").arg("1000").spawn().unwrap();
        fs::write(own.join("cgroup.procs"), format!("{}\n{}\n", child.id(), own_pid())).unwrap();
        let limits = AgentLimits { processes: Some(2), ..AgentLimits::NONE };
        // These are ordinary files, not a cgroup file system, so each scan finds the same processes again.
        let error = apply(&limits, &[&own], &own).unwrap_err();
        assert!(matches!(error, LimitsError::Shared { .. }), "{error}");
        let last = fs::read_to_string(own.join(HOST_LEAF).join("cgroup.procs")).unwrap();
        assert_eq!(last, child.id().to_string(), "the host moves first");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_host_that_shares_its_cgroup_does_not_move() {
        let temp = tempfile::tempdir().unwrap();
        let own = cgroup(temp.path().join("own"), "cpu memory pids");
        fs::write(own.join("cgroup.type"), "domain").unwrap();
        for foreign in ["1", "0"] {
            fs::write(own.join("cgroup.procs"), format!("{}\n{foreign}\n", own_pid())).unwrap();
            let limits = AgentLimits { processes: Some(2), ..AgentLimits::NONE };
            let error = apply(&limits, &[&own], &own).unwrap_err();
            assert!(error.to_string().contains("other programs run in Cordboard's cgroup"), "{error}");
            assert!(!own.join(HOST_LEAF).exists());
        }
    }

    #[test]
    fn a_missing_controller_is_an_error_that_names_it() {
        let temp = tempfile::tempdir().unwrap();
        let own = cgroup(temp.path().join("own"), "cpu pids");
        let limits = AgentLimits { memory: Some(1), ..AgentLimits::NONE };
        let error = apply(&limits, &[&own], &own).unwrap_err().to_string();
        assert!(error.contains("lacks the controller 'memory'; set `Delegate=yes`"), "{error}");
        assert!(error.ends_with("or remove max_memory of this agent"), "{error}");
        assert!(!own.join("memory.max").exists());
    }

    #[test]
    fn a_kill_for_memory_is_found_in_the_events() {
        let temp = tempfile::tempdir().unwrap();
        assert!(!exceeded_memory(temp.path()));
        // The second case is a kill because the whole machine ran out of memory.
        for (oom, kills, expected) in [(1, 0, false), (0, 2, false), (1, 2, true)] {
            let events = format!("low 0\nhigh 0\nmax 12\noom {oom}\noom_kill {kills}\noom_group_kill 0\n");
            fs::write(temp.path().join("memory.events"), events).unwrap();
            assert_eq!(exceeded_memory(temp.path()), expected);
        }
    }
}
