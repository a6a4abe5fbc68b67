//! Builds plugins as components and copies them to `target/plugins/`, where the host's build script finds them.
//! Unchanged files keep their modification times, so they don't trigger a rebuild of the host.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::step;
use crate::toolchain::{TARGET, Toolchain, ToolchainChoice};
use crate::workspace::{Plugin, Workspace};

/// The cargo profile for components, which optimizes for size and turns panics into traps.
const PROFILE: &str = "plugin";

/// The plugins that a task needs. A first build with fewer plugins is faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// The plugins that the host embeds.
    Embedded,
    /// The embedded plugins, and those that an operator can install.
    Installable,
    /// Every plugin, including those in `plugins/bad` for tests and benchmarks.
    All,
}

impl Selection {
    fn includes(self, plugin: &Plugin) -> bool {
        match self {
            Self::Embedded => !plugin.name.contains('/'),
            Self::Installable => !plugin.name.starts_with("bad/"),
            Self::All => true,
        }
    }
}

pub fn build(workspace: &Workspace, choice: ToolchainChoice, selection: Selection) -> Result<()> {
    let output = workspace.root.join("target/plugins");
    let selected: Vec<&Plugin> = workspace.plugins.iter().filter(|plugin| selection.includes(plugin)).collect();
    if !selected.is_empty() {
        let toolchain = Toolchain::find(choice)?;
        step::start(&format!("building {} plugins as components (about a minute the first time)", selected.len()));
        let built = compile(workspace, &toolchain, &selected)?;
        copy_components(&selected, &built, &output)?;
    }
    remove_stale(&workspace.plugins, &output)
}

/// Builds the plugins with a single cargo call, so that shared dependencies are built once. Returns the component
/// folder.
fn compile(workspace: &Workspace, toolchain: &Toolchain, plugins: &[&Plugin]) -> Result<PathBuf> {
    // Use a separate target folder, so that native builds don't lock it.
    let target = workspace.target.join("wasm");
    let mut cargo = step::cargo();
    cargo.current_dir(&workspace.root).args(["build", "--lib", "--target", TARGET, "--profile", PROFILE]);
    cargo.arg("--target-dir").arg(&target);
    for plugin in plugins {
        cargo.args(["--package", &plugin.id]);
    }
    toolchain.apply(&mut cargo);
    step::show(&mut cargo)?;
    Ok(target.join(TARGET).join(PROFILE))
}

fn copy_components(plugins: &[&Plugin], built: &Path, output: &Path) -> Result<()> {
    for plugin in plugins {
        let component = built.join(format!("{}.wasm", plugin.library));
        let path = component_path(plugin, output);
        let bytes = fs::read(&component).with_context(|| format!("{} wasn't built", component.display()))?;
        replace(&path, &bytes).with_context(|| format!("{} can't be written", path.display()))?;
    }
    Ok(())
}

fn component_path(plugin: &Plugin, output: &Path) -> PathBuf {
    output.join(format!("{}.wasm", plugin.name))
}

/// Writes a temporary file and renames it, so that readers never see a partial file. Doesn't touch a file whose content
/// is unchanged.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    fs::write(&temporary, bytes)?;
    fs::rename(&temporary, path)?;
    Ok(())
}

/// Removes deleted plugins' components, which the host would otherwise still embed.
fn remove_stale(plugins: &[Plugin], output: &Path) -> Result<()> {
    let current: Vec<PathBuf> = plugins.iter().map(|plugin| component_path(plugin, output)).collect();
    for folder in [output.to_path_buf(), output.join("bad"), output.join("extra")] {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|ending| ending == "wasm") && !current.contains(&path) {
                fs::remove_file(&path).with_context(|| format!("{} can't be removed", path.display()))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn plugin(name: &str, library: &str) -> Plugin {
        Plugin { name: name.into(), id: format!("path+file:///w/plugins/{name}#0.1.0"), library: library.into() }
    }

    #[test]
    fn each_selection_includes_the_plugins_it_needs() {
        let included = |selection: Selection| {
            ["timeout", "extra/pbs", "bad/spin"].map(|name| selection.includes(&plugin(name, "library")))
        };
        assert_eq!(included(Selection::Embedded), [true, false, false]);
        assert_eq!(included(Selection::Installable), [true, true, false]);
        assert_eq!(included(Selection::All), [true, true, true]);
    }

    #[test]
    fn components_are_named_after_their_folders() {
        let folder = tempfile::tempdir().unwrap();
        let (built, output) = (folder.path().join("built"), folder.path().join("output"));
        fs::create_dir(&built).unwrap();
        fs::write(built.join("my_clock.wasm"), "clock").unwrap();
        fs::write(built.join("spin.wasm"), "spin").unwrap();
        copy_components(&[&plugin("my-clock", "my_clock"), &plugin("bad/spin", "spin")], &built, &output).unwrap();
        assert_eq!(fs::read(output.join("my-clock.wasm")).unwrap(), b"clock");
        assert_eq!(fs::read(output.join("bad/spin.wasm")).unwrap(), b"spin");
        assert_eq!(fs::read_dir(&output).unwrap().count(), 2, "no temporary file is left");
    }

    #[test]
    fn an_unchanged_component_keeps_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wasm");
        replace(&path, b"one").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        replace(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), SystemTime::UNIX_EPOCH);
        replace(&path, b"two").unwrap();
        assert_ne!(fs::metadata(&path).unwrap().modified().unwrap(), SystemTime::UNIX_EPOCH);
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }

    #[test]
    fn components_of_removed_plugins_are_deleted() {
        let output = tempfile::tempdir().unwrap();
        for name in ["kept.wasm", "gone.wasm", "bad/kept.wasm", "bad/gone.wasm", "extra/kept.wasm", "extra/gone.wasm"] {
            replace(&output.path().join(name), b"x").unwrap();
        }
        remove_stale(&["kept", "bad/kept", "extra/kept"].map(|name| plugin(name, "kept")), output.path()).unwrap();
        let left = |folder: &Path| {
            let mut names: Vec<String> = fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        assert_eq!(left(output.path()), ["bad", "extra", "kept.wasm"]);
        assert_eq!(left(&output.path().join("bad")), ["kept.wasm"]);
        assert_eq!(left(&output.path().join("extra")), ["kept.wasm"]);
    }
}
