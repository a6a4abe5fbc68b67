//! Scans the watched paths for files that have appeared, changed, disappeared or become unreadable since the last scan.
//! Reads each changed file twice, and defers files that are still changing to the next scan. A scan may report an
//! unchanged file again; the watch loop drops such reports.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use cordboard_core::{messages::system_error, render::escape_invisible, types::is_plugin_name};

use super::{
    FileError, PluginContent, WatchError, WatchOptions, check_private,
    os_events::{OsWatcher, PathKind},
    permissions::not_a_file,
    read::{Digest, FileRead, Stamp},
};

/// The time between the two reads of a file: longer than a writer's pause between two writes in a burst.
const BETWEEN_READINGS: Duration = Duration::from_millis(20);

/// The maximum size of a plugin file, in bytes. A Python plugin is typically 18 MB.
const PLUGIN_AT_MOST: u64 = 64 << 20;

/// The maximum size of the configuration file, in bytes. A configuration is usually smaller than 100 kB.
const CONFIG_AT_MOST: u64 = 1 << 20;

/// A file or folder whose changes are reported. Changes are delivered in the order of these variants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Config,
    /// The plugin folder itself. Its state is `Unreadable` if the folder can't be used, and `Absent` otherwise.
    Folder,
    Plugin(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ItemState {
    Whole { bytes: Vec<u8>, digest: Digest },
    Absent,
    Unreadable(FileError),
}

/// The time of the next scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NextScan {
    /// After an event, or when the rescan interval ends.
    Event,
    /// Soon, because a file is still changing, may reappear, or hasn't been read yet.
    Soon,
    /// After a short interval, because a path can't be watched or the scan panicked.
    Poll,
}

#[derive(Debug)]
pub(super) struct Scan {
    pub(super) found: Vec<(Item, ItemState)>,
    pub(super) next: NextScan,
}

/// The files to read, and the state of the plugin folder.
struct Listing {
    files: Vec<(Item, PathBuf)>,
    folder: ItemState,
}

#[derive(Debug)]
pub(super) struct Scanner {
    config: Option<PathBuf>,
    plugins: Option<PathBuf>,
    os_watcher: Arc<OsWatcher>,
    /// The known items. An item has a stamp only if an equal stamp in a later scan would prove that the file hasn't
    /// changed.
    present: BTreeMap<Item, Option<Stamp>>,
    /// The items that were missing in the last scan but not in the one before.
    missing_once: BTreeSet<Item>,
}

impl Scanner {
    pub(super) fn new(options: &WatchOptions, os_watcher: Arc<OsWatcher>) -> Result<Self, WatchError> {
        Ok(Self {
            config: options.config.as_ref().map(|config| absolute(&config.path)).transpose()?,
            plugins: options.plugins.as_deref().map(absolute).transpose()?,
            os_watcher,
            present: BTreeMap::new(),
            missing_once: BTreeSet::new(),
        })
    }

    /// Runs the first scan, which doesn't keep file contents. One read is enough, because a partial file has a
    /// different digest once it is complete. The digest of `loaded` is used for the configuration, because the file may
    /// already be newer.
    pub(super) fn baseline(&mut self, loaded: Option<&[u8]>) -> Scan {
        let (listing, mut next) = self.list();
        let mut found = vec![(Item::Folder, listing.folder)];
        let whole = |digest| ItemState::Whole { bytes: Vec::new(), digest };
        if let Some(loaded) = loaded {
            self.present.insert(Item::Config, None);
            found.push((Item::Config, whole(Digest::of(loaded))));
            next = NextScan::Soon;
        }
        for (item, path) in listing.files.into_iter().filter(|(item, _)| *item != Item::Config) {
            let reading = read(&item, &path, FileRead::without_bytes);
            self.present.insert(item.clone(), None);
            match reading {
                FileRead::Whole { digest, .. } => found.push((item, whole(digest))),
                FileRead::Unreadable(error) => found.push((item, ItemState::Unreadable(error))),
                FileRead::Absent | FileRead::Moving => {}
            }
        }
        Scan { found, next }
    }

    pub(super) fn scan(&mut self) -> Scan {
        let (listing, mut next) = self.list();
        let mut found = Vec::new();
        if self.find_missing(&listing, &mut found) {
            next = next.max(NextScan::Soon);
        }
        found.push((Item::Folder, listing.folder));
        if self.read_changed(listing.files, &mut found) {
            next = next.max(NextScan::Soon);
        }
        Scan { found, next }
    }

