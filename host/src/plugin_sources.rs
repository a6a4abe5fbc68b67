//! Chooses the bytes of each plugin's version: the file in the plugin folder, else the last good version in the
//! store, else the embedded one.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use cordboard_core::types::{Timestamp, is_plugin_name};

mod decisions;
mod texts;

use cordboard_runtime::{
    Activation, ActivationMode, Compiled, LARGEST_WASM, PluginError, PluginSettings, Registry, RejectReason, digest,
};
use cordboard_store::{Decisions, Store};
pub use decisions::DecisionStore;
use texts::{TOO_LARGE, UNREADABLE};
pub use texts::{disabled, held_off, next_chance};

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

/// Activates versions, and falls back to an earlier one if a file is rejected.
pub struct PluginSources {
    pub plugs: Arc<Registry>,
    /// `None` if nothing is stored, as in a check.
    pub store: Option<Store>,
    pub folder: Option<PathBuf>,
    pub decided: DecisionStore,
}

/// A plugin whose version was rejected, and why.
pub type RejectedFile = (String, PluginError);

/// The bytes of one version.
#[derive(Clone)]
pub struct Version {
    /// SHA-256 in hex.
    pub digest: String,
    pub wasm: Arc<[u8]>,
}

impl Version {
    #[must_use]
    pub fn new(wasm: impl Into<Arc<[u8]>>) -> Self {
        let wasm = wasm.into();
        Self { digest: digest(&wasm), wasm }
    }
}

impl From<&Standard> for Version {
    fn from(standard: &Standard) -> Self {
        Self { digest: standard.digest.to_owned(), wasm: standard.wasm.into() }
    }
}

/// Returns the embedded plugin of that name.
#[must_use]
pub fn built_in(name: &str) -> Option<&'static Standard> {
    STANDARD.iter().find(|standard| standard.name == name)
}

impl PluginSources {
    /// `decisions` are the decisions in the store.
    #[must_use]
    pub fn new(plugs: Arc<Registry>, folder: Option<PathBuf>, (store, decisions): (Option<Store>, Decisions)) -> Self {
        let decided = DecisionStore::new(store.clone(), decisions);
        Self { plugs, store, folder, decided }
    }

    /// Activates all plugins at startup. Standard names come first, so that other plugins can't take a standard
    /// command.
    pub async fn plug_all(&self, settings: &impl Fn(&str) -> PluginSettings, now: Timestamp) -> Vec<RejectedFile> {
        let mut files = self.files();
        let mut turned = Vec::new();
        for standard in STANDARD {
            let file = files.remove(standard.name);
            let refused =
                self.plug_at_start(standard.name, file.as_deref(), (&settings(standard.name), now)).await.err();
            turned.extend(refused.map(|refused| (standard.name.to_owned(), refused)));
        }
        for (name, path) in files {
            let refused = self.plug_at_start(&name, Some(&path), (&settings(&name), now)).await.err();
            turned.extend(refused.map(|refused| (name, refused)));
        }
        // Includes plugins without a file: the file may come back, and only plugins in the table can be enabled.
        for (name, word) in self.decided.disabled() {
            self.plugs.disable(&name, (texts::disabled(&name, &word), word.at)).await;
        }
        turned
    }

    /// Explains why the file of a plugin cannot be used, with the remedy.
    #[must_use]
    pub fn unusable(&self, name: &str, why: &str) -> String {
        let folder = self.folder.as_deref().unwrap_or(Path::new(""));
        texts::unusable(&folder.join(format!("{name}.wasm")), why)
    }

    /// Returns the plugin files. Empty if other users may write to the folder, because a file there would get the
    /// grants of its name.
    fn files(&self) -> BTreeMap<String, PathBuf> {
        let Some(folder) = self.folder.as_ref().filter(|_| self.folder_fault().is_none()) else {
            return BTreeMap::new();
        };
        cordboard_watch::scan(folder).unwrap_or_default().into_iter().collect()
    }

    /// Explains why the plugin folder can't be used, with the remedy.
    #[must_use]
    pub fn folder_fault(&self) -> Option<String> {
        self.folder
            .as_ref()
            .and_then(|folder| cordboard_watch::check_private(folder).err())
            .map(|error| error.to_string())
    }

    /// Activates the file, or the embedded version if there is no file. If the file is rejected, an older version is
    /// activated and the rejection stays visible.
    async fn plug_at_start(
        &self,
        name: &str,
        path: Option<&Path>,
        context: (&PluginSettings, Timestamp),
    ) -> Result<Activation, PluginError> {
        let standing = self.decided.standing(name);
        if standing.disabled.is_some() {
            return Ok(Activation::Unchanged);
        }
        let Some(path) = path else {
            let Some(standard) = built_in(name) else { return Ok(Activation::Unchanged) };
            let entrance = self.entrance_back(name, standard.digest, context);
            return self.plug_version(name, standard.into(), context, entrance).await;
        };
        let version = match read(path) {
            Ok(wasm) => Version::new(wasm),
            Err(why) => {
                let refused = PluginError::Read(texts::unusable(path, &why));
                return self.go_back(name, "", (refused, context)).await;
            }
        };
        let digest = version.digest.clone();
        let admission = standing.admits(&digest, context.1);
        let plugged = match texts::held_off(name, &digest, (&admission, context.1)) {
            Some(why) => Err(PluginError::NotAdmitted(why)),
            None => {
                let entrance = self.entrance_at_start(name, &digest, context).await;
                self.plug_version(name, version, context, entrance).await
            }
        };
        match plugged {
            Err(refused) => self.go_back(name, &digest, (refused, context)).await,
            plugged => plugged,
        }
    }

