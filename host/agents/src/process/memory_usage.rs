//! The machine's available memory and the agents' memory usage, for agent limits, lifecycle policies and session lists.

use std::{collections::BTreeMap, fs};

use super::tree::process_table;

/// Returns the machine's available memory in bytes, or 0 if the kernel does not report it.
#[must_use]
pub fn free_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

/// A snapshot of the machine's process tree.
#[derive(Debug)]
pub struct ProcessTrees {
    children: BTreeMap<i32, Vec<i32>>,
}

impl ProcessTrees {
    #[must_use]
    pub fn read() -> Self {
        let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for (pid, stat) in process_table() {
            children.entry(stat.parent).or_default().push(pid);
        }
        Self { children }
    }

    /// Returns the resident memory of a process and its descendants in bytes, or `None` if the process does not exist.
    /// Memory that several processes share counts once for each of them.
    #[must_use]
    pub fn resident_memory(&self, pid: i32) -> Option<u64> {
        let mut total = resident_memory(pid)?;
        let mut found = self.children.get(&pid).cloned().unwrap_or_default();
        while let Some(pid) = found.pop() {
            total += resident_memory(pid).unwrap_or_default();
            found.extend(self.children.get(&pid).into_iter().flatten());
        }
        Some(total)
    }
}

/// Returns the resident memory of this process in bytes, without its children.
#[must_use]
pub fn own_memory() -> Option<u64> {
    i32::try_from(std::process::id()).ok().and_then(resident_memory)
}

fn resident_memory(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader},
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn the_memory_of_a_process_includes_its_children() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo started; read end"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
        let pid = |pid: u32| i32::try_from(pid).unwrap();
        let (me, trees) = (pid(std::process::id()), ProcessTrees::read());
        let of_child = trees.resident_memory(pid(child.id())).unwrap();
        let mine = resident_memory(me).unwrap();
        assert!(of_child > 100_000 && mine > 100_000, "{of_child} {mine}");
        let both = trees.resident_memory(me).unwrap();
        drop(child.stdin.take());
        child.wait().unwrap();
        // This process may have grown in the meantime, but not by half its size.
        assert!(both >= of_child + mine / 2, "{both} {of_child} {mine}");
        assert_eq!(trees.resident_memory(-1), None);
    }

    #[test]
    fn the_free_memory_is_measured() {
        assert!(free_memory() > 0);
        assert!(own_memory() > Some(100_000));
    }
}