    /// Watches and lists all files to read. Lists no plugins if their folder isn't private or can't be read. Adds the
    /// watches before the files are read, so that no change is missed in between.
    fn list(&mut self) -> (Listing, NextScan) {
        let os_watcher = Arc::clone(&self.os_watcher);
        let mut watch_set = os_watcher.new_watch_set();
        let (mut files, mut folder) = (Vec::new(), ItemState::Absent);
        if let Some(config) = &self.config {
            watch_set.add_path(config.parent().unwrap_or(config), PathKind::Folder);
            files.push((Item::Config, config.clone()));
        }
        if let Some(plugins) = &self.plugins {
            watch_set.add_path(plugins, PathKind::Folder);
            match plugin_files(plugins) {
                Ok(found) => files.extend(found.into_iter().map(|(name, path)| (Item::Plugin(name), path))),
                Err(error) => folder = ItemState::Unreadable(FileError::NotPrivate(system_error(error))),
            }
        }
        // Also watch each file, because it may be a link or be written through a hard link elsewhere.
        for (_, path) in &files {
            watch_set.add_path(path, PathKind::File);
        }
        let next = if watch_set.apply() { NextScan::Event } else { NextScan::Poll };
        files.retain(|(item, path)| is_present(item, path));
        (Listing { files, folder }, next)
    }

    /// Reports missing items. Returns whether some items may reappear. Files and folders are briefly missing while
    /// being replaced, so an item is reported only if it is missing in two consecutive scans.
    fn find_missing(&mut self, listing: &Listing, found: &mut Vec<(Item, ItemState)>) -> bool {
        let here: BTreeSet<&Item> = listing.files.iter().map(|(item, _)| item).collect();
        // If the folder can't be used, its plugins don't count as missing.
        let can_be_missing = |item: &Item| *item == Item::Config || listing.folder == ItemState::Absent;
        self.missing_once.retain(|item| !here.contains(item) && can_be_missing(item));
        let missing = self.present.keys().filter(|item| !here.contains(item) && can_be_missing(item));
        let missing: Vec<Item> = missing.cloned().collect();
        for item in missing {
            if !self.missing_once.insert(item.clone()) {
                self.missing_once.remove(&item);
                self.present.remove(&item);
                found.push((item, ItemState::Absent));
            }
        }
        !self.missing_once.is_empty()
    }

    /// Reads each possibly changed file twice. Returns whether some files are still changing.
    fn read_changed(&mut self, files: Vec<(Item, PathBuf)>, found: &mut Vec<(Item, ItemState)>) -> bool {
        let changed: Vec<_> = files.into_iter().filter(|(item, path)| !self.is_unchanged(item, path)).collect();
        let (open, closed): (Vec<_>, Vec<_>) = changed.into_iter().partition(|(_, path)| self.os_watcher.is_open(path));
        let mut moving = !open.is_empty();
        if closed.is_empty() {
            return moving;
        }
        let first: HashMap<PathBuf, _> = closed
            .iter()
            .map(|(item, path)| (path.clone(), read(item, path, FileRead::without_bytes).fingerprint()))
            .collect();
        thread::sleep(BETWEEN_READINGS);
        for (item, path) in closed {
            let second = read(&item, &path, FileRead::of);
            let same = first.get(&path).is_some_and(|first| *first == second.fingerprint());
            match second {
                FileRead::Whole { stamp, bytes, digest } if same => {
                    self.present.insert(item.clone(), Some(stamp).filter(Stamp::is_settled));
                    found.push((item, ItemState::Whole { bytes, digest }));
                }
                FileRead::Unreadable(error) if same => {
                    self.present.insert(item.clone(), None);
                    found.push((item, ItemState::Unreadable(error)));
                }
                FileRead::Whole { .. } | FileRead::Unreadable(_) | FileRead::Absent | FileRead::Moving => moving = true,
            }
        }
        moving
    }

    fn is_unchanged(&self, item: &Item, path: &Path) -> bool {
        let now = path.metadata().ok().map(|metadata| Stamp::of(&metadata));
        now.is_some() && self.present.get(item).copied().flatten() == now
    }
}

/// Returns whether the file of an item exists. A dangling link in the plugin folder counts as an existing file, which
/// is then reported as unreadable, because someone intended to install a plugin.
fn is_present(item: &Item, path: &Path) -> bool {
    let lost = path.metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
    !lost || (matches!(item, Item::Plugin(_)) && path.is_symlink())
}

