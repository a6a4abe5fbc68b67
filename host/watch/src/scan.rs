//! Scans the watched paths for files that are new, changed, gone or unreadable since the last scan. Reads every file
//! twice, and leaves files that are still changing to the next scan. It must not report the same state of a file
//! twice in a row.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use cordboard_core::{
    messages::system_error,
    render::escape_invisible,
    types::{PLUGIN_NAME_RULE, is_plugin_name},
};

use super::{
    PluginContent, WatchError, Watched, check_private,
    os_events::{Goal, OsWatcher},
    permissions::not_a_file,
    read::{Digest, Reading, Stamp},
};

/// The time between the two readings of a file: longer than a writer's pause between two writes of a burst.
const BETWEEN_READINGS: Duration = Duration::from_millis(20);

/// A Python plugin takes up to 40 MiB.
const PLUGIN_AT_MOST: u64 = 64 << 20;

/// A configuration has a few pages at most.
const CONFIG_AT_MOST: u64 = 1 << 20;

/// An item that can change, in the order of delivery.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Config,
    /// The plugin folder itself: `Unreadable` if it can't be used, else `Absent`.
    Folder,
    Plugin(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Whole { bytes: Vec<u8>, digest: Digest },
    Absent,
    Unreadable(String),
}

/// When to scan again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Next {
    /// After an event.
    Event,
    /// Soon, because something was still changing.
    Soon,
    /// At a fixed interval, because some events may be missing.
    Poll,
}

#[derive(Debug)]
pub(super) struct Scan {
    pub(super) found: Vec<(Item, Found)>,
    pub(super) next: Next,
}

/// The files to read, and the state of the plugin folder.
struct Listed {
    files: Vec<(Item, PathBuf)>,
    folder: Found,
}

#[derive(Debug)]
pub(super) struct Scanner {
    config: Option<PathBuf>,
    plugins: Option<PathBuf>,
    os_watcher: Arc<OsWatcher>,
    /// The items of the last scan, with the stamp if an equal stamp proves that nothing changed.
    there: BTreeMap<Item, Option<Stamp>>,
    /// The items that were missing in the last scan but not in the one before.
    missed: BTreeSet<Item>,
}

impl Scanner {
    pub(super) fn new(watched: &Watched, os_watcher: Arc<OsWatcher>) -> Result<Self, WatchError> {
        Ok(Self {
            config: watched.config.as_ref().map(|config| absolute(&config.path)).transpose()?,
            plugins: watched.plugins.as_deref().map(absolute).transpose()?,
            os_watcher,
            there: BTreeMap::new(),
            missed: BTreeSet::new(),
        })
    }

    /// The first scan, without the bytes of files. One reading is enough, because a partial file has another digest once
    /// it is complete. For the configuration, it finds `loaded`; the file may be newer.
    pub(super) fn baseline(&mut self, loaded: Option<&[u8]>) -> Scan {
        let (listed, mut next) = self.list();
        let mut found = vec![(Item::Folder, listed.folder)];
        let whole = |digest| Found::Whole { bytes: Vec::new(), digest };
        if let Some(loaded) = loaded {
            self.there.insert(Item::Config, None);
            found.push((Item::Config, whole(Digest::of(loaded))));
            next = Next::Soon;
        }
        for (item, path) in listed.files.into_iter().filter(|(item, _)| *item != Item::Config) {
            let reading = read(&item, &path, Reading::fingerprint);
            self.there.insert(item.clone(), None);
            match reading {
                Reading::Whole { digest, .. } => found.push((item, whole(digest))),
                Reading::Unreadable(why) => found.push((item, Found::Unreadable(why))),
                Reading::Absent | Reading::Moving => {}
            }
        }
        Scan { found, next }
    }

    pub(super) fn scan(&mut self) -> Scan {
        let (listed, mut next) = self.list();
        let mut found = Vec::new();
        if self.miss(&listed, &mut found) {
            next = next.max(Next::Soon);
        }
        found.push((Item::Folder, listed.folder));
        if self.read(listed.files, &mut found) {
            next = next.max(Next::Soon);
        }
        Scan { found, next }
    }

    /// Watches and lists all files to read. Lists no plugins if their folder is untrusted or cannot be listed. The
    /// watches come first, so that no change is missed in between.
    fn list(&mut self) -> (Listed, Next) {
        let os_watcher = Arc::clone(&self.os_watcher);
        let mut following = os_watcher.follow();
        let (mut files, mut folder) = (Vec::new(), Found::Absent);
        if let Some(config) = &self.config {
            following.way(config.parent().unwrap_or(config), Goal::Folder);
            files.push((Item::Config, config.clone()));
        }
        if let Some(plugins) = &self.plugins {
            following.way(plugins, Goal::Folder);
            match plugin_files(plugins) {
                Ok(found) => files.extend(found.into_iter().map(|(name, path)| (Item::Plugin(name), path))),
                Err(error) => folder = Found::Unreadable(system_error(error)),
            }
        }
        // Watch each file too: it may be a link, or be written through a hard link elsewhere.
        for (_, path) in &files {
            following.way(path, Goal::File);
        }
        let next = if following.end() { Next::Event } else { Next::Poll };
        files.retain(|(item, path)| is_there(item, path));
        (Listed { files, folder }, next)
    }

    /// Reports missing items, and returns whether some may come back. A file that is being replaced, or a folder that
    /// is being swapped, is missing for a moment, so an item is only reported at the second scan in a row.
    fn miss(&mut self, listed: &Listed, found: &mut Vec<(Item, Found)>) -> bool {
        let here: BTreeSet<&Item> = listed.files.iter().map(|(item, _)| item).collect();
        // If the folder can't be used, its plugins don't count as gone.
        let told = |item: &Item| *item == Item::Config || listed.folder == Found::Absent;
        self.missed.retain(|item| !here.contains(item) && told(item));
        let missing = self.there.keys().filter(|item| !here.contains(item) && told(item));
        let missing: Vec<Item> = missing.cloned().collect();
        for item in missing {
            if !self.missed.insert(item.clone()) {
                self.missed.remove(&item);
                self.there.remove(&item);
                found.push((item, Found::Absent));
            }
        }
        !self.missed.is_empty()
    }

