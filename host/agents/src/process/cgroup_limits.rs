//! Limits the memory, the processes and the CPU time of an agent through the controllers of its cgroup. An agent without
//! a sandbox has the host's rights, so it could change its limits.
//!
//! The kernel enables controllers for the children of a cgroup only if the cgroup itself contains no process. The host
//! therefore moves itself into a child of its own cgroup before it enables them.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    process,
};

use cordboard_core::config::AgentLimits;

use super::identity;

/// The cgroup into which a host moves itself, below the cgroup in which it was started.
const HOST_LEAF: &str = "cordboard-host";

/// The period in microseconds to which a limit of the CPU time refers: the kernel's default.
const CPU_PERIOD: u64 = 100_000;

const REMEDY: &str = "run Cordboard as a systemd unit with `Delegate=yes`, or remove `max_memory`, `max_processes` \
                      and `max_cpu_percent` of this agent";

#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    #[error("limit the resources of the agent: this process has no cgroup v2; {REMEDY}")]
    NoCgroup,
    #[error(
        "limit the resources of the agent: the cgroup {} has no controller '{controller}'; {REMEDY}",
        cgroup.display()
    )]
    NoController { cgroup: PathBuf, controller: &'static str },
    #[error(
        "limit the resources of the agent: the cgroup {} contains processes that Cordboard didn't start; {REMEDY}",
        cgroup.display()
    )]
    Shared { cgroup: PathBuf },
    #[error("limit the resources of the agent: failed to write to {}: {source}; {REMEDY}", file.display())]
    Write { file: PathBuf, source: io::Error },
}

/// A limit as the kernel knows it.
struct KernelLimit {
    controller: &'static str,
    file: &'static str,
    value: String,
}

fn kernel_limits(limits: &AgentLimits) -> Vec<KernelLimit> {
    let memory = limits.memory.map(|bytes| ("memory", "memory.max", bytes.to_string()));
    let processes = limits.processes.map(|number| ("pids", "pids.max", number.to_string()));
    let cpu = limits.cpu_percent.map(|percent| {
        let quota = u64::from(percent) * CPU_PERIOD / 100;
        ("cpu", "cpu.max", format!("{quota} {CPU_PERIOD}"))
    });
    let all = [memory, processes, cpu].into_iter().flatten();
    all.map(|(controller, file, value)| KernelLimit { controller, file, value }).collect()
}

/// Limits a new cgroup. `ancestors` are the cgroup of the host and those between it and the new one, the host's first.
pub(super) fn apply(limits: &AgentLimits, ancestors: &[&Path], cgroup: &Path) -> Result<(), LimitsError> {
    let limits = kernel_limits(limits);
    for ancestor in ancestors {
        enable(&limits, ancestor)?;
    }
    limits.iter().try_for_each(|limit| {
        let file = cgroup.join(limit.file);
        fs::write(&file, &limit.value).map_err(|source| LimitsError::Write { file, source })
    })
}

/// Enables the controllers of these limits for the children of a cgroup.
fn enable(limits: &[KernelLimit], cgroup: &Path) -> Result<(), LimitsError> {
    let available = words(&cgroup.join("cgroup.controllers"));
    if let Some(limit) = limits.iter().find(|limit| !available.contains(limit.controller)) {
        return Err(LimitsError::NoController { cgroup: cgroup.to_owned(), controller: limit.controller });
    }
    let control = cgroup.join("cgroup.subtree_control");
    let enabled = words(&control);
    let missing = limits.iter().filter(|limit| !enabled.contains(limit.controller));
    let missing: Vec<String> = missing.map(|limit| format!("+{}", limit.controller)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let write = || fs::write(&control, missing.join(" "));
    let is_busy =
        |result: &io::Result<()>| result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy);
    let mut result = write();
    if is_busy(&result) {
        leave(cgroup).map_err(|source| LimitsError::Write { file: cgroup.join(HOST_LEAF), source })?;
        result = write();
        if is_busy(&result) {
            return Err(LimitsError::Shared { cgroup: cgroup.to_owned() });
        }
    }
    result.map_err(|source| LimitsError::Write { file: control, source })
}

/// Moves this process and its children from a cgroup into a child of it.
fn leave(cgroup: &Path) -> io::Result<()> {
    let leaf = cgroup.join(HOST_LEAF);
    fs::create_dir_all(&leaf)?;
    let own = i32::try_from(process::id()).unwrap_or_default();
    let is_ours = |pid: i32| pid == own || identity::stat(pid).is_some_and(|stat| stat.parent == own);
    for pid in words(&cgroup.join("cgroup.procs")).iter().filter(|pid| pid.parse().is_ok_and(is_ours)) {
        match fs::write(leaf.join("cgroup.procs"), pid) {
            // A child has exited in the meantime.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            result => result?,
        }
    }
    Ok(())
}

/// Returns whether the kernel has killed a process of this cgroup because of its memory limit.
pub(super) fn exceeded_memory(cgroup: &Path) -> bool {
    let events = fs::read_to_string(cgroup.join("memory.events")).unwrap_or_default();
    let kills = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
    kills.is_some_and(|kills| kills.trim() != "0")
}

fn words(file: &Path) -> BTreeSet<String> {
    fs::read_to_string(file).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates a folder with the files of a cgroup that can enable these controllers.
    fn cgroup(folder: PathBuf, controllers: &str) -> PathBuf {
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("cgroup.controllers"), controllers).unwrap();
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
        assert!(!own.join(HOST_LEAF).exists(), "the host moves only if the kernel requires it");
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
    fn a_missing_controller_is_an_error_that_names_it() {
        let temp = tempfile::tempdir().unwrap();
        let own = cgroup(temp.path().join("own"), "cpu pids");
        let limits = AgentLimits { memory: Some(1), ..AgentLimits::NONE };
        let error = apply(&limits, &[&own], &own).unwrap_err().to_string();
        assert!(
            error.contains("has no controller 'memory'; run Cordboard as a systemd unit with `Delegate=yes`"),
            "{error}"
        );
        assert!(!own.join("memory.max").exists());
    }

    #[test]
    fn a_kill_for_memory_is_found_in_the_events() {
        let temp = tempfile::tempdir().unwrap();
        assert!(!exceeded_memory(temp.path()));
        for (kills, expected) in [("0", false), ("2", true)] {
            let events = format!("low 0\nhigh 0\nmax 12\noom 1\noom_kill {kills}\noom_group_kill 0\n");
            fs::write(temp.path().join("memory.events"), events).unwrap();
            assert_eq!(exceeded_memory(temp.path()), expected);
        }
    }
}
