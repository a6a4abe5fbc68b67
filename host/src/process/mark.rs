//! The mark that every agent carries in its environment and hands down to all its descendants. By it they are found after
//! a `setsid`, a double fork or the death of the host.

use std::{path::Path, sync::OnceLock};

use cordboard_core::types::SessionName;

use super::identity;

const SESSION: &str = "CORDBOARD_SESSION";
const HOST: &str = "CORDBOARD_HOST";
/// Tells the agents of this very host process from those of one that was killed: both have the same state directory.
const HOST_RUN: &str = "CORDBOARD_HOST_RUN";

/// Whose process it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The UUID of the state directory.
    pub host: String,
    pub session: SessionName,
}

/// The mark as read from a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub host: String,
    pub session: Option<SessionName>,
    /// It was started by this host process.
    pub ours: bool,
}

impl Mark {
    pub(super) fn variables(&self) -> [(&'static str, String); 3] {
        [(SESSION, self.session.to_string()), (HOST, self.host.clone()), (HOST_RUN, host_run().to_owned())]
    }

    pub(super) fn matches(&self, found: &Found) -> bool {
        found.host == self.host && found.session.as_ref() == Some(&self.session)
    }
}

/// Reads the mark of a process from its folder in `/proc`. None too where the process is another user's.
pub(super) fn read(folder: &Path) -> Option<Found> {
    let environ = std::fs::read(folder.join("environ")).ok()?;
    let value = |name: &str| {
        environ.split(|byte| *byte == 0).find_map(|entry| {
            let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            std::str::from_utf8(value).ok()
        })
    };
    Some(Found {
        host: value(HOST)?.to_owned(),
        session: value(SESSION).and_then(|name| name.parse().ok()),
        ours: value(HOST_RUN) == Some(host_run()),
    })
}

fn host_run() -> &'static str {
    static RUN: OnceLock<String> = OnceLock::new();
    RUN.get_or_init(|| {
        let pid = i32::try_from(std::process::id()).unwrap_or_default();
        let started = identity::stat(pid).map_or(0, |stat| stat.started);
        format!("{}.{pid}.{started}", identity::boot_id())
    })
}
