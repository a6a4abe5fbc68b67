//! The identity of a process, read from `/proc`: boot, pid and start time together, because a pid can be reused.

use std::{fs::File, io::Read as _, path::PathBuf, sync::OnceLock};

use cordboard_core::types::ProcessId;

/// The fields of `/proc/PID/stat` that the host uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub pid: i32,
    pub parent: i32,
    pub group: i32,
    /// The start time, in clock ticks after boot.
    pub started: u64,
    /// Whether the process has exited and waits to be reaped.
    pub zombie: bool,
}

/// Returns the id of this boot. The id is empty if the kernel does not report one; then processes of different boots
/// may have equal [`ProcessId`]s.
pub(super) fn boot_id() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(|| {
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
    })
}

pub(super) fn folder(pid: i32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}"))
}

/// The size of the buffer for `/proc/PID/stat`: the name has at most 64 bytes, and each of the 51 numbers at most 21.
const STAT_BYTES: usize = 2048;

/// Reads the fields of a process, or returns `None` if it does not exist.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    // Use a single read. A growing buffer would take eight system calls per process, and a scan reads every process on
    // the machine.
    let mut buffer = [0; STAT_BYTES];
    let length = File::open(folder(pid).join("stat")).ok()?.read(&mut buffer).ok()?;
    parse(pid, buffer.get(..length)?)
}

/// Returns the process group of this process. It is 0 if its leader is outside of this pid namespace, as after
/// `unshare --pid --fork`. The `getpgrp` function of rustix doesn't support that.
pub(super) fn own_group() -> i32 {
    stat(std::process::id().cast_signed()).map_or(0, |own| own.group)
}

pub(super) fn id(stat: Stat) -> ProcessId {
    ProcessId { boot: boot_id().to_owned(), pid: stat.pid, started: stat.started }
}

/// Returns the identity of a process, or `None` if it isn't running.
#[must_use]
pub fn identify(pid: i32) -> Option<ProcessId> {
    stat(pid).filter(|stat| !stat.zombie).map(id)
}

#[must_use]
pub fn is_running(process: &ProcessId) -> bool {
    identify(process.pid).as_ref() == Some(process)
}

/// Parses the content of `/proc/PID/stat`. The name in parentheses may contain any characters, including parentheses
/// and newlines, so the other fields begin after the last parenthesis.
fn parse(pid: i32, stat: &[u8]) -> Option<Stat> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let fields = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    // The state is field 3, the group field 5, the start time field 22.
    let started = fields.nth(16)?.parse().ok()?;
    Some(Stat { pid, parent, group, started, zombie: matches!(state, "Z" | "X" | "x") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let line = b"7 (a) Z 9 (b) S 3 4 5 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 88177 1 2 3";
        assert_eq!(parse(7, line), Some(Stat { pid: 7, parent: 3, group: 4, started: 88177, zombie: false }));
        assert_eq!(parse(7, b"7 (x) S 3"), None);
    }

    #[test]
    fn this_process_has_an_identity() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let stat = stat(pid).unwrap();
        assert!(stat.started > 0 && !stat.zombie);
        assert!(!id(stat).boot.is_empty());
    }
}
