//! The host's own environment, read once at start, before there are other threads. Agents inherit only the variables
//! that `pass_env` lists. Other code must not read the process environment.

use std::{collections::BTreeMap, sync::Arc};

/// The environment at startup. Cheap to clone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(Arc<BTreeMap<String, String>>);

/// Omits the values, which may be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}

impl Environment {
    /// Reads the whole environment, and removes `secrets` (the variables in the agents' `pass_env`) from the process,
    /// except those that the host itself needs. The returned copy is complete, so that `pass_env` can list more
    /// variables after a reload. Call this function in `main` before there are other threads. If there are any, it only
    /// logs a warning and removes nothing, because another thread could be reading the environment.
    #[must_use]
    #[expect(unsafe_code, reason = "removing a variable is unsafe in std while other threads run; there are none yet")]
    pub fn take<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let environment = Self::read();
        if !is_single_threaded() {
            tracing::warn!("the environment was read too late: secrets remain in it");
            return environment;
        }
        for name in secrets {
            if !HOST_VARIABLES.contains(&name) {
                // SAFETY: no other thread exists that could read the environment meanwhile.
                unsafe { std::env::remove_var(name) };
            }
        }
        environment
    }

    /// Reads the whole environment without changing it. Skips variables that are not UTF-8.
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

    /// Returns those variables in `names` that are set, in the same order.
    #[must_use]
    pub fn pick<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<(String, String)> {
        names.into_iter().filter_map(|name| Some((name.to_owned(), self.get(name)?.to_owned()))).collect()
    }

    /// Returns the variables that are never secret, such as `PATH`, for a program that is not an agent.
    #[must_use]
    pub fn not_secret(&self) -> Vec<(String, String)> {
        self.pick(HOST_VARIABLES)
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

/// Variables that are never removed: they are not secret, and the host's libraries may read them at any time.
const HOST_VARIABLES: [&str; 12] = [
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

/// Prevents other processes of the same user, including agents, from reading `/proc/PID/environ` and the memory of this
/// process: the kernel still shows the initial environment there after variables are removed. Also disables core dumps,
/// which contain secrets too.
pub fn disable_dumps() {
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "failed to protect the host's environment from other processes of this user");
    }
}