    /// A restart isn't a rollout: the version that was active last keeps its trust and its remaining probation. A
    /// version that is tried again after a rollback is treated as new.
    async fn entrance_at_start(
        &self,
        name: &str,
        digest: &str,
        context: (&PluginSettings, Timestamp),
    ) -> ActivationMode {
        let latest = match &self.store {
            Some(store) => store.latest_generation(name).await.unwrap_or_default(),
            None => None,
        };
        if latest.as_deref() == Some(digest) && !self.decided.standing(name).was_rolled_back(digest) {
            self.entrance_back(name, digest, context)
        } else {
            ActivationMode::New
        }
    }

    /// A version that was active before is trusted, unless the host's exit interrupted its probation.
    fn entrance_back(&self, name: &str, digest: &str, (settings, now): (&PluginSettings, Timestamp)) -> ActivationMode {
        let left = self.decided.standing(name).left_of(digest, (now, settings.terms.probation));
        left.map_or(ActivationMode::Previous, |(left, failed)| ActivationMode::Resumed { left, failed })
    }

    /// Activates a new version of a plugin. If it is rejected, the previous version stays active.
    pub async fn plug_new(
        &self,
        name: &str,
        wasm: &[u8],
        context: (&PluginSettings, Timestamp),
    ) -> Result<Activation, PluginError> {
        self.plug_version(name, Version::new(wasm), context, ActivationMode::New).await
    }

    async fn plug_version(
        &self,
        name: &str,
        version: Version,
        context: (&PluginSettings, Timestamp),
        entrance: ActivationMode,
    ) -> Result<Activation, PluginError> {
        if !is_plugin_name(name) {
            return Err(PluginError::Name(name.to_owned()));
        }
        if let Err(refused) = context.0.check_pin(name, &version.digest) {
            self.plugs.record_rejection(name, &version.digest, (&refused, context.1)).await;
            return Err(refused);
        }
        let compiled = self.plugs.compile(name, version.digest.clone(), &version.wasm).await;
        self.activate((compiled, &version), context, entrance).await
    }

    /// Activates the compiled `version` with the capabilities that the configuration and the owner in the chat
    /// granted.
    pub async fn activate(
        &self,
        (compiled, version): (Compiled, &Version),
        (settings, now): (&PluginSettings, Timestamp),
        entrance: ActivationMode,
    ) -> Result<Activation, PluginError> {
        let name = compiled.name.clone();
        let before = self.plugs.table().generation(&name).map(|generation| generation.digest.clone());
        let settings = self.granting(&name, settings);
        let plugged = self.plugs.activate(compiled, (&settings, now), entrance).await;
        match &plugged {
            Ok(Activation::New) if matches!(entrance, ActivationMode::New | ActivationMode::Forced) => {
                if entrance == ActivationMode::Forced || before.as_ref() != Some(&version.digest) {
                    self.begin(&name, &version.digest, (now, settings.terms.probation)).await;
                }
                self.keep(&name, version, before).await;
            }
            Ok(Activation::New | Activation::Unchanged) => {}
            Err(refused) => self.show_denial(&name, refused).await,
        }
        plugged
    }

    /// Applies new settings to the active version.
    pub async fn reconfigure(
        &self,
        name: &str,
        (settings, now): (&PluginSettings, Timestamp),
    ) -> Result<Activation, PluginError> {
        let done = self.plugs.reconfigure(name, (&self.granting(name, settings), now)).await;
        if let Err(refused) = &done {
            self.show_denial(name, refused).await;
        }
        done
    }

    /// Adds the capabilities that the owner granted in the chat.
    #[must_use]
    pub fn granting(&self, name: &str, settings: &PluginSettings) -> PluginSettings {
        let mut settings = settings.clone();
        settings.grants.extend(self.decided.granted(name));
        settings
    }

    /// Shows a version as denied instead of pending if the owner has refused its capabilities already.
    async fn show_denial(&self, name: &str, refused: &PluginError) {
        if let PluginError::NotGranted { missing, .. } = refused
            && self.decided.refused(name, missing).is_some()
        {
            self.plugs.hold(name, RejectReason::Denied(missing.clone())).await;
        }
    }

    /// Stores the start of a version's probation, before the version counts as activated.
    async fn begin(&self, name: &str, digest: &str, at: (Timestamp, Duration)) {
        let begun = self.decided.change(name, |standing| standing.on_activation(digest, at)).await;
        begun.unwrap_or_else(|error| tracing::warn!(plugin = name, %error, "failed to store a probation"));
    }

