//! Confines an agent to a bubblewrap sandbox with its own namespaces for files, processes, users, IPC, the host name,
//! cgroups and, if the configuration denies network access, the network. Files that [`mounts`] doesn't list don't exist
//! in the sandbox.
//!
//! The host finds and ends the agent's tree like any other, because bubblewrap keeps the tags, the cgroup and the
//! process group. bubblewrap's `--new-session` is not used, because it would change the process group.
//! `--die-with-parent` is not used, because it kills the agent before the agent can react to SIGTERM, and refers to a
//! thread of the host that may end earlier than the host.

mod mounts;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::Command,
};

use cordboard_core::config::{Agent, AgentKind};

use super::{Spawn, SpawnError, program};
use mounts::{Exposed, Mounts};

const BWRAP: &str = "bwrap";

/// The prefix of bubblewrap's own error messages.
const BWRAP_ERROR: &str = "bwrap: ";

/// The namespaces of a sandbox, in which the agent has no capabilities.
const NAMESPACES: [&str; 7] =
    ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--cap-drop", "ALL"];

/// The device and process file systems, which are mounted before all other paths.
const DEVICES_AND_PROCESSES: [&str; 4] = ["--dev", "/dev", "--proc", "/proc"];

/// The kernel settings, which are mounted read-only. If the host runs as root, the agent could otherwise change them,
/// because writing them requires the root user but no capability.
const KERNEL_SETTINGS: [&str; 4] = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"];

