//! Sets and reads agent tags. A tag in the environment, which all descendants inherit, identifies them even after a
//! `setsid`, a double fork or the death of the host. A second tag, in a resource limit, identifies descendants that
//! have cleared their environment.

use std::{path::Path, sync::OnceLock};

use cordboard_core::types::SessionName;
use rustix::process::{Resource, Rlimit, setrlimit};
use sha2::{Digest, Sha256};

use super::identity;

const SESSION: &str = "CORDBOARD_SESSION";
const HOST: &str = "CORDBOARD_HOST";
/// Distinguishes the agents of this host process from those of a killed host process with the same state directory.
const HOST_RUN: &str = "CORDBOARD_HOST_RUN";

/// The tag of an agent process: the state directory and the session that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvTag {
    /// The UUID of the state directory.
    pub host: String,
    pub session: SessionName,
}

/// A tag read from a process's environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundTag {
    pub host: String,
    pub session: Option<SessionName>,
    /// Whether this host process set the tag.
    pub is_ours: bool,
}

impl EnvTag {
    pub(super) fn variables(&self) -> [(&'static str, String); 3] {
        [(SESSION, self.session.to_string()), (HOST, self.host.clone()), (HOST_RUN, host_run().to_owned())]
    }

    pub(super) fn rlimit_tag(&self) -> RlimitTag {
        RlimitTag(MAGIC | host_part(&self.host) | hash(self.session.as_str()) & SESSION_PART)
    }

    pub(super) fn matches(&self, found: &FoundTag) -> bool {
        found.host == self.host && found.session.as_ref() == Some(&self.session)
    }
}

/// Reads the environment tag of a process from its folder in `/proc`. Returns `None` if the process has no tag, or if
/// its environment can't be read, as for a process of another user.
pub(super) fn read(folder: &Path) -> Option<FoundTag> {
    let environ = std::fs::read(folder.join("environ")).ok()?;
    let value = |name: &str| {
        environ.split(|byte| *byte == 0).find_map(|entry| {
            let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            std::str::from_utf8(value).ok()
        })
    };
    Some(FoundTag {
        host: value(HOST)?.to_owned(),
        session: value(SESSION).and_then(|name| name.parse().ok()),
        is_ours: value(HOST_RUN) == Some(host_run()),
    })
}

/// A 62-bit tag, stored in `RLIMIT_RTTIME`, the limit on the CPU time of real-time threads. Its value is too high to
/// have an effect as a limit. Every descendant inherits it; `env -i`, `setsid` and `sudo` keep it; and `/proc` shows
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RlimitTag(u64);

/// The highest byte of a tag. Any realistic limit, such as a few seconds in microseconds, is far smaller than a tag.
const MAGIC: u64 = 0x2d << 56;
/// The bits of a tag that identify the session. The 32 bits above them identify the state directory.
const SESSION_PART: u64 = (1 << 24) - 1;

impl RlimitTag {
    /// Sets the tag of this process. Makes only one system call, so it may run between fork and exec.
    pub(super) fn set(self) -> rustix::io::Result<()> {
        setrlimit(Resource::Rttime, Rlimit { current: Some(self.0), maximum: Some(self.0) })
    }

    /// Reads a process's tag from its folder in `/proc`, whichever user owns the process.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let limits = std::fs::read_to_string(folder.join("limits")).ok()?;
        let line = limits.lines().find_map(|line| line.strip_prefix("Max realtime timeout"))?;
        let limit = line.split_ascii_whitespace().next()?.parse().ok()?;
        (limit & 0xff << 56 == MAGIC).then_some(Self(limit))
    }

    pub(super) fn is_of_host(self, host: &str) -> bool {
        self.0 & !SESSION_PART == MAGIC | host_part(host)
    }
}

fn host_part(host: &str) -> u64 {
    (hash(host) & 0xffff_ffff) << SESSION_PART.count_ones()
}

/// Returns a hash that is the same in all versions of the host.
fn hash(text: &str) -> u64 {
    Sha256::digest(text).iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Returns an id of this host process that is unique on this machine, even after a reboot.
pub(super) fn host_run() -> &'static str {
    static RUN: OnceLock<String> = OnceLock::new();
    RUN.get_or_init(|| {
        let pid = i32::try_from(std::process::id()).unwrap_or_default();
        let started = identity::stat(pid).map_or(0, |stat| stat.started);
        format!("{}.{pid}.{started}", identity::boot_id())
    })
}
