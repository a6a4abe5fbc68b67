//! Reads the resources that a process uses from `/proc`.

use std::fs;

/// The resources that a process uses. A leak makes one of them grow.
#[derive(Debug, Clone, Copy)]
pub struct ResourceUse {
    /// The resident memory in bytes.
    pub resident: u64,
    pub mappings: usize,
    pub threads: usize,
    /// The open files.
    pub files: usize,
    /// The inotify watches, each of which pins an inode.
    pub watches: usize,
}

impl ResourceUse {
    pub fn of(pid: u32) -> Self {
        let process = |name: &str| format!("/proc/{pid}/{name}");
        let statm = fs::read_to_string(process("statm")).unwrap();
        let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
        Self {
            resident: pages * rustix::param::page_size() as u64,
            mappings: fs::read_to_string(process("maps")).unwrap().lines().count(),
            threads: fs::read_dir(process("task")).unwrap().count(),
            files: fs::read_dir(process("fd")).unwrap().count(),
            watches: watches(&process("fdinfo")),
        }
    }

    /// Returns each resource with its name. The memory is in megabytes.
    pub fn rows(&self) -> [(&'static str, u64); 5] {
        let count = |number: usize| u64::try_from(number).unwrap();
        [
            ("resident memory, MB", self.resident.div_ceil(1 << 20)),
            ("memory mappings", count(self.mappings)),
            ("threads", count(self.threads)),
            ("open files", count(self.files)),
            ("inotify watches", count(self.watches)),
        ]
    }
}

/// Counts the inotify watches of all files in a process's `fdinfo`. A file may be closed in the meantime.
fn watches(fdinfo: &str) -> usize {
    let files = fs::read_dir(fdinfo).unwrap().filter_map(Result::ok);
    let texts = files.map(|file| fs::read_to_string(file.path()).unwrap_or_default());
    texts.map(|text| text.lines().filter(|line| line.starts_with("inotify ")).count()).sum()
}