/// Variables whose paths don't exist in the sandbox.
const REMOVED_VARIABLES: [&str; 3] = ["TMPDIR", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK"];

/// Cordboard's own files. No agent in a sandbox can read or replace them.
#[derive(Debug, Clone, Default)]
pub struct OwnFiles {
    /// Folders: the state directory and the plugin folder.
    pub folders: Vec<PathBuf>,
    /// Files that are hidden together with their folders: the configuration and the secret files.
    pub files: Vec<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error(
        "start the sandbox: the program 'bwrap' was not found in PATH; install the package bubblewrap, or set \
         `sandbox = \"none\"` for this agent, which then has your rights"
    )]
    NotInstalled,
    #[error(
        "start the sandbox: bubblewrap failed: {why}. It needs unprivileged user namespaces, which a container or \
         the kernel can forbid: allow them, correct the paths in `sandbox_read` and `sandbox_write`, or set \
         `sandbox = \"none\"` for this agent, which then has your rights"
    )]
    Failed { why: String },
    #[error(transparent)]
    Exposed(#[from] Exposed),
    #[error("start the sandbox: failed to create the agent's own home {}: {source}", home.display())]
    NoHome { home: PathBuf, source: io::Error },
    #[error(transparent)]
    Program(#[from] SpawnError),
}

impl SandboxError {
    /// Returns the error if this last line of stderr is from bubblewrap itself.
    #[must_use]
    pub fn of_stderr(line: &str) -> Option<Self> {
        Some(Self::Failed { why: line.strip_prefix(BWRAP_ERROR)?.to_owned() })
    }
}

/// Returns the process that runs `spawn` in its agent's sandbox.
///
/// # Errors
/// bubblewrap or the program is missing, the agent's own home can't be created, or the sandbox would show Cordboard's
/// own files.
pub fn confine(spawn: Spawn, agent: &Agent, own: &OwnFiles) -> Result<Spawn, SandboxError> {
    let bwrap = find_bwrap(&spawn.env, &spawn.folder)?;
    let program = program::find(&spawn.program, &spawn.env, &spawn.folder)?;
    let env = env_inside(spawn.env);
    let homes = own_homes(agent.kind, &env)?;
    let home = value(&env, "HOME");
    let folder = canonical(&spawn.folder);

    let mut mounts = Mounts::of_system();
    // An empty `/` would cover the devices.
    mounts.add_empty(home.iter().filter(|home| home.parent().is_some()).cloned());
    mounts.add_writable([folder.clone()]);
    mounts.add_writable(homes);
    // Sort the paths, so that each folder comes before the paths below it.
    mounts.add_writable(agent.sandbox.write.iter().cloned().collect::<BTreeSet<_>>());
    mounts.add_readable(agent.sandbox.read.iter().cloned());
    if agent.sandbox.network {
        mounts.add_readable([PathBuf::from("/etc/resolv.conf")]);
    }
    let path = value(&env, "PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    mounts.add_program(&program, path, home.as_deref(), own);
    mounts.hide(own)?;

    let mut args: Vec<OsString> = NAMESPACES.map(OsString::from).to_vec();
    if !agent.sandbox.network {
        args.push("--unshare-net".into());
    }
    args.extend(DEVICES_AND_PROCESSES.map(OsString::from));
    args.extend(KERNEL_SETTINGS.iter().flat_map(|path| ["--ro-bind-try", path, path].map(OsString::from)));
    args.extend(mounts.into_args());
    args.extend(["--remount-ro", "/", "--chdir"].map(OsString::from));
    args.extend([folder.into(), "--".into(), program.into()]);
    args.extend(spawn.args);
    Ok(Spawn { program: bwrap, args, env, ..spawn })
}

/// Checks that bubblewrap works on this machine. Runs it, so it blocks for some milliseconds.
///
/// # Errors
/// bubblewrap is missing, or it can't create a sandbox.
pub(crate) fn check(env: &[(String, String)], folder: &Path) -> Result<(), SandboxError> {
    let bwrap = find_bwrap(env, folder)?;
    let mut command = Command::new(&bwrap);
    command.args(NAMESPACES).args(["--unshare-net", "--ro-bind", "/", "/"]).args(DEVICES_AND_PROCESSES);
    // Run bubblewrap itself in the sandbox, because this program is known to exist.
    command.arg(bwrap).arg("--version");
    let output = command.output().map_err(|error| SandboxError::Failed { why: error.to_string() })?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().next_back().unwrap_or_default();
    Err(SandboxError::of_stderr(line).unwrap_or_else(|| SandboxError::Failed { why: line.to_owned() }))
}

fn find_bwrap(env: &[(String, String)], folder: &Path) -> Result<PathBuf, SandboxError> {
    program::locate(Path::new(BWRAP), env, folder).map_err(|_| SandboxError::NotInstalled)
}

/// Returns the environment inside the sandbox. If a home folder is behind a symbolic link, uses its real path, because
/// the link doesn't exist in the sandbox.
fn env_inside(mut env: Vec<(String, String)>) -> Vec<(String, String)> {
    env.retain(|(name, _)| !REMOVED_VARIABLES.contains(&name.as_str()));
    for (name, value) in &mut env {
        if ["HOME", CLAUDE_HOME].contains(&name.as_str())
            && let Ok(real) = canonical(Path::new(value.as_str())).into_os_string().into_string()
        {
            *value = real;
        }
    }
    env.push(("TMPDIR".to_owned(), "/tmp".to_owned()));
    env
}

const CLAUDE_HOME: &str = "CLAUDE_CONFIG_DIR";

/// Returns the paths at which the agent stores its login and its conversations. Creates claude's folder if it is
/// missing, so that even the first conversation is stored outside of the sandbox.
fn own_homes(kind: AgentKind, env: &[(String, String)]) -> Result<Vec<PathBuf>, SandboxError> {
    let paths = match kind {
        AgentKind::Claude => match (value(env, CLAUDE_HOME), value(env, "HOME")) {
            (Some(own), _) => vec![own],
            (None, Some(home)) => vec![home.join(".claude"), home.join(".claude.json")],
            (None, None) => Vec::new(),
        },
        // The demo agent stores its conversations in the session's folder. The homes of other agents are unknown.
        AgentKind::Demo | AgentKind::Acp | AgentKind::Plain => Vec::new(),
    };
    if let Some(folder) = paths.first() {
        std::fs::create_dir_all(folder).map_err(|source| SandboxError::NoHome { home: folder.clone(), source })?;
    }
    Ok(paths)
}

/// Returns the path or list of paths in a variable, or `None` if it is not absolute.
fn value(env: &[(String, String)], wanted: &str) -> Option<PathBuf> {
    let found = env.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| PathBuf::from(value));
    found.filter(|path| path.is_absolute())
}

/// Returns the path without links, or the path itself if it doesn't exist.
fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
