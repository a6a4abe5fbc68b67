//! The compiled artifact folder. If an artifact is missing, its plugin is recompiled, so artifacts can be deleted at
//! any time. New plugin versions and engine updates add artifacts. When the folder exceeds the size in `[plugins]
//! cache`, the least recently used artifacts are removed.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

/// The default size limit of a cache, in bytes. This is enough for about thirty Python plugins or thousands of Rust
/// plugins.
const DEFAULT_MAX_SIZE: u64 = 1 << 30;

/// The minimum time between two updates of an artifact's timestamp, so that frequent restarts cause few disk writes. An
/// artifact that was used within this time is never removed, because a process, possibly another one with the same
/// state directory, may be about to load it.
const RECENT: Duration = Duration::from_secs(60 * 60);

pub struct Cache {
    folder: PathBuf,
    /// The size limit, in bytes.
    max_size: u64,
}

impl From<PathBuf> for Cache {
    fn from(folder: PathBuf) -> Self {
        Self::new(folder, DEFAULT_MAX_SIZE)
    }
}

impl Cache {
    pub const fn new(folder: PathBuf, max_size: u64) -> Self {
        Self { folder, max_size }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Creates the folder if it doesn't exist, and removes artifacts if it exceeds the size limit. Only the host's
    /// Unix user can access the folder, because the host executes the code in it.
    pub fn create(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o700))?;
        self.make_room();
        Ok(())
    }

    /// Returns the path of a cached artifact and marks it as used.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        let path = self.folder.join(name);
        if !is_recent(fs::metadata(&path).ok()?.modified().ok()?) {
            // An error is harmless: at worst, the artifact is removed too early.
            let file = fs::File::options().append(true).open(&path);
            drop(file.and_then(|file| file.set_modified(SystemTime::now())));
        }
        Some(path)
    }

    /// Writes an artifact to a temporary file and renames it, so that no reader sees a partial file.
    pub fn store(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        static STORED: AtomicU64 = AtomicU64::new(0);
        let path = self.folder.join(name);
        let unique = STORED.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_extension(format!("{}-{unique}.tmp", std::process::id()));
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        // Sync before the rename: after a power failure the file must be complete or missing, because the host executes
        // it.
        let written =
            file.write_all(bytes).and_then(|()| file.sync_data()).and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            // Don't leave a partial file behind, for example if the disk is full.
            drop(fs::remove_file(&temporary));
        }
        self.make_room();
        written.map(|()| path)
    }

    /// Removes artifacts, the least recently used first, until the folder is within the size limit. Keeps artifacts
    /// used within [`RECENT`]. Loaded code stays usable, because its mapping outlives the directory entry.
    fn make_room(&self) {
        let entry = |entry: fs::DirEntry| {
            let data = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((data.modified().ok()?, data.len(), entry.path()))
        };
        let mut files: Vec<_> = fs::read_dir(&self.folder).into_iter().flatten().flatten().filter_map(entry).collect();
        files.sort();
        let mut size: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in files.iter().filter(|(used, _, _)| !is_recent(*used)) {
            if size <= self.max_size {
                return;
            }
            if fs::remove_file(path).is_ok() {
                size -= bytes;
            }
        }
    }
}

/// Returns whether a timestamp is more recent than [`RECENT`]. A timestamp in the future also counts, so setting the
/// clock back doesn't make an artifact removable.
fn is_recent(used: SystemTime) -> bool {
    used.elapsed().is_ok_and(|since| since < RECENT) || used > SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(max_size: u64) -> (tempfile::TempDir, Cache) {
        let state = tempfile::tempdir().unwrap();
        let cache = Cache::new(state.path().join("cache"), max_size);
        cache.create().unwrap();
        (state, cache)
    }

    fn set_age(path: &Path, hours: u64) {
        let then = SystemTime::now() - Duration::from_secs(hours * 60 * 60);
        fs::File::options().append(true).open(path).unwrap().set_modified(then).unwrap();
    }

    #[test]
    fn the_least_recently_used_entry_is_evicted() {
        let (_state, cache) = cache(10);
        for (name, hours) in [("a", 30), ("b", 20), ("c", 10)] {
            set_age(&cache.store(name, b"123").unwrap(), hours);
        }
        let exists = || ["a", "b", "c", "d", "large"].map(|name| cache.folder().join(name).exists());
        assert!(cache.find("a").is_some(), "a lookup counts as a use");
        cache.store("d", b"123").unwrap();
        assert_eq!(exists(), [true, false, true, true, false]);
        cache.store("large", &[0; 99]).unwrap();
        assert_eq!(exists(), [true, false, false, true, true], "a process may be about to load a recent file");
        ["a", "d", "large"].iter().for_each(|name| set_age(&cache.folder().join(name), 2));
        cache.create().unwrap();
        assert_eq!(exists(), [false, false, false, false, false], "a start shrinks the cache to its limit");
    }

    #[test]
    fn only_the_owner_can_read_the_cache() {
        let (_state, cache) = cache(10);
        fs::set_permissions(cache.folder(), fs::Permissions::from_mode(0o755)).unwrap();
        cache.create().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(cache.folder()), 0o700);
        assert_eq!(mode(&cache.store("a", b"").unwrap()), 0o600);
    }
}
