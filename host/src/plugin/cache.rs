//! The folder of compiled artifacts. Nothing in it is needed: what is gone is compiled again. So what was plugged in longest ago goes when
//! there is more than the operator allows, as versions come and engines change.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

/// What a cache may hold where no operator says so, in bytes: thirty plugins in Python, or thousands in Rust.
const MOST: u64 = 1 << 30;

/// What was used so short a time ago is not noted again, so that a start need not write to the disk, and stays: it may be on its way into
/// a plug board, of another program on this state too.
const YOUNG: Duration = Duration::from_secs(60 * 60);

pub struct Cache {
    folder: PathBuf,
    /// In bytes.
    most: u64,
}

impl From<PathBuf> for Cache {
    fn from(folder: PathBuf) -> Self {
        Self::new(folder, MOST)
    }
}

impl Cache {
    pub const fn new(folder: PathBuf, most: u64) -> Self {
        Self { folder, most }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder, which its owner alone may look into: what lies there is run. What it holds is within its bound from now on.
    pub fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o700))?;
        self.make_room();
        Ok(())
    }

    /// An artifact that is there, and is used now.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        let path = self.folder.join(name);
        if !is_young(fs::metadata(&path).ok()?.modified().ok()?) {
            // A disk that cannot note it makes the artifact look older than it is, and no more.
            let file = fs::File::options().append(true).open(&path);
            drop(file.and_then(|file| file.set_modified(SystemTime::now())));
        }
        Some(path)
    }

    /// Written beside and renamed, so that nobody opens half an artifact.
    pub fn store(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        static WRITTEN: AtomicU64 = AtomicU64::new(0);
        let path = self.folder.join(name);
        let unique = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let beside = path.with_extension(format!("{}-{unique}.tmp", std::process::id()));
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        // Synced before it is renamed: after a power cut it is whole or not there, and what is opened is run.
        let written = file.write_all(bytes).and_then(|()| file.sync_data()).and_then(|()| fs::rename(&beside, &path));
        if written.is_err() {
            // Half of it would keep a full disk full.
            drop(fs::remove_file(&beside));
        }
        self.make_room();
        written.map(|()| path)
    }

    /// Removes what was used longest ago, and nothing young. Code that runs stays, as long as it does.
    fn make_room(&self) {
        let entry = |entry: fs::DirEntry| {
            let data = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((data.modified().ok()?, data.len(), entry.path()))
        };
        let mut files: Vec<_> = fs::read_dir(&self.folder).into_iter().flatten().flatten().filter_map(entry).collect();
        files.sort();
        let mut held: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in files.iter().filter(|(used, _, _)| !is_young(*used)) {
            if held <= self.most {
                return;
            }
            if fs::remove_file(path).is_ok() {
                held -= bytes;
            }
        }
    }
}

/// A clock that was set back makes nothing old.
fn is_young(used: SystemTime) -> bool {
    used.elapsed().is_ok_and(|since| since < YOUNG) || used > SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(most: u64) -> (tempfile::TempDir, Cache) {
        let state = tempfile::tempdir().unwrap();
        let cache = Cache::new(state.path().join("cache"), most);
        cache.make().unwrap();
        (state, cache)
    }

    fn aged(path: &Path, hours: u64) {
        let then = SystemTime::now() - Duration::from_secs(hours * 60 * 60);
        fs::File::options().append(true).open(path).unwrap().set_modified(then).unwrap();
    }

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let (_state, cache) = cache(10);
        for (name, hours) in [("a", 30), ("b", 20), ("c", 10)] {
            aged(&cache.store(name, b"123").unwrap(), hours);
        }
        let there = || ["a", "b", "c", "d", "large"].map(|name| cache.folder().join(name).exists());
        assert!(cache.find("a").is_some(), "which is a use of it");
        cache.store("d", b"123").unwrap();
        assert_eq!(there(), [true, false, true, true, false]);
        cache.store("large", &[0; 99]).unwrap();
        assert_eq!(there(), [true, false, false, true, true], "who uses the young ones may not have opened them yet");
        ["a", "d", "large"].iter().for_each(|name| aged(&cache.folder().join(name), 2));
        cache.make().unwrap();
        assert_eq!(there(), [false, false, false, false, false], "the next start is within the bound");
    }

    #[test]
    fn its_owner_alone_may_look_into_it() {
        let (_state, cache) = cache(10);
        fs::set_permissions(cache.folder(), fs::Permissions::from_mode(0o755)).unwrap();
        cache.make().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(cache.folder()), 0o700);
        assert_eq!(mode(&cache.store("a", b"").unwrap()), 0o600);
    }
}
