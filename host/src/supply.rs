//! Which bytes serve for which plugin: a file in the plugin folder, else the last good version that was stored, else the embedded one.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use cordboard_core::types::Moment;

use crate::{
    plugin::{LARGEST_WASM, PluginSettings, Plugs, Refused, Swapped, digest},
    reload,
    store::Store,
};

/// A component that is part of the binary.
pub struct Standard {
    pub name: &'static str,
    /// SHA-256 in hex, taken when the binary was built.
    pub digest: &'static str,
    pub wasm: &'static [u8],
}

/// Empty where the binary was built before the plugins.
pub static STANDARD: &[Standard] = include!(concat!(env!("OUT_DIR"), "/standard.rs"));

/// What a binary without its plugins has to say.
pub const NO_STANDARD: &str = "built without standard plugins: run cargo xtask build";

/// Plugs in what there is, and goes back to what worked where a file does not.
#[derive(Clone)]
pub struct Supply {
    pub plugs: Arc<Plugs>,
    /// None: nothing is kept, as for a check.
    pub store: Option<Store>,
    pub folder: Option<PathBuf>,
}

/// A version that was not let in.
pub type Turned = (String, Refused);

impl Supply {
    /// Plugs in all that there is at the start. Standard names first, so that a stranger cannot take a standard command.
    pub async fn plug_all(&self, settings: &impl Fn(&str) -> PluginSettings, now: Moment) -> Vec<Turned> {
        let mut files = self.files();
        let mut turned = Vec::new();
        for standard in STANDARD {
            let refused = match files.remove(standard.name) {
                Some(path) => self.plug_file(standard.name, &path, (&settings(standard.name), now)).await.err(),
                None => self.plug_standard(standard, (&settings(standard.name), now)).await.err(),
            };
            turned.extend(refused.map(|refused| (standard.name.to_owned(), refused)));
        }
        for (name, path) in files {
            let refused = self.plug_file(&name, &path, (&settings(&name), now)).await.err();
            turned.extend(refused.map(|refused| (name, refused)));
        }
        turned
    }

    fn files(&self) -> BTreeMap<String, PathBuf> {
        let Some(folder) = &self.folder else { return BTreeMap::new() };
        reload::scan(folder).unwrap_or_default().into_iter().collect()
    }

    async fn plug_standard(
        &self,
        standard: &Standard,
        settings: (&PluginSettings, Moment),
    ) -> Result<Swapped, Refused> {
        self.plugs.plug_in_known((standard.name, standard.digest), standard.wasm, settings).await
    }

    /// A file at the start: where it is refused, an older version serves and the refusal stays visible.
    async fn plug_file(
        &self,
        name: &str,
        path: &Path,
        settings: (&PluginSettings, Moment),
    ) -> Result<Swapped, Refused> {
        let read = read(path).map_err(|error| Refused::Read(error.to_string()));
        let wasm = match read {
            Ok(wasm) => wasm,
            Err(refused) => return self.go_back(name, "", (refused, settings)).await,
        };
        match self.plug_new(name, &wasm, settings).await {
            Err(refused) => self.go_back(name, &digest(&wasm), (refused, settings)).await,
            plugged => plugged,
        }
    }

    /// A new version of a plugin. The one before goes on where it is refused.
    pub async fn plug_new(
        &self,
        name: &str,
        wasm: &[u8],
        settings: (&PluginSettings, Moment),
    ) -> Result<Swapped, Refused> {
        if !is_plugin_name(name) {
            return Err(Refused::Name(name.to_owned()));
        }
        let swapped = self.plugs.plug_in(name, wasm, settings).await?;
        if let (Swapped::New, Some(store)) = (swapped, &self.store) {
            let kept = store.save_generation(name, &digest(wasm), wasm).await;
            kept.unwrap_or_else(
                |error| tracing::warn!(plugin = name, %error, "failed to keep the version for a restart"),
            );
        }
        Ok(swapped)
    }

    /// Serves the last good version, or the embedded one, and still says why the newest does not.
    async fn go_back(
        &self,
        name: &str,
        digest: &str,
        (refused, settings): (Refused, (&PluginSettings, Moment)),
    ) -> Result<Swapped, Refused> {
        let stored = match &self.store {
            Some(store) => store.generations(name).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let mut serves = false;
        for version in stored.iter().filter(|version| version.digest != digest) {
            serves = self.plugs.plug_in_known((name, &version.digest), &version.wasm, settings).await.is_ok();
            if serves {
                break;
            }
        }
        if let Some(standard) = STANDARD.iter().find(|standard| standard.name == name && !serves) {
            let _: Result<Swapped, Refused> = self.plug_standard(standard, settings).await;
        }
        self.plugs.turn_away(name, digest, (&refused, settings.1)).await;
        Err(refused)
    }

    /// The file of a plugin is gone: the embedded one comes back, a stranger leaves.
    pub async fn unplug(&self, name: &str, settings: (&PluginSettings, Moment)) -> Result<(), Refused> {
        match STANDARD.iter().find(|standard| standard.name == name) {
            Some(standard) => self.plug_standard(standard, settings).await.map(|_| ()),
            None => {
                self.plugs.unplug(name).await;
                Ok(())
            }
        }
    }

    /// The bytes of a plugin's file, if it has one.
    #[must_use]
    pub fn file_of(&self, name: &str) -> Option<Vec<u8>> {
        read(self.files().get(name)?).ok()
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    reload::check_private(path).map_err(|error| io::Error::other(error.reason()))?;
    let metadata = fs::metadata(path)?;
    // A pipe or a device would hold up the start, and the end, for ever.
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let length = metadata.len();
    if length > LARGEST_WASM {
        return Err(io::Error::other(format!(
            "it has {length} bytes, more than the {LARGEST_WASM} that are looked at"
        )));
    }
    fs::read(path)
}

fn is_plugin_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    (1..=32).contains(&name.len()) && name.bytes().all(fits)
}
