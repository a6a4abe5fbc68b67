//! Describes the workspace as cargo sees it: its folders, and which members are plugins. Doesn't build anything.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::step;

#[derive(Debug)]
pub struct Workspace {
    /// The folder of the root Cargo.toml.
    pub root: PathBuf,
    /// Cargo's target folder, which the user may have moved.
    pub target: PathBuf,
    pub plugins: Vec<Plugin>,
}

/// A workspace member that is built as a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// The plugin's name: the path of its folder below `plugins/`, such as `timeout` or `bad/echo`. If the manifest
    /// names an output folder, the name begins with that folder, as in `extra/pbs`. The host embeds only plugins whose
    /// name contains no folder.
    pub name: String,
    /// Cargo's full package id, because a name such as `model` could also belong to a dependency.
    pub id: String,
    /// The name of cargo's output file without the extension.
    pub library: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    /// The content of `[package.metadata]`.
    #[serde(default)]
    metadata: serde_json::Value,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

impl Workspace {
    pub fn load() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut cargo = step::cargo();
        cargo.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(here);
        let workspace = Self::of(&step::read(&mut cargo).context("the workspace can't be read")?)?;
        workspace.reject_strays()?;
        Ok(workspace)
    }

    fn of(metadata: &str) -> Result<Self> {
        let metadata: Metadata = serde_json::from_str(metadata).context("cargo's metadata can't be read")?;
        let folder = metadata.workspace_root.join("plugins");
        let mut plugins: Vec<Plugin> =
            metadata.packages.iter().filter_map(|package| Plugin::of(package, &folder)).collect();
        plugins.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { root: metadata.workspace_root, target: metadata.target_directory, plugins })
    }

    /// Rejects plugin folders in `plugins/bad` that aren't workspace members. Otherwise, they would be skipped
    /// silently.
    fn reject_strays(&self) -> Result<()> {
        let folder = self.root.join("plugins/bad");
        let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(()) };
        for entry in entries.flatten().filter(|entry| entry.path().join("Cargo.toml").is_file()) {
            let name = format!("bad/{}", entry.file_name().to_string_lossy());
            if !self.plugins.iter().any(|plugin| plugin.name == name) {
                bail!(
                    "plugins/{name} is not built: add \"plugins/{name}\" to `members` in Cargo.toml, \
                     and [lib] crate-type = [\"cdylib\"] to its own Cargo.toml"
                );
            }
        }
        Ok(())
    }

    /// Formats a path for the user, relative to the current folder if possible.
    pub fn display(&self, path: &Path) -> String {
        self.relative_to_here(path).display().to_string()
    }

    /// If the path is below the current folder, returns it relative to that folder. Otherwise, returns it unchanged.
    pub fn relative_to_here(&self, path: &Path) -> PathBuf {
        let here = std::env::current_dir().unwrap_or_else(|_| self.root.clone());
        path.strip_prefix(&here).unwrap_or(path).to_path_buf()
    }
}

impl Plugin {
    fn of(package: &Package, folder: &Path) -> Option<Self> {
        let below = package.manifest_path.parent()?.strip_prefix(folder).ok()?;
        let library = package.targets.iter().find(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))?;
        let output =
            package.metadata.pointer("/cordboard/folder").and_then(serde_json::Value::as_str).unwrap_or_default();
        let name = Path::new(output).join(below).to_str()?.to_owned();
        Some(Self { name, id: package.id.clone(), library: library.name.replace('-', "_") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{
        "packages": [
            {"id": "path+file:///w/plugins/bad/spin#0.1.0", "manifest_path": "/w/plugins/bad/spin/Cargo.toml",
             "targets": [{"name": "spin", "crate_types": ["cdylib"]}]},
            {"id": "path+file:///w/plugins/my-clock#0.1.0", "manifest_path": "/w/plugins/my-clock/Cargo.toml", "metadata": null,
             "targets": [{"name": "my_clock", "crate_types": ["cdylib", "rlib"]}]},
            {"id": "path+file:///w/plugins/pbs#0.1.0", "manifest_path": "/w/plugins/pbs/Cargo.toml",
             "metadata": {"cordboard": {"folder": "extra"}}, "targets": [{"name": "pbs", "crate_types": ["cdylib"]}]},
            {"id": "path+file:///w/plugins/sdk#cordboard-plugin@0.1.0", "manifest_path": "/w/plugins/sdk/Cargo.toml",
             "targets": [{"name": "cordboard_plugin", "crate_types": ["lib"]}]},
            {"id": "path+file:///w/host#0.1.0", "manifest_path": "/w/host/Cargo.toml",
             "targets": [{"name": "cordboard", "crate_types": ["cdylib"]}]}
        ],
        "target_directory": "/elsewhere/target", "workspace_root": "/w"
    }"#;

    #[test]
    fn plugins_are_cdylib_members_below_plugins() {
        let workspace = Workspace::of(METADATA).unwrap();
        let seen: Vec<(&str, &str)> =
            workspace.plugins.iter().map(|plugin| (plugin.name.as_str(), plugin.library.as_str())).collect();
        assert_eq!(seen, [("bad/spin", "spin"), ("extra/pbs", "pbs"), ("my-clock", "my_clock")]);
        assert_eq!(workspace.target, Path::new("/elsewhere/target"));
    }

    #[test]
    fn a_bad_plugin_that_cargo_does_not_know_is_refused_by_name() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("plugins/bad/new");
        std::fs::create_dir_all(&folder).unwrap();
        let workspace = Workspace { root: root.path().into(), target: root.path().join("target"), plugins: vec![] };
        workspace.reject_strays().unwrap();
        std::fs::write(folder.join("Cargo.toml"), "").unwrap();
        let error = workspace.reject_strays().unwrap_err().to_string();
        assert!(error.contains("add \"plugins/bad/new\" to `members`"), "{error}");
    }
}
