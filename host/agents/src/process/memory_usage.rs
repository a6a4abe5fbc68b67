//! The available memory of the machine and the memory usage of a process, as input for lifecycle policies.

use std::fs;

/// Returns the available memory of the machine in bytes, or 0 if the kernel does not report it.
#[must_use]
pub fn free_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

/// Returns the resident memory of a process in bytes, or `None` if the process does not exist.
#[must_use]
pub fn resident_memory(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_of_this_process_is_measured() {
        let mine = super::resident_memory(i32::try_from(std::process::id()).expect("a pid")).expect("it lives");
        assert!(mine > 100_000, "{mine}");
        assert!(super::free_memory() > 0);
        assert_eq!(super::resident_memory(-1), None);
    }
}
