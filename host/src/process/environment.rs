//! The host's own environment: read once, at the start, before there are threads. Agents get from it what `pass_env` names
//! and nothing else; it must never be read from the process again.

use std::{collections::BTreeMap, sync::Arc};

/// The environment as it was at the start; cheap to clone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(Arc<BTreeMap<String, String>>);

/// The values are secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}

impl Environment {
    /// Reads the whole environment, and removes `secrets` (what the agents' `pass_env` names) from the process, except what
    /// the host itself goes on needing. The copy stays whole, so that a reloaded `pass_env` can name more. For `main`, before
    /// there are threads: after that nothing is removed, as another thread might be reading.
    #[must_use]
    #[expect(
        unsafe_code,
        reason = "std calls the removal of a variable unsafe, as it is beside other threads; there are none"
    )]
    pub fn take<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let environment = Self::read();
        if !is_single_threaded() {
            tracing::warn!("the environment was taken too late: secrets stay in it");
            return environment;
        }
        for name in secrets {
            if !KEPT.contains(&name) {
                // SAFETY: no other thread exists that could read the environment meanwhile.
                unsafe { std::env::remove_var(name) };
            }
        }
        environment
    }

    /// Reads the whole environment and leaves it as it is.
    #[must_use]
    pub fn read() -> Self {
        let pairs =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self(Arc::new(pairs.collect()))
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Those of `names` that are set, in their order.
    #[must_use]
    pub fn pick<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<(String, String)> {
        names.into_iter().filter_map(|name| Some((name.to_owned(), self.get(name)?.to_owned()))).collect()
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self(Arc::new(pairs.into_iter().collect()))
    }
}

fn is_single_threaded() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == 1)
}

/// No secrets, and the host's libraries read them at any time.
const KEPT: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "TERM",
    "TZ",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
];

/// Closes `/proc/PID/environ` and the memory of this process to its own user's other processes, agents among them: the
/// environment's first version stays readable there, whatever is removed later. It also stops core dumps, which hold secrets too.
pub fn harden() {
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "other processes of this user can read the host's environment");
    }
}

/// A limit on the size of files (`ulimit -f`) is then an error of the write, as a full disk is, and not the host's death. Not
/// ignored but caught: agents get the signal back as it was.
pub fn survive_file_limits() {
    // The flag is read by nobody.
    let caught = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    if let Err(error) = caught {
        tracing::warn!(%error, "a limit on the size of files will end the host");
    }
}
