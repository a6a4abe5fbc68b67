//! Owns the bytes of plugin versions: reads them from files, the store and the binary, and stores activated versions.
//! It must not decide which version should be active.

use std::{collections::BTreeMap, path::PathBuf};

use bytes::Bytes;
use cordboard_core::{
    rollout::{FileState, RejectionText},
    types::is_plugin_name,
};
use cordboard_runtime::PluginError;
use cordboard_store::Store;
use cordboard_watch::{FileError, PluginContent, PluginFile, WatchError};

use super::file_remedies::with_remedy;
use crate::standard_plugins::built_in;

pub struct Versions {
    folder: Option<PathBuf>,
    /// `None` if the rollout must not store anything, as in `cordboard check`.
    store: Option<Store>,
    /// The bytes of the newest file of each plugin that is being worked on, unless the store contains them.
    files: BTreeMap<String, PluginBytes>,
}

struct PluginBytes {
    digest: String,
    wasm: Bytes,
}

impl Versions {
    pub const fn new(folder: Option<PathBuf>, store: Option<Store>) -> Self {
        Self { folder, store, files: BTreeMap::new() }
    }

    pub const fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Reads all plugin files at startup. The watcher reports later changes.
    ///
    /// # Errors
    /// The folder cannot be listed, or other users may write to it, in which case they could add a file that gets the
    /// grants of the plugin it is named after.
    pub fn read_folder(&mut self) -> Result<BTreeMap<String, FileState>, WatchError> {
        let Some(folder) = &self.folder else { return Ok(BTreeMap::new()) };
        let mut files = BTreeMap::new();
        for PluginFile { name, content } in cordboard_watch::read_folder(folder)? {
            let file = match content {
                Ok(content) => self.add_file(&name, content),
                Err(error) => self.unusable(&name, &error),
            };
            files.insert(name, file);
        }
        Ok(files)
    }

    pub fn add_file(&mut self, name: &str, content: PluginContent) -> FileState {
        let PluginContent { digest, wasm } = content;
        self.files.insert(name.to_owned(), PluginBytes { digest: digest.clone(), wasm: wasm.into() });
        FileState::Settled(digest)
    }

    pub fn remove_file(&mut self, name: &str) {
        self.files.remove(name);
    }

    /// Returns the state of a plugin file that cannot be used, with the reason and the remedy.
    pub fn unusable(&self, name: &str, error: &FileError) -> FileState {
        let path = self.folder.clone().unwrap_or_default().join(format!("{name}.wasm"));
        let error = if is_plugin_name(name) {
            PluginError::Read(with_remedy(&path, error))
        } else {
            PluginError::Name(name.to_owned())
        };
        FileState::Unusable(RejectionText::new(error.to_string()))
    }

    /// Returns the bytes of a file or an embedded plugin. Borrows the bytes of an embedded plugin: a copy would load
    /// pages that most starts don't need.
    fn known(&self, name: &str, digest: &str) -> Option<Bytes> {
        let file = self.files.get(name).filter(|file| file.digest == digest).map(|file| file.wasm.clone());
        let embedded = || built_in(name).filter(|one| one.digest == digest).map(|one| Bytes::from_static(one.wasm));
        file.or_else(embedded)
    }

    /// Returns the bytes of a version. The future doesn't borrow `self`.
    pub fn bytes(&self, name: &str, digest: &str) -> impl Future<Output = Result<Bytes, PluginError>> + use<> {
        let (known, store, folder) = (self.known(name, digest), self.store.clone(), self.folder.clone());
        let (name, digest) = (name.to_owned(), digest.to_owned());
        async move {
            if let Some(known) = known {
                return Ok(known);
            }
            let stored = match store {
                Some(store) => store.version(&name, &digest).await.map_err(|why| PluginError::Read(why.to_string()))?,
                None => None,
            };
            let bytes = match stored {
                Some(stored) => Some(stored),
                None => read_again(folder, &name, &digest).await,
            };
            let none = || PluginError::Read("its bytes are no longer stored; copy the file again".to_owned());
            bytes.map(Bytes::from).ok_or_else(none)
        }
    }

