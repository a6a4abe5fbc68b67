//! Watches the configuration file and the plugin folder. No other crate uses inotify. The watcher reports only complete
//! files, only the latest version of each, and the configuration first. It must not parse a configuration, compile a
//! plugin, or decide what a change means.
//!
//! Events only trigger scans or show that a file is being written. Each scan compares the files with the last reported
//! state and renews every watch, so a lost, duplicate or misleading event never hides a change. If there are no events,
//! a scan runs at the interval set by `[plugins] rescan`.

mod file_error;
mod os_events;
mod permissions;
mod read;
mod scan;
mod watch_loop;

#[cfg(test)]
mod tests;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use cordboard_core::shell::quote_path;
use tokio::{
    sync::{mpsc, watch as live},
    task::JoinHandle,
};

pub use file_error::FileError;
pub use permissions::{check_private, not_a_file};
pub use scan::{PluginFile, read_folder, read_plugin};

use os_events::OsWatcher;
use scan::Scanner;
use watch_loop::WatchLoop;

/// The capacity of the change channel. Only one change waits in the channel, because a newer version can't replace a
/// change that has been sent.
const CHANGE_QUEUE: usize = 1;

/// The paths to watch, which don't have to exist, and the interval between scans.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    pub config: Option<ConfigFile>,
    /// The plugin folder.
    pub plugins: Option<PathBuf>,
    /// The maximum time between two scans.
    pub rescan: live::Receiver<Duration>,
}

/// The configuration file, and the content that the host has loaded from it. Any other content counts as a change.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Config(ConfigRead),
    /// `fault` is the reason why the plugin folder can't be used. `None` means that the folder is usable again.
    Folder {
        fault: Option<String>,
    },
    /// A plugin file that is new, has changed, or can be used again.
    Plugin {
        name: String,
        content: PluginContent,
    },
    PluginGone {
        name: String,
    },
    PluginUnreadable {
        name: String,
        error: FileError,
    },
}

/// The complete content of a plugin file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginContent {
    /// SHA-256 in hex.
    pub digest: String,
    pub wasm: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigRead {
    Text(String),
    Missing,
    /// The reason why the file can't be read, as a message for the operator.
    Unreadable(String),
}

#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error("use {}: {who} may write to it, and could change plugins or grants; run `chmod go-w {}`", path.display(), quote_path(path))]
    Writable { path: PathBuf, who: &'static str },
    #[error("use {}: it belongs to another user (uid {uid}), who could change plugins or grants; run `chown {me} {}`", path.display(), quote_path(path))]
    Foreign { path: PathBuf, uid: u32, me: u32 },
    #[error("read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
}

impl WatchError {
    /// Returns the fault and the remedy without the leading path, for messages that already contain it.
    #[must_use]
    pub fn reason(&self) -> String {
        let (Self::Writable { path, .. } | Self::Foreign { path, .. } | Self::Read { path, .. }) = self;
        let (text, named) = (self.to_string(), format!("{}: ", path.display()));
        text.split_once(&named).map_or(text.clone(), |(_, reason)| reason.to_owned())
    }
}

/// Stops watching when it is dropped.
#[must_use = "dropping the watcher stops it"]
#[derive(Debug)]
pub struct Watcher {
    task: JoinHandle<()>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts the watcher. Needs a tokio runtime. Plugin files that already exist count as known, so call this function
/// before reading them; otherwise, a change in between would be missed. Unusable files are reported as unreadable
/// immediately.
///
/// # Errors
/// Fails if a path can't be made absolute or doesn't pass [`check_private`].
pub fn watch(options: WatchOptions) -> Result<(Watcher, mpsc::Receiver<Change>), WatchError> {
    start(options, OsWatcher::new())
}

fn start(options: WatchOptions, os_watcher: OsWatcher) -> Result<(Watcher, mpsc::Receiver<Change>), WatchError> {
    for path in [options.config.as_ref().map(|config| &config.path), options.plugins.as_ref()].into_iter().flatten() {
        check_private(path)?;
    }
    let os_watcher = Arc::new(os_watcher);
    os_watcher.start();
    let mut scanner = Scanner::new(&options, Arc::clone(&os_watcher))?;
    let baseline = scanner.baseline(options.config.as_ref().map(|config| config.bytes.as_slice()));
    let (changes, receiver) = mpsc::channel(CHANGE_QUEUE);
    let watch_loop = WatchLoop::new(baseline, os_watcher, scanner, options.rescan);
    Ok((Watcher { task: tokio::spawn(watch_loop.run(changes)) }, receiver))
}