/// Returns the plugin files of a private folder, or an empty list if the folder doesn't exist.
fn plugin_files(folder: &Path) -> Result<Vec<(String, PathBuf)>, WatchError> {
    check_private(folder)?;
    let files = list(folder).map_err(|source| WatchError::Read { path: folder.to_owned(), source })?;
    Ok(files.unwrap_or_default())
}

/// Returns the name and the path of each plugin file, sorted. Returns `None` if there is no folder. Skips hidden,
/// temporary and backup files.
fn list(folder: &Path) -> io::Result<Option<Vec<(String, PathBuf)>>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if let Some(name) = plugin(&path) {
            files.push((name, path));
        }
    }
    files.sort();
    Ok(Some(files))
}

/// Returns the plugin name for `path`, which may be invalid, or `None` if `path` isn't a plugin file.
fn plugin(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_string_lossy();
    let stem = file.strip_suffix(".wasm")?;
    // Escape control characters for messages and listings. Names that contain them are invalid anyway.
    (!stem.is_empty() && !stem.starts_with('.')).then(|| escape_invisible(stem))
}

/// A function that reads a file up to a size limit, and keeps or drops its bytes.
type ReadFn = fn(&Path, u64) -> FileRead;

fn read(item: &Item, path: &Path, with: ReadFn) -> FileRead {
    match item {
        Item::Config | Item::Folder => trusted(path, CONFIG_AT_MOST, with),
        Item::Plugin(name) if !is_plugin_name(name) => FileRead::Unreadable(FileError::InvalidName),
        Item::Plugin(_) => not_a_file(path).map_or_else(|| trusted(path, PLUGIN_AT_MOST, with), FileRead::Unreadable),
    }
}

/// A plugin file, with either its content or the reason why it can't be used.
#[derive(Debug)]
pub struct PluginFile {
    pub name: String,
    pub content: Result<PluginContent, FileError>,
}

/// Reads the plugin files of `folder` once, when the host starts. Skips files that are being written, because the next
/// scan reports them. Blocks the thread.
///
/// # Errors
/// Fails if the folder isn't private (see [`check_private`]) or can't be listed.
pub fn read_folder(folder: &Path) -> Result<Vec<PluginFile>, WatchError> {
    let read = |(name, path): (String, PathBuf)| {
        let content = read_content(&name, &path)?;
        Some(PluginFile { name, content })
    };
    Ok(plugin_files(folder)?.into_iter().filter_map(read).collect())
}

/// Reads the file of the plugin `name` once. Returns `None` if it is missing, is being written or can't be used. Blocks
/// the thread.
#[must_use]
pub fn read_plugin(folder: &Path, name: &str) -> Option<PluginContent> {
    check_private(folder).ok()?;
    read_content(name, &folder.join(format!("{name}.wasm")))?.ok()
}

/// Reads a plugin file. Returns `None` if the file doesn't exist or is being written.
fn read_content(name: &str, path: &Path) -> Option<Result<PluginContent, FileError>> {
    match read(&Item::Plugin(name.to_owned()), path, FileRead::of) {
        FileRead::Whole { bytes, digest, .. } => Some(Ok(PluginContent { digest: digest.to_hex(), wasm: bytes })),
        FileRead::Unreadable(error) => Some(Err(error)),
        FileRead::Absent | FileRead::Moving => None,
    }
}

/// Reads a file if only this user or root may write to it. A private folder isn't enough, because the file's mode may
/// allow other users to write to it.
fn trusted(path: &Path, limit: u64, with: ReadFn) -> FileRead {
    match check_private(path) {
        Ok(()) => with(path, limit),
        Err(error) => FileRead::Unreadable(FileError::NotPrivate(error.reason())),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, WatchError> {
    std::path::absolute(path).map_err(|source| WatchError::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plugin_files_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "b.wasm",
            "a-1_x.wasm",
            ".b.wasm.tmp",
            ".b.wasm",
            "b.wasm~",
            "b.wasm.swp",
            "#b.wasm#",
            ".wasm",
            "b.txt",
            "Not A Name.wasm",
            "c\u{202e}d\n.wasm",
        ] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let names: Vec<String> = list(folder.path()).unwrap().unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["Not A Name", "a-1_x", "b", "c\\u{202e}d\\u{a}"]);
        assert_eq!(list(&folder.path().join("none")).unwrap(), None);
    }
}
