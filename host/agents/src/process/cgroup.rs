//! Creates a cgroup for each agent, `<own cgroup>/cordboard-<state>-<run>/<session>`, if the host may create one. A
//! descendant stays in the cgroup after a `setsid`, and even if it changes its environment and resource limits or loses
//! its parent. Without a cgroup, the host finds an agent's processes by their tags, process group and parents.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use cordboard_core::config::AgentLimits;

use super::{
    EnvTag,
    cgroup_limits::{self, LimitsError},
};

/// A cgroup, identified by its folder in the cgroup file system.
#[derive(Debug, Clone)]
pub(super) struct Cgroup {
    folder: PathBuf,
    level: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// The common cgroup of one host process, which contains the cgroups of its sessions.
    Host,
    /// The cgroup of one session, inside the common cgroup of its host process.
    Session,
}

/// Serializes the creation and removal of cgroups. Otherwise, an agent's exit could remove the common folder while the
/// cgroup of another agent is being created in it.
static FOLDERS_LOCK: Mutex<()> = Mutex::new(());

impl Cgroup {
    /// Returns the cgroup for the agents that this host process starts for a session, or `None` if this process has no
    /// folder in a cgroup file system.
    pub(super) fn of(tag: &EnvTag) -> Option<Self> {
        let folder = hierarchy()?.own.join(run(&tag.host)).join(tag.session.as_str());
        Some(Self { folder, level: Level::Session })
    }

    /// Returns the cgroups left behind by killed host processes that used the state directory `host`. Searches the
    /// whole cgroup file system, because those host processes may have run in a different cgroup.
    pub(super) fn left_behind(host: &str) -> Vec<Self> {
        let mut found = Vec::new();
        if let Some(hierarchy) = hierarchy() {
            search(&hierarchy.mount, host, &mut found);
        }
        found
    }

    /// Creates the cgroup and opens its folder.
    pub(super) fn create(&self) -> io::Result<File> {
        let _lock = FOLDERS_LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        fs::create_dir_all(&self.folder)?;
        File::open(&self.folder)
    }

    /// Limits the cgroup's resources. The cgroup must exist and contain no processes.
    pub(super) fn limit(&self, limits: &AgentLimits) -> Result<(), LimitsError> {
        let _lock = FOLDERS_LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        let common = self.folder.parent().ok_or(LimitsError::NoCgroup)?;
        let own = common.parent().ok_or(LimitsError::NoCgroup)?;
        cgroup_limits::apply(limits, &[own, common], &self.folder)
    }

    /// Returns whether the kernel has killed a process of this cgroup because of its memory limit.
    pub(super) fn exceeded_memory(&self) -> bool {
        cgroup_limits::exceeded_memory(&self.folder)
    }

    /// Returns the pids of the processes in this cgroup and in those below it.
    pub(super) fn processes(&self) -> Vec<i32> {
        let mut found = Vec::new();
        collect(&self.folder, &mut found);
        found
    }

    /// Kills all processes of the cgroup at once, including those that are being forked.
    pub(super) fn kill(&self) {
        // If an agent of a killed host process started this host, then this host runs in that agent's cgroup, so it
        // must not kill the cgroup.
        let is_inside = hierarchy().is_some_and(|hierarchy| hierarchy.own.starts_with(&self.folder));
        if !is_inside && let Err(error) = fs::write(self.folder.join("cgroup.kill"), "1") {
            tracing::debug!(folder = %self.folder.display(), %error, "failed to kill a cgroup: signaling each process instead");
        }
    }

    /// Removes the cgroup if no process is left in it.
    pub(super) fn remove(&self) {
        let _lock = FOLDERS_LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        remove(&self.folder);
        if self.level == Level::Session
            && let Some(common) = self.folder.parent()
        {
            // This fails while another session's cgroup exists.
            fs::remove_dir(common).ok();
        }
    }
}