    /// Stores an activated version, and the previous one as the next candidate for a rollback.
    async fn keep(&self, name: &str, version: &Version, before: Option<String>) {
        let Some(store) = &self.store else { return };
        if let Some(before) = before.filter(|before| *before != version.digest) {
            let again = match built_in(name).filter(|standard| standard.digest == before) {
                Some(standard) => store.save_generation(name, standard.digest, standard.wasm).await,
                None => store.touch_generation(name, &before).await,
            };
            again.unwrap_or_else(|error| tracing::warn!(plugin = name, %error, "failed to store the previous version"));
        }
        let kept = store.save_generation(name, &version.digest, &version.wasm).await;
        kept.unwrap_or_else(|error| tracing::warn!(plugin = name, %error, "failed to store the version for a restart"));
    }

    /// Activates the last good version, or the embedded one, and keeps showing why the newest is rejected.
    pub async fn go_back(
        &self,
        name: &str,
        digest: &str,
        (refused, context): (PluginError, (&PluginSettings, Timestamp)),
    ) -> Result<Activation, PluginError> {
        let standing = self.decided.standing(name);
        let earlier =
            self.stored(name).await.into_iter().filter(|one| one.digest != digest && standing.is_good(&one.digest));
        let embedded = built_in(name).map(Version::from);
        for version in earlier.chain(embedded) {
            let entrance = self.entrance_back(name, &version.digest, context);
            if self.plug_version(name, version, context, entrance).await.is_ok() {
                break;
            }
        }
        self.plugs.record_rejection(name, digest, (&refused, context.1)).await;
        self.show_denial(name, &refused).await;
        Err(refused)
    }

    /// Deletes the stored versions of a removed plugin, so that a later plugin of the same name can't fall back to
    /// them.
    pub async fn forget(&self, name: &str) {
        let Some(store) = &self.store else { return };
        let forgotten = store.forget_generations(name).await;
        forgotten.unwrap_or_else(
            |error| tracing::warn!(plugin = name, %error, "failed to delete a plugin's stored versions"),
        );
    }

    /// Returns the stored versions, newest first.
    async fn stored(&self, name: &str) -> Vec<Version> {
        let stored = match &self.store {
            Some(store) => store.generations(name).await.unwrap_or_default(),
            None => Vec::new(),
        };
        stored.into_iter().map(|one| Version { digest: one.digest, wasm: one.wasm.into() }).collect()
    }

    /// Returns the version to roll back to: the last good one that was stored before the active one, else the
    /// embedded one.
    pub async fn before(&self, name: &str, serving: &str) -> Option<Version> {
        let embedded = built_in(name);
        if embedded.is_some_and(|standard| standard.digest == serving) {
            return None;
        }
        let standing = self.decided.standing(name);
        let stored = self.stored(name).await;
        let newer = stored.iter().position(|one| one.digest == serving).map_or(0, |at| at + 1);
        let earlier = stored.into_iter().skip(newer).find(|one| standing.is_good(&one.digest));
        earlier.or_else(|| embedded.map(Version::from))
    }

    /// Returns the version that should be active: the plugin's file, else the embedded one.
    pub async fn newest(&self, name: &str) -> Option<Version> {
        self.file_of(name).await.or_else(|| built_in(name).map(Version::from))
    }

    /// Handles a removed file: activates the embedded version, or deactivates a plugin that has none.
    pub async fn remove_plugin(&self, name: &str, context: (&PluginSettings, Timestamp)) -> Result<(), PluginError> {
        match built_in(name) {
            Some(standard) => self.plug_version(name, standard.into(), context, ActivationMode::New).await.map(|_| ()),
            None => {
                self.plugs.remove_plugin(name).await;
                Ok(())
            }
        }
    }

    /// Reads the version in a plugin's file. `None` if the file is missing, untrusted or being written. Runs on a
    /// blocking thread, because it reads and hashes megabytes.
    pub async fn file_of(&self, name: &str) -> Option<Version> {
        let (folder, name) = (self.folder.clone()?, name.to_owned());
        let read = move || {
            cordboard_watch::check_private(&folder).ok()?;
            let files = cordboard_watch::scan(&folder).ok()?;
            let (name, path) = files.into_iter().find(|(found, _)| *found == name)?;
            cordboard_watch::read_plugin(&name, &path).map(Version::new)
        };
        tokio::task::spawn_blocking(read).await.ok().flatten()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    // Checked first, because a pipe or a device would block the startup. Its mode doesn't matter.
    if let Some(why) = cordboard_watch::not_a_file(path) {
        return Err(why);
    }
    cordboard_watch::check_private(path).map_err(|error| error.reason())?;
    let unreadable = |error: io::Error| format!("{UNREADABLE}{error}");
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.len() > LARGEST_WASM {
        return Err(format!("{TOO_LARGE}{} MiB", LARGEST_WASM >> 20));
    }
    fs::read(path).map_err(unreadable)
}
