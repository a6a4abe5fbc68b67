//! `cordboard plugin build`: builds a plugin in any supported language into `dist/NAME.wasm`.

mod js;
mod python;
mod rust;
mod stamp;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{error::DevError, generated_files, progress, project::Project};
use cordboard_core::rollout::short;
use cordboard_runtime::digest;
pub use js::{COMPONENTIZE_JS, JCO};
pub use python::COMPONENTIZE_PY;
use stamp::Stamp;

use crate::{cli::Language, stdout};

/// Builds the plugin in `folder`, and prints and returns the path of the component.
///
/// # Errors
/// The folder doesn't contain a valid plugin project, or a tool is missing or failed.
pub fn build(folder: &Path) -> Result<PathBuf, DevError> {
    let project = Project::open(folder)?;
    let built = bring_up_to_date(&project, Output::Shown)?;
    if built == BuildOutcome::UpToDate {
        progress::step(&format!("'{}' is up to date (delete dist/ to build it again)", project.name));
    }
    let component = project.component();
    let wasm = fs::read(&component).map_err(DevError::read(&component))?;
    stdout::print(&format!("{}  {}  sha256 {}\n", component.display(), size(wasm.len()), short(&digest(&wasm))))?;
    Ok(component)
}

/// Builds the plugin in `folder` for a command that uses the component. Because the command prints output itself, a
/// Rust build's progress is printed only if there is no component yet: the first build takes about a minute.
///
/// # Errors
/// The same as those of [`build`].
pub fn build_quietly(folder: &Path) -> Result<PathBuf, DevError> {
    let project = Project::open(folder)?;
    let component = project.component();
    bring_up_to_date(&project, if component.is_file() { Output::Errors } else { Output::Shown })?;
    Ok(component)
}

/// The part of a Rust build's output that is printed to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Shown,
    Errors,
}

/// The result of a build. For Rust it is always `Built`, because cargo itself skips unnecessary builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BuildOutcome {
    Built,
    /// The existing component was already built from the current sources and packages.
    UpToDate,
}

fn bring_up_to_date(project: &Project, output: Output) -> Result<BuildOutcome, DevError> {
    generated_files::refresh(project)?;
    match project.language {
        Language::Rust => install(&rust::build(project, output)?, &project.component()).map(|()| BuildOutcome::Built),
        Language::Python => build_if_changed(project, &python::installed(project)?, python::build),
        Language::Js => build_if_changed(project, &js::installed(project)?, js::build),
    }
}

/// Builds the plugin if its sources or packages have changed since the last build. Cargo checks this itself; the tools
/// for Python and JavaScript don't. `installed` is the folder of installed packages. Install the packages before
/// calling this function, because the installation adds files that count as sources.
fn build_if_changed(
    project: &Project,
    installed: &Path,
    build: impl FnOnce(&Project) -> Result<PathBuf, DevError>,
) -> Result<BuildOutcome, DevError> {
    let (component, stamp) = (project.component(), Stamp::of(project));
    if stamp.is_current(&component, installed) {
        return Ok(BuildOutcome::UpToDate);
    }
    let built = build(project)?;
    install(&built, &component)?;
    fs::remove_file(&built).map_err(DevError::write(&built))?;
    stamp.save(&component, installed);
    Ok(BuildOutcome::Built)
}

/// Copies `from` to a temporary file and renames that file to `to`, so that a watcher never sees a partial file.
/// Removes the write permissions of the group and of others: compilers follow the umask, and a host rejects a file that
/// others may write to.
pub fn install(from: &Path, to: &Path) -> Result<(), DevError> {
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(DevError::write(folder))?;
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.{}", std::process::id()));
    let install_file = || {
        fs::copy(from, &temporary)?;
        let mode = fs::metadata(&temporary)?.permissions().mode();
        fs::set_permissions(&temporary, fs::Permissions::from_mode(mode & !0o022))?;
        fs::rename(&temporary, to)
    };
    install_file().map_err(|source| {
        drop(fs::remove_file(&temporary));
        DevError::Write { path: to.to_owned(), source }
    })
}

pub fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KB", bytes as f64 / 1024.0),
        1_048_576.. => format!("{:.1} MB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_its_unit() {
        assert_eq!([size(12), size(60_000), size(18 << 20)], ["12 B", "58.6 KB", "18.0 MB"]);
    }

    #[test]
    fn a_component_is_installed_atomically() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("a.wasm"), folder.path().join("dist/b.wasm"));
        fs::write(&from, "new").expect("written");
        fs::set_permissions(&from, fs::Permissions::from_mode(0o664)).expect("as under umask 002");
        install(&from, &to).expect("placed");
        assert!(cordboard_watch::check_private(&to).is_ok(), "a host would accept it");
        assert_eq!(fs::read(&to).expect("there"), b"new");
        assert_eq!(
            fs::read_dir(to.parent().expect("a folder")).expect("listed").count(),
            1,
            "no temporary file is left"
        );
    }
}
