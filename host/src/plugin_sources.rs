//! Owns the bytes of plugin versions: of files as the watcher reported them, of embedded plugins, and of stored
//! versions. It must not decide which version should be active.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use cordboard_core::{
    rollout::{File, Reason},
    types::is_plugin_name,
};
use cordboard_runtime::{PluginError, digest};
use cordboard_store::Store;
use cordboard_watch::{PluginFile, WatchError};

mod unusable;

/// A plugin that is embedded in the binary.
pub struct Standard {
    pub name: &'static str,
    /// SHA-256 in hex, computed when the binary is built.
    pub digest: &'static str,
    pub wasm: &'static [u8],
}

/// Empty if the binary was built before the plugins.
pub static STANDARD: &[Standard] = include!(concat!(env!("OUT_DIR"), "/standard.rs"));

/// The message of a binary without embedded plugins.
pub const NO_STANDARD: &str = "built without standard plugins: run cargo xtask build";

/// Returns the embedded plugin of that name.
#[must_use]
pub fn built_in(name: &str) -> Option<&'static Standard> {
    STANDARD.iter().find(|standard| standard.name == name)
}

pub struct PluginSources {
    folder: Option<PathBuf>,
    /// `None` if nothing is stored, as in a check.
    store: Option<Store>,
    /// The last file of each plugin with its digest, unless the store has its bytes.
    files: BTreeMap<String, (String, Arc<[u8]>)>,
}

impl PluginSources {
    #[must_use]
    pub const fn new(folder: Option<PathBuf>, store: Option<Store>) -> Self {
        Self { folder, store, files: BTreeMap::new() }
    }

    #[must_use]
    pub const fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Reads all plugin files at the start. Later, the watcher reports them.
    ///
    /// # Errors
    /// Other users may write to the folder, so a file there would get the grants of its name; or it cannot be listed.
    pub fn read_folder(&mut self) -> Result<BTreeMap<String, File>, WatchError> {
        let Some(folder) = &self.folder else { return Ok(BTreeMap::new()) };
        let mut files = BTreeMap::new();
        for PluginFile { name, wasm } in cordboard_watch::read_folder(folder)? {
            let file = match wasm {
                Ok(wasm) => File::Settled(self.add_file(&name, wasm)),
                Err(why) => self.unusable(&name, &why),
            };
            files.insert(name, file);
        }
        Ok(files)
    }

    /// Takes over a whole file, and returns its digest.
    pub fn add_file(&mut self, name: &str, wasm: Vec<u8>) -> String {
        let digest = digest(&wasm);
        self.files.insert(name.to_owned(), (digest.clone(), wasm.into()));
        digest
    }

    pub fn remove_file(&mut self, name: &str) {
        self.files.remove(name);
    }

    /// Explains why the file of a plugin cannot be used, with the remedy.
    #[must_use]
    pub fn unusable(&self, name: &str, why: &str) -> File {
        let path = self.folder.clone().unwrap_or_default().join(format!("{name}.wasm"));
        let rejected = if is_plugin_name(name) {
            PluginError::Read(unusable::unusable(&path, why))
        } else {
            PluginError::Name(name.to_owned())
        };
        File::Unusable(Reason::new(rejected.to_string()))
    }

    /// Returns the bytes of a file or an embedded plugin.
    fn known(&self, name: &str, wanted: &str) -> Option<Arc<[u8]>> {
        let file = self.files.get(name).filter(|(digest, _)| digest == wanted).map(|(_, wasm)| Arc::clone(wasm));
        file.or_else(|| {
            built_in(name).filter(|standard| standard.digest == wanted).map(|standard| standard.wasm.into())
        })
    }

    /// Returns the bytes of a version. The future doesn't borrow the sources.
    pub fn bytes(&self, name: &str, wanted: &str) -> impl Future<Output = Result<Arc<[u8]>, PluginError>> + use<> {
        let (known, store) = (self.known(name, wanted), self.store.clone());
        let (name, wanted) = (name.to_owned(), wanted.to_owned());
        async move {
            if let Some(known) = known {
                return Ok(known);
            }
            let stored = match store {
                Some(store) => {
                    store.generation(&name, &wanted).await.map_err(|why| PluginError::Read(why.to_string()))?
                }
                None => None,
            };
            let none = || PluginError::Read("its bytes are not stored any more; copy it again".to_owned());
            stored.map(Arc::from).ok_or_else(none)
        }
    }

    /// The digests of the stored versions, the latest first.
    pub async fn kept(&self, name: &str) -> Vec<String> {
        match &self.store {
            Some(store) => store.generations(name).await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// Stores an activated version, and the one that it replaced as the next candidate for a rollback.
    pub async fn keep(&mut self, name: &str, digest: &str, replaced: Option<&str>) {
        let Some(store) = self.store.clone() else { return };
        for one in replaced.into_iter().chain([digest]) {
            let kept = match self.known(name, one) {
                Some(wasm) => store.save_generation(name, one, &wasm).await,
                None => store.touch_generation(name, one).await,
            };
            match kept {
                Ok(()) => self.files.retain(|file, (digest, _)| file != name || digest != one),
                Err(error) => tracing::warn!(plugin = name, %error, "failed to store a version for a restart"),
            }
        }
    }

    /// Deletes the stored versions of a removed plugin.
    pub async fn delete(&self, name: &str) {
        let Some(store) = &self.store else { return };
        let deleted = store.forget_generations(name).await;
        deleted.unwrap_or_else(
            |error| tracing::warn!(plugin = name, %error, "failed to delete a plugin's stored versions"),
        );
    }
}