    /// Returns the digests of the stored versions, the latest first.
    pub async fn stored(&self, name: &str) -> Vec<String> {
        match &self.store {
            Some(store) => store.versions(name).await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// Stores an activated version and the version it replaced, which is the next candidate for a rollback.
    pub async fn save(&mut self, name: &str, digest: &str, replaced: Option<&str>) {
        let Some(store) = self.store.clone() else { return };
        for one in replaced.into_iter().chain([digest]) {
            let is_stored = self.stored(name).await.iter().any(|stored| stored == one);
            let unstored = match self.known(name, one) {
                _ if is_stored => None,
                None => read_again(self.folder.clone(), name, one).await.map(Bytes::from),
                known => known,
            };
            let saved = match unstored {
                Some(wasm) => store.save_version(name, one, &wasm).await,
                None => store.touch_version(name, one).await,
            };
            match saved {
                Ok(()) => self.files.retain(|plugin, file| plugin != name || file.digest != one),
                Err(error) => tracing::warn!(plugin = name, %error, "failed to store a version for a restart"),
            }
        }
    }

    /// Deletes the stored versions of a removed plugin.
    pub async fn delete(&self, name: &str) {
        let Some(store) = &self.store else { return };
        let deleted = store.delete_versions(name).await;
        deleted.unwrap_or_else(
            |error| tracing::warn!(plugin = name, %error, "failed to delete a plugin's stored versions"),
        );
    }

    /// Releases the bytes of a plugin that isn't being worked on. If they are needed again, the file is read again.
    pub fn release(&mut self, name: &str) {
        self.files.remove(name);
    }
}

/// Reads the file of a plugin again. Returns `None` if the file can't be read or has another digest now.
async fn read_again(folder: Option<PathBuf>, name: &str, digest: &str) -> Option<Vec<u8>> {
    let (folder, name) = (folder?, name.to_owned());
    let read = tokio::task::spawn_blocking(move || cordboard_watch::read_plugin(&folder, &name)).await;
    read.ok().flatten().filter(|content| content.digest == digest).map(|content| content.wasm)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cordboard_core::config::Config;
    use cordboard_runtime::Registry;
    use cordboard_store::Decisions;

    use super::{
        super::{Resources, Rollout},
        *,
    };
    use crate::{clock::Clock, hub::plugin_settings};

    fn content(wasm: &[u8]) -> PluginContent {
        PluginContent { digest: cordboard_runtime::digest(wasm), wasm: wasm.to_vec() }
    }

    #[tokio::test]
    async fn the_bytes_of_a_rejected_file_are_released() {
        let folder = tempfile::tempdir().expect("a folder");
        let registry = Registry::start(folder.path().join("cache"), PathBuf::new(), 1).expect("an engine");
        let resources = Resources {
            registry: Arc::new(registry),
            folder: Some(folder.path().to_owned()),
            store: None,
            decisions: Decisions::default(),
        };
        let settings = Arc::new(|name: &str| plugin_settings(&Config::defaults(), name));
        let mut rollout = Rollout::new(resources, settings, Clock::system());
        rollout.on_file("odd", content(b"no component")).await;
        assert!(rollout.versions.files.contains_key("odd"), "a build needs the bytes");
        while rollout.machines["odd"].is_working() {
            let event = rollout.next().await;
            rollout.handle(event).await;
        }
        assert!(rollout.versions.files.is_empty() && rollout.jobs.is_released());
    }

    #[tokio::test]
    async fn released_bytes_are_read_again_from_an_unchanged_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("odd.wasm");
        std::fs::write(&file, "first").expect("a file");
        let mut versions = Versions::new(Some(folder.path().to_owned()), None);
        let FileState::Settled(digest) = versions.add_file("odd", content(b"first")) else { panic!("it is readable") };
        versions.release("odd");
        let bytes = versions.bytes("odd", &digest).await.expect("the file has them");
        assert_eq!(*bytes, *b"first");
        std::fs::write(&file, "other").expect("a file");
        let error = versions.bytes("odd", &digest).await.expect_err("the file has other bytes");
        assert!(error.to_string().contains("copy the file again"), "{error}");
    }
}