/// Creates the cgroup of an agent with this tag, and opens its folder. Returns `None` if the agent has no limits and
/// the host can't create a cgroup.
///
/// # Errors
/// The agent has limits, and they can't be set.
pub(super) fn create(tag: &EnvTag, limits: &AgentLimits) -> Result<Option<(Cgroup, File)>, LimitsError> {
    let is_limited = *limits != AgentLimits::NONE;
    let Some(cgroup) = Cgroup::of(tag) else {
        return if is_limited { Err(LimitsError::NoCgroup) } else { Ok(None) };
    };
    match cgroup.create() {
        Ok(folder) if is_limited => {
            cgroup.limit(limits).inspect_err(|_| cgroup.remove())?;
            Ok(Some((cgroup, folder)))
        }
        Ok(folder) => Ok(Some((cgroup, folder))),
        Err(error) if is_limited => Err(LimitsError::failed(cgroup.folder)(error)),
        Err(error) => {
            tracing::debug!(%error, "no cgroup for an agent: relying on its tags");
            Ok(None)
        }
    }
}

/// Returns the name of the common cgroup of this host process. A common cgroup of the same state directory with any
/// other name was left behind by an earlier host process.
fn run(host: &str) -> String {
    format!("{}{}", prefix(host), super::env_tag::host_run())
}

fn prefix(host: &str) -> String {
    format!("cordboard-{host}-")
}

fn search(folder: &Path, host: &str, found: &mut Vec<Cgroup>) {
    for folder in folders(folder) {
        let name = folder.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if !name.starts_with(&prefix(host)) {
            search(&folder, host, found);
        } else if name != run(host) {
            found.push(Cgroup { folder, level: Level::Host });
        }
    }
}

fn collect(folder: &Path, found: &mut Vec<i32>) {
    let pids = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    // A process in another pid namespace is listed as 0.
    found.extend(pids.lines().filter_map(|pid| pid.parse().ok()).filter(|pid: &i32| *pid > 0));
    for folder in folders(folder) {
        collect(&folder, found);
    }
}

/// Removes a cgroup and those below it, which the agent may have created.
fn remove(folder: &Path) {
    for folder in folders(folder) {
        remove(&folder);
    }
    match fs::remove_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::debug!(folder = %folder.display(), %error, "failed to remove a cgroup");
        }
        _ => {}
    }
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

/// The mounted cgroup v2 file system.
#[derive(Debug, PartialEq, Eq)]
struct Hierarchy {
    mount: PathBuf,
    /// The folder of the cgroup that this process was started in.
    own: PathBuf,
}

/// Returns the mounted cgroup file system, or `None` if it is not mounted or doesn't show the cgroup of this process.
fn hierarchy() -> Option<&'static Hierarchy> {
    static HIERARCHY: OnceLock<Option<Hierarchy>> = OnceLock::new();
    let read = |file| fs::read_to_string(file).unwrap_or_default();
    let find = || locate(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"));
    HIERARCHY.get_or_init(find).as_ref()
}

fn locate(mounts: &str, cgroups: &str) -> Option<Hierarchy> {
    let own = cgroups.lines().find_map(|line| line.strip_prefix("0::"))?;
    mounts.lines().find_map(|line| {
        let (fields, kind) = line.split_once(" - ")?;
        let mut fields = fields.split(' ').skip(3);
        let (root, mount) = (fields.next()?, PathBuf::from(fields.next()?));
        let own = mount.join(Path::new(own).strip_prefix(root).ok()?);
        kind.starts_with("cgroup2 ").then_some(Hierarchy { mount, own })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n\
                          38 31 0:35 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n\
                          41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:5 - cgroup2 cgroup2 rw\n";

    #[test]
    fn the_own_cgroup_is_found_in_each_layout() {
        let own = |mounts, cgroups| locate(mounts, cgroups).map(|found| found.own);
        let unified = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        let bound = "30 23 0:26 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup ro\n";
        assert_eq!(own(HYBRID, "8:pids:/x\n0::/a/b\n"), Some("/sys/fs/cgroup/unified/a/b".into()));
        assert_eq!(own(HYBRID, "8:pids:/x\n0::/\n"), Some("/sys/fs/cgroup/unified".into()));
        assert_eq!(
            own(unified, "0::/system.slice/bot.service\n"),
            Some("/sys/fs/cgroup/system.slice/bot.service".into())
        );
        assert_eq!(own(bound, "0::/docker/1/a\n"), Some("/sys/fs/cgroup/a".into()));
        assert_eq!(own(bound, "0::/elsewhere\n"), None, "a cgroup outside of the mount has no folder");
        assert_eq!(own(HYBRID, "8:pids:/x\n"), None);
        assert_eq!(own("31 23 0:28 / / rw - ext4 /dev/vda rw\n", "0::/\n"), None);
    }
}