    /// Reads files that may have changed, twice. Returns whether some are still changing.
    fn read(&mut self, files: Vec<(Item, PathBuf)>, found: &mut Vec<(Item, Found)>) -> bool {
        let changed: Vec<_> = files.into_iter().filter(|(item, path)| !self.is_known(item, path)).collect();
        let (open, closed): (Vec<_>, Vec<_>) = changed.into_iter().partition(|(_, path)| self.os_watcher.is_open(path));
        let mut moving = !open.is_empty();
        if closed.is_empty() {
            return moving;
        }
        let first: HashMap<PathBuf, _> =
            closed.iter().map(|(item, path)| (path.clone(), read(item, path, Reading::fingerprint).print())).collect();
        thread::sleep(BETWEEN_READINGS);
        for (item, path) in closed {
            let second = read(&item, &path, Reading::of);
            let same = first.get(&path).is_some_and(|first| *first == second.print());
            match second {
                Reading::Whole { stamp, bytes, digest } if same => {
                    self.there.insert(item.clone(), Some(stamp).filter(Stamp::is_settled));
                    found.push((item, Found::Whole { bytes, digest }));
                }
                Reading::Unreadable(why) if same => {
                    self.there.insert(item.clone(), None);
                    found.push((item, Found::Unreadable(why)));
                }
                Reading::Whole { .. } | Reading::Unreadable(_) | Reading::Absent | Reading::Moving => moving = true,
            }
        }
        moving
    }

    fn is_known(&self, item: &Item, path: &Path) -> bool {
        let now = path.metadata().ok().map(|metadata| Stamp::of(&metadata));
        now.is_some() && self.there.get(item).copied().flatten() == now
    }
}

/// A dangling link counts as an unreadable plugin, because someone intended to install one.
fn is_there(item: &Item, path: &Path) -> bool {
    let lost = path.metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
    !lost || (matches!(item, Item::Plugin(_)) && path.is_symlink())
}

/// Returns the plugin files of a trusted folder. Empty if there is no folder.
fn plugin_files(folder: &Path) -> Result<Vec<(String, PathBuf)>, WatchError> {
    check_private(folder)?;
    let files = list(folder).map_err(|source| WatchError::Look { path: folder.to_owned(), source })?;
    Ok(files.unwrap_or_default())
}

/// Returns every plugin file by its stem, sorted. `None` if there is no folder. Hidden, temporary and backup files
/// are skipped.
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

/// The plugin name of `path`, valid or not. `None` if it isn't a plugin file.
fn plugin(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_string_lossy();
    let stem = file.strip_suffix(".wasm")?;
    // Control characters are spelt out for messages and listings. A name that contains any is invalid anyway.
    (!stem.is_empty() && !stem.starts_with('.')).then(|| escape_invisible(stem))
}

/// Checks the name of a plugin.
///
/// # Errors
/// The naming rule, for the operator.
fn check_name(name: &str) -> Result<(), String> {
    if is_plugin_name(name) { Ok(()) } else { Err(format!("name the file with {PLUGIN_NAME_RULE}")) }
}

/// Reads a file up to a limit, with or without its bytes.
type Read = fn(&Path, u64) -> Reading;

fn read(item: &Item, path: &Path, with: Read) -> Reading {
    match item {
        Item::Config | Item::Folder => trusted(path, CONFIG_AT_MOST, with),
        Item::Plugin(name) => match check_name(name) {
            Ok(()) => not_a_file(path).map_or_else(|| trusted(path, PLUGIN_AT_MOST, with), Reading::Unreadable),
            Err(why) => Reading::Unreadable(why),
        },
    }
}

/// A plugin file of the first reading: its content, or why it can't be used.
#[derive(Debug)]
pub struct PluginFile {
    pub name: String,
    pub content: Result<PluginContent, String>,
}

/// Reads the plugin files of `folder` once, for a host that starts. Files that are being written are left out, because the
/// next scan reports them. Blocks.
///
/// # Errors
/// The folder is writable by other users, or cannot be listed.
pub fn read_folder(folder: &Path) -> Result<Vec<PluginFile>, WatchError> {
    let read = |(name, path): (String, PathBuf)| {
        let item = Item::Plugin(name.clone());
        match read(&item, &path, Reading::of) {
            Reading::Whole { bytes, digest, .. } => {
                Some(PluginFile { name, content: Ok(PluginContent { digest: digest.to_hex(), wasm: bytes }) })
            }
            Reading::Unreadable(why) => Some(PluginFile { name, content: Err(why) }),
            Reading::Absent | Reading::Moving => None,
        }
    };
    Ok(plugin_files(folder)?.into_iter().filter_map(read).collect())
}

/// Reads a file if it is trusted itself: a private folder doesn't prevent other users from writing to the file.
fn trusted(path: &Path, limit: u64, with: Read) -> Reading {
    match check_private(path) {
        Ok(()) => with(path, limit),
        Err(error) => Reading::Unreadable(error.reason()),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, WatchError> {
    std::path::absolute(path).map_err(|source| WatchError::Look { path: path.to_owned(), source })
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

    #[test]
    fn plugin_names_are_validated() {
        assert!(check_name("my-plugin_2").is_ok());
        assert_eq!(check_name("X").unwrap_err(), "name the file with 1 to 32 of a-z, 0-9, '-' and '_'");
    }
}
